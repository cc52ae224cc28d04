//! The same work done by pgbench on the same Postgres: what the database alone allows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::Error;

/// Where `psql` and `pgbench` are.
#[derive(Debug)]
pub struct Programs(Option<PathBuf>);

/// A Postgres that listens on a unix socket.
#[derive(Debug, Clone)]
pub struct Database {
    socket_folder: String,
    port: String,
    password: String,
}

impl Database {
    /// The private Postgres of a running server, from its data folder.
    pub fn private(data_dir: &Path) -> Result<Self, Error> {
        let pid_file = fs::read_to_string(data_dir.join("pg/postmaster.pid"))?;
        let line = |number: usize| -> Result<String, Error> {
            let found = pid_file.lines().nth(number - 1).map(str::trim);
            found
                .map(str::to_owned)
                .ok_or_else(|| "postmaster.pid is too short".into())
        };
        Ok(Self {
            port: line(4)?,
            socket_folder: line(5)?,
            password: fs::read_to_string(data_dir.join("pg.password"))?
                .trim()
                .to_owned(),
        })
    }

    /// As the server takes it in its environment.
    pub fn url(&self) -> String {
        format!(
            "postgres://bunsen:{}@localhost/bunsen?host={}&port={}",
            self.password, self.socket_folder, self.port
        )
    }
}

/// What pgbench says of a run.
#[derive(Debug)]
pub struct Rate {
    pub per_second: f64,
    pub count: f64,
    /// Milliseconds.
    pub mean_latency: f64,
}

impl Programs {
    pub fn find(configured: Option<PathBuf>) -> Result<Self, Error> {
        if configured.is_some() {
            return Ok(Self(configured));
        }
        // Debian's versioned folders are not on the path.
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let version = entry.file_name().to_str()?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .filter(|(_, folder)| folder.join("pgbench").exists())
            .collect();
        versions.sort();
        Ok(Self(versions.pop().map(|(_, folder)| folder)))
    }

    fn command(&self, program: &str, database: &Database) -> Command {
        let path = match &self.0 {
            Some(folder) => folder.join(program),
            None => program.into(),
        };
        let mut command = Command::new(path);
        command
            .env("PGPASSWORD", &database.password)
            .env("PGHOST", &database.socket_folder)
            .env("PGPORT", &database.port)
            .env("PGUSER", "bunsen")
            .env("PGDATABASE", "bunsen")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// What a statement or a script of statements answers, unaligned.
    pub async fn ask(&self, database: &Database, statements: &str) -> Result<String, Error> {
        let mut command = self.command("psql", database);
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            statements,
        ]);
        output(command, "psql").await
    }

    /// Gives a statement its input.
    pub async fn feed(
        &self,
        database: &Database,
        statement: &str,
        input: String,
    ) -> Result<(), Error> {
        let file = NamedTempFile::new()?;
        fs::write(file.path(), input)?;
        let mut command = self.command("psql", database);
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        command.stdin(fs::File::open(file.path())?);
        output(command, "psql").await.map(drop)
    }

    /// Runs a script with so many clients for so many seconds.
    pub async fn run(
        &self,
        database: &Database,
        script: &str,
        variables: &[(&str, i64)],
        clients: usize,
        seconds: u64,
    ) -> Result<Rate, Error> {
        let file = NamedTempFile::new()?;
        fs::write(file.path(), script)?;
        let mut command = self.command("pgbench", database);
        command.args(["-n", "-M", "prepared", "-T", &seconds.to_string()]);
        command.args([
            "-c",
            &clients.to_string(),
            "-j",
            &clients.min(2).to_string(),
        ]);
        for (name, value) in variables {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        command.arg("-f").arg(file.path());
        let text = output(command, "pgbench").await?;
        let number = |label: &str| -> Result<f64, Error> {
            text.lines()
                .find_map(|line| line.strip_prefix(label)?.split_ascii_whitespace().next())
                .and_then(|word| word.split('/').next()?.parse().ok())
                .ok_or_else(|| format!("pgbench does not say {label:?}").into())
        };
        Ok(Rate {
            per_second: number("tps = ")?,
            count: number("number of transactions actually processed: ")?,
            mean_latency: number("latency average = ")?,
        })
    }
}

async fn output(mut command: Command, name: &str) -> Result<String, Error> {
    let done = command
        .output()
        .await
        .map_err(|error| format!("cannot start {name}: {error}; is it installed?"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(format!("{name} failed: {said}").into());
    }
    Ok(String::from_utf8(done.stdout)?)
}
