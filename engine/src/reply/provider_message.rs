//! The vendor's own words: found where vendors put them, made short and plain, and freed of every
//! secret that the vendor may have echoed.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::{Content, Seen};
use crate::configuration::{MASK, Values};
use crate::language::{AnswerPath, Filter};

/// Characters at most; longer texts are cut.
const LIMIT: usize = 500;

/// Bytes of a vendor's text that are looked at: taking secrets out costs per byte.
const LOOKED_AT: usize = 16 * 1024;

/// Secrets shorter than this are only taken out where they stand as a word: "a" inside of every
/// other word tells nothing.
const SHORT: usize = 4;

/// Where vendors put their text, most telling first.
static PLACES: LazyLock<Option<AnswerPath>> = LazyLock::new(|| {
    AnswerPath::parse(
        "message || errors[0].message || description || error_description || error_message \
         || error.message || error || errors[0].detail || errors[0] || detail || [0].message \
         || Envelope.Body.Fault.faultstring || Envelope.Body.Fault.Reason.Text",
    )
    .ok()
});

/// `None` when the vendor said nothing that can be shown. `words` is the definition's own place.
pub(super) fn find(seen: &Seen<'_>, words: Option<&AnswerPath>, values: &Values) -> Option<String> {
    let text = match &seen.json {
        Some(json) => words
            .and_then(|words| words.find_text(json, values))
            .or_else(|| PLACES.as_ref()?.find_text(json, values))
            .or_else(|| json.as_str().map(str::to_owned))?,
        None => plain_text(seen)?,
    };
    if looks_like_markup(&text) {
        return None;
    }
    let text = without_secrets(text, values)?;
    let text = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    match text.char_indices().nth(LIMIT) {
        _ if text.is_empty() => None,
        Some((end, _)) => Some(format!("{}…", text.get(..end)?)),
        None => Some(text),
    }
}

/// The whole body of a refusal in plain words; broken JSON and pages are none.
fn plain_text(seen: &Seen<'_>) -> Option<String> {
    let status = seen.reply.status;
    let refusal = status.is_client_error() || status.is_server_error();
    let body = &seen.reply.body;
    let text = match std::str::from_utf8(body.get(..LOOKED_AT * 2).unwrap_or(body)) {
        Ok(text) => text,
        // Cut in the middle of a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(body.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let plain = seen.content != Some(Content::Html) && !text.trim_start().starts_with(['{', '[']);
    (refusal && plain).then(|| text.to_owned())
}

fn looks_like_markup(text: &str) -> bool {
    text.split('<').skip(1).any(|after| {
        after.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
    })
}

/// Replaces the secret values of the configuration, in the forms in which they were sent too. `None`:
/// the text is long, and what could be told of it ends with part of a secret.
pub(crate) fn without_secrets(mut text: String, values: &Values) -> Option<String> {
    let secrets: Vec<&str> = values
        .values()
        .filter(|value| value.is_secret() && !value.reveal().is_empty())
        .map(|value| value.reveal())
        .collect();
    let mut forms: Vec<String> = Vec::new();
    for secret in &secrets {
        forms.push((*secret).to_owned());
        forms.push(secret.trim().to_owned());
        for filter in [Filter::Json, Filter::Xml, Filter::Url] {
            forms.extend(filter.apply(secret).ok());
        }
        let quoted = serde_json::Value::from(*secret).to_string();
        forms.push(quoted.trim_matches('"').to_owned());
        forms.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
        // Basic credentials: the secret as password of any value, and as user name.
        let pairs = values
            .values()
            .map(|user| format!("{}:{secret}", user.reveal()))
            .chain([
                (*secret).to_owned(),
                format!("{secret}:"),
                format!("{secret}:X"),
            ]);
        for pair in pairs {
            for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
                forms.push(engine.encode(&pair));
            }
        }
    }
    forms.retain(|form| !form.is_empty());
    // Longest first, so that no part of a longer form is left.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    // What is cut off may begin with part of a secret: as much as the longest form goes with it.
    let cut = text.len() > LOOKED_AT;
    let longest = forms.first().map_or(0, String::len);
    if cut {
        text.truncate(text.floor_char_boundary(LOOKED_AT));
    }
    for form in forms {
        text = if form.chars().count() < SHORT {
            without_word(&text, &form)
        } else {
            text.replace(&form, MASK)
        };
    }
    if cut {
        let kept = text.len().checked_sub(longest)?;
        text.truncate(text.floor_char_boundary(kept));
    }
    Some(text)
}

fn without_word(text: &str, word: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        let is_word =
            !kept_ends_in_word(&kept, before) && !after.starts_with(char::is_alphanumeric);
        kept.push_str(before);
        kept.push_str(if is_word { MASK } else { word });
        rest = after;
    }
    kept.push_str(rest);
    kept
}

fn kept_ends_in_word(kept: &str, before: &str) -> bool {
    let last = before
        .chars()
        .next_back()
        .or_else(|| kept.chars().next_back());
    last.is_some_and(char::is_alphanumeric)
}
