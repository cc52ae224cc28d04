//! What a call proves itself by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use url::form_urlencoded::byte_serialize;

use super::sent::header_value;
use super::{BuildError, Call};
use crate::element::oauth::{CLIENT_ID, CLIENT_SECRET};
use crate::element::{Authentication, ClientAuthentication, Group, ResourceKind};
use crate::language::{Rendered, Template};

impl Call<'_> {
    /// What the call's own parameters set already stays.
    pub(super) fn authenticate(
        &self,
        authentication: &Authentication,
        headers: &mut HeaderMap,
    ) -> Result<(), BuildError> {
        match authentication {
            Authentication::Basic { username, password } => {
                if !headers.contains_key(AUTHORIZATION) {
                    headers.insert(AUTHORIZATION, self.basic(username, password)?);
                }
            }
            Authentication::Headers(templates) => {
                for (name, template) in templates {
                    if headers.contains_key(name) {
                        continue;
                    }
                    let rendered = self.credential(template)?;
                    let value = header_value(name, &rendered.text, true).map_err(|message| {
                        let key = template.keys().next();
                        match key {
                            Some((key, _)) => BuildError::Entry {
                                key: key.to_owned(),
                                message,
                            },
                            None => BuildError::Definition(format!("the header {name} {message}")),
                        }
                    })?;
                    headers.insert(name.clone(), value);
                }
            }
            // The whole call is signed, once it is there.
            Authentication::OAuth1(_) => {}
        }
        Ok(())
    }

    /// The id of a client that has no secret, which a token call names in its form.
    pub(super) fn public_client(&self, group: &Group) -> Option<&str> {
        let client = group.oauth.as_ref()?.client;
        let kind = self.resource.kind;
        let named = kind.gets_token() && kind != ResourceKind::OauthOnAuthorizeUrl;
        let public = client == ClientAuthentication::BasicOrNone && !self.has_secret();
        self.of_client("client_id", CLIENT_ID)
            .filter(|_| named && public)
    }

    fn has_secret(&self) -> bool {
        let secret = self.of_client("client_secret", CLIENT_SECRET);
        secret.is_some_and(|text| !text.is_empty())
    }

    fn of_client(&self, name: &str, key: &str) -> Option<&str> {
        let brought = self.request.and_then(|request| request.get(name));
        let value = brought.or_else(|| self.values.get(key));
        value.map(|value| value.reveal())
    }

    /// HTTP Basic of the client, RFC 6749 section 2.3.1.
    pub(super) fn name_client(
        &self,
        group: &Group,
        headers: &mut HeaderMap,
    ) -> Result<(), BuildError> {
        let encoded = match group.oauth.as_ref().map(|oauth| oauth.client) {
            Some(ClientAuthentication::Basic) => false,
            Some(ClientAuthentication::BasicOrNone) if !self.has_secret() => return Ok(()),
            Some(ClientAuthentication::BasicOrNone) => false,
            Some(ClientAuthentication::BasicEncoded) => true,
            _ => return Ok(()),
        };
        let page = self.resource.kind == ResourceKind::OauthOnAuthorizeUrl;
        if page || headers.contains_key(AUTHORIZATION) {
            return Ok(());
        }
        let part = |name: &str, key: &str| {
            self.of_client(name, key).ok_or_else(|| BuildError::Entry {
                key: key.to_owned(),
                message: format!("is needed for {}", self.resource.step()),
            })
        };
        let written = |text: &str| match encoded {
            true => byte_serialize(text.as_bytes()).collect(),
            false => text.to_owned(),
        };
        let id = written(part("client_id", CLIENT_ID)?);
        let secret = written(part("client_secret", CLIENT_SECRET)?);
        if id.contains(':') {
            return Err(BuildError::Entry {
                key: CLIENT_ID.to_owned(),
                message: "must not contain a colon, which ends a client's id".to_owned(),
            });
        }
        let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let value = header_value(&AUTHORIZATION, &basic, true).map_err(BuildError::Definition)?;
        headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    fn basic(&self, username: &Template, password: &Template) -> Result<HeaderValue, BuildError> {
        let name = self.credential(username)?;
        let word = self.credential(password)?;
        if let Some((key, _)) = username.keys().next()
            && name.text.contains(':')
        {
            return Err(BuildError::Entry {
                key: key.to_owned(),
                message: "must not contain a colon, which ends a user name".to_owned(),
            });
        }
        let basic = format!(
            "Basic {}",
            STANDARD.encode(format!("{}:{}", name.text, word.text))
        );
        header_value(&AUTHORIZATION, &basic, true).map_err(BuildError::Definition)
    }

    pub(super) fn credential(&self, template: &Template) -> Result<Rendered, BuildError> {
        let rendered = template.render(&self.values, |text| Ok(text.to_owned()))?;
        rendered.ok_or_else(|| {
            let absent = template
                .keys()
                .find(|(key, _)| !self.values.contains_key(*key));
            BuildError::Entry {
                key: absent.map_or_else(String::new, |(key, _)| key.to_owned()),
                message: "is needed to log in".to_owned(),
            }
        })
    }
}
