//! Scripts of definitions: run apart from the server, limited, and each organization for itself.
//!
//! A script runs in a fresh JavaScript engine inside a child process (this binary, started again)
//! that has no environment, no descriptors, no files, no sockets and no user. A child belongs to
//! one organization; when another needs its place it is ended, not handed on. What a script wants
//! from outside is a frame that the server answers by its one HTTP client. Children are started
//! when they are needed and end when they are not.
//!
//! Two clocks watch a run: computing, and everything. The engine stops itself after the first; its
//! own long loops do not ask, so the server ends the child a little later. After a tenth of a second
//! of computing a child only gets what processors others leave.

mod child;
mod converse;
mod frame;
mod pool;
pub mod worker;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::ids::OrganizationId;
use converse::Fitness;
pub use frame::{HttpAnswer, HttpCall};
use pool::Pool;

/// Where scripts run. Cheap to clone; all clones share their children.
#[derive(Debug, Clone)]
pub struct Scripts(Arc<Pool>);

#[derive(Debug, Clone)]
pub struct Settings {
    /// The bunsen binary, which is also the child. In a test it is not `current_exe()`.
    pub program: PathBuf,
    /// Children in all, and so scripts that run at once.
    pub children: usize,
    /// Of one organization.
    pub per_organization: usize,
    /// A child that has done nothing for so long ends.
    pub idle: Duration,
    /// How long a script waits for its turn.
    pub queue: Duration,
    pub limits: Limits,
}

/// What one run may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time in which the script itself works.
    pub computing: Duration,
    /// With all that it waits for.
    pub total: Duration,
    /// Bytes of its values.
    pub memory: usize,
    /// Bytes of its variables, of its result, and of each of its calls.
    pub output: usize,
    /// Calls, timers included.
    pub calls: u32,
}

impl Settings {
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            children: 16,
            per_organization: 4,
            idle: Duration::from_secs(30),
            queue: Duration::from_secs(10),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            computing: Duration::from_secs(5),
            total: Duration::from_secs(30),
            memory: 64 * 1024 * 1024,
            output: 8 * 1024 * 1024,
            calls: 50,
        }
    }
}

/// A script as a definition holds it.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    pub source: &'a str,
    /// A function's body that returns its result; others call `done`.
    pub legacy: bool,
}

/// What came of a run.
pub struct Output {
    /// `None`: nothing is to change.
    pub result: Option<Json>,
    /// What the script printed. Never for a log: it may be anything.
    pub console: Vec<String>,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

/// Why there is no output. The texts are for whoever wrote the script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The script's own fault, in the engine's words.
    #[error("{0}")]
    Failed(String),
    #[error("it computed for longer than {} seconds", .0.as_secs_f32())]
    Computing(Duration),
    #[error("it was not done after {} seconds", .0.as_secs_f32())]
    Total(Duration),
    /// The engine itself gave up, or what it runs in.
    #[error("it ended the process it ran in; it may have needed more memory than a script has")]
    Ended,
    #[error("its variables are larger than {0} bytes")]
    TooLarge(usize),
    /// Nothing is known of the script.
    #[error("this server is busy with other scripts; try again")]
    Busy,
    #[error("{0} other scripts of this organization are running; try again")]
    OverShare(usize),
    #[error("{0} other scripts of this organization are waiting; try again")]
    LongQueue(usize),
    #[error("cannot run scripts: {0}")]
    Unable(String),
}

impl Scripts {
    /// Starts nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self(Pool::new(settings))
    }

    /// Runs a script once. `variables` is a JSON object; `call` makes the calls that the script
    /// asks for, and says in words why one cannot be made.
    ///
    /// Dropping the future ends the child.
    ///
    /// # Errors
    /// [`ScriptError`]; only `Busy`, `OverShare`, `LongQueue` and `Unable` say nothing of the script.
    pub async fn run<C, F>(
        &self,
        organization: OrganizationId,
        script: Script<'_>,
        variables: &RawValue,
        call: C,
    ) -> Result<Output, ScriptError>
    where
        C: Fn(HttpCall) -> F,
        F: Future<Output = Result<HttpAnswer, String>>,
    {
        let limits = self.0.settings().limits;
        if variables.get().len() > limits.output {
            return Err(ScriptError::TooLarge(limits.output));
        }
        let mut place = self.0.place(organization).await?;
        let Some(child) = place.child() else {
            return Err(ScriptError::Busy);
        };
        let run = converse::converse(child, &limits, script, variables, call);
        let (outcome, fitness) = match tokio::time::timeout(limits.total, run).await {
            Ok(ran) => ran,
            Err(_) => (Err(ScriptError::Total(limits.total)), Fitness::Spent),
        };
        place.give_back(fitness);
        outcome
    }

    /// What one run takes at most, with the wait for a place and for a child.
    pub fn longest_run(&self) -> Duration {
        let Settings { queue, limits, .. } = self.0.settings();
        *queue * 2 + limits.total
    }

    /// Children that are alive, busy or not.
    pub fn children(&self) -> usize {
        self.0.children()
    }

    /// Ends every child that has nothing to do; for an orderly end.
    pub fn end_idle(&self) {
        self.0.end_idle(Duration::ZERO);
    }
}
