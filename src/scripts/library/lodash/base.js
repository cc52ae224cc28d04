// What the chapters of `require('lodash')` share: kinds of values, paths, iteratees.
(function (_, kit) {
  "use strict";
  const toStringTag = Object.prototype.toString;
  const hasOwn = Object.prototype.hasOwnProperty;
  const MOST = 9007199254740991;

  const isArray = Array.isArray;
  const tag = (value) => toStringTag.call(value).slice(8, -1);
  const own = (object, key) => hasOwn.call(object, key);
  const isNil = (value) => value === null || value === undefined;
  const isObject = (value) => value !== null && (typeof value === "object" || typeof value === "function");
  const isObjectLike = (value) => value !== null && typeof value === "object";
  const isFunction = (value) => typeof value === "function";
  const isSymbol = (value) => typeof value === "symbol" || (isObjectLike(value) && tag(value) === "Symbol");
  const isLength = (value) => typeof value === "number" && value > -1 && value % 1 === 0 && value <= MOST;
  const isArrayLike = (value) => !isNil(value) && !isFunction(value) && isLength(value.length);
  const isArrayLikeObject = (value) => isObjectLike(value) && isArrayLike(value);
  const isArguments = (value) => isObjectLike(value) && tag(value) === "Arguments";
  const isTypedArray = (value) => ArrayBuffer.isView(value) && tag(value) !== "DataView";
  const isString = (value) => typeof value === "string" || (isObjectLike(value) && !isArray(value) && tag(value) === "String");
  const isNumber = (value) => typeof value === "number" || (isObjectLike(value) && tag(value) === "Number");
  const isMap = (value) => isObjectLike(value) && tag(value) === "Map";
  const isSet = (value) => isObjectLike(value) && tag(value) === "Set";
  const isBuffer = (value) => isObjectLike(value) && isFunction(value.constructor)
    && isFunction(value.constructor.isBuffer) && value.constructor.isBuffer(value);
  const eq = (one, other) => one === other || (one !== one && other !== other);
  const identity = (value) => value;
  const isIndex = (value, length) => {
    const most = isNil(length) ? MOST : length;
    const number = typeof value === "number" || (typeof value !== "symbol" && /^(?:0|[1-9]\d*)$/.test(value));
    return Boolean(most) && number && value > -1 && value % 1 === 0 && value < most;
  };
  // Whether these are the arguments that an iteratee gets: `_.map(list, _.chunk)` means `chunk(each)`.
  const isIterateeCall = (value, index, object) => {
    if (!isObject(object)) return false;
    const fits = typeof index === "number" ? isArrayLike(object) && isIndex(index, object.length)
      : typeof index === "string" && index in object;
    return fits && eq(object[index], value);
  };
  const isPrototype = (value) => {
    const maker = value && value.constructor;
    return value === ((isFunction(maker) && maker.prototype) || Object.prototype);
  };
  const makerText = Function.prototype.toString.call(Object);
  const isPlainObject = (value) => {
    if (!isObjectLike(value) || tag(value) !== "Object") return false;
    const above = Object.getPrototypeOf(value);
    if (above === null) return true;
    const maker = own(above, "constructor") && above.constructor;
    return isFunction(maker) && maker instanceof maker && Function.prototype.toString.call(maker) === makerText;
  };

  // ---------------------------------------------------------------- numbers and texts
  const asText = (value) => {
    if (typeof value === "string") return value;
    if (isArray(value)) return String(Array.from(value, asText));
    if (isSymbol(value)) return Symbol.prototype.toString.call(value);
    const text = value + "";
    return text === "0" && Object.is(Number(value), -0) ? "-0" : text;
  };
  const toText = (value) => (isNil(value) ? "" : asText(value));
  const toNumber = (value) => {
    if (typeof value === "number") return value;
    if (isSymbol(value)) return NaN;
    let plain = value;
    if (isObject(plain)) {
      const inner = isFunction(plain.valueOf) ? plain.valueOf() : plain;
      plain = isObject(inner) ? inner + "" : inner;
    }
    if (typeof plain !== "string") return plain === 0 ? plain : +plain;
    return Number(plain.trim());
  };
  const toFinite = (value) => {
    if (!value) return value === 0 ? value : 0;
    const number = toNumber(value);
    if (number === Infinity || number === -Infinity) return (number < 0 ? -1 : 1) * Number.MAX_VALUE;
    return number === number ? number : 0;
  };
  const toInteger = (value) => {
    const finite = toFinite(value);
    return finite % 1 ? finite - (finite % 1) : finite;
  };

  // ---------------------------------------------------------------- keys and paths
  const toKey = (value) => {
    if (typeof value === "string" || isSymbol(value)) return value;
    return Object.is(value, -0) ? "-0" : value + "";
  };
  // `a[0].b['c.d']`, read by hand.
  const paths = new Map();
  const readPath = (text) => {
    if (paths.has(text)) return paths.get(text);
    const parts = [];
    let at = 0;
    if (text[0] === ".") parts.push("");
    while (at < text.length) {
      if (text[at] === "[") {
        const found = /^\[(?:([^"'][^[\]]*)|(["'])((?:(?!\2)[^\\]|\\.)*?)\2)\]/.exec(text.slice(at));
        if (found) {
          parts.push(found[2] ? found[3].replace(/\\(\\)?/g, "$1") : found[1]);
          at += found[0].length;
          if (text[at] === "." && at + 1 === text.length) parts.push("");
          if (text[at] === "." && (text[at + 1] === "." || text[at + 1] === "[")) parts.push("");
          if (text[at] === ".") at += 1;
          continue;
        }
        if (text.startsWith("[]", at)) {
          parts.push("");
          at += 2;
          continue;
        }
        at += 1;
        continue;
      }
      const plain = /^[^.[\]]+/.exec(text.slice(at));
      if (plain) {
        parts.push(plain[0]);
        at += plain[0].length;
      }
      if (text[at] === ".") {
        if (at + 1 === text.length || text[at + 1] === "." || text.startsWith("[]", at + 1)) parts.push("");
        at += 1;
        if (text.startsWith("[]", at)) at += 2;
      } else if (text[at] === "]") at += 1;
    }
    if (paths.size > 500) paths.clear();
    paths.set(text, parts);
    return parts;
  };
  const isKey = (value, object) => {
    if (isArray(value)) return false;
    if (typeof value === "number" || typeof value === "boolean" || isNil(value) || isSymbol(value)) return true;
    return /^\w*$/.test(value) || !/\.|\[(?:[^[\]]*|(["'])(?:(?!\1)[^\\]|\\.)*?\1)\]/.test(value)
      || (!isNil(object) && value in Object(object));
  };
  const castPath = (value, object) => {
    if (isArray(value)) return value;
    return isKey(value, object) ? [value] : readPath(toText(value));
  };
  const get = (object, path) => {
    const keys = castPath(path, object);
    let at = object;
    let index = 0;
    while (!isNil(at) && index < keys.length) at = at[toKey(keys[index++])];
    return index && index === keys.length ? at : undefined;
  };
  const parentOf = (object, path) => (path.length < 2 ? object : get(object, path.slice(0, -1)));
  const put = (object, key, value) => {
    if (key === "__proto__") {
      Object.defineProperty(object, key, { value: value, configurable: true, enumerable: true, writable: true });
    } else Reflect.set(object, key, value);
  };
  const assignValue = (object, key, value) => {
    if (!(own(object, key) && eq(object[key], value)) || (value === undefined && !(key in object))) put(object, key, value);
  };
  const set = (object, path, value, customizer) => {
    if (!isObject(object)) return object;
    const keys = castPath(path, object);
    let at = object;
    for (let index = 0; !isNil(at) && index < keys.length; index++) {
      const key = toKey(keys[index]);
      if (key === "__proto__" || key === "constructor" || key === "prototype") return object;
      let next = value;
      if (index !== keys.length - 1) {
        const before = at[key];
        next = customizer ? customizer(before, key, at) : undefined;
        if (next === undefined) next = isObject(before) ? before : isIndex(keys[index + 1]) ? [] : {};
      }
      assignValue(at, key, next);
      at = at[key];
    }
    return object;
  };
  const unset = (object, path) => {
    const keys = castPath(path, object);
    const holder = parentOf(object, keys);
    return isNil(holder) || Reflect.deleteProperty(Object(holder), toKey(keys[keys.length - 1]));
  };
  const hasPath = (object, path, test) => {
    const keys = castPath(path, object);
    let at = object;
    let key;
    for (let index = 0; index < keys.length; index++) {
      key = toKey(keys[index]);
      if (isNil(at) || !test(at, key)) {
        if (index + 1 !== keys.length || isNil(at)) return false;
        return isLength(at.length) && isIndex(key, at.length) && (isArray(at) || isArguments(at));
      }
      at = at[key];
    }
    return keys.length > 0;
  };
  const hasIn = (object, path) => !isNil(object) && hasPath(object, path, (at, key) => key in Object(at));
  const has = (object, path) => !isNil(object) && hasPath(object, path, own);

  const isIndexed = (value) => isArray(value) || isArguments(value) || isBuffer(value) || isTypedArray(value);
  const keys = (object) => {
    if (isNil(object)) return [];
    if (!isIndexed(object)) {
      const found = Object.keys(Object(object));
      return isObject(object) && isPrototype(object) ? found.filter((key) => key !== "constructor") : found;
    }
    const found = Array.from({ length: object.length }, (none, index) => String(index));
    for (const key of Object.keys(object)) if (!isIndex(key, object.length)) found.push(key);
    return found;
  };
  const keysIn = (object) => {
    const found = [];
    if (isNil(object)) return found;
    const target = Object(object);
    const indexed = isIndexed(object);
    if (indexed) for (let index = 0; index < object.length; index++) found.push(String(index));
    const skip = isPrototype(target);
    for (const key in target) {
      if (indexed && isIndex(key, object.length)) continue;
      if (!indexed && key === "constructor" && (skip || !own(target, key))) continue;
      found.push(key);
    }
    return found;
  };
  const symbolsOf = (object) => (isNil(object) ? [] : Object.getOwnPropertySymbols(Object(object))
    .filter((symbol) => Object.prototype.propertyIsEnumerable.call(object, symbol)));
  const symbolsIn = (object) => {
    const found = [];
    for (let at = object; at; at = Object.getPrototypeOf(Object(at))) found.push(...symbolsOf(at));
    return found;
  };
  const copyObject = (source, names, target) => {
    const copy = target || {};
    for (const name of names) (target ? assignValue : put)(copy, name, source[name]);
    return copy;
  };
  const values = (object) => (isNil(object) ? [] : keys(object).map((key) => object[key]));

  // ---------------------------------------------------------------- walking
  const eachOf = (object, action) => {
    for (const key of keys(object)) if (action(object[key], key, object) === false) break;
    return object;
  };
  const each = (collection, action) => {
    if (isNil(collection)) return collection;
    if (!isArrayLike(collection)) return eachOf(collection, action);
    const list = Object(collection);
    for (let index = 0, length = collection.length; index < length; index++) {
      if (action(list[index], index, list) === false) break;
    }
    return collection;
  };
  const eachRight = (collection, action) => {
    if (isNil(collection)) return collection;
    if (!isArrayLike(collection)) {
      for (const key of keys(collection).reverse()) if (action(collection[key], key, collection) === false) break;
      return collection;
    }
    const list = Object(collection);
    for (let index = collection.length - 1; index >= 0; index--) if (action(list[index], index, list) === false) break;
    return collection;
  };
  const flatten = (list, depth, isFlat, strict, result) => {
    const test = isFlat || ((value) => isArray(value) || isArguments(value)
      || Boolean(isObject(value) && value[Symbol.isConcatSpreadable]));
    const flat = result || [];
    for (let index = 0; index < (list ? list.length : 0); index++) {
      const value = list[index];
      if (depth > 0 && test(value)) {
        if (depth > 1) flatten(value, depth - 1, isFlat, strict, flat);
        else for (let inner = 0; inner < value.length; inner++) flat.push(value[inner]);
      } else if (!strict) flat.push(value);
    }
    return flat;
  };
  const dense = (list) => Array.from({ length: isNil(list) ? 0 : list.length }, (none, index) => list[index]);

  Object.assign(kit, { toStringTag, MOST, isArray, tag, own, isNil, isObject, isObjectLike, isFunction, isSymbol,
    isLength, isArrayLike, isArrayLikeObject, isArguments, isTypedArray, isString, isNumber, isMap, isSet, isBuffer,
    eq, identity, isIndex, isIterateeCall, isPrototype, isPlainObject, asText, toText, toNumber, toFinite, toInteger,
    toKey, readPath, isKey, castPath, get, parentOf, put, assignValue, set, unset, hasPath, hasIn, has, keys, keysIn,
    symbolsOf, symbolsIn, copyObject, values, eachOf, each, eachRight, flatten, dense, isIndexed });
})
