//! Slips that people make in JSON text, found so that they can be told.

/// What is wrong with a text that is no JSON, with the place of it.
pub fn wrong_json(text: &str, error: &serde_json::Error) -> String {
    // A line break inside a text is found where the next line begins.
    let unclosed = error.column() == 0 && error.line() > 1;
    let line = error.line() - usize::from(unclosed);
    if let Some((line, column, quote)) = curly_quote(text, line) {
        return format!(
            "Request body is not valid JSON: line {line}, column {column} has the curly quote \
             {quote}; JSON needs the straight quote \"."
        );
    }
    if unclosed {
        return format!(
            "Request body is missing or is not valid JSON: a text that begins in line {line} does \
             not end there."
        );
    }
    format!(
        "Request body is missing or is not valid JSON: {} at line {}, column {}.",
        if error.is_eof() {
            "it ends too early"
        } else {
            "unexpected character"
        },
        error.line(),
        error.column()
    )
}

/// The first curly quote at or before the line the parser stopped at that stands where a straight
/// one should: outside every straight-quoted text, or closing one without having opened it. Lines
/// and columns count characters from 1.
pub fn curly_quote(text: &str, last_line: usize) -> Option<(usize, usize, char)> {
    for (number, line) in text.lines().enumerate().take(last_line.max(1)) {
        let (mut inside, mut escaped, mut opened) = (false, false, 0_usize);
        for (column, character) in line.chars().enumerate() {
            let found = Some((number + 1, column + 1, character));
            match character {
                _ if escaped => escaped = false,
                '\\' if inside => escaped = true,
                '"' => (inside, opened) = (!inside, 0),
                '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' | '\u{2018}' | '\u{2019}'
                    if !inside =>
                {
                    return found;
                }
                '\u{201c}' | '\u{201e}' | '\u{201f}' => opened += 1,
                // The parser stops in the line of a text that never ended.
                '\u{201d}' if opened == 0 && number + 1 == last_line => return found,
                '\u{201d}' => opened = opened.saturating_sub(1),
                _ => {}
            }
        }
    }
    None
}
