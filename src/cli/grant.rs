//! `bunsen grant`: permissions to reach systems with private addresses.

use std::fs::File;
use std::io::{Read as _, Write};
use std::path::Path;

use crate::callers;
use crate::config;
use crate::error::{Error, Result};
use crate::ids::OrganizationId;
use crate::outbound;
use crate::store::{Grant, OrganizationGrant, Store};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Some hundred certificates.
const LARGEST_CA_FILE: u64 = 256 * 1024;

/// `known_element` tells whether the catalogue has the key.
pub async fn run(
    store: &Store,
    command: &config::Grant,
    known_element: impl Fn(&str) -> bool,
    out: &mut impl Write,
) -> Result<()> {
    match command {
        config::Grant::Add {
            organization,
            element,
            target,
            ca,
            ..
        } => {
            if !known_element(element) {
                return Err(Error::Invalid(format!(
                    "--element: there is no element '{element}'; `bunsen elements check` lists \
                     those of this server"
                )));
            }
            let ca_pem = ca.as_deref().map(read_ca).transpose()?;
            // The client's own rules: a grant that it would refuse is no use to anybody.
            let allowed = outbound::Grant::parse(target, ca_pem).map_err(Error::Invalid)?;
            require_organization(store, *organization).await?;
            let grant = &Grant {
                element_key: element.clone(),
                host: allowed.host,
                port: allowed.port,
                ca_pem: allowed.ca_pem,
            };
            let org = store.org(*organization);
            let revocation = store
                .transaction(|mut transaction| async move {
                    let revocation = org.add_grant(&mut transaction, grant).await?;
                    Ok((transaction, revocation))
                })
                .await?;
            callers::settle(store, revocation).await;
            say(out, &format!("Granted: {}", line(*organization, grant)))
        }
        config::Grant::List {
            organization, json, ..
        } => {
            let grants = match organization {
                Some(organization) => {
                    require_organization(store, *organization).await?;
                    let grants = store.org(*organization).grants(None).await?;
                    let of = |grant| OrganizationGrant {
                        organization: *organization,
                        grant,
                    };
                    grants.into_iter().map(of).collect()
                }
                None => store.all_orgs().grants().await?,
            };
            list(&grants, *json, out)
        }
        // The element may be gone from the catalogue by now.
        config::Grant::Remove {
            organization,
            element,
            target,
            ..
        } => {
            let named = outbound::Grant::parse(target, None).map_err(Error::Invalid)?;
            require_organization(store, *organization).await?;
            let org = store.org(*organization);
            let (host, port) = (named.host.as_str(), named.port);
            let removed = store
                .transaction(|mut transaction| async move {
                    let removed = org
                        .remove_grant(&mut transaction, element, host, port)
                        .await?;
                    Ok((transaction, removed))
                })
                .await?;
            let revocation = removed.ok_or_else(|| {
                Error::NotFound(format!(
                    "There is no such grant; `bunsen grant list --organization {organization}` \
                     shows those there are."
                ))
            })?;
            callers::settle(store, revocation).await;
            say(
                out,
                &format!("Removed: organization {organization}, {element}, {host}:{port}"),
            )
        }
    }
}

fn list(grants: &[OrganizationGrant], json: bool, out: &mut impl Write) -> Result<()> {
    if json {
        let entries: Vec<_> = grants
            .iter()
            .map(
                |OrganizationGrant {
                     organization,
                     grant,
                 }| {
                    serde_json::json!({
                        "organization": organization,
                        "element": grant.element_key,
                        "host": grant.host,
                        "port": grant.port,
                        "ca": grant.ca_pem,
                    })
                },
            )
            .collect();
        let text = serde_json::to_string_pretty(&entries).map_err(Error::internal)?;
        return say(out, &text);
    }
    if grants.is_empty() {
        return say(out, "No grants: private addresses cannot be reached.");
    }
    grants.iter().try_for_each(
        |OrganizationGrant {
             organization,
             grant,
         }| { say(out, &line(*organization, grant)) },
    )
}

fn line(organization: OrganizationId, grant: &Grant) -> String {
    let Grant {
        element_key,
        host,
        port,
        ca_pem,
    } = grant;
    let ca = if ca_pem.is_some() {
        ", own certificate authority"
    } else {
        ""
    };
    format!("organization {organization}, {element_key}, {host}:{port}{ca}")
}

fn say(out: &mut impl Write, text: &str) -> Result<()> {
    writeln!(out, "{text}").map_err(Error::internal)
}

async fn require_organization(store: &Store, id: OrganizationId) -> Result<()> {
    match store.org(id).organization().await? {
        Some(_) => Ok(()),
        None => Err(Error::NotFound(format!(
            "--organization: there is no organization {id}."
        ))),
    }
}

/// `host:port`, the host as a URL would hold it: names in lower case, IPv6 in brackets.
/// A PEM file that holds certificates and nothing that should stay at home.
fn read_ca(path: &Path) -> Result<String> {
    let wrong = |why: &str| Error::Invalid(format!("--ca {}: {why}", path.display()));
    let file = File::open(path).map_err(|error| wrong(&error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(LARGEST_CA_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| wrong(&error.to_string()))?;
    if bytes.len() as u64 > LARGEST_CA_FILE {
        return Err(wrong(
            "larger than 256 KiB; give the one authority of that host",
        ));
    }
    let pem = String::from_utf8(bytes).map_err(|_| wrong("not text; give PEM"))?;
    if pem.contains("PRIVATE KEY-----") {
        return Err(wrong("it holds a private key; give the certificate alone"));
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| wrong("a PEM section is damaged"))?;
        roots
            .add(certificate)
            .map_err(|_| wrong("a certificate in it cannot be read"))?;
    }
    if roots.is_empty() {
        return Err(wrong("there is no certificate in it (BEGIN CERTIFICATE)"));
    }
    Ok(pem)
}

#[cfg(test)]
mod tests;
