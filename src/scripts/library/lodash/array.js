// Array.
(function (_, kit) {
  "use strict";
  const { isArray, isNil, isObject, isSymbol, isArrayLikeObject, isIterateeCall, eq, toInteger, toFinite, toText, toKey, flatten,
    dense, iteratee, isFunction, castPath, isIndex, identity } = kit;
  const lengthOf = (list) => (isNil(list) ? 0 : list.length || 0);
  const positive = (value, otherwise) => (value === undefined ? otherwise : toInteger(value));
  const cut = (list, start, end) => dense(list).slice(start, end);
  const lastOf = (lists) => lists[lists.length - 1];
  const lists = (given) => given.filter(isArrayLikeObject);
  // `[…lists, something]` where the last one is no list.
  const apart = (given, isIt) => {
    const last = lastOf(given);
    return isIt(last) ? [given.slice(0, -1), last] : [given, undefined];
  };
  const comparatorOf = (given) => apart(given, isFunction);
  const iterateeOf = (given) => {
    const [all, by] = apart(given, (last) => given.length > 0 && !isArrayLikeObject(last));
    return [all, by === undefined ? identity : iteratee(by)];
  };
  const plus = (value) => (value === 0 ? 0 : value);

  // What has been seen: by a set, or one by one where a comparator decides.
  function membership(list, by, comparator) {
    if (!comparator) {
      const set = new Set(by === identity ? list : Array.from(list, (one) => by(one)));
      return (value) => set.has(value);
    }
    return (value) => Array.from(list).some((one) => comparator(value, one));
  }
  function difference(list, without, by, comparator) {
    const has = membership(without, by, comparator);
    return dense(list).filter((value) => !has(by(value))).map((value) => (comparator ? value : plus(value)));
  }
  function uniq(list, by, comparator) {
    const result = [];
    const seen = comparator ? [] : new Set();
    for (const value of dense(list)) {
      const key = by(value);
      if (comparator ? seen.some((one) => comparator(one, key)) : seen.has(key)) continue;
      if (comparator) seen.push(key);
      else seen.add(key);
      result.push(comparator ? value : plus(value));
    }
    return result;
  }
  function intersection(all, by, comparator) {
    const arrays = all.map((list) => (isArrayLikeObject(list) ? dense(list) : []));
    if (!arrays.length) return [];
    const result = [];
    const keys = [];
    const others = arrays.slice(1).map((list) => {
      const mapped = list.map((one) => by(one));
      if (comparator) return (key) => mapped.some((one) => comparator(key, one));
      const set = new Set(mapped);
      return (key) => set.has(key);
    });
    for (const value of arrays[0]) {
      const key = by(value);
      const known = comparator ? keys.some((one) => comparator(one, key)) : keys.some((one) => eq(one, key));
      if (known || !others.every((has) => has(key))) continue;
      keys.push(key);
      result.push(comparator ? value : plus(value));
    }
    return result;
  }
  function xor(all, by, comparator) {
    if (all.length < 2) return all.length ? uniq(all[0], identity) : [];
    const left = all.map((list, index) => all.reduce((rest, other, at) => (at === index ? rest : difference(rest, Array.from(
      dense(other)), by === identity ? identity : by, comparator && ((one, two) => comparator(one, by(two))))), dense(list)));
    return uniq(flatten(left, 1), by, comparator);
  }
  const unzip = (array) => {
    const groups = lists(dense(array));
    const longest = groups.reduce((most, group) => Math.max(most, group.length), 0);
    return Array.from({ length: longest }, (none, index) => groups.map((group) => group[index]));
  };
  const unzipWith = (array, combine) => {
    const groups = unzip(array);
    return isNil(combine) ? groups : groups.map((group) => combine(...group));
  };
  function pull(array, values, by, comparator) {
    if (!(array && array.length && values && values.length)) return array;
    const wanted = array === values ? dense(values) : values;
    for (const value of Array.from(wanted)) {
      const key = by(value);
      for (let at = array.length - 1; at >= 0; at--) {
        if (comparator ? comparator(by(array[at]), key) : eq(by(array[at]), key)) Array.prototype.splice.call(array, at, 1);
      }
    }
    return array;
  }
  const from = (length, fromIndex) => {
    const index = isNil(fromIndex) ? 0 : toInteger(fromIndex);
    return index < 0 ? Math.max(length + index, 0) : index;
  };
  const fromRight = (length, fromIndex) => {
    if (fromIndex === undefined) return length - 1;
    const index = toInteger(fromIndex);
    return index < 0 ? Math.max(length + index, 0) : Math.min(index, length - 1);
  };
  kit.indexOf = (list, value, start) => {
    for (let at = start; at < list.length; at++) if (eq(list[at], value)) return at;
    return -1;
  };
  kit.from = from;
  kit.fromRight = fromRight;

  // Where a value belongs in a sorted list: symbols, null, undefined and NaN stand at its end.
  function sortedIndex(list, given, by, highest) {
    let [low, high] = [0, lengthOf(list)];
    if (!high) return 0;
    const value = by(given);
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const one = by(list[middle]);
      const reflexive = one === one;
      let after;
      if (value !== value) after = highest || reflexive;
      else if (value === undefined) after = reflexive && (highest || one !== undefined);
      else if (value === null) after = reflexive && one !== undefined && (highest || one !== null);
      else if (isSymbol(value)) after = reflexive && !isNil(one) && (highest || !isSymbol(one));
      else if (one === null || isSymbol(one)) after = false;
      else after = highest ? one <= value : one < value;
      if (after) low = middle + 1;
      else high = middle;
    }
    return Math.min(high, 4294967294);
  }
  const sortedUniq = (list, by) => {
    const result = [];
    let last;
    dense(list).forEach((value, index) => {
      const key = by(value);
      if (index && eq(key, last)) return;
      last = key;
      result.push(plus(value));
    });
    return result;
  };
  const whileOf = (array, predicate, right) => {
    let at = right ? array.length - 1 : 0;
    while (at >= 0 && at < array.length && predicate(array[at], at, array)) at += right ? -1 : 1;
    return at;
  };
  const pullAt = (array, indexes) => {
    const sorted = indexes.slice().sort((one, other) => (one === other ? 0 : one < other ? 1 : -1));
    let previous;
    sorted.forEach((index, at) => {
      if (at && index === previous) return;
      previous = index;
      if (isIndex(index)) Array.prototype.splice.call(array, index, 1);
      else kit.unset(array, index);
    });
    return array;
  };
  const findIndex = (array, predicate, fromIndex) => {
    const length = lengthOf(array);
    if (!length) return -1;
    const test = iteratee(predicate);
    for (let at = from(length, fromIndex); at < length; at++) if (test(array[at], at, array)) return at;
    return -1;
  };
  const findLastIndex = (array, predicate, fromIndex) => {
    const length = lengthOf(array);
    const test = iteratee(predicate);
    for (let at = length ? fromRight(length, fromIndex) : -1; at >= 0; at--) if (test(array[at], at, array)) return at;
    return -1;
  };
  const zipInto = (names, values, assign) => {
    const result = {};
    const [left, right] = [names || [], values || []];
    for (let at = 0; at < left.length; at++) assign(result, left[at], at < right.length ? right[at] : undefined);
    return result;
  };
  kit.uniq = uniq;
  const nth = (array, index) => {
    const at = toInteger(index);
    return array && array.length ? array[at < 0 ? at + array.length : at] : undefined;
  };
  const head = (array) => (array && array.length ? array[0] : undefined);
  const count = (n, guard) => (guard || n === undefined ? 1 : toInteger(n));

  kit.add({
    chunk: (array, size, guard) => {
      const length = lengthOf(array);
      const step = (guard ? isIterateeCall(array, size, guard) : size === undefined) ? 1 : Math.max(toInteger(size), 0);
      const result = [];
      if (step < 1) return result;
      for (let at = 0; at < length; at += step) result.push(cut(array, at, at + step));
      return result;
    },
    compact: (array) => dense(array).filter(Boolean),
    concat: function (array, ...values) {
      if (!arguments.length) return [];
      return (isArray(array) ? dense(array) : [array]).concat(flatten(values, 1));
    },
    difference: (array, ...values) => (isArrayLikeObject(array)
      ? difference(array, flatten(values, 1, isArrayLikeObject, true), identity) : []),
    differenceBy: (array, ...values) => {
      const last = lastOf(values);
      const by = isArrayLikeObject(last) || last === undefined ? identity : iteratee(last);
      return isArrayLikeObject(array) ? difference(array, flatten(values, 1, isArrayLikeObject, true), by) : [];
    },
    differenceWith: (array, ...values) => {
      const last = lastOf(values);
      const comparator = isArrayLikeObject(last) ? undefined : last;
      return isArrayLikeObject(array) ? difference(array, flatten(values, 1, isArrayLikeObject, true), identity, comparator) : [];
    },
    drop: (array, n, guard) => (array && array.length ? cut(array, Math.max(count(n, guard), 0)) : []),
    dropRight: (array, n, guard) => (array && array.length
      ? cut(array, 0, Math.max(array.length - count(n, guard), 0)) : []),
    dropWhile: (array, predicate) => (array && array.length ? cut(array, whileOf(array, iteratee(predicate))) : []),
    dropRightWhile: (array, predicate) => (array && array.length
      ? cut(array, 0, whileOf(array, iteratee(predicate), true) + 1) : []),
    fill: (array, value, start, end) => {
      const length = lengthOf(array);
      if (!length) return [];
      const all = start && typeof start !== "number" && isIterateeCall(array, value, start);
      const bound = (at) => (at < 0 ? Math.max(length + at, 0) : at);
      const last = all || end === undefined || end > length ? length : bound(toInteger(end));
      for (let at = all ? 0 : bound(toInteger(start)); at < last; at++) array[at] = value;
      return array;
    },
    findIndex, findLastIndex,
    flatten: (array) => (array && array.length ? flatten(array, 1) : []),
    flattenDeep: (array) => (array && array.length ? flatten(array, Infinity) : []),
    flattenDepth: (array, depth) => (array && array.length ? flatten(array, positive(depth, 1)) : []),
    fromPairs: (pairs) => dense(pairs).reduce((all, pair) => { kit.put(all, pair[0], pair[1]); return all; }, {}),
    head, first: head,
    indexOf: (array, value, fromIndex) => {
      const length = lengthOf(array);
      return length ? kit.indexOf(array, value, from(length, fromIndex)) : -1;
    },
    initial: (array) => (array && array.length ? cut(array, 0, -1) : []),
    intersection: (...all) => intersection(all, identity),
    intersectionBy: (...all) => {
      const last = lastOf(all);
      const by = isArrayLikeObject(last) || last === undefined;
      if (last === undefined && all.length) all.pop();
      return by ? intersection(all, identity) : intersection(all.slice(0, -1), iteratee(last));
    },
    intersectionWith: (...all) => {
      const [arrays, comparator] = comparatorOf(all);
      return intersection(arrays, identity, comparator);
    },
    join: (array, separator) => (isNil(array) ? "" : Array.prototype.join.call(array, separator)),
    last: (array) => nth(array, -1),
    lastIndexOf: (array, value, fromIndex) => {
      const length = lengthOf(array);
      for (let at = length ? fromRight(length, fromIndex) : -1; at >= 0; at--) if (eq(array[at], value)) return at;
      return -1;
    },
    nth,
    pull: (array, ...values) => pull(array, values, identity),
    pullAll: (array, values) => pull(array, values, identity),
    pullAllBy: (array, values, by) => pull(array, values, iteratee(by)),
    pullAllWith: (array, values, comparator) => pull(array, values, identity, comparator),
    pullAt: (array, ...given) => {
      const indexes = flatten(given, 1);
      const length = lengthOf(array);
      const result = indexes.map((index) => (isNil(array) ? undefined : kit.get(array, index)));
      if (array) pullAt(array, indexes.map((index) => (isIndex(index, length) ? Number(index) : index)));
      return result;
    },
    remove: (array, predicate) => {
      const result = [];
      if (!(array && array.length)) return result;
      const test = iteratee(predicate);
      const indexes = [];
      for (let at = 0; at < array.length; at++) {
        if (test(array[at], at, array)) {
          result.push(array[at]);
          indexes.push(at);
        }
      }
      pullAt(array, indexes);
      return result;
    },
    reverse: (array) => (isNil(array) ? array : Array.prototype.reverse.call(array)),
    slice: (array, start, end) => {
      const length = lengthOf(array);
      if (!length) return [];
      if (end && typeof end !== "number" && isIterateeCall(array, start, end)) return dense(array);
      return cut(array, isNil(start) ? 0 : toInteger(start), end === undefined ? length : toInteger(end));
    },
    sortedIndex: (array, value) => sortedIndex(array, value, identity, false),
    sortedIndexBy: (array, value, by) => sortedIndex(array, value, iteratee(by), false),
    sortedIndexOf: (array, value) => {
      const at = sortedIndex(array, value, identity, false);
      return at < lengthOf(array) && eq(array[at], value) ? at : -1;
    },
    sortedLastIndex: (array, value) => sortedIndex(array, value, identity, true),
    sortedLastIndexBy: (array, value, by) => sortedIndex(array, value, iteratee(by), true),
    sortedLastIndexOf: (array, value) => {
      const at = sortedIndex(array, value, identity, true) - 1;
      return lengthOf(array) && eq(array[at], value) ? at : -1;
    },
    sortedUniq: (array) => sortedUniq(array, identity),
    sortedUniqBy: (array, by) => sortedUniq(array, iteratee(by)),
    tail: (array) => (array && array.length ? cut(array, 1) : []),
    take: (array, n, guard) => (array && array.length ? cut(array, 0, Math.max(count(n, guard), 0)) : []),
    takeRight: (array, n, guard) => (array && array.length ? cut(array, Math.max(array.length - count(n, guard), 0)) : []),
    takeWhile: (array, predicate) => (array && array.length ? cut(array, 0, whileOf(array, iteratee(predicate))) : []),
    takeRightWhile: (array, predicate) => (array && array.length
      ? cut(array, whileOf(array, iteratee(predicate), true) + 1) : []),
    union: (...all) => uniq(flatten(all, 1, isArrayLikeObject, true), identity),
    unionBy: (...all) => {
      const last = lastOf(all);
      return uniq(flatten(all, 1, isArrayLikeObject, true), isArrayLikeObject(last) ? identity : iteratee(last));
    },
    unionWith: (...all) => uniq(flatten(all, 1, isArrayLikeObject, true), identity, comparatorOf(all)[1]),
    uniq: (array) => (array && array.length ? uniq(array, identity) : []),
    uniqBy: (array, by) => (array && array.length ? uniq(array, iteratee(by)) : []),
    uniqWith: (array, comparator) => (array && array.length
      ? uniq(array, identity, isFunction(comparator) ? comparator : undefined) : []),
    unzip: (array) => (array && array.length ? unzip(array) : []),
    unzipWith: (array, combine) => (array && array.length ? unzipWith(array, combine) : []),
    without: (array, ...values) => (isArrayLikeObject(array) ? difference(array, values, identity) : []),
    xor: (...all) => xor(lists(all), identity),
    xorBy: (...all) => xor(lists(all), isArrayLikeObject(lastOf(all)) ? identity : iterateeOf(all)[1]),
    xorWith: (...all) => xor(lists(all), identity, comparatorOf(all)[1]),
    zip: (...all) => unzip(all),
    zipObject: (names, values) => zipInto(names, values, kit.assignValue),
    zipObjectDeep: (names, values) => zipInto(names, values, (object, path, value) => kit.set(object, path, value)),
    zipWith: (...all) => {
      const [arrays, combine] = all.length > 1 ? comparatorOf(all) : [all, undefined];
      return unzipWith(arrays, combine);
    },
  });
})
