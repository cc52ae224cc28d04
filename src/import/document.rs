//! The document as written, judged by itself: what is wrong whatever the database holds. The format
//! is described in `docs/import.md` and `schemas/import.json`.

use serde_json::value::RawValue;

use super::reader::{Fields, Mistakes, Place, below, check_syntax, short};
use crate::administration::{self, Person};
use crate::error::Result;
use crate::ids::{Secret, can_be_presented, is_placeholder};
use crate::vault::password;

/// Members of each object, as the schema has them.
pub const DOCUMENT: &[&str] = &["version", "organizations"];
pub const ORGANIZATION: &[&str] = &["id", "name", "secret", "accounts"];
pub const ACCOUNT: &[&str] = &[
    "id",
    "externalId",
    "name",
    "description",
    "default",
    "users",
];
pub const USER: &[&str] = &[
    "id",
    "email",
    "firstName",
    "lastName",
    "secret",
    "password",
    "passwordHash",
    "roles",
    "active",
    "instances",
];
/// A shorter one could be guessed; a longer one is none of the old platform's.
pub const SHORTEST_SECRET: usize = 16;
pub const LONGEST_SECRET: usize = 512;
const VERSION: i64 = 1;

/// What the text holds.
#[derive(Debug)]
pub enum Document<'a> {
    Organizations(Vec<Place<'a>>),
    /// Instances as the old platform's API answers them.
    Answers(Vec<&'a RawValue>),
}

#[derive(Debug)]
pub struct Organization<'a> {
    pub path: String,
    pub id: Option<i64>,
    pub name: String,
    pub secret: Option<Secret>,
    pub accounts: Vec<Account<'a>>,
}

#[derive(Debug)]
pub struct Account<'a> {
    pub path: String,
    pub id: Option<i64>,
    pub external_id: String,
    pub name: String,
    pub description: String,
    pub default_account: bool,
    pub users: Vec<User<'a>>,
}

#[derive(Debug)]
pub struct User<'a> {
    pub path: String,
    pub id: Option<i64>,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub secret: Option<Secret>,
    pub password: Option<Password>,
    pub roles: Vec<String>,
    pub active: bool,
    pub instances: Instances<'a>,
}

#[derive(Debug)]
pub enum Password {
    Clear(Secret),
    /// Argon2id in PHC form.
    Hash(Secret),
}

/// The instances of one user, left in the text until their turn comes.
#[derive(Debug, Default)]
pub struct Instances<'a> {
    /// Path of the list.
    pub path: String,
    /// Index in the list, for the path.
    pub entries: Vec<(usize, &'a RawValue)>,
    /// Members that are unknown here are no slips.
    pub lenient: bool,
}

impl<'a> Instances<'a> {
    pub fn place(&self, (index, raw): (usize, &'a RawValue)) -> Place<'a> {
        Place {
            path: format!("{}[{index}]", self.path),
            raw,
        }
    }
}

impl<'a> Document<'a> {
    /// # Errors
    /// 400: this is no JSON at all.
    pub fn read(text: &'a str, mistakes: &mut Mistakes) -> Result<Self> {
        let raw = check_syntax(text)?;
        let whole = Place {
            path: String::new(),
            raw,
        };
        if raw.get().starts_with('[') {
            return Ok(Self::Answers(whole.entries(mistakes)));
        }
        let root = Place {
            path: "the document".into(),
            raw,
        };
        let Some(mut fields) = root.object(mistakes) else {
            return Ok(Self::Organizations(Vec::new()));
        };
        fields.path.clear();
        if let Some(version) = fields.take("version")
            && version.id(mistakes).is_some_and(|given| given != VERSION)
        {
            mistakes.add(
                &version.path,
                format_args!("is not {VERSION}, which this Bunsen reads"),
            );
        }
        let organizations = match fields.take("organizations") {
            Some(list) => list.list(mistakes),
            None => {
                mistakes.add("the document", "'organizations' is missing");
                Vec::new()
            }
        };
        fields.path = "the document".into();
        fields.nothing_else(DOCUMENT, mistakes);
        Ok(Self::Organizations(organizations))
    }
}

pub fn organization<'a>(place: &Place<'a>, mistakes: &mut Mistakes) -> Option<Organization<'a>> {
    let mut fields = place.object(mistakes)?;
    let found = Organization {
        path: place.path.clone(),
        id: fields.id("id", mistakes),
        name: named(&mut fields, "name", mistakes),
        secret: secret(&mut fields, "secret", mistakes),
        accounts: fields
            .list("accounts", mistakes)
            .iter()
            .filter_map(|place| account(place, mistakes))
            .collect(),
    };
    fields.nothing_else(ORGANIZATION, mistakes);
    let mut defaults = found.accounts.iter().filter(|one| one.default_account);
    if let (Some(_), Some(second)) = (defaults.next(), defaults.next()) {
        mistakes.add(
            &below(&second.path, "default"),
            "an organization has one default account only",
        );
    }
    Some(found)
}

fn account<'a>(place: &Place<'a>, mistakes: &mut Mistakes) -> Option<Account<'a>> {
    let mut fields = place.object(mistakes)?;
    let id = fields.id("id", mistakes);
    let external_id = named(&mut fields, "externalId", mistakes);
    let name = match named_if_given(&mut fields, "name", mistakes) {
        Some(name) => name,
        None => external_id.clone(),
    };
    let description = match fields.text("description", mistakes) {
        Some(description) => description,
        None => name.clone(),
    };
    if description.chars().count() > 4000 {
        mistakes.add(
            &below(&place.path, "description"),
            "is longer than 4000 characters",
        );
    }
    let default_account = fields.flag("default", mistakes).unwrap_or_default();
    let users = fields.list("users", mistakes);
    let users = users
        .iter()
        .filter_map(|place| user(place, default_account, mistakes))
        .collect();
    fields.nothing_else(ACCOUNT, mistakes);
    Some(Account {
        path: place.path.clone(),
        id,
        external_id,
        name,
        description,
        default_account,
        users,
    })
}

fn user<'a>(
    place: &Place<'a>,
    in_default_account: bool,
    mistakes: &mut Mistakes,
) -> Option<User<'a>> {
    let mut fields = place.object(mistakes)?;
    let id = fields.id("id", mistakes);
    let email = fields.needed("email", mistakes);
    if !email.is_empty()
        && let Err(error) = administration::email(&email)
    {
        mistakes.add(&below(&place.path, "email"), error);
    }
    let first_name = named(&mut fields, "firstName", mistakes);
    let last_name = named(&mut fields, "lastName", mistakes);
    let secret = secret(&mut fields, "secret", mistakes);
    let person = Person {
        email: &email,
        first_name: &first_name,
        last_name: &last_name,
    };
    let password = password_of(&mut fields, person, mistakes);
    let mut roles = Vec::new();
    for role in fields.list("roles", mistakes) {
        let Some(key) = role.text(mistakes) else {
            continue;
        };
        match administration::role(&key, in_default_account) {
            Err(error) => mistakes.add(&role.path, error),
            Ok(_) if roles.contains(&key) => {}
            Ok(_) => roles.push(key),
        }
    }
    if roles.is_empty() {
        roles.push(administration::ordinary_role(in_default_account).to_owned());
    }
    let active = fields.flag("active", mistakes).unwrap_or(true);
    let instances = match fields.take("instances") {
        Some(list) => Instances {
            entries: list.entries(mistakes).into_iter().enumerate().collect(),
            path: list.path,
            lenient: false,
        },
        None => Instances::default(),
    };
    fields.nothing_else(USER, mistakes);
    Some(User {
        path: place.path.clone(),
        id,
        email,
        first_name,
        last_name,
        secret,
        password,
        roles,
        active,
        instances,
    })
}

fn password_of(
    fields: &mut Fields<'_>,
    person: Person<'_>,
    mistakes: &mut Mistakes,
) -> Option<Password> {
    let clear = fields.take("password");
    let hash = fields.take("passwordHash");
    if let (Some(_), Some(hash)) = (&clear, &hash) {
        mistakes.add(&hash.path, "give 'password' or 'passwordHash', not both");
    }
    if let Some(place) = clear {
        let given = Secret::new(place.text(mistakes)?);
        if let Err(error) = administration::check_password(&given, person) {
            mistakes.add(&place.path, error);
        }
        return Some(Password::Clear(given));
    }
    let place = hash?;
    let given = Secret::new(place.text(mistakes)?);
    if let Err(words) = password::check_hash(&given) {
        mistakes.add(&place.path, words);
    }
    Some(Password::Hash(given))
}

/// A secret that callers can send; what is refused is told without the secret.
pub fn secret(fields: &mut Fields<'_>, name: &str, mistakes: &mut Mistakes) -> Option<Secret> {
    let place = fields.take(name)?;
    let given = Secret::new(place.text(mistakes)?);
    let text = given.reveal();
    if is_placeholder(text) {
        mistakes.add(&place.path, "is a placeholder, no secret");
    } else if !can_be_presented(text) {
        mistakes.add(
            &place.path,
            "must be made of letters, digits and + / = - _ alone, else no Authorization header \
             can carry it",
        );
    } else if !(SHORTEST_SECRET..=LONGEST_SECRET).contains(&text.len()) {
        mistakes.add(
            &place.path,
            format_args!("must have {SHORTEST_SECRET} to {LONGEST_SECRET} characters"),
        );
    }
    Some(given)
}

fn named(fields: &mut Fields<'_>, name: &str, mistakes: &mut Mistakes) -> String {
    match named_if_given(fields, name, mistakes) {
        Some(text) => text,
        None => fields.needed(name, mistakes),
    }
}

fn named_if_given(fields: &mut Fields<'_>, name: &str, mistakes: &mut Mistakes) -> Option<String> {
    let place = fields.take(name)?;
    // What is wrong is told once: an unusable text is not missing too.
    let text = place.text(mistakes).unwrap_or_default();
    if place.raw.get().starts_with('"')
        && !text.contains('\0')
        && let Err(error) = administration::named(&short(name), &text)
    {
        mistakes.add(&place.path, error);
    }
    Some(text)
}
