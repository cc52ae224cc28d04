//! A load that does not wait for its server: so many requests a second whatever the answers do, and
//! each one's latency counts from when it was due. Beside it keys are rotated, which nobody may
//! notice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::Error;
use crate::crowd::{Access, Crowd, mix};
use crate::load::{Call, Connection, Outcome};
use crate::pieces::Bench;
use crate::report;
use crate::server::Programs;

const PER_SECOND: u32 = 500;
/// As many requests can be late at once before one delays the next.
const CONNECTIONS: u32 = 64;
/// Without a rotation, to compare with.
const ALONE: Duration = Duration::from_secs(15);

pub async fn measure(
    bench: &Bench<'_>,
    programs: &Programs,
    crowd: &Arc<Crowd>,
) -> Result<(), Error> {
    report::title(&format!(
        "Rotation under {PER_SECOND} requests/s (80 % reads, 15 % lists and configurations, 5 % creates)"
    ));
    let steady = Steady {
        address: bench.target.address,
        crowd: Arc::clone(crowd),
        body: bench.plan.body.clone(),
    };
    let ((), alone) = steady.beside(tokio::time::sleep(ALONE)).await?;
    alone.show("none", "");
    let data_dir = bench.folder.path().join("data");
    for kind in ["organization", "encrypt", "find"] {
        let (said, beside) = steady.beside(programs.rotate(kind, &data_dir)).await?;
        beside.show(kind, &said?);
    }
    Ok(())
}

#[derive(Clone)]
struct Steady {
    address: SocketAddr,
    crowd: Arc<Crowd>,
    body: Bytes,
}

#[derive(Default)]
struct Beside {
    outcome: Outcome,
    failures: Vec<String>,
}

impl Steady {
    /// Keeps the load up until `work` is done.
    async fn beside<T>(&self, work: impl Future<Output = T>) -> Result<(T, Beside), Error> {
        let begun = Instant::now();
        let over = Arc::new(AtomicBool::new(false));
        let mut running = JoinSet::new();
        for number in 0..CONNECTIONS {
            running.spawn(self.clone().client(number, begun, Arc::clone(&over)));
        }
        let done = work.await;
        over.store(true, Ordering::Relaxed);
        let mut beside = Beside::default();
        while let Some(one) = running.join_next().await {
            let one = one??;
            beside.outcome.latencies.extend(one.outcome.latencies);
            beside.failures.extend(one.failures);
        }
        beside.outcome.took = begun.elapsed();
        beside.outcome.latencies.sort_unstable();
        Ok((done, beside))
    }

    async fn client(
        self,
        number: u32,
        begun: Instant,
        over: Arc<AtomicBool>,
    ) -> Result<Beside, Error> {
        let mut beside = Beside::default();
        let mut connection = Connection::open(self.address).await?;
        for turn in (number..).step_by(CONNECTIONS as usize) {
            let due = begun + Duration::from_secs(1) * turn / PER_SECOND;
            tokio::time::sleep_until(due.into()).await;
            if over.load(Ordering::Relaxed) {
                break;
            }
            let asked = connection.ask(&self.request(turn)?).await;
            beside.outcome.latencies.push(due.elapsed());
            if let Err(error) = asked {
                beside.failures.push(error.to_string());
                connection = Connection::open(self.address).await?;
            }
        }
        Ok(beside)
    }

    fn request(&self, turn: u32) -> Result<Vec<u8>, Error> {
        let id = self.crowd.pick(Access::Zipf, turn as usize);
        let user = self.crowd.user_of(id)?;
        let by_token;
        let call = match mix(u64::from(!turn)) % 100 {
            0..80 => Call::read(user, id),
            80..90 => Call::list(user, None),
            90..95 => {
                by_token = self.crowd.by_token(id)?;
                Call::configuration(&by_token)
            }
            _ => Call::create(user, self.body.clone()),
        };
        Ok(call.request(self.address))
    }
}

impl Beside {
    fn show(&self, kind: &str, said: &str) {
        report::line(format_args!(
            "{kind:<13} {:.1} s, {} requests, errors: {}; p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms. {said}",
            self.outcome.took.as_secs_f64(),
            self.outcome.count(),
            self.failures.len(),
            self.outcome.quantile(0.5),
            self.outcome.quantile(0.99),
            self.outcome.quantile(0.999),
        ));
        if let Some(first) = self.failures.first() {
            report::line(format_args!("              the first error: {first}"));
        }
    }
}
