// Writing a moment, and the offsets of its clock.
(function (moment, kit) {
  "use strict";
  const { Moment, pad, toInt } = kit;
  const fn = Moment.prototype;
  const WRITE = {};
  const write = (token, value, ordinal) => {
    WRITE[token] = (at) => String(value(at));
    if (ordinal) WRITE[ordinal] = (at) => at.localeData().ordinal(value(at), token);
  };
  const padded = (token, length, value, sign) => { WRITE[token] = (at) => pad(value(at), length, sign); };
  const year = (at) => at.year();
  write("Y", (at) => (year(at) <= 9999 ? pad(year(at), 4) : "+" + year(at)));
  padded("YY", 2, (at) => year(at) % 100);
  padded("YYYY", 4, year);
  padded("YYYYY", 5, year);
  padded("YYYYYY", 6, year, true);
  write("M", (at) => at.month() + 1, "Mo");
  padded("MM", 2, (at) => at.month() + 1);
  WRITE.MMM = (at, format) => at.localeData().monthsShort(at, format);
  WRITE.MMMM = (at, format) => at.localeData().months(at, format);
  write("Q", (at) => at.quarter(), "Qo");
  write("D", (at) => at.date(), "Do");
  padded("DD", 2, (at) => at.date());
  write("DDD", (at) => at.dayOfYear(), "DDDo");
  padded("DDDD", 3, (at) => at.dayOfYear());
  write("d", (at) => at.day(), "do");
  write("e", (at) => at.weekday());
  write("E", (at) => at.isoWeekday());
  WRITE.dd = (at, format) => at.localeData().weekdaysMin(at, format);
  WRITE.ddd = (at, format) => at.localeData().weekdaysShort(at, format);
  WRITE.dddd = (at, format) => at.localeData().weekdays(at, format);
  write("w", (at) => at.week(), "wo");
  padded("ww", 2, (at) => at.week());
  write("W", (at) => at.isoWeek(), "Wo");
  padded("WW", 2, (at) => at.isoWeek());
  padded("gg", 2, (at) => at.weekYear() % 100);
  padded("GG", 2, (at) => at.isoWeekYear() % 100);
  for (const [token, length] of [["gggg", 4], ["ggggg", 5]]) padded(token, length, (at) => at.weekYear());
  for (const [token, length] of [["GGGG", 4], ["GGGGG", 5]]) padded(token, length, (at) => at.isoWeekYear());
  const half = (at) => at.hours() % 12 || 12;
  const full = (at) => at.hours() || 24;
  for (const [token, value] of [["H", (at) => at.hours()], ["h", half], ["k", full], ["m", (at) => at.minutes()], ["s", (at) => at.seconds()]]) {
    write(token, value);
    padded(token + token, 2, value);
  }
  const clock = (hour, seconds) => (at) => "" + hour(at) + pad(at.minutes(), 2) + (seconds ? pad(at.seconds(), 2) : "");
  WRITE.hmm = clock(half);
  WRITE.hmmss = clock(half, true);
  WRITE.Hmm = clock((at) => at.hours());
  WRITE.Hmmss = clock((at) => at.hours(), true);
  WRITE.a = (at) => at.localeData().meridiem(at.hours(), at.minutes(), true);
  WRITE.A = (at) => at.localeData().meridiem(at.hours(), at.minutes(), false);
  for (let length = 1; length < 10; length++) {
    WRITE["S".repeat(length)] = (at) => (pad(at.milliseconds(), 3) + "000000").slice(0, length);
  }
  write("x", (at) => at.valueOf());
  write("X", (at) => at.unix());
  WRITE.z = (at) => at.zoneAbbr();
  WRITE.zz = (at) => at.zoneName();
  const offset = (between) => (at) => {
    const minutes = at.utcOffset();
    const length = Math.abs(minutes);
    return (minutes < 0 ? "-" : "+") + pad(Math.floor(length / 60), 2) + between + pad(Math.trunc(length) % 60, 2);
  };
  WRITE.Z = offset(":");
  WRITE.ZZ = offset("");
  for (const token of ["N", "NN", "NNN"]) WRITE[token] = (at) => at.eraAbbr();
  WRITE.NNNN = (at) => at.eraName();
  WRITE.NNNNN = (at) => at.eraNarrow();
  write("y", (at) => at.eraYear(), "yo");
  for (const length of [2, 3, 4]) padded("y".repeat(length), length, (at) => at.eraYear());

  const written = (at, given) => {
    if (!at.isValid()) return at.localeData().invalidDate();
    const format = kit.expand(given, at.localeData());
    return kit.tokens(format).map((token) => {
      if (WRITE[token]) return WRITE[token](at, format);
      return /\[[\s\S]/.test(token) ? token.replace(/^\[|\]$/g, "") : token.replace(/\\/g, "");
    }).join("");
  };
  fn.format = function (given) {
    const format = given || (this.isUtc() ? moment.defaultFormatUtc : moment.defaultFormat);
    return this.localeData().postformat(written(this, format));
  };
  fn.toISOString = function (keep) {
    if (!this.isValid()) return null;
    const at = keep === true ? this : this.clone().utc();
    const zone = keep === true ? "Z" : "[Z]";
    return written(at, (at.year() < 0 || at.year() > 9999 ? "YYYYYY" : "YYYY") + "-MM-DD[T]HH:mm:ss.SSS" + zone);
  };
  fn.toString = function () { return this.clone().locale("en").format("ddd MMM DD YYYY HH:mm:ss [GMT]ZZ"); };
  fn.inspect = function () {
    if (!this.isValid()) return "moment.invalid(/* " + this._i + " */)";
    const [maker, zone] = this.isLocal() ? ["moment", ""] : [this.utcOffset() === 0 ? "moment.utc" : "moment.parseZone", "Z"];
    const years = this.year() >= 0 && this.year() <= 9999 ? "YYYY" : "YYYYYY";
    return this.format("[" + maker + "(\"]" + years + "-MM-DD[T]HH:mm:ss.SSS" + zone + "[\")]");
  };
  fn[Symbol.for("nodejs.util.inspect.custom")] = function () { return "Moment<" + this.format() + ">"; };
  fn.toJSON = function () { return this.isValid() ? this.toISOString() : null; };
  fn.toDate = function () { return new Date(this.valueOf()); };
  fn.valueOf = function () { return +this._d - (this._offset || 0) * 6e4; };
  fn.unix = function () { return Math.floor(this.valueOf() / 1000); };
  fn.toArray = function () {
    return [this.year(), this.month(), this.date(), this.hour(), this.minute(), this.second(), this.millisecond()];
  };
  fn.toObject = function () {
    return { years: this.year(), months: this.month(), date: this.date(), hours: this.hours(), minutes: this.minutes(),
      seconds: this.seconds(), milliseconds: this.milliseconds() };
  };

  // ---------------------------------------------------------------- offsets
  const LONG_OFFSET = /Z|[+-]\d\d:?\d\d/gi;
  const SHORT_OFFSET = /Z|[+-]\d\d(?::?\d\d)?/gi;
  kit.offsetOf = (pattern, text) => {
    const found = String(text || "").match(new RegExp(pattern.source, "gi"));
    if (!found) return null;
    const parts = found[found.length - 1].match(/[+-]|\d\d/g) || ["-", 0, 0];
    const minutes = Number(parts[1]) * 60 + toInt(parts[2]);
    return minutes === 0 ? 0 : parts[0] === "+" ? minutes : -minutes;
  };
  fn.utcOffset = function (given, keepTime, keepMinutes) {
    const before = this._offset || 0;
    if (!this.isValid()) return given === undefined || given === null ? NaN : this;
    if (given === undefined || given === null) return this._isUTC ? before : 0;
    let minutes = given;
    if (typeof minutes === "string") {
      minutes = kit.offsetOf(SHORT_OFFSET, minutes);
      if (minutes === null) return this;
    } else if (Math.abs(minutes) < 16 && !keepMinutes) minutes *= 60;
    this._offset = minutes;
    this._isUTC = true;
    if (before !== minutes) {
      if (!keepTime || this._changing) kit.shift(this, moment.duration(minutes - before, "m"), 1, false);
      else {
        this._changing = true;
        moment.updateOffset(this, true);
        this._changing = null;
      }
    }
    return this;
  };
  fn.zone = function (given, keepTime) {
    if (given === undefined || given === null) return -this.utcOffset();
    return this.utcOffset(typeof given === "string" ? given : -given, keepTime);
  };
  fn.utc = function (keepTime) { return this.utcOffset(0, keepTime); };
  fn.local = function (keepTime) {
    if (this._isUTC) {
      this.utcOffset(0, keepTime);
      this._isUTC = false;
    }
    return this;
  };
  fn.parseZone = function () {
    if (this._tzm !== undefined && this._tzm !== null) this.utcOffset(this._tzm, false, true);
    else if (typeof this._i === "string") {
      const found = kit.offsetOf(LONG_OFFSET, this._i);
      if (found === null) this.utcOffset(0, true);
      else this.utcOffset(found);
    }
    return this;
  };
  fn.hasAlignedHourOffset = function (input) {
    if (!this.isValid()) return false;
    const other = input ? moment(input).utcOffset() : 0;
    return (this.utcOffset() - other) % 60 === 0;
  };
  fn.isDST = function () {
    return this.utcOffset() > this.clone().month(0).utcOffset() || this.utcOffset() > this.clone().month(5).utcOffset();
  };
  fn.isDSTShifted = function () { return false; };
  fn.isLocal = function () { return this.isValid() ? !this._isUTC : false; };
  fn.isUtcOffset = function () { return this.isValid() ? Boolean(this._isUTC) : false; };
  fn.isUtc = fn.isUTC = function () { return this.isValid() ? Boolean(this._isUTC) && this._offset === 0 : false; };
  fn.zoneAbbr = function () { return this._isUTC ? "UTC" : ""; };
  fn.zoneName = function () { return this._isUTC ? "Coordinated Universal Time" : ""; };
})
