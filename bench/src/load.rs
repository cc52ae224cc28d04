//! A small load generator: every client has one connection and sends its next request when the
//! answer to the last one is read. It writes and reads bytes as lean as pgbench does, since both
//! take their share of the cores from the server that they measure.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderValue;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::Error;
use crate::crowd::{Access, Crowd};

const INSTANCES: &str = "/elements/api-v2/instances";
const NEXT_PAGE: &str = "elements-next-page-token";
/// Room that is made for what arrives, in bytes.
const RECEIVED: usize = 16 * 1024;

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
    /// Deletes each of them once; for one client.
    Delete(Arc<[i64]>),
    /// Page after page of the account.
    List,
    /// Reads an instance of the crowd as its own user.
    ReadOf(Arc<Crowd>, Access),
    /// Reads its configuration by its token.
    ReadByToken(Arc<Crowd>, Access),
    /// Asks the same again and again, and gets this status.
    Ask(Arc<[u8]>, u16),
}

impl Work {
    fn status(&self) -> u16 {
        match self {
            Self::Ask(_, status) => *status,
            _ => 200,
        }
    }
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

/// Runs the work with so many clients for so long. Any answer but the one that is meant ends it: a rate of refusals
/// would look like a good one.
pub async fn run(
    target: &Target,
    work: &Work,
    clients: usize,
    duration: Duration,
) -> Result<Outcome, Error> {
    let mut connections = Vec::with_capacity(clients);
    for _ in 0..clients {
        connections.push(Connection::open(target.address).await?);
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

/// One connection to the server.
pub struct Connection {
    stream: TcpStream,
    received: BytesMut,
}

/// What is used of an answer.
pub struct Answer {
    pub body: Bytes,
    next_page: Option<String>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self, Error> {
        Self::new(TcpStream::connect(address).await?)
    }

    /// From an address of this machine's own.
    pub async fn open_from(own: IpAddr, address: SocketAddr) -> Result<Self, Error> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(own, 0))?;
        Self::new(socket.connect(address).await?)
    }

    fn new(stream: TcpStream) -> Result<Self, Error> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: BytesMut::with_capacity(RECEIVED),
        })
    }

    /// After an error the connection is not to be used again.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer, Error> {
        self.expect(request, 200).await
    }

    async fn expect(&mut self, request: &[u8], wanted: u16) -> Result<Answer, Error> {
        let (status, answer) = self.answer(request).await?;
        if status != wanted {
            let text = String::from_utf8_lossy(&answer.body);
            return Err(format!("the server answered {status}: {text}").into());
        }
        Ok(answer)
    }

    /// Whatever is answered, with its status; its length must be told.
    pub async fn answer(&mut self, request: &[u8]) -> Result<(u16, Answer), Error> {
        self.stream.write_all(request).await?;
        let head = loop {
            if let Some(head) = Head::read(&self.received)? {
                break head;
            }
            self.receive().await?;
        };
        self.received.advance(head.length);
        while self.received.len() < head.body {
            self.receive().await?;
        }
        let answer = Answer {
            body: self.received.split_to(head.body).freeze(),
            next_page: head.next_page,
        };
        Ok((head.status, answer))
    }

    async fn receive(&mut self) -> Result<(), Error> {
        self.received.reserve(RECEIVED);
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err("the server has closed the connection".into()),
            _ => Ok(()),
        }
    }
}

/// What is used of an answer's head; lengths in bytes.
struct Head {
    length: usize,
    status: u16,
    body: usize,
    next_page: Option<String>,
}

impl Head {
    /// `None`: there is more to come.
    fn read(received: &[u8]) -> Result<Option<Self>, Error> {
        let mut headers = [httparse::EMPTY_HEADER; 48];
        let mut answer = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = answer.parse(received)? else {
            return Ok(None);
        };
        let value = |name: &str| {
            let mut headers = answer.headers.iter();
            let found = headers.find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(found.value).ok()
        };
        let body = value("content-length").ok_or("an answer without its length")?;
        Ok(Some(Self {
            length,
            status: answer.code.ok_or("an answer without a status")?,
            body: body.parse()?,
            next_page: value(NEXT_PAGE).map(str::to_owned),
        }))
    }
}

async fn client(
    target: Target,
    work: Work,
    mut connection: Connection,
    number: usize,
    until: Instant,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    // A step that shares no factor with most counts spreads the clients over all instances.
    let mut turn = number * 1_000_003;
    let mut page = None;
    while Instant::now() < until {
        if matches!(&work, Work::Delete(ids) if turn >= ids.len()) {
            break;
        }
        let request = request(&target, &work, turn, page.as_deref())?;
        turn += 1;
        let sent = Instant::now();
        let answer = connection.expect(&request, work.status()).await?;
        outcome.latencies.push(sent.elapsed());
        page = answer.next_page;
        if matches!(work, Work::Create(_)) {
            outcome.created.push(id(&answer.body)?);
        }
    }
    Ok(outcome)
}

fn request(
    target: &Target,
    work: &Work,
    turn: usize,
    page: Option<&str>,
) -> Result<Vec<u8>, Error> {
    let own = &target.authorization;
    let one_of = |ids: &[i64]| ids.get(turn % ids.len().max(1)).copied();
    let call = match work {
        Work::Create(body) => Call::create(own, body.clone()),
        Work::Read(ids) => Call::read(own, one_of(ids).ok_or("no instance")?),
        Work::Delete(ids) => Call::delete(own, one_of(ids).ok_or("no instance")?),
        Work::List => Call::list(own, page),
        Work::ReadOf(crowd, access) => {
            let id = crowd.pick(*access, turn);
            Call::read(crowd.user_of(id)?, id)
        }
        Work::Ask(request, _) => return Ok(request.to_vec()),
        Work::ReadByToken(crowd, access) => {
            let by_token = crowd.by_token(crowd.pick(*access, turn))?;
            return Ok(Call::configuration(&by_token).request(target.address));
        }
    };
    Ok(call.request(target.address))
}

/// One call of the API.
pub struct Call<'a> {
    authorization: &'a HeaderValue,
    method: &'static str,
    path: String,
    body: Bytes,
}

impl<'a> Call<'a> {
    fn without_body(authorization: &'a HeaderValue, method: &'static str, path: String) -> Self {
        Self {
            authorization,
            method,
            path,
            body: Bytes::new(),
        }
    }

    pub fn create(authorization: &'a HeaderValue, body: Bytes) -> Self {
        Self {
            body,
            ..Self::without_body(authorization, "POST", INSTANCES.to_owned())
        }
    }

    pub fn read(authorization: &'a HeaderValue, id: i64) -> Self {
        Self::without_body(authorization, "GET", format!("{INSTANCES}/{id}"))
    }

    pub fn delete(authorization: &'a HeaderValue, id: i64) -> Self {
        Self::without_body(authorization, "DELETE", format!("{INSTANCES}/{id}"))
    }

    /// A page of 20, the first one unless told otherwise.
    pub fn list(authorization: &'a HeaderValue, page: Option<&str>) -> Self {
        let page = page.map_or_else(String::new, |token| format!("&nextPage={token}"));
        let path = format!("{INSTANCES}?pageSize=20{page}");
        Self::without_body(authorization, "GET", path)
    }

    /// Of the instance whose token the header holds.
    pub fn configuration(authorization: &'a HeaderValue) -> Self {
        let path = format!("{INSTANCES}/configuration");
        Self::without_body(authorization, "GET", path)
    }

    /// To the vendor of the instance whose token the header holds.
    pub fn passthrough(authorization: &'a HeaderValue) -> Self {
        let path = "/elements/api-v2/proxy/record".to_owned();
        Self::without_body(authorization, "GET", path)
    }

    /// As it goes over the connection.
    pub fn request(self, address: SocketAddr) -> Vec<u8> {
        let head = format!(
            "{} {} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nauthorization: ",
            self.method,
            self.path,
            self.body.len()
        );
        [
            head.as_bytes(),
            self.authorization.as_bytes(),
            b"\r\n\r\n",
            &self.body,
        ]
        .concat()
    }
}

fn id(body: &[u8]) -> Result<i64, Error> {
    let answer: Value = serde_json::from_slice(body)?;
    let id = answer.get("id").and_then(Value::as_i64);
    id.ok_or_else(|| "the answer to a create has no id".into())
}
