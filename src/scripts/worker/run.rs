//! One run: a fresh engine, the script's variables, the script, and the answers it waits for.

use std::io;
use std::rc::Rc;
use std::time::Instant;

use rquickjs::{
    CatchResultExt, CaughtError, Context, Ctx, Function, Object, Result, Runtime, Value,
};

use super::host::{self, State};
use super::library;
use crate::scripts::frame::{self, Done, End, FromChild, Outcome, Run, ToChild};

/// The engine's own stack; the main thread's is much larger.
const STACK: usize = 512 * 1024;
/// Characters of a message that go to the server, which takes secrets out before it makes it short.
const MESSAGE: usize = 32 * 1024;

/// # Errors
/// Where the server cannot be told what came of it.
pub(super) fn run(script: &Run) -> io::Result<()> {
    let state = State::new(script.bounds);
    let end = match engine(script, &state) {
        Ok(end) => end,
        Err(error) => End::Failed(short(&error.to_string())),
    };
    if state.cut.get() {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    let console = state.console.take();
    let done = Done { end, console };
    frame::write(&mut io::stdout(), &FromChild::Done(done))
}

fn engine(script: &Run, state: &Rc<State>) -> Result<End> {
    let runtime = Runtime::new()?;
    runtime.set_memory_limit(script.bounds.memory);
    runtime.set_max_stack_size(STACK);
    let watch = Rc::clone(state);
    runtime.set_interrupt_handler(Some(Box::new(move || watch.is_over())));
    let watch = Rc::clone(state);
    runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, _, reason, handled| {
        *watch.rejected.borrow_mut() = (!handled).then(|| told(&ctx, &reason));
    })));
    let context = Context::full(&runtime)?;
    Ok(context.with(|ctx| {
        let ran = within(&ctx, script, state).catch(&ctx);
        let message = ran.err().map(|error| message_of(&ctx, error));
        ended(state, message)
    }))
}

fn within<'js>(ctx: &Ctx<'js>, script: &Run, state: &Rc<State>) -> Result<()> {
    let host = host::object(ctx, state)?;
    let prelude: Option<Function<'js>> = library::load(ctx, "prelude")?;
    let prelude = prelude.ok_or(rquickjs::Error::Unknown)?;
    let variables = ctx.json_parse(script.variables.get())?;
    let control: Object<'js> = prelude.call((host, variables))?;
    let start: Function<'js> = control.get("start")?;
    let answer: Function<'js> = control.get("answer")?;
    start.call::<_, ()>((script.source.as_str(), script.legacy))?;
    loop {
        while !state.timed_out.get() && !state.is_settled() && ctx.execute_pending_job() {}
        if state.is_settled() || state.timed_out.get() || state.open.get() == 0 {
            return Ok(());
        }
        let Some((number, outcome)) = next_answer(state) else {
            state.cut.set(true);
            return Ok(());
        };
        state.open.set(state.open.get() - 1);
        let json = serde_json::to_string(&outcome).unwrap_or_default();
        answer.call::<_, ()>((number, ctx.json_parse(json)?))?;
    }
}

fn next_answer(state: &State) -> Option<(u32, Outcome)> {
    frame::write(&mut io::stdout(), &FromChild::Waiting).ok()?;
    let began = Instant::now();
    let read = frame::read(&mut io::stdin());
    state.waited(began.elapsed());
    match read {
        Ok(ToChild::Answer { number, outcome }) => Some((number, outcome)),
        _ => None,
    }
}

/// A script that was stopped has no result, whatever it said before.
fn ended(state: &State, message: Option<String>) -> End {
    if state.timed_out.get() {
        return End::TimedOut;
    }
    if let Some(refused) = state.refused.take() {
        return End::Failed(refused);
    }
    if let Some(result) = state.done.take() {
        return End::Result(result);
    }
    let never = || match state.rejected.take() {
        Some(reason) => format!("'done' was never called: {reason}"),
        None => "'done' was never called".to_owned(),
    };
    End::Failed(short(&message.unwrap_or_else(never)))
}

fn message_of<'js>(ctx: &Ctx<'js>, error: CaughtError<'js>) -> String {
    match error {
        CaughtError::Exception(exception) => told(ctx, exception.as_object().as_value()),
        CaughtError::Value(value) => told(ctx, &value),
        CaughtError::Error(error) => error.to_string(),
    }
}

/// `TypeError: not a function (line 3)`, or what else was thrown.
fn told<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> String {
    let json = || {
        let json = ctx.json_stringify(thrown.clone()).ok().flatten();
        json.and_then(|json| json.to_string().ok())
            .unwrap_or_default()
    };
    if thrown.is_null() {
        return "null was thrown, as the engine does when it is out of memory".to_owned();
    }
    let Some(error) = thrown.as_object() else {
        let text = thrown.as_string().and_then(|text| text.to_string().ok());
        return text.unwrap_or_else(json);
    };
    let part = |name: &str| error.get::<_, Option<String>>(name).ok().flatten();
    let name = part("name").unwrap_or_else(|| "Error".into());
    let Some(message) = part("message") else {
        return json();
    };
    match part("stack").and_then(|stack| line(&stack)) {
        Some(line) => format!("{name}: {message} (line {line})"),
        None => format!("{name}: {message}"),
    }
}

/// The innermost line of the script itself: its frames are the only ones of `<input>`, and it
/// begins there on the second line.
fn line(stack: &str) -> Option<u32> {
    let (_, place) = stack.split_once("<input>:")?;
    let digits = place.split(|sign: char| !sign.is_ascii_digit()).next()?;
    digits.parse::<u32>().ok()?.checked_sub(BEFORE_THE_SCRIPT)
}

/// Lines that the engine writes before a function's body.
const BEFORE_THE_SCRIPT: u32 = 2;

fn short(message: &str) -> String {
    message.chars().take(MESSAGE).collect()
}
