//! One child process and the thread that it hangs on.

use std::io;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::sync::watch;

/// A running child. Dropped, it asks the child to end, but does not wait.
///
/// The parent-death signal fires when the *thread* that made the child ends, not the process, so
/// the child gets a thread of its own that does nothing but wait for it.
#[derive(Debug)]
pub(super) struct Child {
    pid: Pid,
    /// Whether the process has been collected. Its number may belong to another process from then
    /// on, so signals are sent under this lock only.
    collected: Arc<Mutex<bool>>,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Child {
    pub(super) fn spawn(mut command: Command) -> io::Result<Self> {
        let collected = Arc::new(Mutex::new(false));
        let (end, ended) = watch::channel(None);
        let (report, spawned) = mpsc::channel();
        let shared = Arc::clone(&collected);
        thread::Builder::new()
            .name("postgres".into())
            .spawn(move || {
                let mut child = match command.spawn() {
                    Ok(child) => child,
                    Err(error) => return drop(report.send(Err(error))),
                };
                let pid = Pid::from_child(&child);
                drop(report.send(Ok(pid)));
                // Waits and leaves the process uncollected; only a signal to this thread interrupts it.
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                while waitid(WaitId::Pid(pid), options).is_err_and(|error| error == Errno::INTR) {}
                let mut collected = lock(&shared);
                let status = child.wait();
                *collected = true;
                let _ = end.send(status.ok());
            })?;
        let pid = spawned.recv().map_err(io::Error::other)??;
        Ok(Self {
            pid,
            collected,
            ended,
        })
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Nothing happens when it has ended.
    pub(super) fn signal(&self, signal: Signal) {
        let collected = lock(&self.collected);
        if !*collected {
            // A process that has not been collected exists, and it is ours.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Resolves when the child has ended, also if that was long ago.
    pub(super) async fn ended(&self) -> Option<ExitStatus> {
        // An error means that the thread is gone, and it goes only after the child.
        let mut ended = self.ended.clone();
        ended
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|status| *status)
    }

    pub(super) fn has_ended(&self) -> bool {
        *lock(&self.collected)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::INT);
    }
}

/// A thread that panicked left the flag as it was, and the flag is right at any time.
fn lock(collected: &Mutex<bool>) -> MutexGuard<'_, bool> {
    collected.lock().unwrap_or_else(PoisonError::into_inner)
}
