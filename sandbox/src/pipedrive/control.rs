//! Control calls for companies, users and their tokens, under `/_control/pipedrive/`.

use std::sync::Mutex;

use http::{Method, StatusCode};
use serde_json::Value;

use super::changes::{CompanyChange, MembershipChange, UserChange};
use super::world::{Company, Habits, User, World};
use crate::answer::{self, Answer};
use crate::oauth::control::Controlled;
use crate::routes::Route;
use crate::seeding::{self, Kind, Mistake, Operation, Outcome, found, invalid, parse};
use crate::vendor::lock;

static ROUTES: &[Route<Operation<Mutex<World>>>] = &[
    Route {
        path: "habits",
        methods: &[("GET", habits), ("PUT", set_habits)],
    },
    Route {
        path: "companies",
        methods: Companies::MANY,
    },
    Route {
        path: "companies/{id}",
        methods: Companies::ONE,
    },
    Route {
        path: "users",
        methods: Users::MANY,
    },
    Route {
        path: "users/{id}",
        methods: Users::ONE,
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

const NO_MEMBERSHIP: Mistake = Mistake::Unknown("the user is not in this company");

pub fn answer(world: &Mutex<World>, method: &Method, path: &str, body: &[u8]) -> Answer {
    seeding::answer(&[ROUTES, World::ROUTES], world, method, path, body)
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

struct Companies;

impl Kind for Companies {
    type World = World;
    type Change = CompanyChange;
    type Id = u64;
    const UNKNOWN: &'static str = "no company with this id";

    fn all(world: &World) -> Value {
        world.companies.values().map(Company::shown).collect()
    }

    fn find(world: &World, text: &str) -> Option<u64> {
        let id = text.parse().ok();
        id.filter(|id| world.companies.contains_key(id))
    }

    fn shown(world: &World, id: &u64) -> Value {
        world.companies[id].shown()
    }

    fn create(change: CompanyChange, world: &mut World) -> Result<u64, Mistake> {
        change.create(world)
    }

    fn change(change: CompanyChange, world: &mut World, id: &u64) -> Result<(), Mistake> {
        change.change(world, *id)
    }

    fn remove(world: &mut World, id: &u64) {
        world.companies.remove(id);
        let users: Vec<u64> = world.users.keys().copied().collect();
        for user in users {
            world.leave(user, *id);
        }
        world.index();
    }
}

struct Users;

impl Kind for Users {
    type World = World;
    type Change = UserChange;
    type Id = u64;
    const UNKNOWN: &'static str = "no user with this id";

    fn all(world: &World) -> Value {
        world.users.values().map(User::shown).collect()
    }

    fn find(world: &World, text: &str) -> Option<u64> {
        let id = text.parse().ok();
        id.filter(|id| world.users.contains_key(id))
    }

    fn shown(world: &World, id: &u64) -> Value {
        world.users[id].shown()
    }

    fn create(change: UserChange, world: &mut World) -> Result<u64, Mistake> {
        let id = change.create(world)?;
        world.index();
        Ok(id)
    }

    fn change(change: UserChange, world: &mut World, id: &u64) -> Result<(), Mistake> {
        change.change(world, *id)
    }

    fn remove(world: &mut World, id: &u64) {
        let companies: Vec<u64> = world.companies.keys().copied().collect();
        for company in companies {
            world.leave(*id, company);
        }
        world.users.remove(id);
        world.index();
    }
}

/// Puts a user into a company, or gives a new token and fresh rights to one who is there.
fn set_membership(world: &Mutex<World>, parameters: &[&str], body: &[u8]) -> Outcome {
    let change: MembershipChange = parse(body)?;
    let mut world = lock(world);
    let user = found::<Users>(&world, parameters[0])?;
    let company = found::<Companies>(&world, parameters[1])?;
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
    let user = found::<Users>(&world, parameters[0])?;
    let company = found::<Companies>(&world, parameters[1])?;
    change.check(&world, user, company)?;
    let membership = world.membership(user, company).ok_or(NO_MEMBERSHIP)?;
    change.apply(membership);
    let shown = membership.shown();
    world.index();
    Ok(answer::json(StatusCode::OK, &shown))
}

fn delete_membership(world: &Mutex<World>, parameters: &[&str], _: &[u8]) -> Outcome {
    let mut world = lock(world);
    let user = found::<Users>(&world, parameters[0])?;
    let company = found::<Companies>(&world, parameters[1])?;
    world.membership(user, company).ok_or(NO_MEMBERSHIP)?;
    world.leave(user, company);
    world.index();
    Ok(answer::empty(StatusCode::NO_CONTENT))
}
