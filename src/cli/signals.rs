//! The signals that a server obeys, watched by a thread of their own: the runtime's threads may
//! all be busy just when somebody wants it to stop.

use std::io;
use std::thread;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// By the signal of this name.
    Stop(&'static str),
    Reload,
}

#[derive(Debug)]
pub struct Signals(mpsc::UnboundedReceiver<Asked>);

impl Signals {
    /// From now on the signals no longer end the process; SIGHUP only if something can be `reloaded`,
    /// since otherwise a closed terminal shall end it as ever.
    pub fn catch(reloaded: bool) -> io::Result<Self> {
        let (asked, asks) = mpsc::unbounded_channel();
        let (caught, outcome) = std::sync::mpsc::sync_channel(1);
        let watch = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build();
            let watching = runtime.and_then(|runtime| {
                let _entered = runtime.enter();
                let kinds = Kinds::catch(reloaded)?;
                drop(_entered);
                Ok((runtime, kinds))
            });
            match watching {
                Ok((runtime, kinds)) => {
                    let _ = caught.send(Ok(()));
                    runtime.block_on(kinds.tell(asked));
                }
                Err(error) => drop(caught.send(Err(error))),
            }
        };
        thread::Builder::new().name("signals".into()).spawn(watch)?;
        outcome.recv().map_err(io::Error::other)??;
        Ok(Self(asks))
    }

    pub async fn next(&mut self) -> Asked {
        match self.0.recv().await {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }

    /// Waits for a request to stop; until then each one to read files again is followed.
    pub async fn stop(&mut self, mut reload: impl FnMut()) -> &'static str {
        loop {
            match self.next().await {
                Asked::Stop(name) => return name,
                Asked::Reload => reload(),
            }
        }
    }
}

struct Kinds {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

impl Kinds {
    fn catch(reloaded: bool) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: reloaded.then(|| signal(SignalKind::hangup())).transpose()?,
        })
    }

    /// Until nobody listens any more.
    async fn tell(mut self, asked: mpsc::UnboundedSender<Asked>) {
        loop {
            let hangup = async {
                match &mut self.hangup {
                    Some(signal) => signal.recv().await,
                    None => std::future::pending().await,
                }
            };
            let ask = tokio::select! {
                Some(()) = self.terminate.recv() => Asked::Stop("SIGTERM"),
                Some(()) = self.interrupt.recv() => Asked::Stop("SIGINT"),
                Some(()) = hangup => Asked::Reload,
                () = asked.closed() => return,
            };
            if asked.send(ask).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use rustix::process::{Signal as Number, getpid, kill_process};

    use super::*;

    /// No thread of the runtime polls anything while its only one is busy, signals among it.
    #[test]
    fn a_busy_runtime_hears_the_signal() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let heard = Arc::new(AtomicBool::new(false));
        let until_heard = heard.clone();
        let (busy, is_busy) = std::sync::mpsc::channel();
        let worker = runtime.spawn(async move {
            busy.send(()).expect("the test listens");
            for _ in 0..2000 {
                if until_heard.load(Ordering::Relaxed) {
                    return true;
                }
                thread::sleep(Duration::from_millis(10));
            }
            false
        });
        is_busy.recv().expect("the worker is busy");
        let ask = runtime.block_on(async {
            let mut signals = Signals::catch(true).expect("signals are caught");
            // Nothing else in this test binary sends or expects this one.
            kill_process(getpid(), Number::HUP).expect("the signal is sent");
            signals.next().await
        });
        heard.store(true, Ordering::Relaxed);
        assert_eq!(ask, Asked::Reload);
        assert!(runtime.block_on(worker).expect("the worker ends"));
    }
}
