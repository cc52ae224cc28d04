//! Calls one server again and again with one authorization, and keeps when each call began and how
//! it was answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::process::Server;
use crate::vendors::{client, until};

/// Callers at once; more would only share the two cores.
const CALLERS: usize = 3;

pub struct Hammer {
    stop: Arc<AtomicBool>,
    shots: Arc<Mutex<Vec<Shot>>>,
    callers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy)]
pub struct Shot {
    began: Instant,
    /// `None`: no answer at all.
    status: Option<u16>,
}

impl Hammer {
    pub fn start(server: &Server, path: &str, authorization: &str) -> Self {
        let mut hammer = Self {
            stop: Arc::default(),
            shots: Arc::default(),
            callers: Vec::new(),
        };
        for _ in 0..CALLERS {
            let request = client()
                .get(format!("{}/elements/api-v2{path}", server.url))
                .header("authorization", authorization)
                .timeout(Duration::from_secs(15));
            let (stop, shots) = (hammer.stop.clone(), hammer.shots.clone());
            hammer.callers.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let request = request.try_clone().expect("a request without a body");
                    let began = Instant::now();
                    let answer = request.send().await;
                    let status = answer.ok().map(|answer| answer.status().as_u16());
                    shots.lock().expect("a lock").push(Shot { began, status });
                }
            }));
        }
        hammer
    }

    /// Until so many calls that began from now on have been answered with this status.
    pub async fn hits(&self, status: u16, count: usize) {
        let from = Instant::now();
        until("the server answers so", async || {
            let shots = self.shots.lock().expect("a lock");
            let hits = shots.iter().rev().take_while(|shot| shot.began >= from);
            hits.filter(|shot| shot.status == Some(status)).count() >= count
        })
        .await;
    }

    pub async fn stop(self) -> Shots {
        self.stop.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.expect("a caller ends");
        }
        let shots = self.shots.lock().expect("a lock").clone();
        Shots(shots)
    }
}

pub struct Shots(Vec<Shot>);

impl Shots {
    /// The property: whatever began after the answer to the revocation gets this status and no
    /// other; before, calls were served.
    pub fn ended_at(&self, answered: Instant, served: u16, refused: u16) {
        let before = self.0.iter().filter(|shot| shot.began < answered);
        let served = before.filter(|shot| shot.status == Some(served)).count();
        let after: Vec<_> = self.0.iter().filter(|shot| shot.began > answered).collect();
        let wrong: Vec<_> = after
            .iter()
            .filter(|shot| shot.status != Some(refused))
            .map(|shot| (shot.began - answered, shot.status))
            .collect();
        assert!(wrong.is_empty(), "of {} calls: {wrong:?}", after.len());
        assert!(served > 0 && !after.is_empty(), "{served} served before");
    }

    /// Every call was answered so.
    pub fn all(&self, status: u16) {
        let other = self.0.iter().filter(|shot| shot.status != Some(status));
        let other: Vec<_> = other.map(|shot| shot.status).collect();
        assert!(other.is_empty(), "of {} calls: {other:?}", self.0.len());
        assert!(!self.0.is_empty());
    }
}
