//! Our own scripts: evaluated when somebody asks for them, and read from text once in a child's life.

use std::cell::RefCell;
use std::collections::HashMap;

use rquickjs::loader::Loader;
use rquickjs::loader::bundle::{Bundle, ScaBundleData};
use rquickjs::{Context, Ctx, FromJs, Module, Result, Runtime};

type Code = ScaBundleData<&'static [u8]>;

thread_local! {
    /// Compiled before any script of a tenant is near, in an engine that sees nothing else; as many as
    /// there are files.
    static COMPILED: RefCell<HashMap<&'static str, Code>> = RefCell::default();
}

/// What the file of that name is: a function. `None`: there is no such file.
pub(super) fn load<'js, V: FromJs<'js>>(ctx: &Ctx<'js>, name: &str) -> Result<Option<V>> {
    let Some((name, source)) = source(name) else {
        return Ok(None);
    };
    let known = COMPILED.with_borrow(|compiled| compiled.get(name).copied());
    let code = match known {
        Some(code) => code,
        None => {
            let code = compile(name, source)?;
            COMPILED.with_borrow_mut(|compiled| compiled.insert(name, code));
            code
        }
    };
    let module = Bundle(code).load(ctx, name, None)?;
    let (module, evaluated) = module.eval()?;
    evaluated.finish::<()>()?;
    module.get("default").map(Some)
}

fn compile(name: &'static str, source: &str) -> Result<Code> {
    let context = Context::full(&Runtime::new()?)?;
    let code = context.with(|ctx| {
        let module = Module::declare(ctx, name, format!("export default {source}"))?;
        module.write(rquickjs::WriteOptions::default())
    })?;
    Ok(vec![(name, &*code.leak())].leak())
}

/// The text of a file below `library/`, with its name.
fn source(name: &str) -> Option<(&'static str, &'static str)> {
    FILES.iter().copied().find(|(file, _)| *file == name)
}

const FILES: [(&str, &str); 26] = [
    ("buffer", include_str!("../library/buffer.js")),
    ("ce", include_str!("../library/ce.js")),
    ("http", include_str!("../library/http.js")),
    ("lodash", include_str!("../library/lodash.js")),
    ("lodash/array", include_str!("../library/lodash/array.js")),
    ("lodash/base", include_str!("../library/lodash/base.js")),
    (
        "lodash/collection",
        include_str!("../library/lodash/collection.js"),
    ),
    ("lodash/fp", include_str!("../library/lodash_fp.js")),
    (
        "lodash/function",
        include_str!("../library/lodash/function.js"),
    ),
    ("lodash/lang", include_str!("../library/lodash/lang.js")),
    ("lodash/object", include_str!("../library/lodash/object.js")),
    ("lodash/seq", include_str!("../library/lodash/seq.js")),
    ("lodash/string", include_str!("../library/lodash/string.js")),
    ("lodash/util", include_str!("../library/lodash/util.js")),
    ("moment", include_str!("../library/moment.js")),
    (
        "moment/compare",
        include_str!("../library/moment/compare.js"),
    ),
    ("moment/core", include_str!("../library/moment/core.js")),
    (
        "moment/duration",
        include_str!("../library/moment/duration.js"),
    ),
    ("moment/format", include_str!("../library/moment/format.js")),
    ("moment/locale", include_str!("../library/moment/locale.js")),
    (
        "moment/locales",
        include_str!("../library/moment/locales.js"),
    ),
    ("moment/parse", include_str!("../library/moment/parse.js")),
    ("moment/units", include_str!("../library/moment/units.js")),
    ("moment/zone", include_str!("../library/moment/zone.js")),
    ("prelude", include_str!("../library/prelude.js")),
    ("util", include_str!("../library/util.js")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_function_however_often_it_is_asked_for() {
        for _ in 0..2 {
            let context = Context::full(&Runtime::new().unwrap()).unwrap();
            context.with(|ctx| {
                for (name, _) in FILES {
                    let made: Option<rquickjs::Function<'_>> = load(&ctx, name).unwrap();
                    assert!(made.is_some(), "{name}");
                }
                let none: Option<rquickjs::Function<'_>> = load(&ctx, "lodash/none").unwrap();
                assert!(none.is_none());
            });
        }
        assert_eq!(COMPILED.with_borrow(HashMap::len), FILES.len());
    }
}
