//! The page itself: plain HTML with nothing from elsewhere. The form has no action, so that it goes to where the page
//! came from, query included; the same page works under a vendor's host and below `/_host/`.

use std::fmt::Write;

use bytes::Bytes;
use html_escape::{encode_double_quoted_attribute as attribute, encode_text as text};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};

use super::{Asked, Provider, Request};
use crate::answer::{self, Answer};

/// A vendor's words on the page.
#[derive(Debug)]
pub struct Look {
    pub vendor: &'static str,
    pub allow: &'static str,
    pub deny: &'static str,
    /// What `place` means, where something beside the user is chosen.
    pub place: &'static str,
}

/// What the user had typed before.
#[derive(Debug)]
pub struct Entered<'t> {
    pub email: &'t str,
    pub place: &'t str,
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}label,input,select{display:block;width:100%;box-sizing:border-box}input,select{margin:.2rem 0 1rem;padding:.5rem;font:inherit}button{padding:.5rem 1.2rem;font:inherit}[role=alert]{color:#a00}footer{color:#666;font-size:.85rem;margin-top:2rem}";

/// May style itself, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// The form with which a user logs in and decides.
pub fn form<W: Provider>(
    world: &W,
    request: &Request,
    asked: &Asked,
    status: StatusCode,
    message: Option<&str>,
    entered: &Entered<'_>,
) -> Answer {
    let look = &W::LOOK;
    let application = world.oauth().application(&request.client_id);
    let name = application.map_or("", |application| application.name.as_str());
    let mut body = format!(
        "<p><strong>{}</strong> asks for access to your account:</p>\n<ul>\n",
        text(name)
    );
    for scope in &asked.scopes {
        let _ = writeln!(body, "<li>{}</li>", text(scope));
    }
    body.push_str("</ul>\n");
    if let Some(message) = message {
        let _ = writeln!(body, "<p role=\"alert\">{}</p>", text(message));
    }
    let email = attribute(entered.email);
    let _ = writeln!(
        body,
        "<form method=\"post\">\n<label for=\"email\">E-mail</label>\n\
         <input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"username\" required value=\"{email}\">\n\
         <label for=\"password\">Password</label>\n\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>"
    );
    let places = world.places();
    if !places.is_empty() {
        let _ = writeln!(
            body,
            "<label for=\"place\">{}</label>\n<select id=\"place\" name=\"place\">",
            look.place
        );
        body.push_str("<option value=\"\">my first</option>\n");
        for (value, name) in places {
            let chosen = if value == entered.place {
                " selected"
            } else {
                ""
            };
            let _ = writeln!(
                body,
                "<option value=\"{}\"{chosen}>{}</option>",
                attribute(&value),
                text(&name)
            );
        }
        body.push_str("</select>\n");
    }
    let (allow, deny) = (look.allow, look.deny);
    let _ = writeln!(
        body,
        "<button id=\"allow\" name=\"decision\" value=\"allow\">{allow}</button>\n\
         <button id=\"deny\" name=\"decision\" value=\"deny\" formnovalidate>{deny}</button>\n</form>"
    );
    page(look, status, &body)
}

/// Where the user stops, because there is no application to go back to.
pub fn refused(look: &Look, message: &str) -> Answer {
    let body = format!("<p role=\"alert\">{}</p>\n", text(message));
    page(look, StatusCode::BAD_REQUEST, &body)
}

fn page(look: &Look, status: StatusCode, body: &str) -> Answer {
    let vendor = look.vendor;
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{vendor}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{vendor}</h1>\n{body}</main>\n\
         <footer>A simulated vendor: enter no real password.</footer>\n</body>\n</html>\n"
    );
    let mut answer = answer::typed(status, "text/html; charset=utf-8", Bytes::from(page));
    let headers: [(HeaderName, &'static str); 4] = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in headers {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}
