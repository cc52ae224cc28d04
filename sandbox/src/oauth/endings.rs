//! How tokens, grants and consents end: by control calls, by a vendor's revocation, with their user or application.

use serde::Deserialize;

use super::{Access, Application, Authority};

/// Which tokens a control call means; what is left out means all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    pub client_id: Option<String>,
    /// As `grants` shows it.
    pub subject: Option<String>,
    pub grant: Option<u64>,
    /// An access or a refresh token.
    pub token: Option<String>,
}

impl Authority {
    /// Ends a grant with all its tokens.
    pub fn end(&mut self, id: u64) {
        if let Some(grant) = self.grants.get_mut(&id) {
            grant.revoked = true;
        }
    }

    pub fn end_access(&mut self, token: &str) {
        if let Some(access) = self.access.get_mut(token) {
            access.revoked = true;
        }
    }

    /// Ends the tokens that are meant, and the grants whose refresh token or whole family is; says how many.
    pub fn revoke(&mut self, which: &Which) -> usize {
        let mut count = 0;
        for (text, access) in &mut self.access {
            if which.means_access(text, access) && !access.revoked {
                access.revoked = true;
                count += 1;
            }
        }
        let of_token = which
            .token
            .as_ref()
            .map(|token| self.refresh.get(token).map(|refresh| refresh.grant));
        for grant in self.grants.values_mut() {
            let meant = of_token.is_none_or(|id| id == Some(grant.id))
                && which.means(Some(grant.id), &grant.client_id, &grant.subject);
            if meant && !grant.revoked {
                grant.revoked = true;
                count += 1;
            }
        }
        count
    }

    /// Makes the tokens that are meant run out now; says how many.
    pub fn expire(
        &mut self,
        which: &Which,
        now: i64,
        access_too: bool,
        refresh_too: bool,
    ) -> usize {
        let mut count = 0;
        for (text, access) in &mut self.access {
            if access_too && which.means_access(text, access) {
                access.expires_at = access.expires_at.min(now);
                count += 1;
            }
        }
        for (text, refresh) in &mut self.refresh {
            let Some(grant) = self.grants.get(&refresh.grant) else {
                continue;
            };
            let this = which.token.as_ref().is_none_or(|token| token == text);
            if refresh_too && this && which.means(Some(grant.id), &grant.client_id, &grant.subject)
            {
                refresh.expires_at = refresh.expires_at.min(now);
                count += 1;
            }
        }
        count
    }

    /// Takes a consent back, and ends what came of it.
    pub fn withdraw(&mut self, client_id: &str, subject: &str) -> bool {
        let which = Which {
            client_id: Some(client_id.to_owned()),
            subject: Some(subject.to_owned()),
            ..Which::default()
        };
        self.revoke(&which);
        self.codes
            .retain(|_, code| code.grant.client_id != client_id || code.grant.subject != subject);
        let key = (client_id.to_owned(), subject.to_owned());
        self.consents.remove(&key).is_some()
    }

    /// Forgets a subject that is no more, with everything it allowed.
    pub fn forget(&mut self, subject: &str) {
        let which = Which {
            subject: Some(subject.to_owned()),
            ..Which::default()
        };
        self.revoke(&which);
        self.codes.retain(|_, code| code.grant.subject != subject);
        self.consents.retain(|(_, of), _| of != subject);
    }

    /// Forgets an application; what it had is dead.
    pub fn unregister(&mut self, client_id: &str) -> Option<Application> {
        let which = Which {
            client_id: Some(client_id.to_owned()),
            ..Which::default()
        };
        self.revoke(&which);
        self.codes
            .retain(|_, code| code.grant.client_id != client_id);
        self.consents.retain(|(of, _), _| of != client_id);
        self.applications.remove(client_id)
    }
}

impl Which {
    fn means(&self, grant: Option<u64>, client_id: &str, subject: &str) -> bool {
        self.grant.is_none_or(|wanted| Some(wanted) == grant)
            && self
                .client_id
                .as_ref()
                .is_none_or(|wanted| wanted == client_id)
            && self.subject.as_ref().is_none_or(|wanted| wanted == subject)
    }

    fn means_access(&self, text: &str, access: &Access) -> bool {
        self.token.as_ref().is_none_or(|wanted| wanted == text)
            && self.means(access.grant, &access.client_id, &access.subject)
    }
}
