//! `bunsen org brand` and `bunsen org return-origins`: what connect pages look like, and where they
//! may lead back to.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::administration::Office;
use crate::config::{Brand, ReturnOrigins};
use crate::connect::{self, Branding, LogoFile};
use crate::error::{Error, Result};

/// More than any logo that is taken.
const LARGEST_FILE: u64 = 1024 * 1024;

pub async fn brand(office: Office<'_>, given: &Brand) -> Result<Value> {
    office.organization(given.id).await?;
    let (settings, logo) = connect::branding(office.store, given.id).await?;
    let mut branding = match given.clear {
        true => Branding::default(),
        false => Branding {
            name: settings.display_name,
            primary_color: settings.primary_color,
            support_url: settings.support_url,
            logo: logo.map(|logo| LogoFile::of(&logo.bytes)),
        },
    };
    if let Some(file) = &given.logo {
        branding.logo = Some(LogoFile::of(&read(file)?));
    }
    let replace = |old: &mut Option<String>, new: &Option<String>| {
        if new.is_some() {
            old.clone_from(new);
        }
    };
    replace(&mut branding.name, &given.name);
    replace(&mut branding.primary_color, &given.color);
    replace(&mut branding.support_url, &given.support_url);
    connect::set_branding(office.store, given.id, &branding).await?;
    let (settings, logo) = connect::branding(office.store, given.id).await?;
    Ok(json!({
        "id": given.id,
        "name": settings.display_name,
        "color": settings.primary_color,
        "supportUrl": settings.support_url,
        "logo": logo.map(|logo| format!("{}, {} bytes", logo.kind, logo.bytes.len())),
    }))
}

pub async fn origins(office: Office<'_>, given: &ReturnOrigins) -> Result<Value> {
    office.organization(given.id).await?;
    let origins = match given.origins.is_empty() && !given.none {
        true => connect::return_origins(office.store, given.id).await?,
        false => connect::set_return_origins(office.store, given.id, &given.origins).await?,
    };
    Ok(json!({"id": given.id, "returnOrigins": origins.join(" ")}))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let wrong = |why: std::io::Error| Error::Invalid(format!("--logo {}: {why}", path.display()));
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut bytes))
        .map_err(wrong)?;
    Ok(bytes)
}
