//! Wiring only: arguments, listener, signals.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use bunsen_sandbox::{Sandbox, Settings, serve};
use clap::Parser;
use clap::builder::BoolishValueParser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Thousands of callers may connect at once.
const BACKLOG: u32 = 4096;

/// Simulated vendors for trying out and testing Bunsen
#[derive(Debug, Parser)]
#[command(
    name = "bunsen-sandbox",
    version,
    after_help = "Example:\n  bunsen-sandbox --listen 127.0.0.1:8090\n  curl -H 'Host: sample.freshdesk.com' -u sandbox-freshdesk-key:X http://127.0.0.1:8090/api/v2/agents/me"
)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "BUNSEN_SANDBOX_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8090"
    )]
    listen: SocketAddr,

    /// Keep no record of received calls
    #[arg(long, env = "BUNSEN_SANDBOX_NO_JOURNAL", value_parser = BoolishValueParser::new())]
    no_journal: bool,

    /// A host name with a dot under which /_control/ and /_host/ are reached, beside addresses and plain names; repeatable
    #[arg(
        long,
        env = "BUNSEN_SANDBOX_OWN_HOST",
        value_name = "NAME",
        value_delimiter = ','
    )]
    own_host: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> io::Result<()> {
    raise_descriptor_limit();
    // Before the line that says "ready": whoever reads it may send the signal at once.
    let (terminate, interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let listener = bind(arguments.listen).map_err(|error| {
        let message = format!(
            "cannot listen on {}: {error}; choose another with --listen",
            arguments.listen
        );
        io::Error::new(error.kind(), message)
    })?;
    let sandbox = Arc::new(Sandbox::new(&Settings {
        journal: !arguments.no_journal,
        own_hosts: arguments.own_host,
    }));
    let mut output = io::stdout();
    writeln!(
        output,
        "bunsen-sandbox listening on http://{}",
        listener.local_addr()?
    )?;
    output.flush()?;
    serve(listener, sandbox, asked_to_stop(terminate, interrupt)).await
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The usual soft limit of 1024 descriptors is far below the hard one, and each connection takes one.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

async fn asked_to_stop(mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
