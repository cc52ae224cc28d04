//! The program itself: its ready line, its stop, its refusal to start.

use std::process::Stdio;
use std::time::Duration;

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::client::{ME, Running};

const PATIENCE: Duration = Duration::from_secs(20);

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bunsen-sandbox"));
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn started(command: &mut Command) -> (Child, Running) {
    let mut child = command.spawn().expect("the program");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    let line = line
        .expect("a line in time")
        .expect("readable output")
        .expect("a line");
    let address = line
        .strip_prefix("bunsen-sandbox listening on http://")
        .expect("the ready line");
    let address = address.parse().expect("an address");
    (child, Running { address })
}

async fn signalled(child: &mut Child, signal: Signal) -> Option<i32> {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let id = id.and_then(Pid::from_raw).expect("a process id");
    kill_process(id, signal).expect("a delivered signal");
    let status = tokio::time::timeout(PATIENCE, child.wait()).await;
    status.expect("it stops in time").expect("a status").code()
}

#[tokio::test]
async fn it_serves_once_ready_and_stops_on_signals() {
    for signal in [Signal::TERM, Signal::INT] {
        let (mut child, sandbox) = started(command().args(["--listen", "127.0.0.1:0"])).await;
        assert_eq!(sandbox.get(ME).await.status, 200);
        assert_eq!(signalled(&mut child, signal).await, Some(0), "{signal:?}");
    }
}

#[tokio::test]
async fn answers_under_way_are_finished_before_it_stops() {
    let (mut child, sandbox) = started(command().env("BUNSEN_SANDBOX_LISTEN", "127.0.0.1:0")).await;
    sandbox
        .fault(serde_json::json!({ "kind": "slow", "milliseconds": 700 }))
        .await;
    let call = tokio::spawn(sandbox.admin(Method::GET, ME).send());
    // The journal tells when the call has arrived.
    let arrived = async {
        loop {
            let count = sandbox
                .control(Method::GET, "journal/count", serde_json::Value::Null)
                .await;
            if count.json()["count"] == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived)
        .await
        .expect("the call arrives");
    assert_eq!(signalled(&mut child, Signal::TERM).await, Some(0));
    let reply = call.await.expect("a task").expect("an answer");
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let (_child, sandbox) = started(command().args(["--listen", "127.0.0.1:0"])).await;
    let address = sandbox.address.to_string();
    let second = command().args(["--listen", &address]).output();
    let output = tokio::time::timeout(PATIENCE, second)
        .await
        .expect("it ends")
        .expect("output");
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains(&address) && text.contains("--listen"),
        "{text}"
    );
}

#[tokio::test]
async fn settings_come_from_the_environment_too() {
    let mut command = command();
    command.env("BUNSEN_SANDBOX_LISTEN", "127.0.0.1:0");
    command.env("BUNSEN_SANDBOX_NO_JOURNAL", "1");
    command.env("BUNSEN_SANDBOX_OWN_HOST", "sandbox.example,other.example");
    let (_child, sandbox) = started(&mut command).await;
    for host in ["sandbox.example", "other.example"] {
        let reply = sandbox
            .call(Method::GET, host, "/_control/health")
            .answer()
            .await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["journal"]),
            (200, &serde_json::json!(false))
        );
    }
}
