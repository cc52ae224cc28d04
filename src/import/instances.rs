//! Instances of a document: read and judged a few at a time, and looked for in the database.

use std::collections::{HashMap, HashSet};

use bunsen_engine::element::Catalog;
use jiff::Timestamp;
use serde_json::Map;
use serde_json::value::RawValue;

use super::document::{Instances, secret};
use super::reader::{Fields, Mistakes, Place, below};
use super::seen::Seen;
use crate::error::Result;
use crate::ids::{Secret, SecretKind};
use crate::provisioning::imported::{self, Imported, Written};
use crate::store::{KnownInstance, Mode, Numbered, Store, Transaction};
use crate::vault::Vault;

/// Members of an instance, as the schema has them.
pub const INSTANCE: &[&str] = &[
    "id",
    "token",
    "element",
    "name",
    "tags",
    "configuration",
    "disabled",
    "createdDate",
    "externalAuthentication",
];

/// An instance that is fit to be stored.
#[derive(Debug)]
pub struct Read {
    pub path: String,
    pub id: Option<i64>,
    pub token: Option<Secret>,
    pub disabled: bool,
    /// ISO 8601.
    pub created: Option<String>,
    pub imported: Imported,
}

/// What an instance is judged with.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    pub store: &'a Store,
    pub vault: &'a Vault,
    pub catalog: &'a Catalog,
    pub mode: Option<Mode>,
}

/// Whose instances these are; `None`: will be made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Owner {
    pub organization: Option<i64>,
    pub user: Option<i64>,
}

impl Judge<'_> {
    pub fn read(
        &self,
        instances: &Instances<'_>,
        entries: &[(usize, &RawValue)],
        mistakes: &mut Mistakes,
    ) -> Vec<Read> {
        let places = entries.iter().map(|entry| instances.place(*entry));
        places
            .filter_map(|place| self.read_one(&place, instances.lenient, mistakes))
            .collect()
    }

    fn read_one(&self, place: &Place<'_>, lenient: bool, mistakes: &mut Mistakes) -> Option<Read> {
        let path = place.path.clone();
        let mut fields = place.object(mistakes)?;
        let id = fields.id("id", mistakes);
        let token = secret(&mut fields, "token", mistakes);
        let named = element_named(&mut fields, mistakes);
        let element = match imported::element(self.catalog, named.as_deref().unwrap_or_default()) {
            Ok(element) => Some(element),
            Err(words) => {
                // What is missing or of another kind has been told.
                if named.is_some() {
                    mistakes.add(&below(&path, "element"), words);
                }
                None
            }
        };
        let tags = fields.take("tags").map(|list| {
            let tags = list.list(mistakes);
            tags.iter().filter_map(|tag| tag.text(mistakes)).collect()
        });
        let written = Written {
            name: fields.needed("name", mistakes),
            tags,
            configuration: configuration(&mut fields, mistakes),
            external_authentication: fields.text("externalAuthentication", mistakes),
        };
        let disabled = fields.flag("disabled", mistakes).unwrap_or_default();
        let created = fields.take("createdDate");
        let created = created.and_then(|place| moment(&place, mistakes));
        let was_invalid = lenient && fields.flag("valid", mistakes) == Some(false);
        if !lenient {
            fields.nothing_else(INSTANCE, mistakes);
        }
        let mut imported = match imported::check(element?, self.mode, &written) {
            Ok(imported) => imported,
            Err(wrong) => {
                for (member, error) in wrong {
                    // A name that is missing was told when it was looked for.
                    if !(member == "name" && written.name.is_empty()) {
                        mistakes.add(&below(&path, member), error);
                    }
                }
                return None;
            }
        };
        if was_invalid && imported.invalid.is_none() {
            imported.invalid = Some("needs reconnect: it was not valid where it came from".into());
        }
        Some(Read {
            path,
            id,
            token,
            disabled,
            created,
            imported,
        })
    }

    /// For each instance the id under which it is there already.
    pub async fn find(
        &self,
        transaction: &mut Transaction,
        owner: Owner,
        batch: &[Read],
        mistakes: &mut Mistakes,
    ) -> Result<Vec<Option<i64>>> {
        let by_token = self.owners_of_tokens(transaction, batch).await?;
        let mut ids: Vec<i64> = batch.iter().filter_map(|one| one.id).collect();
        ids.extend(by_token.values().map(|(_, instance)| *instance));
        let known = self.store.known_instances(transaction, &ids).await?;
        let known: HashMap<i64, KnownInstance> =
            known.into_iter().map(|one| (one.id, one)).collect();
        let namesakes = self.namesakes(transaction, owner, batch).await?;
        let mut found = Vec::with_capacity(batch.len());
        for (index, one) in batch.iter().enumerate() {
            let by_token = by_token.get(&index).map(|(_, instance)| *instance);
            let there = one.id.filter(|id| known.contains_key(id)).or(match one.id {
                Some(_) => None,
                None => by_token,
            });
            if let Some(other) = by_token.filter(|other| Some(*other) != there) {
                mistakes.add(
                    &below(&one.path, "token"),
                    format_args!("is in use by instance {other}"),
                );
            }
            let Some(there) = there else {
                let namesake = match (one.id, &one.token) {
                    (None, None) => namesakes.iter().find(|other| {
                        other.name == one.imported.name
                            && other.element_key == one.imported.element.key
                    }),
                    _ => None,
                };
                found.push(namesake.map(|other| other.id));
                continue;
            };
            if let Some(known) = known.get(&there) {
                self.compare(owner, one, by_token, known, mistakes);
            }
            found.push(Some(there));
        }
        Ok(found)
    }

    fn compare(
        &self,
        owner: Owner,
        one: &Read,
        by_token: Option<i64>,
        known: &KnownInstance,
        mistakes: &mut Mistakes,
    ) {
        let member = below(&one.path, if one.id.is_some() { "id" } else { "token" });
        if Some(known.org_id) != owner.organization {
            let other = known.org_id;
            return mistakes.add(
                &member,
                format_args!("is taken by instance {} of organization {other}", known.id),
            );
        }
        if Some(known.user_id) != owner.user {
            return mistakes.add(
                &member,
                format_args!("is that of an instance of user {}", known.user_id),
            );
        }
        if known.element_key != one.imported.element.key {
            mistakes.add(
                &below(&one.path, "element"),
                format_args!(
                    "is another one than '{}' of instance {}",
                    known.element_key, known.id
                ),
            );
        }
        if one.token.is_some() && by_token != Some(known.id) {
            mistakes.add(
                &below(&one.path, "token"),
                format_args!("is another one than instance {} has", known.id),
            );
        }
    }

    /// By index: organization and instance.
    async fn owners_of_tokens(
        &self,
        transaction: &mut Transaction,
        batch: &[Read],
    ) -> Result<HashMap<usize, (i64, i64)>> {
        let mut prints = HashMap::new();
        for (index, one) in batch.iter().enumerate() {
            for print in one
                .token
                .iter()
                .flat_map(|token| self.vault.fingerprints(SecretKind::Instance, token))
            {
                prints.insert(print.hmac, index);
            }
        }
        let hmacs: Vec<&[u8]> = prints.keys().map(<[u8; 32]>::as_slice).collect();
        let owners = self.store.secret_owners(transaction, &hmacs).await?;
        let indexed = owners.into_iter().filter_map(|owner| {
            let index = prints.get(owner.hmac.as_slice())?;
            Some((*index, (owner.org_id, owner.object_id)))
        });
        Ok(indexed.collect())
    }

    /// Those of the user that have no id and no token to be known by may be one of these.
    async fn namesakes(
        &self,
        transaction: &mut Transaction,
        owner: Owner,
        batch: &[Read],
    ) -> Result<Vec<KnownInstance>> {
        let (Some(organization), Some(user)) = (owner.organization, owner.user) else {
            return Ok(Vec::new());
        };
        let nameless = batch
            .iter()
            .filter(|one| one.id.is_none() && one.token.is_none());
        let names: Vec<&str> = nameless.map(|one| one.imported.name.as_str()).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let org = self.store.org(crate::ids::OrganizationId(organization));
        org.known_instances_of(transaction, user, &names).await
    }
}

/// Notes what must not stand twice in one document.
pub fn note(
    seen: &mut Seen,
    vault: &Vault,
    names: &mut HashSet<(String, String)>,
    batch: &[Read],
    found: &[Option<i64>],
    mistakes: &mut Mistakes,
) {
    for (one, found) in batch.iter().zip(found) {
        seen.id(Numbered::Instances, found.or(one.id), &one.path, mistakes);
        if let Some(token) = &one.token {
            let print = vault.fingerprint(SecretKind::Instance, token);
            seen.secret(print.hmac, &below(&one.path, "token"), mistakes);
        }
        if one.id.is_none() && one.token.is_none() {
            let key = (one.imported.element.key.clone(), one.imported.name.clone());
            if !names.insert(key) {
                mistakes.add(
                    &one.path,
                    "has neither id nor token, and its user has another one of this element and \
                     name: give one of them, so that both can be told apart",
                );
            }
        }
    }
}

/// Key or id: as text, as number, or as the object that the API answers. Of the object the key
/// counts, since ids are those of another catalogue.
fn element_named(fields: &mut Fields<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let Some(place) = fields.take("element") else {
        mistakes.add(&fields.path, "'element' is missing");
        return None;
    };
    match place.raw.get().as_bytes().first() {
        Some(b'{') => {
            let mut object = place.object(mistakes)?;
            if let Some(key) = object.take("key") {
                return key.text(mistakes);
            }
            let Some(id) = object.take("id") else {
                mistakes.add(&place.path, "has no key");
                return None;
            };
            id.id(mistakes).map(|id| id.to_string())
        }
        Some(b'"') => place.text(mistakes),
        _ => place.id(mistakes).map(|id| id.to_string()),
    }
}

fn configuration(
    fields: &mut Fields<'_>,
    mistakes: &mut Mistakes,
) -> Map<String, serde_json::Value> {
    let Some(place) = fields.take("configuration") else {
        return Map::new();
    };
    let Some(mut object) = place.object(mistakes) else {
        return Map::new();
    };
    let mut all = Map::new();
    for member in object.all() {
        let key = member.path.clone();
        let member = Place {
            path: format!("{}['{}']", place.path, super::reader::short(&key)),
            raw: member.raw,
        };
        if let Some(value) = member.value(mistakes) {
            all.insert(key, value);
        }
    }
    all
}

fn moment(place: &Place<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let text = place.text(mistakes)?;
    let moment = text.parse::<Timestamp>().ok();
    let moment = moment.filter(|moment| *moment >= Timestamp::UNIX_EPOCH);
    if moment.is_none() {
        mistakes.add(
            &place.path,
            "must be a moment since 1970, as in 2024-05-02T10:11:12Z",
        );
    }
    moment.map(|moment| moment.to_string())
}
