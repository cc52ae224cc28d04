// What a moment is: a date whose fields in UTC are those of its own clock, and the offset of this clock.
(function (moment, kit) {
  "use strict";
  const KEPT = ["_isAMomentObject", "_i", "_f", "_l", "_tzm", "_isUTC", "_offset", "_pf", "_locale", "_strict", "_a", "_z"];
  let updating = false;

  class Moment {
    constructor(config) {
      for (const key of KEPT) if (config[key] !== undefined) this[key] = key === "_pf" ? { ...config[key] } : config[key];
      this._d = new Date(config._d === undefined || config._d === null ? NaN : +config._d);
      this._isAMomentObject = true;
      if (!this.isValid()) this._d = new Date(NaN);
      if (!updating) {
        updating = true;
        moment.updateOffset(this);
        updating = false;
      }
    }
  }
  kit.Moment = Moment;
  kit.isMoment = (value) => value instanceof Moment || (value !== null && typeof value === "object" && value._isAMomentObject === true);
  kit.toInt = (value) => {
    const number = Number(value);
    return Number.isFinite(number) ? Math.trunc(number) + 0 : 0;
  };
  kit.mod = (number, by) => ((number % by) + by) % by;
  kit.pad = (number, length, sign) => (number >= 0 ? (sign ? "+" : "") : "-") + String(Math.abs(number)).padStart(length, "0");
  kit.isLeap = (year) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  kit.daysInYear = (year) => (kit.isLeap(year) ? 366 : 365);
  kit.daysIn = (year, month) => {
    if (Number.isNaN(year) || Number.isNaN(month)) return NaN;
    const inYear = kit.mod(month, 12);
    const of = year + (month - inYear) / 12;
    return inYear === 1 ? (kit.isLeap(of) ? 29 : 28) : 31 - ((inYear % 7) % 2);
  };
  // Years below 100 are years, too.
  kit.utc = (year, month, day, hour, minute, second, milli) => {
    const date = new Date(0);
    date.setUTCFullYear(year, month || 0, day === undefined ? 1 : day);
    date.setUTCHours(hour || 0, minute || 0, second || 0, milli || 0);
    return +date;
  };

  // ---------------------------------------------------------------- weeks of a year
  const firstWeek = (year, dow, doy) => {
    const within = 7 + dow - doy;
    const weekday = kit.mod(new Date(kit.utc(year, 0, within)).getUTCDay() - dow, 7);
    return -weekday + within - 1;
  };
  kit.fromWeek = (year, week, weekday, dow, doy) => {
    const day = 1 + 7 * (week - 1) + kit.mod(weekday - dow, 7) + firstWeek(year, dow, doy);
    if (day <= 0) return { year: year - 1, dayOfYear: kit.daysInYear(year - 1) + day };
    const length = kit.daysInYear(year);
    return day > length ? { year: year + 1, dayOfYear: day - length } : { year, dayOfYear: day };
  };
  kit.weeksIn = (year, dow, doy) => (kit.daysInYear(year) - firstWeek(year, dow, doy) + firstWeek(year + 1, dow, doy)) / 7;
  kit.weekOf = (at, dow, doy) => {
    const week = Math.floor((at.dayOfYear() - firstWeek(at.year(), dow, doy) - 1) / 7) + 1;
    if (week < 1) return { week: week + kit.weeksIn(at.year() - 1, dow, doy), year: at.year() - 1 };
    const most = kit.weeksIn(at.year(), dow, doy);
    return week > most ? { week: week - most, year: at.year() + 1 } : { week, year: at.year() };
  };

  // ---------------------------------------------------------------- units
  const ALIASES = { D: "date", dates: "date", d: "day", days: "day", e: "weekday", weekdays: "weekday", E: "isoWeekday",
    isoweekdays: "isoWeekday", isoweekday: "isoWeekday", DDD: "dayOfYear", dayofyears: "dayOfYear", dayofyear: "dayOfYear",
    h: "hour", hours: "hour", ms: "millisecond", milliseconds: "millisecond", m: "minute", minutes: "minute", M: "month",
    months: "month", Q: "quarter", quarters: "quarter", s: "second", seconds: "second", gg: "weekYear", weekyears: "weekYear",
    weekyear: "weekYear", GG: "isoWeekYear", isoweekyears: "isoWeekYear", isoweekyear: "isoWeekYear", w: "week", weeks: "week",
    W: "isoWeek", isoweeks: "isoWeek", isoweek: "isoWeek", y: "year", years: "year" };
  for (const unit of ["date", "day", "weekday", "hour", "millisecond", "minute", "month", "quarter", "second", "week", "year"]) ALIASES[unit] = unit;
  const find = (name) => (Object.prototype.hasOwnProperty.call(ALIASES, name) ? ALIASES[name] : undefined);
  kit.unitOf = (name) => (typeof name === "string" ? find(name) || find(name.toLowerCase()) : undefined);
  kit.byUnit = (given) => {
    const result = {};
    for (const [name, value] of Object.entries(given)) {
      const unit = kit.unitOf(name);
      if (unit) result[unit] = value;
    }
    return result;
  };

  // ---------------------------------------------------------------- validity
  kit.flags = (config) => {
    if (!config._pf) {
      config._pf = { empty: false, unusedTokens: [], unusedInput: [], overflow: -2, charsLeftOver: 0, nullInput: false,
        invalidEra: null, invalidMonth: null, invalidFormat: false, userInvalidated: false, iso: false, parsedDateParts: [],
        era: null, meridiem: undefined, rfc2822: false, weekdayMismatch: false };
    }
    return config._pf;
  };
  kit.isValid = (config) => {
    if (config._isValid === false) return false;
    const flags = kit.flags(config);
    const parts = flags.parsedDateParts.some((one) => one !== undefined && one !== null);
    const fine = config._d && !Number.isNaN(+config._d) && flags.overflow < 0 && !flags.empty && !flags.invalidEra
      && !flags.invalidMonth && !flags.invalidWeekday && !flags.weekdayMismatch && !flags.nullInput && !flags.invalidFormat
      && !flags.userInvalidated && (!flags.meridiem || (flags.meridiem && parts));
    if (!fine || !config._strict) return Boolean(fine);
    return flags.charsLeftOver === 0 && flags.unusedTokens.length === 0 && flags.bigHour === undefined;
  };
  kit.invalid = (flags) => {
    const result = moment.utc(NaN);
    Object.assign(kit.flags(result), flags || { userInvalidated: true });
    return result;
  };
  // The same moment, seen on the clock of another.
  kit.onClockOf = (input, model) => {
    if (!model._isUTC) return moment(input).local();
    const result = model.clone();
    const time = kit.isMoment(input) || input instanceof Date ? +input : +moment(input);
    result._d.setTime(+result._d + time - +result);
    moment.updateOffset(result, false);
    return result;
  };
  kit.KEPT = KEPT;
  moment.fn = moment.prototype = Moment.prototype;
  moment.isMoment = kit.isMoment;
  moment.isDate = (value) => value instanceof Date;
  moment.now = () => Date.now();
  moment.invalid = kit.invalid;
  moment.normalizeUnits = kit.unitOf;
  moment.momentProperties = [];
  moment.suppressDeprecationWarnings = false;
  moment.deprecationHandler = null;
  moment.updateOffset = () => undefined;
  moment.parseTwoDigitYear = (text) => kit.toInt(text) + (kit.toInt(text) > 68 ? 1900 : 2000);
  moment.ISO_8601 = () => undefined;
  moment.RFC_2822 = () => undefined;
  moment.defaultFormat = "YYYY-MM-DDTHH:mm:ssZ";
  moment.defaultFormatUtc = "YYYY-MM-DDTHH:mm:ss[Z]";
  moment.HTML5_FMT = { DATETIME_LOCAL: "YYYY-MM-DDTHH:mm", DATETIME_LOCAL_SECONDS: "YYYY-MM-DDTHH:mm:ss",
    DATETIME_LOCAL_MS: "YYYY-MM-DDTHH:mm:ss.SSS", DATE: "YYYY-MM-DD", TIME: "HH:mm", TIME_SECONDS: "HH:mm:ss",
    TIME_MS: "HH:mm:ss.SSS", WEEK: "GGGG-[W]WW", MONTH: "YYYY-MM" };
})
