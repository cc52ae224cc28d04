//! What is the vendor's own about its OAuth: its host, lifetimes, words, and that an install is a user's in a company.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::authorizations;
use super::world::{Company, Denied, SUFFIX, User, World, new_token};
use crate::clock::Clock;
use crate::oauth::{
    Application, Asked, Authority, Issued, Look, Policy, Provider, Realm, Refused, Request,
    Rotation, Texts, Who, random,
};
use crate::seeding::{Mistake, invalid};

pub const HOST: &str = "oauth.pipedrive.com";

/// Where the log-in page stands.
pub const PAGE: &str = "/oauth/authorize";

/// There is no other world than this.
pub const REALM: Realm = "";

/// The authorization server as it is at the start.
pub fn authority() -> Authority {
    let policy = Policy {
        // The same refresh token is handed out again, and its sixty days begin anew.
        rotation: Rotation::None,
        grace_seconds: 60,
        code_seconds: 300,
        access_seconds: 3600,
        refresh_seconds: 60 * 86_400,
        assertion_seconds: 3600,
        refresh_extends: None,
        skew_seconds: 300,
    };
    let texts = Texts {
        code: |_| new_token(),
        access: |_| {
            let part = |bytes| STANDARD.encode(random(bytes));
            format!("v1u:{}:{}", part(152), part(240))
        },
        refresh: |subject| format!("{subject}:{}", new_token()),
    };
    let mut authority = Authority::new(policy, texts);
    let scopes = [
        "base",
        "deals:full",
        "contacts:full",
        "activities:full",
        "users:read",
    ];
    let application = Application {
        name: String::from("Sample application"),
        client_secret: String::from("sandbox-pipedrive-secret"),
        redirect_uris: vec![String::from(
            "https://console.cloud-elements.com/elements/jsp/home.jsp",
        )],
        loopback: true,
        scopes: scopes.map(String::from).to_vec(),
        enabled: true,
        ..Application::default()
    };
    let client_id = String::from("sandbox-pipedrive-client");
    authority.applications.insert(client_id, application);
    authority
}

/// An install is a user's in a company.
pub fn subject(user: u64, company: u64) -> String {
    format!("{user}:{company}")
}

/// User and company of a subject.
pub fn owner(subject: &str) -> Option<(u64, u64)> {
    let (user, company) = subject.split_once(':')?;
    Some((user.parse().ok()?, company.parse().ok()?))
}

/// The company of a user that is meant by id or domain, or the first; those that switched the user off do not count.
fn company(world: &World, user: &User, wanted: Option<&str>) -> Option<u64> {
    let open = user.memberships.iter();
    let open = open.filter(|membership| !membership.deactivated);
    let mut companies = open.filter_map(|membership| world.companies.get(&membership.company));
    let meant = |company: &&Company| {
        wanted.is_none_or(|text| company.domain == text || company.id.to_string() == text)
    };
    companies.find(meant).map(|company| company.id)
}

impl Provider for World {
    const LOOK: Look = Look {
        vendor: "Pipedrive",
        allow: "Allow and install",
        deny: "Cancel",
        place: "Company",
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
        (host == HOST && path == PAGE).then_some(REALM)
    }

    /// The scopes are fixed in the application's registration; a request has none.
    fn check(&self, _: Realm, request: &Request) -> Result<Asked, Refused> {
        let application = self.oauth.application(&request.client_id);
        Ok(Asked {
            scopes: application.map_or_else(Vec::new, |application| application.scopes.clone()),
            challenge: None,
        })
    }

    fn log_in(
        &mut self,
        _: Realm,
        _: &str,
        email: &str,
        password: &str,
        place: Option<&str>,
    ) -> Result<String, &'static str> {
        let user = authorizations::by_password(self, email, password);
        let user = user.and_then(|id| self.users.get(&id));
        let user = user.ok_or("E-mail address or password is wrong.")?;
        let company = company(self, user, place);
        let company = company.ok_or("You are not a user of this company.")?;
        Ok(subject(user.id, company))
    }

    fn places(&self) -> Vec<(String, String)> {
        let companies = self.companies.values();
        companies
            .map(|company| (company.domain.clone(), company.name.clone()))
            .collect()
    }

    fn subject(&self, _: Option<Realm>, who: &Who) -> Result<(Realm, String), Mistake> {
        if who.environment.is_some() {
            return invalid("environment: this vendor has but one");
        }
        let mut users = self.users.values();
        let user = users.find(|user| {
            user.id.to_string() == who.user || user.email.eq_ignore_ascii_case(&who.user)
        });
        let Some(user) = user else {
            return invalid("user: no user with this id or e-mail address");
        };
        match company(self, user, who.company.as_deref()) {
            Some(company) => Ok((REALM, subject(user.id, company))),
            None => invalid("company: the user is in no company with this id or domain"),
        }
    }

    fn denial(&self) -> Vec<(&'static str, &'static str)> {
        let error = match self.habits.denied_error {
            Denied::UserDenied => "user_denied",
            Denied::AccessDenied => "access_denied",
        };
        vec![("error", error)]
    }

    fn token_answer(&self, issued: &Issued) -> Value {
        let company = owner(&issued.subject).and_then(|(_, company)| self.companies.get(&company));
        let domain = company.map_or("", |company| company.domain.as_str());
        json!({
            "access_token": issued.access_token,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
            "refresh_token": issued.refresh_token,
            "scope": issued.scopes.join(","),
            "api_domain": format!("https://{domain}{SUFFIX}"),
        })
    }
}
