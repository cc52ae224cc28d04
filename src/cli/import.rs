//! `bunsen import`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::cli::elements::listed;
use crate::cli::people::open;
use crate::cli::state::{Opened, told};
use crate::config::{Import, own_program};
use crate::elements;
use crate::error::{Error, Result};
use crate::import::{self, Outcome, Report, Whose};
use crate::outbound::{Outbound, Settings, VendorRoute};
use crate::scripts::{self, Scripts};
use crate::store::Mode;
use crate::vault::Vault;

/// Bytes of a document at most: it is held in memory.
const LONGEST: u64 = 1024 * 1024 * 1024;
const VENDOR_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_LIMIT: usize = 2 * 1024 * 1024;

pub async fn run(command: &Import, out: &mut impl Write) -> Result<()> {
    let text = document(&command.file)?;
    // A byte order mark is no mistake.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (catalog, _) = elements::load(command.elements.as_deref())
        .map_err(|mistakes| Error::Invalid(listed(&mistakes)))?;
    let mut state = command.state.clone();
    // One writes while another holds the lease.
    state.database_connections = state.database_connections.max(2);
    let (opened, vault) = open(&state).await?;
    let outcome = import(command, &opened, &vault, &catalog, text).await;
    let outcome = opened.close().await.and(outcome)?;
    match outcome {
        Outcome::Done(report) => show(command, &report, out),
        Outcome::Mistaken(lines) => {
            if command.json {
                let mistakes = serde_json::json!({"mistakes": lines});
                say(out, &format!("{mistakes:#}"))?;
            }
            Err(Error::Invalid(format!(
                "nothing was imported; the document has mistakes:\n{}",
                lines.join("\n")
            )))
        }
    }
}

async fn import(
    command: &Import,
    opened: &Opened,
    vault: &Vault,
    catalog: &bunsen_engine::element::Catalog,
    text: &str,
) -> Result<Outcome> {
    let mode = opened.store.mode().await?;
    let outbound = match command.verify {
        true => Some((outbound(command, mode)?, scripts()?)),
        false => None,
    };
    let vendors = outbound.as_ref();
    let vendors = vendors.map(|(outbound, scripts)| (outbound, scripts));
    let whose = command.organization.map(|organization| Whose {
        organization,
        user: command.user.clone(),
    });
    let work = import::Import::new(&opened.store, vault, catalog, mode, vendors);
    let done = work.run(text, whose.as_ref(), command.dry_run).await;
    done.map_err(|error| match error {
        Error::Internal(_) => told(error),
        other => other,
    })
}

/// Where hooks of definitions run.
fn scripts() -> Result<Scripts> {
    let program = own_program().map_err(told)?;
    Ok(Scripts::new(scripts::Settings::new(program)))
}

fn outbound(command: &Import, mode: Option<Mode>) -> Result<Outbound> {
    if mode == Some(Mode::Sandbox) && command.sandbox.is_none() {
        return Err(Error::Invalid(
            "--verify: this database belongs to a sandbox server; give its simulator with --sandbox"
                .into(),
        ));
    }
    if mode == Some(Mode::Production) && command.sandbox.is_some() {
        return Err(Error::Invalid(
            "--verify: this database belongs to a production server; leave --sandbox out".into(),
        ));
    }
    let routes = command.vendor_routes.iter().filter(|text| !text.is_empty());
    let routes = routes
        .map(|text| VendorRoute::parse(text))
        .collect::<Result<Vec<_>, String>>()
        .map_err(Error::Invalid)?;
    Outbound::new(Settings {
        egress: super::serve::egress_proxy(&command.egress)?,
        routes,
        sandbox: command.sandbox.clone(),
        total_timeout: VENDOR_TIMEOUT,
        connect_timeout: CONNECT_TIMEOUT,
        body_limit: ANSWER_LIMIT,
    })
    .map_err(told)
}

/// The text, wiped when it is not needed any more.
fn document(path: &Path) -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let unreadable =
        |error: io::Error| Error::Invalid(format!("{} cannot be read: {error}", path.display()));
    let read = if path == Path::new("-") {
        io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes)
    } else {
        let file = File::open(path).map_err(unreadable)?;
        let found = file.metadata().map_err(unreadable)?;
        let mode = found.permissions().mode() & 0o777;
        if found.is_file() && mode & 0o077 != 0 {
            let _ = writeln!(
                io::stderr(),
                "bunsen: warning: {} can be read by others (mode {mode:04o}) and holds secrets: run \
                 `chmod 600 {}`, and remove it when the import is done",
                path.display(),
                path.display()
            );
        }
        // No memory for what is refused anyway.
        match found.len() > LONGEST {
            true => Ok(usize::MAX),
            false => file.take(LONGEST + 1).read_to_end(&mut bytes),
        }
    };
    if read.map_err(unreadable)? as u64 > LONGEST {
        return Err(Error::Invalid(format!(
            "{} is larger than {LONGEST} bytes: give its organizations in several documents",
            path.display()
        )));
    }
    String::from_utf8(std::mem::take(&mut *bytes))
        .map(Zeroizing::new)
        .map_err(|error| {
            Error::Invalid(format!(
                "{} is not UTF-8 (byte {})",
                path.display(),
                error.utf8_error().valid_up_to() + 1
            ))
        })
}

fn show(command: &Import, report: &Report, out: &mut impl Write) -> Result<()> {
    for warning in &report.warnings {
        let _ = writeln!(io::stderr(), "bunsen: warning: {warning}");
    }
    if command.json {
        let text = serde_json::to_string_pretty(report).map_err(Error::internal)?;
        return say(out, &text);
    }
    if report.dry_run {
        say(out, "Nothing was written; this would be done:")?;
    }
    for one in &report.organizations {
        let id = one.id.map_or_else(|| "new".to_owned(), |id| id.to_string());
        let mut line = format!("organization {id} '{}': {}", one.name, one.state);
        for (what, counts) in [
            ("accounts", one.accounts),
            ("users", one.users),
            ("instances", one.instances),
        ] {
            let _ = write!(
                line,
                "; {what}: {} created, {} unchanged",
                counts.created, counts.unchanged
            );
        }
        if one.need_reconnect > 0 {
            let _ = write!(
                line,
                "; {} instances need to be reconnected",
                one.need_reconnect
            );
        }
        say(out, &line)?;
    }
    Ok(())
}

fn say(out: &mut impl Write, text: &str) -> Result<()> {
    writeln!(out, "{text}").map_err(Error::internal)
}
