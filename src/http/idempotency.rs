//! The header `Idempotency-Key`, with the body that it belongs to.

use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::json;
use crate::ids::RequestFingerprint;
use crate::store::RequestKey;

const HEADER: &str = "idempotency-key";
/// Characters at most.
const KEY_LIMIT: usize = 255;

/// A JSON body, and what its request is known by if it has a key.
#[derive(Debug)]
pub struct KeyedBody<T> {
    pub body: T,
    fingerprints: Option<Vec<RequestFingerprint>>,
}

impl<T> KeyedBody<T> {
    /// What the request is known by on this route, if it has a key.
    pub fn key(&self, route: String) -> Option<RequestKey> {
        let fingerprints = self.fingerprints.clone()?;
        Some(RequestKey {
            link: None,
            route,
            fingerprints,
        })
    }
}

impl<T: DeserializeOwned> FromRequest<App> for KeyedBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let key = key(request.headers())?;
        let bytes = json::body(request, app).await?;
        Ok(Self {
            body: json::parse(&bytes)?,
            fingerprints: key.map(|key| app.vault().request_fingerprints(&key, &bytes)),
        })
    }
}

/// # Errors
/// 400 for a key that is none.
pub fn key(headers: &HeaderMap) -> Result<Option<String>> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if values.next().is_some() || text.is_empty() || text.len() > KEY_LIMIT || !visible {
        return Err(Error::Invalid(format!(
            "The header Idempotency-Key must be one text of 1 to {KEY_LIMIT} visible ASCII \
             characters, without blanks."
        )));
    }
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, value.parse().expect("a header value"));
            }
            key(&headers).map_err(drop)
        };
        let longest = "k".repeat(KEY_LIMIT);
        assert_eq!(read(&[]), Ok(None));
        for good in ["a", "7f3-\"x\"", longest.as_str()] {
            assert_eq!(read(&[good]), Ok(Some(good.to_owned())));
        }
        assert_eq!(read(&[" a "]), Ok(Some("a".to_owned())));
        for bad in [
            &[""][..],
            &["  "],
            &["a b"],
            &["a", "a"],
            &[&format!("{longest}k")],
        ] {
            assert_eq!(read(bad), Err(()), "{bad:?}");
        }
    }
}
