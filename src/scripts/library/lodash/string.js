// String.
(function (_, kit) {
  "use strict";
  const { isNil, isObject, isIterateeCall, toText, asText, toInteger, keys, own } = kit;
  const RegExpConstructor = RegExp;

  // ---------------------------------------------------------------- characters and words
  const MARK = "[\\u0300-\\u036f\\ufe20-\\ufe2f\\u20d0-\\u20ff]";
  const MODIFIED = "\\ufe0f?(?:" + MARK + "|[\\u{1F3FB}-\\u{1F3FF}])?\\ufe0f?";
  const FLAG = "[\\u{1F1E6}-\\u{1F1FF}]{2}";
  const CHARACTER = new RegExpConstructor("(?:" + FLAG + "|[\\s\\S])" + MODIFIED
    + "(?:\\u200d(?:" + FLAG + "|[\\s\\S])" + MODIFIED + ")*", "gu");
  const isWide = (text) => /[\u200d\ud800-\udfff\u0300-\u036f\ufe20-\ufe2f\u20d0-\u20ff\ufe0e\ufe0f]/.test(text);
  kit.characters = (value) => {
    const text = String(value);
    return isWide(text) ? text.match(CHARACTER) || [] : text.split("");
  };
  const { characters } = kit;

  const UPPER = "A-Z\\xc0-\\xd6\\xd8-\\xde";
  const LOWER = "a-z\\xdf-\\xf6\\xf8-\\xff";
  const BREAK = "\\xac\\xb1\\xd7\\xf7\\x00-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\xbf\\u2000-\\u206f \\t\\x0b\\f\\xa0\\ufeff\\n\\r"
    + "\\u2028\\u2029\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000";
  const OTHER = "[^\\ud800-\\udfff" + BREAK + "\\d\\u2700-\\u27bf" + LOWER + UPPER + "]";
  const ANY_LOWER = "(?:[" + LOWER + "]|" + OTHER + ")";
  const ANY_UPPER = "(?:[" + UPPER + "]|" + OTHER + ")";
  const PICTURE = "(?:[\\u2700-\\u27bf]|(?:\\ud83c[\\udde6-\\uddff]){2}|[\\ud800-\\udbff][\\udc00-\\udfff])"
    + "\\ufe0f?(?:" + MARK + "|\\ud83c[\\udffb-\\udfff])?(?:\\u200d(?:[^\\ud800-\\udfff]|[\\ud800-\\udbff][\\udc00-\\udfff])"
    + "\\ufe0f?(?:" + MARK + "|\\ud83c[\\udffb-\\udfff])?)*";
  const shortened = (words) => "(?:['\u2019](?:" + words + "))?";
  const LATER = shortened("d|ll|m|re|s|t|ve");
  const LATER_UPPER = shortened("D|LL|M|RE|S|T|VE");
  const WORD = new RegExpConstructor([
    "[" + UPPER + "]?[" + LOWER + "]+" + LATER + "(?=[" + BREAK + "]|[" + UPPER + "]|$)",
    ANY_UPPER + "+" + LATER_UPPER + "(?=[" + BREAK + "]|[" + UPPER + "]" + ANY_LOWER + "|$)",
    "[" + UPPER + "]?" + ANY_LOWER + "+" + LATER,
    "[" + UPPER + "]+" + LATER_UPPER,
    "\\d*(?:1ST|2ND|3RD|(?![123])\\dTH)(?=\\b|[a-z_])",
    "\\d*(?:1st|2nd|3rd|(?![123])\\dth)(?=\\b|[A-Z_])",
    "\\d+",
    PICTURE,
  ].join("|"), "g");
  const words = (value, pattern, guard) => {
    const text = toText(value);
    if (!guard && pattern !== undefined) return text.match(pattern) || [];
    return text.match(/[a-z][A-Z]|[A-Z]{2}[a-z]|[0-9][a-zA-Z]|[a-zA-Z][0-9]|[^a-zA-Z0-9 ]/.test(text)
      ? WORD : /[^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+/g) || [];
  };
  const SPELLED = { "\xc6": "Ae", "\xe6": "ae", "\xd8": "O", "\xf8": "o", "\xd0": "D", "\xf0": "d", "\xde": "Th", "\xfe": "th",
    "\xdf": "ss", "\u0110": "D", "\u0111": "d", "\u0126": "H", "\u0127": "h", "\u0131": "i", "\u0132": "IJ", "\u0133": "ij",
    "\u0138": "k", "\u013f": "L", "\u0140": "l", "\u0141": "L", "\u0142": "l", "\u0149": "'n", "\u014a": "N", "\u014b": "n",
    "\u0152": "Oe", "\u0153": "oe", "\u0166": "T", "\u0167": "t", "\u017f": "s" };
  const deburr = (value) => toText(value)
    .replace(/[\xc0-\xd6\xd8-\xf6\xf8-\xff\u0100-\u017f]/g, (sign) => SPELLED[sign] || sign.normalize("NFD")[0])
    .replace(/[\u0300-\u036f\ufe20-\ufe2f\u20d0-\u20ff]/g, "");
  const compound = (join) => (value) => words(deburr(value).replace(/['\u2019]/g, "")).reduce(join, "");
  const firstChanged = (change) => (value) => {
    const text = toText(value);
    const first = isWide(text) ? characters(text)[0] || "" : text.charAt(0);
    return first[change]() + text.slice(first.length);
  };
  const upperFirst = firstChanged("toUpperCase");
  const capitalize = (value) => upperFirst(toText(value).toLowerCase());
  const joined = (sign, change) => compound((all, word, index) => all + (index ? sign : "") + change(word));
  const lower = (word) => word.toLowerCase();

  // ---------------------------------------------------------------- padding and cutting
  const lengthOf = (text) => characters(text).length;
  const padding = (length, given) => {
    const signs = given === undefined ? " " : asText(given);
    if (signs.length < 2) return signs ? signs.repeat(length) : signs;
    const times = signs.repeat(Math.ceil(length / lengthOf(signs)));
    return characters(times).slice(0, length).join("");
  };
  const pad = (left, right) => (value, length, signs) => {
    const text = toText(value);
    const missing = (length === undefined ? 0 : toInteger(length)) - (length ? lengthOf(text) : 0);
    if (!length || missing <= 0 || missing > kit.MOST) return text;
    const half = left && right ? missing / 2 : missing;
    return (left ? padding(Math.floor(half), signs) : "") + text + (right ? padding(Math.ceil(half), signs) : "");
  };
  const SPACE = /[\s\u180e]/;
  const trim = (left, right) => (value, signs, guard) => {
    const text = toText(value);
    const blank = guard || signs === undefined;
    if (!text || (!blank && !asText(signs))) return text;
    const list = blank ? text.split("") : characters(text);
    const set = blank ? null : characters(asText(signs));
    const cut = (sign) => (blank ? SPACE.test(sign) : set.includes(sign));
    let [start, end] = [0, list.length];
    if (left) while (start < end && cut(list[start])) start++;
    if (right) while (end > start && cut(list[end - 1])) end--;
    return list.slice(start, end).join("");
  };
  const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  const PLAIN = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'" };
  const isRegExp = (value) => isObject(value) && kit.tag(value) === "RegExp";
  const position = (given, most) => Math.min(Math.max(toInteger(given), 0), most);
  const truncate = (value, options) => {
    let [most, omission, separator] = [30, "...", undefined];
    if (isObject(options)) {
      separator = "separator" in options ? options.separator : separator;
      most = "length" in options ? toInteger(options.length) : most;
      omission = "omission" in options ? asText(options.omission) : omission;
    }
    const text = toText(value);
    const list = characters(text);
    if (most >= list.length) return text;
    const end = most - lengthOf(omission);
    if (end < 1) return omission;
    let kept = list.slice(0, end).join("");
    if (separator === undefined) return kept + omission;
    const length = kept.length;
    if (isRegExp(separator)) {
      if (text.slice(length).search(separator)) {
        const all = new RegExpConstructor(separator.source, (/\w*$/.exec(separator)[0] || "").replace("g", "") + "g");
        let last;
        for (const found of kept.matchAll(all)) last = found.index;
        kept = kept.slice(0, last === undefined ? length : last);
      }
    } else if (text.indexOf(asText(separator), length) !== length) {
      const at = kept.lastIndexOf(separator);
      if (at > -1) kept = kept.slice(0, at);
    }
    return kept + omission;
  };
  kit.escape = (value) => toText(value).replace(/[&<>"']/g, (sign) => ESCAPES[sign]);

  kit.add({
    words, deburr, upperFirst, capitalize, truncate,
    camelCase: compound((all, word, index) => all + (index ? capitalize(lower(word)) : lower(word))),
    kebabCase: joined("-", lower),
    lowerCase: joined(" ", lower),
    snakeCase: joined("_", lower),
    startCase: joined(" ", (word) => upperFirst(word)),
    upperCase: joined(" ", (word) => word.toUpperCase()),
    lowerFirst: firstChanged("toLowerCase"),
    toLower: (value) => toText(value).toLowerCase(),
    toUpper: (value) => toText(value).toUpperCase(),
    endsWith: (value, target, at) => {
      const text = toText(value);
      const end = at === undefined ? text.length : position(at, text.length);
      const sought = asText(target);
      return end - sought.length >= 0 && text.slice(end - sought.length, end) === sought;
    },
    startsWith: (value, target, at) => {
      const text = toText(value);
      const start = isNil(at) ? 0 : position(at, text.length);
      const sought = asText(target);
      return text.slice(start, start + sought.length) === sought;
    },
    escape: kit.escape,
    unescape: (value) => toText(value).replace(/&(?:amp|lt|gt|quot|#39);/g, (name) => PLAIN[name]),
    escapeRegExp: (value) => toText(value).replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"),
    pad: pad(true, true), padEnd: pad(false, true), padStart: pad(true, false),
    parseInt: (value, radix, guard) => parseInt(toText(value).replace(/^\s+/, ""), guard || isNil(radix) ? 0 : Number(radix)),
    repeat: (value, n, guard) => {
      const times = (guard ? isIterateeCall(value, n, guard) : n === undefined) ? 1 : toInteger(n);
      return times < 1 || times > kit.MOST ? "" : toText(value).repeat(times);
    },
    replace: (...given) => (given.length < 3 ? toText(given[0]) : toText(given[0]).replace(given[1], given[2])),
    split: (value, separator, limit) => {
      const all = limit && typeof limit !== "number" && isIterateeCall(value, separator, limit);
      const most = all || limit === undefined ? 4294967295 : limit >>> 0;
      const text = toText(value);
      if (!most) return [];
      const by = all ? undefined : separator;
      if (typeof by === "string" || (!isNil(by) && !isRegExp(by))) {
        if (!asText(by) && isWide(text)) return characters(text).slice(0, most);
      }
      return text.split(by, most);
    },
    trim: trim(true, true), trimEnd: trim(false, true), trimStart: trim(true, false),
  });

  // ---------------------------------------------------------------- template
  const NOTHING = /($^)/;
  const LITERAL = /\$\{([^\\}]*(?:\\.[^\\}]*)*)\}/g;
  const QUOTED = { "\\": "\\", "'": "'", "\n": "n", "\r": "r", "\u2028": "u2028", "\u2029": "u2029" };
  kit.add({ templateSettings: { escape: /<%-([\s\S]+?)%>/g, evaluate: /<%([\s\S]+?)%>/g, interpolate: /<%=([\s\S]+?)%>/g,
    variable: "", imports: { _: _ } } });
  const FunctionConstructor = Function;
  const template = (value, given, guard) => {
    const settings = _.templateSettings;
    const options = _.assignInWith({}, guard && isIterateeCall(value, given, guard) ? undefined : given, settings,
      (there, value, key, object) => (there === undefined || (kit.eq(there, Object.prototype[key]) && !own(object, key)) ? value : there));
    const imports = Object.assign({}, settings.imports, options.imports);
    const text = toText(value);
    const interpolate = options.interpolate || NOTHING;
    const pattern = new RegExpConstructor([(options.escape || NOTHING).source, interpolate.source,
      (interpolate === settings.interpolate && interpolate.source === "<%=([\\s\\S]+?)%>" ? LITERAL : NOTHING).source,
      (options.evaluate || NOTHING).source].join("|") + "|$", "g");
    let body = "let __t, __p = '';\nconst print = function () { __p += Array.prototype.join.call(arguments, ''); };\n";
    if (!options.variable) body += "with (obj) {\n";
    else if (/[()=,{}[\]/\s]/.test(options.variable)) throw new Error("Invalid `variable` option passed into `_.template`");
    let at = 0;
    body += "__p += '";
    text.replace(pattern, (whole, escape, plain, literal, evaluate, offset) => {
      body += text.slice(at, offset).replace(/['\n\r\u2028\u2029\\]/g, (sign) => "\\" + QUOTED[sign]);
      const shown = plain || literal;
      if (escape) body += "' + __e(" + escape + ") + '";
      if (evaluate) body += "';\n" + evaluate + ";\n__p += '";
      if (shown) body += "' + ((__t = (" + shown + ")) == null ? '' : __t) + '";
      at = offset + whole.length;
      return whole;
    });
    body += "';\n" + (options.variable ? "" : "}\n") + "return __p;";
    const source = "function(" + (options.variable || "obj") + ") {\n"
      + (options.variable ? "" : "obj || (obj = {});\n") + body + "\n}";
    const names = keys(imports);
    const result = _.attempt(() => FunctionConstructor("__e", ...names, "return " + source)(
      kit.escape, ...names.map((name) => imports[name])));
    if (_.isError(result)) {
      result.source = source;
      throw result;
    }
    result.source = source;
    return result;
  };
  kit.add({ template });
})
