//! A vendor made by hand: raw bytes on a port of its own, so that it can be as wrong as needed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a connection does after each request that it has read.
#[derive(Clone)]
pub enum Step {
    Send(Vec<u8>),
    /// Sends it again and again, with a pause between, until the client has gone.
    Repeat(Vec<u8>, Duration),
    /// Says nothing more until the client has gone.
    Hold,
    Close,
}

pub struct Server {
    pub port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    connections: AtomicUsize,
    /// Connections whose other end has closed while the server held them.
    abandoned: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Server {
    pub async fn start(script: Vec<Step>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(converse(stream, script.clone(), shared.clone()));
            }
        });
        Self { port, state }
    }

    /// Answers every request with this and keeps the connection.
    pub async fn answering(reply: impl Into<Vec<u8>>) -> Self {
        Self::start(vec![Step::Send(reply.into())]).await
    }

    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    pub fn abandoned(&self) -> usize {
        self.state.abandoned.load(Ordering::SeqCst)
    }

    /// Heads and bodies as they came.
    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lock().expect("requests").clone()
    }
}

async fn converse(mut stream: TcpStream, script: Vec<Step>, state: Arc<State>) {
    while let Some(request) = read_request(&mut stream).await {
        state.requests.lock().expect("requests").push(request);
        for step in &script {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(bytes).await.is_err() {
                        return;
                    }
                }
                Step::Repeat(bytes, pause) => {
                    while stream.write_all(bytes).await.is_ok() {
                        tokio::time::sleep(*pause).await;
                    }
                    state.abandoned.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                Step::Hold => {
                    let _ = stream.read(&mut [0]).await;
                    state.abandoned.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                Step::Close => return,
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a length"));
        if body.len() >= length {
            return Some(text);
        }
    }
}
