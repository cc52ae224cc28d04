// `require('lodash')`: our own short implementation of the functions that scripts use most. What is
// not here throws an error with its name, instead of being undefined.
(function (host, library) {
  "use strict";
  const isArray = Array.isArray;
  const isNil = (value) => value === null || value === undefined;
  const isObject = (value) => value !== null && (typeof value === "object" || typeof value === "function");
  const isFunction = (value) => typeof value === "function";
  const isString = (value) => typeof value === "string" || value instanceof String;
  const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);
  const has = (object, key) => Object.prototype.hasOwnProperty.call(object, key);
  const isArrayLike = (value) => !isNil(value) && !isFunction(value)
    && Number.isInteger(value.length) && value.length >= 0;
  const isPlainObject = (value) => {
    if (!isObject(value) || tag(value) !== "Object") return false;
    const above = Object.getPrototypeOf(value);
    return above === null || above === Object.prototype;
  };
  // A key that would reach what all objects share.
  const isShared = (key) => key === "__proto__" || key === "constructor" || key === "prototype";

  function toPath(path) {
    if (isArray(path)) return path.map((part) => (typeof part === "symbol" ? part : String(part)));
    if (typeof path === "number" || typeof path === "symbol") return [path];
    const parts = [];
    String(path).replace(/[^.[\]]+|\[(?:(-?\d+(?:\.\d+)?)|(["'])((?:(?!\2)[^\\]|\\.)*?)\2)\]|(?=(?:\.|\[\])(?:\.|\[\]|$))/g,
      (match, number, quote, text) => { parts.push(quote ? text.replace(/\\(.)/g, "$1") : number || match); });
    return parts;
  }
  function pathOf(object, path) {
    return !isArray(path) && isObject(object) && path in object ? [path] : toPath(path);
  }
  function get(object, path, otherwise) {
    let at = object;
    for (const key of pathOf(object, path)) {
      if (isNil(at)) return otherwise;
      at = at[key];
    }
    return at === undefined ? otherwise : at;
  }
  function set(object, path, value) {
    return update(object, path, () => value);
  }
  function update(object, path, change) {
    if (!isObject(object)) return object;
    const keys = toPath(path);
    let at = object;
    keys.forEach((key, index) => {
      if (isShared(key)) throw new Error("lodash: '" + key + "' cannot be set");
      if (index === keys.length - 1) at[key] = change(at[key]);
      else {
        if (!isObject(at[key])) at[key] = /^\d+$/.test(keys[index + 1]) ? [] : {};
        at = at[key];
      }
    });
    return object;
  }
  function unset(object, path) {
    const keys = pathOf(object, path);
    const last = keys[keys.length - 1];
    const holder = keys.length > 1 ? get(object, keys.slice(0, -1)) : object;
    return isNil(holder) ? true : delete holder[last];
  }
  function hasPath(object, path, own) {
    let at = object;
    for (const key of pathOf(object, path)) {
      if (isNil(at) || !(own ? has(Object(at), key) : key in Object(at))) return false;
      at = at[key];
    }
    return true;
  }

  function isEqual(one, other, seen) {
    if (one === other || (one !== one && other !== other)) return true;
    if (!isObject(one) || !isObject(other) || tag(one) !== tag(other)) return false;
    if (tag(one) === "Date") return +one === +other;
    if (tag(one) === "RegExp" || tag(one) === "String" || tag(one) === "Number") return String(one) === String(other);
    if (isFunction(one)) return false;
    const pairs = seen || [];
    if (pairs.some((pair) => pair[0] === one && pair[1] === other)) return true;
    const inside = pairs.concat([[one, other]]);
    if (one instanceof Map || one instanceof Set) return isEqual(Array.from(one), Array.from(other), inside);
    const names = Object.keys(one);
    return names.length === Object.keys(other).length
      && names.every((name) => has(other, name) && isEqual(one[name], other[name], inside));
  }
  function isMatch(object, source) {
    return Object.keys(source).every((name) => !isNil(object) && name in Object(object)
      && (isPlainObject(source[name]) ? isMatch(object[name], source[name]) : isEqual(object[name], source[name])));
  }
  function iteratee(given) {
    if (isNil(given)) return (value) => value;
    if (isFunction(given)) return given;
    if (isArray(given)) return (value) => isEqual(get(value, given[0]), given[1]);
    if (isObject(given)) return (value) => isMatch(value, given);
    return (value) => get(value, given);
  }

  const keys = (object) => (isNil(object) ? [] : Object.keys(Object(object)));
  const values = (object) => (isNil(object) ? [] : isString(object) ? Array.from(object)
    : isArrayLike(object) ? Array.from(object) : Object.keys(object).map((key) => object[key]));
  function each(collection, action) {
    const act = iteratee(action);
    if (isArrayLike(collection)) {
      for (let index = 0; index < collection.length; index++) {
        if (act(collection[index], index, collection) === false) break;
      }
    } else {
      for (const key of keys(collection)) if (act(collection[key], key, collection) === false) break;
    }
    return collection;
  }
  function map(collection, change) {
    const act = iteratee(change);
    const found = [];
    each(collection, (value, key) => { found.push(act(value, key, collection)); });
    return found;
  }
  function filter(collection, test) {
    const fits = iteratee(test);
    const found = [];
    each(collection, (value, key) => { if (fits(value, key, collection)) found.push(value); });
    return found;
  }
  function findEntry(collection, test, from) {
    const fits = iteratee(test);
    let found;
    each(collection, (value, key) => {
      if (typeof from === "number" && key < from) return true;
      if (!fits(value, key, collection)) return true;
      found = [key, value];
      return false;
    });
    return found;
  }
  function reduce(collection, action, start) {
    const act = iteratee(action);
    let given = arguments.length > 2;
    let sum = start;
    each(collection, (value, key) => {
      sum = given ? act(sum, value, key, collection) : value;
      given = true;
    });
    return sum;
  }
  function compare(one, other) {
    if (one === other) return 0;
    const rank = (value) => (value === undefined ? 3 : value === null ? 2 : value !== value ? 4 : 1);
    if (rank(one) !== rank(other)) return rank(one) - rank(other);
    return one > other ? 1 : one < other ? -1 : 0;
  }
  function orderBy(collection, by, orders) {
    const tests = (isNil(by) || (isArray(by) && !by.length) ? [null] : [].concat(by)).map(iteratee);
    const ways = [].concat(isNil(orders) ? [] : orders);
    return map(collection, (value, index) => ({ value, index, terms: tests.map((test) => test(value)) }))
      .sort((one, other) => {
        for (let at = 0; at < tests.length; at++) {
          const order = compare(one.terms[at], other.terms[at]);
          if (order) return ways[at] === "desc" ? -order : order;
        }
        return one.index - other.index;
      }).map((entry) => entry.value);
  }
  function uniqWith(list, same) {
    const found = [];
    for (const value of values(list)) if (!found.some((known) => same(known, value))) found.push(value);
    return found;
  }
  function uniqBy(list, by) {
    const term = iteratee(by);
    const seen = new Set();
    return values(list).filter((value) => {
      const found = term(value);
      return seen.has(found) ? false : seen.add(found);
    });
  }
  function flattenDepth(list, depth) {
    const found = [];
    for (const value of values(list)) {
      if (isArray(value) && depth > 0) for (const inner of flattenDepth(value, depth - 1)) found.push(inner);
      else found.push(value);
    }
    return found;
  }
  function group(collection, by, put) {
    const term = iteratee(by);
    const found = {};
    each(collection, (value) => { put(found, term(value), value); });
    return found;
  }
  function clone(value, deep, seen) {
    if (!isObject(value) || isFunction(value)) return value;
    const known = seen || new Map();
    if (known.has(value)) return known.get(value);
    const inner = (part) => (deep ? clone(part, true, known) : part);
    if (value instanceof Date) return new Date(+value);
    if (value instanceof RegExp) return new RegExp(value.source, value.flags);
    if (value instanceof Map) return new Map(Array.from(value, ([key, part]) => [key, inner(part)]));
    if (value instanceof Set) return new Set(Array.from(value, inner));
    const copy = isArray(value) ? [] : Object.create(Object.getPrototypeOf(value));
    known.set(value, copy);
    for (const key of Object.keys(value)) copy[key] = inner(value[key]);
    return copy;
  }
  function mergeWith(target, sources, decide) {
    for (const source of sources) {
      for (const key of keys(source)) {
        if (isShared(key)) continue;
        const mine = target[key];
        const theirs = source[key];
        const decided = decide && decide(mine, theirs, key, target, source);
        if (decided !== undefined) target[key] = decided;
        else if (isArray(theirs)) target[key] = mergeWith(isArray(mine) ? mine : [], [theirs], decide);
        else if (isPlainObject(theirs)) target[key] = mergeWith(isObject(mine) ? mine : {}, [theirs], decide);
        else if (theirs !== undefined || !(key in target)) target[key] = theirs;
      }
    }
    return target;
  }
  function pickBy(object, test) {
    const fits = iteratee(test);
    const found = {};
    for (const key of keys(object)) if (fits(object[key], key)) found[key] = object[key];
    return found;
  }
  const paths = (given) => flattenDepth(given, Infinity).map((path) => path);
  function words(text) {
    return String(isNil(text) ? "" : text).normalize("NFD").replace(/[\u0300-\u036f]/g, "")
      .match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) || [];
  }
  const upperFirst = (text) => String(isNil(text) ? "" : text).replace(/^./, (sign) => sign.toUpperCase());
  const cased = (join, change) => (text) => words(text).map(change).join(join);
  const signs = (chars) => String(chars).replace(/[\\^$.*+?()[\]{}|-]/g, "\\$&");
  function pad(text, length, fill, before, after) {
    const given = String(isNil(text) ? "" : text);
    const missing = Math.max(0, (length || 0) - given.length);
    const left = before && after ? Math.floor(missing / 2) : before ? missing : 0;
    const chars = fill === undefined ? " " : String(fill);
    return "".padEnd(left, chars) + given + "".padEnd(missing - left, chars);
  }
  function trim(text, chars, before, after) {
    const set = chars === undefined ? "\\s" : signs(chars);
    let given = String(isNil(text) ? "" : text);
    if (before) given = given.replace(new RegExp("^[" + set + "]+"), "");
    if (after) given = given.replace(new RegExp("[" + set + "]+$"), "");
    return given;
  }
  function rounded(way) {
    return (number, places) => {
      const factor = Math.pow(10, places || 0);
      const moved = Number(number) * factor;
      return way(Number(moved.toPrecision(15))) / factor;
    };
  }
  function extreme(list, by, wins) {
    const term = iteratee(by);
    let found;
    let best;
    for (const value of values(list)) {
      const now = term(value);
      if (!isNil(now) && now === now && (best === undefined || wins(now, best))) [found, best] = [value, now];
    }
    return found;
  }
  const sum = (list, by) => values(list).reduce((all, value) => all + iteratee(by)(value), 0);
  const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  const listOf = (lists) => lists.filter(isArrayLike).map((list) => Array.from(list));
  const last = (list) => (isNil(list) ? undefined : list[list.length - 1]);

  const _ = function (value) { return chain(value); };
  Object.assign(_, {
    get, set, update, unset, toPath, keys, values, each, forEach: each, map, filter, reduce, orderBy,
    uniqBy, uniqWith, isArray, isNil, isObject, isFunction, isString, isArrayLike, isPlainObject,
    isMatch, words, upperFirst, last, iteratee, pickBy,
    has: (object, path) => hasPath(object, path, true),
    hasIn: (object, path) => hasPath(object, path, false),
    result: (object, path, otherwise) => {
      const found = get(object, path, otherwise);
      return isFunction(found) ? found.call(object) : found;
    },
    isEqual: (one, other) => isEqual(one, other),
    isEmpty: (value) => (isNil(value) || typeof value === "number" || typeof value === "boolean" ? true
      : value instanceof Map || value instanceof Set ? value.size === 0
        : isArrayLike(value) ? value.length === 0 : Object.keys(value).length === 0),
    isNull: (value) => value === null,
    isUndefined: (value) => value === undefined,
    isNumber: (value) => typeof value === "number" || value instanceof Number,
    isNaN: (value) => typeof value === "number" && value !== value,
    isFinite: (value) => Number.isFinite(value),
    isInteger: (value) => Number.isInteger(value),
    isBoolean: (value) => value === true || value === false || value instanceof Boolean,
    isDate: (value) => value instanceof Date,
    isRegExp: (value) => value instanceof RegExp,
    isError: (value) => value instanceof Error,
    isObjectLike: (value) => value !== null && typeof value === "object",
    find: (collection, test, from) => (findEntry(collection, test, from) || [])[1],
    findIndex: (list, test, from) => { const found = findEntry(list, test, from); return found ? found[0] : -1; },
    findKey: (object, test) => (findEntry(object, test) || [])[0],
    findLast: (list, test) => filter(list, test).pop(),
    findLastIndex: (list, test) => values(list).map(iteratee(test)).map(Boolean).lastIndexOf(true),
    reject: (collection, test) => { const fits = iteratee(test); return filter(collection, (v, k) => !fits(v, k)); },
    some: (collection, test) => findEntry(collection, test) !== undefined,
    every: (collection, test) => { const fits = iteratee(test); return !findEntry(collection, (v, k) => !fits(v, k)); },
    partition: (collection, test) => [_.filter(collection, test), _.reject(collection, test)],
    flatMap: (collection, change) => flattenDepth(map(collection, change), 1),
    forEachRight: (list, action) => { values(list).reverse().forEach((value) => action(value)); return list; },
    forOwn: (object, action) => { for (const key of keys(object)) if (action(object[key], key, object) === false) break; return object; },
    forIn: (object, action) => { for (const key in object) if (action(object[key], key, object) === false) break; return object; },
    reduceRight: (list, action, start) => values(list).reduceRight((all, value, index) => action(all, value, index), start),
    transform: (object, action, start) => {
      const all = start === undefined ? (isArray(object) ? [] : {}) : start;
      each(object, (value, key) => action(all, value, key, object));
      return all;
    },
    size: (value) => (isNil(value) ? 0 : value instanceof Map || value instanceof Set ? value.size
      : isArrayLike(value) ? value.length : Object.keys(value).length),
    includes: (collection, wanted, from) => (isString(collection)
      ? collection.includes(wanted, from) : values(collection).slice(from || 0).includes(wanted)),
    invokeMap: (collection, name, ...given) => map(collection, (value) => get(value, name).apply(value, given)),
    groupBy: (collection, by) => group(collection, by, (all, key, value) => { (has(all, key) ? all[key] : (all[key] = [])).push(value); }),
    keyBy: (collection, by) => group(collection, by, (all, key, value) => { all[key] = value; }),
    countBy: (collection, by) => group(collection, by, (all, key) => { all[key] = (has(all, key) ? all[key] : 0) + 1; }),
    sortBy: (collection, ...by) => orderBy(collection, flattenDepth(by, 2)),
    uniq: (list) => uniqBy(list),
    sortedUniq: (list) => uniqBy(list),
    flatten: (list) => flattenDepth(list, 1),
    flattenDeep: (list) => flattenDepth(list, Infinity),
    flattenDepth: (list, depth) => flattenDepth(list, depth === undefined ? 1 : depth),
    chunk: (list, size) => {
      const length = Math.max(1, Math.floor(size === undefined ? 1 : size));
      const found = [];
      for (let at = 0; at < values(list).length; at += length) found.push(values(list).slice(at, at + length));
      return found;
    },
    compact: (list) => values(list).filter(Boolean),
    concat: (list, ...more) => [].concat(list, ...more),
    difference: (list, ...others) => { const out = new Set([].concat(...listOf(others))); return values(list).filter((value) => !out.has(value)); },
    differenceBy: (list, ...rest) => {
      const by = iteratee(isArray(last(rest)) ? null : rest.pop());
      const out = new Set([].concat(...listOf(rest)).map((value) => by(value)));
      return values(list).filter((value) => !out.has(by(value)));
    },
    differenceWith: (list, others, same) => values(list).filter((value) => !values(others).some((other) => same(value, other))),
    without: (list, ...out) => values(list).filter((value) => !out.includes(value)),
    pull: (list, ...out) => { _.remove(list, (value) => out.includes(value)); return list; },
    remove: (list, test) => {
      const fits = iteratee(test);
      const found = list.filter((value, index) => fits(value, index));
      const stay = list.filter((value) => !found.includes(value));
      list.splice(0, list.length, ...stay);
      return found;
    },
    intersection: (first, ...others) => uniqBy(values(first).filter((value) => others.every((other) => values(other).includes(value)))),
    intersectionBy: (first, ...rest) => {
      const by = iteratee(isArray(last(rest)) ? null : rest.pop());
      return uniqBy(values(first).filter((value) => rest.every((other) => values(other).map((one) => by(one)).includes(by(value)))), by);
    },
    union: (...lists) => uniqBy([].concat(...listOf(lists))),
    unionBy: (...lists) => { const by = isArray(last(lists)) ? null : lists.pop(); return uniqBy([].concat(...listOf(lists)), by); },
    xor: (...lists) => { const all = [].concat(...listOf(lists).map((list) => uniqBy(list))); return all.filter((value) => all.filter((other) => other === value).length === 1); },
    head: (list) => (isNil(list) ? undefined : list[0]),
    first: (list) => (isNil(list) ? undefined : list[0]),
    tail: (list) => values(list).slice(1),
    initial: (list) => values(list).slice(0, -1),
    nth: (list, at) => (isNil(list) ? undefined : list[(at || 0) < 0 ? list.length + at : at || 0]),
    take: (list, count) => values(list).slice(0, count === undefined ? 1 : Math.max(0, count)),
    takeRight: (list, count) => { const n = count === undefined ? 1 : count; return n <= 0 ? [] : values(list).slice(-n); },
    drop: (list, count) => values(list).slice(count === undefined ? 1 : Math.max(0, count)),
    dropRight: (list, count) => { const n = count === undefined ? 1 : count; return n <= 0 ? values(list) : values(list).slice(0, -n); },
    takeWhile: (list, test) => { const at = _.findIndex(list, (value) => !iteratee(test)(value)); return at < 0 ? values(list) : values(list).slice(0, at); },
    dropWhile: (list, test) => { const at = _.findIndex(list, (value) => !iteratee(test)(value)); return at < 0 ? [] : values(list).slice(at); },
    slice: (list, from, to) => values(list).slice(from, to),
    reverse: (list) => (isNil(list) ? list : list.reverse()),
    join: (list, between) => values(list).join(between),
    indexOf: (list, value, from) => values(list).indexOf(value, from),
    lastIndexOf: (list, value) => values(list).lastIndexOf(value),
    fill: (list, value, from, to) => list.fill(value, from, to),
    zip: (...lists) => _.range(Math.max(0, ...lists.map((list) => list.length))).map((at) => lists.map((list) => list[at])),
    unzip: (list) => _.zip(...list),
    zipObject: (names, list) => { const found = {}; values(names).forEach((name, at) => { found[name] = (list || [])[at]; }); return found; },
    fromPairs: (pairs) => { const found = {}; for (const [key, value] of pairs || []) found[key] = value; return found; },
    toPairs: (object) => keys(object).map((key) => [key, object[key]]),
    entries: (object) => keys(object).map((key) => [key, object[key]]),
    sample: (list) => values(list)[host.random(Math.max(1, _.size(list)))],
    shuffle: (list) => { const all = values(list); for (let at = all.length - 1; at > 0; at--) { const other = host.random(at + 1); [all[at], all[other]] = [all[other], all[at]]; } return all; },
    pick: (object, ...given) => { const found = {}; for (const path of paths(given)) if (!isNil(object) && hasPath(object, path, false)) set(found, pathOf(object, path), get(object, path)); return found; },
    omit: (object, ...given) => { const copy = clone(object, true) || {}; for (const path of paths(given)) unset(copy, path); return copy; },
    omitBy: (object, test) => { const fits = iteratee(test); return pickBy(object, (value, key) => !fits(value, key)); },
    assign: (target, ...sources) => Object.assign(Object(target), ...sources.map((source) => (isNil(source) ? {} : source))),
    extend: (target, ...sources) => _.assign(target, ...sources),
    assignIn: (target, ...sources) => _.assign(target, ...sources),
    defaults: (target, ...sources) => { for (const source of sources) for (const key of keys(source)) if (target[key] === undefined) target[key] = source[key]; return target; },
    defaultsDeep: (target, ...sources) => {
      for (const source of sources) for (const key of keys(source)) {
        if (isShared(key)) continue;
        if (target[key] === undefined) target[key] = clone(source[key], true);
        else if (isPlainObject(target[key]) && isPlainObject(source[key])) _.defaultsDeep(target[key], source[key]);
      }
      return target;
    },
    merge: (target, ...sources) => mergeWith(Object(target), sources),
    mergeWith: (target, ...rest) => { const decide = rest.pop(); return mergeWith(Object(target), rest, decide); },
    clone: (value) => clone(value, false),
    cloneDeep: (value) => clone(value, true),
    mapValues: (object, change) => { const act = iteratee(change); const found = {}; for (const key of keys(object)) found[key] = act(object[key], key, object); return found; },
    mapKeys: (object, change) => { const act = iteratee(change); const found = {}; for (const key of keys(object)) found[act(object[key], key, object)] = object[key]; return found; },
    invert: (object) => { const found = {}; for (const key of keys(object)) found[object[key]] = key; return found; },
    at: (object, ...given) => paths(given).map((path) => get(object, path)),
    invoke: (object, path, ...given) => { const name = toPath(path); const holder = name.length > 1 ? get(object, name.slice(0, -1)) : object; return isNil(holder) ? undefined : holder[last(name)](...given); },
    camelCase: (text) => words(text).map((word, at) => (at ? upperFirst(word.toLowerCase()) : word.toLowerCase())).join(""),
    snakeCase: cased("_", (word) => word.toLowerCase()),
    kebabCase: cased("-", (word) => word.toLowerCase()),
    lowerCase: cased(" ", (word) => word.toLowerCase()),
    upperCase: cased(" ", (word) => word.toUpperCase()),
    startCase: cased(" ", upperFirst),
    capitalize: (text) => upperFirst(String(isNil(text) ? "" : text).toLowerCase()),
    lowerFirst: (text) => String(isNil(text) ? "" : text).replace(/^./, (sign) => sign.toLowerCase()),
    toLower: (text) => String(isNil(text) ? "" : text).toLowerCase(),
    toUpper: (text) => String(isNil(text) ? "" : text).toUpperCase(),
    trim: (text, chars) => trim(text, chars, true, true),
    trimStart: (text, chars) => trim(text, chars, true, false),
    trimEnd: (text, chars) => trim(text, chars, false, true),
    pad: (text, length, chars) => pad(text, length, chars, true, true),
    padStart: (text, length, chars) => pad(text, length, chars, true, false),
    padEnd: (text, length, chars) => pad(text, length, chars, false, true),
    repeat: (text, count) => String(isNil(text) ? "" : text).repeat(count === undefined ? 1 : Math.max(0, count)),
    replace: (text, pattern, by) => String(isNil(text) ? "" : text).replace(pattern, by),
    split: (text, by, most) => String(isNil(text) ? "" : text).split(by, most),
    startsWith: (text, start, from) => String(isNil(text) ? "" : text).startsWith(start, from),
    endsWith: (text, end, to) => String(isNil(text) ? "" : text).endsWith(end, to),
    truncate: (text, options) => {
      const given = String(isNil(text) ? "" : text);
      const { length = 30, omission = "..." } = options || {};
      return given.length <= length ? given : given.slice(0, Math.max(0, length - omission.length)) + omission;
    },
    escape: (text) => String(isNil(text) ? "" : text).replace(/[&<>"']/g, (sign) => escapes[sign]),
    unescape: (text) => String(isNil(text) ? "" : text).replace(/&(?:amp|lt|gt|quot|#39);/g, (word) => Object.keys(escapes).find((sign) => escapes[sign] === word)),
    escapeRegExp: (text) => String(isNil(text) ? "" : text).replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"),
    toString: (value) => (isNil(value) ? "" : isArray(value) ? value.map(_.toString).join(",") : Object.is(value, -0) ? "-0" : String(value)),
    toNumber: (value) => Number(value),
    toInteger: (value) => Math.trunc(Number(value)) || 0,
    toArray: (value) => values(value),
    castArray: (...given) => (given.length ? (isArray(given[0]) ? given[0] : [given[0]]) : []),
    parseInt: (text, base) => parseInt(text, base),
    add: (one, other) => one + other,
    subtract: (one, other) => one - other,
    multiply: (one, other) => one * other,
    divide: (one, other) => one / other,
    round: rounded(Math.round), ceil: rounded(Math.ceil), floor: rounded(Math.floor),
    sum: (list) => sum(list), sumBy: (list, by) => sum(list, by),
    mean: (list) => sum(list) / _.size(list), meanBy: (list, by) => sum(list, by) / _.size(list),
    max: (list) => extreme(list, null, (one, best) => one > best),
    min: (list) => extreme(list, null, (one, best) => one < best),
    maxBy: (list, by) => extreme(list, by, (one, best) => one > best),
    minBy: (list, by) => extreme(list, by, (one, best) => one < best),
    clamp: (number, low, high) => (high === undefined ? Math.min(number, low) : Math.min(Math.max(number, low), high)),
    inRange: (number, from, to) => { const [low, high] = to === undefined ? [0, from] : [from, to]; return number >= Math.min(low, high) && number < Math.max(low, high); },
    random: (low, high) => { const [from, to] = high === undefined ? [0, low === undefined ? 1 : low] : [low, high]; return from + host.random(to - from + 1); },
    range: (from, to, step) => {
      const [start, end] = to === undefined ? [0, from] : [from, to];
      const by = step === undefined ? (start <= end ? 1 : -1) : step;
      const found = [];
      for (let at = start; by > 0 ? at < end : by < 0 && at > end; at += by) found.push(at);
      return found;
    },
    times: (count, action) => _.range(count).map((at) => iteratee(action)(at)),
    identity: (value) => value, constant: (value) => () => value, noop: () => undefined,
    stubTrue: () => true, stubFalse: () => false, stubArray: () => [], stubObject: () => ({}), stubString: () => "",
    property: (path) => (object) => get(object, path),
    propertyOf: (object) => (path) => get(object, path),
    matches: (source) => (object) => isMatch(object, source),
    matchesProperty: (path, value) => (object) => isEqual(get(object, path), value),
    negate: (test) => (...given) => !test(...given),
    once: (action) => { let done = false; let value; return (...given) => { if (!done) { done = true; value = action(...given); } return value; }; },
    memoize: (action, key) => { const known = new Map(); return (...given) => { const name = key ? key(...given) : given[0]; if (!known.has(name)) known.set(name, action(...given)); return known.get(name); }; },
    partial: (action, ...first) => (...rest) => action(...first, ...rest),
    bind: (action, self, ...first) => action.bind(self, ...first),
    ary: (action, count) => (...given) => action(...given.slice(0, count)),
    unary: (action) => (given) => action(given),
    flip: (action) => (...given) => action(...given.reverse()),
    curry: (action, count) => { const wanted = count === undefined ? action.length : count; const more = (...given) => (given.length >= wanted ? action(...given) : (...rest) => more(...given, ...rest)); return more; },
    flow: (...steps) => { const all = flattenDepth(steps, 1); return (...given) => all.slice(1).reduce((value, step) => step(value), all.length ? all[0](...given) : given[0]); },
    flowRight: (...steps) => _.flow(flattenDepth(steps, 1).reverse()),
    over: (...tests) => (...given) => flattenDepth(tests, 1).map((test) => test(...given)),
    cond: (pairs) => (...given) => { for (const [test, action] of pairs) if (test(...given)) return action(...given); return undefined; },
    attempt: (action, ...given) => { try { return action(...given); } catch (error) { return error; } },
    tap: (value, action) => { action(value); return value; },
    thru: (value, action) => action(value),
    defaultTo: (value, otherwise) => (isNil(value) || value !== value ? otherwise : value),
    eq: (one, other) => one === other || (one !== one && other !== other),
    gt: (one, other) => one > other, gte: (one, other) => one >= other,
    lt: (one, other) => one < other, lte: (one, other) => one <= other,
    uniqueId: (() => { let number = 0; return (prefix) => (prefix === undefined ? "" : prefix) + ++number; })(),
    now: () => Date.now(),
    chain: (value) => chain(value),
  });

  function refuse(name) { throw new Error("lodash: '" + String(name) + "' is not part of this server's lodash"); }
  // Asked of any value by the language itself, never by people.
  const isOfLanguage = (name) => typeof name === "symbol" || name === "then" || name === "toJSON";
  function chain(value) {
    return new Proxy({}, {
      get: (_target, name) => {
        if (name === "value" || name === "valueOf" || name === "toJSON") return () => value;
        if (isOfLanguage(name)) return undefined;
        if (!has(_, name)) return refuse(name);
        return (...given) => chain(_[name](value, ...given));
      },
    });
  }
  return new Proxy(_, {
    get: (target, name) => (isOfLanguage(name) || name in target ? target[name] : refuse(name)),
  });
})
