// Expressions of moment and moment-timezone: by hand, and products of dates, formats, units, languages
// and zones.

const UNITS = ['year', 'quarter', 'month', 'week', 'isoWeek', 'day', 'date', 'hour', 'minute', 'second', 'millisecond'];
const DATES = ['2024-02-29T13:05:09.087Z', '2023-12-31T23:59:59.999Z', '2021-01-03T00:00:00Z', '2020-12-28T12:00:00Z', '1999-07-04T04:09:00.5Z', '2016-03-27T01:30:00Z', '0099-05-06T07:08:09Z', '2024-11-03T06:30:00Z'];
const TOKENS = ['M', 'Mo', 'MM', 'MMM', 'MMMM', 'Q', 'Qo', 'D', 'Do', 'DD', 'DDD', 'DDDo', 'DDDD', 'd', 'do', 'dd', 'ddd', 'dddd', 'e', 'E', 'w', 'wo', 'ww', 'W', 'Wo', 'WW', 'Y', 'YY', 'YYYY', 'YYYYY', 'YYYYYY', 'y', 'yyyy', 'N', 'NNNN', 'NNNNN', 'gg', 'gggg', 'ggggg', 'GG', 'GGGG', 'GGGGG', 'A', 'a', 'H', 'HH', 'h', 'hh', 'k', 'kk', 'hmm', 'hmmss', 'Hmm', 'Hmmss', 'm', 'mm', 's', 'ss', 'S', 'SS', 'SSS', 'SSSS', 'SSSSSS', 'SSSSSSSSS', 'z', 'zz', 'Z', 'ZZ', 'X', 'x', 'L', 'LL', 'LLL', 'LLLL', 'LT', 'LTS', 'l', 'll', 'lll', 'llll', '[Today is] dddd', '[a] [b]', '\\\\M MMM', 'YYYY-MM-DD[T]HH:mm:ss.SSSZ', 'D MMMM', 'MMMM YYYY', 'dddd, D MMM', 'YYYYMMDDHHmmss', 'D-MMM-YY', 'h:mm:ss a', 'LT [at] L', '?MM?', 'n b'];
const LANGUAGES = ['en', 'de', 'fr', 'es', 'nl', 'pt', 'pt-br', 'en-gb'];
const TEXTS = ['2024-02-29', '2024-02-29T13', '2024-02-29T13:05', '2024-02-29 13:05:09', '2024-02-29T13:05:09.1234567', '2024-02-29T13:05:09,5', '2024-02-29T13:05:09+02:00', '2024-02-29T13:05:09-0530', '2024-02-29T13:05+01',
  '20240229', '20240229T130509', '20240229T1305Z', '2024-060', '2024060', '2024-W09', '2024-W09-4', '2024W094', '2024W09', '2024-02', '202402', '2024', '+002024-02-29', '-000001-01-01', '2024-02-30', '2023-02-29', '2024-13-01', '2024-02-29T24:00:00', '2024-02-29T24:00:01', '2024-02-29T25:00', '2024-02-29T13:60', '2024-W54', '2024-W09-8', '2024-367', '2024-366', '2023-366', '2024-000',
  'Thu, 29 Feb 2024 13:05:09 +0000', 'Thu, 29 Feb 2024 13:05:09 GMT', '29 Feb 2024 13:05 EST', 'Fri, 29 Feb 2024 13:05:09 GMT', '29 Feb 24 13:05:09 Z', 'Thu, 29 Feb 2024 13:05:09 -0700 (MST)', '/Date(1198908717056-0700)/', ' 2024-02-29', '2024-02-29 ', 'nonsense', '', ' ', '12', '2024-2-9', '2024/02/29', 'Feb 29 2024', 'February 29, 2024 13:05', '1709211909087', '2024-02-29T13:05:09.087000Z', '2024-02-29T13:05:09Z', '2024-02-29 13:05:09.087 Z', '2024-02-29T', 'T13:05', '13:05', '2024-02-29T13:5', '99999-01-01', '0001-01-01', '0000-01-01'];
const FORMATTED = [['31/12/2023', 'DD/MM/YYYY'], ['12-25-1995 9:30 PM', 'MM-DD-YYYY h:mm A'], ['Mar 5, 2021', 'MMM D, YYYY'], ['5th March 2021', 'Do MMMM YYYY'], ['2010-10-20 4:30', 'YYYY-MM-DD HH:mm'], ['2010-10-20 4:30 +0000', 'YYYY-MM-DD HH:mm Z'], ['2012-10-14', 'DD-MM-YYYY'],
  ['It is 2012-05-25', 'YYYY-MM-DD'], ['12.05.2021', 'D.M.YYYY'], ['1.2.21', 'D.M.YY'], ['1.2.69', 'D.M.YY'], ['20210305', 'YYYYMMDD'], ['20210305134501', 'YYYYMMDDHHmmss'], ['1530', 'Hmm'], ['930', 'hmm'], ['13:45', 'HH:mm'], ['13:45:01.123', 'HH:mm:ss.SSS'], ['1', 'Q'], ['2021 3', 'YYYY Q'], ['2021-05', 'YYYY-DDDD'], ['2021-055', 'YYYY-DDDD'], ['2021 10', 'YYYY DDD'],
  ['1709211909', 'X'], ['1709211909.087', 'X'], ['1709211909087', 'x'], ['2021 W10 3', 'GGGG [W]WW E'], ['2021 10 2', 'gggg ww e'], ['Monday 2021 10', 'dddd gggg ww'], ['Monday', 'dddd'], ['Tue', 'ddd'], ['We', 'dd'], ['Mon 2021-03-02', 'ddd YYYY-MM-DD'], ['Tue 2021-03-02', 'ddd YYYY-MM-DD'], ['at 5 pm', '[at] h a'], ['12 am', 'h a'], ['12 pm', 'h a'], ['13 pm', 'h a'], ['0 am', 'H a'], ['5 P.M.', 'h A'],
  ['2021-03-05T10:00:00Z', 'YYYY-MM-DDTHH:mm:ssZ'], ['2021-03-05T10:00:00+02:00', 'YYYY-MM-DDTHH:mm:ss.SSSZ'], ['2021-13-05', 'YYYY-MM-DD'], ['2021-02-31', 'YYYY-MM-DD'], ['abc', 'YYYY'], ['', 'YYYY'], ['2021', ''], ['Foo 2021', 'MMM YYYY'], ['januari', 'MMMM'], ['24:00', 'HH:mm'], ['24:01', 'HH:mm'], ['99', 'DD'], ['2021-03-05 extra', 'YYYY-MM-DD'], ['2021--03', 'YYYY-MM'], ['3/5', 'M/D'], ['03/2021', 'MM/YYYY'], ['5', 'D'], ['2021', 'YYYY'], ['21', 'YYYY'], ['12345', 'YYYYY'], ['-5', 'Y'], ['1 2 3', 'S SS SSS'], ['1234567', 'SSSS'], ['.5', '.S'], ['Today 5', '[Today] D'], ['03/05/2021 1:05 PM', 'L LT'], ['March 5, 2021', 'LL'], ['2021-03-05', 'YYYY-MM-DD HH:mm'], ['10:05 PM', 'LT'], ['2021.03.05', 'YYYY-MM-DD'], ['1', 'M'], ['01', 'M'], ['0', 'M'], ['7', 'E'], ['8', 'E'], ['24', 'k'], ['24:30', 'kk:mm'], ['AD 5', 'N y'], ['5 BC', 'y N']];
const AMOUNTS = ['1', '-1', '13', '1.5', '"2"', '0', '-40', '0.4'];
const LENGTHS = ['1, "seconds"', '44, "seconds"', '45, "seconds"', '89, "seconds"', '90, "seconds"', '44, "minutes"', '45, "minutes"', '89, "minutes"', '90, "minutes"', '21, "hours"', '22, "hours"', '35, "hours"', '36, "hours"', '25, "days"', '26, "days"', '45, "days"', '46, "days"', '10, "months"', '11, "months"', '344, "days"', '345, "days"', '547, "days"', '548, "days"', '5, "years"', '-3, "hours"', '-2, "years"', '1.5, "months"', '"PT36H"', '"P1Y2M10DT2H30M"', '"P1W"', '"-P1DT0.5S"', '"P1.5D"', '"PT1,5S"', '"23:59:59.999"', '"7.23:59:59"', '"-01:30"', '"1 02:03"', '"nonsense"', '"15"', '1500', 'null', 'undefined', 'NaN', '{hours: 25, minutes: -5}', '{d: 1.5}', '{y: 1, M: 14, w: 2, Q: 1}', '{months: 1.5, days: 2}', '{bad: 1}', '{days: "3"}', '100, "d"', '1e10', '{M: 1, d: -40}', '{from: "2024-01-31", to: "2024-03-30"}', '{from: "2024-03-30", to: "2024-01-31"}', 'moment.duration(5, "h")', '"P"', '"PT"', '3, "quarters"', '0'];
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'UTC', 'Asia/Tokyo', 'Africa/Cairo'];
const CLOCKS = ['2024-03-31 02:30', '2024-03-31 01:59', '2024-10-27 02:30', '2024-03-10 02:30', '2024-11-03 01:30', '2024-07-01T12:00', '2024-01-01', '2010-06-15 08:00', '1985-05-05 05:05', '2024-07-01T12:00:00Z', '2024-07-01T12:00:00+05:00', '2024-04-07 01:45', '2024-10-06 02:15', '2018-11-04 00:30'];

const hand = String.raw`
moment()
moment(undefined)
moment({})
moment([])
moment([2010])
moment([2010, 6])
moment([2010, 1, 14, 15, 25, 50, 125])
moment([2010, 13])
moment([2010, 1, 30])
moment(["2010", "05"])
moment.utc([2010, 1, 14, 15, 25])
moment({y: 2010, M: 3, d: 5, h: 15, m: 10, s: 3, ms: 123})
moment({year: 2010, month: 3, day: 5})
moment({year: 2010, month: 3, date: 5})
moment({hour: 15, minute: 10})
moment({years: "2010", months: "3"})
moment({month: 13})
moment({nothing: 1})
moment(null)
moment(NaN)
moment(true)
moment(0)
moment(1318781876406)
moment(new Date(1318781876406))
moment(new Date(NaN))
moment(moment.utc("2010-01-01"))
moment(Infinity)
moment.unix(1318781876)
moment.unix(1318781876.721).valueOf()
moment.unix("100").valueOf()
moment("2010-01-01T05:06:07", moment.ISO_8601)
moment("2010-1-01T05:06:07", moment.ISO_8601)
moment("2010-01-01", moment.ISO_8601, true)
moment("Thu, 29 Feb 2024 13:05:09 GMT", moment.RFC_2822)
moment("nope", moment.RFC_2822).isValid()
moment("29-06-1995", ["MM-DD-YYYY", "DD-MM", "DD-MM-YYYY"])
moment("05-06-1995", ["MM-DD-YYYY", "DD-MM-YYYY"])
moment("29-06-1995", ["MM-DD-YYYY", "YYYY"]).isValid()
moment("2010-01-01", ["YYYY-MM-DD", moment.ISO_8601])
moment("2010-01-01T10:00:00Z", [moment.ISO_8601, "YYYY"], true)
moment("x", []).isValid()
moment("It is 2012-05-25", "YYYY-MM-DD", true).isValid()
moment("2012-05-25", "YYYY-MM-DD", true).isValid()
moment("2012-10-14", "YYYY-MM-DD", "fr", true).isValid()
moment("2012 juillet", "YYYY MMM", "fr")
moment("2012 July", "YYYY MMM", "fr").isValid()
moment("5. März 2021", "D. MMMM YYYY", "de")
moment("5 de marzo de 2021", "D [de] MMMM [de] YYYY", "es")
moment("5 maart 2021", "LL", "nl")
moment("1er mars 2021", "Do MMMM YYYY", "fr")
moment("2021-03-05", true).isValid()
moment("Mar 5 2021", true).isValid()
moment("2021-03-05", "YYYY-MM-DD", true).creationData().strict
moment("31/12/2023").isValid()
moment("2013-02-08T09:00:00-05:00").utcOffset(-300).format()
moment("2013-02-08T09:00:00-05:00").format()
moment.parseZone("2013-02-08T09:00:00+02:00").format()
moment.parseZone("2013-02-08T09:00:00").format()
moment.parseZone("2013-01-01 -13:00", "YYYY-MM-DD ZZ").format()
moment.utc("2013-02-08T09:00:00+02:00").format()
moment.utc("2013-02-08").format()
moment.utc().isUTC()
moment().isUTC()
moment().isLocal()
moment().utc().isUtc()
moment("2024-01-01T10:00").utcOffset("+05:30").format()
moment("2024-01-01T10:00").utcOffset(5).format()
moment("2024-01-01T10:00").utcOffset(330, true).format()
moment("2024-01-01T10:00").utcOffset("+05:30", true).toISOString()
moment("2024-01-01T10:00").utcOffset("bad").format()
moment("2024-01-01T10:00").utcOffset(90).utc(true).format()
moment("2024-01-01T10:00").utcOffset(90).local().format()
moment("2024-01-01T10:00").utcOffset(90).local(true).format()
moment("2024-01-01T10:00").utcOffset(-90).zone()
moment("2024-01-01T10:00").utcOffset(60).toISOString(true)
moment("2024-01-01T10:00").utcOffset(60).startOf("day").toISOString()
moment("2024-01-01T00:30").utcOffset(-60).format("YYYY-MM-DD")
moment("2024-01-01T10:00").utcOffset(60).isSame("2024-01-01T10:00")
moment("2024-01-31").add(1, "month")
moment("2024-01-31").add({months: 1, days: 2})
moment("2024-01-31").add(moment.duration(1, "month"))
moment("2024-01-31").add("months", 1)
moment("2024-01-31").add("02:30")
moment("2024-01-31").add("P1M")
moment("2024-01-31").add(1000)
moment("2024-01-31").add(1, "nothing")
moment("2024-01-31").add()
moment("2024-01-31").add(null, "d")
moment("2024-02-29").add(1, "y")
moment("2024-03-31").subtract(1, "M")
moment("2024-03-31").subtract({months: 1, days: 1})
moment("2024-01-31").add(1.5, "M")
moment("2024-01-31").add(1.4, "d").format()
moment("2024-01-31").add(0.5, "h").format()
moment("2024-01-31").month(1)
moment("2024-01-31").month("February")
moment("2024-01-31").month("feb")
moment("2024-01-31").month("nothing")
moment("2024-01-31").month(-1)
moment("2024-01-31").date(0)
moment("2024-01-31").date(40)
moment("2024-02-29").year(2023)
moment("2024-01-31").day("Monday")
moment("2024-01-31").day(-7)
moment("2024-01-31").day(10)
moment("2024-01-31").weekday(-7)
moment("2024-01-31").isoWeekday("Sunday")
moment("2024-02-04").isoWeekday(1)
moment("2024-01-31").isoWeek(53)
moment("2024-01-31").week(1)
moment("2024-12-31").weekYear(2020)
moment("2024-12-31").isoWeekYear(2020)
moment("2024-01-31").dayOfYear(366)
moment("2024-05-31").quarter(1)
moment("2024-01-31").hours(25)
moment("2024-01-31").set({year: 2023, month: 1})
moment("2024-01-31").set({date: 31, month: 4, year: 2021, hour: 5})
moment("2024-01-31").set("month", 1)
moment("2024-01-31").set("nothing", 1)
moment("2024-01-31").get("isoWeek")
moment("2024-01-31").toObject()
moment("2024-01-31").toArray()
moment("2024-01-31").daysInMonth()
moment("2023-02-01").isLeapYear()
moment("2020-06-01").weeksInYear()
moment("2020-06-01").isoWeeksInYear()
moment("2021-01-01").isoWeeksInISOWeekYear()
moment("2021-01-01").weeksInWeekYear()
moment("2024-03-10").diff("2024-01-31", "months")
moment("2024-03-10").diff("2024-01-31", "months", true)
moment("2024-03-10").diff("2024-01-31", "years", true)
moment("2024-03-10").diff("2024-01-31", "quarters", true)
moment("2024-03-10").diff("2024-01-31")
moment("2024-03-10").diff("nonsense", "days")
moment("2024-01-31").diff("2024-03-10", "weeks", true)
moment("2024-01-31").diff("2024-02-29", "months", true)
moment("2024-02-29").diff("2023-02-28", "years")
moment("2024-01-01T00:00:00").diff("2023-12-31T23:59:59.999", "days")
moment("2024-01-01").diff(moment.utc("2024-01-01").utcOffset(120, true), "days", true)
moment("2024-01-31").isBetween("2024-01-01", "2024-02-01")
moment("2024-01-31").isBetween("2024-01-31", "2024-02-01", undefined, "[)")
moment("2024-01-31").isBetween("2024-01-31", "2024-02-01", "month")
moment("2024-01-31").isBetween("2024-01-31", "2024-01-31", "day", "[]")
moment("2024-01-31").isSameOrBefore("2024-01-31", "day")
moment("2024-01-31").isSame("2024-01-01", "month")
moment("2024-01-31").isSame("nonsense")
moment("2024-01-31").isAfter()
moment.max(moment("2024-01-01"), moment("2025-01-01"))
moment.min([moment("2024-01-01"), moment("2025-01-01")])
moment.max([])
moment.min(moment("2024-01-01"), moment.invalid())
moment("2024-01-01").from("2024-01-03")
moment("2024-01-05").from("2024-01-03")
moment("2024-01-05").from("2024-01-03", true)
moment("2024-01-05").to("2025-01-03")
moment("2024-02-28").fromNow()
moment("2024-02-28").toNow()
moment("2024-02-29T13:05:00").fromNow(true)
moment("nonsense").fromNow()
moment("nonsense").format()
moment("nonsense").format("YYYY")
moment("nonsense").toISOString()
moment("nonsense").toJSON()
moment("nonsense").valueOf()
moment("nonsense").year()
moment("nonsense").add(1, "d").isValid()
moment("nonsense").toString()
JSON.stringify({m: moment("2024-01-01")})
JSON.stringify({m: moment("nonsense")})
moment("2024-01-01") + 1
String(moment("2024-01-01"))
moment("2024-01-01") < moment("2024-01-02")
moment("2024-01-01").inspect()
moment.utc("2024-01-01").inspect()
moment.parseZone("2024-01-01T00:00:00+02:00").inspect()
moment("nonsense").inspect()
moment("2024-01-01").toDate()
moment("2024-01-01").unix()
moment("2024-01-01T00:00:00.999").unix()
moment("-000100-01-01").unix()
moment("2024-02-30").invalidAt()
moment("2024-02-29T13:61").invalidAt()
moment("2024-02-30", "YYYY-MM-DD").parsingFlags().overflow
moment("2024-02 x", "YYYY-MM-DD").parsingFlags().unusedTokens
moment("2024-02-01 x", "YYYY-MM").parsingFlags().unusedInput
moment.invalid().isValid()
moment.invalid({invalidMonth: "Foo"}).parsingFlags().invalidMonth
moment.isMoment(moment())
moment.isMoment({})
moment.isDate(new Date())
moment.isDuration(moment.duration())
moment.normalizeUnits("Q")
moment.normalizeUnits("y")
moment.normalizeUnits("DAYS")
moment.normalizeUnits("nothing")
moment.locale()
moment.locale("nothing")
moment.locales().includes("en")
moment.months()
moment.monthsShort()
moment.monthsShort(2)
moment.months("MMM", 1)
moment.weekdays()
moment.weekdays(true)
moment.weekdays(3)
moment.weekdaysShort(true, 1)
moment.weekdaysMin()
moment.localeData("de").months()
moment.localeData("de").firstDayOfWeek()
moment.localeData("de").weekdays(true)
moment.localeData("en").ordinal(22)
moment.localeData("fr").ordinal(1, "D")
moment.localeData("en").longDateFormat("ll")
moment.localeData("en").longDateFormat("LLLL")
moment.localeData("en").invalidDate()
moment.localeData("en").meridiem(13, 0, true)
moment.localeData("en").isPM("PM")
moment.localeData("en").monthsParse("mar")
moment.localeData("en").weekdaysParse("Tue")
moment.localeData("en").pastFuture(5, "x")
moment.localeData("en").relativeTime(5, true, "mm", false)
moment.localeData("en").calendar("sameDay")
moment.localeData("pt-br").invalidDate()
moment("2024-02-29").locale("de").format("LLLL")
moment("2024-02-29").locale("de-xx").locale()
moment("2024-02-29").locale("nothing").locale()
moment("2024-02-29").locale(["nothing", "fr"]).locale()
moment("2024-02-29").locale("de").localeData().firstDayOfYear()
moment("2024-02-29", "YYYY-MM-DD", "de").format("dddd")
moment("2024-02-29").lang("de").format("MMMM")
(() => { moment.locale("de"); const r = [moment("2024-02-29").format("LL"), moment.weekdays(true)[0], moment().startOf("week").format("d"), moment.duration(3, "d").humanize(true)]; moment.locale("en"); return r })()
(() => { moment.defineLocale("x-own", {months: "a_b_c_d_e_f_g_h_i_j_k_l".split("_"), week: {dow: 1, doy: 4}}); const r = [moment.locale(), moment("2024-03-01").format("MMMM LL"), moment("2024-03-03").week()]; moment.locale("en"); return r })()
(() => { moment.defineLocale("x-child", {parentLocale: "fr", invalidDate: "non"}); const r = [moment("2024-03-01").format("MMMM"), moment("x-").format()]; moment.locale("en"); return r })()
(() => { moment.updateLocale("en", {relativeTime: {d: "one day!"}}); const r = moment.duration(1, "d").humanize(); const s = moment.duration(2, "d").humanize(); moment.updateLocale("en", null); return [r, s, moment.duration(1, "d").humanize()] })()
(() => { moment.updateLocale("en", {calendar: {sameDay: "[now] LT"}}); const r = moment().calendar(); moment.updateLocale("en", null); return r })()
moment().calendar()
moment().add(1, "d").calendar()
moment().subtract(1, "d").calendar()
moment().add(3, "d").calendar()
moment().subtract(3, "d").calendar()
moment().add(20, "d").calendar()
moment("2024-01-05").calendar("2024-01-04")
moment("2024-01-05").calendar(null, {sameElse: "YYYY"})
moment("2024-01-05").calendar({sameElse: "[x] YYYY"})
moment("2024-01-05").calendar("2024-01-04", {nextDay: () => "[fn]"})
moment.calendarFormat(moment("2024-01-05"), moment("2024-01-04"))
moment("2024-01-05").locale("es").calendar("2024-01-04")
moment("2024-01-06").locale("pt").calendar("2024-01-08")
moment.HTML5_FMT
moment.defaultFormat
moment.relativeTimeThreshold("m")
(() => { moment.relativeTimeThreshold("m", 5); const r = moment.duration(6, "m").humanize(); moment.relativeTimeThreshold("m", 45); return r })()
(() => { moment.relativeTimeRounding(Math.floor); const r = moment.duration(119, "m").humanize(); moment.relativeTimeRounding(Math.round); return r })()
moment.duration(8, "d").humanize({w: 4, d: 7})
moment.duration(8, "d").humanize(true, {w: 4, d: 7})
moment.duration(3, "s").humanize({ss: 1, s: 45})
moment.duration(3, "h").locale("de").humanize(true)
moment.duration(-1, "d").locale("fr").humanize(true)
moment.duration(1, "d").add(2, "h").asHours()
moment.duration(1, "d").subtract(2, "h").hours()
moment.duration(-5, "h").abs().hours()
moment.duration(1, "d").clone().add(1, "d").days()
moment.duration({from: moment("2024-01-01"), to: moment("2024-02-15")}).asDays()
moment.duration("P1Y").valueOf()
JSON.stringify({d: moment.duration(90, "m")})
moment.duration(1.25, "y").toISOString()
moment.duration.invalid().isValid()
moment.duration.invalid().humanize()
moment.duration(5).as("nothing")
moment.duration(5, "d").get("d")
moment.version
moment("2024-01-01").isDST()
moment("2024-01-01").hasAlignedHourOffset()
moment("2024-01-01").zoneAbbr()
moment.utc("2024-01-01").zoneAbbr()
moment.utc("2024-01-01").zoneName()
moment("2024-01-01").max("2025-01-01")
moment("2024-01-01").min("2025-01-01")
(() => { const a = moment("2024-01-01"); const b = a.clone().add(1, "d"); return [a, b] })()
(() => { const a = moment("2024-01-01"); a.add(1, "d").startOf("month"); return a })()
moment("2024-01-01").hours(5).minutes(6).seconds(7).milliseconds(8).toISOString()
moment("2024-01-01 10:00", "YYYY-MM-DD HH:mm").tz("Europe/Berlin").format()
moment.tz("2024-07-01 12:00", "YYYY-MM-DD HH:mm", "Europe/Berlin").format()
moment.tz("2024-07-01 12:00", "YYYY-MM-DD HH:mm", true, "Europe/Berlin").format()
moment.tz([2024, 6, 1, 12], "America/New_York").format()
moment.tz({year: 2024, month: 6, day: 1}, "America/New_York").format()
moment.tz(1719828000000, "America/New_York").format()
moment.tz(new Date(1719828000000), "america/new_york").tz()
moment.tz("Europe/Berlin").format("z Z")
moment.tz("2024-07-01", "Nowhere/None").format()
moment.tz("2024-07-01", "Europe/Berlin").tz()
moment().tz()
moment("2024-07-01").tz(5)
moment.tz("2024-07-01 12:00", "Europe/Berlin").tz("Asia/Tokyo").format("llll z")
moment.tz("2024-07-01 12:00", "Europe/Berlin").tz("Asia/Tokyo", true).format()
moment.tz("2024-03-30 12:00", "Europe/Berlin").add(1, "d").format()
moment.tz("2024-03-30 12:00", "Europe/Berlin").add(24, "h").format()
moment.tz("2024-03-31 12:00", "Europe/Berlin").startOf("day").format()
moment.tz("2024-03-31 12:00", "Europe/Berlin").endOf("day").toISOString()
moment.tz("2024-10-27 12:00", "Europe/Berlin").diff(moment.tz("2024-10-26 12:00", "Europe/Berlin"), "hours")
moment.tz("2024-10-27 12:00", "Europe/Berlin").diff(moment.tz("2024-10-26 12:00", "Europe/Berlin"), "days")
moment.tz("2024-07-01", "Europe/Berlin").isDST()
moment.tz("2024-01-01", "Europe/Berlin").isDST()
moment.tz("2024-01-01", "Europe/Berlin").month(6).format()
moment.tz("2024-01-01", "Europe/Berlin").utc().format()
moment.tz("2024-01-01", "Europe/Berlin").local().format()
moment.tz("2024-01-01", "Europe/Berlin").utcOffset(0).tz()
moment.tz("2024-01-01", "Europe/Berlin").utcOffset()
moment.tz("2024-01-01", "Europe/Berlin").clone().add(6, "M").format()
moment.tz("2024-01-01", "Europe/Berlin").zoneName()
moment.tz("2024-01-01T10:00:00+05:00", "Europe/Berlin").format()
moment.tz.zoneExists("Europe/Berlin")
moment.tz.zoneExists("Europe/Nowhere")
moment.tz.zone("Europe/Berlin").name
moment.tz.zone("Europe/Berlin").abbr(1719828000000)
moment.tz.zone("Europe/Berlin").utcOffset(1719828000000)
moment.tz.zone("Europe/Berlin").parse(Date.UTC(2024, 6, 1, 12))
moment.tz.zone("nowhere")
moment.tz.names().includes("Europe/Berlin")
moment.tz.names().length > 400
moment.tz.zone("US/Eastern").name
(() => { moment.tz.setDefault("America/New_York"); const r = [moment("2024-07-01 12:00").format(), moment(0).format(), moment.utc("2024-07-01").format(), moment([2024, 0, 1]).format()]; moment.tz.setDefault(); return [r, moment("2024-07-01").format()] })()
`;

function generated() {
  const all = [];
  const m = (date) => `moment(${JSON.stringify(date)})`;
  for (const [at, date] of DATES.entries()) {
    for (const token of TOKENS) all.push(`${at % 2 ? m(date) : `moment.utc('${date}')`}.format('${token}')`);
    for (const token of TOKENS) if (at < 2) all.push(`moment.utc('${date}').utcOffset(-210).format('${token}')`);
    for (const unit of UNITS) {
      all.push(`${m(date)}.startOf('${unit}').format()`, `${m(date)}.endOf('${unit}').toISOString()`, `${m(date)}.${unit}()`, `${m(date)}.get('${unit}')`);
      for (const amount of AMOUNTS) all.push(`${m(date)}.add(${amount}, '${unit}s').toISOString()`, `${m(date)}.subtract(${amount}, '${unit}').toISOString()`);
      for (const value of ['0', '1', '5', '-3', '40']) all.push(`${m(date)}.${unit}(${value}).toISOString()`, `${m(date)}.set('${unit}', ${value}).toISOString()`);
      for (const other of DATES) {
        all.push(`${m(date)}.diff('${other}', '${unit}', true)`, `${m(date)}.diff('${other}', '${unit}s')`);
        for (const test of ['isSame', 'isBefore', 'isAfter', 'isSameOrAfter']) if (at % 3 === 0) all.push(`${m(date)}.${test}('${other}', '${unit}')`);
      }
    }
    for (const other of DATES) all.push(`${m(date)}.from('${other}')`, `${m(date)}.calendar('${other}')`, `moment.duration({from: '${date}', to: '${other}'})`);
    for (const name of ['weekday', 'isoWeekday', 'weekYear', 'isoWeekYear', 'dayOfYear', 'weeksInYear', 'isoWeeksInYear', 'daysInMonth', 'toString', 'eraYear', 'eraName']) all.push(`${m(date)}.${name}()`);
  }
  for (const text of TEXTS) {
    const quoted = JSON.stringify(text);
    all.push(`moment(${quoted})`, `moment.utc(${quoted})`, `moment.parseZone(${quoted}).format()`, `moment(${quoted}, moment.ISO_8601, true)`, `moment(${quoted}, true).isValid()`, `moment(${quoted}).invalidAt()`);
  }
  for (const [text, format] of FORMATTED) {
    const given = `${JSON.stringify(text)}, ${JSON.stringify(format)}`;
    all.push(`moment(${given})`, `moment(${given}, true)`, `moment.utc(${given}).toISOString()`, `moment(${given}).parsingFlags().unusedInput`, `moment(${given}, 'de')`);
  }
  for (const language of LANGUAGES) {
    for (const date of DATES) for (const token of TOKENS) if (/[DMLdwoaAlQ]/.test(token)) all.push(`${m(date)}.locale('${language}').format('${token}')`);
    for (const length of LENGTHS) all.push(`moment.duration(${length}).locale('${language}').humanize(true)`, `moment.duration(${length}).locale('${language}').humanize()`);
    for (const days of [-8, -4, -1, 0, 1, 4, 8]) all.push(`moment().add(${days}, 'd').locale('${language}').calendar()`);
    for (const date of DATES) {
      for (const format of ['LL', 'D MMMM YYYY', 'dddd D MMM YYYY', 'Do MMMM YYYY', 'DD-MMM-YYYY']) {
        all.push(`(x => moment(x, '${format}', '${language}').format('YYYY-MM-DD'))(${m(date)}.locale('${language}').format('${format}'))`);
      }
      all.push(`${m(date)}.locale('${language}').week()`, `${m(date)}.locale('${language}').startOf('week').format()`, `${m(date)}.locale('${language}').weekday()`);
    }
  }
  for (const length of LENGTHS) {
    const d = `moment.duration(${length})`;
    for (const name of ['years', 'months', 'weeks', 'days', 'hours', 'minutes', 'seconds', 'milliseconds', 'asYears', 'asQuarters', 'asMonths', 'asWeeks', 'asDays', 'asHours', 'asMinutes', 'asSeconds', 'asMilliseconds', 'toISOString', 'isValid', 'valueOf', 'toJSON', 'abs', 'humanize']) all.push(`${d}.${name}()`);
    all.push(`${d}.add(1, 'h').toISOString()`, `moment('2024-01-31').add(${d}).toISOString()`, `${d}.as('w')`, `${d}.get('month')`);
  }
  for (const zone of ZONES) {
    for (const clock of CLOCKS) {
      const z = `moment.tz('${clock}', '${zone}')`;
      all.push(`${z}.format('YYYY-MM-DDTHH:mm:ssZ z')`, `${z}.toISOString()`, `${z}.add(1, 'd').format()`, `${z}.add(1, 'h').format()`, `${z}.startOf('day').format()`, `${z}.endOf('month').format()`, `${z}.month(6).format()`, `${z}.hour(2).format()`, `${z}.isDST()`, `${z}.utcOffset()`, `moment.utc('${clock}').tz('${zone}').format('llll Z')`, `moment.tz.zone('${zone}').abbr(Date.parse('2024-05-05'))`);
    }
  }
  return all;
}

export const moment = {
  name: 'moment',
  require: "const moment = require('moment-timezone'); moment.suppressDeprecationWarnings = true; moment.now = () => 1709211909087",
  prefix: '',
  expressions: [...new Set([...hand.trim().split('\n'), ...generated()])],
};
