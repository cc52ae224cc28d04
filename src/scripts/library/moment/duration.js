// Lengths of time.
(function (moment, kit) {
  "use strict";
  const { toInt } = kit;
  const ORDER = ["year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond"];
  const down = (number) => (number < 0 ? Math.ceil(number) || 0 : Math.floor(number));
  const out = (number) => (number < 0 ? Math.floor(number) : Math.ceil(number));
  const near = (number) => (number < 0 ? -Math.round(-number) : Math.round(number));
  const inMonths = (days) => (days * 4800) / 146097;
  const inDays = (months) => (months * 146097) / 4800;

  function isFine(given) {
    for (const [name, value] of Object.entries(given)) {
      if (!ORDER.includes(name) || (value !== undefined && value !== null && Number.isNaN(Number(value)))) return false;
    }
    let fraction = false;
    for (const unit of ORDER) {
      if (!given[unit]) continue;
      if (fraction) return false;
      if (parseFloat(given[unit]) !== toInt(given[unit])) fraction = true;
    }
    return true;
  }
  class Duration {
    constructor(parts) {
      const given = kit.byUnit(parts);
      const of = (unit) => given[unit] || 0;
      this._isValid = isFine(given);
      this._milliseconds = +of("millisecond") + of("second") * 1e3 + of("minute") * 6e4 + of("hour") * 36e5;
      this._days = +of("day") + (of("week") || of("isoWeek")) * 7;
      this._months = +of("month") + of("quarter") * 3 + of("year") * 12;
      this._data = {};
      this._locale = kit.localeOf();
      this._bubble();
    }
    _bubble() {
      let [milliseconds, days, months] = [this._milliseconds, this._days, this._months];
      const same = (milliseconds >= 0 && days >= 0 && months >= 0) || (milliseconds <= 0 && days <= 0 && months <= 0);
      if (!same) {
        milliseconds += out(inDays(months) + days) * 864e5;
        days = months = 0;
      }
      const data = this._data;
      data.milliseconds = milliseconds % 1000;
      const seconds = down(milliseconds / 1000);
      data.seconds = seconds % 60;
      const minutes = down(seconds / 60);
      data.minutes = minutes % 60;
      const hours = down(minutes / 60);
      data.hours = hours % 24;
      days += down(hours / 24);
      const whole = down(inMonths(days));
      months += whole;
      days -= out(inDays(whole));
      data.years = down(months / 12);
      data.months = months % 12;
      data.days = days;
      return this;
    }
    isValid() { return this._isValid; }
    clone() { return duration(this); }
    abs() {
      for (const part of ["_milliseconds", "_days", "_months"]) this[part] = Math.abs(this[part]);
      for (const part of Object.keys(this._data)) this._data[part] = Math.abs(this._data[part]);
      return this;
    }
    _more(given, unit, sign) {
      const other = duration(given, unit);
      this._milliseconds += sign * other._milliseconds;
      this._days += sign * other._days;
      this._months += sign * other._months;
      return this._bubble();
    }
    add(given, unit) { return this._more(given, unit, 1); }
    subtract(given, unit) { return this._more(given, unit, -1); }
    as(name) {
      if (!this.isValid()) return NaN;
      const unit = kit.unitOf(name);
      const milliseconds = this._milliseconds;
      if (unit === "month" || unit === "quarter" || unit === "year") {
        const months = this._months + inMonths(this._days + milliseconds / 864e5);
        return months / { month: 1, quarter: 3, year: 12 }[unit];
      }
      const days = this._days + Math.round(inDays(this._months));
      switch (unit) {
        case "week": return days / 7 + milliseconds / 6048e5;
        case "day": return days + milliseconds / 864e5;
        case "hour": return days * 24 + milliseconds / 36e5;
        case "minute": return days * 1440 + milliseconds / 6e4;
        case "second": return days * 86400 + milliseconds / 1e3;
        case "millisecond": return Math.floor(days * 864e5) + milliseconds;
        default: throw new Error("Unknown unit " + unit);
      }
    }
    valueOf() { return this.isValid() ? this.as("ms") : NaN; }
    get(name) {
      const unit = kit.unitOf(name);
      return this.isValid() ? this[unit + "s"]() : NaN;
    }
    weeks() { return down(this.days() / 7); }
    humanize(suffix, given) {
      if (!this.isValid()) return this.localeData().invalidDate();
      const [withSuffix, own] = typeof suffix === "object" ? [false, suffix] : [suffix === true, given];
      const limits = { ...THRESHOLDS };
      if (own && typeof own === "object") {
        Object.assign(limits, own);
        if (own.s !== undefined && own.s !== null && (own.ss === undefined || own.ss === null)) limits.ss = own.s - 1;
      }
      const locale = this.localeData();
      const text = relative(this, !withSuffix, limits, locale);
      return locale.postformat(withSuffix ? locale.pastFuture(+this, text) : text);
    }
    toISOString() {
      if (!this.isValid()) return this.localeData().invalidDate();
      const total = this.asSeconds();
      if (!total) return "P0D";
      const rest = Math.abs(this._milliseconds) / 1000;
      const minutes = down(rest / 60);
      const [hours, months, days] = [down(minutes / 60), Math.abs(this._months), Math.abs(this._days)];
      const seconds = rest % 60;
      const sign = (number) => (Math.sign(number) === Math.sign(total) ? "" : "-");
      const part = (number, letter, mark) => (number ? mark + number + letter : "");
      const time = this._milliseconds;
      return (total < 0 ? "-" : "") + "P" + part(down(months / 12), "Y", sign(this._months)) + part(months % 12, "M", sign(this._months))
        + part(days, "D", sign(this._days)) + (rest ? "T" : "") + part(hours, "H", sign(time)) + part(minutes % 60, "M", sign(time))
        + part(seconds ? seconds.toFixed(3).replace(/\.?0+$/, "") : "", "S", sign(time));
    }
    toString() { return this.toISOString(); }
    toJSON() { return this.toISOString(); }
    locale(key) {
      if (key === undefined) return this._locale._abbr;
      this._locale = kit.localeOf(key);
      return this;
    }
    localeData() { return this._locale; }
    lang(key) { return key === undefined ? this.localeData() : this.locale(key); }
  }
  const fn = Duration.prototype;
  fn.toIsoString = fn.toISOString;
  for (const name of ["milliseconds", "seconds", "minutes", "hours", "days", "months", "years"]) {
    fn[name] = function () { return this.isValid() ? this._data[name] : NaN; };
  }
  for (const name of ["Milliseconds", "Seconds", "Minutes", "Hours", "Days", "Weeks", "Months", "Quarters", "Years"]) {
    fn["as" + name] = function () { return this.as(name.toLowerCase()); };
  }

  const CLOCK = /^(-|\+)?(?:(\d*)[. ])?(\d+):(\d+)(?::(\d+)(\.\d*)?)?$/;
  const PART = "(?:([-+]?[0-9,.]*)";
  const ISO = new RegExp("^(-|\\+)?P" + PART + "Y)?" + PART + "M)?" + PART + "W)?" + PART + "D)?(?:T" + PART + "H)?" + PART + "M)?" + PART + "S)?)?$");
  function duration(input, unit) {
    let parts = input;
    if (input instanceof Duration) parts = { ms: input._milliseconds, d: input._days, M: input._months };
    else if (typeof input === "number" || input instanceof Number || !Number.isNaN(Number(typeof input === "object" && input !== null ? NaN : input))) {
      parts = unit ? { [unit]: Number(input) } : { milliseconds: Number(input) };
    } else {
      const clock = CLOCK.exec(input);
      const iso = clock ? null : ISO.exec(input);
      if (clock) {
        const sign = clock[1] === "-" ? -1 : 1;
        parts = { y: 0, d: toInt(clock[2]) * sign, h: toInt(clock[3]) * sign, m: toInt(clock[4]) * sign, s: toInt(clock[5]) * sign,
          ms: toInt(near(Number(clock[6] || 0) * 1000)) * sign };
      } else if (iso) {
        const value = (text) => (Number.isNaN(parseFloat(String(text).replace(",", "."))) ? 0
          : parseFloat(text.replace(",", "."))) * (iso[1] === "-" ? -1 : 1);
        parts = {};
        ["y", "M", "w", "d", "h", "m", "s"].forEach((name, at) => { parts[name] = value(iso[at + 2]); });
      } else if (input === null || input === undefined) parts = {};
      else if (typeof input === "object" && ("from" in input || "to" in input)) parts = between(moment(input.from), moment(input.to));
    }
    const result = new Duration(parts !== null && typeof parts === "object" ? parts : {});
    if (input instanceof Duration) {
      result._locale = input._locale;
      result._isValid = input._isValid;
    }
    return result;
  }
  const apart = (base, other) => {
    let months = other.month() - base.month() + (other.year() - base.year()) * 12;
    if (base.clone().add(months, "M").isAfter(other)) months -= 1;
    return { milliseconds: +other - +base.clone().add(months, "M"), months };
  };
  function between(base, given) {
    if (!(base.isValid() && given.isValid())) return { milliseconds: 0, months: 0 };
    const other = kit.onClockOf(given, base);
    if (base.isBefore(other)) return apart(base, other);
    const found = apart(other, base);
    return { milliseconds: -found.milliseconds, months: -found.months };
  }

  // ---------------------------------------------------------------- in words
  const THRESHOLDS = { ss: 44, s: 45, m: 45, h: 22, d: 26, w: null, M: 11 };
  let rounding = Math.round;
  function relative(whole, bare, limits, locale) {
    const length = duration(whole).abs();
    const as = (unit) => rounding(length.as(unit));
    const [seconds, minutes, hours, days, weeks, months, years] = ["s", "m", "h", "d", "w", "M", "y"].map(as);
    const steps = [[seconds <= limits.ss, "s", seconds], [seconds < limits.s, "ss", seconds], [minutes <= 1, "m", 1],
      [minutes < limits.m, "mm", minutes], [hours <= 1, "h", 1], [hours < limits.h, "hh", hours], [days <= 1, "d", 1], [days < limits.d, "dd", days]];
    if (limits.w !== null && limits.w !== undefined) steps.push([weeks <= 1, "w", 1], [weeks < limits.w, "ww", weeks]);
    steps.push([months <= 1, "M", 1], [months < limits.M, "MM", months], [years <= 1, "y", 1], [true, "yy", years]);
    const [, key, number] = steps.find(([fits]) => fits);
    return locale.relativeTime(number || 1, Boolean(bare), key, +whole > 0);
  }
  moment.relativeTimeRounding = (given) => {
    if (given === undefined) return rounding;
    if (typeof given !== "function") return false;
    rounding = given;
    return true;
  };
  moment.relativeTimeThreshold = (name, limit) => {
    if (!Object.prototype.hasOwnProperty.call(THRESHOLDS, name)) return false;
    if (limit === undefined) return THRESHOLDS[name];
    THRESHOLDS[name] = limit;
    if (name === "s") THRESHOLDS.ss = limit - 1;
    return true;
  };
  duration.fn = fn;
  duration.invalid = () => duration(NaN);
  moment.duration = duration;
  moment.isDuration = (value) => value instanceof Duration;
})
