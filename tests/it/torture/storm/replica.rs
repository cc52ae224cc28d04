//! One of several servers, which is killed, stopped and started again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::sync::Semaphore;

use super::SETTLED;
use crate::operators::Site;
use crate::process::{Server, serve};
use crate::torture::dice::Dice;
use crate::torture::front::{Front, Ledger, VENDOR_TIMEOUT};
use crate::vendors::client;

/// After it goes on, or answers again, a server may still be late.
const LATE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Replica {
    pub number: usize,
    pub front: Front,
    data: std::path::PathBuf,
    arguments: Vec<String>,
    authorization: String,
    server: tokio::sync::Mutex<Option<Server>>,
    /// Where it listens, or listened.
    url: Mutex<String>,
    client: reqwest::Client,
    /// From when until when it was dead or stopped.
    disturbed: Mutex<Vec<(Instant, Option<Instant>)>>,
}

impl Replica {
    pub async fn start(number: usize, site: &Site, ledger: &Ledger, seed: u64) -> Self {
        let dice = Dice::new(seed, 10 + number as u64);
        let front = Front::start(number, &site.vendors.url, ledger, dice).await;
        let arguments = [
            "--sandbox".to_owned(),
            front.url.clone(),
            "--database-url".to_owned(),
            site.database.url.clone(),
            "--keyring".to_owned(),
            site.keyring.clone(),
            "--vendor-timeout".to_owned(),
            VENDOR_TIMEOUT.to_string(),
        ];
        let data = site.folder.path(&format!("server-{number}"));
        let server = serve(&data, &borrowed(&arguments)).await;
        let authorization = match number {
            0 => server.authorization(),
            _ => String::new(),
        };
        Self {
            number,
            front,
            data,
            arguments: arguments.into(),
            authorization,
            url: Mutex::new(server.url.clone()),
            server: tokio::sync::Mutex::new(Some(server)),
            client: client(),
            disturbed: Mutex::default(),
        }
    }

    pub fn authorization(&self) -> String {
        self.authorization.clone()
    }

    pub fn request(&self, method: &str, path: &str, user: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let url = self.url.lock().expect("a URL").clone();
        self.client
            .request(method, format!("{url}/elements/api-v2{path}"))
            .header("authorization", user)
    }

    /// Dead or stopped at some time since then, or a moment before.
    pub fn was_disturbed(&self, since: Instant) -> bool {
        self.overlaps(since, Instant::now())
    }

    /// Whether it was dead or stopped between these moments, or late because of it.
    pub fn overlaps(&self, from: Instant, until: Instant) -> bool {
        let disturbed = self.disturbed.lock().expect("disturbances");
        disturbed
            .iter()
            .any(|(begun, over)| *begun <= until && over.is_none_or(|over| over + LATE >= from))
    }

    fn begin(&self) {
        let mut disturbed = self.disturbed.lock().expect("disturbances");
        disturbed.push((Instant::now(), None));
    }

    fn end(&self) {
        let mut disturbed = self.disturbed.lock().expect("disturbances");
        disturbed.last_mut().expect("one").1 = Some(Instant::now());
    }

    /// Kills and stops it until the end; it runs afterwards.
    pub async fn disturb(self: Arc<Self>, mut dice: Dice, end: Instant, at_once: Arc<Semaphore>) {
        while Instant::now() < end {
            tokio::time::sleep(dice.milliseconds(100, 2500)).await;
            let permit = at_once.acquire().await.expect("a turn");
            self.begin();
            match dice.below(10) {
                0..5 => self.kill(&mut dice).await,
                5..8 => self.pause(dice.milliseconds(50, 1500)).await,
                // The storm ends its leases meanwhile, and others take them over.
                _ => self.pause(SETTLED + dice.milliseconds(2000, 5000)).await,
            }
            self.end();
            drop(permit);
        }
    }

    async fn kill(&self, dice: &mut Dice) {
        let mut server = self.server.lock().await;
        server.take().expect("a running server").kill().await;
        tokio::time::sleep(dice.milliseconds(10, 2000)).await;
        let again = serve(&self.data, &borrowed(&self.arguments)).await;
        self.url.lock().expect("a URL").clone_from(&again.url);
        *server = Some(again);
    }

    async fn pause(&self, time: Duration) {
        let server = self.server.lock().await;
        let server = server.as_ref().expect("a running server");
        server.signal(Signal::STOP);
        tokio::time::sleep(time).await;
        server.signal(Signal::CONT);
    }

    pub async fn stop(&self) {
        let server = self.server.lock().await.take();
        server.expect("a running server").stop().await;
    }
}

fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}
