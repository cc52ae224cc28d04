// Collection, Math and Number.
(function (_, kit) {
  "use strict";
  const { isArray, isNil, isSymbol, isFunction, isObject, isArrayLike, isIterateeCall, isString, isMap, isSet, own, identity,
    toInteger, toFinite, toNumber, toText, asText, each, eachRight, eachOf, flatten, values, keys, iteratee, castPath } = kit;

  const mapOf = (collection, action) => {
    const result = isArrayLike(collection) ? Array(collection.length) : [];
    let at = 0;
    each(collection, (value, key, all) => { result[at++] = action(value, key, all); });
    return result;
  };
  const listMap = (collection, action) => {
    if (isNil(collection)) return [];
    return mapOf(collection, action);
  };
  const filter = (collection, predicate, wanted) => {
    const result = [];
    each(collection, (value, key, all) => { if (Boolean(predicate(value, key, all)) === wanted) result.push(value); });
    return result;
  };
  const aggregate = (put) => (collection, by) => {
    const result = {};
    const test = iteratee(by);
    each(collection, (value) => put(result, test(value), value));
    return result;
  };
  const find = (collection, predicate, fromIndex, findIndex) => {
    if (!isArrayLike(collection)) {
      const test = iteratee(predicate);
      const names = keys(collection);
      const at = findIndex(names, (name) => test(collection[name], name, collection), fromIndex);
      return at > -1 ? collection[names[at]] : undefined;
    }
    const at = findIndex(collection, iteratee(predicate), fromIndex);
    return at > -1 ? collection[at] : undefined;
  };
  const reducer = (walk) => function (collection, action, start) {
    const step = iteratee(action);
    let given = arguments.length > 2;
    let result = start;
    walk(collection, (value, key, all) => {
      result = given ? step(result, value, key, all) : value;
      given = true;
    });
    return result;
  };

  // Symbols, null, undefined and NaN come last, in this order.
  const rank = (value) => (value !== value ? 4 : value === undefined ? 3 : value === null ? 2 : isSymbol(value) ? 1 : 0);
  const ascending = (one, other) => {
    const [left, right] = [rank(one), rank(other)];
    if (left || right) return left - right;
    return one > other ? 1 : one < other ? -1 : 0;
  };
  const orderBy = (collection, given, orders) => {
    const steps = (given.length ? given : [identity]).map((one) => (isArray(one)
      ? (value) => kit.get(value, one.length === 1 ? one[0] : one) : iteratee(one)));
    const rows = [];
    each(collection, (value) => { rows.push({ value, at: rows.length, by: steps.map((step) => step(value)) }); });
    rows.sort((one, other) => {
      for (let at = 0; at < steps.length; at++) {
        const order = ascending(one.by[at], other.by[at]);
        if (order) return at < orders.length && String(orders[at]) === "desc" ? -order : order;
      }
      return one.at - other.at;
    });
    return rows.map((row) => row.value);
  };
  const asList = (value) => (isArray(value) ? value : isNil(value) ? [] : [value]);
  const every = (collection, predicate) => {
    let result = true;
    each(collection, (value, key, all) => (result = Boolean(predicate(value, key, all))));
    return result;
  };
  const sampleSize = (collection, n) => {
    const list = isArrayLike(collection) ? kit.dense(collection) : values(collection);
    const wanted = Math.min(Math.max(n, 0), list.length);
    for (let at = 0; at < wanted; at++) {
      const other = at + Math.floor(Math.random() * (list.length - at));
      [list[at], list[other]] = [list[other], list[at]];
    }
    return list.slice(0, wanted);
  };
  const forEach = (collection, action) => each(collection, iteratee(action));
  const forEachRight = (collection, action) => eachRight(collection, iteratee(action));

  kit.add({
    countBy: aggregate((all, key) => kit.put(all, key, own(all, key) ? all[key] + 1 : 1)),
    groupBy: aggregate((all, key, value) => (own(all, key) ? all[key].push(value) : kit.put(all, key, [value]))),
    keyBy: aggregate((all, key, value) => kit.put(all, key, value)),
    partition: (collection, by) => {
      const result = [[], []];
      const test = iteratee(by);
      each(collection, (value) => { result[test(value) ? 0 : 1].push(value); });
      return result;
    },
    forEach, each: forEach, forEachRight, eachRight: forEachRight,
    every: (collection, predicate, guard) => every(collection,
      iteratee(guard && isIterateeCall(collection, predicate, guard) ? undefined : predicate)),
    some: (collection, predicate, guard) => {
      const test = iteratee(guard && isIterateeCall(collection, predicate, guard) ? undefined : predicate);
      return !every(collection, (value, key, all) => !test(value, key, all));
    },
    filter: (collection, predicate) => filter(collection, iteratee(predicate), true),
    reject: (collection, predicate) => filter(collection, iteratee(predicate), false),
    find: (collection, predicate, fromIndex) => find(collection, predicate, fromIndex, _.findIndex),
    findLast: (collection, predicate, fromIndex) => find(collection, predicate, fromIndex, _.findLastIndex),
    flatMap: (collection, action) => flatten(_.map(collection, action), 1),
    flatMapDeep: (collection, action) => flatten(_.map(collection, action), Infinity),
    flatMapDepth: (collection, action, depth) => flatten(_.map(collection, action), depth === undefined ? 1 : toInteger(depth)),
    includes: (collection, value, fromIndex, guard) => {
      const list = isArrayLike(collection) ? collection : values(collection);
      let start = fromIndex && !guard ? toInteger(fromIndex) : 0;
      if (start < 0) start = Math.max(list.length + start, 0);
      if (isString(list)) return start <= list.length && list.indexOf(value, start) > -1;
      return Boolean(list.length) && kit.indexOf(list, value, start) > -1;
    },
    invokeMap: (collection, path, ...given) => listMap(collection, (value) => (isFunction(path)
      ? path.apply(value, given) : kit.invoke(value, path, given))),
    map: (collection, action) => listMap(collection, iteratee(action)),
    orderBy: (collection, by, orders, guard) => (isNil(collection) ? []
      : orderBy(collection, asList(by), guard ? [] : asList(orders))),
    reduce: reducer(each),
    reduceRight: reducer(eachRight),
    sample: (collection) => {
      const list = isArrayLike(collection) ? collection : values(collection);
      return list.length ? list[Math.floor(Math.random() * list.length)] : undefined;
    },
    sampleSize: (collection, n, guard) => sampleSize(collection,
      (guard ? isIterateeCall(collection, n, guard) : n === undefined) ? 1 : toInteger(n)),
    shuffle: (collection) => sampleSize(collection, Infinity),
    size: (collection) => {
      if (isNil(collection)) return 0;
      if (isArrayLike(collection)) return isString(collection) ? kit.characters(String(collection)).length : collection.length;
      return isMap(collection) || isSet(collection) ? collection.size : keys(collection).length;
    },
    sortBy: (collection, ...given) => {
      if (isNil(collection)) return [];
      let by = given;
      if (by.length > 1 && isIterateeCall(collection, by[0], by[1])) by = [];
      else if (by.length > 2 && isIterateeCall(by[0], by[1], by[2])) by = [by[0]];
      return orderBy(collection, flatten(by, 1), []);
    },
  });

  // ---------------------------------------------------------------- Math
  const operand = (value) => (typeof value === "number" ? value : isSymbol(value) ? NaN : Number(value));
  const operation = (act, otherwise) => (one, other) => {
    if (one === undefined) return other === undefined ? otherwise : other;
    if (other === undefined) return one;
    if (typeof one === "string" || typeof other === "string") return act(asText(one), asText(other));
    return act(operand(one), operand(other));
  };
  const shifted = (text, by) => {
    const [digits, exponent] = (text + "e").split("e");
    return Number(digits + "e" + (Number(exponent) + by));
  };
  const rounding = (act) => (given, precision) => {
    const number = toNumber(given);
    const places = isNil(precision) ? 0 : Math.min(toInteger(precision), 292);
    return places && Number.isFinite(number) ? shifted(toText(act(shifted(toText(number), places))), -places) : act(number);
  };
  const extreme = (array, by, beats) => {
    let [best, result] = [undefined, undefined];
    for (const value of kit.dense(array && array.length ? array : [])) {
      const current = by(value);
      if (!isNil(current) && (best === undefined ? current === current && !isSymbol(current) : beats(current, best))) {
        best = current;
        result = value;
      }
    }
    return result;
  };
  const more = (one, other) => one > other;
  const less = (one, other) => one < other;
  const sum = (array, by) => {
    let result;
    for (const value of kit.dense(array)) {
      const current = by(value);
      if (current !== undefined) result = result === undefined ? current : result + current;
    }
    return result;
  };
  const mean = (array, by) => {
    const length = isNil(array) ? 0 : array.length;
    return length ? sum(array, by) / length : NaN;
  };
  kit.add({
    add: operation((one, other) => one + other, 0),
    subtract: operation((one, other) => one - other, 0),
    multiply: operation((one, other) => one * other, 1),
    divide: operation((one, other) => one / other, 1),
    ceil: rounding(Math.ceil), floor: rounding(Math.floor), round: rounding(Math.round),
    max: (array) => extreme(array, identity, more),
    maxBy: (array, by) => extreme(array, iteratee(by), more),
    min: (array) => extreme(array, identity, less),
    minBy: (array, by) => extreme(array, iteratee(by), less),
    mean: (array) => mean(array, identity),
    meanBy: (array, by) => mean(array, iteratee(by)),
    sum: (array) => (array && array.length ? sum(array, identity) : 0),
    sumBy: (array, by) => (array && array.length ? sum(array, iteratee(by)) : 0),
    clamp: (number, lower, upper) => {
      const bound = (value) => { const found = toNumber(value); return found === found ? found : 0; };
      const [low, high] = upper === undefined ? [undefined, lower] : [lower, upper];
      let result = toNumber(number);
      if (result !== result) return result;
      if (high !== undefined) result = Math.min(result, bound(high));
      return low === undefined ? result : Math.max(result, bound(low));
    },
    inRange: (number, start, end) => {
      const [one, other] = end === undefined ? [0, toFinite(start)] : [toFinite(start), toFinite(end)];
      const value = toNumber(number);
      return value >= Math.min(one, other) && value < Math.max(one, other);
    },
    random: (lower, upper, floating) => {
      let [low, high, fraction] = [lower, upper, floating];
      if (fraction && typeof fraction !== "boolean" && isIterateeCall(low, high, fraction)) high = fraction = undefined;
      if (fraction === undefined) {
        if (typeof high === "boolean") [fraction, high] = [high, undefined];
        else if (typeof low === "boolean") [fraction, low] = [low, undefined];
      }
      if (low === undefined && high === undefined) [low, high] = [0, 1];
      else if (high === undefined) [low, high] = [0, toFinite(low)];
      else [low, high] = [toFinite(low), toFinite(high)];
      if (low > high) [low, high] = [high, low];
      if (fraction || low % 1 || high % 1) return Math.min(low + Math.random() * (high - low), high);
      return low + Math.floor(Math.random() * (high - low + 1));
    },
  });
})
