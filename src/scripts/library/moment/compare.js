// Moments beside each other: differences, order, distances in words.
(function (moment, kit) {
  "use strict";
  const fn = kit.Moment.prototype;
  const down = (number) => (number < 0 ? Math.ceil(number) || 0 : Math.floor(number));
  const months = (one, other) => {
    if (one.date() < other.date()) return -months(other, one);
    const whole = (other.year() - one.year()) * 12 + (other.month() - one.month());
    const anchor = one.clone().add(whole, "months");
    const beyond = other - anchor;
    const length = beyond < 0 ? anchor - one.clone().add(whole - 1, "months") : one.clone().add(whole + 1, "months") - anchor;
    return -(whole + beyond / length) || 0;
  };
  fn.diff = function (input, name, exact) {
    if (!this.isValid()) return NaN;
    const that = kit.onClockOf(input, this);
    if (!that.isValid()) return NaN;
    const shift = (that.utcOffset() - this.utcOffset()) * 6e4;
    const unit = kit.unitOf(name);
    const found = {
      year: () => months(this, that) / 12, month: () => months(this, that), quarter: () => months(this, that) / 3,
      second: () => (this - that) / 1e3, minute: () => (this - that) / 6e4, hour: () => (this - that) / 36e5,
      day: () => (this - that - shift) / 864e5, week: () => (this - that - shift) / 6048e5,
    }[unit];
    const result = found ? found() : this - that;
    return exact ? result : down(result);
  };

  const asMoment = (input) => (kit.isMoment(input) ? input : moment(input));
  const compared = (plain, byUnit) => function (input, name) {
    const other = asMoment(input);
    if (!this.isValid() || !other.isValid()) return false;
    const unit = kit.unitOf(name) || "millisecond";
    return unit === "millisecond" ? plain(+this, +other) : byUnit(this, +other, unit);
  };
  const start = (at, unit) => +at.clone().startOf(unit);
  const end = (at, unit) => +at.clone().endOf(unit);
  fn.isAfter = compared((one, other) => one > other, (at, other, unit) => other < start(at, unit));
  fn.isBefore = compared((one, other) => one < other, (at, other, unit) => end(at, unit) < other);
  fn.isSame = compared((one, other) => one === other, (at, other, unit) => start(at, unit) <= other && other <= end(at, unit));
  fn.isSameOrAfter = function (input, unit) { return this.isSame(input, unit) || this.isAfter(input, unit); };
  fn.isSameOrBefore = function (input, unit) { return this.isSame(input, unit) || this.isBefore(input, unit); };
  fn.isBetween = function (from, to, unit, given) {
    const [first, last] = [asMoment(from), asMoment(to)];
    if (!(this.isValid() && first.isValid() && last.isValid())) return false;
    const ends = given || "()";
    return (ends[0] === "(" ? this.isAfter(first, unit) : !this.isBefore(first, unit))
      && (ends[1] === ")" ? this.isBefore(last, unit) : !this.isAfter(last, unit));
  };
  const worded = (away) => function (time, bare) {
    const other = kit.isMoment(time) ? time : moment(time);
    if (!this.isValid() || !other.isValid()) return this.localeData().invalidDate();
    const ends = away ? { from: this, to: time } : { to: this, from: time };
    return moment.duration(ends).locale(this.locale()).humanize(!bare);
  };
  fn.from = worded(false);
  fn.to = worded(true);
  fn.fromNow = function (bare) { return this.from(moment(), bare); };
  fn.toNow = function (bare) { return this.to(moment(), bare); };

  const isInput = (value) => kit.isMoment(value) || value instanceof Date || typeof value === "string" || typeof value === "number"
    || (Array.isArray(value) && value.every((one) => typeof one === "number"))
    || (value !== null && typeof value === "object" && Object.keys(value).some((name) => kit.unitOf(name)))
    || value === null || value === undefined;
  moment.calendarFormat = (at, now) => {
    const days = at.diff(now, "days", true);
    return days < -6 ? "sameElse" : days < -1 ? "lastWeek" : days < 0 ? "lastDay" : days < 1 ? "sameDay" : days < 2 ? "nextDay"
      : days < 7 ? "nextWeek" : "sameElse";
  };
  fn.calendar = function (...given) {
    let [time, formats] = given;
    if (given.length === 1) {
      if (!given[0]) time = undefined;
      else if (!isInput(given[0])) [time, formats] = [undefined, given[0]];
    }
    const now = time || moment();
    const today = kit.onClockOf(now, this).startOf("day");
    const key = moment.calendarFormat(this, today) || "sameElse";
    const own = formats && (typeof formats[key] === "function" ? formats[key].call(this, now) : formats[key]);
    return this.format(own || this.localeData().calendar(key, this, moment(now)));
  };

  const pick = (beats) => (...given) => {
    const list = given.length === 1 && Array.isArray(given[0]) ? given[0] : given;
    if (!list.length) return moment();
    return list.reduce((best, one) => (!one.isValid() || (best.isValid() && beats(one, best)) ? one : best));
  };
  moment.min = pick((one, best) => one.isBefore(best));
  moment.max = pick((one, best) => one.isAfter(best));
  const capped = (beats) => function (...given) {
    const other = moment(...given);
    if (!this.isValid() || !other.isValid()) return kit.invalid();
    return beats(other, this) ? this : other;
  };
  // Lower and upper bounds, as these two have always been.
  fn.max = capped((other, at) => other > at);
  fn.min = capped((other, at) => other < at);
})
