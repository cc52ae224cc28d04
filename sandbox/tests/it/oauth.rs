//! What the tests of OAuth share: the ways through an authorization server of either vendor.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::client::{Reply, Running};

pub const BACK: &str = "http://127.0.0.1:9/back";
pub const VERIFIER: &str = "a-verifier-of-at-least-forty-three-signs-0123";

/// An application at a vendor, with everything that differs between vendors.
#[derive(Debug, Clone, Copy)]
pub struct Side {
    pub vendor: &'static str,
    pub host: &'static str,
    pub page: &'static str,
    pub client_id: &'static str,
    pub secret: &'static str,
    /// Further members of the authorize query.
    pub query: &'static [(&'static str, &'static str)],
    /// Host and path of a call that a token opens.
    pub api: (&'static str, &'static str),
    /// The body of a refused grant.
    pub dead: fn() -> Value,
}

pub const DOCUSIGN: Side = Side {
    vendor: "docusign",
    host: "account-d.docusign.com",
    page: "/oauth/auth",
    client_id: "5a6d0a1e-0000-4000-8000-00000000d0c5",
    secret: "sandbox-docusign-secret",
    query: &[("response_type", "code"), ("scope", "signature extended")],
    api: ("demo.docusign.net", "/restapi/v2.1/accounts/998083"),
    dead: || json!({ "error": "invalid_grant" }),
};

pub const PIPEDRIVE: Side = Side {
    vendor: "pipedrive",
    host: "oauth.pipedrive.com",
    page: "/oauth/authorize",
    client_id: "sandbox-pipedrive-client",
    secret: "sandbox-pipedrive-secret",
    query: &[],
    api: ("sample.pipedrive.com", "/api/v1/users/me"),
    dead: || {
        json!({
            "success": false,
            "message": "invalid grant: refresh_token is invalid",
            "error": "invalid_grant",
        })
    },
};

pub const SIDES: [Side; 2] = [DOCUSIGN, PIPEDRIVE];

pub fn form(pairs: &[(&str, &str)]) -> String {
    let mut form = Serializer::new(String::new());
    form.extend_pairs(pairs);
    form.finish()
}

pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

impl Side {
    /// The authorize URL as a browser would open it.
    pub fn url(&self, more: &[(&str, &str)]) -> String {
        let mut url = Url::parse(&format!("https://{}{}", self.host, self.page)).expect("a URL");
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("client_id", self.client_id);
            pairs.append_pair("redirect_uri", BACK);
            pairs.extend_pairs(self.query);
            pairs.extend_pairs(more);
        }
        url.to_string()
    }

    pub async fn control(
        &self,
        sandbox: &Running,
        method: Method,
        path: &str,
        body: Value,
    ) -> Reply {
        let path = format!("{}/{path}", self.vendor);
        sandbox.control(method, &path, body).await
    }

    /// Like `control`, for a call that must be taken.
    pub async fn set(&self, sandbox: &Running, method: Method, path: &str, body: Value) -> Value {
        let reply = self.control(sandbox, method, path, body).await;
        assert!(reply.status.is_success(), "{path}: {reply:?}");
        match reply.body.is_empty() {
            true => Value::Null,
            false => reply.json(),
        }
    }

    pub async fn settings(&self, sandbox: &Running, body: Value) {
        self.set(sandbox, Method::PATCH, "oauth/settings", body)
            .await;
    }

    pub async fn forward(&self, sandbox: &Running, seconds: i64) {
        let body = json!({ "advance_seconds": seconds });
        self.set(sandbox, Method::POST, "clock", body).await;
    }

    pub async fn decide(&self, sandbox: &Running, body: Value) -> Url {
        let shown = self.set(sandbox, Method::POST, "oauth/decide", body).await;
        Url::parse(shown["location"].as_str().expect("a location")).expect("a URL")
    }

    /// The code of somebody who allowed it.
    pub async fn code(&self, sandbox: &Running, more: &[(&str, &str)]) -> String {
        let location = self.decide(sandbox, json!({ "url": self.url(more) })).await;
        member(&location, "code").expect("a code")
    }

    /// A call of the token endpoint with the application's secret.
    pub async fn token(&self, sandbox: &Running, pairs: &[(&str, &str)]) -> Reply {
        self.token_as(sandbox, Some((self.client_id, self.secret)), pairs)
            .await
    }

    pub async fn token_as(
        &self,
        sandbox: &Running,
        basic: Option<(&str, &str)>,
        pairs: &[(&str, &str)],
    ) -> Reply {
        let call = sandbox.call(Method::POST, self.host, "/oauth/token");
        let call = match basic {
            Some((id, secret)) => call.basic(id, secret),
            None => call,
        };
        let call = call.body("application/x-www-form-urlencoded", &form(pairs));
        call.answer().await
    }

    pub async fn exchange(&self, sandbox: &Running, code: &str) -> Reply {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", BACK),
        ];
        self.token(sandbox, &pairs).await
    }

    pub async fn refresh(&self, sandbox: &Running, token: &str) -> Reply {
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token(sandbox, &pairs).await
    }

    /// Access and refresh token of a user who allowed it.
    pub async fn tokens(&self, sandbox: &Running) -> (String, String) {
        let code = self.code(sandbox, &[]).await;
        tokens(&self.exchange(sandbox, &code).await)
    }

    /// Whether the vendor's API takes an access token.
    pub async fn opens(&self, sandbox: &Running, access: &str) -> bool {
        let (host, path) = self.api;
        let reply = bearer(sandbox, host, path, access).await;
        assert!(matches!(reply.status.as_u16(), 200 | 401), "{reply:?}");
        reply.status == 200
    }

    pub async fn calls(&self, sandbox: &Running) -> Value {
        self.set(sandbox, Method::GET, "oauth/calls", Value::Null)
            .await
    }
}

pub async fn bearer(sandbox: &Running, host: &str, path: &str, token: &str) -> Reply {
    let call = sandbox.call(Method::GET, host, path);
    let call = call.header("authorization", &format!("Bearer {token}"));
    call.answer().await
}

pub fn tokens(reply: &Reply) -> (String, String) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    let text = |name: &str| body[name].as_str().expect("a token").to_owned();
    (text("access_token"), text("refresh_token"))
}

pub fn member(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(key, _)| key == name)?;
    Some(found.1.into_owned())
}
