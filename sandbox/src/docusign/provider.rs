//! What is the vendor's own about its OAuth: scopes, lifetimes, words, and who its users are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::account_server::PAGE;
use super::login::{self, Credentials, Failure};
use super::sites::{self, Environment};
use super::world::{IntegratorKey, User, World};
use crate::clock::Clock;
use crate::oauth::{
    Application, Asked, Authority, Issued, Look, Policy, Provider, PublicKey, Realm, Refused,
    Request, Rotation, Texts, Who, random,
};
use crate::seeding::{Mistake, invalid};

/// What every application may ask for; further ones stand in its `scopes`.
const SCOPES: [&str; 3] = ["signature", "extended", "impersonation"];

/// The public half of `sandbox/keys/docusign-jwt.pem`, a key that is no secret.
const SAMPLE_KEY: &str = include_str!("../../keys/docusign-jwt.pub.pem");

/// The account servers as they are at the start.
pub fn authority() -> Authority {
    let policy = Policy {
        rotation: Rotation::Rotate,
        grace_seconds: 60,
        code_seconds: 120,
        access_seconds: 28_800,
        refresh_seconds: 30 * 86_400,
        assertion_seconds: 3600,
        refresh_extends: None,
        skew_seconds: 300,
    };
    let texts = Texts {
        code: token_text,
        access: token_text,
        refresh: token_text,
    };
    let mut authority = Authority::new(policy, texts);
    let redirect = "https://console.cloud-elements.com/elements/jsp/home.jsp";
    for (client_id, name, secret) in [
        (
            "5a6d0a1e-0000-4000-8000-00000000d0c5",
            "Sample integration",
            "sandbox-docusign-secret",
        ),
        (
            "5a6d0a1e-0000-4000-8000-0000000000de",
            "Sample integration without secret",
            "",
        ),
    ] {
        let application = Application {
            name: name.to_owned(),
            client_secret: secret.to_owned(),
            redirect_uris: vec![redirect.to_owned()],
            loopback: true,
            public_keys: vec![SAMPLE_KEY.to_owned()],
            keys: PublicKey::from_pem(SAMPLE_KEY).into_iter().collect(),
            enabled: true,
            ..Application::default()
        };
        authority
            .applications
            .insert(client_id.to_owned(), application);
    }
    authority
}

/// Three parts like a JWT, long, and opaque.
pub fn token_text(_: &str) -> String {
    let part = |bytes| URL_SAFE_NO_PAD.encode(random(bytes));
    format!("eyJ0eXAi{}.{}.{}", part(60), part(240), part(256))
}

fn environment(realm: Realm) -> Environment {
    Environment::of_realm(realm).unwrap_or(Environment::Demo)
}

impl Provider for World {
    const LOOK: Look = Look {
        vendor: "DocuSign",
        allow: "Allow access",
        deny: "Deny",
        place: "",
    };

    fn oauth(&self) -> &Authority {
        &self.oauth
    }

    fn oauth_mut(&mut self) -> &mut Authority {
        &mut self.oauth
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn clock_mut(&mut self) -> &mut Clock {
        &mut self.clock
    }

    fn page_at(host: &str, path: &str) -> Option<Realm> {
        let environment = sites::account_server(host)?;
        (path == PAGE).then(|| environment.realm())
    }

    /// The errors are those of OAuth (unverified).
    fn check(&self, _: Realm, request: &Request) -> Result<Asked, Refused> {
        let application = self.oauth.application(&request.client_id);
        let further = application.map_or(&[][..], |application| &application.scopes);
        if request.get("response_type") != Some("code") {
            let text = "Only the response_type code is simulated.";
            return Err(Refused::Application("unsupported_response_type", text));
        }
        let scopes = request.get("scope").unwrap_or_default();
        let scopes: Vec<String> = scopes.split_ascii_whitespace().map(str::to_owned).collect();
        let known = |scope: &String| SCOPES.contains(&scope.as_str()) || further.contains(scope);
        if scopes.is_empty() || !scopes.iter().all(known) {
            let text = "scope: missing or unknown; signature, extended, impersonation";
            return Err(Refused::Application("invalid_scope", text));
        }
        let challenge = request.get("code_challenge").map(str::to_owned);
        if challenge.is_some() && request.get("code_challenge_method") != Some("S256") {
            let text = "code_challenge_method: only S256";
            return Err(Refused::Application("invalid_request", text));
        }
        // Nobody is ever logged in already, so a page that must not be shown cannot succeed.
        if request.get("prompt") == Some("none") {
            return Err(Refused::Application(
                "login_required",
                "The user is not logged in.",
            ));
        }
        Ok(Asked { scopes, challenge })
    }

    /// An integration key starts in the developer sandbox and is promoted to production.
    fn admits(&self, realm: Realm, client_id: &str) -> bool {
        let key = self.keys.get(client_id);
        key.is_some_and(|key| key.enabled && key.environments.contains(&environment(realm)))
    }

    fn log_in(
        &mut self,
        realm: Realm,
        client_id: &str,
        email: &str,
        password: &str,
        _: Option<&str>,
    ) -> Result<String, &'static str> {
        let credentials = Credentials {
            username: email.to_owned(),
            password: password.to_owned(),
            integrator_key: client_id.to_owned(),
            send_on_behalf_of: None,
        };
        let user = login::by_password(self, environment(realm), &credentials);
        user.map(|user| user.id.clone()).map_err(Failure::message)
    }

    /// Without an environment it is the developer sandbox.
    fn subject(&self, realm: Option<Realm>, who: &Who) -> Result<(Realm, String), Mistake> {
        if who.company.is_some() {
            return invalid("company: users of this vendor log in without one");
        }
        let environment = match (realm, &who.environment) {
            (Some(realm), _) => environment(realm),
            (None, None) => Environment::Demo,
            (None, Some(name)) => match Environment::of_realm(name) {
                Some(environment) => environment,
                None => return invalid("environment: demo or production"),
            },
        };
        let meant = |user: &&User| {
            user.environment == environment
                && (user.id.eq_ignore_ascii_case(&who.user)
                    || user.email.eq_ignore_ascii_case(&who.user))
        };
        match self.users.values().find(meant) {
            Some(user) => Ok((environment.realm(), user.id.clone())),
            None => invalid("user: no user of the environment with this GUID or e-mail address"),
        }
    }

    /// Both members are unverified.
    fn denial(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("error", "access_denied"),
            ("error_message", "The user did not allow access"),
        ]
    }

    /// `scope` may be there as well, says the vendor; here it is not.
    fn token_answer(&self, issued: &Issued) -> Value {
        let mut body = json!({
            "access_token": issued.access_token,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
        });
        if let Some(refresh) = &issued.refresh_token {
            body["refresh_token"] = json!(refresh);
        }
        body
    }

    /// An application without an integration key would be of no use.
    fn registered(&mut self, client_id: &str) {
        let key = IntegratorKey {
            enabled: true,
            environments: vec![Environment::Demo],
        };
        self.keys.entry(client_id.to_owned()).or_insert(key);
    }
}
