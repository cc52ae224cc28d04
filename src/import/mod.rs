//! Use case of an operator: organizations, accounts, users and instances of another server, with
//! their ids, secrets and tokens, brought in beside running servers.
//!
//! The document is read twice. The first time everything is judged, by itself and against the
//! database, and every mistake told; nothing has been written then. Before the second time the ids
//! that the database gives by itself are moved past those of the document, and then each
//! organization is written in one transaction. Unique constraints catch what servers do meanwhile;
//! a lease keeps a second import out.
//!
//! An import adds. What is there already is recognised, compared where it matters (whose it is, its
//! element, its secret) and left as it is, so the same document may be imported again.

mod answers;
mod document;
mod instances;
mod reader;
mod report;
mod seen;
mod standing;
mod verify;
mod write;

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bunsen_engine::element::Catalog;
use uuid::Uuid;

use crate::administration::Office;
use crate::error::{Error, Result};
use crate::outbound::Outbound;
use crate::scripts::Scripts;
use crate::store::{Mode, Numbered, Store};
use crate::vault::Vault;

pub use answers::Whose;
pub use report::{OrganizationReport, Report};

use document::{Document, Organization};
use instances::Owner;
use reader::{Mistakes, Place};
use seen::Seen;
use standing::{Look, Standing};
use write::BATCH;

const LEASE: &str = "import";
/// After a kill the next import waits for as long.
const LEASE_TIME: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(200);
/// Ids asked for in one statement.
const MANY_IDS: usize = 10_000;

/// One import at work.
#[derive(Debug)]
pub struct Import<'a> {
    pub store: &'a Store,
    pub vault: &'a Vault,
    pub catalog: &'a Catalog,
    /// Stamp of the database.
    pub mode: Option<Mode>,
    /// Vendors are asked through this, with hooks run there; `None`: they are not asked.
    pub vendors: Option<(&'a Outbound, &'a Scripts)>,
    holder: Uuid,
    held: Mutex<Option<Instant>>,
}

#[derive(Debug)]
pub enum Outcome {
    Done(Report),
    /// Nothing was written; a line for each mistake.
    Mistaken(Vec<String>),
}

/// Ids that are to be new, to see whether another organization than theirs has them.
type Wanted = Vec<NewId>;

#[derive(Debug)]
struct NewId {
    table: Numbered,
    id: i64,
    organization: Option<i64>,
    path: String,
}

enum Source<'t> {
    Document(Vec<Place<'t>>),
    Answers(Organization<'t>),
}

impl<'a> Import<'a> {
    pub fn new(
        store: &'a Store,
        vault: &'a Vault,
        catalog: &'a Catalog,
        mode: Option<Mode>,
        vendors: Option<(&'a Outbound, &'a Scripts)>,
    ) -> Self {
        Self {
            store,
            vault,
            catalog,
            mode,
            vendors,
            holder: Uuid::new_v4(),
            held: Mutex::default(),
        }
    }

    /// # Errors
    /// The text is no JSON; `whose` names nobody; the database is out of reach; or somebody was
    /// faster, and the organizations told so far are in.
    pub async fn run(&self, text: &str, whose: Option<&Whose>, dry_run: bool) -> Result<Outcome> {
        let mut mistakes = Mistakes::default();
        let document = Document::read(text, &mut mistakes)?;
        let source = self.source(document, whose, &mut mistakes).await?;
        let mut seen = Seen::default();
        let mut wanted = Wanted::new();
        let mut report = Report {
            dry_run,
            ..Report::default()
        };
        for index in 0..source.count() {
            source
                .each(index, &mut mistakes, async |organization, mistakes| {
                    let checked = self.check(organization, &mut seen, &mut wanted, mistakes);
                    report.organizations.push(checked.await?);
                    Ok(())
                })
                .await?;
        }
        self.not_elsewhere(&wanted, &mut mistakes).await?;
        if !mistakes.is_empty() {
            return Ok(Outcome::Mistaken(mistakes.lines()));
        }
        if dry_run {
            return Ok(Outcome::Done(report));
        }
        self.begin().await?;
        let done = self.write_all(&source, &seen, &wanted).await;
        self.store.release(LEASE, self.holder).await?;
        done
    }

    async fn source<'t>(
        &self,
        document: Document<'t>,
        whose: Option<&Whose>,
        mistakes: &mut Mistakes,
    ) -> Result<Source<'t>> {
        match (document, whose) {
            (Document::Organizations(places), None) => Ok(Source::Document(places)),
            (Document::Answers(entries), Some(whose)) => {
                let office = Office {
                    store: self.store,
                    vault: self.vault,
                };
                let mut transaction = self.store.begin().await?;
                answers::owned(office, &mut transaction, entries, whose, mistakes)
                    .await
                    .map(Source::Answers)
            }
            (Document::Answers(_), None) => Err(answers::refused(true)),
            (Document::Organizations(_), Some(_)) => Err(answers::refused(false)),
        }
    }

    /// Judges one organization, and counts what would be done.
    async fn check(
        &self,
        organization: &Organization<'_>,
        seen: &mut Seen,
        wanted: &mut Wanted,
        mistakes: &mut Mistakes,
    ) -> Result<OrganizationReport> {
        // Of one moment: an organization that comes in meanwhile is there as a whole, or not at all.
        let mut transaction = self.store.begin_reading().await?;
        let mut look = Look {
            store: self.store,
            vault: self.vault,
            mistakes,
        };
        let standing = look.at(&mut transaction, organization).await?;
        standing::note(seen, self.vault, organization, &standing, mistakes);
        note_new_ids(organization, &standing, wanted);
        let mut report = OrganizationReport::of(organization, &standing, organization.id);
        let judge = self.judge();
        for (account, users) in organization.accounts.iter().zip(&standing.users) {
            for (user, there) in account.users.iter().zip(users) {
                let owner = Owner {
                    organization: standing.organization,
                    user: *there,
                };
                let mut names = HashSet::new();
                for entries in user.instances.entries.chunks(BATCH) {
                    let mut batch = judge.read(&user.instances, entries, mistakes);
                    let found = judge
                        .find(&mut transaction, owner, &batch, mistakes)
                        .await?;
                    instances::note(seen, self.vault, &mut names, &batch, &found, mistakes);
                    let unchanged = found.iter().filter(|there| there.is_some()).count();
                    let mut there = found.iter();
                    batch.retain(|_| there.next().is_some_and(Option::is_none));
                    report.count(unchanged, &batch);
                }
            }
        }
        Ok(report)
    }

    /// Accounts and users are unique within their organization; the ids that the API shows are
    /// everywhere.
    async fn not_elsewhere(&self, wanted: &Wanted, mistakes: &mut Mistakes) -> Result<()> {
        for table in [Numbered::Accounts, Numbered::Users] {
            let of_table: Vec<&NewId> = wanted.iter().filter(|one| one.table == table).collect();
            for some in of_table.chunks(MANY_IDS) {
                let ids: Vec<i64> = some.iter().map(|one| one.id).collect();
                for (taken, organization) in self.store.taken_ids(table, &ids).await? {
                    // In its own organization it may have come in meanwhile.
                    let ours = some
                        .iter()
                        .find(|one| one.id == taken && one.organization != Some(organization));
                    if let Some(ours) = ours {
                        mistakes.add(
                            &reader::below(&ours.path, "id"),
                            format_args!("{taken} is taken in organization {organization}"),
                        );
                    }
                }
            }
        }
        Ok(())
    }

    async fn write_all(
        &self,
        source: &Source<'_>,
        seen: &Seen,
        wanted: &Wanted,
    ) -> Result<Outcome> {
        for (table, highest) in seen.highest() {
            self.store.move_ids_past(table, highest).await?;
        }
        // Once more, now that nobody gets such an id any more.
        let mut mistakes = Mistakes::default();
        self.not_elsewhere(wanted, &mut mistakes).await?;
        if !mistakes.is_empty() {
            return Ok(Outcome::Mistaken(mistakes.lines()));
        }
        let mut report = Report::default();
        for index in 0..source.count() {
            let written = source
                .each(index, &mut mistakes, async |organization, _| {
                    self.hold().await?;
                    let standing = self.standing(organization).await?;
                    let warnings = &mut report.warnings;
                    let made = self.make(organization, &standing, warnings).await?;
                    let done = self.write(organization, &made).await?;
                    tracing::info!(
                        org.id = done.id,
                        state = done.state,
                        "organization imported"
                    );
                    report.organizations.push(done);
                    Ok(())
                })
                .await;
            written.map_err(|error| after(&report, error))?;
        }
        Ok(Outcome::Done(report))
    }

    async fn standing(&self, organization: &Organization<'_>) -> Result<Standing> {
        let mut mistakes = Mistakes::default();
        let mut transaction = self.store.begin().await?;
        let mut look = Look {
            store: self.store,
            vault: self.vault,
            mistakes: &mut mistakes,
        };
        // What has become wrong is told by the transaction that writes.
        look.at(&mut transaction, organization).await
    }

    async fn begin(&self) -> Result<()> {
        let deadline = Instant::now() + LEASE_TIME + Duration::from_secs(5);
        while !self.store.try_lease(LEASE, self.holder, LEASE_TIME).await? {
            if Instant::now() > deadline {
                return Err(Error::Conflict(
                    "another `bunsen import` is at work on this database".into(),
                ));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Before every step: it is still ours alone.
    async fn hold(&self) -> Result<()> {
        let fresh = |held: &Option<Instant>| held.is_some_and(|at| at.elapsed() < LEASE_TIME / 5);
        if self.held.lock().as_deref().is_ok_and(fresh) {
            return Ok(());
        }
        let now = Instant::now();
        if !self.store.try_lease(LEASE, self.holder, LEASE_TIME).await? {
            return Err(Error::Conflict(
                "this import was held up and another one took over; run it again".into(),
            ));
        }
        if let Ok(mut held) = self.held.lock() {
            *held = Some(now);
        }
        Ok(())
    }
}

impl Source<'_> {
    fn count(&self) -> usize {
        match self {
            Self::Document(places) => places.len(),
            Self::Answers(_) => 1,
        }
    }

    /// One organization at a time is held; that of a document is read anew each time.
    async fn each(
        &self,
        index: usize,
        mistakes: &mut Mistakes,
        mut work: impl AsyncFnMut(&Organization<'_>, &mut Mistakes) -> Result<()>,
    ) -> Result<()> {
        match self {
            Self::Answers(organization) => work(organization, mistakes).await,
            Self::Document(places) => {
                let place = places.get(index);
                let read = place.and_then(|place| document::organization(place, mistakes));
                match read {
                    Some(organization) => work(&organization, mistakes).await,
                    None => Ok(()),
                }
            }
        }
    }
}

fn note_new_ids(organization: &Organization<'_>, standing: &Standing, wanted: &mut Wanted) {
    for ((account, there), users) in organization
        .accounts
        .iter()
        .zip(&standing.accounts)
        .zip(&standing.users)
    {
        let mut new = |table, id: Option<i64>, there: &Option<i64>, path: &str| {
            if let (Some(id), None) = (id, there) {
                wanted.push(NewId {
                    table,
                    id,
                    organization: standing.organization.or(organization.id),
                    path: path.to_owned(),
                });
            }
        };
        new(Numbered::Accounts, account.id, there, &account.path);
        for (user, there) in account.users.iter().zip(users) {
            new(Numbered::Users, user.id, there, &user.path);
        }
    }
}

/// Who has to run it again must know what is in already.
fn after(report: &Report, error: Error) -> Error {
    let done = report.organizations.len();
    match error {
        Error::Conflict(told) if done > 0 => Error::Conflict(format!(
            "{told}\nThe {done} organizations before it are imported; run the import again for the \
             rest"
        )),
        other => other,
    }
}

fn joined(lines: &[String]) -> String {
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What the schema lists is what is read, no more and no less.
    #[test]
    fn the_schema_lists_what_is_read() {
        let schema = include_str!("../../schemas/import.json");
        let schema: serde_json::Value = serde_json::from_str(schema).expect("JSON");
        for (object, members) in [
            (&schema, document::DOCUMENT),
            (&schema["$defs"]["organization"], document::ORGANIZATION),
            (&schema["$defs"]["account"], document::ACCOUNT),
            (&schema["$defs"]["user"], document::USER),
            (&schema["$defs"]["instance"], instances::INSTANCE),
        ] {
            let listed = object["properties"].as_object().expect("properties");
            let listed: BTreeSet<&str> = listed.keys().map(String::as_str).collect();
            assert_eq!(listed, members.iter().copied().collect());
            assert_eq!(object["additionalProperties"], false);
        }
        let id = &schema["$defs"]["id"]["anyOf"][0]["maximum"];
        assert_eq!(id.as_i64(), Some(reader::HIGHEST_ID));
        let (shortest, longest) = (document::SHORTEST_SECRET, document::LONGEST_SECRET);
        let lengths = format!("{{{shortest},{longest}}}$");
        let pattern = schema["$defs"]["secret"]["pattern"].as_str();
        assert!(pattern.expect("a pattern").ends_with(&lengths));
    }
}
