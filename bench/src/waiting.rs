//! Calls that wait: so many at once at a vendor that does not answer yet, and what each of them
//! weighs in the server's memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Error;
use crate::load::{Call, Connection};
use crate::process::Tree;
use crate::report;
use crate::server::{Programs, Sandbox, Server, authorization, temporary_folder};

/// Of an answer that a vendor gives: a small record.
const RECORD: usize = 300;
/// Files that a process has open beside its connections.
const OTHER_FILES: u64 = 500;
/// For all of them to arrive at the vendor, and for all answers.
const PATIENCE: Duration = Duration::from_secs(120);
/// Calls before the first look at memory, so that what is made once is there.
const FIRST: usize = 64;
/// What is freed is given back a moment later.
const SETTLE: Duration = Duration::from_secs(2);

pub async fn measure(
    programs: &Programs,
    sandbox: &Sandbox,
    body: &Bytes,
    wanted: usize,
) -> Result<(), Error> {
    let calls = bearable(wanted);
    let vendor = Vendor::start().await?;
    let folder = temporary_folder()?;
    let data_dir = folder.path().join("data");
    let settings = [
        // One account gets half of what its organization may have in flight.
        ("BUNSEN_ORGANIZATION_CALLS", (2 * calls + 2).to_string()),
        ("BUNSEN_VENDOR_TIMEOUT", "300".to_owned()),
        ("BUNSEN_VENDOR_BUDGETS", "false".to_owned()),
        ("BUNSEN_LOG", "warn".to_owned()),
    ];
    // The log-in is the simulated vendors' to answer; for the calls every host is ours.
    let mut server = Server::start(programs, sandbox, &data_dir, &settings).await?;
    let own = authorization(&data_dir)?;
    let mut connection = Connection::open(server.address()).await?;
    let create = Call::create(&own, body.clone()).request(server.address());
    let created: Value = serde_json::from_slice(&connection.ask(&create).await?.body)?;
    let token = created.get("token").and_then(Value::as_str);
    let token = token.ok_or("the answer to a create has no token")?;
    server.stop().await?;
    let route = (
        "BUNSEN_VENDOR_ROUTES",
        format!("*=http://{}", vendor.address),
    );
    let settings = [&settings[..], &[route]].concat();
    let mut server = Server::start(programs, sandbox, &data_dir, &settings).await?;
    let own = own.to_str().map_err(|_| "the authorization is no text")?;
    let mut header = HeaderValue::from_str(&format!("{own}, Element {token}"))?;
    header.set_sensitive(true);
    let request: Arc<[u8]> = Call::passthrough(&header).request(server.address()).into();

    report::title(&format!("{calls} calls in flight at a vendor that waits"));
    if calls < wanted {
        report::line(format_args!(
            "of {wanted}: a process may have {} files open here",
            getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
        ));
    }
    vendor.answer(true);
    let mut running = ask(server.address(), &request, FIRST);
    finish(&mut running).await?;
    tokio::time::sleep(SETTLE).await;
    let memory =
        || -> Result<f64, Error> { Ok(Tree::of(server.process_id())?.memory().server * 1024.0) };
    let before = memory()?;
    vendor.answer(false);
    let mut running = ask(server.address(), &request, calls);
    timeout(PATIENCE, vendor.has(calls)).await.map_err(|_| {
        let waiting = vendor.waiting.load(Ordering::Relaxed);
        format!("after {PATIENCE:?} only {waiting} calls have come to the vendor")
    })?;
    tokio::time::sleep(SETTLE).await;
    let meanwhile = memory()?;
    vendor.answer(true);
    finish(&mut running).await?;
    tokio::time::sleep(SETTLE).await;
    let each = (meanwhile - before) / calls as f64;
    report::line(format_args!(
        "memory   {:.1} KB for each (target: 20); server (PSS) before {:.1} MB, meanwhile {:.1} MB, \
         afterwards {:.1} MB",
        each,
        before / 1024.0,
        meanwhile / 1024.0,
        memory()? / 1024.0
    ));
    report::row(&report::Row {
        work: &format!("waiting: {calls} calls in flight"),
        beside: "-",
        measured: &format!("{each:.1} KB each"),
        target: "≤ 20 KB each",
        reached: Some(each <= 20.0),
    })?;
    server.stop().await
}

/// As many calls as the limit of open files bears, which is raised as far as it may be: each is a
/// connection of a client and one to the vendor, both of which have their other end here. The server
/// keeps half of its files for callers.
fn bearable(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Where it may not be, what there is has to do.
    let _ = setrlimit(Resource::Nofile, raised);
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let most = usize::try_from(files.saturating_sub(OTHER_FILES) / 16 * 7);
    wanted.min(most.unwrap_or(usize::MAX))
}

fn ask(address: SocketAddr, request: &Arc<[u8]>, calls: usize) -> JoinSet<Result<(), Error>> {
    let mut running = JoinSet::new();
    for _ in 0..calls {
        let request = Arc::clone(request);
        running.spawn(async move {
            let mut connection = Connection::open(address).await?;
            connection.ask(&request).await.map(drop)
        });
    }
    running
}

async fn finish(running: &mut JoinSet<Result<(), Error>>) -> Result<(), Error> {
    let all = async {
        while let Some(one) = running.join_next().await {
            one??;
        }
        Ok(())
    };
    timeout(PATIENCE, all).await?
}

/// Answers every call alike, when it is told to.
struct Vendor {
    address: SocketAddr,
    waiting: Arc<AtomicUsize>,
    answers: watch::Sender<bool>,
}

impl Vendor {
    async fn start() -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let waiting = Arc::new(AtomicUsize::new(0));
        let answers = watch::Sender::new(true);
        let (noted, heard) = (Arc::clone(&waiting), answers.subscribe());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&noted), heard.clone()));
            }
        });
        Ok(Self {
            address,
            waiting,
            answers,
        })
    }

    fn answer(&self, answers: bool) {
        self.answers.send_replace(answers);
    }

    /// So many calls have come and have no answer.
    async fn has(&self, calls: usize) {
        while self.waiting.load(Ordering::Relaxed) < calls {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Requests without a body, one after the other. The connection ends with its client.
async fn serve(
    mut stream: TcpStream,
    waiting: Arc<AtomicUsize>,
    mut answers: watch::Receiver<bool>,
) -> Result<(), Error> {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {RECORD}\r\n\r\n{:>RECORD$}",
        "{}"
    );
    let mut received = Vec::new();
    loop {
        while !received.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        }
        received.clear();
        waiting.fetch_add(1, Ordering::Relaxed);
        let told = answers.wait_for(|answers| *answers).await.map(drop);
        waiting.fetch_sub(1, Ordering::Relaxed);
        told?;
        stream.write_all(answer.as_bytes()).await?;
    }
}
