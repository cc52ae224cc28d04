//! Codes and tokens: how they come to be, and replace each other.

use std::fmt;

use super::{Access, Asked, Authority, Code, Grant, Realm, Refresh, Rotation, Spent};
use crate::form::Form;
use crate::vendor::Call;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

/// Why a token call gets none. Vendors word it, and often leave out which it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    UnknownClient,
    WrongSecret,
    /// Neither a secret nor, with the code, a verifier.
    NoSecret,
    /// Unknown, used before, another client's, or of another realm.
    InvalidCode,
    ExpiredCode,
    OtherRedirect,
    WrongVerifier,
    /// Unknown, replaced, revoked, another client's, or of another realm.
    InvalidRefresh,
    ExpiredRefresh,
}

/// What the token endpoint gives out.
pub struct Issued {
    pub subject: String,
    pub scopes: Vec<String>,
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub expires_in: i64,
    pub grant: Option<u64>,
}

impl fmt::Debug for Issued {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Issued({}, grant {:?})",
            self.subject, self.grant
        )
    }
}

/// Who calls a token endpoint, as far as the call proves it.
#[derive(Debug)]
pub struct Client {
    pub id: String,
    /// Without its secret: good for grants that never had one.
    pub public: bool,
}

impl Client {
    /// By Basic, or, where the vendor takes that, by the form's `client_id` and `client_secret`.
    pub fn of(
        authority: &Authority,
        call: &Call,
        form: &Form,
        secret_in_form: bool,
    ) -> Result<Self, Problem> {
        let in_form = form.filled("client_id").map(|id| {
            let secret = form.get("client_secret").filter(|_| secret_in_form);
            (id.to_owned(), secret.map(str::to_owned))
        });
        let basic = call.basic().map(|(id, secret)| (id, Some(secret)));
        let (id, secret) = basic.or(in_form).ok_or(Problem::NoSecret)?;
        let application = authority.application(&id).ok_or(Problem::UnknownClient)?;
        match secret {
            Some(secret) if secret.is_empty() || secret != application.client_secret => {
                Err(Problem::WrongSecret)
            }
            secret => Ok(Self {
                id,
                public: secret.is_none(),
            }),
        }
    }
}

impl Authority {
    /// A code for what the user allowed.
    pub fn code(
        &mut self,
        now: i64,
        realm: Realm,
        client_id: &str,
        redirect_uri: &str,
        subject: &str,
        asked: Asked,
    ) -> String {
        let text = (self.texts.code)(subject);
        let grant = self.new_grant(now, realm, client_id, subject, asked.scopes);
        let code = Code {
            grant,
            redirect_uri: redirect_uri.to_owned(),
            challenge: asked.challenge,
            expires_at: now.saturating_add(self.policy_for(client_id).code_seconds),
            used: false,
        };
        self.codes.insert(text.clone(), code);
        text
    }

    fn new_grant(
        &self,
        now: i64,
        realm: Realm,
        client_id: &str,
        subject: &str,
        scopes: Vec<String>,
    ) -> Grant {
        Grant {
            id: 0,
            client_id: client_id.to_owned(),
            subject: subject.to_owned(),
            realm,
            scopes,
            created: now,
            revoked: false,
            public: false,
            refresh_token: None,
        }
    }

    /// Tokens for a code. `redirect_uri` is compared where one is sent; a refused code is not used up (unverified).
    pub fn redeem(
        &mut self,
        now: i64,
        realm: Realm,
        client: &Client,
        text: &str,
        redirect_uri: Option<&str>,
        verifier: Option<&str>,
    ) -> Result<Issued, Problem> {
        let code = self.codes.get_mut(text).ok_or(Problem::InvalidCode)?;
        if code.used || code.grant.client_id != client.id || code.grant.realm != realm {
            return Err(Problem::InvalidCode);
        }
        if now >= code.expires_at {
            return Err(Problem::ExpiredCode);
        }
        if redirect_uri.is_some_and(|sent| sent != code.redirect_uri) {
            return Err(Problem::OtherRedirect);
        }
        match (&code.challenge, verifier) {
            (Some(challenge), Some(verifier)) if meets(verifier, challenge) => {}
            (None, None) if client.public => return Err(Problem::NoSecret),
            (None, None) => {}
            _ => return Err(Problem::WrongVerifier),
        }
        code.used = true;
        let mut grant = code.grant.clone();
        grant.public = client.public;
        Ok(self.begin(now, grant))
    }

    /// A grant with its first tokens, without a code: for control calls and for grants that vendors have besides.
    pub fn mint(
        &mut self,
        now: i64,
        realm: Realm,
        client_id: &str,
        subject: &str,
        scopes: Vec<String>,
    ) -> Issued {
        let mut grant = self.new_grant(now, realm, client_id, subject, scopes);
        let application = self.applications.get(client_id);
        grant.public = application.is_some_and(|application| application.client_secret.is_empty());
        self.begin(now, grant)
    }

    fn begin(&mut self, now: i64, mut grant: Grant) -> Issued {
        self.last_grant += 1;
        grant.id = self.last_grant;
        let lifetime = self.policy_for(&grant.client_id).refresh_seconds;
        self.place_refresh(&mut grant, now.saturating_add(lifetime));
        let id = grant.id;
        self.grants.insert(id, grant.clone());
        self.issued(now, &grant)
    }

    fn place_refresh(&mut self, grant: &mut Grant, expires_at: i64) {
        let text = (self.texts.refresh)(&grant.subject);
        let refresh = Refresh {
            grant: grant.id,
            expires_at,
            replaced_at: None,
        };
        self.refresh.insert(text.clone(), refresh);
        grant.refresh_token = Some(text);
    }

    /// A fresh access token beside the refresh token that the grant has by now.
    fn issued(&mut self, now: i64, grant: &Grant) -> Issued {
        let expires_in = self.policy_for(&grant.client_id).access_seconds;
        let access = Access {
            client_id: grant.client_id.clone(),
            subject: grant.subject.clone(),
            realm: grant.realm,
            scopes: grant.scopes.clone(),
            grant: Some(grant.id),
            expires_at: now.saturating_add(expires_in),
            revoked: false,
        };
        Issued {
            subject: grant.subject.clone(),
            scopes: grant.scopes.clone(),
            access_token: self.hold(access),
            refresh_token: grant.refresh_token.clone(),
            expires_in,
            grant: Some(grant.id),
        }
    }

    fn hold(&mut self, access: Access) -> String {
        let text = (self.texts.access)(&access.subject);
        self.access.insert(text.clone(), access);
        text
    }

    /// An access token that no refresh token renews.
    pub fn access_only(
        &mut self,
        now: i64,
        realm: Realm,
        client_id: &str,
        subject: &str,
        scopes: Vec<String>,
    ) -> Issued {
        let expires_in = self.policy_for(client_id).assertion_seconds;
        let access = Access {
            client_id: client_id.to_owned(),
            subject: subject.to_owned(),
            realm,
            scopes: scopes.clone(),
            grant: None,
            expires_at: now.saturating_add(expires_in),
            revoked: false,
        };
        Issued {
            subject: subject.to_owned(),
            scopes,
            access_token: self.hold(access),
            refresh_token: None,
            expires_in,
            grant: None,
        }
    }

    /// Puts in an access token of the caller's choice.
    pub fn hold_as(&mut self, text: String, subject: &str, realm: Realm, expires_at: i64) {
        let access = Access {
            client_id: String::new(),
            subject: subject.to_owned(),
            realm,
            scopes: Vec::new(),
            grant: None,
            expires_at,
            revoked: false,
        };
        self.access.insert(text, access);
    }

    pub fn knows_access(&self, text: &str) -> bool {
        self.access.contains_key(text)
    }

    /// Tokens for a refresh token, as the policy has it; the spend is written down whatever comes of it.
    /// `extends` is the vendor's rule for a lifetime that starts anew.
    pub fn refresh(
        &mut self,
        now: i64,
        realm: Realm,
        client: &Client,
        token: &str,
        extends: fn(&Grant) -> bool,
    ) -> Result<Issued, Problem> {
        let grant = self.grant_of(token);
        let own = |grant: &&Grant| {
            grant.client_id == client.id && grant.realm == realm && (grant.public || !client.public)
        };
        let grant = grant.filter(own).cloned();
        let id = grant.as_ref().map(|grant| grant.id);
        let (spent, outcome) = match grant {
            None => (Spent::Unknown, Err(Problem::InvalidRefresh)),
            Some(grant) => self.spend(now, grant, token, extends),
        };
        self.calls.spend(now, &client.id, id, token, spent);
        outcome
    }

    fn spend(
        &mut self,
        now: i64,
        mut grant: Grant,
        token: &str,
        extends: fn(&Grant) -> bool,
    ) -> (Spent, Result<Issued, Problem>) {
        let policy = self.policy_for(&grant.client_id);
        let Some(refresh) = self.refresh.get_mut(token).filter(|_| !grant.revoked) else {
            return (Spent::Revoked, Err(Problem::InvalidRefresh));
        };
        if let Some(replaced) = refresh.replaced_at {
            let age = now.saturating_sub(replaced);
            return match policy.rotation {
                Rotation::RotateWithGrace if age < policy.grace_seconds => {
                    (Spent::Grace, Ok(self.issued(now, &grant)))
                }
                Rotation::RotateAndRevokeFamilyOnReuse => {
                    self.end(grant.id);
                    (Spent::ReusedAndRevoked, Err(Problem::InvalidRefresh))
                }
                _ => (Spent::Reused, Err(Problem::InvalidRefresh)),
            };
        }
        if now >= refresh.expires_at {
            return (Spent::Expired, Err(Problem::ExpiredRefresh));
        }
        let extends = policy.refresh_extends.unwrap_or_else(|| extends(&grant));
        let expires_at = match extends {
            true => now.saturating_add(policy.refresh_seconds),
            false => refresh.expires_at,
        };
        if policy.rotation == Rotation::None {
            refresh.expires_at = expires_at;
            return (Spent::Kept, Ok(self.issued(now, &grant)));
        }
        refresh.replaced_at = Some(now);
        self.place_refresh(&mut grant, expires_at);
        self.grants.insert(grant.id, grant.clone());
        (Spent::Rotated, Ok(self.issued(now, &grant)))
    }

    /// The grant of a refresh token, alive or not.
    pub fn grant_of(&self, refresh_token: &str) -> Option<&Grant> {
        let refresh = self.refresh.get(refresh_token)?;
        self.grants.get(&refresh.grant)
    }
}

/// PKCE with S256.
fn meets(verifier: &str, challenge: &str) -> bool {
    let hash = digest(&SHA256, verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref()) == challenge
}

#[cfg(test)]
mod tests {
    use super::meets;

    /// The example of RFC 7636, appendix B.
    #[test]
    fn the_verifier_meets_its_challenge() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(meets(
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            challenge
        ));
        assert!(!meets(
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK",
            challenge
        ));
        assert!(!meets("", challenge));
    }
}
