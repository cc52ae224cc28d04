//! The bodies of the control calls: what can be said of companies, users and memberships. What is left out keeps its value.

use serde::Deserialize;

use super::limits::{Daily, Plan};
use super::seeds::Amounts;
use super::world::{self, Company, Membership, User, World, new_token};
use crate::records::MOST;
use crate::records::unrest::Unrest;
use crate::seeding::{Mistake, invalid};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompanyChange {
    id: Option<u64>,
    domain: Option<String>,
    name: Option<String>,
    country: Option<String>,
    industry: Option<String>,
    plan: Option<Plan>,
    seats: Option<u64>,
    burst_total: Option<u64>,
    daily_total: Option<u64>,
    limit_enforced: Option<bool>,
    closed: Option<bool>,
    /// The records of a new company; as many as stand in `Amounts::plenty` for `sample`, the least for others.
    seed: Option<Amounts>,
    records_most: Option<usize>,
    unrest: Option<Vec<Unrest>>,
    shifting_ties: Option<bool>,
}

impl CompanyChange {
    pub fn create(mut self, world: &mut World) -> Result<u64, Mistake> {
        let id = self.id.take().unwrap_or_else(|| world.next_id());
        if world.companies.contains_key(&id) {
            return Err(Mistake::Taken(format!("id: {id} exists already")));
        }
        let Some(domain) = self.domain.clone() else {
            return invalid("domain: missing; the label of the company's host");
        };
        self.check(world, id)?;
        let mut company = Company::new(id, &domain);
        self.apply(&mut company);
        world.companies.insert(id, company);
        Ok(id)
    }

    pub fn change(self, world: &mut World, id: u64) -> Result<(), Mistake> {
        if self.id.is_some() || self.seed.is_some() {
            return invalid("id and seed cannot be changed; make a new company");
        }
        self.check(world, id)?;
        if let Some(company) = world.companies.get_mut(&id) {
            self.apply(company);
        }
        // A test that sets a limit means the calls from here on.
        let users = world.users.values_mut();
        for membership in users.flat_map(|user| &mut user.memberships) {
            if membership.company == id {
                membership.burst = Default::default();
                membership.bearer_burst = Default::default();
            }
        }
        Ok(())
    }

    fn check(&self, world: &World, id: u64) -> Result<(), Mistake> {
        let most = self.records_most.unwrap_or(MOST);
        if most > MOST * 10 {
            return invalid(format!("records_most: at most {}", MOST * 10));
        }
        // Beside what is always there.
        if self
            .seed
            .is_some_and(|seed| seed.total() + 200 > most as u64)
        {
            return invalid(format!(
                "seed: with {most} records at most there is no room for so many; records_most raises it"
            ));
        }
        let Some(domain) = &self.domain else {
            return Ok(());
        };
        if world::label(&format!("{domain}{}", world::SUFFIX)).is_none() || domain == "api" {
            return invalid(format!(
                "domain: \"{domain}\" is no label of a company's host"
            ));
        }
        let holder = world.company_at(domain);
        if holder.is_some_and(|company| company.id != id) {
            return Err(Mistake::Taken(format!(
                "domain: \"{domain}\" is another company's"
            )));
        }
        Ok(())
    }

    fn apply(self, company: &mut Company) {
        if self.plan.is_some() || self.seats.is_some() {
            company.plan = self.plan.unwrap_or(company.plan);
            company.seats = self.seats.unwrap_or(company.seats);
            company.burst = company.plan.burst();
            company.daily = company.plan.daily(company.seats);
        }
        company.burst = self.burst_total.unwrap_or(company.burst);
        company.daily = self.daily_total.unwrap_or(company.daily);
        company.limit_enforced = self.limit_enforced.unwrap_or(company.limit_enforced);
        company.spent = Daily::default();
        company.closed = self.closed.unwrap_or(company.closed);
        if self.seed.is_some() {
            company.seed = self.seed;
        }
        let records = &mut company.records;
        records.most = self.records_most.or(records.most);
        if let Some(unrest) = self.unrest {
            records.unrest = unrest;
        }
        records.shifting_ties = self.shifting_ties.unwrap_or(records.shifting_ties);
        company.domain = self.domain.unwrap_or_else(|| company.domain.clone());
        company.name = self.name.unwrap_or_else(|| company.name.clone());
        company.country = self.country.unwrap_or_else(|| company.country.clone());
        company.industry = self.industry.unwrap_or_else(|| company.industry.clone());
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    id: Option<u64>,
    email: Option<String>,
    name: Option<String>,
    password: Option<String>,
    locked: Option<bool>,
    /// 0 takes it away.
    lock_after: Option<u32>,
    /// Ids of companies; for a new user only.
    companies: Option<Vec<u64>>,
}

impl UserChange {
    pub fn create(mut self, world: &mut World) -> Result<u64, Mistake> {
        let id = self.id.take().unwrap_or_else(|| world.next_id());
        if world.users.contains_key(&id) {
            return Err(Mistake::Taken(format!("id: {id} exists already")));
        }
        let Some(email) = self.email.clone() else {
            return invalid("email: missing; every user has one");
        };
        let mut user = User::new(id, &email);
        for company in self.companies.take().unwrap_or_default() {
            if !world.companies.contains_key(&company) {
                return invalid(format!("companies: no company {company}"));
            }
            user.memberships.push(Membership::new(company, new_token()));
        }
        self.check(world, id)?;
        self.apply(&mut user);
        world.users.insert(id, user);
        Ok(id)
    }

    pub fn change(self, world: &mut World, id: u64) -> Result<(), Mistake> {
        if self.id.is_some() || self.companies.is_some() {
            return invalid("id and companies cannot be changed here; use …/companies/{company}");
        }
        self.check(world, id)?;
        if let Some(user) = world.users.get_mut(&id) {
            user.modified = world::now();
            self.apply(user);
        }
        Ok(())
    }

    fn check(&self, world: &World, id: u64) -> Result<(), Mistake> {
        let Some(email) = &self.email else {
            return Ok(());
        };
        let mut users = world.users.values();
        if users.any(|user| user.id != id && user.email.eq_ignore_ascii_case(email)) {
            let message = "email: another user has the same";
            return Err(Mistake::Taken(String::from(message)));
        }
        Ok(())
    }

    fn apply(self, user: &mut User) {
        user.email = self.email.unwrap_or_else(|| user.email.clone());
        user.name = self.name.unwrap_or_else(|| user.name.clone());
        user.password = self.password.unwrap_or_else(|| user.password.clone());
        if let Some(locked) = self.locked {
            (user.locked, user.failed_logins) = (locked, 0);
        }
        if let Some(most) = self.lock_after {
            user.lock_after = Some(most).filter(|most| *most > 0);
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembershipChange {
    api_token: Option<String>,
    admin: Option<bool>,
    deactivated: Option<bool>,
    forbidden: Option<bool>,
    blocked: Option<bool>,
}

impl MembershipChange {
    pub fn create(mut self, world: &World, user: u64, company: u64) -> Result<Membership, Mistake> {
        let token = self.api_token.take().unwrap_or_else(new_token);
        self.api_token = Some(token.clone());
        self.check(world, user, company)?;
        let mut membership = Membership::new(company, token);
        self.apply(&mut membership);
        Ok(membership)
    }

    pub fn check(&self, world: &World, user: u64, company: u64) -> Result<(), Mistake> {
        let Some(token) = &self.api_token else {
            return Ok(());
        };
        if token.is_empty() {
            return invalid("api_token: empty");
        }
        if world
            .owner(token)
            .is_some_and(|owner| owner != (user, company))
        {
            let message = "api_token: somebody else has the same";
            return Err(Mistake::Taken(String::from(message)));
        }
        Ok(())
    }

    /// One token at a time: the old one is dead at once.
    pub fn apply(self, membership: &mut Membership) {
        if let Some(token) = self.api_token {
            membership.api_token = token;
        }
        membership.admin = self.admin.unwrap_or(membership.admin);
        membership.deactivated = self.deactivated.unwrap_or(membership.deactivated);
        membership.forbidden = self.forbidden.unwrap_or(membership.forbidden);
        membership.blocked = self.blocked.unwrap_or(membership.blocked);
    }
}
