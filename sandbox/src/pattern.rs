//! Patterns with `*` for hosts and paths, as faults and journal queries use them.

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters, also an empty one.
///
/// Only the last star is ever taken up again, so that the work stays below the product of the two lengths.
pub fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut position) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while position < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(byte) if *byte == text[position] => {
                at += 1;
                position += 1;
            }
            _ => match star {
                Some((place, eaten)) => {
                    star = Some((place, eaten + 1));
                    at = place + 1;
                    position = eaten + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_any_run() {
        assert!(fits("*", ""));
        assert!(fits("*", "/anything"));
        assert!(fits("*.vendor.example", "acme.vendor.example"));
        assert!(fits("/api/*/me", "/api/v2/agents/me"));
        assert!(fits("a*b*c", "aXbXbXc"));
        assert!(fits("/same", "/same"));
        assert!(!fits("*.vendor.example", "vendor.example"));
        assert!(!fits("/same", "/same/more"));
        assert!(!fits("/same/more", "/same"));
        assert!(!fits("a*b", "aXbX"));
        assert!(!fits("", "x"));
    }
}
