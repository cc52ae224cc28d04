//! A small load generator: every client has one connection and sends its next request when the
//! answer to the last one is read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Error;

/// Who is asked, and as whom.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub authorization: HeaderValue,
}

/// What every client does.
#[derive(Debug, Clone)]
pub enum Work {
    Create(Bytes),
    /// Reads these instances in turn; clients begin at different ones.
    Read(Arc<[i64]>),
    /// Deletes them, each once if there are more of them than time.
    Delete(Arc<[i64]>),
}

#[derive(Debug, Default)]
pub struct Outcome {
    /// Sorted.
    pub latencies: Vec<Duration>,
    /// Instances that were created.
    pub created: Vec<i64>,
    pub took: Duration,
}

impl Outcome {
    pub fn count(&self) -> usize {
        self.latencies.len()
    }

    pub fn per_second(&self) -> f64 {
        self.count() as f64 / self.took.as_secs_f64()
    }

    /// Milliseconds that this share of the requests did not exceed.
    pub fn quantile(&self, share: f64) -> f64 {
        let at = (self.count() as f64 * share) as usize;
        let found = self.latencies.get(at.min(self.count().saturating_sub(1)));
        found.map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// Runs the work with so many clients for so long. Any answer but 200 ends it: a rate of refusals
/// would look like a good one.
pub async fn run(
    target: &Target,
    work: &Work,
    clients: usize,
    duration: Duration,
) -> Result<Outcome, Error> {
    let mut connections = Vec::with_capacity(clients);
    for _ in 0..clients {
        connections.push(connect(target.address).await?);
    }
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for (number, connection) in connections.into_iter().enumerate() {
        let (target, work) = (target.clone(), work.clone());
        running.spawn(client(target, work, connection, number, begun + duration));
    }
    let mut outcome = Outcome::default();
    while let Some(one) = running.join_next().await {
        let one = one??;
        outcome.latencies.extend(one.latencies);
        outcome.created.extend(one.created);
    }
    outcome.took = begun.elapsed();
    outcome.latencies.sort_unstable();
    Ok(outcome)
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Error> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the sender; what goes wrong on the way is told to the sender, too.
    tokio::spawn(connection);
    Ok(sender)
}

async fn client(
    target: Target,
    work: Work,
    mut connection: SendRequest<Full<Bytes>>,
    number: usize,
    until: Instant,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    // A step that shares no factor with most counts spreads the clients over all instances.
    let mut turn = number * 7919;
    while Instant::now() < until {
        let request = request(&target, &work, turn)?;
        turn += 1;
        let sent = Instant::now();
        connection.ready().await?;
        let response = connection.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        let latency = sent.elapsed();
        if status != StatusCode::OK {
            let text = String::from_utf8_lossy(&body);
            return Err(format!("the server answered {status}: {text}").into());
        }
        outcome.latencies.push(latency);
        if matches!(work, Work::Create(_)) {
            outcome.created.push(id(&body)?);
        }
    }
    Ok(outcome)
}

fn request(target: &Target, work: &Work, turn: usize) -> Result<Request<Full<Bytes>>, Error> {
    const INSTANCES: &str = "/elements/api-v2/instances";
    let builder = Request::builder()
        .header(header::HOST, target.address.to_string())
        .header(header::AUTHORIZATION, &target.authorization);
    Ok(match work {
        Work::Create(body) => builder
            .method(Method::POST)
            .uri(INSTANCES)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.clone()))?,
        Work::Read(ids) | Work::Delete(ids) => {
            let id = ids.get(turn % ids.len().max(1)).ok_or("no instance")?;
            let method = match work {
                Work::Delete(_) => Method::DELETE,
                _ => Method::GET,
            };
            builder
                .method(method)
                .uri(format!("{INSTANCES}/{id}"))
                .body(Full::default())?
        }
    })
}

fn id(body: &[u8]) -> Result<i64, Error> {
    let answer: Value = serde_json::from_slice(body)?;
    let id = answer.get("id").and_then(Value::as_i64);
    id.ok_or_else(|| "the answer to a create has no id".into())
}
