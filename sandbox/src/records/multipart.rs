//! `multipart/form-data` as calls with files send it: names, texts and files, in their order.

use bytes::Bytes;

use crate::vendor::Call;

#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// There for files only.
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub bytes: Bytes,
}

impl Part {
    /// The value of a part that is no file.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The parts, or nothing when the body is of another type. A body that breaks off is an error in words.
pub fn parts(call: &Call) -> Option<Result<Vec<Part>, &'static str>> {
    let value = call.header("content-type")?;
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    Some(match parameter(parameters, "boundary") {
        Some(boundary) if !boundary.is_empty() => split(&call.body, &boundary),
        _ => Err("the boundary is missing"),
    })
}

fn split(body: &Bytes, boundary: &str) -> Result<Vec<Part>, &'static str> {
    const BROKEN: &str = "the body ends before its last boundary";
    let line = format!("--{boundary}");
    let mut at = find(body, line.as_bytes(), 0).ok_or(BROKEN)? + line.len();
    let mut parts = Vec::new();
    let delimiter = format!("\r\n{line}");
    loop {
        let rest = body.get(at..).ok_or(BROKEN)?;
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let head = find(body, b"\r\n\r\n", at).ok_or(BROKEN)?;
        let end = find(body, delimiter.as_bytes(), head + 2).ok_or(BROKEN)?;
        // A part without content: its empty line and the delimiter share a line break.
        let content = body.slice((head + 4).min(end)..end);
        let headers = String::from_utf8_lossy(&body[at..head]).into_owned();
        parts.push(part(&headers, content)?);
        at = end + delimiter.len();
    }
}

fn part(headers: &str, bytes: Bytes) -> Result<Part, &'static str> {
    let header = |wanted: &str| {
        let mut lines = headers.lines().filter_map(|line| line.split_once(':'));
        lines.find_map(|(name, value)| {
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim())
        })
    };
    let disposition = header("content-disposition").ok_or("a part has no Content-Disposition")?;
    Ok(Part {
        name: parameter(disposition, "name").ok_or("a part has no name")?,
        file_name: parameter(disposition, "filename"),
        content_type: header("content-type").map(str::to_owned),
        bytes,
    })
}

/// A parameter of a header's value, with or without quotes.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut left = text;
    loop {
        let place = left.find(wanted)?;
        let before = left[..place].chars().next_back();
        left = &left[place + wanted.len()..];
        let starts = before.is_none_or(|letter| matches!(letter, ';' | ' ' | '\t'));
        let Some(value) = left.strip_prefix('=').filter(|_| starts) else {
            continue;
        };
        let Some(quoted) = value.strip_prefix('"') else {
            let end = value.find([';', ' ']).unwrap_or(value.len());
            return Some(value[..end].to_owned());
        };
        let mut found = String::new();
        let mut letters = quoted.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => return Some(found),
                '\\' => found.extend(letters.next()),
                letter => found.push(letter),
            }
        }
        return None;
    }
}

fn find(within: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = within.get(from..)?;
    let mut places = rest.windows(wanted.len());
    places
        .position(|window| window == wanted)
        .map(|place| place + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_files_come_apart() {
        let body = Bytes::from_static(
            b"preamble\r\n--X\r\nContent-Disposition: form-data; name=\"tags[]\"\r\n\r\none\r\n--X\r\nContent-Disposition: form-data; filename=\"a \\\"b\\\".txt\"; name=file\r\nContent-Type: text/plain\r\n\r\nline\r\n--Y\r\n--X\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--X--\r\n",
        );
        let parts = split(&body, "X").expect("parts");
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["tags[]", "file", "empty"]);
        assert_eq!(parts[0].text(), "one");
        assert_eq!(parts[1].file_name.as_deref(), Some("a \"b\".txt"));
        assert_eq!(parts[1].text(), "line\r\n--Y");
        assert_eq!(parts[2].text(), "");
    }

    #[test]
    fn a_body_that_breaks_off_is_refused() {
        for body in [
            "",
            "--X",
            "--X\r\nContent-Disposition: form-data; name=a\r\n\r\ntext",
            "--X\r\nno: name\r\n\r\n\r\n--X--",
        ] {
            assert!(split(&Bytes::from(body.to_owned()), "X").is_err(), "{body}");
        }
    }
}
