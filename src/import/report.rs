//! What an import did, or would do.

use serde::Serialize;

use super::document::Organization;
use super::instances::Read;
use super::standing::Standing;

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub dry_run: bool,
    pub organizations: Vec<OrganizationReport>,
    /// What was done otherwise than asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationReport {
    /// `None`: not known before it is made.
    pub id: Option<i64>,
    pub name: String,
    /// `created`, `extended` or `unchanged`.
    pub state: &'static str,
    pub accounts: Counts,
    pub users: Counts,
    pub instances: Counts,
    /// Of the created instances, those without complete credentials.
    pub need_reconnect: usize,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Counts {
    pub created: usize,
    pub unchanged: usize,
}

impl OrganizationReport {
    pub fn of(wanted: &Organization<'_>, standing: &Standing, id: Option<i64>) -> Self {
        let mut report = Self {
            id: id.or(standing.organization),
            name: standing.name.as_ref().unwrap_or(&wanted.name).clone(),
            state: match standing.organization {
                Some(_) => "unchanged",
                None => "created",
            },
            accounts: Counts::of(&standing.accounts),
            ..Self::default()
        };
        for users in &standing.users {
            report.users.add(Counts::of(users));
        }
        report.name_state();
        report
    }

    /// A batch of instances: so many were there, these are new.
    pub fn count(&mut self, unchanged: usize, new: &[Read]) {
        self.instances.add(Counts {
            created: new.len(),
            unchanged,
        });
        let invalid = new.iter().filter(|one| one.imported.invalid.is_some());
        self.need_reconnect += invalid.count();
        self.name_state();
    }

    fn name_state(&mut self) {
        let created = self.accounts.created + self.users.created + self.instances.created;
        if self.state == "unchanged" && created > 0 {
            self.state = "extended";
        }
    }
}

impl Counts {
    fn of(standing: &[Option<i64>]) -> Self {
        let unchanged = standing.iter().filter(|there| there.is_some()).count();
        Self {
            created: standing.len() - unchanged,
            unchanged,
        }
    }

    fn add(&mut self, other: Self) {
        self.created += other.created;
        self.unchanged += other.unchanged;
    }
}
