//! Control calls for zones, customers, users and integration codes, under `/_control/autotask/`.

use std::time::Instant;

use http::{Method, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::customers::{Customer, Refusal};
use super::state::{Code, Held, Service, State, Zone};
use crate::answer::{self, Answer};
use crate::routes::Route;
use crate::seeding::{self, Mistake, Operation, Outcome, invalid, parse, taken};

static ROUTES: &[Route<Operation<State>>] = &[
    Route {
        path: "zones",
        methods: &[("GET", zones)],
    },
    Route {
        path: "zones/{number}",
        methods: &[("PUT", put_zone), ("DELETE", delete_zone)],
    },
    Route {
        path: "customers",
        methods: &[("GET", customers), ("POST", create_customer)],
    },
    Route {
        path: "customers/{ci}",
        methods: &[
            ("GET", customer),
            ("PATCH", change_customer),
            ("DELETE", delete_customer),
        ],
    },
    Route {
        path: "customers/{ci}/users",
        methods: &[("POST", create_user)],
    },
    Route {
        path: "customers/{ci}/users/{name}",
        methods: &[("PATCH", change_user), ("DELETE", delete_user)],
    },
    Route {
        path: "integration-codes",
        methods: &[("GET", codes)],
    },
    Route {
        path: "integration-codes/{code}",
        methods: &[("PUT", put_code), ("DELETE", delete_code)],
    },
];

pub fn answer(state: &State, method: &Method, path: &str, body: &[u8]) -> Answer {
    seeding::answer(&[ROUTES], state, method, path, body)
}

/// What is left out keeps its value, or gets the default in a new zone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ZoneChange {
    name: Option<String>,
    v1_5: Option<Service>,
    v1_6: Option<Service>,
    releasing: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CustomerChange {
    ci: Option<u32>,
    name: Option<String>,
    zone: Option<u16>,
    threshold: Option<u64>,
    threshold_used: Option<u64>,
    threshold_enforced: Option<bool>,
    threshold_delays: Option<bool>,
    lock_after: Option<u32>,
    users: Option<Vec<UserChange>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct UserChange {
    name: Option<String>,
    password: Option<String>,
    api_only: Option<bool>,
    /// An explicit null takes it away, and forgets the failures.
    #[serde(deserialize_with = "given")]
    refusal: Option<Option<Refusal>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CodeChange {
    locked: bool,
}

/// Tells an explicit null from a member that is not there.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Refusal>>, D::Error> {
    Option::deserialize(from).map(Some)
}

fn ok(value: &Value) -> Outcome {
    Ok(answer::json(StatusCode::OK, value))
}

fn zones(state: &State, _: &[&str], _: &[u8]) -> Outcome {
    ok(&json!(state.lock().zones))
}

fn put_zone(state: &State, parameters: &[&str], body: &[u8]) -> Outcome {
    let Ok(number) = parameters[0].parse::<u16>() else {
        return invalid("the zone is a number; 0 is the neutral host");
    };
    let change: ZoneChange = parse(body)?;
    let mut held = state.lock();
    let new = Zone::new(&format!("Zone {number}"));
    let zone = held.zones.entry(number).or_insert(new);
    zone.name = change.name.unwrap_or_else(|| zone.name.clone());
    zone.v1_5 = change.v1_5.unwrap_or(zone.v1_5);
    zone.v1_6 = change.v1_6.unwrap_or(zone.v1_6);
    zone.releasing = change.releasing.unwrap_or(zone.releasing);
    ok(&json!(zone))
}

fn delete_zone(state: &State, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut held = state.lock();
    let number = parameters[0].parse::<u16>().ok();
    let number = number.filter(|number| held.zones.contains_key(number));
    let number = number.ok_or(Mistake::Unknown("no zone with this number"))?;
    if held
        .customers
        .values()
        .any(|customer| customer.zone == number)
    {
        return taken("customers live in this zone");
    }
    held.zones.remove(&number);
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn customers(state: &State, _: &[&str], _: &[u8]) -> Outcome {
    ok(&state.lock().shown()["customers"])
}

fn customer(state: &State, parameters: &[&str], _: &[u8]) -> Outcome {
    let held = state.lock();
    let ci = known(&held, parameters[0])?;
    ok(&held.customers[&ci].shown())
}

fn create_customer(state: &State, _: &[&str], body: &[u8]) -> Outcome {
    let mut change: CustomerChange = parse(body)?;
    let mut held = state.lock();
    let Some(ci) = change.ci.take() else {
        return invalid("ci: missing; the number of the customer");
    };
    if held.customers.contains_key(&ci) {
        return taken(format!("ci: {ci} exists already"));
    }
    let mut customer = Customer::new(ci, 2);
    for user in change.users.take().unwrap_or_default() {
        user.add_to(&mut held, &mut customer)?;
    }
    change.apply(&held, &mut customer)?;
    let shown = customer.shown();
    held.customers.insert(ci, customer);
    Ok(answer::json(StatusCode::CREATED, &shown))
}

fn change_customer(state: &State, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: CustomerChange = parse(body)?;
    if change.ci.is_some() || change.users.is_some() {
        return invalid("ci and users cannot be changed here; make a new customer, or use …/users");
    }
    let mut held = state.lock();
    let ci = known(&held, parameters[0])?;
    let mut customer = take(&mut held, ci)?;
    let outcome = change.apply(&held, &mut customer);
    let shown = customer.shown();
    held.customers.insert(ci, customer);
    outcome.and_then(|()| ok(&shown))
}

fn delete_customer(state: &State, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut held = state.lock();
    let ci = known(&held, parameters[0])?;
    held.customers.remove(&ci);
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn create_user(state: &State, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: UserChange = parse(body)?;
    let mut held = state.lock();
    let ci = known(&held, parameters[0])?;
    let mut customer = take(&mut held, ci)?;
    let outcome = change.add_to(&mut held, &mut customer);
    let shown = json!(customer.users.last());
    held.customers.insert(ci, customer);
    outcome.map(|()| answer::json(StatusCode::CREATED, &shown))
}

fn change_user(state: &State, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: UserChange = parse(body)?;
    let mut held = state.lock();
    let ci = known(&held, parameters[0])?;
    if change.name.is_some() {
        return invalid("name: cannot be changed; make a new user");
    }
    let customer = held.customers.get_mut(&ci).ok_or(NO_CUSTOMER)?;
    let user = customer.user_mut(parameters[1]).ok_or(NO_USER)?;
    user.password = change.password.unwrap_or_else(|| user.password.clone());
    user.api_only = change.api_only.unwrap_or(user.api_only);
    if let Some(refusal) = change.refusal {
        user.refusal = refusal;
        user.failures = 0;
    }
    ok(&json!(user))
}

fn delete_user(state: &State, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut held = state.lock();
    let ci = known(&held, parameters[0])?;
    let customer = held.customers.get_mut(&ci).ok_or(NO_CUSTOMER)?;
    customer.user(parameters[1]).ok_or(NO_USER)?;
    customer
        .users
        .retain(|user| !user.name.eq_ignore_ascii_case(parameters[1]));
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn codes(state: &State, _: &[&str], _: &[u8]) -> Outcome {
    ok(&json!(state.lock().codes))
}

fn put_code(state: &State, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: CodeChange = parse(body)?;
    let code = parameters[0];
    if code.len() != 27 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return invalid("an integration code has 27 letters and digits");
    }
    let locked = change.locked;
    let mut held = state.lock();
    held.codes.insert(code.to_owned(), Code { locked });
    ok(&json!({ "locked": locked }))
}

fn delete_code(state: &State, parameters: &[&str], _: &[u8]) -> Outcome {
    let removed = state.lock().codes.remove(parameters[0]);
    removed.ok_or(Mistake::Unknown("no such integration code"))?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

const NO_CUSTOMER: Mistake = Mistake::Unknown("no customer with this number");
const NO_USER: Mistake = Mistake::Unknown("no user with this name at the customer");

fn known(held: &Held, text: &str) -> Result<u32, Mistake> {
    let ci = text.parse().ok();
    ci.filter(|ci| held.customers.contains_key(ci))
        .ok_or(NO_CUSTOMER)
}

/// Out of the table, so that it can be changed beside the others; whoever takes it puts it back.
fn take(held: &mut Held, ci: u32) -> Result<Customer, Mistake> {
    held.customers.remove(&ci).ok_or(NO_CUSTOMER)
}

impl CustomerChange {
    /// Everything is checked before anything changes.
    fn apply(self, held: &Held, customer: &mut Customer) -> Result<(), Mistake> {
        let zone = self.zone.unwrap_or(customer.zone);
        if zone == 0 || !held.zones.contains_key(&zone) {
            return invalid(format!(
                "zone: nobody can live in {zone}; make it with PUT zones/{zone}"
            ));
        }
        customer.zone = zone;
        customer.name = self.name.unwrap_or_else(|| customer.name.clone());
        customer.lock_after = self.lock_after.unwrap_or(customer.lock_after);
        let usage = &mut customer.usage;
        usage.threshold = self.threshold.unwrap_or(usage.threshold);
        usage.enforced = self.threshold_enforced.unwrap_or(usage.enforced);
        usage.delays = self.threshold_delays.unwrap_or(usage.delays);
        if let Some(used) = self.threshold_used {
            usage.set_used(used, Instant::now());
        }
        Ok(())
    }
}

impl UserChange {
    fn add_to(self, held: &mut Held, customer: &mut Customer) -> Result<(), Mistake> {
        let Some(name) = self.name.filter(|name| !name.trim().is_empty()) else {
            return invalid("name: missing; what the user logs in with");
        };
        if name.contains(':') {
            return invalid("name: HTTP Basic cannot carry a colon in it");
        }
        if customer.user(&name).is_some() || held.customer_of(&name).is_some() {
            return taken(format!("name: \"{name}\" exists already"));
        }
        let mut user = held.new_user(&name);
        user.password = self.password.unwrap_or(user.password);
        user.api_only = self.api_only.unwrap_or(user.api_only);
        user.refusal = self.refusal.flatten();
        customer.users.push(user);
        Ok(())
    }
}
