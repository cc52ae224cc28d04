//! The two libraries that scripts require, as far as they go. Expected values are what the documents
//! of either library say.

use super::*;

/// All in one run: an array of what each expression is.
async fn check(prefix: &str, checks: &[(&str, Value)]) {
    let scripts = scripts();
    let list: Vec<String> = checks
        .iter()
        .map(|(expression, _)| format!("() => ({expression})"))
        .collect();
    let source = format!(
        "{prefix}; const list = [{}];
         done({{found: list.map(one => {{ try {{ return {{v: one()}} }} catch (e) {{ return {{e: String(e)}} }} }})}})",
        list.join(",\n")
    );
    let found = result(&scripts, &source, json!({})).await;
    let found = found["found"].as_array().expect("a list");
    let mut wrong = Vec::new();
    for ((expression, expected), found) in checks.iter().zip(found) {
        if found["v"] != *expected || found.get("e").is_some() {
            wrong.push(format!("{expression}\n  is {found}\n  not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn lodash() {
    let prefix = "const _ = require('lodash'); const users = [{n: 'b', a: 2, ok: true}, {n: 'a', a: 2}, {n: 'c', a: 1}]";
    check(
        prefix,
        &[
            ("_.get({a: [{b: {c: 3}}]}, 'a[0].b.c')", json!(3)),
            ("_.get({}, 'a.b', 'none')", json!("none")),
            ("_.get({'a.b': 1}, 'a.b')", json!(1)),
            ("_.set({}, 'a[0].b', 1)", json!({"a": [{"b": 1}]})),
            ("[_.has({a: {b: 1}}, 'a.b'), _.has({}, 'toString'), _.has({a: 1}, ['a'])]", json!([true, false, true])),
            ("_.toPath('a[0][\"b.c\"].d')", json!(["a", "0", "b.c", "d"])),
            ("_.map(users, 'n')", json!(["b", "a", "c"])),
            ("_.map({a: 1, b: 2}, (v, k) => k + v)", json!(["a1", "b2"])),
            ("_.filter(users, {a: 2}).length", json!(2)),
            ("_.filter(users, ['n', 'c'])", json!([{"n": "c", "a": 1}])),
            ("_.reject(users, 'ok').length", json!(2)),
            ("_.find(users, u => u.a < 2).n", json!("c")),
            ("_.find(users, 'nothing') === undefined", json!(true)),
            ("[_.findIndex(users, {n: 'a'}), _.findIndex(users, 'x')]", json!([1, -1])),
            ("(() => { const s = []; _.forEach([1, 2, 3], v => { s.push(v); return v < 2 }); return s })()", json!([1, 2])),
            ("_.reduce([1, 2, 3], (a, b) => a + b)", json!(6)),
            ("_.reduce({a: 1, b: 2}, (all, v, k) => ({...all, [v]: k}), {})", json!({"1": "a", "2": "b"})),
            ("[_.isEmpty(null), _.isEmpty({}), _.isEmpty(''), _.isEmpty([0]), _.isEmpty(5), _.isEmpty({a: 1})]", json!([true, true, true, false, true, false])),
            ("[_.isNil(null), _.isNil(undefined), _.isNil(0)]", json!([true, true, false])),
            ("[_.isArray([]), _.isString('a'), _.isObject(null), _.isPlainObject({}), _.isPlainObject(new Date())]", json!([true, true, false, true, false])),
            ("_.pick({a: 1, b: {c: 2, d: 3}}, ['a', 'b.c', 'x'])", json!({"a": 1, "b": {"c": 2}})),
            ("_.omit({a: 1, b: 2, c: 3}, 'a', ['c'])", json!({"b": 2})),
            ("_.omitBy({a: null, b: 2}, _.isNil)", json!({"b": 2})),
            ("_.pickBy({a: 0, b: 2})", json!({"b": 2})),
            ("_.merge({a: {b: 1}, l: [1, 2]}, {a: {c: 2}, l: [3]}, null)", json!({"a": {"b": 1, "c": 2}, "l": [3, 2]})),
            ("_.assign({a: 1}, {b: 2}, null)", json!({"a": 1, "b": 2})),
            ("_.defaults({a: 1}, {a: 2, b: 3})", json!({"a": 1, "b": 3})),
            ("(() => { const o = {a: [{b: 1}]}; const c = _.cloneDeep(o); c.a[0].b = 2; return o.a[0].b })()", json!(1)),
            ("_.isEqual({a: [1, {b: 2}]}, {a: [1, {b: 2}]})", json!(true)),
            ("_.groupBy([6.1, 4.2, 6.3], Math.floor)", json!({"4": [4.2], "6": [6.1, 6.3]})),
            ("_.keyBy(users, 'n').c.a", json!(1)),
            ("_.countBy(users, 'a')", json!({"1": 1, "2": 2})),
            ("_.map(_.sortBy(users, ['a', 'n']), 'n')", json!(["c", "a", "b"])),
            ("_.map(_.orderBy(users, ['a', 'n'], ['desc', 'asc']), 'n')", json!(["a", "b", "c"])),
            ("_.uniq([2, 1, 2])", json!([2, 1])),
            ("_.uniqBy(users, 'a').length", json!(2)),
            ("[_.flatten([1, [2, [3]]]), _.flattenDeep([1, [2, [3]]])]", json!([[1, 2, [3]], [1, 2, 3]])),
            ("_.chunk(['a', 'b', 'c'], 2)", json!([["a", "b"], ["c"]])),
            ("_.compact([0, 1, false, 2, ''])", json!([1, 2])),
            ("_.difference([2, 1], [2, 3])", json!([1])),
            ("_.intersection([2, 1], [2, 3])", json!([2])),
            ("_.union([2], [1, 2])", json!([2, 1])),
            ("[_.first([1, 2]), _.last([1, 2]), _.take([1, 2, 3], 2), _.drop([1, 2, 3])]", json!([1, 2, [1, 2], [2, 3]])),
            ("_.zipObject(['a', 'b'], [1, 2])", json!({"a": 1, "b": 2})),
            ("_.fromPairs(_.toPairs({a: 1}))", json!({"a": 1})),
            ("_.mapValues({a: {x: 1}}, 'x')", json!({"a": 1})),
            ("_.mapKeys({a: 1}, (v, k) => k + v)", json!({"a1": 1})),
            ("_.invert({a: 1})", json!({"1": "a"})),
            ("[_.camelCase('--foo-bar--'), _.camelCase('Foo Bar'), _.camelCase('__FOO_BAR__')]", json!(["fooBar", "fooBar", "fooBar"])),
            ("[_.snakeCase('fooBar'), _.kebabCase('Foo Bar'), _.startCase('fooBar')]", json!(["foo_bar", "foo-bar", "Foo Bar"])),
            ("[_.capitalize('FRED'), _.upperFirst('fred'), _.trim('-_-abc-_-', '_-')]", json!(["Fred", "Fred", "abc"])),
            ("[_.padStart('abc', 6, '_-'), _.truncate('hi-diddly-ho there, neighborino')]", json!(["_-_abc", "hi-diddly-ho there, neighbo..."])),
            ("[_.sum([4, 2]), _.sumBy(users, 'a'), _.mean([4, 2]), _.max([1, 3]), _.maxBy(users, 'a').n]", json!([6, 5, 3, 3, "b"])),
            ("[_.round(4.006, 2), _.round(1.005, 2), _.floor(4.06, 1)]", json!([4.01, 1.01, 4])),
            ("[_.range(4), _.range(1, 5, 2), _.range(-2)]", json!([[0, 1, 2, 3], [1, 3], [0, -1]])),
            ("_.includes({a: 1, b: 2}, 1) && _.includes('abcd', 'bc') && !_.includes([1], 2)", json!(true)),
            ("_.partition([1, 2, 3], n => n % 2)", json!([[1, 3], [2]])),
            ("_.flow([x => x + 1, x => x * 2])(3)", json!(8)),
            ("_.escape('<a & \"b\">')", json!("&lt;a &amp; &quot;b&quot;&gt;")),
            ("_.times(3, i => i * 2)", json!([0, 2, 4])),
            ("_.unset({a: {b: 7}}, 'a.b')", json!(true)),
        ],
    )
    .await;
}

#[tokio::test]
async fn lodash_chains_and_its_curried_form() {
    check(
        "const _ = require('lodash'); const fp = require('lodash/fp')",
        &[
            ("_.chain([3, 1, 2, 1]).uniq().sortBy().map(n => n * 2).value()", json!([2, 4, 6])),
            ("_([1, 2]).map(n => n + 1).value()", json!([2, 3])),
            ("fp.map(n => n * 2)([1, 2])", json!([2, 4])),
            ("fp.flow(fp.filter('ok'), fp.map('n'), fp.join('+'))([{n: 1, ok: 1}, {n: 2}, {n: 3, ok: 1}])", json!("1+3")),
            ("fp.get('a.b', {a: {b: 1}})", json!(1)),
            ("fp.getOr(5, 'a.b')({})", json!(5)),
            ("(() => { const o = {a: 1}; fp.set('b', 2, o); return [o, fp.set('b', 2, o)] })()", json!([{"a": 1}, {"a": 1, "b": 2}])),
            ("fp.map(parseInt)(['1', '2', '3'])", json!([1, 2, 3])),
        ],
    )
    .await;
}

#[tokio::test]
async fn single_functions_and_languages_can_be_required() {
    check(
        "",
        &[
            ("require('lodash/get')({a: 1}, 'a')", json!(1)),
            ("require('lodash.get')({a: 1}, 'a')", json!(1)),
            ("require('lodash.clonedeep')({a: [1]})", json!({"a": [1]})),
            ("require('lodash/fp/map')(n => n + 1)([1])", json!([2])),
            ("require('lodash/map.js')([1], n => n + 1)", json!([2])),
            (
                "require('moment-timezone') === require('moment')",
                json!(true),
            ),
            (
                "require('moment-timezone').tz('2024-07-01 12:00', 'Europe/Berlin').toISOString()",
                json!("2024-07-01T10:00:00.000Z"),
            ),
            (
                "require('moment/locale/de')('2024-03-05').format('LL')",
                json!("5. März 2024"),
            ),
            ("require('lodash') === require('lodash')", json!(true)),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_not_there_says_its_name() {
    let scripts = scripts();
    for (source, name) in [
        ("require('lodash/nothing')", "'lodash/nothing'"),
        ("require('lodash/__proto__')", "'lodash/__proto__'"),
        ("require('lodash/base')", "'lodash/base'"),
        ("require('moment/locale/xx')", "'moment/locale/xx'"),
        ("require('moment/core')", "'moment/core'"),
        ("require('moment').tz.countries()", "moment.tz.countries"),
        ("notify.email('a@b.example')", "notify.email"),
    ] {
        let told = failure(&scripts, source).await.to_string();
        assert!(told.contains(name), "{source}: {told}");
    }
}

#[tokio::test]
async fn moment() {
    let prefix = "const moment = require('moment'); const m = moment('2024-02-29T13:05:09.087Z')";
    check(
        prefix,
        &[
            ("m.format()", json!("2024-02-29T13:05:09+00:00")),
            ("m.clone().utc().toISOString()", json!("2024-02-29T13:05:09.087Z")),
            ("JSON.stringify({m})", json!("{\"m\":\"2024-02-29T13:05:09.087Z\"}")),
            ("[m.unix(), m.valueOf(), +m === m.toDate().getTime()]", json!([1_709_211_909, 1_709_211_909_087_i64, true])),
            ("m.format('YYYY-MM-DD HH:mm:ss.SSS')", json!("2024-02-29 13:05:09.087")),
            ("m.format('dddd, MMMM Do YYYY, h:mm:ss a')", json!("Thursday, February 29th 2024, 1:05:09 pm")),
            ("m.format('[Today is] ddd DDDD Q W X x ZZ')", json!("Today is Thu 060 1 9 1709211909 1709211909087 +0000")),
            ("m.format('MM/DD/YY LT L')", json!("02/29/24 1:05 PM 02/29/2024")),
            ("moment.utc('2024-01-31').add(1, 'month').format('YYYY-MM-DD')", json!("2024-02-29")),
            ("moment.utc('2024-02-29').add(1, 'years').format('YYYY-MM-DD')", json!("2025-02-28")),
            ("moment.utc('2024-03-31').subtract({months: 1, days: 1}).format('YYYY-MM-DD')", json!("2024-02-28")),
            ("moment.utc('2024-01-01').subtract(1, 'd').add(90, 'minutes').toISOString()", json!("2023-12-31T01:30:00.000Z")),
            ("moment('2024-03-10').diff('2024-01-31', 'months')", json!(1)),
            ("moment('2024-03-10').diff(moment('2024-03-01'), 'days')", json!(9)),
            ("moment('2024-03-01').diff('2024-03-10', 'weeks')", json!(-1)),
            ("moment('2020-01-01T12:00').diff('2020-01-01', 'days', true)", json!(0.5)),
            ("moment.unix(86400).toISOString()", json!("1970-01-02T00:00:00.000Z")),
            ("m.clone().startOf('month').toISOString()", json!("2024-02-01T00:00:00.000Z")),
            ("m.clone().endOf('year').toISOString()", json!("2024-12-31T23:59:59.999Z")),
            ("m.clone().startOf('week').format('YYYY-MM-DD') + m.clone().startOf('isoWeek').format(' YYYY-MM-DD')", json!("2024-02-25 2024-02-26")),
            ("m.clone().startOf('hour').format('HH:mm:ss')", json!("13:00:00")),
            ("[moment('nonsense').isValid(), moment('2023-02-29').isValid(), moment(null).isValid(), m.isValid()]", json!([false, false, false, true])),
            ("moment('2023-02-29').format()", json!("Invalid date")),
            ("moment('31/12/2023', 'DD/MM/YYYY').format('YYYY-MM-DD')", json!("2023-12-31")),
            ("moment('12-25-1995 9:30 PM', 'MM-DD-YYYY h:mm A').toISOString()", json!("1995-12-25T21:30:00.000Z")),
            ("moment('Mar 5, 2021', 'MMM D, YYYY').format('L')", json!("03/05/2021")),
            ("[moment('2020-1-1', 'YYYY-MM-DD', true).isValid(), moment('2020-01-01', 'YYYY-MM-DD', true).isValid()]", json!([false, true])),
            ("moment('2013-02-08 09+07:00').toISOString()", json!("2013-02-08T02:00:00.000Z")),
            ("moment('20130208T080910,123').toISOString()", json!("2013-02-08T08:09:10.123Z")),
            ("moment('2013-W06-5').format('YYYY-MM-DD') + moment('2013-039').format(' YYYY-MM-DD')", json!("2013-02-08 2013-02-08")),
            ("moment('2013-02-08T09:00:00-05:00').utcOffset(-300).format()", json!("2013-02-08T09:00:00-05:00")),
            ("moment.parseZone('2013-02-08T09:00:00+02:00').format()", json!("2013-02-08T09:00:00+02:00")),
            ("[m.year(), m.month(), m.date(), m.day(), m.hour(), m.isoWeek(), m.quarter(), m.dayOfYear(), m.daysInMonth()]", json!([2024, 1, 29, 4, 13, 9, 1, 60, 29])),
            ("m.clone().set({year: 2023, month: 0}).hours(0).format('YYYY-MM-DD HH')", json!("2023-01-28 00")),
            ("[m.isBefore('2025-01-01'), m.isAfter('2025-01-01'), m.isSame('2024-02-01', 'month'), m.isBetween('2024-01-01', '2024-12-31')]", json!([true, false, true, true])),
            ("moment([2010, 1, 14, 15, 25]).toISOString()", json!("2010-02-14T15:25:00.000Z")),
            ("moment({year: 2010, month: 3, day: 5}).format('YYYY-MM-DD')", json!("2010-04-05")),
            ("[moment.duration(90, 'minutes').asHours(), moment.duration('PT36H').days(), moment.duration({hours: 25}).hours()]", json!([1.5, 1, 1])),
            ("moment('2024-01-01').from('2024-01-03')", json!("2 days ago")),
            ("moment.max(moment('2024-01-01'), moment('2025-01-01')).year()", json!(2025)),
            ("[moment.isMoment(m), moment.isMoment({})]", json!([true, false])),
            ("moment('2020-12-31').isoWeekYear() + '-' + moment('2021-01-01').format('GGGG-[W]WW')", json!("2020-2020-W53")),
        ],
    )
    .await;
}
