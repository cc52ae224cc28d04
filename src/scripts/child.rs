//! Child processes: how they are started, talked to and ended.

use std::io;
use std::path::PathBuf;
use std::process::{Child as Process, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use rustix::process::{Pid, Signal, kill_process, setpriority_process};
use serde::Serialize;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::oneshot;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use super::frame::FromChild;

/// Beside a result: names and marks of its frame, and what a script printed.
const FRAME_MARGIN: usize = 1024 * 1024;
/// What a child may compute in its life, a multiple of what it is kept for.
const CPU_SECONDS: u64 = 900;
/// User ids that no system gives out; each child has its own.
const USERS: u32 = 3_000_000_000;
/// How often ended children are looked for while there are some.
const LOOK: Duration = Duration::from_millis(50);

/// Starts children, and collects them when they have ended. One thread that lives as long as this:
/// Linux ends a child when the *thread* that started it ends.
#[derive(Debug)]
pub(super) struct Nursery(mpsc::Sender<Order>);

#[derive(Debug)]
enum Order {
    Start(oneshot::Sender<io::Result<Process>>),
    Collect(Process),
}

impl Nursery {
    pub fn new(program: PathBuf, memory: usize) -> io::Result<Self> {
        let (orders, taken) = mpsc::channel();
        thread::Builder::new()
            .name("scripts".into())
            .spawn(move || tend(&program, memory, &taken))?;
        Ok(Self(orders))
    }

    pub async fn child(&self, output: usize) -> io::Result<Child> {
        let (started, wait) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts children is gone");
        self.0.send(Order::Start(started)).map_err(|_| gone())?;
        let process = wait.await.map_err(|_| gone())??;
        let mut child = Child {
            process: Some(process),
            collector: self.0.clone(),
            pipes: None,
        };
        child.open(output)?;
        Ok(child)
    }
}

fn tend(program: &std::path::Path, memory: usize, orders: &mpsc::Receiver<Order>) {
    let mut ended: Vec<Process> = Vec::new();
    loop {
        let order = match ended.is_empty() {
            true => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => orders.recv_timeout(LOOK),
        };
        match order {
            Ok(Order::Start(wanted)) => {
                let started = command(program, memory).spawn();
                if let Err(Ok(mut unwanted)) = wanted.send(started) {
                    let _ = unwanted.kill();
                    ended.push(unwanted);
                }
            }
            Ok(Order::Collect(process)) => ended.push(process),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        // What cannot be asked about is not there any more.
        ended.retain_mut(|process| matches!(process.try_wait(), Ok(None)));
    }
}

fn command(program: &std::path::Path, memory: usize) -> Command {
    let mut command = Command::new(program);
    let own = std::process::id();
    command
        .arg("script-worker")
        .args(["--parent", &own.to_string()])
        .args([
            "--user",
            &(USERS + rand::random_range(0..1_000_000_000)).to_string(),
        ])
        .args(["--memory", &memory.to_string()])
        .args(["--cpu-seconds", &CPU_SECONDS.to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// A running child. Dropped, it is killed and collected.
#[derive(Debug)]
pub(super) struct Child {
    process: Option<Process>,
    collector: mpsc::Sender<Order>,
    pipes: Option<Pipes>,
}

#[derive(Debug)]
struct Pipes {
    from: FramedRead<ChildStdout, LengthDelimitedCodec>,
    to: FramedWrite<ChildStdin, LengthDelimitedCodec>,
}

impl Child {
    fn open(&mut self, output: usize) -> io::Result<()> {
        let process = self.process.as_mut();
        let pipes = process.and_then(|process| process.stdin.take().zip(process.stdout.take()));
        let (stdin, stdout) = pipes.ok_or_else(|| io::Error::other("a child without pipes"))?;
        let codec = |longest| {
            let mut codec = LengthDelimitedCodec::builder();
            codec.max_frame_length(longest).new_codec()
        };
        // What goes to the child has its limits elsewhere: answers of vendors, definitions.
        let (from, to) = (codec(output + FRAME_MARGIN), codec(u32::MAX as usize));
        self.pipes = Some(Pipes {
            from: FramedRead::new(ChildStdout::from_std(stdout)?, from),
            to: FramedWrite::new(ChildStdin::from_std(stdin)?, to),
        });
        Ok(())
    }

    fn pipes(&mut self) -> io::Result<&mut Pipes> {
        self.pipes
            .as_mut()
            .ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }

    pub async fn send(&mut self, frame: &impl Serialize) -> io::Result<()> {
        let body = serde_json::to_vec(frame)?;
        self.pipes()?.to.send(Bytes::from(body)).await
    }

    /// May be dropped and called again: nothing of a frame is lost.
    pub async fn next(&mut self) -> io::Result<FromChild> {
        let frame = self.pipes()?.from.next().await;
        let frame = frame.ok_or(io::ErrorKind::UnexpectedEof)??;
        serde_json::from_slice(&frame).map_err(io::Error::other)
    }

    fn pid(&self) -> Option<Pid> {
        self.process.as_ref().map(Pid::from_child)
    }

    /// From now on it gets what others leave. It cannot be taken back: end the child afterwards.
    pub fn put_last(&self) {
        if let Some(pid) = self.pid() {
            // A child that has left our user may be out of our reach; root reaches all of them.
            let _ = setpriority_process(Some(pid), 19);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // It has not been collected, so the number is still its own.
            let _ = kill_process(Pid::from_child(&process), Signal::KILL);
            let _ = self.collector.send(Order::Collect(process));
        }
    }
}
