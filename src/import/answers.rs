//! Instances as the old platform's API answers them (`GET /instances`): a list without
//! organization and accounts, so somebody says whose they are. Secrets are masked in it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::document::{Account, Instances, Organization, User};
use super::reader::{Mistakes, Place, below, short};
use crate::administration::Office;
use crate::error::{Error, Result};
use crate::ids::OrganizationId;
use crate::store::Transaction;

/// Who the operator says that they belong to.
#[derive(Debug, Clone)]
pub struct Whose {
    pub organization: OrganizationId,
    /// Id or e-mail address; `None`: each entry names its user by address.
    pub user: Option<String>,
}

type Entries<'a> = Vec<(usize, &'a RawValue)>;

/// # Errors
/// 404: no such organization or user.
pub async fn owned<'a>(
    office: Office<'_>,
    transaction: &mut Transaction,
    entries: Vec<&'a RawValue>,
    whose: &Whose,
    mistakes: &mut Mistakes,
) -> Result<Organization<'a>> {
    let organization = office.organization(whose.organization).await?.id;
    // Account and user to entries.
    let mut owners: BTreeMap<(i64, i64), Entries<'a>> = BTreeMap::new();
    let entries = entries.into_iter().enumerate();
    match &whose.user {
        Some(wanted) => {
            let user = office.user(organization, wanted).await?;
            owners.insert((user.account_id.0, user.id.0), entries.collect());
        }
        None => {
            let mut by_address: BTreeMap<String, Entries<'a>> = BTreeMap::new();
            for (index, raw) in entries {
                let path = format!("[{index}]");
                if let Some(address) = address(&path, raw, mistakes) {
                    let of_address = by_address.entry(address.to_lowercase());
                    of_address.or_default().push((index, raw));
                }
            }
            let addresses: Vec<&str> = by_address.keys().map(String::as_str).collect();
            let org = office.store.org(organization);
            let known = org.known_users(transaction, &[], &addresses).await?;
            for (address, of_address) in by_address {
                let mut users = known.iter();
                match users.find(|user| user.email.to_lowercase() == address) {
                    Some(user) => drop(owners.insert((user.account_id, user.id), of_address)),
                    None => mistakes.add(
                        &format!("[{}].user.emailAddress", of_address[0].0),
                        format_args!(
                            "organization {organization} has no user '{}': make one with `bunsen \
                             user create`, or say with --user whose all of them are",
                            short(&address)
                        ),
                    ),
                }
            }
        }
    }
    let mut accounts: Vec<Account<'a>> = Vec::new();
    for ((account, user), entries) in owners {
        let user = named_user(user, entries);
        match accounts.last_mut().filter(|last| last.id == Some(account)) {
            Some(last) => last.users.push(user),
            None => accounts.push(Account {
                path: String::new(),
                id: Some(account),
                external_id: String::new(),
                name: String::new(),
                description: String::new(),
                default_account: false,
                users: vec![user],
            }),
        }
    }
    Ok(Organization {
        path: "the document".into(),
        id: Some(organization.0),
        name: String::new(),
        secret: None,
        accounts,
    })
}

fn named_user<'a>(id: i64, entries: Entries<'a>) -> User<'a> {
    User {
        path: format!("user {id}"),
        id: Some(id),
        email: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        secret: None,
        password: None,
        roles: Vec::new(),
        active: true,
        instances: Instances {
            path: String::new(),
            entries,
            lenient: true,
        },
    }
}

fn address(path: &str, raw: &RawValue, mistakes: &mut Mistakes) -> Option<String> {
    let place = Place {
        path: path.to_owned(),
        raw,
    };
    let mut fields = place.object(mistakes)?;
    let Some(user) = fields.take("user") else {
        mistakes.add(path, "has no 'user': say with --user whose all of them are");
        return None;
    };
    let mut user = user.object(mistakes)?;
    match user.text("emailAddress", mistakes) {
        Some(address) => Some(address),
        None => {
            mistakes.add(
                &below(path, "user"),
                "has no 'emailAddress': say with --user whose all of them are",
            );
            None
        }
    }
}

/// For a document of the wrong kind.
pub fn refused(answers: bool) -> Error {
    Error::Invalid(match answers {
        true => "the document is a list of instances: say whose they are with --organization ID, \
                 and with --user ID_OR_EMAIL unless each names its user"
            .into(),
        false => "the document names its organizations and users itself: leave --organization and \
                  --user out"
            .into(),
    })
}
