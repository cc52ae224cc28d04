// Expressions of lodash: for each function calls with arguments of the kinds that it takes, chosen by
// a fixed seed, and by hand what people trip over.

const array = ['[]', '[1, 2, 3, 4]', '[3, 1, 2, 3, 1]', '["b", "a", "c"]', '[[1, [2, [3, [4]]]], 5]', '[0, -0, NaN, NaN, null, undefined, ""]',
  '[{n: "b", a: 2, ok: true}, {n: "a", a: 2, deep: {x: 1}}, {n: "c", a: 1, deep: {x: [2]}}]', '[1, , 3]', 'null', 'undefined', '{length: 2, 0: "x", 1: "y"}',
  '"abc"', '[["a", 1], ["b", 2]]', '[1.2, 2.3, 1.7, 2.9]', '[true, false]', '5', '(function () { return arguments })(1, 2)', '[10, 9, 1, "10", "9"]',
  'new Uint8Array([3, 1])', '[Symbol.iterator, 1]', '[new Date(5), new Date(3)]'];
const object = ['{}', '{a: 1, b: 2, c: 3}', '{a: {b: {c: 3}}, l: [1, {d: 2}]}', '{"a.b": 1, a: {b: 2}}', 'null', 'undefined', '"hi"', '[1, 2]',
  '{a: null, b: undefined, c: NaN}', 'new Foo(1, 2)', '{user: "u", tags: ["x", "y"], f() { return this.user }}', '{a: [{b: {c: 1}}]}', '{length: -1, x: 0}',
  'Object.create({inherited: 1}, {own: {value: 2, enumerable: true}})', '{a: "x", b: "x", c: "y"}', '5', '{a: new Date(0), r: /x/g, m: new Map([["k", {v: 1}]])}',
  '{0: "zero", 1: "one"}', 'Object.assign(Object.create(null), {z: 1})', '{[Symbol("s")]: 1, t: 2}', '(x => x)', 'true'];
const number = ['0', '1', '2', '-1', '3', '10', '1.5', '-2.5', 'undefined', '"2"', 'NaN', 'null', 'Infinity', '-0', '4.006', '1e21'];
const string = ['""', '"fred"', '"FooBar"', '"--foo-bar--"', '"__FOO_BAR__"', '"fooBarBaz qux"', '"  abc  "', '"hello wörld"', '"déjà vu"', '"Straße Œuvre"',
  '"12 feet"', '"enable 24h format"', '"XMLHttpRequest"', '"a1b2c3"', '"1st 2nd 3RD 4th"', "\"don't can’t\"", '"IDs and URLs"', '"<b>&\\"x\\"</b>"', '"&lt;b&gt; &amp;amp; &#39;"',
  '"a.b*c[d]"', 'null', 'undefined', '5', '-0', '[1, [2, null]]', '"hi-diddly-ho there, neighborino"', '"👍🏽 family 👨‍👩‍👧 x"', '"e\\u0301te"', '"\\u00a0x\\ufeff"', '"ABC"', '"aeiouAreVowels"', '"safe HTML5"', '"fooBAR2baz"', '"Москва город"', '"日本語 text"'];
const path = ['"a"', '"a.b.c"', '"a[0].b.c"', '["a", "b"]', '"a.b"', '"l[1].d"', '""', '[]', '0', '"x.y"', 'null', 'undefined', '["a.b"]', '"length"', '"n"', '"deep.x"', '"[0]"', '"a[\'b\']"', '"__proto__.x"', '"constructor.prototype.y"', '-0', 'Symbol.iterator', '"f"'];
const iteratee = ['undefined', '"n"', '"a"', '{a: 2}', '["a", 2]', '(x => x)', '((v, k) => String(v) + String(k))', 'Math.floor', '"deep.x"', '["deep", "x"]', '(x => x > 1)', '"length"', '0', 'null', '{deep: {x: 1}}', '{}', 'Boolean', '((...r) => r.length)', '["n", "b"]', '1'];
const value = ['1', '3', '"a"', '"x"', 'null', 'undefined', 'NaN', '-0', '{a: 1}', '[1]', '{n: "b", a: 2, ok: true}', '"bc"', 'true'];
const comparator = ['_.isEqual', '((a, b) => a === b)', '((a, b) => Math.floor(a) === Math.floor(b))', 'undefined'];
const any = ['undefined', 'null', 'true', 'false', '0', '-0', '1', '1.5', 'NaN', 'Infinity', '""', '"a"', '"5"', '" 7 "', '"0b11"', '"-0x1"', 'Object(1)', 'Object("s")', 'Object(false)', '[]', '[1, 2]', '{}', '{a: 1}',
  '(() => 1)', 'class A {}', 'new Date(0)', 'new Date(NaN)', '/x/gi', 'new Error("e")', 'new TypeError("t")', 'new Map()', 'new Map([[1, {a: 2}]])', 'new Set()', 'new Set([1, [2]])', 'new WeakMap()', 'new WeakSet()',
  'new Uint8Array(2)', 'new ArrayBuffer(3)', 'new DataView(new ArrayBuffer(2))', 'Symbol.iterator', 'Object(Symbol.iterator)', '(function () { return arguments })(1, 2)', 'Object.create(null)', 'new Foo(1)', '{length: 0}', '{length: 1, splice() {}}', '[1, , 3]', 'Math', 'JSON', 'Promise.resolve(1)', '(function* () {})', '(async () => 1)', '{message: "m", name: "n"}', '5n', '2 ** 53', '-(2 ** 54)', '4294967296', 'new Boolean(true)', '[[1, {a: [2]}]]', '{a: {b: [1, {c: new Date(3)}]}}', '/a(b)/.exec("ab")', 'Array.prototype', '{valueOf: () => 3}', '[null, undefined]', '{constructor: 1}'];
const small = ['1', '2', '0', '3', '-1', 'undefined', '"1"', '1.7'];
const kinds = { array, object, number, string, path, iteratee, value, comparator, any, small, collection: array.concat(object), action: ['(x => x)', '((a, b) => a + b)', '((...r) => r)', '"a"', 'undefined'] };

const shapes = {
  'array': 'compact flatten flattenDeep fromPairs head first last initial tail uniq sortedUniq unzip sum mean max min join reverse shuffle0',
  'array,small': 'chunk drop dropRight take takeRight nth flattenDepth',
  'array,iteratee': 'dropWhile dropRightWhile takeWhile takeRightWhile findIndex findLastIndex sumBy meanBy maxBy minBy uniqBy sortedUniqBy remove1',
  'array,array': 'difference intersection union xor zip zipObject concat without pullAll1',
  'array,array,iteratee': 'differenceBy intersectionBy unionBy xorBy pullAllBy1',
  'array,array,comparator': 'differenceWith intersectionWith unionWith xorWith pullAllWith1',
  'array,comparator': 'uniqWith', 'array,array,action': 'zipWith', 'array,action': 'unzipWith',
  'array,value,small': 'indexOf lastIndexOf includes', 'array,small,small': 'slice', 'array,value,small,small': 'fill1', 'array,string': 'join',
  'array,value': 'sortedIndex sortedLastIndex sortedIndexOf sortedLastIndexOf concat pull1', 'array,value,iteratee': 'sortedIndexBy sortedLastIndexBy',
  'array,path': 'pullAt1', 'array,array1': 'zipObjectDeep',
  'collection': 'size toArray sample0 keys keysIn values valuesIn toPairs toPairsIn entries isEmpty invert functions functionsIn toPlainObject',
  'collection,iteratee': 'countBy groupBy keyBy partition every some filter reject find findLast map flatMap flatMapDeep sortBy forEach each forEachRight findKey findLastKey mapKeys mapValues pickBy omitBy invertBy',
  'collection,action,value': 'reduce reduceRight transform', 'collection,action': 'reduce reduceRight transform', 'collection,iteratee,small': 'flatMapDepth find findLast',
  'collection,path,value': 'invokeMap result get', 'collection,value,small': 'includes',
  'object,path': 'get has hasIn unset1 invoke at pick omit result', 'object,path,value': 'get set setWith result', 'object,path,action': 'update updateWith',
  'object,object': 'assign assignIn extend defaults defaultsDeep merge isMatch create isEqual', 'object,object,object': 'assign defaults defaultsDeep merge assignIn',
  'object,object,action': 'mergeWith assignWith assignInWith', 'object,path,path': 'pick omit at',
  'number,number': 'add subtract multiply divide ceil floor round gt gte lt lte eq', 'number': 'ceil floor round toFinite toInteger toLength toNumber toSafeInteger', 'number,small': 'ceil floor round', 'number,number,number': 'clamp inRange', 'small,small': 'range rangeRight inRange clamp', 'small,small,small': 'range rangeRight',
  'string': 'camelCase capitalize deburr escape escapeRegExp kebabCase lowerCase lowerFirst snakeCase startCase toLower toUpper trim trimEnd trimStart truncate unescape upperCase upperFirst words parseInt toPath toString size toArray',
  'string,string': 'endsWith startsWith split trim trimEnd trimStart words2', 'string,small': 'repeat parseInt endsWith2', 'string,number,string': 'pad padEnd padStart',
  'any': 'castArray clone cloneDeep isArguments isArray isArrayBuffer isArrayLike isArrayLikeObject isBoolean isBuffer isDate isElement isEmpty isError isFinite isFunction isInteger isLength isMap isNaN isNative isNil isNull isNumber isObject isObjectLike isPlainObject isRegExp isSafeInteger isSet isString isSymbol isTypedArray isUndefined isWeakMap isWeakSet toArray toFinite toInteger toLength toNumber toSafeInteger toString size keys values toPairs toPlainObject',
  'any,any': 'isEqual eq gt gte lt lte defaultTo isMatch', 'path': 'toPath',
};
// Every value once, where one argument is all there is.
const WHOLE = ['any', 'string', 'path', 'array', 'collection', 'number'];

function* random(seed) {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 4294967296;
  }
}

const hand = String.raw`
_.map([6, 8, 10], parseInt)
_.map(["6", "8", "10"], _.parseInt)
_.map([[1, 2], [3, 4]], _.head)
_.map([[1, 2, 3], [4, 5]], _.drop)
_.map([[1, 2, 3], [4, 5]], _.chunk)
_.map([" a ", " b "], _.trim)
_.map(["a b", "c d"], _.words)
_.map([1, 2], _.range)
_.map([[3, 1], [2, 1]], _.sortBy)
_.every([[1]], _.isArray)
_.map([{a: 1}, {a: 2}], _.curry(_.get)(_, "a"))
_.chunk("abcd", 3)
_.sortBy([{a: 2, b: 1}, {a: 1, b: 2}, {a: 1, b: 1}], ["a", "b"])
_.sortBy([{a: 2, b: 1}, {a: 1, b: 2}, {a: 1, b: 1}], "a", o => -o.b)
_.sortBy([{a: {b: 2}}, {a: {b: 1}}], "a.b")
_.sortBy([{a: {b: 2}}, {a: {b: 1}}], [["a", "b"]])
_.sortBy([undefined, null, NaN, 3, 1, "b", "a", Symbol.iterator])
_.sortBy({x: 3, y: 1})
_.orderBy([{u: "f", a: 48}, {u: "b", a: 34}, {u: "f", a: 40}, {u: "b", a: 36}], ["u", "a"], ["asc", "desc"])
_.orderBy([1, 3, 2], null, "desc")
_.orderBy([3, 1, 2], [], ["desc"])
_.orderBy([{a: 1}, {a: 2}], "a", [false])
_.orderBy([{a: 1, b: 2}, {a: 1, b: 3}], ["a", "b"], ["desc", "desc"])
_([1, 2, 3]).map(x => x * 2).filter(x => x > 2).value()
_([3, 1, 2]).sortBy().first()
_([1, 2]).push(3).value()
_([1, 2]).push(3).pop()
_([1, 2, 3]).shift()
_([1, 2, 3]).concat(4, [5]).value()
_([1, 2, 3]).splice(0, 1).value()
_([1, 2, 3]).reverse().value()
_([1, 2, 3]).join("-")
_("a-b").split("-").value()
_("fred").capitalize()
_.chain("fred").capitalize().value()
_.chain([1, 2, 3]).head().value()
_.chain([{u: "b", a: 1}, {u: "c", a: 2}]).sortBy("a").map(o => o.u + o.a).head().toUpper().value()
_.chain([1, 2, 3]).tap(a => { a.pop() }).thru(a => a.concat(9)).value()
_([1, 2, 3]).tap(a => { a.pop() }).reverse().value()
_.chain({a: 1}).assign({b: 2}).mapValues(v => v + 1).toPairs().value()
JSON.stringify(_([1, 2]).map(x => x + 1))
JSON.stringify({a: _.chain([1])})
_([1, 2]).map(x => x + 1) + ""
_([1, 2]).chain().head().value()
Array.from(_([1, 2, 3]))
_([1, 2]).next()
(() => { const w = _([1, 2]); return [w.next(), w.next(), w.next()] })()
_([1, 2]).map(x => x * x).plant([3, 4]).value()
(() => { const l = [1]; const w = _(l).push(2); const before = l.length; w.commit(); return [before, l] })()
(() => { let n = 0; const w = _([1, 2]).map(x => { n++; return x }); const before = n; w.value(); return [before, n] })()
_({a: [{b: 1}]}).at(["a[0].b"]).value()
_([1, 2, 3]).reduce((a, b) => a + b)
_([1, 2, 3]).includes(2)
_([1, 2, 3]).size()
_([1, 2, 3]).value() === _([1, 2, 3]).value()
_(_([1, 2])).value()
_([[1, 2], [3]]).flatten().take(2).value()
_.range(300).length
_(_.range(300)).map(x => x * 2).filter(x => x % 3 === 0).take(3).value()
_(_.range(300)).reverse().take(2).value()
_(_.range(300)).reject(x => x < 290).last()
_(_.range(300)).dropWhile(x => x < 297).value()
_.partial((a, b) => a + b, "hi ")("x")
_.partial((a, b) => a + " " + b, _, "fred")("hi")
_.partialRight((a, b) => a + " " + b, "fred")("hi")
_.partialRight((a, b) => a + " " + b, "hi", _)("fred")
_.bind(function (g, p) { return g + " " + this.u + p }, {u: "fred"}, "hi")("!")
_.bind(function (g, p) { return g + " " + this.u + p }, {u: "fred"}, _, "!")("hi")
_.bindKey({u: "fred", greet(g) { return g + this.u }}, "greet", "hi")()
_.bindAll({l: "x", a() { return this.l }}, ["a"]).a.call(null)
_.curry((a, b, c) => [a, b, c])(1)(2)(3)
_.curry((a, b, c) => [a, b, c])(1, 2)(3)
_.curry((a, b, c) => [a, b, c])(1)(_, 3)(2)
_.curry((a, b, c) => [a, b, c])(_, 2)(1, 3)
_.curryRight((a, b, c) => [a, b, c])(3)(2)(1)
_.curryRight((a, b, c) => [a, b, c])(3)(1, _)(2)
_.curry((...r) => r, 2)(1)(2, 3)
_.flip((...r) => r)(1, 2, 3)
_.rearg((...r) => r, [2, 0, 1])("b", "c", "a")
_.rearg((...r) => r, 1, 0)("b", "a", "c")
_.rest((w, n) => w + n.join())("hi", 1, 2)
_.spread((a, b) => a + b)([1, 2])
_.spread((a, b, c) => [a, b, c], 1)(0, [1, 2])
_.overArgs((x, y) => [x, y], [x => x * 2, x => x * x])(9, 3)
_.overArgs((x, y) => [x, y], x => x + 1, x => x + 2)(1, 1)
_.over([Math.min, Math.max])(1, 2, 3)
_.over(Math.min, Math.max)(1, 2, 3)
_.overEvery([Boolean, isFinite])(NaN)
_.overSome([Boolean, isFinite])(null)
_.overSome([{a: 1}, {a: 2}])({a: 2})
_.overEvery(["a", ["b", 2]])({a: 1, b: 2})
_.cond([[_.matches({a: 1}), _.constant("A")], [_.stubTrue, _.constant("no")]])({a: 1, b: 2})
_.cond([["a", _.identity]])({a: 1})
_.conforms({b: n => n > 1})({b: 2})
_.conformsTo({a: 1}, {a: n => n > 1})
_.flow([_.add, n => n * n])(1, 2)
_.flow(_.trim, _.upperCase)(" a ")
_.flowRight([n => n * n, _.add])(1, 2)
_.flow()(1, 2)
_.ary(parseInt, 1)("10", 2)
_.map(["6", "8", "10"], _.ary(parseInt, 1))
_.unary(parseInt)("11", 2)
_.negate(n => n % 2)(2)
(() => { let n = 0; const f = _.once(() => ++n); f(); f(); return [n, f()] })()
(() => { let n = 0; const f = _.before(3, () => ++n); return [f(), f(), f(), f()] })()
(() => { let n = 0; const f = _.after(2, () => ++n); return [f(), f(), f()] })()
(() => { const f = _.memoize(o => ({v: o.a}), o => o.a); const x = f({a: 1}); return [x === f({a: 1}), f.cache.has(1), f.cache.get(1)] })()
(() => { const f = _.memoize(x => x + 1); f(1); f.cache.set(1, 9); return f(1) })()
_.wrap(_.escape, (f, t) => "<p>" + f(t) + "</p>")("a & b")
_.attempt(() => { throw new TypeError("x") })
_.attempt(x => x + 1, 2)
_.method("a.b")({a: {b: () => 2}})
_.map([{a: {b: _.constant(2)}}], _.method("a.b"))
_.methodOf({a: [() => 3]})("a[0]")
_.map(["a[2]", "c[0]"], _.methodOf(_.times(3, _.constant), "x"))
_.propertyOf({a: [1, 2]})("a[1]")
_.nthArg(1)("a", "b")
_.nthArg(-2)("a", "b", "c")
_.times(3, String)
_.times(2)
_.uniqueId("x").slice(0, 1)
_.defaultTo(NaN, 10)
_.iteratee("a")({a: 5})
_.filter([{u: "b", a: true}, {u: "f"}], _.iteratee({u: "b", a: true}))
_.mixin({}, {v: s => s}).v(3)
(() => { const l = _.runInContext(); l.mixin({vowels: s => _.filter(s, v => /[aeiou]/i.test(v))}); return [l("fred").vowels().value(), l.vowels("fred"), "vowels" in _] })()
(() => { const l = _.runInContext(); l.mixin({shout: s => s.toUpperCase()}, {chain: false}); return l("a").shout() })()
_.template("hello <%= user %>!")({user: "fred"})
_.template("<b><%- value %></b>")({value: "<script>"})
_.template("<% _.forEach(users, function(u) { %><li><%- u %></li><% }); %>")({users: ["a", "b"]})
_.template("<% print('hello ' + user); %>!")({user: "b"})
_.template("hello \${ user }!")({user: "p"})
_.template("<%= '\\<%- value %\\>' %>")({value: "x"})
_.template("<% jq.each(users, function(u) { %>[<%- u %>]<% }); %>", {imports: {jq: {each: _.forEach}}})({users: ["a"]})
_.template("hi <%= data.user %>!", {variable: "data"})({user: "m"})
_.template("{{ user }}!", {interpolate: /{{([\s\S]+?)}}/g})({user: "m"})
_.template("a 'quoted' \\ line\nnext <%= x == null ? 'none' : x %>")({x: undefined})
_.template("<%= a %><%= b %>")({a: null, b: 0})
_.template("")()
_.template("<% if (%>")
_.template("<%= missing %>")({})
_.truncate("hi-diddly-ho there, neighborino", {length: 24, separator: " "})
_.truncate("hi-diddly-ho there, neighborino", {length: 24, separator: /,? +/})
_.truncate("hi-diddly-ho there, neighborino", {omission: " [...]"})
_.truncate("hi-diddly-ho there, neighborino", {length: 2})
_.words("fred, barney, & pebbles", /[^, ]+/g)
_.replace("Hi Fred", "Fred", "Barney")
_.replace("aXbX", /X/g, x => x + "!")
_.split("a-b-c", "-", 2)
_.split("a,b;c", /[,;]/)
_.split("abc", "")
_.pad("abc", 8, "_-")
_.padStart("abc", 6, "_-")
_.padEnd("👍", 4, "é")
_.merge({a: [{b: 2}, {d: 4}]}, {a: [{c: 3}, {e: 5}]})
_.merge({a: 1}, {a: undefined}, {b: undefined})
_.merge({a: [1, 2, 3]}, {a: [4]})
_.merge({a: {x: 1}}, {a: [1]})
_.merge({a: "s"}, {a: {b: 1}})
_.merge({d: new Date(0)}, {d: new Date(5)})
_.merge({}, {a: {b: new Foo(1)}})
_.merge({a: new Foo(1)}, {a: {x: 2}})
_.merge({}, JSON.parse('{"__proto__": {"polluted": 1}}')).polluted
({}).polluted
_.merge({f() {}}, {f: {a: 1}})
(() => { const o = {}; o.self = o; const r = _.merge({}, {o}); return r.o.self === r.o })()
(() => { const o = {a: 1}; o.self = o; const c = _.cloneDeep(o); return [c.self === c, c !== o] })()
(() => { const o = {a: [1]}; const c = _.clone(o); return c.a === o.a })()
_.cloneDeepWith({a: 1, b: {c: 2}}, v => typeof v === "number" ? v * 2 : undefined)
_.cloneWith([1], v => undefined)
_.mergeWith({a: [1], b: [2]}, {a: [3], b: [4]}, (o, s) => _.isArray(o) ? o.concat(s) : undefined)
_.assignWith({a: 1}, {b: 2}, {c: 3}, (o, s) => _.isUndefined(o) ? s : o)
_.defaultsDeep({a: {b: 2}}, {a: {b: 1, c: 3}})
_.defaultsDeep({a: null}, {a: {b: 1}})
_.defaultsDeep({a: [1]}, {a: [2, 3]})
_.defaults({a: null}, {a: 1, toString: 5})
_.isEqual([1, 2], [2, 1])
_.isEqual({a: 1, b: 2}, {b: 2, a: 1})
_.isEqual(new Map([[1, {a: 1}], [2, 3]]), new Map([[2, 3], [1, {a: 1}]]))
_.isEqual(new Set([1, {a: 1}]), new Set([{a: 1}, 1]))
_.isEqual(new Foo(1), {a: 1})
_.isEqual(NaN, NaN)
_.isEqual(0, -0)
_.isEqual([1, , 3], [1, undefined, 3])
_.isEqual({a: undefined}, {})
_.isEqual(Object(1), 1)
_.isEqual(new Error("a"), new Error("a"))
_.isEqual(new Uint8Array([1]), new Uint8Array([1]))
_.isEqual(new Uint8Array([1]), new Int8Array([1]))
_.isEqual(new ArrayBuffer(2), new ArrayBuffer(2))
(() => { const a = {}; a.x = a; const b = {}; b.x = b; return _.isEqual(a, b) })()
_.isEqualWith(["hello"], ["hi"], (a, b) => /^h(?:i|ello)$/.test(a) && /^h/.test(b) ? true : undefined)
_.isMatchWith({g: "hello"}, {g: "hi"}, (o, s) => o[0] === s[0])
_.isMatch({a: [1, 2, 3]}, {a: [3, 1]})
_.isMatch({a: [{b: 1, c: 2}]}, {a: [{b: 1}]})
_.isMatch({a: 1}, {})
_.isMatch({a: {b: 1}}, {a: {}})
_.filter([{a: [{b: 1}, {b: 2}]}], {a: [{b: 2}]})
_.matches({a: {b: 1}})({a: {b: 1, c: 2}})
_.find([{a: undefined}], {a: undefined})
_.find([{}], {a: undefined})
_.matchesProperty("a.b", {c: 1})({a: {b: {c: 1, d: 2}}})
_.set({}, "x[0].y.z", 5)
_.set({}, ["x", "0", "y"], 5)
_.set([], 2, "a")
_.setWith({}, "[0][1]", "a", Object)
_.updateWith({}, "[0][1]", () => "a", Object)
_.set({}, "__proto__.x", 1)
_.set({}, "constructor.prototype.x", 1)
_.set(null, "a", 1)
_.update({a: [{b: {c: 3}}]}, "a[0].b.c", n => n * n)
(() => { const o = {a: [{b: 7}]}; return [_.unset(o, "a[0].b"), o, _.unset(o, "x.y"), _.unset(o, ["a", 0])] })()
_.omit({a: 1, b: {c: 2, d: 3}}, "b.c")
_.omit({a: 1, b: 2}, ["a"], "b")
_.omit({"a.b": 1, c: 2}, "a.b")
_.pick({a: {b: 1, c: 2}, d: 3}, ["a.b", "d"])
_.pick({"a.b": 1}, "a.b")
_.at({a: [{b: {c: 3}}, 4]}, ["a[0].b.c", "a[1]"])
_.invoke({a: [{b: {c: [1, 2, 3, 4]}}]}, "a[0].b.c.slice", 1, 3)
_.invokeMap([[5, 1, 7], [3, 2, 1]], "sort")
_.invokeMap([123, 456], String.prototype.split, "")
_.transform([2, 3, 4], (r, n) => { r.push(n * n); return n % 2 === 0 }, [])
_.transform({a: 1, b: 2, c: 1}, (r, v, k) => { (r[v] || (r[v] = [])).push(k) }, {})
_.reduce([1, 2, 3], (a, b) => a + b, 10)
_.reduceRight([[0, 1], [2, 3]], (f, o) => f.concat(o), [])
_.forEach({a: 1, b: 2}, (v, k) => k !== "a")
(() => { const s = []; _.forIn(new Foo(1, 2), (v, k) => { s.push(k) }); _.forOwnRight({a: 1, b: 2}, (v, k) => { s.push(k) }); return s })()
(() => { const s = []; _.forEachRight([1, 2, 3], v => { s.push(v); return v > 2 }); return s })()
(() => { const l = [1, 2, 3, 4]; const r = _.remove(l, n => n % 2 === 0); return [l, r] })()
(() => { const l = ["a", "b", "c", "d"]; const r = _.pullAt(l, [1, 3]); return [l, r] })()
(() => { const l = [1, 2, 3, 1]; _.pull(l, 1, 3); return l })()
(() => { const l = [{x: 1}, {x: 2}, {x: 1}]; _.pullAllBy(l, [{x: 1}], "x"); return l })()
_.xorBy([2.1, 1.2], [2.3, 3.4], Math.floor)
_.xorBy([{x: 1}], [{x: 2}, {x: 1}], "x")
_.xorWith([{x: 1, y: 2}], [{x: 1, y: 1}, {x: 1, y: 2}], _.isEqual)
_.xor([1, 1, 2], [2, 3], [3, 4])
_.unionBy([2.1], [1.2, 2.3], Math.floor)
_.intersectionBy([2.1, 1.2], [2.3, 3.4], Math.floor)
_.differenceBy([{x: 2}, {x: 1}], [{x: 1}], "x")
_.differenceWith([{x: 1, y: 2}, {x: 2}], [{x: 1, y: 2}], _.isEqual)
_.zipWith([1, 2], [10, 20], [100, 200], (a, b, c) => a + b + c)
_.unzipWith([[1, 10], [2, 20]], _.add)
_.zipObjectDeep(["a.b[0].c", "a.b[1].d"], [1, 2])
_.sortedIndexBy([{x: 4}, {x: 5}], {x: 4}, "x")
_.sortedIndex([30, 50], 40)
_.sortedLastIndex([4, 5, 5, 5, 6], 5)
_.sortedUniqBy([1.1, 1.2, 2.3], Math.floor)
_.flatMapDepth([1, 2], n => [[[n, n]]], 2)
_.findLast([1, 2, 3, 4], n => n % 2 === 1)
_.find([1, 2, 3], n => n > 1, 2)
_.findIndex([{a: 1}, {a: 2}], ["a", 2], -1)
_.includes("abcd", "bc", 2)
_.includes({a: 1}, 1)
_.includes(null, 1)
_.size("👍🏽e\u0301")
_.toArray("👨‍👩‍👧x")
_.toPairs(new Map([["a", 1]]))
_.toPairs(new Set([1]))
_.invertBy({a: 1, b: 2, c: 1}, v => "g" + v)
_.create({a: 1}, {b: 2}).a
_.result({a: {b: () => "x"}}, "a.b")
_.result({a: 1}, "b.c", "d")
_.result({a: 1}, "b", () => "called")
_.result({u: 1, f() { return this.u }}, "f")
_.get({a: null}, "a", "d")
_.get({a: undefined}, "a", "d")
_.get([1, [2]], "[1][0]")
_.get({"": 1}, "")
_.get({a: {"": 2}}, "a.")
_.get({"a[0]": 7}, "a[0]")
_.has({a: [1, 2]}, "a[1]")
_.has([1, , 3], 1)
_.hasIn(new Foo(1), "p")
_.round(1.005, 2)
_.round(4060, -2)
_.ceil(6.004, 2)
_.floor(-4.5)
_.round(-1.5)
_.sum(["a", 1])
_.max([])
_.mean([])
_.minBy([{n: 2}, {n: 1}], "n")
_.inRange(-3, -2, -6)
_.random(5, 5)
_.random(3.5, 3.5)
_.isInteger(_.random(10))
_.sampleSize([1, 2, 3], 5).sort()
_.shuffle({a: 1, b: 2}).sort()
_.castArray()
_.castArray(undefined)
_.isNative(Array.prototype.push)
_.isNative(_)
_.isPlainObject(Object.create({}))
_.isPlainObject(new Foo(1))
_.toNumber("0o17")
_.toNumber({valueOf: () => "5"})
_.toSafeInteger(Infinity)
_.VERSION.split(".")[0]
_.noConflict() === _
_.templateSettings.interpolate.source
_.now() > 1e12
_.deburr("ÀÉÎÕÜ ñ ß Æ þ Ł Œ ŉ ſ ĳ")
_.startCase("--foo-bar--")
_.camelCase("12 feet a1B")
_.snakeCase("someURLValue99x")
_.upperCase("fooBarBaz")
_.isError(_.attempt(_.template("<%= x.y.z %>"), {x: {}}))
_.groupBy(["one", "two", "three"], "length")
_.keyBy([{d: "l", c: 97}], o => String.fromCharCode(o.c))
_.countBy({a: 1, b: 1})
_.groupBy(["constructor", "__proto__"])
_.partition([{a: 1}, {a: 2}], ["a", 1])
_.mapValues({f: {age: 4}}, "age")
_.mapValues([1, 2], x => x + 1)
_.sumBy([{n: 4}, {}, {n: 2}], "n")
_.fill(Array(3), 2)
_.fill([4, 6, 8, 10], "*", 1, 3)
_.concat([1], 2, [3], [[4]])
_.concat("a")
_.fromPairs([["a", 1], ["b"]])
_.join(["a", "b"], "~")
_.nth(["a", "b"], -1)
_.takeRightWhile([{u: 1, a: true}, {u: 2, a: false}], ["a", false])
_.debounce(x => x, 10)
_.throttle(x => x, 10).cancel()
`;

const prefix = 'function Foo(a, b) { this.a = a; if (b) this.b = b } Foo.prototype.p = 1;';

function generated() {
  const chance = random(20260);
  const pick = (list) => list[Math.floor(chance.next().value * list.length)];
  const all = [];
  for (const [shape, names] of Object.entries(shapes)) {
    const given = shape.split(',').map((kind) => kinds[kind.replace(/1$/, '')]);
    for (const marked of names.split(' ')) {
      // 1: what happens to the argument counts; 0: by chance, only that it does not fail; 2: another shape of it.
      const name = marked.replace(/\d$/, '');
      const calls = given.length === 1 && WHOLE.includes(shape)
        ? given[0].map((one) => [one]) : Array.from({ length: 14 }, () => given.map(pick));
      for (const call of calls) {
        const written = marked.endsWith('1') ? `(x => [_.${name}(${['x', ...call.slice(1)].join(', ')}), x])(${call[0]})`
          : marked.endsWith('0') ? `typeof _.${name}(${call.join(', ')})`.replace(/^typeof _\.sample\(.*/, (text) => `(${text}, 0)`)
            : `_.${name}(${call.join(', ')})`;
        all.push(written);
      }
    }
  }
  return all;
}

export const lodash = {
  name: 'lodash',
  prefix,
  expressions: [...new Set([...hand.trim().split('\n'), ...generated()])],
};
