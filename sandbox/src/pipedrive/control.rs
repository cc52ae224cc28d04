//! Control calls for companies, users and their tokens, under `/_control/pipedrive/`.

use std::sync::Mutex;

use http::{Method, StatusCode};

use super::changes::{CompanyChange, MembershipChange, UserChange};
use super::world::{Habits, World};
use crate::answer::{self, Answer};
use crate::routes::Route;
use crate::seeding::{self, Mistake, Operation, Outcome, invalid, parse};
use crate::vendor::lock;

static ROUTES: &[Route<Operation<Mutex<World>>>] = &[
    Route {
        path: "habits",
        methods: &[("GET", habits), ("PUT", set_habits)],
    },
    Route {
        path: "companies",
        methods: &[("GET", companies), ("POST", create_company)],
    },
    Route {
        path: "companies/{id}",
        methods: &[
            ("GET", company),
            ("PATCH", change_company),
            ("DELETE", delete_company),
        ],
    },
    Route {
        path: "users",
        methods: &[("GET", users), ("POST", create_user)],
    },
    Route {
        path: "users/{id}",
        methods: &[
            ("GET", user),
            ("PATCH", change_user),
            ("DELETE", delete_user),
        ],
    },
    Route {
        path: "users/{id}/companies/{company}",
        methods: &[
            ("PUT", set_membership),
            ("PATCH", change_membership),
            ("DELETE", delete_membership),
        ],
    },
];

const NO_COMPANY: Mistake = Mistake::Unknown("no company with this id");
const NO_USER: Mistake = Mistake::Unknown("no user with this id");
const NO_MEMBERSHIP: Mistake = Mistake::Unknown("the user is not in this company");

pub fn answer(world: &Mutex<World>, method: &Method, path: &str, body: &[u8]) -> Answer {
    seeding::answer(ROUTES, world, method, path, body)
}

fn habits(world: &Mutex<World>, _: &[&str], _: &[u8]) -> Outcome {
    Ok(answer::json(StatusCode::OK, &lock(world).habits))
}

/// What is left out is as at the start.
fn set_habits(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    let habits: Habits = parse(body)?;
    if !matches!(habits.failed_login_status, 200 | 401) {
        return invalid("failed_login_status: 200 or 401");
    }
    lock(world).habits = habits.clone();
    Ok(answer::json(StatusCode::OK, &habits))
}

fn companies(world: &Mutex<World>, _: &[&str], _: &[u8]) -> Outcome {
    let shown = lock(world).shown();
    Ok(answer::json(StatusCode::OK, &shown["companies"]))
}

fn company(world: &Mutex<World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let world = lock(world);
    let id = company_id(&world, parameters[0])?;
    Ok(answer::json(StatusCode::OK, &world.companies[&id].shown()))
}

fn create_company(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    let change: CompanyChange = parse(body)?;
    let mut world = lock(world);
    let id = change.create(&mut world)?;
    let shown = world.companies[&id].shown();
    Ok(answer::json(StatusCode::CREATED, &shown))
}

fn change_company(world: &Mutex<World>, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: CompanyChange = parse(body)?;
    let mut world = lock(world);
    let id = company_id(&world, parameters[0])?;
    change.change(&mut world, id)?;
    Ok(answer::json(StatusCode::OK, &world.companies[&id].shown()))
}

fn delete_company(world: &Mutex<World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut world = lock(world);
    let id = company_id(&world, parameters[0])?;
    world.companies.remove(&id);
    for user in world.users.values_mut() {
        user.memberships
            .retain(|membership| membership.company != id);
    }
    world.index();
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn users(world: &Mutex<World>, _: &[&str], _: &[u8]) -> Outcome {
    Ok(answer::json(StatusCode::OK, &lock(world).shown()["users"]))
}

fn user(world: &Mutex<World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let world = lock(world);
    let id = user_id(&world, parameters[0])?;
    Ok(answer::json(StatusCode::OK, &world.users[&id].shown()))
}

fn create_user(world: &Mutex<World>, _: &[&str], body: &[u8]) -> Outcome {
    let change: UserChange = parse(body)?;
    let mut world = lock(world);
    let id = change.create(&mut world)?;
    world.index();
    Ok(answer::json(StatusCode::CREATED, &world.users[&id].shown()))
}

fn change_user(world: &Mutex<World>, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: UserChange = parse(body)?;
    let mut world = lock(world);
    let id = user_id(&world, parameters[0])?;
    change.change(&mut world, id)?;
    Ok(answer::json(StatusCode::OK, &world.users[&id].shown()))
}

fn delete_user(world: &Mutex<World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut world = lock(world);
    let id = user_id(&world, parameters[0])?;
    world.users.remove(&id);
    world.index();
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// Puts a user into a company, or gives a new token and fresh rights to one who is there.
fn set_membership(world: &Mutex<World>, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: MembershipChange = parse(body)?;
    let mut world = lock(world);
    let user = user_id(&world, parameters[0])?;
    let company = company_id(&world, parameters[1])?;
    let membership = change.create(&world, user, company)?;
    let shown = membership.shown();
    if let Some(user) = world.users.get_mut(&user) {
        user.memberships
            .retain(|membership| membership.company != company);
        user.memberships.push(membership);
    }
    world.index();
    Ok(answer::json(StatusCode::OK, &shown))
}

fn change_membership(world: &Mutex<World>, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: MembershipChange = parse(body)?;
    let mut world = lock(world);
    let user = user_id(&world, parameters[0])?;
    let company = company_id(&world, parameters[1])?;
    change.check(&world, user, company)?;
    let membership = world.membership(user, company).ok_or(NO_MEMBERSHIP)?;
    change.apply(membership);
    let shown = membership.shown();
    world.index();
    Ok(answer::json(StatusCode::OK, &shown))
}

fn delete_membership(world: &Mutex<World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut world = lock(world);
    let user = user_id(&world, parameters[0])?;
    let company = company_id(&world, parameters[1])?;
    world.membership(user, company).ok_or(NO_MEMBERSHIP)?;
    if let Some(user) = world.users.get_mut(&user) {
        user.memberships
            .retain(|membership| membership.company != company);
    }
    world.index();
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn company_id(world: &World, text: &str) -> Result<u64, Mistake> {
    let id = text.parse().ok();
    id.filter(|id| world.companies.contains_key(id))
        .ok_or(NO_COMPANY)
}

fn user_id(world: &World, text: &str) -> Result<u64, Mistake> {
    let id = text.parse().ok();
    id.filter(|id| world.users.contains_key(id)).ok_or(NO_USER)
}
