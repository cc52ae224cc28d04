//! Two replicas behind a balancer, restarted one after the other: nobody notices.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bunsen_test_macros::database_test;
use rustix::process::Signal;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::Site;
use crate::answer::Answer;
use crate::database::TestDatabase;
use crate::operators::load::Load;
use crate::process::{Server, written};
use crate::vendors::{client, example, until};

/// How often the balancer asks. Two of them are less than the replicas' `--drain-wait`.
const ASKS: Duration = Duration::from_millis(200);

/// Hands each connection to a replica that said last that it is ready. Retries nothing.
struct Balancer {
    url: String,
    replicas: Arc<Mutex<Vec<Replica>>>,
}

#[derive(Clone)]
struct Replica {
    url: String,
    ready: bool,
}

impl Balancer {
    async fn start(servers: [&Server; 2]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let replica = |server: &Server| Replica {
            url: server.url.clone(),
            ready: true,
        };
        let replicas = Arc::new(Mutex::new(servers.map(replica).to_vec()));
        tokio::spawn(ask(replicas.clone()));
        let known = replicas.clone();
        tokio::spawn(async move {
            let mut turn = 0;
            while let Ok((client, _)) = listener.accept().await {
                let ready: Vec<String> = {
                    let known = known.lock().expect("a lock");
                    let ready = known.iter().filter(|replica| replica.ready);
                    ready.map(|replica| replica.url.clone()).collect()
                };
                turn += 1;
                let url = ready[turn % ready.len()].clone();
                tokio::spawn(carry(client, url));
            }
        });
        Self { url, replicas }
    }

    fn replace(&self, old: &str, new: &Server) {
        let mut replicas = self.replicas.lock().expect("a lock");
        let replica = replicas.iter_mut().find(|replica| replica.url == old);
        replica.expect("a known replica").url = new.url.clone();
    }

    async fn until_all_are_ready(&self) {
        until("both replicas are ready", async || {
            let replicas = self.replicas.lock().expect("a lock");
            replicas.iter().all(|replica| replica.ready)
        })
        .await;
    }
}

async fn carry(mut client: TcpStream, url: String) {
    let address = url.trim_start_matches("http://");
    if let Ok(mut replica) = TcpStream::connect(address).await {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut replica).await;
    }
}

async fn ask(replicas: Arc<Mutex<Vec<Replica>>>) {
    let client = client();
    loop {
        let known = replicas.lock().expect("a lock").clone();
        for (number, replica) in known.iter().enumerate() {
            let asked = client.get(format!("{}/health/ready", replica.url));
            let ready = asked
                .send()
                .await
                .is_ok_and(|answer| answer.status() == 200);
            replicas.lock().expect("a lock")[number].ready = ready;
        }
        tokio::time::sleep(ASKS).await;
    }
}

#[database_test]
async fn a_rolling_restart_fails_no_call(database: TestDatabase) {
    let site = Site::new(database).await;
    let wait = ["--drain-wait", "2"];
    let (one, two) = (
        site.serve("one", &wait).await,
        site.serve("two", &wait).await,
    );
    let authorization = one.authorization();
    let balancer = Balancer::start([&one, &two]).await;
    let load = Load::start([&balancer.url; 2], &authorization);
    load.goes_on(40).await;
    let mut servers = Vec::new();
    for (name, server) in [("one", one), ("two", two)] {
        let old = server.url.clone();
        server.signal(Signal::TERM);
        // It says at once that it goes, and serves on.
        let ready = client().get(format!("{old}/health/ready"));
        until("the replica says that it goes", async || {
            let asked = ready.try_clone().expect("no body").send().await;
            asked.is_ok_and(|answer| answer.status() == 503)
        })
        .await;
        let me = server.request("GET", "/organizations/me", &authorization);
        let me = Answer::of(me).await;
        me.success();
        assert_eq!(me.header("connection"), Some("close"));
        let output = server.ended().await;
        assert!(output.status.success(), "{}", written(&output));
        assert!(!written(&output).contains("still running"));
        let new = site.serve(name, &wait).await;
        balancer.replace(&old, &new);
        balancer.until_all_are_ready().await;
        load.goes_on(40).await;
        servers.push(new);
    }
    load.end().await;
    for server in servers {
        server.stop().await;
    }
}

#[database_test]
async fn a_second_signal_does_not_wait(database: TestDatabase) {
    let site = Site::new(database).await;
    let server = site.serve("one", &["--drain-wait", "600"]).await;
    let slow = json!({"kind": "slow", "milliseconds": 15000});
    site.vendors.fault(slow).await;
    let request = server.request("POST", "/instances", &server.authorization());
    let call = tokio::spawn(request.json(&example()).send());
    site.vendors.wait_for_calls(1).await;
    server.signal(Signal::TERM);
    until("the stop has begun", async || {
        server.log().contains("finished first")
    })
    .await;
    server.signal(Signal::TERM);
    let output = server.ended().await;
    assert!(output.status.success(), "{}", written(&output));
    assert!(written(&output).contains("stopping at once"));
    call.abort();
}
