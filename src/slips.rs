//! Slips that people make in JSON text, found so that they can be told.

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
