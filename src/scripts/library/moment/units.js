// The parts of a moment: read, set, added to, cut off.
(function (moment, kit) {
  "use strict";
  const { Moment, toInt, mod, utc, daysIn, isLeap } = kit;
  const fn = Moment.prototype;
  const fields = { FullYear: "year", Date: "date", Hours: "hour", Minutes: "minute", Seconds: "second", Milliseconds: "millisecond" };
  const KEEP_TIME = ["FullYear", "Date", "Hours"];

  const put = (at, field, value) => {
    if (!at.isValid() || Number.isNaN(Number(value)) || value === undefined) return;
    const date = at._d;
    if (field !== "FullYear") {
      date["setUTC" + field](value);
      return;
    }
    const [month, day] = [date.getUTCMonth(), date.getUTCDate()];
    date.setUTCFullYear(value, month, day === 29 && month === 1 && !isLeap(Number(value)) ? 28 : day);
  };
  const putMonth = (at, given) => {
    if (!at.isValid()) return at;
    let month = given;
    if (typeof month === "string") {
      month = /^\d+$/.test(month) ? toInt(month) : at.localeData().monthsParse(month);
      if (typeof month !== "number") return at;
    }
    const day = at.date();
    at._d.setUTCMonth(month, day < 29 ? day : Math.min(day, daysIn(at.year(), month)));
    return at;
  };
  for (const [field, unit] of Object.entries(fields)) {
    const access = function (value) {
      if (value === undefined || value === null) return this.isValid() ? this._d["getUTC" + field]() : NaN;
      put(this, field, value);
      moment.updateOffset(this, KEEP_TIME.includes(field));
      return this;
    };
    fn[unit] = fn[unit + "s"] = access;
  }
  fn.month = fn.months = function (value) {
    if (value === undefined || value === null) return this.isValid() ? this._d.getUTCMonth() : NaN;
    putMonth(this, value);
    moment.updateOffset(this, true);
    return this;
  };
  const weekdayOf = (value, locale) => {
    if (typeof value !== "string") return value;
    if (!Number.isNaN(Number(value))) return parseInt(value, 10);
    const found = locale.weekdaysParse(value);
    return typeof found === "number" ? found : null;
  };
  fn.day = fn.days = function (value) {
    if (!this.isValid()) return value === undefined || value === null ? NaN : this;
    const day = this._d.getUTCDay();
    if (value === undefined || value === null) return day;
    return this.add(weekdayOf(value, this.localeData()) - day, "d");
  };
  fn.weekday = function (value) {
    if (!this.isValid()) return value === undefined || value === null ? NaN : this;
    const weekday = (this.day() + 7 - this.localeData()._week.dow) % 7;
    return value === undefined || value === null ? weekday : this.add(value - weekday, "d");
  };
  fn.isoWeekday = function (value) {
    if (!this.isValid()) return value === undefined || value === null ? NaN : this;
    if (value === undefined || value === null) return this.day() || 7;
    const named = typeof value === "string" ? this.localeData().weekdaysParse(value) : undefined;
    const weekday = typeof value === "string" ? (named === undefined || named === false ? NaN : named % 7 || 7)
      : Number.isNaN(value) ? null : value;
    return this.day(this.day() % 7 ? weekday : weekday - 7);
  };
  fn.dayOfYear = function (value) {
    const day = Math.round((utc(this.year(), this.month(), this.date()) - utc(this.year(), 0, 1)) / 864e5) + 1;
    return value === undefined || value === null ? day : this.add(value - day, "d");
  };
  fn.quarter = fn.quarters = function (value) {
    if (value === undefined || value === null) return Math.ceil((this.month() + 1) / 3);
    return this.month((value - 1) * 3 + (this.month() % 3));
  };
  fn.week = fn.weeks = function (value) {
    const week = this.localeData().week(this);
    return value === undefined || value === null ? week : this.add((value - week) * 7, "d");
  };
  fn.isoWeek = fn.isoWeeks = function (value) {
    const { week } = kit.weekOf(this, 1, 4);
    return value === undefined || value === null ? week : this.add((value - week) * 7, "d");
  };
  const weekYear = (at, value, week, weekday, dow, doy) => {
    if (value === undefined || value === null) return kit.weekOf(at, dow, doy).year;
    const found = kit.fromWeek(value, Math.min(week, kit.weeksIn(value, dow, doy)), weekday, dow, doy);
    const date = new Date(utc(found.year, 0, found.dayOfYear));
    return at.year(date.getUTCFullYear()).month(date.getUTCMonth()).date(date.getUTCDate());
  };
  fn.weekYear = function (value) {
    const { dow, doy } = this.localeData()._week;
    return weekYear(this, value, this.week(), this.weekday() + dow, dow, doy);
  };
  fn.isoWeekYear = function (value) { return weekYear(this, value, this.isoWeek(), this.isoWeekday(), 1, 4); };
  fn.weeksInYear = function () {
    const { dow, doy } = this.localeData()._week;
    return kit.weeksIn(this.year(), dow, doy);
  };
  fn.weeksInWeekYear = function () {
    const { dow, doy } = this.localeData()._week;
    return kit.weeksIn(this.weekYear(), dow, doy);
  };
  fn.isoWeeksInYear = function () { return kit.weeksIn(this.year(), 1, 4); };
  fn.isoWeeksInISOWeekYear = function () { return kit.weeksIn(this.isoWeekYear(), 1, 4); };
  fn.daysInMonth = function () { return daysIn(this.year(), this.month()); };
  fn.isLeapYear = function () { return isLeap(this.year()); };
  const era = (part) => function () {
    const found = this.localeData().eras()[this.year() >= 1 ? 0 : 1];
    return found[part];
  };
  fn.eraName = era("name");
  fn.eraNarrow = era("narrow");
  fn.eraAbbr = era("abbr");
  fn.eraYear = function () { return this.year() >= 1 ? this.year() : 1 - this.year(); };

  const ORDER = ["year", "weekYear", "isoWeekYear", "dayOfYear", "week", "isoWeek", "quarter", "month", "date", "day", "weekday",
    "isoWeekday", "hour", "minute", "second", "millisecond"];
  fn.get = function (name) {
    const unit = kit.unitOf(name) || name;
    return typeof this[unit] === "function" ? this[unit]() : this;
  };
  fn.set = function (name, value) {
    if (name !== null && typeof name === "object") {
      const given = kit.byUnit(name);
      const rank = (unit) => ORDER.indexOf(unit);
      for (const unit of Object.keys(given).sort((one, other) => rank(one) - rank(other))) this[unit](given[unit]);
      return this;
    }
    const unit = kit.unitOf(name) || name;
    return typeof this[unit] === "function" ? this[unit](value) : this;
  };

  // ---------------------------------------------------------------- sums
  const round = (number) => (number < 0 ? -Math.round(-number) : Math.round(number)) || 0;
  kit.shift = (at, duration, sign, update) => {
    if (!at.isValid()) return;
    const [days, months, milliseconds] = [round(duration._days), round(duration._months), duration._milliseconds];
    if (months) putMonth(at, at.month() + months * sign);
    if (days) put(at, "Date", at.date() + days * sign);
    if (milliseconds) at._d.setTime(+at._d + milliseconds * sign);
    if (update !== false) moment.updateOffset(at, Boolean(days || months));
  };
  const adder = (sign) => function (amount, unit) {
    const swapped = unit !== null && unit !== undefined && !Number.isNaN(Number(unit));
    kit.shift(this, swapped ? moment.duration(unit, amount) : moment.duration(amount, unit), sign);
    return this;
  };
  fn.add = adder(1);
  fn.subtract = adder(-1);

  const HOUR = 36e5;
  const bounds = (at, given) => {
    const unit = kit.unitOf(given);
    const [year, month, date] = [at.year(), at.month(), at.date()];
    const time = +at._d;
    const within = (length) => [time - mod(time, length), time - mod(time, length) + length];
    switch (unit) {
      case "year": return [utc(year, 0, 1), utc(year + 1, 0, 1)];
      case "quarter": return [utc(year, month - (month % 3), 1), utc(year, month - (month % 3) + 3, 1)];
      case "month": return [utc(year, month, 1), utc(year, month + 1, 1)];
      case "week": return [utc(year, month, date - at.weekday()), utc(year, month, date - at.weekday() + 7)];
      case "isoWeek": return [utc(year, month, date - at.isoWeekday() + 1), utc(year, month, date - at.isoWeekday() + 8)];
      case "day": case "date": return [utc(year, month, date), utc(year, month, date + 1)];
      case "hour": return within(HOUR);
      case "minute": return within(6e4);
      case "second": return within(1e3);
      default: return undefined;
    }
  };
  const edge = (last) => function (given) {
    const unit = kit.unitOf(given);
    if (unit === undefined || unit === "millisecond" || !this.isValid()) return this;
    const found = bounds(this, given);
    this._d.setTime(found ? found[last] - last : +this._d);
    moment.updateOffset(this, true);
    return this;
  };
  fn.startOf = edge(0);
  fn.endOf = edge(1);
  fn.clone = function () { return new Moment(this); };
  fn.isValid = function () { return kit.isValid(this); };
  fn.parsingFlags = function () { return { ...kit.flags(this) }; };
  fn.invalidAt = function () { return kit.flags(this).overflow; };
  fn.creationData = function () {
    return { input: this._i, format: this._f, locale: this._locale, isUTC: this._isUTC, strict: this._strict };
  };
  fn.localeData = function () { return this._locale; };
  fn.locale = function (key) {
    if (key === undefined) return this._locale._abbr;
    this._locale = kit.localeOf(key) || this._locale;
    return this;
  };
  fn.lang = function (key) { return key === undefined ? this.localeData() : this.locale(key); };
})
