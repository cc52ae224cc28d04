//! The real binary as a child process: start, watch, stop, kill.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::answer::Answer;
use crate::vendors::{client, until};

/// More than any start or stop takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder for one test. Everybody may pass through it: the private Postgres runs as another user.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        let folder = TempDir::with_prefix("bunsen-test-").expect("a temporary folder");
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).expect("change the folder's mode");
        Folder(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a UTF-8 path").to_owned()
    }
}

/// The binary with these arguments and nothing of ours in its environment.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bunsen"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BUNSEN_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a command that ends by itself.
pub async fn run(arguments: &[&str]) -> Output {
    let ended = tokio::time::timeout(PATIENCE, command(arguments).output()).await;
    ended
        .unwrap_or_else(|_| panic!("bunsen {arguments:?} does not end"))
        .expect("the binary runs")
}

/// What an ended command wrote, for assertions.
pub fn written(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    client: reqwest::Client,
    pub url: String,
    pub data: PathBuf,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

/// What a server has said tells why a test fails.
impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} said:\n{}", self.url, self.log());
        }
    }
}

/// `serve` on a free port with this data folder, once it says that it is ready.
pub async fn serve(data: &Path, more: &[&str]) -> Server {
    serve_in(data, more, &[]).await
}

/// The same with variables in its environment.
pub async fn serve_in(data: &Path, more: &[&str], environment: &[(&str, &str)]) -> Server {
    match try_serve_in(data, more, environment).await {
        Ok(server) => server,
        Err(output) => panic!(
            "the server did not start ({}): {}",
            output.status,
            written(&output)
        ),
    }
}

/// The same; when the process ends before it is ready, what it wrote.
pub async fn try_serve(data: &Path, more: &[&str]) -> Result<Server, Output> {
    try_serve_in(data, more, &[]).await
}

async fn try_serve_in(
    data: &Path,
    more: &[&str],
    environment: &[(&str, &str)],
) -> Result<Server, Output> {
    let folder = data.to_str().expect("a UTF-8 path");
    let arguments = [
        &["serve", "--data-dir", folder, "--listen", "127.0.0.1:0"],
        more,
    ]
    .concat();
    let mut child = command(&arguments)
        .envs(environment.iter().copied())
        .spawn()
        .expect("the binary starts");
    let (stdout, stderr) = (Arc::default(), Arc::default());
    let readers = vec![
        collect(child.stdout.take().expect("a pipe"), &stdout),
        collect(child.stderr.take().expect("a pipe"), &stderr),
    ];
    let mut server = Server {
        child,
        client: client(),
        url: String::new(),
        data: data.to_owned(),
        stdout,
        stderr,
        readers,
    };
    let ready = async {
        loop {
            if let Some(url) = announced(&server.stdout()) {
                return Ok(url);
            }
            if let Some(status) = server.child.try_wait().expect("the child's state") {
                return Err(status);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, ready).await {
        Ok(Ok(url)) => {
            server.url = url;
            Ok(server)
        }
        Ok(Err(status)) => Err(server.output(status).await),
        Err(_) => panic!("the server is not ready in time: {}", server.log()),
    }
}

/// The address in the one line that says that the server is ready.
fn announced(stdout: &str) -> Option<String> {
    let (line, _) = stdout.split_once('\n')?;
    line.strip_prefix("bunsen listening on ").map(str::to_owned)
}

fn collect(
    mut pipe: impl AsyncRead + Unpin + Send + 'static,
    into: &Arc<Mutex<Vec<u8>>>,
) -> JoinHandle<()> {
    let into = Arc::clone(into);
    tokio::spawn(async move {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
            into.lock()
                .expect("a lock")
                .extend_from_slice(&buffer[..length]);
        }
    })
}

impl Server {
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout.lock().expect("a lock")).into_owned()
    }

    /// Everything written to standard error.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().expect("a lock")).into_owned()
    }

    pub fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("a running child");
        let pid = Pid::from_raw(i32::try_from(id).expect("a process id")).expect("a process id");
        kill_process(pid, signal).expect("the signal is sent");
    }

    /// Waits for the end; gives the status and all output.
    pub async fn ended(mut self) -> Output {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended
            .unwrap_or_else(|_| panic!("the server does not end: {}", self.log()))
            .expect("the child's end");
        self.output(status).await
    }

    /// Ends it as an operator does; it must end well.
    pub async fn stop(self) -> Output {
        self.signal(Signal::TERM);
        let output = self.ended().await;
        assert!(
            output.status.success(),
            "the server ended with {}: {}",
            output.status,
            written(&output)
        );
        output
    }

    /// kill -9. What it wrote is of no interest any more, and processes of a private database may still hold the pipes.
    pub async fn kill(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().await.expect("the child's end");
        for reader in &self.readers {
            reader.abort();
        }
    }

    async fn output(mut self, status: ExitStatus) -> Output {
        // A private database's processes may hold the pipes a moment longer than the server itself.
        for reader in std::mem::take(&mut self.readers) {
            let _ = tokio::time::timeout(Duration::from_secs(2), reader).await;
        }
        let taken = |buffer: &Arc<Mutex<Vec<u8>>>| buffer.lock().expect("a lock").clone();
        Output {
            status,
            stdout: taken(&self.stdout),
            stderr: taken(&self.stderr),
        }
    }

    /// `DATA/credentials.json`.
    pub fn credentials(&self) -> Value {
        let text =
            std::fs::read_to_string(self.data.join("credentials.json")).expect("credentials.json");
        serde_json::from_str(&text).expect("credentials.json is JSON")
    }

    /// The first user's authorization.
    pub fn authorization(&self) -> String {
        self.credentials()["authorization"]
            .as_str()
            .expect("authorization")
            .to_owned()
    }

    /// A request below the API's base path.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        authorization: &str,
    ) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client
            .request(method, format!("{}/elements/api-v2{path}", self.url))
            .header("authorization", authorization)
    }

    pub async fn create(&self, authorization: &str, body: &Value) -> Value {
        Answer::of(self.request("POST", "/instances", authorization).json(body))
            .await
            .success()
    }

    /// Waits until nothing listens on the server's address any more.
    pub async fn wait_until_closed(&self) {
        let address = self.url.trim_start_matches("http://").to_owned();
        until("the server stops listening", async || {
            tokio::net::TcpStream::connect(&address).await.is_err()
        })
        .await;
    }
}

/// A new keyring in the folder, made by the binary.
pub async fn new_keyring(file: &str) {
    let output = run(&["keys", "init", "--keyring", file]).await;
    assert!(output.status.success(), "{}", written(&output));
}

/// The permission bits of a file.
pub fn mode(file: &Path) -> u32 {
    std::fs::metadata(file)
        .expect("the file exists")
        .permissions()
        .mode()
        & 0o7777
}
