//! Tokens that have ended are renewed because a call needs them: once, however many calls and
//! servers there are.

use std::time::{Duration, Instant};

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use crate::answer::{Answer, message};
use crate::database::TestDatabase;
use crate::oauth::simulated::Case;
use crate::operators::Site;
use crate::process::Server;
use crate::vendors::{session_example, until};

const CALLERS: usize = 64;
/// As if the access token had ended by its time.
pub const SPENT: &str = "update instances set configuration = configuration || '{\"oauth.user.refresh_time\": \"1000\"}'";
/// The worker's time has not come: what happens happens on demand.
pub const NOT_DUE: &str = "update instances set renewal_due_at = now() + interval '1 hour', renewed_at = renewed_at - interval '1 hour'";
const DUE: &str = "update instances set renewal_due_at = now(), renewal_claimed_until = null";
const FAILED: &str = "select count(*) from instances where renewal_attempts > 0 and valid";
const INVALID: &str = "select count(*) from instances where not valid";
const OPEN: &str = "select count(*) from exchanges where state in ('intent', 'answered')";

/// One simulated vendor with tokens that end, and servers.
struct World {
    site: Site,
    case: Case,
    /// Behind `proxy`: something that only a good token reads.
    path: String,
}

impl World {
    async fn each(database: TestDatabase) -> (Site, Vec<(Case, String)>) {
        let cases = Case::all().into_iter().map(|case| {
            let path = path_of(&case);
            (case, path)
        });
        (Site::new(database).await, cases.collect())
    }

    async fn new(database: TestDatabase) -> Self {
        let (site, mut cases) = Self::each(database).await;
        let strictest = cases.iter().position(|(case, _)| case.reuse() == "fatal");
        let (case, path) = cases.remove(strictest.expect("a vendor with strict tokens"));
        let settings = json!({"rotation": "rotate_and_revoke_family_on_reuse"});
        case.control(&site.vendors, "PATCH", "settings", Some(&settings))
            .await;
        Self { site, case, path }
    }

    async fn create(&self, server: &Server) -> String {
        create(&self.site, &self.case, server).await
    }

    async fn expire(&self) {
        expire(&self.site, &self.case).await;
    }

    /// Refresh tokens presented, and those of them that had been replaced before.
    async fn spends(&self) -> (u64, u64) {
        spends(&self.site, &self.case).await
    }

    async fn call(&self, server: &Server, header: &str) -> Answer {
        let path = format!("/proxy{}", self.path);
        Answer::of(server.request("GET", &path, header)).await
    }

    async fn fault(&self, path: &str, mut fault: Value) {
        fault["path"] = json!(path);
        self.site.vendors.fault(fault).await;
    }

    async fn no_faults(&self) {
        let vendors = &self.site.vendors;
        vendors.control("DELETE", "/_control/faults", None).await;
    }
}

fn path_of(case: &Case) -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("elements")
        .join(&case.element)
        .join("cases/passthrough.json");
    let text = std::fs::read_to_string(file).expect("the element's calls");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    file["oauth"]["path"].as_str().expect("a path").to_owned()
}

/// An instance with a session of its own; gives the header that names it.
pub async fn create(site: &Site, case: &Case, server: &Server) -> String {
    let given = case.granted(&site.vendors).await;
    let refresh = json!({"oauth.user.refresh_token": given["refresh_token"]});
    let mut body = case.body_with(&json!(null), refresh);
    body["externalAuthentication"] = json!("initial");
    let user = server.authorization();
    let made = server.create(&user, &body).await;
    site.execute(NOT_DUE).await;
    format!(
        "{user}, Element {}",
        made["token"].as_str().expect("a token")
    )
}

/// All access tokens, at the vendor.
pub async fn expire(site: &Site, case: &Case) {
    let what = json!({"what": "access"});
    case.control(&site.vendors, "POST", "expire", Some(&what))
        .await;
}

pub async fn spends(site: &Site, case: &Case) -> (u64, u64) {
    let calls = case.control(&site.vendors, "GET", "calls", None).await;
    let count = |name: &str| calls[name].as_u64().expect("a count");
    (count("refresh_spends"), count("double_spends"))
}

async fn at_once(servers: &[&Server], header: &str, path: &str) -> Vec<Answer> {
    together(servers, header, &format!("/proxy{path}")).await
}

/// Calls at the same moment, dealt out to the servers.
pub async fn together(servers: &[&Server], header: &str, path: &str) -> Vec<Answer> {
    let calls = (0..CALLERS).map(|number| {
        let server = servers[number % servers.len()];
        Answer::of(server.request("GET", path, header))
    });
    futures_util::future::join_all(calls).await
}

pub fn all_are_answered(answers: &[Answer]) {
    for answer in answers {
        assert_eq!(answer.status, 200, "{answer}");
    }
}

/// The vendor no longer takes the token, or its time is over: one renewal, and nobody hears of it.
#[database_test]
async fn one_renewal_for_all_callers_of_two_servers(database: TestDatabase) {
    let (site, cases) = World::each(database).await;
    let one = site.serve("one").await;
    let two = site.serve_with("two", &[]).await;
    for (case, path) in &cases {
        site.vendors.reset().await;
        let header = create(&site, case, &one).await;
        let first = spends(&site, case).await.0;
        all_are_answered(&at_once(&[&one, &two], &header, path).await);
        assert_eq!(
            spends(&site, case).await,
            (first, 0),
            "{}: all is well",
            case.element
        );

        expire(&site, case).await;
        all_are_answered(&at_once(&[&one, &two], &header, path).await);
        assert_eq!(
            spends(&site, case).await,
            (first + 1, 0),
            "{}: refused",
            case.element
        );

        // Known to have ended: the vendor does not see the old one at all.
        site.execute(NOT_DUE).await;
        site.execute(SPENT).await;
        let calls = site.vendors.calls().await;
        all_are_answered(&at_once(&[&one, &two], &header, path).await);
        assert_eq!(
            spends(&site, case).await,
            (first + 2, 0),
            "{}: ended",
            case.element
        );
        let calls = site.vendors.calls().await - calls;
        let renewal = calls - CALLERS as u64;
        assert!(
            (1..=2).contains(&renewal),
            "{}: {calls} calls",
            case.element
        );
        assert_eq!(site.count(OPEN).await, 0);
        assert_eq!(site.count(INVALID).await, 0);
    }
    one.stop().await;
    two.stop().await;
}

#[database_test]
async fn a_call_is_repeated_once_with_its_body(database: TestDatabase) {
    let world = World::new(database).await;
    let server = world.site.serve("one").await;
    let header = world.create(&server).await;
    // A vendor that refuses everything: renewed once, asked twice, and then it is believed.
    let everything = if world.path.is_empty() {
        "/restapi/*"
    } else {
        "*/users/me"
    };
    world
        .fault(
            everything,
            json!({"kind": "status", "status": 401, "body": "{\"no\":1}"}),
        )
        .await;
    let before = (world.site.vendors.calls().await, world.spends().await.0);
    let answer = world.call(&server, &header).await;
    assert_eq!((answer.status, answer.text.as_str()), (401, "{\"no\":1}"));
    assert_eq!(world.spends().await, (before.1 + 1, 0));
    // New tokens are not renewed again for that; and the longer not, the more often they did not help.
    let in_vain = "select renewals_in_vain::bigint from instances";
    let mut renewed = before.1 + 1;
    for (age, renews) in [(4, 0), (9, 0), (11, 1), (19, 0), (21, 1)] {
        sqlx::query("update instances set renewed_at = now() - make_interval(secs => $1)")
            .bind(f64::from(age))
            .execute(&world.site.database.pool)
            .await
            .expect("a statement");
        let calls = world.site.vendors.calls().await;
        for answer in at_once(&[&server], &header, &world.path).await {
            assert_eq!((answer.status, answer.text.as_str()), (401, "{\"no\":1}"));
        }
        renewed += renews;
        assert_eq!(world.spends().await, (renewed, 0), "after {age} seconds");
        let sent = world.site.vendors.calls().await - calls;
        assert!(sent >= CALLERS as u64, "{sent}");
        assert_eq!(world.site.count(in_vain).await as u64, renewed - before.1);
    }
    assert_eq!(world.site.count(INVALID).await, 0);
    world.no_faults().await;
    assert_eq!(world.call(&server, &header).await.status, 200);
    // One that helped is as good as the first.
    world.site.execute(NOT_DUE).await;
    world.expire().await;
    assert_eq!(world.call(&server, &header).await.status, 200);
    assert_eq!(world.site.count(in_vain).await, 0);

    // A body that is held goes again; one that is not is the caller's to send again.
    for (length, first) in [(60_000, 200), (200_000, 401)] {
        world.site.execute(NOT_DUE).await;
        world.expire().await;
        let renewed = world.spends().await.0;
        let path = format!("/proxy{}", world.path);
        let send = async || {
            let request = server.request("GET", &path, &header);
            Answer::of(request.body(vec![b'x'; length])).await.status
        };
        assert_eq!(send().await, first, "{length}");
        until("the next one passes", async || send().await == 200).await;
        assert_eq!(world.spends().await, (renewed + 1, 0), "{length}");
    }
    server.stop().await;
}

#[database_test]
async fn a_refused_renewal_needs_the_owner(database: TestDatabase) {
    let world = World::new(database).await;
    let server = world.site.serve("one").await;
    let header = world.create(&server).await;
    world
        .case
        .control(&world.site.vendors, "POST", "revoke", Some(&json!({})))
        .await;
    for answer in at_once(&[&server], &header, &world.path).await {
        let error = answer.error(401);
        assert!(message(&error).contains("reconnected"), "{error}");
    }
    assert_eq!(world.site.count(INVALID).await, 1);
    let calls = world.site.vendors.calls().await;
    world.call(&server, &header).await.error(401);
    assert_eq!(world.site.vendors.calls().await, calls, "nobody is asked");
    server.stop().await;
}

/// Where tokens come from is away: who has a good one does not notice, and who has none is told.
#[database_test]
async fn a_token_that_lives_is_enough(database: TestDatabase) {
    let world = World::new(database).await;
    let server = world.site.serve("one").await;
    let header = world.create(&server).await;
    let away = json!({"kind": "status", "status": 503, "body": "{}"});
    world.fault(world.case.token_at(), away).await;
    world.site.execute(DUE).await;
    until("a renewal has failed", async || {
        world.site.count(FAILED).await == 1
    })
    .await;
    let began = Instant::now();
    all_are_answered(&at_once(&[&server], &header, &world.path).await);
    assert!(began.elapsed() < Duration::from_secs(10), "nobody waits");

    world.site.execute(SPENT).await;
    let calls = world.site.vendors.calls().await;
    for answer in at_once(&[&server], &header, &world.path).await {
        assert!(matches!(answer.status, 502 | 503), "{answer}");
        let wait = answer.header("retry-after").expect("when to try again");
        assert!(wait.parse::<u32>().is_ok(), "{wait}");
        answer.error(answer.status);
    }
    // Not once for every caller: at most the one whose time had come.
    assert!(world.site.vendors.calls().await <= calls + 2);
    assert_eq!(world.site.count(INVALID).await, 0);
    world.no_faults().await;
    world.site.execute(DUE).await;
    until("it heals", async || {
        world.call(&server, &header).await.status == 200
    })
    .await;
    server.stop().await;
}

/// After a long outage of the token endpoint the worker comes round late; a call tries for itself, and again after some
/// seconds, of all servers one.
#[database_test]
async fn a_call_does_not_wait_for_the_workers_turn(database: TestDatabase) {
    const LATE: &str = "update instances set renewal_attempts = 9,
                        renewal_due_at = now() + interval '15 minutes'";
    let world = World::new(database).await;
    let one = world.site.serve("one").await;
    let two = world.site.serve_with("two", &[]).await;
    let header = world.create(&one).await;
    let renewed = world.spends().await.0;
    world.site.execute(LATE).await;
    world.site.execute(SPENT).await;
    let both = [&one, &two];
    let not_yet = async |when: &str| {
        for answer in at_once(&both, &header, &world.path).await {
            assert!(matches!(answer.status, 429 | 502 | 503), "{when}: {answer}");
            let wait = answer.header("retry-after").expect("when to try again");
            let wait: u32 = wait.parse().expect("seconds");
            assert!(wait <= 30 * 60, "{wait}");
        }
    };
    // As a version before leaves it.
    not_yet("a version before").await;
    assert_eq!(world.spends().await, (renewed, 0));
    // Its time has come, and the vendor is still away.
    let away = json!({"kind": "status", "status": 503, "body": "{}"});
    world.fault(world.case.token_at(), away).await;
    let may = "update instances set renewal_by_call_at = now()";
    world.site.execute(may).await;
    let calls = world.site.vendors.calls().await;
    not_yet("away").await;
    assert_eq!(world.site.vendors.calls().await, calls + 1, "one for all");
    let soon = "select count(*) from instances where renewal_attempts = 10
                and renewal_by_call_at between now() and now() + interval '8 seconds'
                and renewal_due_at > now() + interval '1 minute'";
    assert_eq!(world.site.count(soon).await, 1);
    let answer = world.call(&one, &header).await;
    let wait = answer.header("retry-after").expect("when to try again");
    assert!(wait.parse::<u32>().expect("seconds") <= 8, "{wait}");
    // The vendor wants to be left alone: nobody asks before that.
    let throttled =
        json!({"kind": "status", "status": 429, "body": "{}", "headers": {"Retry-After": "600"}});
    world.no_faults().await;
    world.fault(world.case.token_at(), throttled).await;
    world.site.execute(may).await;
    not_yet("throttled").await;
    let left_alone = "select count(*) from instances where renewal_by_call_at is null";
    assert_eq!(world.site.count(left_alone).await, 1);
    // It is back, and nobody waits for the worker.
    world.no_faults().await;
    world.site.execute(may).await;
    all_are_answered(&at_once(&both, &header, &world.path).await);
    assert_eq!(world.spends().await, (renewed + 1, 0));
    one.stop().await;
    two.stop().await;
}

/// The log-in that ends another one's session: whoever needs a session logs in again.
#[database_test]
async fn a_session_that_another_log_in_ended_is_begun_anew(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let (body, definition) = session_example();
    let key = definition["key"].as_str().expect("a key");
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("elements")
        .join(key)
        .join("cases/passthrough.json");
    let text = std::fs::read_to_string(file).expect("the element's calls");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let path = file["session"]["path"].as_str().expect("a path");
    let user = server.authorization();
    let mut headers = Vec::new();
    for _ in 0..2 {
        let made = server.create(&user, &body).await;
        let token = made["token"].as_str().expect("a token");
        headers.push(format!("{user}, Element {token}"));
    }
    for header in &headers {
        site.execute(NOT_DUE).await;
        all_are_answered(&at_once(&[&server], header, path).await);
    }
    let logged_in = "select count(*) from exchanges where purpose = 'renew' and state = 'applied'";
    assert!((1..=2).contains(&site.count(logged_in).await));
    assert_eq!(site.count(INVALID).await, 0);
    server.stop().await;
}

/// An error between opening a renewal and sending anything leaves no doubt about the token: the next
/// call renews.
#[database_test]
async fn a_renewal_that_is_not_begun_leaves_nothing_open(database: TestDatabase) {
    let world = World::new(database).await;
    let server = world.site.serve("one").await;
    let header = world.create(&server).await;
    let (before, _) = world.spends().await;
    world.expire().await;
    world.site.execute(SPENT).await;
    // From the commit of the intent on nobody can read an instance.
    world
        .site
        .execute(
            "create function break_reads() returns trigger language plpgsql as
             'begin alter table instances rename column name to name_elsewhere; return null; end'",
        )
        .await;
    world
        .site
        .execute(
            "create constraint trigger break_reads after insert on exchanges
             deferrable initially deferred for each row execute function break_reads()",
        )
        .await;
    let refused = world.call(&server, &header).await;
    assert!(refused.status >= 500, "{refused}");
    assert_eq!(world.site.count(OPEN).await, 0, "nothing is left open");
    assert_eq!(world.spends().await, (before, 0), "nothing was sent");
    world
        .site
        .execute("drop trigger break_reads on exchanges")
        .await;
    world
        .site
        .execute("alter table instances rename column name_elsewhere to name")
        .await;
    let answered = world.call(&server, &header).await;
    assert_eq!(answered.status, 200, "{answered}");
    assert_eq!(world.spends().await, (before + 1, 0));
    server.stop().await;
}
