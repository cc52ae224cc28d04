//! Scripts in real child processes.

mod environment;
mod harbour;
mod hooks;
mod hostile;
mod kept;
mod killed;
mod libraries;
mod life;
mod neighbours;
mod real;

use std::path::PathBuf;
use std::time::Duration;

use bunsen::ids::OrganizationId;
use bunsen::scripts::{HttpAnswer, HttpCall, Output, Script, ScriptError, Scripts, Settings};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

const ONE: OrganizationId = OrganizationId(1);
const OTHER: OrganizationId = OrganizationId(2);

fn settings() -> Settings {
    Settings::new(PathBuf::from(env!("CARGO_BIN_EXE_bunsen")))
}

fn scripts() -> Scripts {
    Scripts::new(settings())
}

/// With little time, for scripts that take all there is.
fn impatient() -> Scripts {
    let mut settings = settings();
    settings.limits.computing = Duration::from_secs(1);
    settings.limits.total = Duration::from_secs(20);
    Scripts::new(settings)
}

fn raw(variables: &Value) -> Box<RawValue> {
    to_raw_value(variables).expect("JSON")
}

async fn nobody(_: HttpCall) -> Result<HttpAnswer, String> {
    Err("nobody is called here".into())
}

async fn run(scripts: &Scripts, source: &str, variables: Value) -> Result<Output, ScriptError> {
    run_as(ONE, scripts, source, variables).await
}

async fn run_as(
    organization: OrganizationId,
    scripts: &Scripts,
    source: &str,
    variables: Value,
) -> Result<Output, ScriptError> {
    let script = Script {
        source,
        legacy: false,
    };
    scripts
        .run(organization, script, &raw(&variables), nobody)
        .await
}

/// What `done` was called with.
async fn result(scripts: &Scripts, source: &str, variables: Value) -> Value {
    let output = run(scripts, source, variables).await;
    output
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .result
        .unwrap_or_default()
}

/// An expression's value.
async fn value(scripts: &Scripts, expression: &str) -> Value {
    let source = format!("done({{value: ({expression})}})");
    result(scripts, &source, json!({})).await["value"].take()
}

async fn failure(scripts: &Scripts, source: &str) -> ScriptError {
    match run(scripts, source, json!({})).await {
        Err(error) => error,
        Ok(output) => panic!("{source} has a result: {:?}", output.result),
    }
}
