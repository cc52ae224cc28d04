//! Taking members that are null out of a record.

use std::borrow::Cow;

/// `json` without the members of objects that are null, at every depth; items of arrays stay. What
/// holds none is not copied. `json` is known to be valid: it came out of a JSON reader.
pub fn without_nulls(json: &str) -> Cow<'_, str> {
    if !json.contains("null") {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    // Of each object or array around: whether something stands in it already.
    let mut open: Vec<bool> = Vec::new();
    // A member's name and colon, until its value is known.
    let mut name: Option<&str> = None;
    let mut rest = json;
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b' ' | b'\n' | b'\r' | b'\t' | b',' | b':' => {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            b'"' => text_length(rest),
            b'{' | b'[' | b'}' | b']' => 1,
            _ => rest
                .find(|c: char| matches!(c, ',' | '}' | ']') || c.is_ascii_whitespace())
                .unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = after;
        if matches!(token, "}" | "]") {
            open.pop();
            out.push_str(token);
            continue;
        }
        if first == b'"' && name.is_none() && rest.trim_ascii_start().starts_with(':') {
            name = Some(token);
            continue;
        }
        if let Some(_null_member) = name.take_if(|_| token == "null") {
            continue;
        }
        if let Some(filled) = open.last_mut()
            && std::mem::replace(filled, true)
        {
            out.push(',');
        }
        if let Some(name) = name.take() {
            out.push_str(name);
            out.push(':');
        }
        out.push_str(token);
        if matches!(token, "{" | "[") {
            open.push(false);
        }
    }
    Cow::Owned(out)
}

/// Of a JSON string with its quotes.
fn text_length(json: &str) -> usize {
    let bytes = json.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}
