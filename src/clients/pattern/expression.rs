//! Of regular expressions that name a host: what must be known of them before they are compiled.

/// The end of the host is looked for in one place, so it must be the end of each alternative, and the
/// port must not belong to one of them.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check_parts(host: &str) -> Result<(), String> {
    let host = host.replace("(?:", "(");
    let mut groups = 0_usize;
    let mut in_class = false;
    let mut before = ' ';
    let mut signs = host.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => drop(signs.next()),
            // Here a bracket stands for itself, or begins another class.
            '[' | ']' if in_class && (sign == '[' || matches!(before, '[' | '^')) => {
                return Err("has brackets within brackets.".into());
            }
            '[' => in_class = true,
            ']' => in_class = false,
            _ if in_class => {}
            '(' => groups += 1,
            ')' => groups = groups.saturating_sub(1),
            '|' if groups == 0 => {
                return Err(
                    "has alternatives of a host that are not in parentheses; name each \
                            as a pattern of its own."
                        .into(),
                );
            }
            ':' if groups > 0 => return Err("must not have a port in parentheses.".into()),
            _ => {}
        }
        before = sign;
    }
    Ok(())
}

/// Whether something of it stands for many signs, or one of many: more than the names written in it.
pub(super) fn is_open(name: &str) -> bool {
    let mut escaped = false;
    for sign in name.chars() {
        let stands_for_itself = match sign {
            '[' | '*' | '+' | '{' => false,
            // `\w`, `\d` and their like.
            sign if escaped => !sign.is_ascii_alphanumeric(),
            _ => true,
        };
        if !stands_for_itself {
            return true;
        }
        escaped = sign == '\\' && !escaped;
    }
    false
}
