//! Query strings: repeated and bracketed keys, the words clients send for "nothing", page tokens.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;

use crate::error::{Error, Result};

/// Records per page when the caller does not say.
const DEFAULT_PAGE_SIZE: i64 = 200;
/// Records per page at most; more is cut down.
const LARGEST_PAGE_SIZE: i64 = 1000;

/// Decoded pairs in the order sent. `+` means blank.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let query = Self::parse(parts.uri.query().unwrap_or_default());
        // No text in the database can hold it, so nothing can match.
        if let Some((name, _)) = query.0.iter().find(|(_, value)| value.contains('\0')) {
            return Err(Error::Invalid(format!(
                "Query parameter '{}' holds a NUL character; remove it.",
                name.escape_debug()
            )));
        }
        Ok(query)
    }
}

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        Self(
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// All of it. Of a name that occurs twice, the last counts.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }

    /// The first value that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Every value of `name` or `name[]`.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(key, value)| {
                key.strip_suffix("[]").unwrap_or(key) == name && !value.is_empty()
            })
            .map(|(_, value)| value.clone())
            .collect()
    }

    pub fn boolean(&self, name: &str) -> Result<Option<bool>> {
        match self.get(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Error::Invalid(format!(
                "Query parameter '{name}' must be true or false."
            ))),
        }
    }

    pub fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    Error::Invalid(format!("Query parameter '{name}' must be a whole number."))
                })
            })
            .transpose()
    }

    /// `pageSize`: at least 1, cut down to the largest page.
    pub fn page_size(&self) -> Result<i64> {
        match self.number::<i64>("pageSize")? {
            None => Ok(DEFAULT_PAGE_SIZE),
            Some(size) if size >= 1 => Ok(size.min(LARGEST_PAGE_SIZE)),
            Some(_) => Err(Error::Invalid(
                "Query parameter 'pageSize' must be 1 or more.".into(),
            )),
        }
    }

    /// `nextPage`: the number in the token, as given to [`page_token`]. Empty, `null` and `undefined` mean the start.
    pub fn next_page(&self) -> Result<Option<i64>> {
        match self.get("nextPage") {
            None | Some("null" | "undefined") => Ok(None),
            Some(token) => read_page_token(token).map(Some).ok_or_else(Self::no_token),
        }
    }

    /// 400 for a `nextPage` that was not made here.
    pub fn no_token() -> Error {
        Error::Invalid(
            "Query parameter 'nextPage' is not a token of this server; use the header \
             Elements-Next-Page-Token of the page before."
                .into(),
        )
    }

    /// A filter language that this list does not speak is refused rather than ignored: the caller
    /// would take the unfiltered list for the answer.
    pub fn refuse_where(&self) -> Result<()> {
        match self.get("where") {
            None => Ok(()),
            Some(_) => Err(Error::Invalid(
                "Query parameter 'where' is not supported on this list.".into(),
            )),
        }
    }
}

/// Opaque to callers; holds where the next page starts, usually the last id of this one.
pub fn page_token(position: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("a{position}"))
}

fn read_page_token(token: &str) -> Option<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok()?;
    let id = std::str::from_utf8(&bytes).ok()?.strip_prefix('a')?;
    id.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn arrays_with_and_without_brackets() {
        let query = Query::parse("tags%5B%5D=a+b&tags[]=c&tags=d&tags[]=");
        assert_eq!(query.all("tags"), ["a b", "c", "d"]);
    }

    #[test]
    fn page_sizes() {
        let size = |text| {
            Query::parse(text)
                .page_size()
                .map_err(|error| error.to_string())
        };
        assert_eq!(size(""), Ok(200));
        assert_eq!(size("pageSize=7"), Ok(7));
        assert_eq!(size("pageSize=999999"), Ok(1000));
        for bad in ["pageSize=0", "pageSize=-1", "pageSize=x", "pageSize=1.5"] {
            assert!(size(bad).expect_err(bad).contains("pageSize"), "{bad}");
        }
    }

    #[test]
    fn the_start_of_a_walk() {
        for start in ["", "nextPage=", "nextPage=null", "nextPage=undefined"] {
            assert!(
                matches!(Query::parse(start).next_page(), Ok(None)),
                "{start}"
            );
        }
        assert!(Query::parse("nextPage=abc").next_page().is_err());
    }

    #[test]
    fn an_unknown_filter_is_refused() {
        assert!(Query::parse("where=").refuse_where().is_ok());
        assert!(Query::parse("where=a%3D1").refuse_where().is_err());
    }

    proptest! {
        #[test]
        fn tokens_round_trip(id in any::<i64>()) {
            prop_assert_eq!(read_page_token(&page_token(id)), Some(id));
        }

        #[test]
        fn other_text_is_no_token_or_a_number(text in "\\PC{0,40}") {
            let _ = read_page_token(&text);
        }
    }
}
