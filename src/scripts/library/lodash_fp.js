// `require('lodash/fp')`: the functions of `lodash` with the data last, waiting for all their
// arguments, and never changing what they are given.
(function (host, library) {
  "use strict";
  const _ = library.load("lodash");
  const changing = ["set", "update", "unset", "assign", "extend", "defaults", "defaultsDeep", "merge",
    "pull", "remove", "reverse", "fill"];
  const curry = (count, action) => {
    const more = (given) => (given.length >= count ? action(given.slice(0, count)) : (...rest) => more(given.concat(rest)));
    return (...given) => more(given);
  };
  // Arguments in all, and where the data goes among them: last here, first there.
  const two = ("map filter find findIndex findKey findLast reject some every partition flatMap forEach each "
    + "groupBy keyBy countBy sortBy uniqBy uniqWith flattenDepth chunk difference without pull remove intersection "
    + "has hasIn get unset pick omit pickBy omitBy mapValues mapKeys sumBy meanBy maxBy minBy take takeRight drop "
    + "dropRight takeWhile dropWhile nth join includes startsWith endsWith split repeat forOwn forIn invokeMap at "
    + "indexOf trimChars").split(" ");
  const limited = (action) => (typeof action === "function" ? (value) => action(value) : action);
  const plain = ("isArray isNil isObject isFunction isString isEmpty isNull isUndefined isNumber isNaN isBoolean "
    + "isDate isPlainObject isInteger keys values size uniq flatten flattenDeep compact head first last tail initial "
    + "toPairs entries fromPairs clone cloneDeep invert camelCase snakeCase kebabCase lowerCase upperCase startCase "
    + "capitalize upperFirst lowerFirst toLower toUpper trim trimStart trimEnd escape unescape toString toNumber "
    + "toInteger toArray castArray sum mean max min identity constant noop negate once shuffle sample words reverse "
    + "round floor ceil").split(" ");
  const fp = {};
  for (const name of two) {
    fp[name] = curry(2, ([first, data]) => {
      const copy = changing.includes(name) ? _.cloneDeep(data) : data;
      const result = _[name](copy, limited(first));
      return name === "unset" || name === "remove" ? copy : result;
    });
  }
  for (const name of plain) fp[name] = (value) => _[name](name === "reverse" ? _.clone(value) : value);
  const same = (names, count) => {
    for (const name of names) fp[name] = curry(count, (given) => _[name](..._.cloneDeep(given)));
  };
  same(["isEqual", "add", "multiply", "eq", "concat", "union", "zip", "assign", "extend", "merge", "zipObject"], 2);
  fp.set = curry(3, ([path, value, object]) => _.set(_.cloneDeep(object) || {}, path, value));
  fp.update = curry(3, ([path, change, object]) => _.update(_.cloneDeep(object) || {}, path, change));
  fp.getOr = curry(3, ([otherwise, path, object]) => _.get(object, path, otherwise));
  fp.reduce = curry(3, ([action, start, list]) => _.reduce(list, (sum, value) => action(sum, value), start));
  fp.orderBy = curry(3, ([by, orders, list]) => _.orderBy(list, by, orders));
  fp.replace = curry(3, ([pattern, by, text]) => _.replace(text, pattern, by));
  fp.padStart = curry(2, ([length, text]) => _.padStart(text, length));
  fp.padEnd = curry(2, ([length, text]) => _.padEnd(text, length));
  fp.defaults = curry(2, ([one, other]) => _.defaults({}, other, one));
  fp.defaultTo = curry(2, ([otherwise, value]) => _.defaultTo(value, otherwise));
  fp.subtract = curry(2, ([one, other]) => one - other);
  fp.divide = curry(2, ([one, other]) => one / other);
  for (const name of ["gt", "gte", "lt", "lte"]) fp[name] = curry(2, ([one, other]) => _[name](one, other));
  fp.range = curry(2, ([from, to]) => _.range(from, to));
  fp.times = curry(2, ([action, count]) => _.times(count, action));
  fp.isMatch = curry(2, ([source, object]) => _.isMatch(object, source));
  fp.flow = fp.pipe = (...steps) => _.flow(...steps);
  fp.flowRight = fp.compose = (...steps) => _.flowRight(...steps);
  fp.curry = (action) => _.curry(action);
  fp.cond = (pairs) => _.cond(pairs);
  fp.property = fp.get;
  return new Proxy(fp, {
    get: (target, name) => {
      if (typeof name === "symbol" || name === "then" || name === "toJSON" || name in target) return target[name];
      throw new Error("lodash/fp: '" + name + "' is not part of this server's lodash");
    },
  });
})
