// Languages: names, formats and rules of a language, and which of them is in use.
(function (moment, kit) {
  "use strict";
  const own = (object, key) => Object.prototype.hasOwnProperty.call(object, key);
  const isFunction = (value) => typeof value === "function";
  const escape = (text) => text.replace(/[-/\\^$*+?.()|[\]{}]/g, "\\$&");
  const WORD = /[0-9]{0,256}['a-z\u00a0-\u05ff\u0700-\ud7ff\uf900-\ufdcf\ufdf0-\uff07\uff10-\uffef]{1,256}|[\u0600-\u06ff/]{1,256}(?:\s*?[\u0600-\u06ff]{1,256}){1,2}/i;
  const IN_FORMAT = { months: /D[oD]?(\[[^[\]]*\]|\s)+MMMM?/, weekdays: /\[ ?(?:[^[\]]*) ?\] ?dddd/ };
  const split = (value) => (typeof value === "string" ? value.split("_") : value);

  const BASE = {
    calendar: { sameDay: "[Today at] LT", nextDay: "[Tomorrow at] LT", nextWeek: "dddd [at] LT", lastDay: "[Yesterday at] LT",
      lastWeek: "[Last] dddd [at] LT", sameElse: "L" },
    longDateFormat: { LTS: "h:mm:ss A", LT: "h:mm A", L: "MM/DD/YYYY", LL: "MMMM D, YYYY", LLL: "MMMM D, YYYY h:mm A",
      LLLL: "dddd, MMMM D, YYYY h:mm A" },
    invalidDate: "Invalid date",
    ordinal: "%d",
    dayOfMonthOrdinalParse: /\d{1,2}/,
    relativeTime: { future: "in %s", past: "%s ago", s: "a few seconds", ss: "%d seconds", m: "a minute", mm: "%d minutes",
      h: "an hour", hh: "%d hours", d: "a day", dd: "%d days", w: "a week", ww: "%d weeks", M: "a month", MM: "%d months",
      y: "a year", yy: "%d years" },
    months: "January_February_March_April_May_June_July_August_September_October_November_December",
    monthsShort: "Jan_Feb_Mar_Apr_May_Jun_Jul_Aug_Sep_Oct_Nov_Dec",
    week: { dow: 0, doy: 6 },
    weekdays: "Sunday_Monday_Tuesday_Wednesday_Thursday_Friday_Saturday",
    weekdaysMin: "Su_Mo_Tu_We_Th_Fr_Sa",
    weekdaysShort: "Sun_Mon_Tue_Wed_Thu_Fri_Sat",
    meridiemParse: /[ap]\.?m?\.?/i,
  };
  const OBJECTS = ["calendar", "longDateFormat", "relativeTime", "week"];
  const merged = (below, above) => {
    const all = { ...below, ...above };
    for (const name of OBJECTS) if (below[name] && above[name]) all[name] = { ...below[name], ...above[name] };
    return all;
  };

  class Locale {
    constructor(config) {
      this.set(config);
    }
    set(config) {
      this._config = config;
      for (const [name, value] of Object.entries(config)) {
        if (isFunction(value)) this[name] = value;
        else this["_" + name] = /^(months|weekdays)(Short|Min)?$/.test(name) ? split(value) : value;
      }
      this._dayOfMonthOrdinalParseLenient = new RegExp((config.dayOfMonthOrdinalParse || /\d{1,2}/).source + "|\\d{1,2}");
    }
    calendar(key, at, now) {
      const found = this._calendar[key] || this._calendar.sameElse;
      return isFunction(found) ? found.call(at, now) : found;
    }
    longDateFormat(key) {
      const formats = this._longDateFormat;
      const upper = formats[key.toUpperCase()];
      if (formats[key] || !upper) return formats[key];
      return upper.replace(/MMMM|MM|DD|dddd/g, (token) => token.slice(1));
    }
    invalidDate() { return this._invalidDate; }
    ordinal(number) { return this._ordinal.replace("%d", number); }
    preparse(text) { return text; }
    postformat(text) { return text; }
    relativeTime(number, bare, key, future) {
      const found = this._relativeTime[key];
      return isFunction(found) ? found(number, bare, key, future) : found.replace(/%d/i, number);
    }
    pastFuture(difference, text) {
      const found = this._relativeTime[difference > 0 ? "future" : "past"];
      return isFunction(found) ? found(text) : found.replace(/%s/i, text);
    }
    months(at, format) { return this._named("months", at && at.month(), at, format); }
    monthsShort(at, format) { return this._named("monthsShort", at && at.month(), at, format); }
    weekdays(at, format) {
      if (at && at !== true) return this._named("weekdays", at.day(), at, format);
      const list = Array.isArray(this._weekdays) ? this._weekdays : this._weekdays.standalone;
      return at === true ? this._shifted(list) : list;
    }
    weekdaysMin(at) { return at === true ? this._shifted(this._weekdaysMin) : at ? this._weekdaysMin[at.day()] : this._weekdaysMin; }
    weekdaysShort(at) {
      return at === true ? this._shifted(this._weekdaysShort) : at ? this._weekdaysShort[at.day()] : this._weekdaysShort;
    }
    _shifted(list) { return list.slice(this._week.dow).concat(list.slice(0, this._week.dow)); }
    _named(field, index, at, format) {
      const names = this["_" + field];
      if (!at) return Array.isArray(names) ? names : names.standalone;
      if (Array.isArray(names)) return names[index];
      const test = names.isFormat || IN_FORMAT[field.startsWith("months") ? "months" : "weekdays"];
      return split(names[test.test(format) ? "format" : "standalone"])[index];
    }
    _lists(field) {
      const names = this["_" + field];
      return Array.isArray(names) ? [names] : [split(names.standalone), split(names.format)];
    }
    // Where names are given exactly, they alone are read; else any word that begins like one.
    monthsParse(name, format, strict) { return this._read(name, strict, format === "MMMM" ? "months" : "monthsShort", ["months", "monthsShort"], this._monthsParseExact); }
    weekdaysParse(name, format, strict) {
      const field = { dddd: "weekdays", ddd: "weekdaysShort" }[format] || "weekdaysMin";
      return this._read(name, strict, field, ["weekdays", "weekdaysShort", "weekdaysMin"], this._weekdaysParseExact);
    }
    _read(name, strict, field, fields, exact) {
      const word = String(name).toLowerCase();
      const bare = (text) => text.toLowerCase().replace(/\.$/, "");
      const configured = field.startsWith("months") ? this._monthsParse : this._weekdaysParse;
      if (Array.isArray(configured) && !strict) {
        const at = configured.findIndex((pattern) => pattern.test(name));
        if (at >= 0) return at;
      }
      const among = strict || exact ? (strict ? [field] : [field].concat(fields)) : fields;
      for (let at = 0; at < (fields.length === 2 ? 12 : 7); at++) {
        for (const one of among) {
          for (const list of this._lists(one)) {
            const text = list[at].toLowerCase();
            if (strict || exact ? text === word || bare(text) === bare(word) : word.startsWith(text.replace(/\./g, ""))) return at;
          }
        }
      }
      return exact && !strict && this._loose(fields, word);
    }
    _loose(fields, word) {
      const at = this._lists(fields[0])[0].findIndex((text) => word.startsWith(text.toLowerCase()));
      return at < 0 ? undefined : at;
    }
    _pattern(fields, exact, given, strict) {
      if (given) return given;
      if (!exact) return WORD;
      const names = (strict ? fields.slice(0, 1) : fields).flatMap((field) => this._lists(field).flat());
      names.sort((one, other) => other.length - one.length);
      return new RegExp("^(" + names.map(escape).join("|") + ")", "i");
    }
    monthsRegex(strict) {
      return this._pattern(["months", "monthsShort"], this._monthsParseExact, (strict && this._monthsStrictRegex) || this._monthsRegex, strict);
    }
    monthsShortRegex(strict) {
      return this._pattern(["monthsShort", "months"], this._monthsParseExact,
        (strict && this._monthsShortStrictRegex) || this._monthsShortRegex, strict);
    }
    weekdaysRegex(strict) { return this._pattern(["weekdays", "weekdaysShort", "weekdaysMin"], this._weekdaysParseExact, this._weekdaysRegex, strict); }
    weekdaysShortRegex(strict) { return this._pattern(["weekdaysShort", "weekdays", "weekdaysMin"], this._weekdaysParseExact, this._weekdaysShortRegex, strict); }
    weekdaysMinRegex(strict) { return this._pattern(["weekdaysMin", "weekdays", "weekdaysShort"], this._weekdaysParseExact, this._weekdaysMinRegex, strict); }
    week(at) { return kit.weekOf(at, this._week.dow, this._week.doy).week; }
    firstDayOfWeek() { return this._week.dow; }
    firstDayOfYear() { return this._week.doy; }
    isPM(text) { return String(text).toLowerCase().charAt(0) === "p"; }
    meridiem(hours, minutes, lower) { return hours > 11 ? (lower ? "pm" : "PM") : lower ? "am" : "AM"; }
    // Eras: of the common reckoning alone.
    eras() {
      return [{ since: "0001-01-01", until: Infinity, offset: 1, name: "Anno Domini", narrow: "AD", abbr: "AD" },
        { since: "0000-12-31", until: -Infinity, offset: 1, name: "Before Christ", narrow: "BC", abbr: "BC" }];
    }
    erasParse(name) {
      return this.eras().find((era) => [era.name, era.narrow, era.abbr].some((one) => one.toUpperCase() === String(name).toUpperCase()));
    }
    erasConvertYear(era, year) { return era.narrow === "BC" ? 1 - year : year === undefined ? 1 : year; }
    erasAbbrRegex() { return /^(AD|BC|Anno Domini|Before Christ)/i; }
    erasNameRegex() { return this.erasAbbrRegex(); }
    erasNarrowRegex() { return this.erasAbbrRegex(); }
  }

  const known = {};
  const make = (name, config, below) => {
    const whole = merged(below ? below._config : BASE, config);
    whole.abbr = name;
    return new Locale(whole);
  };
  const waiting = {};
  const find = (name) => {
    if (!own(known, name) && kit.languages) {
      const read = kit.languages;
      kit.languages = undefined;
      read();
    }
    if (!own(known, name) && own(waiting, name)) known[name] = make(name, waiting[name]());
    return own(known, name) ? known[name] : undefined;
  };
  kit.offerLocale = (name, config) => { waiting[name] = config; };
  const normal = (name) => String(name).toLowerCase().replace("_", "-");
  const choose = (names) => {
    for (const name of names) {
      const parts = normal(name).split("-");
      for (let length = parts.length; length > 0; length--) {
        const found = find(parts.slice(0, length).join("-"));
        if (found) return found;
      }
    }
    return kit.globalLocale;
  };
  kit.localeOf = (key) => {
    const name = key && key._locale && key._locale._abbr ? key._locale._abbr : key;
    if (!name) return kit.globalLocale;
    if (name instanceof Locale) return name;
    return Array.isArray(name) ? choose(name) : find(name) || choose([name]);
  };
  kit.Locale = Locale;
  kit.own = own;
  moment.defineLocale = (name, config) => {
    if (config === null) {
      delete known[name];
      return null;
    }
    const parent = config.parentLocale ? find(config.parentLocale) : undefined;
    known[name] = make(name, config, parent || (config.parentLocale ? kit.globalLocale : undefined));
    moment.locale(name);
    return known[name];
  };
  moment.updateLocale = (name, config) => {
    if (config === null) {
      if (known[name] && known[name]._before) known[name] = known[name]._before;
      if (kit.globalLocale._abbr === name) kit.globalLocale = known[name];
      return known[name];
    }
    const before = find(name);
    known[name] = make(name, config, before);
    known[name]._before = before;
    moment.locale(name);
    return known[name];
  };
  moment.locale = (key, config) => {
    if (key) {
      const found = config === undefined ? (Array.isArray(key) || find(key) || choose([key]) !== kit.globalLocale
        ? kit.localeOf(key) : undefined) : moment.defineLocale(key, config);
      if (found) kit.globalLocale = found;
    }
    return kit.globalLocale._abbr;
  };
  moment.localeData = (key) => kit.localeOf(key);
  moment.locales = () => Object.keys(known);
  moment.lang = moment.locale;
  moment.langData = moment.localeData;
  const listed = (field, count) => (format, index) => {
    const [pattern, at] = typeof format === "number" ? [undefined, format] : [format, index];
    const name = (number) => kit.globalLocale[field](moment.utc([2000, number]), pattern || "");
    return typeof at === "number" ? name(at) : Array.from({ length: count }, (none, number) => name(number));
  };
  moment.months = listed("months", 12);
  moment.monthsShort = listed("monthsShort", 12);
  const days = (field) => (sorted, format, index) => {
    const byLocale = typeof sorted === "boolean" && sorted;
    const rest = typeof sorted === "boolean" ? [format, index] : [sorted, format];
    const [pattern, at] = typeof rest[0] === "number" ? [undefined, rest[0]] : rest;
    const shift = byLocale ? kit.globalLocale._week.dow : 0;
    const name = (number) => kit.globalLocale[field](moment.utc([2000, 0, 2 + ((number + shift) % 7)]), pattern || "");
    return typeof at === "number" ? name(at) : Array.from({ length: 7 }, (none, number) => name(number));
  };
  moment.weekdays = days("weekdays");
  moment.weekdaysShort = days("weekdaysShort");
  moment.weekdaysMin = days("weekdaysMin");

  known.en = make("en", {
    dayOfMonthOrdinalParse: /\d{1,2}(th|st|nd|rd)/,
    ordinal: (number) => number + (Math.floor((number % 100) / 10) === 1 ? "th" : ["th", "st", "nd", "rd"][number % 10] || "th"),
  });
  kit.globalLocale = known.en;
})
