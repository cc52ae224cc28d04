//! Our own scripts: evaluated when somebody asks for them.

/// The text of the file of that name below `library/`.
pub(super) fn source(name: &str) -> Option<&'static str> {
    Some(match name {
        "buffer" => include_str!("../library/buffer.js"),
        "ce" => include_str!("../library/ce.js"),
        "http" => include_str!("../library/http.js"),
        "util" => include_str!("../library/util.js"),
        "lodash" => include_str!("../library/lodash.js"),
        "lodash/array" => include_str!("../library/lodash/array.js"),
        "lodash/base" => include_str!("../library/lodash/base.js"),
        "lodash/collection" => include_str!("../library/lodash/collection.js"),
        "lodash/function" => include_str!("../library/lodash/function.js"),
        "lodash/lang" => include_str!("../library/lodash/lang.js"),
        "lodash/object" => include_str!("../library/lodash/object.js"),
        "lodash/seq" => include_str!("../library/lodash/seq.js"),
        "lodash/string" => include_str!("../library/lodash/string.js"),
        "lodash/util" => include_str!("../library/lodash/util.js"),
        "lodash/fp" => include_str!("../library/lodash_fp.js"),
        "moment" => include_str!("../library/moment.js"),
        "moment/compare" => include_str!("../library/moment/compare.js"),
        "moment/core" => include_str!("../library/moment/core.js"),
        "moment/duration" => include_str!("../library/moment/duration.js"),
        "moment/format" => include_str!("../library/moment/format.js"),
        "moment/locale" => include_str!("../library/moment/locale.js"),
        "moment/locales" => include_str!("../library/moment/locales.js"),
        "moment/parse" => include_str!("../library/moment/parse.js"),
        "moment/units" => include_str!("../library/moment/units.js"),
        "moment/zone" => include_str!("../library/moment/zone.js"),
        _ => return None,
    })
}
