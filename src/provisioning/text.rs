//! Names and tags as they are stored: plain text, never markup.

/// Rounds of unpacking before text that keeps turning into markup is cut back to nothing.
const ROUNDS: usize = 8;

/// HTML to text: tags, comments, scripts and styles dropped, entities decoded, blanks trimmed.
///
/// Repeated until nothing changes, so that `&lt;b&gt;` cannot come back as markup after a client's
/// round trip, and a stored name stays what it is when it is sent again.
pub fn plain(text: &str) -> String {
    let mut current = text.to_owned();
    for _ in 0..ROUNDS {
        let next = once(&current);
        if next == current {
            return next;
        }
        current = next;
    }
    String::new()
}

fn once(text: &str) -> String {
    // Most names hold neither; the parser costs more than the look.
    let stripped = if text.contains(['<', '&']) {
        let markup_free = ammonia::Builder::empty()
            .clean_content_tags(["script", "style"].into())
            .clean(text)
            .to_string();
        html_escape::decode_html_entities(&markup_free).into_owned()
    } else {
        text.to_owned()
    };
    stripped
        .chars()
        .filter(|character| !character.is_control() || character.is_whitespace())
        .map(|character| {
            if character.is_whitespace() {
                ' '
            } else {
                character
            }
        })
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Trimmed, without markup, without empty ones and repetitions, in the order given.
pub fn tags(given: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(given.len());
    for tag in given {
        let tag = plain(tag);
        if !tag.is_empty() && !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    kept
}

/// Texts that a person was meant to replace: `<INSERT_FRESH_NAME>`, `<Add_Your_Tag>`.
///
/// Words in angle brackets joined by underscores, beginning with a request to fill in. Markup never
/// looks like that, and no credential is refused for merely having brackets.
pub fn placeholders(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let end = rest[1..].find(['<', '>']).map(|at| at + 1);
        match end {
            Some(end) if rest[end..].starts_with('>') => {
                if is_request_to_fill_in(&rest[1..end]) {
                    found.push(&rest[..=end]);
                }
                rest = &rest[end..];
            }
            Some(end) => rest = &rest[end..],
            None => break,
        }
    }
    found
}

fn is_request_to_fill_in(inner: &str) -> bool {
    let word = |character: char| character.is_ascii_alphanumeric() || "_- .".contains(character);
    let mut words = inner.split(['_', '-', ' ']);
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    matches!(
        first.as_str(),
        "insert" | "add" | "your" | "enter" | "replace"
    ) && words.next().is_some_and(|second| !second.is_empty())
        && inner.chars().all(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_goes_and_text_stays() {
        for (given, expected) in [
            (
                "<a href=\"#\" onClick=\"alert(1)\">acme-sync</a>",
                "acme-sync",
            ),
            ("<b>@acme</b>", "@acme"),
            ("plain", "plain"),
            ("  two  words ", "two  words"),
            ("a < b & c > d", "a < b & c > d"),
            ("R&amp;D", "R&D"),
            ("&lt;b&gt;x&lt;/b&gt;", "x"),
            ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;", ""),
            ("x<script>alert(1)</script>y", "xy"),
            ("x<style>p{}</style>y<!-- no -->z", "xyz"),
            ("line\nbreak\u{0}\u{7}", "line break"),
            ("<img src=x onerror=alert(1)>", ""),
            ("", ""),
        ] {
            assert_eq!(plain(given), expected, "{given}");
        }
    }

    #[test]
    fn tags_are_trimmed_and_unique() {
        let given = [" a ", "b", "a", "<i>b</i>", "", "<br>"].map(String::from);
        assert_eq!(tags(&given), ["a", "b"]);
    }

    #[test]
    fn placeholders_are_told_from_markup_and_passwords() {
        for (text, expected) in [
            ("<INSERT_USERNAME>", &["<INSERT_USERNAME>"][..]),
            ("x <Insert_Instance_Name> y", &["<Insert_Instance_Name>"]),
            ("<b><Add_Your_Tag></b>", &["<Add_Your_Tag>"]),
            ("<YOUR-NAME>", &["<YOUR-NAME>"]),
            ("<<INSERT_X>", &["<INSERT_X>"]),
            ("<INSERT_A>.<b><INSERT_B>", &["<INSERT_A>", "<INSERT_B>"]),
            ("<insert>", &[]),
            ("<a href=\"#\">acme</a>", &[]),
            ("p<a>ss_word>", &[]),
            ("<INSERT_", &[]),
            ("a < b_c > d", &[]),
        ] {
            assert_eq!(placeholders(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_second_pass_changes_nothing(text in "(<|>|&|;|lt|amp|b|/| |\"|script|#60|x3c|\\PC){0,24}") {
            let once = plain(&text);
            prop_assert_eq!(plain(&once), once);
        }

        #[test]
        fn no_control_character_survives(text in any::<String>()) {
            prop_assert!(plain(&text).chars().all(|c| !c.is_control()));
        }

        #[test]
        fn looking_for_placeholders_never_fails(text in "(<|>|INSERT|_|\\PC){0,24}") {
            let _ = placeholders(&text);
        }
    }
}
