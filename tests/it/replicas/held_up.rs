//! Servers that do not hear of a revocation: stopped, cut off, or with a database that does not
//! answer. They may serve nothing from memory once it is answered.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bunsen_test_macros::database_test;
use rustix::process::Signal;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use url::Url;

use super::{LEASE, Pair, call, delete, with_token};
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::operators::Site;
use crate::process::{Server, serve};
use crate::vendors::{client, example, until};

/// On top of the lease, for a machine with other work.
const SLACK: Duration = Duration::from_secs(3);

#[database_test]
async fn a_stopped_server_wakes_up_without_its_memory(database: TestDatabase) {
    let pair = Pair::start(database).await;
    for _ in 0..3 {
        let (id, token) = pair.instance().await;
        for _ in 0..5 {
            assert_eq!(call(&pair.two, &token).await, 404);
        }
        pair.two.signal(Signal::STOP);
        let begun = Instant::now();
        delete(&pair.one, &pair.authorization, id).await;
        let took = begun.elapsed();
        assert!(took < LEASE + SLACK, "{took:?}");
        // Sent while it sleeps, after the answer: the first thing that it finds.
        let calls = [(); 4].map(|()| {
            let request = pair.two.request("GET", "/no-such-things", &token);
            tokio::spawn(async move { Answer::of(request).await.status })
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        pair.two.signal(Signal::CONT);
        for call in calls {
            assert_eq!(call.await.expect("an answer"), 401);
        }
        assert_eq!(call(&pair.two, &token).await, 401);
    }
    pair.stop().await;
}

/// The way to the database of one server alone, which can be held or cut.
struct Way {
    folder: PathBuf,
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections stay and nothing goes over them.
    Held,
    /// Connections end, and so do new ones.
    Cut,
}

impl Way {
    /// Listens where a server finds the database, and where `url` is changed to.
    fn new(folder: PathBuf, url: &str) -> (Self, String) {
        std::fs::create_dir(&folder).expect("a folder");
        let mut url: Url = url.parse().expect("the database's address");
        let value = |name: &str| {
            let mut pairs = url.query_pairs();
            let found = pairs.find(|(key, _)| key == name);
            found.expect("a socket and a port").1.into_owned()
        };
        let socket = format!(".s.PGSQL.{}", value("port"));
        let database = Path::new(&value("host")).join(&socket);
        let port = value("port");
        url.query_pairs_mut()
            .clear()
            .append_pair("host", folder.to_str().expect("a UTF-8 path"))
            .append_pair("port", &port);
        let listener = UnixListener::bind(folder.join(&socket)).expect("a socket");
        let (state, states) = watch::channel(State::Open);
        tokio::spawn(async move {
            while let Ok((server, _)) = listener.accept().await {
                tokio::spawn(connection(server, database.clone(), states.clone()));
            }
        });
        (Self { folder, state }, url.into())
    }

    fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

async fn connection(mut server: UnixStream, database: PathBuf, mut states: watch::Receiver<State>) {
    if *states.borrow() == State::Cut {
        return;
    }
    let Ok(mut database) = UnixStream::connect(&database).await else {
        return;
    };
    loop {
        let state = *states.borrow_and_update();
        let changed = states.changed();
        match state {
            State::Cut => return,
            State::Held => {
                if changed.await.is_err() {
                    return;
                }
            }
            // Nothing is lost when this is dropped: what was read was written before, save under
            // the pressure of full sockets, which these small answers never make.
            State::Open => tokio::select! {
                _ = copy_bidirectional(&mut server, &mut database) => return,
                changed = changed => if changed.is_err() { return },
            },
        }
    }
}

/// The status, or none within a few seconds.
async fn answered(server: &Server, authorization: &str) -> Option<u16> {
    let request = client()
        .get(format!("{}/elements/api-v2/no-such-things", server.url))
        .header("authorization", authorization)
        .timeout(Duration::from_secs(3));
    Some(request.send().await.ok()?.status().as_u16())
}

async fn behind_a_way(site: &Site) -> (Way, Server) {
    let (way, url) = Way::new(site.folder.path("way"), &site.database.url);
    assert!(way.folder.is_absolute());
    let arguments = [
        "--sandbox",
        &site.vendors.url,
        "--database-url",
        &url,
        "--keyring",
        &site.keyring,
    ];
    let server = serve(&site.folder.path("behind"), &arguments).await;
    (way, server)
}

#[database_test]
async fn a_server_cut_off_from_the_database_serves_nothing_from_memory(database: TestDatabase) {
    let site = Site::new(database).await;
    let one = site.serve("one").await;
    let authorization = one.authorization();
    let (way, two) = behind_a_way(&site).await;
    for state in [State::Cut, State::Held] {
        let created = one.create(&authorization, &example()).await;
        let token = with_token(&authorization, &created);
        // After a cut it remembers nobody until it has a lease again.
        tokio::time::sleep(LEASE + LEASE).await;
        assert_eq!(call(&two, &token).await, 404);
        way.set(state);
        // Its lease has not run out: what it remembers is still good, and asked of nobody.
        assert_eq!(answered(&two, &token).await, Some(404), "{state:?}");
        let begun = Instant::now();
        delete(&one, &authorization, super::id(&created)).await;
        let took = begun.elapsed();
        assert!(took < LEASE + SLACK, "{state:?}: {took:?}");
        for _ in 0..3 {
            let status = answered(&two, &token).await;
            assert!(
                !matches!(status, Some(200..=399 | 403 | 404)),
                "{state:?}: {status:?}"
            );
        }
        way.set(State::Open);
        until("it hears the database again", async || {
            answered(&two, &token).await == Some(401)
        })
        .await;
        let fresh = with_token(
            &authorization,
            &one.create(&authorization, &example()).await,
        );
        until("it serves again", async || {
            answered(&two, &fresh).await == Some(404)
        })
        .await;
    }
    two.stop().await;
    one.stop().await;
}
