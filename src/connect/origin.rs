//! Where a page may lead back to: exact origins that the organization has allowed, and no others,
//! or a link of ours would send people wherever somebody likes.

use crate::app::shortened;
use crate::clients::web_url;
use crate::error::{Error, Result};
use crate::ids::OrganizationId;
use crate::store::Store;

const URL_LIMIT: usize = 2000;
const ORIGINS_LIMIT: usize = 50;

pub async fn return_origins(store: &Store, organization: OrganizationId) -> Result<Vec<String>> {
    let settings = store.org(organization).connect_settings().await?;
    Ok(settings.return_origins)
}

/// # Errors
/// 400 naming the one that is wrong.
fn checked_origins(given: &[String]) -> Result<Vec<String>> {
    if given.len() > ORIGINS_LIMIT {
        return Err(Error::Invalid(format!(
            "'returnOrigins' has more than {ORIGINS_LIMIT} entries."
        )));
    }
    let mut origins = Vec::new();
    for text in given {
        let origin = origin(text).map_err(|why| {
            Error::Invalid(format!("'returnOrigins': '{}' {why}", shortened(text)))
        })?;
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(origins)
}

/// Takes the place of those there are.
///
/// # Errors
/// 400 naming the one that is wrong.
pub async fn set_return_origins(
    store: &Store,
    organization: OrganizationId,
    given: &[String],
) -> Result<Vec<String>> {
    let origins = checked_origins(given)?;
    let store = store.org(organization);
    store.set_return_origins(&origins).await?;
    Ok(origins)
}

fn origin(text: &str) -> Result<String, &'static str> {
    let url = web_url(text)?;
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !bare {
        return Err("must end after host and port, as in https://app.example.com");
    }
    Ok(url.origin().ascii_serialization())
}

/// # Errors
/// 400.
pub fn check_return_url(text: &str, allowed: &[String]) -> Result<()> {
    let wrong = |why: &str| Error::Invalid(format!("'returnUrl' {why}"));
    if text.len() > URL_LIMIT {
        return Err(wrong(&format!("is longer than {URL_LIMIT} bytes.")));
    }
    let url = web_url(text).map_err(wrong)?;
    if url.fragment().is_some() {
        return Err(wrong("must not have a fragment (#…)."));
    }
    let origin = url.origin().ascii_serialization();
    if allowed.contains(&origin) {
        return Ok(());
    }
    Err(wrong(&format!(
        "leads to {}, which your organization has not allowed; an administrator allows it with \
         PUT /connect/settings {{\"returnOrigins\":[…]}}.",
        shortened(&origin)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_urls() {
        let allowed = checked_origins(&[
            "https://App.example/".into(),
            "http://127.0.0.1:3000".into(),
            "https://app.example:8443".into(),
        ])
        .expect("origins");
        for good in [
            "https://app.example",
            "https://app.example/back?a=b",
            "https://APP.example:443/",
            "https://app.example:8443/x",
            "http://127.0.0.1:3000/x",
        ] {
            check_return_url(good, &allowed).expect(good);
        }
        for bad in [
            "",
            "/back",
            "//app.example",
            "http://app.example/",
            "https://app.example.evil.example/",
            "https://app.example@evil.example/",
            "https://evil.example/?https://app.example",
            "https://evil.example\\@app.example/",
            "https://app.example:444/",
            "https://sub.app.example/",
            "http://127.0.0.1:3001/",
            "https://app.example/#x",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://app.example/\n",
        ] {
            let error = check_return_url(bad, &allowed).expect_err(bad);
            assert!(error.to_string().starts_with("'returnUrl'"), "{error}");
        }
        assert!(check_return_url("https://app.example/", &[]).is_err());
    }

    #[test]
    fn origins() {
        for bad in [
            "https://a.example/x",
            "http://a.example",
            "https://*.a.example/?",
            "a.example",
        ] {
            assert!(checked_origins(&[bad.into()]).is_err(), "{bad}");
        }
        let twice = [
            "https://a.example".to_owned(),
            "https://a.example:443/".to_owned(),
        ];
        assert_eq!(
            checked_origins(&twice).expect("origins"),
            ["https://a.example"]
        );
    }
}
