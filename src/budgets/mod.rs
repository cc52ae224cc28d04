//! How many calls of vendors may be made: by an account at a vendor, as its definition says, and by an
//! organization, as the operator says. All servers share a budget.
//!
//! A server leases some calls of it by one statement and makes them without asking anybody
//! (`account`); when they are used up, calls wait a moment, and get their turns fairly (`queue`).
//! Where there is no budget nothing is done. After a 429 of the vendor's the account is left alone by
//! all servers for as long as the vendor wants, within bounds.
//!
//! A database that is away stops no call: each server then goes on at the pace that a window has on
//! average. It would answer nobody for long without a database anyway, and the vendor keeps a limit
//! of its own; whereas a refusal here would be a failure that the vendor never asked for.

mod account;
mod queue;
mod taken;

use bunsen_engine::reply::Blame;
use std::sync::Arc;
use std::time::Duration;

use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Budget, Counted, Element, Kind};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use moka::sync::Cache;
use ring::digest::{Context, SHA256};

use crate::error::{Error, Result, VendorFailure};
use crate::ids::OrganizationId;
use crate::meters;
use crate::retry_after;
use crate::store::{BudgetKey, Store};
use account::{Account, Refused, Rule};
pub use queue::{Lane, Who};
use taken::Taken;

/// Budgets that are remembered at most, some kilobytes each with their queues empty.
const KEPT: u64 = 10_000;
/// Forgotten when nobody has called for so long: by a server, and by the database.
const IDLE: Duration = Duration::from_secs(10 * 60);
const FORGOTTEN: Duration = Duration::from_hours(1);
const FORGOTTEN_AT_ONCE: i64 = 1000;
/// How long a vendor is left alone that answers 429 and does not say for how long.
const UNSAID: Duration = Duration::from_secs(1);

const MINUTE: Duration = Duration::from_secs(60);

/// What the operator decides.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Calls of vendors that one organization may make in a minute.
    pub organization: Option<u64>,
    /// Whether the budgets of definitions count.
    pub of_vendors: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            organization: None,
            of_vendors: true,
        }
    }
}

/// The budgets that this server has to do with now.
#[derive(Debug)]
pub struct Budgets {
    settings: Settings,
    accounts: Cache<BudgetKey, Arc<Account>>,
}

tokio::task_local! {
    static LANE: Lane;
}

/// Does this work behind calls for whose answers somebody waits.
pub async fn background<F: Future>(work: F) -> F::Output {
    LANE.scope(Lane::Background, work).await
}

/// The right to make one call of a vendor. Where nothing is counted it is empty. It goes back when it
/// is dropped before it was used.
#[derive(Debug, Default)]
pub struct Turn<'e> {
    /// Of the organization's own budget nobody tells anything.
    taken: Vec<(Taken, Option<&'e Budget>)>,
    store: Option<Store>,
}

impl Turn<'_> {
    /// The vendor is asked now: whatever comes of it, the call counts.
    #[must_use]
    pub fn used(mut self) -> Self {
        self.taken.iter_mut().for_each(|(taken, _)| taken.made());
        self
    }

    /// What the vendor's answer says about calls to come.
    pub fn answered(&self, status: StatusCode, headers: &HeaderMap) {
        let Some(store) = &self.store else {
            return;
        };
        let of_vendor = self
            .taken
            .iter()
            .filter_map(|(taken, budget)| Some((&taken.account, (*budget)?)));
        let only = of_vendor.clone().count() == 1;
        for (account, budget) in of_vendor {
            let counted = budget.counted(headers);
            if let Some(limit) = counted.limit {
                account.learned(limit);
            }
            let rest = counted.remaining.and_then(|left| account.remaining(left));
            if let Some(wait) = waits(status, asked_for(headers), counted, only, rest) {
                account.hold(store, wait);
            }
        }
    }
}

/// How long an account is to be left alone. `only`: it has no other budget that a refusal could mean;
/// `rest`: of its window, as far as is known, if nothing is left of it.
fn waits(
    status: StatusCode,
    asked: Option<Duration>,
    counted: Counted,
    only: bool,
    rest: Option<Duration>,
) -> Option<Duration> {
    let spent = counted.remaining == Some(0);
    let wait = match status == StatusCode::TOO_MANY_REQUESTS {
        true => {
            let reset = counted.reset.filter(|_| only || spent);
            let rest = rest.filter(|_| spent);
            asked.or(reset).or(rest).unwrap_or(UNSAID)
        }
        false => counted.reset.or(rest).filter(|_| spent)?,
    };
    Some(wait.max(UNSAID))
}

fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    retry_after::read(text, Timestamp::now())
}

impl Budgets {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            accounts: Cache::builder()
                .max_capacity(KEPT)
                .time_to_idle(IDLE)
                .build(),
        }
    }

    /// Whether calls of this element are counted at all.
    pub fn counts(&self, element: &Element) -> bool {
        self.settings.organization.is_some() || !self.of_vendor(element).is_empty()
    }

    /// The right to make a call with these values, [`Element::effective`] ones, at once or after a
    /// moment.
    ///
    /// # Errors
    /// 429 where there is none left: whose budget it was, and when there is more.
    pub async fn take<'e>(
        &self,
        store: &Store,
        element: &'e Element,
        values: &Values,
        who: Who,
        kind: Kind<'_>,
    ) -> Result<Turn<'e>> {
        let lane = LANE.try_with(|lane| *lane).unwrap_or(Lane::Interactive);
        let own = self.settings.organization.map(|calls| {
            let rule = Rule {
                calls,
                window: MINUTE,
            };
            self.account(of_organization(who.organization), rule)
        });
        let budgets = self.of_vendor(element);
        // What is taken goes back when the caller hangs up, or a later one is refused.
        let mut all = Vec::with_capacity(budgets.len() + usize::from(own.is_some()));
        if let Some(account) = &own {
            let taken = account.take(store, lane, who, 1).await;
            let taken = taken.map_err(|refused| organizations(account.calls(), refused))?;
            all.push((taken, None));
        }
        for (index, budget) in budgets.iter().enumerate() {
            let rule = Rule {
                calls: budget.calls,
                window: budget.window,
            };
            let account = self.account(of_vendor(element, index, values, who), rule);
            let taken = account.take(store, lane, who, budget.weight(kind)).await;
            let taken =
                taken.map_err(|refused| vendors(element, budget, account.calls(), refused))?;
            all.push((taken, Some(budget)));
        }
        Ok(Turn {
            taken: all,
            store: Some(store.clone()),
        })
    }

    fn of_vendor<'e>(&self, element: &'e Element) -> &'e [Budget] {
        match self.settings.of_vendors {
            true => &element.budgets,
            false => &[],
        }
    }

    fn account(&self, key: BudgetKey, rule: Rule) -> Arc<Account> {
        self.accounts
            .get_with(key, || Arc::new(Account::new(key, rule)))
    }
}

/// Deletes what nobody has asked for in an hour; every server now and then, until `stop`.
pub async fn tidy(store: Store, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    loop {
        let pause = IDLE.mul_f64(rand::random_range(0.5..1.5));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = &mut stop => return,
        }
        loop {
            match store.forget_budgets(FORGOTTEN, FORGOTTEN_AT_ONCE).await {
                Ok(count) if count == FORGOTTEN_AT_ONCE.cast_unsigned() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "budgets could not be tidied");
                    break;
                }
            }
        }
    }
}

fn of_organization(organization: OrganizationId) -> BudgetKey {
    hash(&["organization", &organization.to_string()])
}

/// Organizations that have connected the same account share what the vendor gives it.
fn of_vendor(element: &Element, index: usize, values: &Values, who: Who) -> BudgetKey {
    let Some(budget) = element
        .budgets
        .get(index)
        .filter(|budget| !budget.account.is_empty())
    else {
        let (organization, instance) = (who.organization.to_string(), who.instance.to_string());
        let number = index.to_string();
        return hash(&["instance", &element.key, &number, &organization, &instance]);
    };
    let number = index.to_string();
    let identity = element.identity(&budget.account, values);
    let mut parts = vec!["account", element.key.as_str(), number.as_str()];
    for (key, value) in &identity {
        parts.extend([*key, value.as_str()]);
    }
    hash(&parts)
}

/// Lengths keep the parts apart.
fn hash(parts: &[&str]) -> BudgetKey {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut key = BudgetKey::default();
    key.copy_from_slice(context.finish().as_ref());
    key
}

/// Whole seconds, as the header has them.
fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn reason(refused: Refused) -> &'static str {
    match refused {
        Refused::Held(_) => "held",
        Refused::Spent(_) => "spent",
    }
}

fn organizations(calls: u64, refused: Refused) -> Error {
    meters::budget_refused("organization", reason(refused));
    let (Refused::Held(rest) | Refused::Spent(rest)) = refused;
    let wait = seconds(rest);
    Error::OverBudget {
        message: format!(
            "This organization has made the {calls} calls of vendors that it may make in a minute \
             (--organization-calls-per-minute); try again in {wait} seconds."
        ),
        retry_after: wait,
    }
}

fn vendors(element: &Element, budget: &Budget, calls: u64, refused: Refused) -> Error {
    meters::budget_refused("account", reason(refused));
    let name = &element.name;
    let (message, wait) = match refused {
        Refused::Held(rest) => {
            let wait = seconds(rest);
            let message = format!(
                "{name} wants no calls of this account for {wait} more seconds, and was not asked \
                 again."
            );
            (message, wait)
        }
        Refused::Spent(rest) => {
            let (wait, window) = (seconds(rest), budget.window.as_secs());
            let of = match budget.weights {
                None => "calls",
                Some(_) => "units of calls",
            };
            let message = format!(
                "{name} gives this account {calls} {of} in {window} seconds, which are used up or \
                 waited for; it was not asked. Try again in {wait} seconds."
            );
            (message, wait)
        }
    };
    Error::Vendor(Box::new(VendorFailure {
        blame: Blame::Nobody,
        status: 429,
        message,
        provider_message: None,
        retry_after: Some(wait.to_string()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        calls: 1,
        window: MINUTE,
    };

    #[test]
    fn memory_does_not_grow_with_accounts() {
        let budgets = Budgets::new(Settings::default());
        for id in 0..2 * KEPT as i64 {
            budgets.account(of_organization(OrganizationId(id)), RULE);
        }
        budgets.accounts.run_pending_tasks();
        assert!(budgets.accounts.entry_count() <= KEPT);
        let one = of_organization(OrganizationId(1));
        let same = Arc::ptr_eq(&budgets.account(one, RULE), &budgets.account(one, RULE));
        assert!(same, "one account is one");
    }

    #[test]
    fn parts_of_a_key_are_kept_apart() {
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
    }

    #[test]
    fn vendors_are_left_alone_as_they_say() {
        let seconds = Duration::from_secs;
        let of = |status, asked: Option<u64>, remaining, reset: Option<u64>, only| {
            let status = StatusCode::from_u16(status).unwrap();
            let counted = Counted {
                limit: None,
                remaining,
                reset: reset.map(seconds),
            };
            let rest = (remaining == Some(0)).then_some(seconds(50));
            let wait = waits(status, asked.map(seconds), counted, only, rest);
            wait.map(|wait| wait.as_secs())
        };
        assert_eq!(of(429, Some(40), None, None, true), Some(40));
        assert_eq!(of(429, Some(0), None, None, true), Some(1));
        assert_eq!(of(429, None, Some(3), Some(30), true), Some(30));
        assert_eq!(of(429, None, None, Some(0), true), Some(1));
        // Of two budgets it is the one of which nothing is left.
        assert_eq!(of(429, None, Some(3), Some(30), false), Some(1));
        assert_eq!(of(429, None, Some(0), Some(30), false), Some(30));
        assert_eq!(of(429, None, Some(0), None, false), Some(50));
        assert_eq!(of(200, None, Some(0), Some(30), false), Some(30));
        assert_eq!(of(200, None, Some(0), None, true), Some(50));
        assert_eq!(of(200, None, Some(1), Some(30), true), None);
        assert_eq!(of(200, None, None, None, true), None);
    }

    #[test]
    fn waits_are_whole_seconds() {
        for (milliseconds, wanted) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (29_500, 30)] {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), wanted);
        }
    }
}
