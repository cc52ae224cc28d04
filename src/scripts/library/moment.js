// `require('moment')`: our own short implementation of what scripts use. Local time is UTC, the
// language is English. What is not here throws an error with its name, instead of being undefined.
(function (host, library) {
  "use strict";
  const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December"];
  const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
  const LENGTHS = { millisecond: 1, second: 1e3, minute: 6e4, hour: 36e5, day: 864e5, week: 6048e5 };
  const SHORT = { y: "year", Q: "quarter", M: "month", w: "week", W: "isoWeek", d: "day", D: "date",
    h: "hour", m: "minute", s: "second", ms: "millisecond", DDD: "dayOfYear", E: "isoWeekday" };
  const LONG = { LT: "h:mm A", LTS: "h:mm:ss A", L: "MM/DD/YYYY", LL: "MMMM D, YYYY",
    LLL: "MMMM D, YYYY h:mm A", LLLL: "dddd, MMMM D, YYYY h:mm A" };
  const TOKEN = /\[([^\]]*)\]|LLLL|LLL|LL|LTS|LT|L|YYYY|YY|Y|MMMM|MMM|MM|Mo|M|DDDD|DDD|DD|Do|D|dddd|ddd|dd|d|E|e|HH|H|hh|h|kk|k|mm|m|ss|s|SSSSSSSSS|SSSSSS|SSS|SS|S|A|a|ZZ|Z|X|x|Q|WW|W|ww|w|GGGG|gggg|zz|z/g;
  const ISO = /^([+-]\d{6}|\d{4})(?:-?(\d\d)(?:-?(\d\d))?|-(\d{3})|-?W(\d\d)(?:-?(\d))?)?(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/;
  const OF_LANGUAGE = ["then", "toJSON", "constructor", "nodeType", "tagName", "length", "message", "stack", "name"];

  const pad = (number, length) => (number < 0 ? "-" : "") + String(Math.abs(number)).padStart(length, "0");
  const ordinal = (number) => number + (Math.floor(number / 10) % 10 === 1 ? "th"
    : ["th", "st", "nd", "rd"][number % 10] || "th");
  const unitOf = (name) => {
    if (SHORT[name]) return SHORT[name];
    const lower = String(name).toLowerCase().replace(/s$/, "");
    return { isoweek: "isoWeek", dayofyear: "dayOfYear", isoweekday: "isoWeekday", weekday: "day" }[lower] || lower;
  };
  const offsetOf = (text) => {
    if (text === "Z" || text === "z") return 0;
    const found = /^([+-])(\d\d):?(\d\d)?$/.exec(text);
    return found ? (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3] || 0)) : NaN;
  };
  const utc = (year, month, day, hour, minute, second, milli) => {
    const date = new Date(0);
    date.setUTCFullYear(year, month, day);
    date.setUTCHours(hour || 0, minute || 0, second || 0, milli || 0);
    return +date;
  };
  const daysIn = (year, month) => new Date(utc(year, month + 1, 0)).getUTCDate();
  // The day of a time, in milliseconds, by year, number of week and day of it.
  const ofIsoWeek = (year, week, day) => {
    const fourth = utc(year, 0, 4);
    const weekday = new Date(fourth).getUTCDay() || 7;
    return fourth + ((week - 1) * 7 + day - weekday) * LENGTHS.day;
  };

  function checked(year, month, day, hour, minute, second, milli) {
    const fine = month >= 0 && month < 12 && day >= 1 && day <= daysIn(year, month)
      && minute < 60 && second < 60 && (hour < 24 || (hour === 24 && !minute && !second && !milli));
    return fine ? utc(year, month, day, hour, minute, second, milli) : NaN;
  }

  // [milliseconds, offset in minutes or undefined]
  function parseIso(text) {
    const found = ISO.exec(String(text).trim());
    if (!found) return null;
    const [, year, month, day, ofYear, week, weekday, hour, minute, second, fraction, zone] = found;
    const milli = fraction ? Math.trunc(Number("0." + fraction) * 1000) : 0;
    const time = [Number(hour || 0), Number(minute || 0), Number(second || 0), milli];
    let moment;
    if (week) moment = ofIsoWeek(Number(year), Number(week), Number(weekday || 1)) + utc(1970, 0, 1, ...time);
    else if (ofYear) moment = utc(Number(year), 0, Number(ofYear), ...time);
    else moment = checked(Number(year), Number(month || 1) - 1, Number(day || 1), ...time);
    const offset = zone === undefined ? undefined : offsetOf(zone);
    return [moment - (offset || 0) * 6e4, offset];
  }

  function parseFormat(text, format, strict) {
    const whole = format.replace(/L{1,4}T?S?/g, (word) => LONG[word] || word);
    const at = {};
    let rest = String(text);
    let last = 0;
    const literal = (expected) => {
      if (strict && !rest.startsWith(expected)) return false;
      if (rest.startsWith(expected)) rest = rest.slice(expected.length);
      return true;
    };
    const take = (pattern) => {
      const found = (strict ? new RegExp("^(?:" + pattern + ")", "i") : new RegExp("(?:" + pattern + ")", "i")).exec(rest);
      if (!found) return undefined;
      rest = rest.slice(found.index + found[0].length);
      return found[0];
    };
    const named = (list, length) => {
      const word = take(list.map((name) => (length ? name.slice(0, length) : name)).join("|"));
      return word === undefined ? undefined : list.findIndex((name) => name.toLowerCase().startsWith(word.toLowerCase()));
    };
    for (const match of whole.matchAll(TOKEN)) {
      if (!literal(whole.slice(last, match.index))) return [NaN];
      last = match.index + match[0].length;
      const token = match[0];
      let value;
      if (match[1] !== undefined) { if (!literal(match[1])) return [NaN]; continue; }
      switch (token) {
        case "YYYY": case "GGGG": case "gggg": value = take(strict ? "\\d{4}" : "[+-]?\\d{1,4}"); at.year = Number(value); break;
        case "Y": value = take("[+-]?\\d+"); at.year = Number(value); break;
        case "YY": value = take("\\d{2}"); at.year = Number(value) + (Number(value) > 68 ? 1900 : 2000); break;
        case "MMMM": value = named(MONTHS); at.month = value; break;
        case "MMM": value = named(MONTHS, 3); at.month = value; break;
        case "MM": case "M": value = take(token === "MM" && strict ? "\\d{2}" : "\\d{1,2}"); at.month = Number(value) - 1; break;
        case "DD": case "D": value = take(token === "DD" && strict ? "\\d{2}" : "\\d{1,2}"); at.day = Number(value); break;
        case "Do": value = take("\\d{1,2}(?:st|nd|rd|th)"); at.day = parseInt(value, 10); break;
        case "DDDD": case "DDD": value = take("\\d{1,3}"); at.ofYear = Number(value); break;
        case "dddd": value = named(DAYS); break;
        case "ddd": value = named(DAYS, 3); break;
        case "dd": value = named(DAYS, 2); break;
        case "HH": case "H": case "kk": case "k": value = take("\\d{1,2}"); at.hour = Number(value); break;
        case "hh": case "h": value = take("\\d{1,2}"); at.hour = Number(value); at.half = true; break;
        case "mm": case "m": value = take("\\d{1,2}"); at.minute = Number(value); break;
        case "ss": case "s": value = take("\\d{1,2}"); at.second = Number(value); break;
        case "A": case "a": value = take("[ap]\\.?m?\\.?"); at.after = value && /^p/i.test(value); break;
        case "Z": case "ZZ": value = take("Z|[+-]\\d\\d:?\\d\\d"); at.offset = value && offsetOf(value.toUpperCase()); break;
        case "X": value = take("-?\\d+(?:\\.\\d+)?"); at.moment = Number(value) * 1000; break;
        case "x": value = take("-?\\d+"); at.moment = Number(value); break;
        case "Q": value = take("[1-4]"); at.month = (Number(value) - 1) * 3; break;
        default:
          if (/^S+$/.test(token)) { value = take("\\d+"); at.milli = Math.trunc(Number("0." + value) * 1000); break; }
          throw new Error("moment: '" + token + "' cannot be read by this server's moment");
      }
      if (value === undefined) return [NaN];
    }
    if (!literal(whole.slice(last)) || (strict && rest)) return [NaN];
    if (at.moment !== undefined) return [at.moment];
    let hour = at.hour || 0;
    if (at.after === true && hour < 12) hour += 12;
    if (at.after === false && hour === 12) hour = 0;
    const now = new Date();
    const year = at.year === undefined ? now.getUTCFullYear() : at.year;
    const dated = at.year !== undefined || at.month !== undefined || at.day !== undefined;
    const month = at.month === undefined ? (dated && at.year !== undefined ? 0 : now.getUTCMonth()) : at.month;
    const day = at.day === undefined ? (dated ? 1 : now.getUTCDate()) : at.day;
    const moment = at.ofYear ? utc(year, 0, at.ofYear, hour, at.minute, at.second, at.milli)
      : checked(year, month, day, hour, at.minute || 0, at.second || 0, at.milli || 0);
    return [moment - (at.offset || 0) * 6e4, at.offset];
  }

  function read(input, format, strict) {
    if (input === undefined) return [Date.now()];
    if (input === null || input === "") return [NaN];
    if (input instanceof Moment) return [input._ms, input._offset];
    if (input instanceof Date || typeof input === "number") return [Number(input)];
    if (Array.isArray(input)) return [checked(input[0], input[1] || 0, input[2] === undefined ? 1 : input[2], ...[3, 4, 5, 6].map((at) => input[at] || 0))];
    if (typeof input === "object") {
      const part = (...names) => names.map((name) => input[name]).find((value) => value !== undefined);
      const now = new Date();
      return [checked(Number(part("year", "years", "y") || now.getUTCFullYear()), Number(part("month", "months", "M") || 0),
        Number(part("date", "day", "days", "d", "D") || 1), Number(part("hour", "hours", "h") || 0),
        Number(part("minute", "minutes", "m") || 0), Number(part("second", "seconds", "s") || 0),
        Number(part("millisecond", "milliseconds", "ms") || 0))];
    }
    if (format !== undefined && format !== moment.ISO_8601) {
      for (const one of [].concat(format)) {
        const found = one === moment.ISO_8601 ? parseIso(input) || [NaN] : parseFormat(input, one, strict === true);
        if (found[0] === found[0]) return found;
      }
      return [NaN];
    }
    const found = parseIso(input);
    if (found || format === moment.ISO_8601) return found || [NaN];
    // What the language reads: RFC 2822 and the like.
    return [Date.parse(String(input))];
  }

  class Moment {
    constructor(ms, offset) { this._ms = ms; this._offset = offset || 0; }
    _date() { return new Date(this._ms + this._offset * 6e4); }
    _move(date) { this._ms = +date - this._offset * 6e4; return this; }
    clone() { return shown(new Moment(this._ms, this._offset)); }
    isValid() { return this._ms === this._ms && Math.abs(this._ms) <= 864e13; }
    valueOf() { return this._ms; }
    unix() { return Math.floor(this._ms / 1000); }
    toDate() { return new Date(this._ms); }
    toISOString(keep) { return !this.isValid() ? null : keep ? this.format("YYYY-MM-DDTHH:mm:ss.SSSZ") : this.toDate().toISOString(); }
    toJSON() { return this.toISOString(); }
    toString() { return this.format("ddd MMM DD YYYY HH:mm:ss [GMT]ZZ"); }
    toArray() { return ["year", "month", "date", "hour", "minute", "second", "millisecond"].map((unit) => this.get(unit)); }
    toObject() { return { years: this.get("year"), months: this.get("month"), date: this.get("date"), hours: this.get("hour"), minutes: this.get("minute"), seconds: this.get("second"), milliseconds: this.get("millisecond") }; }
    utc() { this._offset = 0; return this; }
    local() { this._offset = 0; return this; }
    isUTC() { return this._offset === 0; }
    isLocal() { return this._offset === 0; }
    locale(name) { return name === undefined ? "en" : this; }
    utcOffset(given) {
      if (given === undefined) return this._offset;
      const offset = typeof given === "string" ? offsetOf(given) : Math.abs(given) < 16 ? given * 60 : given;
      this._offset = offset === offset ? offset : 0;
      return this;
    }
    daysInMonth() { return daysIn(this.get("year"), this.get("month")); }
    isLeapYear() { return daysIn(this.get("year"), 1) === 29; }
    get(name) {
      const date = this._date();
      switch (unitOf(name)) {
        case "year": return date.getUTCFullYear();
        case "quarter": return Math.floor(date.getUTCMonth() / 3) + 1;
        case "month": return date.getUTCMonth();
        case "date": return date.getUTCDate();
        case "day": return date.getUTCDay();
        case "isoWeekday": return date.getUTCDay() || 7;
        case "hour": return date.getUTCHours();
        case "minute": return date.getUTCMinutes();
        case "second": return date.getUTCSeconds();
        case "millisecond": return date.getUTCMilliseconds();
        case "dayOfYear": return Math.floor((+date - utc(date.getUTCFullYear(), 0, 1)) / LENGTHS.day) + 1;
        case "isoWeek": return Math.floor((+date - ofIsoWeek(this.isoWeekYear(), 1, 1)) / LENGTHS.week) + 1;
        case "week": {
          const first = (year) => utc(year, 0, 1) - new Date(utc(year, 0, 1)).getUTCDay() * LENGTHS.day;
          const year = date.getUTCFullYear();
          return +date >= first(year + 1) ? 1 : Math.floor((+date - first(year)) / LENGTHS.week) + 1;
        }
        default: throw new Error("moment: no unit '" + name + "'");
      }
    }
    isoWeekYear() {
      const thursday = new Date(+this._date() + (4 - this.get("isoWeekday")) * LENGTHS.day);
      return thursday.getUTCFullYear();
    }
    set(name, value) {
      if (typeof name === "object") { for (const unit of Object.keys(name)) this.set(unit, name[unit]); return this; }
      const unit = unitOf(name);
      const date = this._date();
      const number = Number(value);
      switch (unit) {
        case "year": date.setUTCFullYear(number, date.getUTCMonth(), Math.min(date.getUTCDate(), daysIn(number, date.getUTCMonth()))); break;
        case "month": {
          const named = MONTHS.findIndex((month) => month.toLowerCase().startsWith(String(value).toLowerCase()));
          const month = named >= 0 ? named : number;
          const [year, inYear] = [date.getUTCFullYear() + Math.floor(month / 12), ((month % 12) + 12) % 12];
          date.setUTCFullYear(year, inYear, Math.min(date.getUTCDate(), daysIn(year, inYear)));
          break;
        }
        case "date": date.setUTCDate(number); break;
        case "hour": date.setUTCHours(number); break;
        case "minute": date.setUTCMinutes(number); break;
        case "second": date.setUTCSeconds(number); break;
        case "millisecond": date.setUTCMilliseconds(number); break;
        case "quarter": return this.set("month", (number - 1) * 3 + (date.getUTCMonth() % 3));
        default: return this.add(number - this.get(unit), unit === "isoWeek" || unit === "week" ? "week" : "day");
      }
      return this._move(date);
    }
    add(amount, name) {
      if (amount instanceof Duration) { this.add(amount._months, "month"); this._ms += amount._ms; return this; }
      if (amount !== null && typeof amount === "object") { for (const unit of Object.keys(amount)) this.add(amount[unit], unit); return this; }
      let [number, word] = [Number(amount), name];
      if (typeof name === "number" || (typeof amount === "string" && isNaN(amount))) [number, word] = [Number(name), amount];
      const unit = unitOf(word === undefined ? "millisecond" : word);
      const fixed = LENGTHS[{ date: "day", isoWeek: "week", dayOfYear: "day", isoWeekday: "day" }[unit] || unit];
      if (fixed) { this._ms += Math.round(number * fixed); return this; }
      const months = { year: 12, quarter: 3, month: 1 }[unit];
      if (!months) throw new Error("moment: no unit '" + word + "'");
      return this.set("month", this.get("month") + Math.round(number * months));
    }
    subtract(amount, name) {
      if (amount instanceof Duration) { this.add(-amount._months, "month"); this._ms -= amount._ms; return this; }
      if (amount !== null && typeof amount === "object") { for (const unit of Object.keys(amount)) this.add(-amount[unit], unit); return this; }
      if (typeof name === "number" || (typeof amount === "string" && isNaN(amount))) return this.add(-name, amount);
      return this.add(-amount, name);
    }
    startOf(name) {
      const unit = unitOf(name);
      const date = this._date();
      const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
      switch (unit) {
        case "year": return this._move(utc(year, 0, 1));
        case "quarter": return this._move(utc(year, month - (month % 3), 1));
        case "month": return this._move(utc(year, month, 1));
        case "week": return this._move(utc(year, month, day - date.getUTCDay()));
        case "isoWeek": return this._move(utc(year, month, day - ((date.getUTCDay() + 6) % 7)));
        case "day": case "date": return this._move(utc(year, month, day));
        case "hour": case "minute": case "second": return this._move(Math.floor(+date / LENGTHS[unit]) * LENGTHS[unit]);
        default: return this;
      }
    }
    endOf(name) { const unit = unitOf(name); return unit === "millisecond" ? this : this.startOf(unit).add(1, unit).subtract(1, "ms"); }
    diff(other, name, exact) {
      const that = moment(other);
      const unit = unitOf(name === undefined ? "millisecond" : name);
      let found;
      const months = { year: 12, quarter: 3, month: 1 }[unit];
      if (months) {
        const whole = (this.get("year") - that.get("year")) * 12 + this.get("month") - that.get("month");
        const anchor = that.clone().add(whole, "month");
        const beyond = this._ms - anchor._ms;
        const next = that.clone().add(whole + (beyond < 0 ? -1 : 1), "month");
        found = (whole + (beyond ? beyond / Math.abs(next._ms - anchor._ms) : 0)) / months;
      } else {
        const length = LENGTHS[unit === "date" ? "day" : unit];
        if (!length) throw new Error("moment: no unit '" + name + "'");
        found = (this._ms - that._ms) / length;
      }
      return exact ? found : Math.trunc(found) + 0;
    }
    _compare(other, unit) {
      const that = moment(other);
      if (unit === undefined) return Math.sign(this._ms - that._ms);
      return Math.sign(this.clone().startOf(unit)._ms - that.utcOffset(this._offset).startOf(unit)._ms);
    }
    isBefore(other, unit) { return this._compare(other, unit) === -1; }
    isAfter(other, unit) { return this._compare(other, unit) === 1; }
    isSame(other, unit) { return this._compare(other, unit) === 0; }
    isSameOrBefore(other, unit) { return this._compare(other, unit) <= 0; }
    isSameOrAfter(other, unit) { return this._compare(other, unit) >= 0; }
    isBetween(from, to, unit, ends) {
      const marks = ends || "()";
      const low = marks[0] === "[" ? this.isSameOrAfter(from, unit) : this.isAfter(from, unit);
      return low && (marks[1] === "]" ? this.isSameOrBefore(to, unit) : this.isBefore(to, unit));
    }
    from(other, bare) { return duration(this._ms - moment(other)._ms).humanize(!bare); }
    fromNow(bare) { return this.from(undefined, bare); }
    to(other, bare) { return duration(moment(other)._ms - this._ms).humanize(!bare); }
    toNow(bare) { return this.to(undefined, bare); }
    format(pattern) {
      if (!this.isValid()) return "Invalid date";
      const whole = (pattern === undefined ? "YYYY-MM-DDTHH:mm:ssZ" : String(pattern))
        .replace(/\[[^\]]*\]|LTS|LT|LLLL|LLL|LL|L/g, (word) => LONG[word] || word);
      return whole.replace(TOKEN, (token, literal) => (literal === undefined ? this._token(token) : literal));
    }
    _token(token) {
      const zone = (between) => {
        const minutes = Math.abs(this._offset);
        return (this._offset < 0 ? "-" : "+") + pad(Math.floor(minutes / 60), 2) + between + pad(minutes % 60, 2);
      };
      const get = (unit) => this.get(unit);
      const half = get("hour") % 12 || 12;
      switch (token) {
        case "YYYY": return pad(get("year"), 4);
        case "YY": return pad(get("year") % 100, 2);
        case "Y": return String(get("year"));
        case "GGGG": return pad(this.isoWeekYear(), 4);
        case "gggg": return pad(get("week") === 1 && get("month") === 11 ? get("year") + 1 : get("year"), 4);
        case "Q": return String(get("quarter"));
        case "MMMM": return MONTHS[get("month")];
        case "MMM": return MONTHS[get("month")].slice(0, 3);
        case "MM": return pad(get("month") + 1, 2);
        case "Mo": return ordinal(get("month") + 1);
        case "M": return String(get("month") + 1);
        case "DDDD": return pad(get("dayOfYear"), 3);
        case "DDD": return String(get("dayOfYear"));
        case "DD": return pad(get("date"), 2);
        case "Do": return ordinal(get("date"));
        case "D": return String(get("date"));
        case "dddd": return DAYS[get("day")];
        case "ddd": return DAYS[get("day")].slice(0, 3);
        case "dd": return DAYS[get("day")].slice(0, 2);
        case "d": case "e": return String(get("day"));
        case "E": return String(get("isoWeekday"));
        case "WW": return pad(get("isoWeek"), 2);
        case "W": return String(get("isoWeek"));
        case "ww": return pad(get("week"), 2);
        case "w": return String(get("week"));
        case "HH": return pad(get("hour"), 2);
        case "H": return String(get("hour"));
        case "hh": return pad(half, 2);
        case "h": return String(half);
        case "kk": return pad(get("hour") || 24, 2);
        case "k": return String(get("hour") || 24);
        case "mm": return pad(get("minute"), 2);
        case "m": return String(get("minute"));
        case "ss": return pad(get("second"), 2);
        case "s": return String(get("second"));
        case "A": return get("hour") < 12 ? "AM" : "PM";
        case "a": return get("hour") < 12 ? "am" : "pm";
        case "Z": return zone(":");
        case "ZZ": return zone("");
        case "z": case "zz": return this._offset === 0 ? "UTC" : "";
        case "X": return String(this.unix());
        case "x": return String(this._ms);
        default: return pad(get("millisecond"), 3).padEnd(token.length, "0").slice(0, token.length);
      }
    }
  }

  for (const unit of ["year", "quarter", "month", "date", "day", "hour", "minute", "second", "millisecond",
    "dayOfYear", "isoWeekday", "isoWeek", "week"]) {
    const access = function (value) { return value === undefined ? this.get(unit) : this.set(unit, value); };
    Moment.prototype[unit] = access;
    if (!/^(isoWeekday|dayOfYear)$/.test(unit)) Moment.prototype[unit === "date" ? "dates" : unit + "s"] = access;
  }
  Moment.prototype.weekday = Moment.prototype.day;

  class Duration {
    constructor(ms, months) { this._ms = ms; this._months = months || 0; }
    valueOf() { return this._ms + this._months * 2629746e3; }
    asMilliseconds() { return this.valueOf(); }
    as(name) {
      const unit = unitOf(name);
      const length = LENGTHS[unit] || { year: 31556952e3, quarter: 7889238e3, month: 2629746e3 }[unit];
      return this.valueOf() / length;
    }
    get(name) {
      const unit = unitOf(name);
      if (unit === "year") return Math.trunc(this._months / 12);
      if (unit === "month") return this._months % 12;
      const next = { millisecond: 1e3, second: 60, minute: 60, hour: 24, day: Infinity }[unit];
      return Math.trunc(this._ms / LENGTHS[unit]) % next;
    }
    add(amount, name) { const more = duration(amount, name); this._ms += more._ms; this._months += more._months; return this; }
    subtract(amount, name) { const less = duration(amount, name); this._ms -= less._ms; this._months -= less._months; return this; }
    humanize(around) {
      const steps = [["second", 45, "a few seconds"], ["minute", 90 / 60, "a minute"], ["minute", 45, "minutes"], ["hour", 1.5, "an hour"],
        ["hour", 22, "hours"], ["day", 1.5, "a day"], ["day", 26, "days"], ["month", 1.5, "a month"], ["month", 10.5, "months"], ["year", 1.5, "a year"]];
      const amount = new Duration(Math.abs(this.valueOf()));
      const step = steps.find(([unit, most]) => amount.as(unit) < most) || ["year", 0, "years"];
      const text = step[2].endsWith("s") && step[2] !== "a few seconds" ? Math.round(amount.as(step[0])) + " " + step[2] : step[2];
      return !around ? text : this.valueOf() > 0 ? "in " + text : text + " ago";
    }
  }
  for (const unit of ["millisecond", "second", "minute", "hour", "day", "week", "month", "year"]) {
    const name = unit[0].toUpperCase() + unit.slice(1) + "s";
    Duration.prototype["as" + name] = function () { return this.as(unit); };
    if (unit !== "week") Duration.prototype[unit + "s"] = function () { return this.get(unit); };
  }

  function duration(amount, name) {
    if (amount instanceof Duration) return shown(new Duration(amount._ms, amount._months), "duration");
    const whole = new Duration(0);
    const put = (number, word) => {
      const unit = unitOf(word === undefined ? "millisecond" : word);
      const months = { year: 12, quarter: 3, month: 1 }[unit];
      if (months) whole._months += number * months;
      else if (LENGTHS[unit]) whole._ms += number * LENGTHS[unit];
      else throw new Error("moment: no unit '" + word + "'");
    };
    if (amount !== null && typeof amount === "object") for (const unit of Object.keys(amount)) put(Number(amount[unit]), unit);
    else if (typeof amount === "string" && /^-?P/.test(amount)) {
      const found = /^(-)?P(?:([\d.]+)Y)?(?:([\d.]+)M)?(?:([\d.]+)W)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?$/.exec(amount) || [];
      ["year", "month", "week", "day", "hour", "minute", "second"].forEach((unit, at) => { if (found[at + 2]) put(Number(found[at + 2]) * (found[1] ? -1 : 1), unit); });
    } else if (typeof amount === "string" && amount.includes(":")) amount.split(":").forEach((part, at) => put(Number(part), ["hour", "minute", "second"][at]));
    else if (amount !== undefined) put(Number(amount), name);
    return shown(whole, "duration");
  }

  // Names what is missing, where the language itself does not ask.
  function shown(target, what) {
    return new Proxy(target, {
      get: (object, name) => {
        if (name in object || typeof name === "symbol" || OF_LANGUAGE.includes(name)) return object[name];
        throw new Error((what || "moment") + ": '" + name + "' is not part of this server's moment");
      },
    });
  }

  function moment(input, format, third, fourth) {
    const strict = third === true || fourth === true;
    const [ms, offset] = read(input, format, strict);
    // Local time: an offset in the text says which moment it is, and no more.
    return shown(new Moment(ms, input instanceof Moment ? offset : 0));
  }
  Object.assign(moment, {
    utc: (...given) => moment(...given).utc(),
    parseZone: (input, format) => { const [ms, offset] = read(input, format); return shown(new Moment(ms, offset)); },
    unix: (seconds) => moment(seconds * 1000),
    isMoment: (value) => value instanceof Moment,
    isDate: (value) => value instanceof Date,
    isDuration: (value) => value instanceof Duration,
    invalid: () => moment(NaN),
    duration: duration,
    now: () => Date.now(),
    max: (...list) => [].concat(...list).reduce((one, other) => (other > one ? other : one)),
    min: (...list) => [].concat(...list).reduce((one, other) => (other < one ? other : one)),
    months: () => MONTHS.slice(), monthsShort: () => MONTHS.map((name) => name.slice(0, 3)),
    weekdays: () => DAYS.slice(), weekdaysShort: () => DAYS.map((name) => name.slice(0, 3)),
    locale: () => "en",
    normalizeUnits: unitOf,
    ISO_8601: "ISO_8601",
  });
  return shown(moment);
})
