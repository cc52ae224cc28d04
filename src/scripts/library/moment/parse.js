// Reading a moment: of texts with and without a format, of lists, of objects.
(function (moment, kit) {
  "use strict";
  const { Moment, toInt, flags, utc, daysIn } = kit;
  const [YEAR, MONTH, DATE, HOUR, MINUTE, SECOND, MILLI, WEEK, WEEKDAY] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const TOKENS = ["Hmmss", "hmmss", "Hmm", "hmm", "MMMM", "MMM", "MM", "Mo", "M", "DDDD", "DDDo", "DDD", "Do", "DD", "D", "dddd", "ddd", "dd",
    "do", "d", "wo", "ww", "w", "Wo", "WW", "W", "Qo", "Q", "NNNNN", "NNNN", "NNN", "NN", "N", "YYYYYY", "YYYYY", "YYYY", "YY", "Y",
    "yyyy", "yyy", "yy", "yo", "y", "ggggg", "gggg", "gg", "g", "GGGGG", "GGGG", "GG", "G", "e", "E", "a", "A", "hh", "h", "HH", "H", "kk", "k",
    "mm", "m", "ss", "s", "SSSSSSSSS", "SSSSSSSS", "SSSSSSS", "SSSSSS", "SSSSS", "SSSS", "SSS", "SS", "S", "x", "X", "zz", "z", "ZZ", "Z"];
  const PATTERN = new RegExp("\\[[^\\[]*\\]|\\\\?(?:" + TOKENS.join("|") + "|.)", "g");
  kit.tokens = (format) => format.match(PATTERN) || [];
  kit.expand = (format, locale) => {
    let whole = format;
    for (let times = 0; times < 6; times++) {
      const next = whole.replace(/(\[[^[]*\])|(\\)?(LTS|LT|LL?L?L?|l{1,4})/g, (text) => locale.longDateFormat(text) || text);
      if (next === whole) break;
      whole = next;
    }
    return whole;
  };

  const SIGNED = /[+-]?\d+/;
  const SHORT_OFFSET = /Z|[+-]\d\d(?::?\d\d)?/i;
  const TWO = /\d\d?/;
  const NO_ZERO = /^([1-9]\d?)/;
  const WITH_ZERO = /^([1-9]\d|\d)/;
  const pair = (loose, strict) => (config) => (config._strict && strict ? strict : loose);
  const two = pair(TWO, /\d\d/);
  const four = pair(/\d{1,4}/, /\d{4}/);
  const six = pair(/[+-]?\d{1,6}/, /[+-]?\d{6}/);
  const plain = pair(TWO, NO_ZERO);
  const zero = pair(TWO, WITH_ZERO);
  const named = (method) => (config) => config._locale[method](Boolean(config._strict));
  const any = (pattern) => () => pattern;
  const into = (at, change) => (text, config) => { config._a[at] = change ? change(text, config) : toInt(text); };
  const week = (name, change) => (text, config) => { (config._w = config._w || {})[name] = change ? change(text) : toInt(text); };
  const byName = (method, flag, done) => (text, config, token) => {
    const found = config._locale[method](text, token, config._strict);
    if (typeof found === "number") done(found, config);
    else flags(config)[flag] = text;
  };
  const month = byName("monthsParse", "invalidMonth", (found, config) => { config._a[MONTH] = found; });
  const weekday = byName("weekdaysParse", "invalidWeekday", (found, config) => { (config._w = config._w || {}).d = found; });
  const hour = (text, config) => {
    config._a[HOUR] = toInt(text);
    flags(config).bigHour = true;
  };
  const meridiem = [(config) => config._locale._meridiemParse, (text, config) => {
    config._isPm = config._locale.isPM(text);
    config._meridiem = text;
  }];
  const clock = (pattern, sizes, big) => [any(pattern), (text, config) => {
    const at = text.length - sizes.reduce((sum, one) => sum + one, 0);
    config._a[HOUR] = toInt(text.slice(0, at));
    config._a[MINUTE] = toInt(text.slice(at, at + 2));
    if (sizes.length > 1) config._a[SECOND] = toInt(text.slice(at + 2));
    if (big) flags(config).bigHour = true;
  }];
  const zone = [any(SHORT_OFFSET), (text, config) => { config._tzm = kit.offsetOf(SHORT_OFFSET, text); }];
  const twoDigits = (text) => moment.parseTwoDigitYear(text);
  const ordinal = (config) => (config._strict ? config._locale._dayOfMonthOrdinalParse || config._locale._ordinalParse
    : config._locale._dayOfMonthOrdinalParseLenient);
  const eras = (method) => [(config) => config._locale[method](), (text, config) => {
    const found = config._locale.erasParse(text);
    if (found) flags(config).era = found;
    else flags(config).invalidEra = text;
  }];
  const eraYear = [any(/\d+/), into(YEAR)];
  // How a token is found in a text, and what it then says.
  const READ = {
    Y: [any(SIGNED), into(YEAR)], YY: [two, into(YEAR, twoDigits)],
    YYYY: [four, into(YEAR, (text) => (text.length === 2 ? twoDigits(text) : toInt(text)))], YYYYY: [six, into(YEAR)], YYYYYY: [six, into(YEAR)],
    y: eraYear, yy: eraYear, yyy: eraYear, yyyy: eraYear, yo: [any(/\d+/), into(YEAR, (text) => parseInt(text, 10))],
    N: eras("erasAbbrRegex"), NN: eras("erasAbbrRegex"), NNN: eras("erasAbbrRegex"), NNNN: eras("erasNameRegex"), NNNNN: eras("erasNarrowRegex"),
    M: [plain, into(MONTH, (text) => toInt(text) - 1)], MM: [two, into(MONTH, (text) => toInt(text) - 1)],
    MMM: [named("monthsShortRegex"), month], MMMM: [named("monthsRegex"), month],
    D: [plain, into(DATE)], DD: [two, into(DATE)], Do: [ordinal, into(DATE, (text) => toInt((text.match(TWO) || [])[0]))],
    DDD: [any(/\d{1,3}/), (text, config) => { config._dayOfYear = toInt(text); }], DDDD: [any(/\d{3}/), (text, config) => { config._dayOfYear = toInt(text); }],
    Q: [any(/\d/), into(MONTH, (text) => (toInt(text) - 1) * 3)],
    H: [zero, into(HOUR)], HH: [two, into(HOUR)], h: [plain, hour], hh: [two, hour],
    k: [plain, into(HOUR, (text) => (toInt(text) === 24 ? 0 : toInt(text)))], kk: [two, into(HOUR, (text) => (toInt(text) === 24 ? 0 : toInt(text)))],
    hmm: clock(/\d\d\d\d?/, [2], true), hmmss: clock(/\d\d\d\d\d\d?/, [2, 2], true), Hmm: clock(/\d\d\d\d?/, [2]), Hmmss: clock(/\d\d\d\d\d\d?/, [2, 2]),
    m: [zero, into(MINUTE)], mm: [two, into(MINUTE)], s: [zero, into(SECOND)], ss: [two, into(SECOND)],
    a: meridiem, A: meridiem, Z: zone, ZZ: zone,
    X: [any(/[+-]?\d+(\.\d{1,3})?/), (text, config) => { config._d = new Date(parseFloat(text) * 1000); }],
    x: [any(SIGNED), (text, config) => { config._d = new Date(toInt(text)); }],
    d: [any(TWO), week("d")], e: [any(TWO), week("e")], E: [any(TWO), week("E")],
    dd: [named("weekdaysMinRegex"), weekday], ddd: [named("weekdaysShortRegex"), weekday], dddd: [named("weekdaysRegex"), weekday],
    w: [plain, week("w")], ww: [two, week("w")], W: [plain, week("W")], WW: [two, week("W")],
    gg: [two, week("gg", twoDigits)], GG: [two, week("GG", twoDigits)], gggg: [four, week("gg")], GGGG: [four, week("GG")],
    ggggg: [six, week("gg")], GGGGG: [six, week("GG")], g: [any(SIGNED)], G: [any(SIGNED)],
  };
  for (let length = 1; length < 10; length++) {
    READ["S".repeat(length)] = [length < 4 ? pair(/\d{1,3}/, new RegExp("\\d{" + length + "}")) : any(/\d+/),
      into(MILLI, (text) => toInt(Number("0." + text) * 1000))];
  }
  const literal = (token) => new RegExp(token.replace(/^\[(.*)\]$/s, "$1").replace(/\\(.)/g, "$1").replace(/[-/\\^$*+?.()|[\]{}]/g, "\\$&"));

  function ofFormat(config) {
    if (config._f === moment.ISO_8601) return ofIso(config);
    if (config._f === moment.RFC_2822) return ofMail(config);
    const said = flags(config);
    config._a = [];
    said.empty = true;
    const text = String(config._i);
    let rest = text;
    let read = 0;
    for (const token of kit.tokens(kit.expand(config._f, config._locale))) {
      const known = READ[token];
      const found = rest.match(known ? known[0](config) : literal(token));
      const part = found && found[0];
      if (part) {
        const at = rest.indexOf(part);
        if (at > 0) said.unusedInput.push(rest.slice(0, at));
        rest = rest.slice(at + part.length);
        read += part.length;
      }
      if (known) {
        if (part) {
          said.empty = false;
          if (known[1]) known[1](part, config, token);
        } else said.unusedTokens.push(token);
      } else if (config._strict && !part) said.unusedTokens.push(token);
    }
    said.charsLeftOver = text.length - read;
    if (rest.length > 0) said.unusedInput.push(rest);
    if (config._a[HOUR] <= 12 && said.bigHour === true && config._a[HOUR] > 0) said.bigHour = undefined;
    said.parsedDateParts = config._a.slice();
    said.meridiem = config._meridiem;
    config._a[HOUR] = ofHalf(config._locale, config._a[HOUR], config._meridiem);
    if (said.era) config._a[YEAR] = config._locale.erasConvertYear(said.era, config._a[YEAR]);
    ofParts(config);
    return overflow(config);
  }
  function ofHalf(locale, given, half) {
    if (half === undefined || half === null) return given;
    if (locale.meridiemHour) return locale.meridiemHour(given, half);
    if (!locale.isPM) return given;
    const later = locale.isPM(half);
    if (later && given < 12) return given + 12;
    return !later && given === 12 ? 0 : given;
  }

  function ofParts(config) {
    if (config._d) return;
    const now = new Date(moment.now());
    const today = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
    const parts = config._a;
    const isNil = (value) => value === undefined || value === null;
    if (config._w && isNil(parts[DATE]) && isNil(parts[MONTH])) ofWeek(config);
    if (!isNil(config._dayOfYear)) {
      const year = isNil(parts[YEAR]) ? today[YEAR] : parts[YEAR];
      if (config._dayOfYear > kit.daysInYear(year) || config._dayOfYear === 0) flags(config)._overflowDayOfYear = true;
      const date = new Date(utc(year, 0, config._dayOfYear));
      parts[MONTH] = date.getUTCMonth();
      parts[DATE] = date.getUTCDate();
    }
    const input = [];
    let at = 0;
    for (; at < 3 && isNil(parts[at]); at++) parts[at] = input[at] = today[at];
    for (; at < 7; at++) parts[at] = input[at] = isNil(parts[at]) ? (at === DATE ? 1 : 0) : parts[at];
    if (parts[HOUR] === 24 && parts[MINUTE] === 0 && parts[SECOND] === 0 && parts[MILLI] === 0) {
      config._nextDay = true;
      parts[HOUR] = 0;
    }
    config._d = new Date(utc(...parts));
    const day = config._d.getUTCDay();
    if (!isNil(config._tzm)) config._d.setUTCMinutes(config._d.getUTCMinutes() - config._tzm);
    if (config._nextDay) parts[HOUR] = 24;
    if (config._w && config._w.d !== undefined && config._w.d !== day) flags(config).weekdayMismatch = true;
  }
  function ofWeek(config) {
    const given = config._w;
    const first = (...list) => list.find((one) => one !== undefined && one !== null);
    const today = moment.utc(moment.now());
    const iso = first(given.GG, given.W, given.E) !== undefined;
    const { dow, doy } = iso ? { dow: 1, doy: 4 } : config._locale._week;
    const current = kit.weekOf(today, dow, doy);
    const year = first(iso ? given.GG : given.gg, config._a[YEAR], current.year);
    const number = iso ? first(given.W, 1) : first(given.w, current.week);
    let [day, wrong] = [dow, false];
    if (iso) {
      day = first(given.E, 1);
      wrong = day < 1 || day > 7;
    } else if (given.d !== undefined) {
      day = given.d;
      wrong = day < 0 || day > 6;
    } else if (given.e !== undefined) {
      day = given.e + dow;
      wrong = given.e < 0 || given.e > 6;
    }
    if (number < 1 || number > kit.weeksIn(year, dow, doy)) flags(config)._overflowWeeks = true;
    else if (wrong) flags(config)._overflowWeekday = true;
    else {
      const found = kit.fromWeek(year, number, day, dow, doy);
      config._a[YEAR] = found.year;
      config._dayOfYear = found.dayOfYear;
    }
  }
  function overflow(config) {
    const parts = config._a;
    const said = flags(config);
    if (!parts || said.overflow !== -2) return config;
    const late = parts[MINUTE] !== 0 || parts[SECOND] !== 0 || parts[MILLI] !== 0;
    let at = parts[MONTH] < 0 || parts[MONTH] > 11 ? MONTH : parts[DATE] < 1 || parts[DATE] > daysIn(parts[YEAR], parts[MONTH]) ? DATE
      : parts[HOUR] < 0 || parts[HOUR] > 24 || (parts[HOUR] === 24 && late) ? HOUR : parts[MINUTE] < 0 || parts[MINUTE] > 59 ? MINUTE
        : parts[SECOND] < 0 || parts[SECOND] > 59 ? SECOND : parts[MILLI] < 0 || parts[MILLI] > 999 ? MILLI : -1;
    if (said._overflowDayOfYear && (at < YEAR || at > DATE)) at = DATE;
    if (said._overflowWeeks && at === -1) at = WEEK;
    if (said._overflowWeekday && at === -1) at = WEEKDAY;
    said.overflow = at;
    return config;
  }

  // ---------------------------------------------------------------- texts without a format
  const ISO_DATES = [["YYYYYY-MM-DD", /[+-]\d{6}-\d\d-\d\d/], ["YYYY-MM-DD", /\d{4}-\d\d-\d\d/], ["GGGG-[W]WW-E", /\d{4}-W\d\d-\d/],
    ["GGGG-[W]WW", /\d{4}-W\d\d/, true], ["YYYY-DDD", /\d{4}-\d{3}/], ["YYYY-MM", /\d{4}-\d\d/, true], ["YYYYYYMMDD", /[+-]\d{10}/],
    ["YYYYMMDD", /\d{8}/], ["GGGG[W]WWE", /\d{4}W\d{3}/], ["GGGG[W]WW", /\d{4}W\d{2}/, true], ["YYYYDDD", /\d{7}/], ["YYYYMM", /\d{6}/, true],
    ["YYYY", /\d{4}/, true]];
  const ISO_TIMES = [["HH:mm:ss.SSSS", /\d\d:\d\d:\d\d\.\d+/], ["HH:mm:ss,SSSS", /\d\d:\d\d:\d\d,\d+/], ["HH:mm:ss", /\d\d:\d\d:\d\d/],
    ["HH:mm", /\d\d:\d\d/], ["HHmmss.SSSS", /\d{6}\.\d+/], ["HHmmss,SSSS", /\d{6},\d+/], ["HHmmss", /\d{6}/], ["HHmm", /\d{4}/], ["HH", /\d\d/]];
  const YEARS = "((?:[+-]\\d{6}|\\d{4})";
  const ZONE = "([+-]\\d\\d(?::?\\d\\d)?|\\s*Z)?)?$";
  const LONG = new RegExp("^\\s*" + YEARS + "-(?:\\d\\d-\\d\\d|W\\d\\d-\\d|W\\d\\d|\\d{3}|\\d\\d))"
    + "(?:(T| )(\\d\\d(?::\\d\\d(?::\\d\\d(?:[.,]\\d+)?)?)?)" + ZONE);
  const SHORT = new RegExp("^\\s*" + YEARS + "(?:\\d{4}|W\\d{3}|W\\d\\d|\\d{3}|\\d\\d|))"
    + "(?:(T| )(\\d\\d(?:\\d\\d(?:\\d\\d(?:[.,]\\d+)?)?)?)" + ZONE);
  function ofIso(config) {
    const found = LONG.exec(config._i) || SHORT.exec(config._i);
    const wrong = () => {
      config._isValid = false;
      return config;
    };
    if (!found) return wrong();
    flags(config).iso = true;
    const date = ISO_DATES.find(([, pattern]) => pattern.test(found[1]));
    const time = found[3] ? ISO_TIMES.find(([, pattern]) => pattern.test(found[3])) : undefined;
    if (!date || (found[3] && !time) || (date[2] && time)) return wrong();
    config._f = date[0] + (time ? (found[2] || " ") + time[0] : "") + (found[4] ? "Z" : "");
    return ofFormat(config);
  }
  const SHORT_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const SHORT_DAYS = "Sun Mon Tue Wed Thu Fri Sat".split(" ");
  const MAIL = new RegExp("^(?:(" + SHORT_DAYS.join("|") + "),?\\s)?(\\d{1,2})\\s(" + SHORT_MONTHS.join("|")
    + ")\\s(\\d{2,4})\\s(\\d\\d):(\\d\\d)(?::(\\d\\d))?\\s(?:(UT|GMT|[ECMP][SD]T)|([Zz])|([+-]\\d{4}))$");
  const US_ZONES = { UT: 0, GMT: 0, EDT: -240, EST: -300, CDT: -300, CST: -360, MDT: -360, MST: -420, PDT: -420, PST: -480 };
  function ofMail(config) {
    const text = String(config._i).replace(/\([^()]*\)|[\n\t]/g, " ").replace(/(\s\s+)/g, " ").replace(/^\s\s*/, "").replace(/\s\s*$/, "");
    const found = MAIL.exec(text);
    if (!found) {
      config._isValid = false;
      return config;
    }
    const [, day, date, name, years, hours, minutes, seconds, named, military, numbers] = found;
    const number = parseInt(years, 10);
    const year = years.length === 3 ? number : number <= 49 ? 2000 + number : number <= 999 ? 1900 + number : number;
    const parts = [year, SHORT_MONTHS.indexOf(name), parseInt(date, 10), parseInt(hours, 10), parseInt(minutes, 10)];
    if (seconds) parts.push(parseInt(seconds, 10));
    if (day && SHORT_DAYS.indexOf(day) !== new Date(parts[0], parts[1], parts[2]).getDay()) {
      flags(config).weekdayMismatch = true;
      config._isValid = false;
      return config;
    }
    config._a = parts;
    const sum = parseInt(numbers, 10);
    config._tzm = named ? US_ZONES[named] : military ? 0 : ((sum - (sum % 100)) / 100) * 60 + (sum % 100);
    config._d = new Date(utc(...parts));
    config._d.setUTCMinutes(config._d.getUTCMinutes() - config._tzm);
    flags(config).rfc2822 = true;
    return config;
  }
  function ofText(config) {
    const json = /^\/?Date\((-?\d+)/i.exec(config._i);
    if (json) {
      config._d = new Date(Number(json[1]));
      return;
    }
    for (const read of [ofIso, ofMail]) {
      read(config);
      if (config._isValid !== false) return;
      delete config._isValid;
    }
    if (config._strict) config._isValid = false;
    else moment.createFromInputFallback(config);
  }
  moment.createFromInputFallback = (config) => { config._d = new Date(config._i + (config._useUTC ? " UTC" : "")); };

  function ofFormats(config) {
    let best;
    let [score, valid] = [undefined, false];
    if (!config._f.length) {
      flags(config).invalidFormat = true;
      config._d = new Date(NaN);
      return;
    }
    for (const format of config._f) {
      const tried = { ...config, _f: format };
      delete tried._pf;
      ofFormat(tried);
      const fine = kit.isValid(tried);
      const said = flags(tried);
      const its = said.charsLeftOver + said.unusedTokens.length * 10;
      said.score = its;
      if (valid ? its < score : score === undefined || its < score || fine) {
        score = its;
        best = tried;
        if (!valid && fine) valid = true;
      }
    }
    Object.assign(config, best || {});
  }
  function ofInput(config) {
    const input = config._i;
    if (input === undefined) config._d = new Date(moment.now());
    else if (input instanceof Date) config._d = new Date(+input);
    else if (typeof input === "string") ofText(config);
    else if (Array.isArray(input)) {
      config._a = input.map((part) => parseInt(part, 10));
      ofParts(config);
    } else if (input !== null && typeof input === "object") {
      const given = kit.byUnit(input);
      const day = given.day === undefined ? given.date : given.day;
      config._a = [given.year, given.month, day, given.hour, given.minute, given.second, given.millisecond]
        .map((part) => part && parseInt(part, 10));
      ofParts(config);
    } else if (typeof input === "number" || input instanceof Number) config._d = new Date(Number(input));
    else moment.createFromInputFallback(config);
  }
  function make(given, fourth) {
    let [input, format, locale, strict] = given;
    if (format === true || format === false) [strict, format] = [format, undefined];
    if (locale === true || locale === false) [strict, locale] = [locale, undefined];
    const bare = input !== null && typeof input === "object" && !(input instanceof Date) && !kit.isMoment(input);
    if (bare && (Array.isArray(input) ? !input.length : Object.prototype.toString.call(input) === "[object Object]" && !Object.keys(input).length)) input = undefined;
    const config = { _isAMomentObject: true, _useUTC: fourth, _isUTC: fourth, _l: locale, _i: input, _f: format, _strict: strict };
    config._locale = kit.localeOf(locale);
    if (input === null || (format === undefined && input === "")) return kit.invalid({ nullInput: true });
    if (typeof input === "string") config._i = config._locale.preparse(input);
    if (kit.isMoment(input)) return new Moment(overflow(input));
    if (input instanceof Date) config._d = input;
    else if (Array.isArray(format)) ofFormats(config);
    else if (format) ofFormat(config);
    else ofInput(config);
    if (!kit.isValid(config)) config._d = null;
    const result = new Moment(overflow(config));
    if (config._nextDay) result.add(1, "d");
    return result;
  }
  kit.create = (...given) => make(given, false);
  moment.utc = (...given) => make(given, true).utc();
  moment.unix = (seconds) => moment(seconds * 1000);
  moment.parseZone = (...given) => moment(...given).parseZone();
})
