//! Imports beside others at work, large ones, and those that are killed.

use bunsen_test_macros::database_test;
use serde_json::{Value, json};

use super::read;
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::operators::load::Load;
use crate::process::{command, run, written};
use crate::vendors::{element_key, example, until};

/// Organizations with so many instances each, all with ids from `first` on.
fn crowd(organizations: i64, instances: i64, first: i64) -> Value {
    let element = element_key();
    let configuration = example()["configuration"].clone();
    let organizations: Vec<Value> = (0..organizations)
        .map(|number| {
            let id = first + number * 10_000;
            let instances: Vec<Value> = (0..instances)
                .map(|instance| {
                    let id = id + instance;
                    json!({"id": id, "token": format!("token-of-instance-{id}"), "element": element,
                           "name": format!("Instance {id}"), "tags": [], "configuration": configuration})
                })
                .collect();
            json!({"id": id, "name": format!("Crowd {id}"), "secret": format!("secret-of-organization-{id}"),
                   "accounts": [{"id": id, "externalId": "one", "users": [
                       {"id": id, "email": format!("user@{id}.example"), "firstName": "A", "lastName": "B",
                        "secret": format!("secret-of-the-user-{id}"), "instances": instances}]}]})
        })
        .collect();
    json!({"organizations": organizations})
}

const LONELY: &str = "select (select count(*) from instances i where not exists (select 1 from secret_index s where s.kind = 'instance' and s.object_id = i.id and s.org_id = i.org_id))
    + (select count(*) from instances i where not exists (select 1 from instance_directory d where d.id = i.id and d.org_id = i.org_id))
    + (select count(*) from secret_index s where s.kind = 'instance' and not exists (select 1 from instances i where i.id = s.object_id and i.org_id = s.org_id))
    + (select count(*) from instance_directory d where not exists (select 1 from instances i where i.id = d.id and i.org_id = d.org_id))";

#[database_test]
async fn servers_go_on_creating_while_ids_are_imported(database: TestDatabase) {
    let site = Site::new(database).await;
    let (one, two) = (site.serve("one").await, site.serve("two").await);
    let authorization = one.authorization();
    let load = Load::start([&one.url, &two.url], &authorization);
    load.goes_on(30).await;
    let mut imported = 0;
    for round in 0..6 {
        // A little ahead of what the servers are being given: some rounds they meet.
        let next = site.count("select last_value from instances_id_seq").await + 20 * round;
        let file = site.written("crowd.json", &crowd(1, 700, next + 1));
        let output = run(&site.arguments(&["import", &file])).await;
        let text = written(&output);
        let there = site
            .count("select count(*) from instances where org_id > 1")
            .await;
        match output.status.success() {
            true => imported += 700,
            // A server was given one of the ids first.
            false => assert!(text.contains("is taken by instance"), "{text}"),
        }
        assert_eq!(there, imported, "{text}");
        load.goes_on(10).await;
    }
    assert!(imported > 0, "they met each time");
    load.end().await;
    assert_eq!(site.count(LONELY).await, 0);
    let highest = site.count("select max(id) from instances").await;
    let sequence = site.count("select last_value from instances_id_seq").await;
    assert!(sequence >= highest, "{sequence} is behind {highest}");
    one.stop().await;
    two.stop().await;
}

#[database_test]
async fn two_imports_at_once_come_one_after_the_other(database: TestDatabase) {
    let site = Site::new(database).await;
    site.serve("one").await.stop().await;
    let document = crowd(2, 600, 50_000);
    let file = site.written("crowd.json", &document);
    let arguments = site.arguments(&["import", &file, "--json"]);
    let (first, second) = tokio::join!(run(&arguments), run(&arguments));
    for output in [first, second] {
        assert!(output.status.success(), "{}", written(&output));
    }
    assert_eq!(site.count("select count(*) from instances").await, 1200);
    assert_eq!(site.count("select count(*) from organizations").await, 3);
    assert_eq!(site.count(LONELY).await, 0);
}

/// Each organization is there as a whole, or not at all; the next run brings the rest.
#[database_test]
async fn a_killed_import_leaves_whole_organizations(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one").await;
    let file = site.written("crowd.json", &crowd(8, 900, 100_000));
    let arguments = site.arguments(&["import", &file]);
    let whole = "select count(*) from organizations o where id > 1
        and (select count(*) from instances where org_id = o.id) = 900
        and (select count(*) from secret_index where org_id = o.id) = 902
        and (select count(*) from users where org_id = o.id) = 1
        and (select count(*) from accounts where org_id = o.id) = 2";
    let any = "select count(*) from organizations where id > 1";
    let parts = "select (select count(*) from instances where org_id not in (select id from organizations))
        + (select count(*) from secret_index where org_id not in (select id from organizations))
        + (select count(*) from instance_directory where org_id not in (select id from organizations))";
    let mut within = 0;
    for least in [1, 3, 5] {
        let mut importing = command(&arguments).spawn().expect("the binary starts");
        until("some organizations are in", async || {
            site.count(any).await >= least || importing.try_wait().expect("a state").is_some()
        })
        .await;
        importing.kill().await.expect("killed");
        let at_work = "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and query like 'insert into instances%'";
        until("nothing is written any more", async || {
            site.count(at_work).await == 0
        })
        .await;
        let there = site.count(any).await;
        assert_eq!(site.count(whole).await, there);
        assert_eq!(site.count(parts).await, 0);
        within += i64::from(there < 8);
        // After a kill the next import waits until the lease has run out.
        site.execute("delete from leases where name = 'import'")
            .await;
    }
    assert!(within > 0, "every kill came too late");
    let output = run(&arguments).await;
    assert!(output.status.success(), "{}", written(&output));
    assert_eq!(site.count(whole).await, 8);
    assert_eq!(site.count(LONELY).await, 0);
    let user = "User secret-of-the-user-150000, Organization secret-of-organization-150000";
    let read = read(&server, "/instances/150899", user).await;
    assert_eq!(read["token"], "token-of-instance-150899");
    server.stop().await;
}
