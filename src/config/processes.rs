//! What the server tells processes that it starts: this binary again, for work of another kind.

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct PostgresGuard {
    /// Process id of the supervisor; the guard ends if it has another parent.
    #[arg(long)]
    pub parent: i32,
    /// User and group to run as; absent: stay.
    #[arg(long, requires = "gid")]
    pub uid: Option<u32>,
    #[arg(long)]
    pub gid: Option<u32>,
    /// Program and arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<std::ffi::OsString>,
}

#[derive(Debug, Clone, Args)]
pub struct ScriptWorker {
    /// Process id of the server; the worker ends if it has another parent.
    #[arg(long)]
    pub parent: i32,
    /// User to become, where the server is root.
    #[arg(long)]
    pub user: u32,
    /// Bytes that a script's values may take.
    #[arg(long)]
    pub memory: u64,
    /// Seconds of computing in its whole life.
    #[arg(long)]
    pub cpu_seconds: u64,
}
