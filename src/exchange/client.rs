//! Calls that are made with a stored client, and where its secret may go.

use bunsen_engine::configuration::{Value, Values};
use bunsen_engine::element::oauth::{CLIENT_ENTRIES, CLIENT_ID, CLIENT_SECRET};
use bunsen_engine::element::{
    Authentication, Element, Grant, Group, HostRule, Resource, Signature, Source,
};
use bunsen_engine::oauth;
use bunsen_engine::request::{self, Inputs, VendorRequest};

use super::{Calls, Session};
use crate::error::{Error, Result};
use crate::ids::Secret;

/// Values with those of a stored client laid under them. Its id and secret go together, and over
/// whatever there is.
pub fn with_client(client: &Values, values: Values) -> Values {
    let mut all = client.clone();
    all.extend(values);
    for key in CLIENT_ENTRIES {
        match client.get(key) {
            Some(value) => drop(all.insert(key.to_owned(), value.clone())),
            None => drop(all.remove(key)),
        }
    }
    all
}

/// The parts of a stored client that sign a call: its id and its secret, under which the rest of the
/// instance's own values stays. `None`: the call would tell the secret to a host that the instance
/// names.
pub fn signing(
    element: &Element,
    group: &Group,
    client: &Values,
    values: &Values,
) -> Option<Values> {
    let plain = matches!(
        group.authentication,
        Some(Authentication::OAuth1(Signature::Plaintext))
    );
    let told = element.parameters.iter().any(
        |parameter| matches!(&parameter.source, Source::Configuration(key) if key == CLIENT_SECRET),
    );
    if (plain || told) && !matches!(element.hosts, HostRule::Suffixes(_)) {
        return None;
    }
    let mut all = values.clone();
    for key in CLIENT_ENTRIES {
        all.extend(client.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    Some(all)
}

impl Calls<'_> {
    /// A stored client's secret is no secret of the caller, who may choose the host. Where a
    /// definition lists no hosts, a call that it has a part in goes only where it would go with what
    /// the client itself says.
    pub(super) fn check_stays_home(
        &self,
        resource: &Resource,
        client: &Values,
        request: &VendorRequest,
        moment: &(i64, oauth::Nonce),
    ) -> Result<()> {
        let Session { element, group, .. } = self.session;
        if matches!(element.hosts, HostRule::Suffixes(_)) {
            return Ok(());
        }
        // What is signed with it does not tell it.
        let hmac = matches!(
            group.authentication,
            Some(Authentication::OAuth1(
                Signature::HmacSha1 | Signature::HmacSha256
            ))
        );
        let signs = hmac && !resource.kind.gets_token();
        let counts = |key: &str| key != CLIENT_ID && !(signs && key == CLIENT_SECRET);
        // Whether a secret has a part in it, whichever way: with others the call would be another.
        let others = client.iter().map(|(key, value)| match value {
            Value::Secret(text) if counts(key) => {
                let other = Secret::new(format!("{}~", text.reveal()));
                (key.clone(), Value::Secret(other))
            }
            value => (key.clone(), value.clone()),
        });
        let others: Values = others.collect();
        let without = self.prepare(resource, Some(&others), moment);
        let without = without.and_then(|prepared| self.build(resource, &prepared));
        if without.is_ok_and(|without| same(&without, request)) {
            return Ok(());
        }
        let of_client = Inputs {
            configuration: client,
            previous: None,
            request: None,
            now: moment.0,
        };
        let home = request::called(element, group, resource, &of_client);
        if home.is_some() && home == request::host_and_port(&request.url) {
            return Ok(());
        }
        Err(self.not_for_this_host(resource))
    }

    pub(super) fn not_for_this_host(&self, resource: &Resource) -> Error {
        let entry = self.session.element.host_entry(resource);
        Error::Invalid(format!(
            "configuration '{entry}': the stored OAuth client is not for this host. Give {} of your \
             own, or let an administrator set '{entry}' with the client.",
            CLIENT_ENTRIES.join(" and ")
        ))
    }
}

impl Calls<'_> {
    /// What a stored client's key signs is what the client says, wherever it says it: who may use the
    /// key, and does not have it, must not log in as somebody else with it.
    pub(super) fn check_signs_for_its_own(&self, client: &Values) -> Result<()> {
        let oauth = self.session.group.oauth.as_ref();
        let Some(Grant::JwtBearer(assertion)) = oauth.map(|oauth| &oauth.grant) else {
            return Ok(());
        };
        let own = |key: &str| self.returned.get(key).or_else(|| self.given.get(key));
        if !client.contains_key(&assertion.key) || own(&assertion.key).is_some() {
            return Ok(());
        }
        let claims = [Some(&assertion.issuer), Some(&assertion.audience)];
        let claims = claims.into_iter();
        let claims = claims.chain([assertion.subject.as_ref(), assertion.scope.as_ref()]);
        let keys = claims.flatten().flat_map(|claim| claim.keys());
        for (key, _) in keys.filter(|(key, _)| !CLIENT_ENTRIES.contains(key)) {
            if let (Some(pinned), Some(own)) = (client.get(key), own(key))
                && pinned.reveal() != own.reveal()
            {
                return Err(Error::Invalid(format!(
                    "configuration '{key}': the stored OAuth client logs in with its own value \
                     alone. Leave the entry out, or give '{}' of your own, too.",
                    assertion.key
                )));
            }
        }
        Ok(())
    }
}

fn same(one: &VendorRequest, other: &VendorRequest) -> bool {
    one.url == other.url && one.headers == other.headers && one.body == other.body
}
