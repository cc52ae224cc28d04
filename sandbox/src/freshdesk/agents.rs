//! Agents: reading them. Their shape is in `accounts`.

use std::sync::Arc;

use super::accounts::Agent;
use super::errors::{self, Mistake, Refusal};
use super::ok;
use super::v2::{Outcome, Visit};

pub const FILTERS: &[&str] = &["email", "mobile", "phone", "state", "page", "per_page"];

pub fn me(visit: &mut Visit<'_>) -> Outcome {
    Ok(ok(visit.agent.as_ref()))
}

pub fn one(visit: &mut Visit<'_>) -> Outcome {
    let agent = visit.account.agents.get(&visit.id()?);
    Ok(ok(agent.ok_or(Refusal::NotFound)?.as_ref()))
}

pub fn list(visit: &mut Visit<'_>) -> Outcome {
    let occasional = match visit.query.get("state") {
        None => None,
        Some("fulltime") => Some(false),
        Some("occasional") => Some(true),
        Some(_) => {
            let mistake = Mistake::not_one_of("state", &["fulltime", "occasional"]);
            return Err(errors::invalid(mistake));
        }
    };
    let fits = |agent: &&Agent| {
        let equals = |name, value: Option<&str>| {
            visit
                .query
                .get(name)
                .is_none_or(|wanted| value == Some(wanted))
        };
        let email = visit.query.get("email");
        email.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&agent.contact.email))
            && equals("mobile", agent.contact.mobile.as_deref())
            && equals("phone", agent.contact.phone.as_deref())
            && occasional.is_none_or(|wanted| wanted == agent.occasional)
    };
    let rows: Vec<&Agent> = visit
        .account
        .agents
        .values()
        .map(Arc::as_ref)
        .filter(fits)
        .collect();
    visit
        .query
        .page(&rows, &visit.account.host(), &visit.call.path)
}
