//! Files: they come in the multipart bodies of their parents, and are fetched from a host of their own by signed links
//! without credentials.

use http::StatusCode;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::accounts::{Account, Accounts, now};
use super::errors::{self, Mistake, Refusal};
use super::resources::{ATTACHMENTS, CONTACTS, CONVERSATIONS, TICKETS};
use super::rows;
use super::v2::{Outcome, Visit};
use crate::answer::{self, Answer};
use crate::form::Form;
use crate::records::multipart::Part;
use crate::records::{Record, link, text};
use crate::vendor::{Call, lock};

/// Serves files only; no account has this label.
pub const LABEL: &str = "cdn";
const PATH: &str = "/data/helpdesk/attachments/production/";
/// All files of a ticket together.
const MOST: usize = 20 * 1024 * 1024;
const MOST_AVATAR: usize = 5 * 1024 * 1024;
const PICTURES: &[&str] = &["jpg", "jpeg", "jpe", "png"];
/// How long a link is good (unverified).
const LIFE_SECONDS: i64 = 300;
/// Numbers of files tell their account: hosts of files serve all of them.
pub const PER_ACCOUNT: u64 = 1_000_000_000;

/// Keeps the files of a body for a parent and gives their shapes. `size` is how the parent calls the length.
pub fn keep(
    visit: &mut Visit<'_>,
    files: Vec<Part>,
    ticket: Option<u64>,
    size: &str,
) -> Result<Vec<Value>, Refusal> {
    let unknown: Vec<Mistake> = files
        .iter()
        .filter(|file| file.name != "attachments[]")
        .map(|file| Mistake::unknown(&file.name))
        .collect();
    rows::refuse(unknown)?;
    let new: usize = files.iter().map(|file| file.bytes.len()).sum();
    let held = visit
        .account
        .records
        .rows(ATTACHMENTS)
        .filter(|file| ticket.is_some() && link(file, "~ticket") == ticket);
    let held: u64 = held.filter_map(|file| link(file, "~bytes")).sum();
    if held as usize + new > MOST {
        let message = "The total size of all attachments of a ticket cannot exceed 20 MB";
        return Err(errors::invalid(Mistake::new(
            "attachments",
            "invalid_value",
            message,
        )));
    }
    let mut shapes = Vec::new();
    for file in files {
        shapes.push(store(visit.account, file, ticket, size)?);
    }
    Ok(shapes)
}

/// The picture of a contact.
pub fn avatar(visit: &mut Visit<'_>, contact: u64, files: Vec<Part>) -> Result<(), Refusal> {
    for file in files {
        let name = file.file_name.clone().unwrap_or_default().to_lowercase();
        let picture = PICTURES
            .iter()
            .any(|end| name.ends_with(&format!(".{end}")));
        if file.name != "avatar" {
            return Err(errors::invalid(Mistake::unknown(&file.name)));
        }
        if !picture || file.bytes.len() > MOST_AVATAR {
            let message = "It should be a jpg, jpeg, jpe or png of at most 5 MB";
            return Err(errors::invalid(Mistake::new(
                "avatar",
                "invalid_value",
                message,
            )));
        }
        let mut shape = store(visit.account, file, None, "size")?;
        if let Some(members) = shape.as_object_mut() {
            let url = members.remove("attachment_url").unwrap_or_default();
            members.insert(String::from("avatar_url"), url);
        }
        if let Some(record) = visit.account.records.get_mut(CONTACTS, contact) {
            record.insert(String::from("avatar"), shape);
        }
    }
    Ok(())
}

fn store(
    account: &mut Account,
    file: Part,
    ticket: Option<u64>,
    size: &str,
) -> Result<Value, Refusal> {
    let name = file.file_name.unwrap_or_default();
    let content_type = file
        .content_type
        .unwrap_or_else(|| String::from("application/octet-stream"));
    let mut record = Record::new();
    record.insert(String::from("name"), json!(name));
    record.insert(String::from("content_type"), json!(content_type));
    record.insert(String::from("~ticket"), json!(ticket));
    record.insert(String::from("~bytes"), json!(file.bytes.len()));
    let length = file.bytes.len();
    let id = account
        .records
        .insert(ATTACHMENTS, record)
        .map_err(rows::full)?;
    account
        .records
        .keep_file(ATTACHMENTS, id, file.bytes)
        .map_err(rows::full)?;
    let now = now();
    Ok(json!({
        "id": id,
        "content_type": content_type,
        size: length,
        "name": name,
        "attachment_url": url(id, &name),
        "created_at": now,
        "updated_at": now,
    }))
}

fn url(id: u64, name: &str) -> String {
    let expires = Timestamp::now().as_second() + LIFE_SECONDS;
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!(
        "https://{LABEL}.freshdesk.com{PATH}{id}/original/{name}?Expires={expires}&Signature={}",
        signature(id, expires)
    )
}

/// Nothing secret: a link must only not be guessed by changing another.
fn signature(id: u64, expires: i64) -> String {
    let digest = digest(&SHA256, format!("sandbox:{id}:{expires}").as_bytes());
    digest
        .as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Links are made when they are shown, so they are fresh.
pub fn refresh(shown: &mut Record) {
    for name in ["attachments", "avatar"] {
        let Some(value) = shown.get_mut(name) else {
            continue;
        };
        let files = match value {
            Value::Array(files) => files.as_mut_slice(),
            single => std::slice::from_mut(single),
        };
        for file in files.iter_mut().filter_map(Value::as_object_mut) {
            let (id, name) = (
                link(file, "id"),
                text(file, "name").unwrap_or_default().to_owned(),
            );
            let member = if file.contains_key("avatar_url") {
                "avatar_url"
            } else {
                "attachment_url"
            };
            if let Some(id) = id {
                file.insert(member.to_owned(), json!(url(id, &name)));
            }
        }
    }
}

/// The host of files. It takes a signed link or nothing: what it says to credentials is that of object storage (unverified).
pub fn download(accounts: &Accounts, call: &Call) -> Answer {
    let refused = |status, code: &str| {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>"
        );
        answer::typed(status, "application/xml", body.into())
    };
    if call.headers.contains_key("authorization") {
        return refused(StatusCode::BAD_REQUEST, "InvalidArgument");
    }
    let id = call
        .path
        .strip_prefix(PATH)
        .and_then(|rest| rest.split('/').next());
    let id: Option<u64> = id.and_then(|id| id.parse().ok());
    let query = Form::query(call.query.as_deref().unwrap_or_default());
    let expires: i64 = query
        .get("Expires")
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    let signed = |id| {
        query.get("Signature") == Some(&signature(id, expires))
            && expires > Timestamp::now().as_second()
    };
    let Some(id) = id.filter(|id| signed(*id)) else {
        return refused(StatusCode::FORBIDDEN, "AccessDenied");
    };
    let account = accounts.by_number(id / PER_ACCOUNT);
    let file = account.and_then(|account| {
        let account = lock(&account);
        let bytes = account.records.file(ATTACHMENTS, id)?.clone();
        let content_type = text(account.records.get(ATTACHMENTS, id)?, "content_type")?.to_owned();
        Some((bytes, content_type))
    });
    let Some((bytes, content_type)) = file else {
        return refused(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    let mut answer = answer::typed(StatusCode::OK, "application/octet-stream", bytes);
    if let Ok(content_type) = content_type.parse() {
        answer
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, content_type);
    }
    answer
}

/// Takes a file away from wherever it hangs.
pub fn delete(visit: &mut Visit<'_>) -> Outcome {
    let id = visit.id()?;
    let records = &mut visit.account.records;
    records.remove(ATTACHMENTS, id).ok_or(Refusal::NotFound)?;
    for table in [TICKETS, CONVERSATIONS] {
        let has = |record: &&Record| {
            let files = record.get("attachments").and_then(Value::as_array);
            files.is_some_and(|files| files.iter().any(|file| file["id"] == id))
        };
        let parents: Vec<u64> = records
            .rows(table)
            .filter(has)
            .filter_map(|record| link(record, "id"))
            .collect();
        for parent in parents {
            let record = records.get_mut(table, parent);
            if let Some(files) = record
                .and_then(|record| record.get_mut("attachments"))
                .and_then(Value::as_array_mut)
            {
                files.retain(|file| file["id"] != id);
            }
        }
    }
    rows::no_content()
}
