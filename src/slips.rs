//! Slips that people make in JSON text, found so that they can be told.

/// The first curly quote at or before the line the parser stopped at, where the text is not inside
/// a straight-quoted string. Lines and columns count characters from 1.
pub fn curly_quote(text: &str, last_line: usize) -> Option<(usize, usize, char)> {
    for (number, line) in text.lines().enumerate().take(last_line.max(1)) {
        let (mut inside, mut escaped) = (false, false);
        for (column, character) in line.chars().enumerate() {
            match character {
                _ if escaped => escaped = false,
                '\\' if inside => escaped = true,
                '"' => inside = !inside,
                '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' | '\u{2018}' | '\u{2019}'
                    if !inside =>
                {
                    return Some((number + 1, column + 1, character));
                }
                _ => {}
            }
        }
    }
    None
}
