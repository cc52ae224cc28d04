//! Operator's detours: calls to matching hosts go to another origin, everything else about
//! them unchanged. The guard judges the vendor's URL before a route is looked up, so a route
//! widens nothing for a tenant.

use url::{Host, Position, Url};

use super::guard::check_name;

/// `PATTERN=URL`: `*.vendor.example=http://127.0.0.1:9000`, an exact host, or `*`.
#[derive(Debug, Clone)]
pub struct VendorRoute {
    pattern: Pattern,
    origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Any,
    /// With the dot in front.
    Suffix(String),
    Exact(String),
}

/// Scheme, host and port, checked to be no more than that.
#[derive(Debug, Clone)]
pub(super) struct Origin(Url);

const FLAG: &str = "--vendor-route (BUNSEN_VENDOR_ROUTES)";

impl VendorRoute {
    /// The message names the flag and shows the pattern; the URL might hold a password, so it
    /// is not repeated.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (pattern, target) = text.split_once('=').ok_or_else(|| {
            format!("{FLAG}: expected PATTERN=URL, as in *.vendor.example=http://127.0.0.1:9000")
        })?;
        let place = format!("{FLAG}: '{pattern}'");
        let parsed = Pattern::parse(pattern).ok_or_else(|| {
            format!("{place}: the pattern must be *, *.DOMAIN or a full host name without a port")
        })?;
        let url = Url::parse(target).map_err(|error| format!("{place}: the URL: {error}"))?;
        Ok(Self {
            pattern: parsed,
            origin: Origin::new(url).map_err(|wrong| format!("{place}: {wrong}"))?,
        })
    }

    pub(super) fn origin_for(&self, host: &str) -> Option<&Origin> {
        let matches = match &self.pattern {
            Pattern::Any => true,
            // With a label in front, and because of its dot only at a label's boundary.
            Pattern::Suffix(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            Pattern::Exact(exact) => host == exact,
        };
        matches.then_some(&self.origin)
    }
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let (domain, is_suffix) = match text.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (text, false),
        };
        let Ok(Host::Domain(domain)) = Host::parse(domain) else {
            return None;
        };
        if is_suffix {
            // Checked with a label in front, as it will be matched: `*.example` is fine.
            let suffix = format!(".{domain}");
            return check_name(&format!("a{suffix}"), true)
                .is_ok()
                .then_some(Self::Suffix(suffix));
        }
        check_name(&domain, true)
            .is_ok()
            .then_some(Self::Exact(domain))
    }
}

impl Origin {
    pub(super) fn new(url: Url) -> Result<Self, &'static str> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the URL must start with http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL must not hold a user name or password");
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("the URL must end after host and port: calls keep their own path");
        }
        Ok(Self(url))
    }

    /// The same host, path and query below this origin.
    pub(super) fn stand_in(&self, url: &Url) -> Option<Url> {
        let origin = self.as_str();
        let host = url.host_str()?;
        let rest = &url[Position::BeforePath..Position::AfterQuery];
        Url::parse(&format!("{origin}/_host/{host}{rest}")).ok()
    }

    /// Scheme, host and port, before a path.
    pub(super) fn as_str(&self) -> &str {
        &self.0[..Position::BeforePath]
    }
}
