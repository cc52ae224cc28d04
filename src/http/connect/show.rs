//! The pages as HTML: what templates are filled with, and the headers that go along.

use askama::Template;
use axum::response::{IntoResponse, Response};
use bunsen_engine::element::Element;
use http::{HeaderValue, StatusCode, header};

use crate::app::App;
use crate::connect::{self, Brand, Difference, Field, FieldKind, Fixed, Told, Way};
use crate::error::{Error, Result};
use crate::http::error::AsIs;
use crate::ids::{OrganizationId, Secret};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'",
);

/// What stands around every page.
pub struct Frame {
    pub brand: Option<Brand>,
    /// Of the link; pictures and colours are below it.
    pub token: String,
    pub sandbox: bool,
}

impl Frame {
    /// Without an organization's name: whoever asks has no link of it.
    pub fn bare(app: &App) -> Self {
        Self {
            brand: None,
            token: String::new(),
            sandbox: app.is_sandbox(),
        }
    }

    pub async fn of(app: &App, organization: OrganizationId, token: &Secret) -> Result<Self> {
        let brand = connect::brand(app, organization).await?;
        Ok(Self {
            brand: Some(brand),
            token: token.reveal().to_owned(),
            sandbox: app.is_sandbox(),
        })
    }

    pub fn name(&self) -> &str {
        self.brand.as_ref().map_or("", |brand| &brand.name)
    }

    fn has_logo(&self) -> bool {
        !self.token.is_empty() && self.brand.as_ref().is_some_and(|brand| brand.has_logo)
    }

    fn is_styled(&self) -> bool {
        !self.token.is_empty()
            && self
                .brand
                .as_ref()
                .is_some_and(|brand| brand.style.is_some())
    }

    fn support(&self) -> Option<&str> {
        self.brand.as_ref()?.support_url.as_deref()
    }
}

#[derive(Template)]
#[template(path = "connect/choose.html")]
pub struct Choose {
    pub frame: Frame,
    pub title: String,
    pub offers: Vec<Offer>,
    pub cancel: Option<String>,
}

/// An element to choose.
pub struct Offer {
    pub key: String,
    pub name: String,
    pub letter: String,
    pub hub: String,
    /// Its hub, as a class of the style sheet.
    pub tint: usize,
}

#[derive(Template)]
#[template(path = "connect/form.html")]
pub struct Form {
    pub frame: Frame,
    pub title: String,
    pub offer: Offer,
    /// There is something else to choose.
    pub others: bool,
    pub reconnect: bool,
    pub ways: Vec<Way>,
    pub way: Way,
    pub scopes: Vec<connect::Scope>,
    pub fields: Vec<Field>,
    pub fixed: Vec<Fixed>,
    pub form_token: String,
    pub told: Option<Told>,
    /// Another account than before.
    pub changes: Vec<Difference>,
    /// On the way back from the vendor's page.
    pub returned: bool,
    /// Whose it is so far.
    pub account: Option<String>,
    pub cancel: Option<String>,
}

/// On to another site, at once.
#[derive(Template)]
#[template(path = "connect/leave.html")]
pub struct Leave {
    pub frame: Frame,
    pub title: String,
    pub text: String,
    pub url: String,
    pub label: String,
    pub done: bool,
}

#[derive(Template)]
#[template(path = "connect/message.html")]
pub struct Message {
    pub frame: Frame,
    pub title: String,
    pub text: String,
    /// The vendor's own words.
    pub said: Option<String>,
    pub good: bool,
    /// Address and label.
    pub next: Option<(String, String)>,
    pub cancel: Option<String>,
}

impl Form {
    /// What ties an input to its help and its error; only ids of ours, so it is HTML already.
    fn described(&self, field: &Field) -> String {
        let id = &field.id;
        let parts = [
            ("help", field.help.is_some()),
            ("where", field.place.is_some()),
            ("error", field.error.is_some()),
        ];
        let there = parts.iter().filter(|(_, there)| *there);
        let by: Vec<String> = there.map(|(part, _)| format!("{id}-{part}")).collect();
        let mut text = String::new();
        if !by.is_empty() {
            text.push_str(&format!(" aria-describedby=\"{}\"", by.join(" ")));
        }
        if field.error.is_some() {
            text.push_str(" aria-invalid=\"true\"");
        }
        if field.required {
            // A group of buttons has no such attribute of its own.
            let group = self.is_pick(field);
            text.push_str(if group {
                " aria-required=\"true\""
            } else {
                " required"
            });
        }
        text
    }

    fn is_pick(&self, field: &Field) -> bool {
        field.kind == FieldKind::Pick
    }

    /// They do not come back with the page.
    fn has_secrets(&self) -> bool {
        let secret = [FieldKind::Secret, FieldKind::SecretLines];
        self.fields.iter().any(|field| secret.contains(&field.kind))
    }
}

pub fn offer(element: &Element) -> Offer {
    let name = connect::called(element);
    let letter = name.chars().find(|sign| sign.is_alphanumeric());
    Offer {
        key: element.key.clone(),
        name: name.to_owned(),
        letter: letter
            .map(|sign| sign.to_uppercase().collect())
            .unwrap_or_default(),
        hub: crate::http::catalogue::hub_name(&element.hub),
        tint: element.hub.bytes().map(usize::from).sum::<usize>() % 6,
    }
}

pub fn page(status: u16, template: &impl Template) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => return Error::internal(error).into_response(),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = [
        (header::CONTENT_TYPE, HTML),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (
            header::HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        ),
    ];
    let mut response = (status, headers, html).into_response();
    response.extensions_mut().insert(AsIs);
    response
}

/// For whom there is no link to show something of.
pub fn unknown(app: &App, title: &str, text: &str, status: u16) -> Response {
    page(
        status,
        &Message {
            frame: Frame::bare(app),
            title: title.to_owned(),
            text: text.to_owned(),
            said: None,
            good: false,
            next: None,
            cancel: None,
        },
    )
}
