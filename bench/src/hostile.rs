//! One organization that means ill beside twenty that do not: how long the calls of the twenty take,
//! alone and beside each kind of hostility.
//!
//! The twenty ask at a steady rate, whatever the answers do, and they and their vendor are on threads of
//! high priority, where that is allowed. Who means ill asks as fast as it can, on
//! a thread of low priority, and of a vendor on another such thread: what is to be seen is how the
//! server shares, not who of its callers gets the processor of this machine.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::Error;
use crate::gauge::{Gauge, Organization};
use crate::load::{Connection, Outcome};
use crate::process::Tree;
use crate::report::{self, Middle, Row};
use crate::server::{Programs, Sandbox};
use crate::vendor;

const NORMAL: usize = 20;
/// Of each normal organization.
const PER_SECOND: u32 = 10;
/// Until the hostile one is at its worst.
const LEAD: Duration = Duration::from_millis(500);
/// How long the server may take to be done with what it was asked.
const SETTLE: Duration = Duration::from_secs(60);
/// An answer that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Attempts from one address: one less than are looked at.
const LOG_INS_EACH: usize = 99;

/// What it does.
#[derive(Debug, Clone, Copy)]
struct Ill {
    name: &'static str,
    connections: usize,
    asks: Asks,
}

#[derive(Debug, Clone, Copy)]
enum Asks {
    /// Method, path, and how long a text the body holds.
    Hub(&'static str, &'static str, usize),
    /// As somebody whom nobody knows, from ever new addresses.
    LogIn,
}

const ILLS: [Ill; 8] = [
    ill("plain calls, as fast as it can", 256, "/contacts/1"),
    ill("lists of 37 KB, as fast as it can", 256, "/contacts"),
    ill("calls to a vendor that takes 20 s", 256, "/slow"),
    ill("hooks that never end", 64, "/loops"),
    ill("hooks that take all memory", 64, "/hoards"),
    ill("pages of 1.9 MB", 64, "/huge"),
    Ill {
        name: "bodies of 1 MB",
        connections: 64,
        asks: Asks::Hub("POST", "/hubs/crm/contacts", 1024 * 1024 - 100),
    },
    Ill {
        name: "log-ins with wrong passwords",
        connections: 64,
        asks: Asks::LogIn,
    },
];

const fn ill(name: &'static str, connections: usize, path: &'static str) -> Ill {
    Ill {
        name,
        connections,
        asks: Asks::Hub("GET", path, 0),
    }
}

pub async fn measure(
    programs: &Programs,
    sandbox: &Sandbox,
    elements: &Path,
    duration: Duration,
    rounds: usize,
) -> Result<(), Error> {
    // Its vendor is its own: what floods it is no matter of the server's.
    let (vendor, flooded) = (
        vendor::start_before_others()?,
        vendor::start_behind_others()?,
    );
    let routes = format!("s1001.gauge.example=http://{flooded} *=http://{vendor}");
    let count = i64::try_from(NORMAL)? + 1;
    let mut gauge = Gauge::start(programs, sandbox, elements, &routes, count).await?;
    let (hostile, normal) = gauge.organizations.split_first().ok_or("nobody is there")?;
    let address = gauge.server.address();
    let crowd = Arc::new(Crowd::new(address, normal)?);
    report::title(&format!(
        "{NORMAL} organizations with {PER_SECOND} hub GETs/s each, and one that means ill beside them"
    ));
    // Opens connections and fills caches.
    crowd.ask(Duration::from_secs(1)).await?;
    for ill in ILLS {
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        let mut answers = BTreeMap::new();
        let mut failed = Vec::new();
        for _ in 0..rounds {
            alone.push(crowd.ask(duration).await?.outcome);
            let flood = Flood::start(ill, address, hostile)?;
            tokio::time::sleep(LEAD).await;
            let steady = crowd.ask(duration).await;
            flood.end(&mut answers)?;
            let steady = steady?;
            failed.extend(steady.failures);
            beside.push(steady.outcome);
            settle(&gauge).await?;
        }
        show(ill.name, &alone, &beside, &failed, &answers)?;
    }
    gauge.server.stop().await
}

fn show(
    name: &str,
    alone: &[Outcome],
    beside: &[Outcome],
    failed: &[String],
    answers: &BTreeMap<String, usize>,
) -> Result<(), Error> {
    let middle = |of: &[Outcome], share| Middle::of(of.iter().map(|one| one.quantile(share)));
    let (before, meanwhile) = (middle(alone, 0.99).median, middle(beside, 0.99));
    let ratio = meanwhile.median / before;
    report::line(format_args!(
        "{name:<34} p50 {:.2} → {:.2} ms, p99 {before:.2} → {} ms: {ratio:.1} times (target: 2); failed {}",
        middle(alone, 0.5).median,
        middle(beside, 0.5).median,
        meanwhile.show(2),
        failed.len(),
    ));
    if let Some(first) = failed.first() {
        report::line(format_args!("    the first failure: {first}"));
    }
    let told: Vec<_> = answers
        .iter()
        .map(|(what, count)| format!("{what}: {count}"))
        .collect();
    report::line(format_args!("    the hostile one got {}", told.join(", ")));
    report::row(&Row {
        work: &format!("one hostile organization beside {NORMAL}: {name}"),
        beside: &format!("p99 alone {before:.2} ms"),
        measured: &format!("{ratio:.1} times, {} failed", failed.len()),
        target: "≤ 2 times",
        reached: Some(ratio <= 2.0 && failed.is_empty()),
    })
}

/// Waits until the server has nothing more to do, or for so long as it may take.
async fn settle(gauge: &Gauge) -> Result<(), Error> {
    let begun = Instant::now();
    let used = || -> Result<f64, Error> {
        let split = Tree::of(gauge.server.process_id())?.cpu();
        Ok(split.server + split.postgres)
    };
    let mut before = used()?;
    while begun.elapsed() < SETTLE {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = used()?;
        // A tenth of a processor: less is what it does by itself.
        if now - before < 50_000.0 {
            return Ok(());
        }
        before = now;
    }
    report::line(format_args!(
        "    after {SETTLE:?} the server is still busy with it"
    ));
    Ok(())
}

/// The normal ones.
#[derive(Debug)]
struct Crowd {
    address: SocketAddr,
    requests: Vec<Arc<[u8]>>,
}

#[derive(Debug, Default)]
struct Steady {
    outcome: Outcome,
    failures: Vec<String>,
}

impl Crowd {
    fn new(address: SocketAddr, organizations: &[Organization]) -> Result<Self, Error> {
        let requests = organizations.iter().map(|organization| {
            let request = organization.request("GET", "/hubs/crm/contacts/1", "")?;
            Ok(Arc::from(request))
        });
        Ok(Self {
            address,
            requests: requests.collect::<Result<_, Error>>()?,
        })
    }

    /// On a thread of its own.
    async fn ask(self: &Arc<Self>, duration: Duration) -> Result<Steady, Error> {
        let crowd = Arc::clone(self);
        let asking = tokio::task::spawn_blocking(move || {
            vendor::before_others();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(crowd.all(duration))
        });
        asking.await?
    }

    async fn all(&self, duration: Duration) -> Result<Steady, Error> {
        let begun = Instant::now();
        let mut running = JoinSet::new();
        let count = u32::try_from(self.requests.len())?;
        for (number, request) in (0..count).zip(&self.requests) {
            let first = begun + Duration::from_secs(1) / PER_SECOND * number / count;
            let request = Arc::clone(request);
            running.spawn(client(self.address, request, first, begun + duration));
        }
        let mut all = Steady::default();
        while let Some(one) = running.join_next().await {
            let one = one??;
            all.outcome.latencies.extend(one.outcome.latencies);
            all.failures.extend(one.failures);
        }
        all.outcome.took = begun.elapsed();
        all.outcome.latencies.sort_unstable();
        Ok(all)
    }
}

/// Asks at its own times. Where an answer came too late for the next one, that one's time counts from
/// when it was due.
async fn client(
    address: SocketAddr,
    request: Arc<[u8]>,
    mut due: Instant,
    until: Instant,
) -> Result<Steady, Error> {
    let mut steady = Steady::default();
    let mut connection = Connection::open(address).await?;
    while due < until {
        let late = Instant::now() > due;
        tokio::time::sleep_until(due.into()).await;
        let begun = if late { due } else { Instant::now() };
        let asked = tokio::time::timeout(PATIENCE, connection.ask(&request)).await;
        steady.outcome.latencies.push(begun.elapsed());
        let failure = match asked {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer after {PATIENCE:?}")),
        };
        if let Some(failure) = failure {
            steady.failures.push(failure);
            connection = Connection::open(address).await?;
        }
        due += Duration::from_secs(1) / PER_SECOND;
    }
    Ok(steady)
}

/// The hostile one at work.
struct Flood {
    over: Arc<AtomicBool>,
    thread: thread::JoinHandle<Result<(), Error>>,
    answers: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Flood {
    fn start(ill: Ill, address: SocketAddr, hostile: &Organization) -> Result<Self, Error> {
        let over = Arc::new(AtomicBool::new(false));
        let answers = Arc::default();
        let asker = Asker {
            address,
            ill,
            request: match ill.asks {
                Asks::Hub(method, path, 0) => hostile.request(method, &hub(path), "")?.into(),
                Asks::Hub(method, path, length) => {
                    let body = json!({"text": "x".repeat(length)}).to_string();
                    hostile.request(method, path, &body)?.into()
                }
                Asks::LogIn => Arc::from([]),
            },
            attempts: Arc::default(),
            addresses: Arc::default(),
            answers: Arc::clone(&answers),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let ended = Arc::clone(&over);
        let thread = thread::spawn(move || {
            vendor::behind_others();
            runtime.block_on(asker.all(&ended));
            Ok(())
        });
        Ok(Self {
            over,
            thread,
            answers,
        })
    }

    /// Lets go of all its connections.
    fn end(self, answers: &mut BTreeMap<String, usize>) -> Result<(), Error> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the flood has fallen")??;
        let found = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for (what, count) in found.iter() {
            *answers.entry(what.clone()).or_default() += count;
        }
        Ok(())
    }
}

fn hub(path: &str) -> String {
    format!("/hubs/crm{path}")
}

#[derive(Clone)]
struct Asker {
    address: SocketAddr,
    ill: Ill,
    request: Arc<[u8]>,
    attempts: Arc<AtomicUsize>,
    /// How many it has asked from.
    addresses: Arc<AtomicU32>,
    answers: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Asker {
    async fn all(&self, over: &AtomicBool) {
        let mut running = JoinSet::new();
        for _ in 0..self.ill.connections {
            running.spawn(self.clone().one());
        }
        while !over.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Until it is dropped.
    async fn one(self) {
        loop {
            let error = match self.connect().await {
                Ok(connection) => self.ask(connection).await.err(),
                Err(error) => Some(error),
            };
            if let Some(error) = error {
                self.count(error.to_string());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    async fn connect(&self) -> Result<Connection, Error> {
        match self.ill.asks {
            Asks::Hub(..) => Connection::open(self.address).await,
            Asks::LogIn => {
                // Each a customer of its own, as those of a net of strange computers are.
                let number = self.addresses.fetch_add(1, Ordering::Relaxed) % 0x00fe_0000;
                let own = IpAddr::V4(Ipv4Addr::from(0x7f01_0000 + number));
                Connection::open_from(own, self.address).await
            }
        }
    }

    async fn ask(&self, mut connection: Connection) -> Result<(), Error> {
        for _ in 0..LOG_INS_EACH {
            let log_in;
            let request: &[u8] = match self.ill.asks {
                Asks::Hub(..) => &self.request,
                Asks::LogIn => {
                    log_in = self.log_in();
                    &log_in
                }
            };
            let (status, _) = connection.answer(request).await?;
            self.count(status.to_string());
        }
        Ok(())
    }

    fn log_in(&self) -> Vec<u8> {
        let number = self.attempts.fetch_add(1, Ordering::Relaxed);
        let body = json!({
            "username": format!("nobody-{number}@corp.example"),
            "password": format!("Wrong-password-{number}"),
        })
        .to_string();
        format!(
            "POST /elements/api-v2/authentication HTTP/1.1\r\nhost: bunsen.example\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    fn count(&self, what: String) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry(what).or_default() += 1;
    }
}
