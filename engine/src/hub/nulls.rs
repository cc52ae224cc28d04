//! Taking members that are null out of a record.

use std::borrow::Cow;

use super::scan::text_length;

/// `json` without the members of objects that are null, at every depth; items of arrays stay. What
/// holds none is not copied. `json` is known to be valid: it came out of a JSON reader.
pub fn without_nulls(json: &str) -> Cow<'_, str> {
    if !json.contains("null") {
        return Cow::Borrowed(json);
    }
    let bytes = json.as_bytes();
    let mut out = String::with_capacity(json.len());
    // What is before has been copied or left out.
    let mut copied = 0;
    let mut comma = 0;
    // Whether the object around has a member that stays.
    let mut filled = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let name = at;
                at += text_length(bytes.get(at..).unwrap_or_default());
                let value = after(bytes, at);
                if bytes.get(value) != Some(&b':') {
                    continue;
                }
                at = after(bytes, value + 1);
                if !bytes
                    .get(at..)
                    .is_some_and(|rest| rest.starts_with(b"null"))
                {
                    filled = true;
                    continue;
                }
                at += 4;
                let begin = if filled { comma } else { name };
                out.push_str(json.get(copied..begin).unwrap_or_default());
                let next = after(bytes, at);
                if !filled && bytes.get(next) == Some(&b',') {
                    at = next + 1;
                }
                copied = at;
            }
            b',' => {
                comma = at;
                at += 1;
            }
            b'{' => {
                filled = false;
                at += 1;
            }
            b'}' | b']' => {
                filled = true;
                at += 1;
            }
            _ => at += 1,
        }
    }
    out.push_str(json.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// Behind what is blank.
fn after(json: &[u8], at: usize) -> usize {
    let rest = json.get(at..).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace());
    at + blank.count()
}
