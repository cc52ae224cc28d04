//! Starts and stops the programs that are measured.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use http::HeaderValue;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::Error;
use crate::load::Connection;
use crate::pgbench::Database;

/// Longer than any start on any machine; then something is wrong, not slow.
const START_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// The built programs.
#[derive(Debug)]
pub struct Programs {
    server: PathBuf,
    sandbox: PathBuf,
}

impl Programs {
    pub fn find(folder: Option<PathBuf>) -> Result<Self, Error> {
        let own = std::env::current_exe()?;
        let folder = folder.as_deref().or_else(|| own.parent());
        let program = |name: &str| -> Result<PathBuf, Error> {
            let path = folder.unwrap_or(Path::new(".")).join(name);
            if path.exists() {
                return Ok(path);
            }
            let path = path.display();
            Err(format!("{path} is not there; build it, or name its folder by --programs").into())
        };
        Ok(Self {
            server: program("bunsen")?,
            sandbox: program("bunsen-sandbox")?,
        })
    }

    /// Runs `bunsen keys rotate` beside the server that keeps this data folder, and gives what it
    /// says.
    pub async fn rotate(&self, kind: &str, data_dir: &Path) -> Result<String, Error> {
        let mut command = command(&self.server);
        command
            .args(["keys", "rotate", kind, "--data-dir"])
            .arg(data_dir);
        let done = command.output().await?;
        let said = String::from_utf8_lossy(&done.stdout).trim().to_owned();
        if !done.status.success() {
            let error = String::from_utf8_lossy(&done.stderr);
            return Err(format!("bunsen keys rotate {kind}: {said} {error}").into());
        }
        Ok(said)
    }

    /// Runs `bunsen import` beside the server that keeps this data folder.
    pub async fn import(
        &self,
        data_dir: &Path,
        elements: &Path,
        document: String,
    ) -> Result<(), Error> {
        let mut command = command(&self.server);
        command.arg("import").arg("--data-dir").arg(data_dir);
        command.arg("--elements").arg(elements).arg("-");
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().ok_or("no standard input")?;
        input.write_all(document.as_bytes()).await?;
        drop(input);
        let done = child.wait_with_output().await?;
        if !done.status.success() {
            let error = String::from_utf8_lossy(&done.stderr);
            return Err(format!("bunsen import: {error}").into());
        }
        Ok(())
    }
}

/// A temporary folder in which servers keep their data folders.
///
/// Searchable by everyone, because as root the private Postgres runs as another user; what is
/// secret in it the server protects by itself.
pub fn temporary_folder() -> io::Result<TempDir> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .prefix("bunsen-bench-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()
}

/// The simulated vendors.
#[derive(Debug)]
pub struct Sandbox {
    running: Running,
}

impl Sandbox {
    pub async fn start(programs: &Programs) -> Result<Self, Error> {
        let mut command = command(&programs.sandbox);
        command
            .args(["--listen", "127.0.0.1:0", "--no-journal"])
            .stderr(Stdio::null());
        let running = Running::start(command, "bunsen-sandbox listening on http://").await?;
        Ok(Self { running })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    pub fn process_id(&self) -> u32 {
        self.running.process_id
    }

    /// A control call of its.
    pub async fn control(&self, method: &str, path: &str, body: &Value) -> Result<Value, Error> {
        let address = self.running.address;
        let body = body.to_string();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let mut connection = Connection::open(address).await?;
        let (status, answer) = connection.answer(request.as_bytes()).await?;
        if !(200..300).contains(&status) {
            return Err(format!("{method} {path}: {status}").into());
        }
        Ok(serde_json::from_slice(&answer.body)?)
    }
}

#[derive(Debug)]
pub struct Server {
    running: Running,
    /// From its start until it said that it listens.
    pub start: Duration,
}

impl Server {
    /// Starts on a data folder, with settings as in the environment (`BUNSEN_…` and value).
    pub async fn start(
        programs: &Programs,
        sandbox: &Sandbox,
        data_dir: &Path,
        settings: &[(&str, String)],
    ) -> Result<Self, Error> {
        let log = data_dir.with_extension("log");
        let mut command = command(&programs.server);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--sandbox"])
            .arg(sandbox.url())
            .arg("--data-dir")
            .arg(data_dir)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stderr(File::create(&log)?);
        let begun = Instant::now();
        let running = Running::start(command, "bunsen listening on http://").await;
        let running = running.map_err(|error| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            format!("{error}; its log:\n{said}")
        })?;
        Ok(Self {
            start: begun.elapsed(),
            running,
        })
    }

    pub fn process_id(&self) -> u32 {
        self.running.process_id
    }

    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    pub async fn stop(&mut self) -> Result<(), Error> {
        let id = self.running.process_id.try_into()?;
        let id = Pid::from_raw(id).ok_or("process 0 is nobody's child")?;
        kill_process(id, Signal::TERM)?;
        let status = timeout(STOP_LIMIT, self.running.child.wait())
            .await
            .map_err(|_| "the server does not stop after SIGTERM")??;
        if !status.success() {
            return Err(format!("the server stopped with {status}").into());
        }
        Ok(())
    }
}

/// What the first user of the server with this data folder sends.
pub fn authorization(data_dir: &Path) -> Result<HeaderValue, Error> {
    // Written for `curl -H @FILE`: the whole header line.
    let line = fs::read_to_string(data_dir.join("authorization.header"))?;
    let value = line.trim().split_once(':').map_or("", |(_, value)| value);
    let mut authorization = HeaderValue::from_str(value.trim())?;
    authorization.set_sensitive(true);
    Ok(authorization)
}

/// Settings of a further server on the private Postgres, and with the keys, of a running one.
pub fn replica_settings(data_dir: &Path) -> Result<Vec<(&'static str, String)>, Error> {
    let keyring = data_dir.join("keyring.json");
    Ok(vec![
        ("BUNSEN_DATABASE_URL", Database::private(data_dir)?.url()),
        ("BUNSEN_KEYRING_FILE", keyring.display().to_string()),
    ])
}

/// A program that has said where it listens.
#[derive(Debug)]
struct Running {
    child: Child,
    process_id: u32,
    address: SocketAddr,
    /// Kept open: a program must not fail because nobody listens to it any more.
    _output: BufReader<ChildStdout>,
}

impl Running {
    async fn start(mut command: Command, announcement: &str) -> Result<Self, Error> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let process_id = child.id().ok_or("ended at once")?;
        let output = child.stdout.take().ok_or("has no standard output")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        timeout(START_LIMIT, output.read_line(&mut line))
            .await
            .map_err(|_| format!("no line {announcement:?} after {START_LIMIT:?}"))??;
        let address = line
            .trim()
            .strip_prefix(announcement)
            .ok_or_else(|| format!("said {line:?} where {announcement:?} was expected"))?
            .parse()?;
        Ok(Self {
            child,
            process_id,
            address,
            _output: output,
        })
    }
}

/// Without the caller's own settings of a server: they would decide what is measured.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let kept = "BUNSEN_POSTGRES_BIN";
        if name.to_string_lossy().starts_with("BUNSEN_") && name != kept {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}
