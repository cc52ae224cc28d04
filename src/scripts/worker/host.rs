//! What the engine's own scripts (`library/`) may ask of the program. Scripts of tenants never see
//! this object: `prelude.js` keeps it to itself.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rquickjs::prelude::{Opt, Rest};
use rquickjs::{Ctx, Exception, Function, Object, Result, Value};
use serde_json::value::RawValue;

use super::zones::Zones;
use super::{digest, library};
use crate::scripts::converse::PATIENCE;
use crate::scripts::frame::{self, Bounds, Call, FromChild};

const CONSOLE_LINES: usize = 100;
const CONSOLE_LINE: usize = 1024;

/// One run, as the program sees it.
pub(super) struct State {
    bounds: Bounds,
    started: Instant,
    waited: Cell<Duration>,
    put_last: Cell<bool>,
    pub timed_out: Cell<bool>,
    /// The first `done` counts: JSON, or `None` where nothing is to change.
    pub done: RefCell<Option<Option<Box<RawValue>>>>,
    /// Why the result could not be taken.
    pub refused: RefCell<Option<String>>,
    /// Of a promise that nobody looked after.
    pub rejected: RefCell<Option<String>>,
    pub console: RefCell<Vec<String>>,
    calls: Cell<u32>,
    /// Calls without an answer.
    pub open: Cell<u32>,
    /// The server cannot be told any more.
    pub cut: Cell<bool>,
}

impl State {
    pub fn new(bounds: Bounds) -> Rc<Self> {
        Rc::new(Self {
            bounds,
            started: Instant::now(),
            waited: Cell::default(),
            put_last: Cell::default(),
            timed_out: Cell::default(),
            done: RefCell::default(),
            refused: RefCell::default(),
            rejected: RefCell::default(),
            console: RefCell::default(),
            calls: Cell::default(),
            open: Cell::default(),
            cut: Cell::default(),
        })
    }

    /// For the engine: whether to stop. What a script waits for is not its own time.
    pub fn is_over(&self) -> bool {
        let computing = self.started.elapsed().saturating_sub(self.waited.get());
        if computing > PATIENCE && !self.put_last.replace(true) {
            // The server does the same, but a root of few rights may not reach another user's child.
            let _ = rustix::process::nice(19);
        }
        let over = computing > Duration::from_millis(self.bounds.computing_ms);
        if over {
            self.timed_out.set(true);
        }
        over
    }

    pub fn waited(&self, time: Duration) {
        self.waited.set(self.waited.get() + time);
    }

    pub fn is_settled(&self) -> bool {
        self.done.borrow().is_some() || self.refused.borrow().is_some()
    }

    fn settle<'js>(&self, ctx: &Ctx<'js>, result: Option<Value<'js>>) -> Result<()> {
        if self.is_settled() {
            return Ok(());
        }
        let given = result.filter(|value| !value.is_undefined() && !value.is_null());
        let json = match given {
            Some(value) => ctx.json_stringify(value)?,
            None => None,
        };
        let json = json.map(|json| json.to_string()).transpose()?;
        let most = self.bounds.output;
        if json.as_ref().is_some_and(|json| json.len() > most) {
            let refused = format!("the result is larger than {most} bytes");
            *self.refused.borrow_mut() = Some(refused);
            return Ok(());
        }
        // A lone surrogate is no text; nothing else can be wrong with what the engine writes.
        match json.map(RawValue::from_string).transpose() {
            Ok(json) => *self.done.borrow_mut() = Some(json),
            Err(_) => *self.refused.borrow_mut() = Some("the result is no JSON".into()),
        }
        Ok(())
    }

    fn print(&self, line: &str) {
        let mut console = self.console.borrow_mut();
        if console.len() < CONSOLE_LINES {
            console.push(line.chars().take(CONSOLE_LINE).collect());
        }
    }

    fn call(&self, ctx: &Ctx<'_>, json: &str) -> Result<u32> {
        let refuse = |message: String| Err(Exception::throw_message(ctx, &message));
        let (number, most) = (self.calls.get(), self.bounds.calls);
        if number >= most {
            return refuse(format!("a script may make {most} calls, timers included"));
        }
        if json.len() > self.bounds.output {
            return refuse(format!("a request may have {} bytes", self.bounds.output));
        }
        let call: Call = match serde_json::from_str(json) {
            Ok(call) => call,
            Err(error) => return refuse(format!("no such call: {error}")),
        };
        if frame::write(&mut io::stdout(), &FromChild::Call { number, call }).is_err() {
            self.cut.set(true);
            return refuse("the server is gone".into());
        }
        self.calls.set(number + 1);
        self.open.set(self.open.get() + 1);
        Ok(number)
    }
}

/// Text, with what is none of it (half of a pair of surrogates) replaced.
fn lossy(text: rquickjs::String<'_>) -> String {
    text.to_string().unwrap_or_default()
}

/// The object by which `library/` reaches the program.
pub(super) fn object<'js>(ctx: &Ctx<'js>, state: &Rc<State>) -> Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    let own = Rc::clone(state);
    let done = move |ctx: Ctx<'js>, result: Opt<Value<'js>>| own.settle(&ctx, result.0);
    host.set("done", Function::new(ctx.clone(), done)?)?;
    let own = Rc::clone(state);
    let print = move |line: rquickjs::String<'js>| own.print(&lossy(line));
    host.set("print", Function::new(ctx.clone(), print)?)?;
    let own = Rc::clone(state);
    let call = move |ctx: Ctx<'js>, json: String| own.call(&ctx, &json);
    host.set("call", Function::new(ctx.clone(), call)?)?;
    let load = |ctx: Ctx<'js>, name: String| -> Result<Value<'js>> {
        let made = library::load(&ctx, &name)?;
        Ok(made.unwrap_or_else(|| Value::new_undefined(ctx)))
    };
    host.set("load", Function::new(ctx.clone(), load)?)?;
    let digest = |parts: Rest<String>| match parts.0.as_slice() {
        [algorithm, encoding, text] => digest::digest(algorithm, encoding, text),
        [algorithm, encoding, secret, text] => digest::hmac(algorithm, encoding, secret, text),
        _ => None,
    };
    host.set("digest", Function::new(ctx.clone(), digest)?)?;
    let random = |most: u32| rand::random_range(0..most.max(1));
    host.set("random", Function::new(ctx.clone(), random)?)?;
    zones(ctx, &host)?;
    Ok(host)
}

/// The clocks of the world: what `moment.tz` asks.
fn zones<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    let known = Rc::new(Zones::default());
    let zone = move |ctx: Ctx<'js>, name: String, time: f64, local: bool| -> Result<Value<'js>> {
        let Some(found) = known.at(&name, time, local) else {
            return Ok(Value::new_null(ctx));
        };
        let pair = rquickjs::Array::new(ctx)?;
        pair.set(0, found.seconds)?;
        pair.set(1, found.abbreviation)?;
        Ok(pair.into_value())
    };
    host.set("zone", Function::new(ctx.clone(), zone)?)?;
    let name = |ctx: Ctx<'js>, name: String| -> Result<Value<'js>> {
        match super::zones::name(&name) {
            Some(name) => Ok(rquickjs::String::from_str(ctx, name)?.into_value()),
            None => Ok(Value::new_null(ctx)),
        }
    };
    host.set("zoneName", Function::new(ctx.clone(), name)?)?;
    host.set(
        "zoneNames",
        Function::new(ctx.clone(), super::zones::names)?,
    )
}
