//! Changing an instance: merged into what is stored, never reset; the vendor is asked again when
//! credentials, host or log-in change, and when it says no nothing is changed.
//!
//! Two callers may change the same instance at once. What is sent is therefore merged a second
//! time, under a lock, into what is stored by then. If that comes to other credentials than those
//! that the vendor has accepted, nothing is written and the vendor is asked once more.

use std::collections::BTreeMap;

use bunsen_engine::configuration::{Value, Values};
use bunsen_engine::element::Element;
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::InstanceId;
use crate::provisioning::plan::{Beside, Plan, Standing, plan};
use crate::provisioning::request::{self, Change, InstanceRequest};
use crate::provisioning::view::{CREDENTIALS, InstanceView, Parts, place, stored_values, view};
use crate::provisioning::{
    Who, group_of, log_in, no_such_instance, refuse_retired, to_its_end, visible,
};
use crate::store;
use crate::tenancy;
use crate::vault::OrganizationKeys;

/// Each round asks the vendor once more, because somebody else has changed the credentials while
/// it was asked.
const ROUNDS: u32 = 8;

/// `PUT` and `PATCH` alike.
///
/// # Errors
/// 404 for what is not there; 400 with every wrong entry, or for another element; the vendor's
/// refusal; 409 when others keep changing the credentials meanwhile. Nothing is changed then.
pub async fn update(
    app: &App,
    who: Who,
    id: InstanceId,
    element: Option<String>,
    request: InstanceRequest,
) -> Result<InstanceView> {
    let change = request::change(request)?;
    apply(app, who, id, element, change).await
}

/// The change, in a task that runs to its end.
pub(super) async fn apply(
    app: &App,
    who: Who,
    id: InstanceId,
    element: Option<String>,
    change: Change,
) -> Result<InstanceView> {
    to_its_end(app, {
        let app = app.clone();
        async move {
            let row = visible(&app, who, id, element.as_deref()).await?;
            let keys = tenancy::keys(&app, who.organization).await?;
            let changing = Changing {
                app: &app,
                who,
                keys: &keys,
                change: &change,
            };
            let changed = changing.run(row).await?;
            view(&app, who.organization, &keys, changed)
        }
    })
    .await
}

struct Changing<'a> {
    app: &'a App,
    who: Who,
    keys: &'a OrganizationKeys,
    change: &'a Change,
}

/// What the vendor was asked, and what it returned.
struct Accepted {
    /// Of the instance when the vendor was asked.
    generation: i64,
    group: String,
    asked: Values,
    returned: Values,
    /// What it began with is used up.
    spent: bool,
}

enum Written {
    Done(Box<store::Instance>),
    /// As it is by now, which the vendor has not been asked about.
    Outrun(Box<store::Instance>),
    Gone,
}

/// An instance as it shall be stored.
struct Next {
    name: String,
    tags: Vec<String>,
    group: String,
    /// `None`: as they are.
    configuration: Option<(BTreeMap<String, String>, Vec<u8>)>,
    external_authentication: store::ExternalAuthentication,
    logged_in: bool,
}

fn outrun() -> Error {
    Error::Conflict(
        "Others changed this instance's credentials at the same time; read it and send the change \
         again."
            .into(),
    )
}

impl Changing<'_> {
    async fn run(&self, mut row: store::Instance) -> Result<store::Instance> {
        let id = row.id;
        let mut accepted = None;
        for _ in 0..ROUNDS {
            accepted = self.ask(&row, accepted).await?;
            match self.write(id, accepted.as_ref()).await? {
                Written::Done(changed) => return Ok(*changed),
                Written::Outrun(now) => row = *now,
                Written::Gone => return Err(no_such_instance(id)),
            }
        }
        Err(outrun())
    }

    /// Asks the vendor if the change calls for it, once per set of credentials.
    async fn ask(
        &self,
        row: &store::Instance,
        before: Option<Accepted>,
    ) -> Result<Option<Accepted>> {
        self.refuse_other_element(row)?;
        let values = stored_values(self.who.organization, self.keys, row)?;
        let Some(element) = self.element(row)? else {
            return Ok(None);
        };
        let plan = self.plan(row, element, &values)?;
        let Some(login) = &plan.log_in else {
            return Ok(before);
        };
        let decides = |key: &str| element.decides_login(plan.group, key);
        let covered = |before: &Accepted| before.covers(&plan, decides, row.generation);
        match &before {
            Some(before) if before.spent && !covered(before) => return Err(outrun()),
            Some(accepted) if covered(accepted) => return Ok(before),
            _ => {}
        }
        refuse_retired(self.app, element, plan.group)?;
        let spent = login.spends_once(element, plan.group);
        let returned = log_in(
            self.app,
            self.who,
            (element, plan.group),
            login,
            &plan.values,
        )
        .await?;
        Ok(Some(Accepted {
            generation: row.generation,
            group: plan.group.name.clone(),
            asked: plan.values,
            returned,
            spent,
        }))
    }

    /// Merges again, into what is stored by now, and writes it.
    async fn write(&self, id: InstanceId, accepted: Option<&Accepted>) -> Result<Written> {
        let organization = self.app.store().org(self.who.organization);
        self.app
            .store()
            .transaction(|mut transaction| async move {
                let Some(row) = organization.lock_instance(&mut transaction, id).await? else {
                    return Ok((transaction, Written::Gone));
                };
                let Some(next) = self.next(&row, accepted)? else {
                    return Ok((transaction, Written::Outrun(Box::new(row))));
                };
                if next.leaves(&row) {
                    return Ok((transaction, Written::Done(Box::new(row))));
                }
                let (clear, sealed) = match &next.configuration {
                    Some((clear, sealed)) => (clear, sealed),
                    None => (&row.configuration, &row.credentials_sealed),
                };
                let change = store::InstanceChange {
                    name: &next.name,
                    tags: &next.tags,
                    credential_group: &next.group,
                    configuration: clear,
                    credentials_sealed: sealed,
                    external_authentication: next.external_authentication,
                    logged_in: next.logged_in,
                };
                let changed = organization
                    .change_instance(&mut transaction, id, &change)
                    .await?;
                let written = match changed {
                    Some(row) => {
                        tracing::info!(
                            org.id = %self.who.organization,
                            instance.id = %id,
                            logged_in = next.logged_in,
                            "instance changed"
                        );
                        Written::Done(Box::new(row))
                    }
                    None => Written::Gone,
                };
                Ok((transaction, written))
            })
            .await
    }

    /// `None`: the vendor has to be asked about it first.
    fn next(&self, row: &store::Instance, accepted: Option<&Accepted>) -> Result<Option<Next>> {
        let name = self.change.name.as_ref().unwrap_or(&row.name).clone();
        let tags = match &self.change.tags {
            Some(given) => request::checked_tags(given, |tag| {
                tag == name || row.tags.iter().any(|kept| kept == tag)
            })?,
            None => row.tags.clone(),
        };
        let mut next = Next {
            name,
            tags,
            group: row.credential_group.clone(),
            configuration: None,
            external_authentication: self
                .change
                .external_authentication
                .unwrap_or(row.external_authentication),
            logged_in: false,
        };
        let stored = stored_values(self.who.organization, self.keys, row)?;
        let Some(element) = self.element(row)? else {
            return Ok(Some(next));
        };
        let plan = self.plan(row, element, &stored)?;
        let mut values = plan.values.clone();
        if plan.log_in.is_some() {
            let decides = |key: &str| element.decides_login(plan.group, key);
            let covered =
                accepted.filter(|accepted| accepted.covers(&plan, decides, row.generation));
            let Some(accepted) = covered else {
                return Ok(None);
            };
            values.extend(accepted.returned.clone());
        }
        next.group.clone_from(&plan.group.name);
        next.logged_in = plan.log_in.is_some();
        if plan.changed {
            let parts = Parts::of(&values);
            let secret: Zeroizing<Vec<u8>> = parts.secret_json()?;
            let place = place(self.who.organization, row.row_id, CREDENTIALS);
            let sealed = self.keys.seal(&place, &secret);
            next.configuration = Some((parts.clear, sealed));
        }
        Ok(Some(next))
    }

    fn plan<'p>(
        &self,
        row: &store::Instance,
        element: &'p Element,
        values: &'p Values,
    ) -> Result<Plan<'p>> {
        let standing = Standing {
            element,
            group: group_of(element, &row.credential_group)?,
            values,
            valid: row.valid,
        };
        let external = self.change.external_authentication;
        let beside = Beside {
            brought: &self.change.brought,
            external: external == Some(store::ExternalAuthentication::Initial),
        };
        plan(standing, &self.change.configuration.0, beside)
    }

    /// The definition; `None` when the catalogue has lost it and nothing of the configuration is
    /// meant to change.
    fn element(&self, row: &store::Instance) -> Result<Option<&Element>> {
        match self.app.catalog().get(&row.element_key) {
            Some(element) => Ok(Some(element)),
            None if self.change.configuration.0.is_empty() => Ok(None),
            None => self
                .app
                .element(&row.element_key)
                .map(|found| Some(&**found)),
        }
    }

    /// An instance stays with its element.
    fn refuse_other_element(&self, row: &store::Instance) -> Result<()> {
        let Some(named) = &self.change.element else {
            return Ok(());
        };
        let key = match self.app.catalog().get(named) {
            Some(element) => &element.key,
            None => named,
        };
        if *key == row.element_key {
            return Ok(());
        }
        Err(Error::Invalid(format!(
            "'element' names another element than the instance's, '{}'; an instance cannot be \
             moved. Leave the member out, or create an instance of the other element.",
            row.element_key
        )))
    }
}

impl Accepted {
    /// Whether the plan is what the vendor has accepted. A session that it opened then is not
    /// trusted after somebody else's log-in, which may have ended it. What was given for something
    /// that is used up now cannot be asked for again: it counts as long as client, host and
    /// account are the same, which is what the keys that `decides` names say.
    fn covers(&self, plan: &Plan<'_>, decides: impl Fn(&str) -> bool, generation: i64) -> bool {
        let counts = |(key, _): &(&String, &Value)| {
            let token = self.returned.contains_key(*key);
            !self.spent || (!token && decides(key))
        };
        let asked = self.asked.iter().filter(counts);
        let now = plan.values.iter().filter(counts);
        let text = |(key, value): (&String, &Value)| (key.clone(), value.reveal().to_owned());
        (self.returned.is_empty() || self.generation == generation || self.spent)
            && self.group == plan.group.name
            && asked.map(text).eq(now.map(text))
    }
}

impl Next {
    fn leaves(&self, row: &store::Instance) -> bool {
        self.configuration.is_none()
            && self.name == row.name
            && self.tags == row.tags
            && self.external_authentication == row.external_authentication
    }
}

#[cfg(test)]
mod tests {
    use bunsen_engine::element::{Group, Login};

    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        let pairs = pairs.iter();
        pairs
            .map(|(key, text)| ((*key).to_owned(), Value::Clear((*text).to_owned())))
            .collect()
    }

    #[test]
    fn what_was_accepted_covers_just_that() {
        let group = |name: &str| Group {
            name: name.to_owned(),
            title: String::new(),
            authentication: None,
            retired: None,
            oauth: None,
            refresh: None,
        };
        let (basic, token) = (group("basic"), group("token"));
        let plan = |group, pairs: &[(&str, &str)]| Plan {
            group,
            values: values(pairs),
            changed: true,
            log_in: Some(Login::default()),
        };
        let mut accepted = Accepted {
            generation: 3,
            group: "basic".to_owned(),
            asked: values(&[("a", "1"), ("b", "2")]),
            returned: Values::new(),
            spent: false,
        };
        let every = |_: &str| true;
        let same = [("a", "1"), ("b", "2")];
        assert!(accepted.covers(&plan(&basic, &same), every, 3));
        assert!(accepted.covers(&plan(&basic, &same), every, 4));
        assert!(!accepted.covers(&plan(&token, &same), every, 3));
        for other in [
            &[("a", "1")][..],
            &[("a", "1"), ("b", "3")],
            &[("a", "1"), ("c", "2")],
            &[("a", "1"), ("b", "2"), ("c", "3")],
        ] {
            assert!(
                !accepted.covers(&plan(&basic, other), every, 3),
                "{other:?}"
            );
        }
        // A session that somebody else's log-in may have ended.
        accepted.returned = values(&[("session", "s")]);
        assert!(accepted.covers(&plan(&basic, &same), every, 3));
        assert!(!accepted.covers(&plan(&basic, &same), every, 4));
        // What it cost is gone: what it gave counts, whatever else has changed.
        accepted.spent = true;
        assert!(accepted.covers(&plan(&basic, &same), every, 4));
        let more = [("a", "1"), ("b", "2"), ("note", "n"), ("session", "old")];
        let but_notes = |key: &str| key != "note";
        assert!(accepted.covers(&plan(&basic, &more), but_notes, 4));
        let other = [("a", "1"), ("b", "3")];
        assert!(!accepted.covers(&plan(&basic, &other), every, 4));
    }
}
