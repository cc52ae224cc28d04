//! Where the microseconds of a hub call go: what the built server takes for it as a whole and for
//! calls that have less in them, and what parts of it take that can be called here by themselves.

mod parts;

use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bunsen::ids::{AccountId, InstanceId, OrganizationId, Secret, SecretKind, UserId};
use bunsen::keyring::Keyring;
use bunsen::outbound::{Destination, Outbound, Settings, VendorRoute, install_crypto_provider};
use bunsen::request_log::{self, RequestLog};
use bunsen::store::NewRequest;
use bunsen::vault::{Place, Vault};
use bunsen_engine::configuration::Values;
use bunsen_engine::element::{Element, Group};
use bunsen_engine::hub::{Caller, Content, TokenKey, Walk, build, links, read};
use bunsen_engine::reply::VendorReply;
use bunsen_engine::request::{Inputs, VendorRequest};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use parts::Parts;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::Error;
use crate::gauge::Gauge;
use crate::load::{self, Target, Work};
use crate::process::{Split, Tree};
use crate::report::{self, Middle};
use crate::server::{Programs, Sandbox};
use crate::vendor;

/// As in the table of targets.
const CLIENTS: usize = 32;
/// Repetitions of a part; it counts what the quickest of several such rounds took.
const TIMES: u32 = 20_000;
const ROUNDS: usize = 7;

/// What whole calls take of the processor, in microseconds, and how long at one client.
#[derive(Debug, Clone, Copy)]
struct Whole {
    cpu: Split<f64>,
    one: f64,
}

pub async fn measure(
    programs: &Programs,
    sandbox: &Sandbox,
    elements: &Path,
    duration: Duration,
    rounds: usize,
) -> Result<(), Error> {
    install_crypto_provider();
    let vendor = vendor::start()?;
    let routes = format!("*=http://{vendor}");
    let mut gauge = Gauge::start(programs, sandbox, elements, &routes, 1).await?;
    let own = gauge.organizations.first().ok_or("nobody is there")?;
    let health = b"GET /health/live HTTP/1.1\r\nhost: bunsen.example\r\n\r\n";
    let hub = |path: &str| own.request("GET", &format!("/hubs/crm{path}"), "");
    let (lost, record, list) = (hub("/nothing")?, hub("/contacts/1")?, hub("/contacts")?);
    let data_dir = gauge.data_dir.clone();
    let live = Live {
        gauge: &gauge,
        duration,
        rounds,
    };
    let bare = live.call(health, 200).await?;
    let lost = live.call(&lost, 404).await?;
    let whole = live.call(&record, 200).await?;
    let whole_list = live.call(&list, 200).await?;
    let without = ("BUNSEN_REQUEST_LOG_DAYS", "0".to_owned());
    gauge
        .start_again(programs, sandbox, elements, &routes, without)
        .await?;
    let live = Live {
        gauge: &gauge,
        duration,
        rounds,
    };
    let unlogged = live.call(&record, 200).await?;
    gauge.server.stop().await?;

    let element = element(elements)?;
    let parts = Parts::new(&element)?;
    let secrets = secrets(&data_dir)?;
    let opened = opened(&data_dir)?;
    let logged = logged();
    let (built, read, written) = (parts.built()?, parts.read()?, parts.written()?);
    let (built_list, read_list) = (parts.built_list()?, parts.read_list()?);
    let sent = parts.sent(vendor, "/contacts/1").await?;
    let sent_list = parts.sent(vendor, "/contacts").await?;

    report::title("Stages of a hub call, in µs of the processor");
    let show = |name: &str, record: f64, list: f64, how: &str| {
        report::line(format_args!("{name:<46} {record:>8.1} {list:>8.1}  {how}"));
    };
    report::line(format_args!(
        "{:<46} {:>8} {:>8}  how it was measured",
        "stage", "300 B", "37 KB"
    ));
    let accept = bare.cpu.server;
    let known = lost.cpu.server - accept;
    show(
        "take the request in and answer it",
        accept,
        accept,
        "GET /health/live",
    );
    show(
        "who calls, which instance, which resource; log",
        known,
        known,
        "a hub path that is not there, less the line above",
    );
    show(
        "  of it fingerprints of three secrets",
        secrets,
        secrets,
        "alone",
    );
    show("  of it the row of the log", logged, logged, "alone");
    show(
        "check and build the vendor's request",
        built,
        built_list,
        "alone",
    );
    show(
        "send it, and read the answer",
        sent.0,
        sent_list.0,
        &format!(
            "alone, one connection; takes {:.0} and {:.0} µs",
            sent.1, sent_list.1
        ),
    );
    show("find records in the answer", read, read_list.0, "alone");
    show("write the caller's answer", written, read_list.1, "alone");
    let rest = |whole: Whole, parts: [f64; 4]| {
        whole.cpu.server - accept - known - parts.iter().sum::<f64>()
    };
    show(
        "rest: threads, headers, larger bodies",
        rest(whole, [built, sent.0, read, written]),
        rest(
            whole_list,
            [built_list, sent_list.0, read_list.0, read_list.1],
        ),
        "by difference; below 0 where many at once cost less",
    );
    show(
        "the whole call, server",
        whole.cpu.server,
        whole_list.cpu.server,
        &format!("{CLIENTS} clients"),
    );
    show(
        "the whole call, Postgres",
        whole.cpu.postgres,
        whole_list.cpu.postgres,
        &format!(
            "{CLIENTS} clients; without the log {:.1}, and the server {:.1}",
            unlogged.cpu.postgres, unlogged.cpu.server
        ),
    );
    show(
        "how long it takes",
        whole.one,
        whole_list.one,
        "1 client, p50",
    );
    show(
        "open an instance's credentials",
        opened,
        opened,
        "alone; once in 5 s for each instance in use, beside a read of the database",
    );
    Ok(())
}

/// Calls of the built server.
struct Live<'a> {
    gauge: &'a Gauge,
    duration: Duration,
    rounds: usize,
}

impl Live<'_> {
    async fn call(&self, request: &[u8], status: u16) -> Result<Whole, Error> {
        let target = Target {
            address: self.gauge.server.address(),
            authorization: HeaderValue::from_static(""),
        };
        let work = Work::Ask(Arc::from(request), status);
        let cpu = || Ok::<_, Error>(Tree::of(self.gauge.server.process_id())?.cpu());
        let (mut server, mut postgres, mut one) = (Vec::new(), Vec::new(), Vec::new());
        load::run(&target, &work, CLIENTS, Duration::from_millis(500)).await?;
        for _ in 0..self.rounds {
            let before = cpu()?;
            let outcome = load::run(&target, &work, CLIENTS, self.duration).await?;
            // What is written behind the answers belongs to them.
            tokio::time::sleep(Duration::from_millis(1100)).await;
            let after = cpu()?;
            let count = outcome.count() as f64;
            server.push((after.server - before.server) / count);
            postgres.push((after.postgres - before.postgres) / count);
            let outcome = load::run(&target, &work, 1, self.duration).await?;
            one.push(outcome.quantile(0.5) * 1000.0);
        }
        Ok(Whole {
            cpu: Split {
                server: Middle::of(server).median,
                postgres: Middle::of(postgres).median,
            },
            one: Middle::of(one).median,
        })
    }
}

/// Microseconds of one time, in the quickest of some rounds: whatever else the machine does only makes
/// one slower.
fn least(mut work: impl FnMut()) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..TIMES {
            work();
        }
        least = least.min(begun.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES));
    }
    least
}

fn element(folder: &Path) -> Result<Arc<Element>, Error> {
    let loaded = bunsen::elements::load(Some(folder));
    let (catalog, _) = loaded.map_err(|_| "the definition has mistakes")?;
    let element = catalog.get("gauge").ok_or("there is no such definition")?;
    Ok(Arc::clone(element))
}

fn secrets(data_dir: &Path) -> Result<f64, Error> {
    let vault = Vault::new(Keyring::read(&data_dir.join("keyring.json"))?);
    let kinds = [
        SecretKind::Organization,
        SecretKind::User,
        SecretKind::Instance,
    ];
    let secret = Secret::new("0123456789abcdef0123456789abcdef0123456789ab");
    Ok(least(|| {
        for kind in kinds {
            black_box(vault.fingerprints(kind, &secret));
        }
    }))
}

fn opened(data_dir: &Path) -> Result<f64, Error> {
    let vault = Vault::new(Keyring::read(&data_dir.join("keyring.json"))?);
    let organization = OrganizationId(1001);
    let (key, _) = vault.new_organization_key(organization);
    let place = Place {
        organization,
        table: "instances",
        row: Uuid::new_v4(),
        column: "credentials_sealed",
    };
    let clear = json!({"site": "s1001", "word": "0123456789abcdef", "base.url": "https://s1001.gauge.example"});
    let sealed = key.seal(&place, clear.to_string().as_bytes());
    key.open(&place, &sealed)?;
    Ok(least(|| {
        black_box(key.open(&place, &sealed).is_ok());
    }))
}

fn logged() -> f64 {
    let row = NewRequest {
        organization: OrganizationId(1001),
        at: 1_800_000_000_000_000,
        id: [7; 12],
        account: AccountId(1),
        user: UserId(1),
        instance: Some(InstanceId(1)),
        element_key: Some("gauge"),
        method: "GET",
        route: "/hubs/{hub}/{*path}",
        resource: Some("GET /contacts/{id}"),
        status: 200,
        vendor_status: Some(200),
        attempts: 1,
        own: Duration::from_micros(100),
        vendor: Duration::from_micros(100),
        bytes_in: 0,
        bytes_out: 300,
        complete: true,
        arguments_hash: Some([7; 16]),
        client: None,
    };
    let settings = request_log::Settings {
        queue: usize::MAX,
        ..request_log::Settings::default()
    };
    let log = RequestLog::new(settings);
    least(|| log.add(&row))
}

/// Of this thread until now, in microseconds.
fn processor() -> f64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    used.tv_sec as f64 * 1e6 + used.tv_nsec as f64 / 1e3
}
