// Lang: what values are, whether they are equal, copies of them; and the iteratees that rest on it.
(function (_, kit) {
  "use strict";
  const { isArray, tag, own, isNil, isObject, isObjectLike, isFunction, isSymbol, isLength, isArrayLike, isPlainObject,
    isArguments, isTypedArray, isString, isNumber, isMap, isSet, isBuffer, eq, isPrototype, keys, keysIn, symbolsOf,
    symbolsIn, get, hasIn, isKey, toKey, put, assignValue, toNumber, toFinite, toInteger, toText, values, dense } = kit;

  // ---------------------------------------------------------------- equality
  const bytes = (value) => (value instanceof ArrayBuffer ? new Uint8Array(value)
    : new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  const sameBytes = (one, other) => one.byteLength === other.byteLength
    && bytes(one).every((byte, index) => byte === bytes(other)[index]);
  // `how`: partial (a source inside an object), unordered (members of lists in any order), customizer.
  function equal(one, other, how, seen) {
    if (one === other) return true;
    if (isNil(one) || isNil(other) || (!isObjectLike(one) && !isObjectLike(other))) return one !== one && other !== other;
    return equalDeep(one, other, how, seen || new Map());
  }
  const kindOf = (value) => {
    if (isArray(value)) return "Array";
    const kind = tag(value);
    return kind === "Arguments" ? "Object" : kind;
  };
  function equalDeep(one, other, how, seen) {
    const kind = kindOf(one);
    if (kind !== kindOf(other)) {
      return false;
    }
    if (isBuffer(one) !== isBuffer(other)) return false;
    if (kind === "Array" || isBuffer(one) || isTypedArray(one)) return remember(one, other, how, seen, equalLists);
    if (kind === "Object") {
      return remember(one, other, how, seen, equalObjects);
    }
    switch (kind) {
      case "ArrayBuffer": return sameBytes(one, other);
      case "DataView": return one.byteOffset === other.byteOffset && sameBytes(one, other);
      case "Boolean": case "Date": case "Number": return eq(Number(one), Number(other));
      case "Error": return one.name === other.name && one.message === other.message;
      case "RegExp": case "String": return String(one) === String(other);
      case "Symbol": return Symbol.prototype.valueOf.call(one) === Symbol.prototype.valueOf.call(other);
      case "Map": case "Set":
        if (one.size !== other.size && !how.partial) return false;
        return remember(one, other, how, seen, (left, right, ways, before) => equalLists(
          Array.from(left), Array.from(right), { ...ways, unordered: true }, before));
      default: return false;
    }
  }
  function remember(one, other, how, seen, compare) {
    if (seen.has(one) || seen.has(other)) return seen.get(one) === other && seen.get(other) === one;
    seen.set(one, other);
    seen.set(other, one);
    const result = compare(one, other, how, seen);
    seen.delete(one);
    seen.delete(other);
    return result;
  }
  const asked = (how, one, other, key, left, right, seen) => {
    if (!how.customizer) return undefined;
    return how.partial ? how.customizer(other, one, key, right, left, seen) : how.customizer(one, other, key, left, right, seen);
  };
  function equalLists(one, other, how, seen) {
    if (one.length !== other.length && !(how.partial && other.length > one.length)) return false;
    const used = new Set();
    for (let index = 0; index < one.length; index++) {
      const left = one[index];
      const said = asked(how, left, other[index], index, one, other, seen);
      if (said !== undefined) {
        if (said) continue;
        return false;
      }
      if (how.unordered) {
        let found = -1;
        for (let at = 0; at < other.length && found < 0; at++) {
          if (!used.has(at) && (left === other[at] || equal(left, other[at], how, seen))) found = at;
        }
        if (found < 0) return false;
        used.add(found);
      } else if (left !== other[index] && !equal(left, other[index], how, seen)) return false;
    }
    return true;
  }
  function equalObjects(one, other, how, seen) {
    const names = keys(one).concat(symbolsOf(one));
    if (!how.partial && names.length !== keys(other).length + symbolsOf(other).length) return false;
    if (!names.every((name) => (how.partial ? name in other : own(other, name)))) return false;
    let named = how.partial;
    for (const name of names) {
      const said = asked(how, one[name], other[name], name, one, other, seen);
      const same = said === undefined ? one[name] === other[name] || equal(one[name], other[name], how, seen) : said;
      if (!same) return false;
      if (name === "constructor") named = true;
    }
    if (named) return true;
    const [left, right] = [one.constructor, other.constructor];
    return left === right || !("constructor" in one && "constructor" in other)
      || (isFunction(left) && left instanceof left && isFunction(right) && right instanceof right);
  }
  const isEqual = (one, other) => equal(one, other, {});
  const partial = (source, value, customizer) => equal(source, value, { partial: true, unordered: true, customizer });

  const isStrict = (value) => value === value && !isObject(value);
  const matchData = (source) => keys(source).map((key) => [key, source[key], isStrict(source[key])]);
  function isMatch(object, source, data, customizer) {
    if (isNil(object)) return !data.length;
    const target = Object(object);
    for (const [key, value, strict] of data) {
      if (!customizer && strict ? value !== target[key] : !(key in target)) return false;
    }
    for (const [key, value, strict] of data) {
      if (!customizer && strict) {
        if (target[key] === undefined && !(key in target)) return false;
        continue;
      }
      const said = customizer ? customizer(target[key], value, key, object, source) : undefined;
      if (!(said === undefined ? partial(value, target[key], customizer) : said)) return false;
    }
    return true;
  }
  const strictly = (key, value) => (object) => !isNil(object) && object[key] === value
    && (value !== undefined || key in Object(object));
  const matches = (source) => {
    const data = matchData(source);
    if (data.length === 1 && data[0][2]) return strictly(data[0][0], data[0][1]);
    return (object) => object === source || isMatch(object, source, data);
  };
  const matchesProperty = (path, value) => {
    if (isKey(path) && isStrict(value)) return strictly(toKey(path), value);
    return (object) => {
      const found = get(object, path);
      return found === undefined && found === value ? hasIn(object, path) : partial(value, found);
    };
  };
  const property = (path) => {
    if (!isKey(path)) return (object) => get(object, path);
    const key = toKey(path);
    return (object) => (isNil(object) ? undefined : object[key]);
  };
  kit.shorthand = (value) => {
    if (isFunction(value)) return value;
    if (isNil(value)) return kit.identity;
    if (typeof value === "object") return isArray(value) ? matchesProperty(value[0], value[1]) : matches(value);
    return property(value);
  };
  // `_.iteratee` may be replaced, and then counts everywhere.
  kit.iteratee = (value) => (_.iteratee === kit.ownIteratee ? kit.shorthand(value) : _.iteratee(value));
  kit.ownIteratee = (value) => kit.shorthand(isFunction(value) ? value : cloneDeep(value));

  // ---------------------------------------------------------------- copies
  const emptyLike = (value) => (isFunction(value.constructor) && !isPrototype(value)
    ? Object.create(Object.getPrototypeOf(value)) : {});
  function clone(value, how, key, holder, seen) {
    if (how.customizer) {
      const said = holder ? how.customizer(value, key, holder, seen) : how.customizer(value);
      if (said !== undefined) return said;
    }
    if (!isObject(value)) return value;
    const before = seen || new Map();
    let copy;
    if (isArray(value)) {
      copy = new value.constructor(value.length);
      if (value.length && typeof value[0] === "string" && own(value, "index")) {
        copy.index = value.index;
        copy.input = value.input;
      }
      if (!how.deep) return dense(value).reduce((all, one, at) => { all[at] = one; return all; }, copy);
    } else {
      const kind = isFunction(value) ? "Function" : tag(value);
      if (isBuffer(value)) return value.constructor.from(value);
      if (kind === "Object" || kind === "Arguments" || (kind === "Function" && !holder)) {
        copy = kind === "Function" || (how.flat && kind === "Object") ? {} : emptyLike(value);
        if (!how.deep) {
          return kit.copyObject(value, how.flat ? keysIn(value).concat(symbolsIn(value)) : keys(value).concat(symbolsOf(value)), copy);
        }
      } else {
        copy = copyOf(value, kind, how);
        if (copy === undefined) return holder ? value : {};
      }
    }
    if (before.has(value)) return before.get(value);
    before.set(value, copy);
    if (isSet(value)) value.forEach((one) => copy.add(clone(one, how, one, value, before)));
    else if (isMap(value)) value.forEach((one, name) => copy.set(name, clone(one, how, name, value, before)));
    else if (isTypedArray(value)) return copy;
    const names = isArray(value) ? dense(value).map((one, index) => index)
      : how.flat ? keysIn(value).concat(symbolsIn(value)) : keys(value).concat(symbolsOf(value));
    for (const name of names) assignValue(copy, name, clone(value[name], how, name, value, before));
    return copy;
  }
  function copyOf(value, kind, how) {
    if (isTypedArray(value)) {
      return new value.constructor(how.deep ? value.buffer.slice(0) : value.buffer, value.byteOffset, value.length);
    }
    switch (kind) {
      case "ArrayBuffer": return value.slice(0);
      case "DataView": return new DataView(how.deep ? value.buffer.slice(0) : value.buffer, value.byteOffset, value.byteLength);
      case "Boolean": case "Date": return new value.constructor(Number(value));
      case "Number": case "String": return new value.constructor(value);
      case "RegExp": {
        const copy = new RegExp(value.source, value.flags);
        copy.lastIndex = value.lastIndex;
        return copy;
      }
      case "Map": return new Map();
      case "Set": return new Set();
      case "Symbol": return Object(Symbol.prototype.valueOf.call(value));
      default: return undefined;
    }
  }
  const custom = (customizer) => (isFunction(customizer) ? customizer : undefined);
  const cloneDeep = (value) => clone(value, { deep: true });
  Object.assign(kit, { isEqual, partial, isMatch, matchData, matches, matchesProperty, property, clone, cloneDeep, emptyLike });

  const kindIs = (name) => (value) => isObjectLike(value) && tag(value) === name;
  const numbers = (compare) => (one, other) => (typeof one === "string" && typeof other === "string"
    ? compare(one, other) : compare(toNumber(one), toNumber(other)));
  const conformsTo = (object, source, names) => {
    if (isNil(object)) return !names.length;
    const target = Object(object);
    return names.every((name) => !((target[name] === undefined && !(name in target)) || !source[name](target[name])));
  };
  kit.conformsTo = conformsTo;
  kit.toArray = (value) => {
    if (!value) return [];
    if (isArrayLike(value)) return isString(value) ? kit.characters(value) : dense(value);
    if (isFunction(value[Symbol.iterator])) return Array.from(value);
    return values(value);
  };
  const isEmpty = (value) => {
    if (isNil(value)) return true;
    if (isArrayLike(value) && (isArray(value) || typeof value === "string" || isFunction(value.splice)
      || isBuffer(value) || isTypedArray(value) || isArguments(value))) return !value.length;
    if (isMap(value) || isSet(value)) return !value.size;
    return keys(value).length === 0;
  };
  kit.add({
    castArray: function (value) { return arguments.length ? (isArray(value) ? value : [value]) : []; },
    clone: (value) => clone(value, {}),
    cloneDeep,
    cloneDeepWith: (value, customizer) => clone(value, { deep: true, customizer: custom(customizer) }),
    cloneWith: (value, customizer) => clone(value, { customizer: custom(customizer) }),
    conformsTo: (object, source) => isNil(source) || conformsTo(object, source, keys(source)),
    eq,
    gt: numbers((one, other) => one > other),
    gte: numbers((one, other) => one >= other),
    lt: numbers((one, other) => one < other),
    lte: numbers((one, other) => one <= other),
    isArguments, isArray, isArrayLike, isBuffer, isFunction, isLength, isMap, isSet, isNil, isNumber, isObject,
    isObjectLike, isPlainObject, isString, isSymbol, isTypedArray, isEmpty,
    isArrayBuffer: kindIs("ArrayBuffer"),
    isArrayLikeObject: kit.isArrayLikeObject,
    isBoolean: (value) => value === true || value === false || kindIs("Boolean")(value),
    isDate: kindIs("Date"),
    isElement: (value) => isObjectLike(value) && value.nodeType === 1 && !isPlainObject(value),
    isEqual,
    isEqualWith: (one, other, customizer) => {
      const ask = custom(customizer);
      const said = ask ? ask(one, other) : undefined;
      return said === undefined ? equal(one, other, { customizer: ask }) : Boolean(said);
    },
    isError: (value) => isObjectLike(value) && (tag(value) === "Error" || tag(value) === "DOMException"
      || (typeof value.message === "string" && typeof value.name === "string" && !isPlainObject(value))),
    isFinite: (value) => typeof value === "number" && Number.isFinite(value),
    isInteger: (value) => typeof value === "number" && value === toInteger(value),
    isMatch: (object, source) => object === source || isMatch(object, source, matchData(source)),
    isMatchWith: (object, source, customizer) => isMatch(object, source, matchData(source), custom(customizer)),
    isNaN: (value) => isNumber(value) && Number.isNaN(Number(value)),
    isNative: (value) => isFunction(value) && /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(value)),
    isNull: (value) => value === null,
    isRegExp: kindIs("RegExp"),
    isSafeInteger: (value) => Number.isSafeInteger(value),
    isUndefined: (value) => value === undefined,
    isWeakMap: kindIs("WeakMap"),
    isWeakSet: kindIs("WeakSet"),
    toArray: kit.toArray,
    toFinite, toInteger, toNumber,
    toLength: (value) => (value ? Math.min(Math.max(toInteger(value), 0), 4294967295) : 0),
    toPlainObject: (value) => kit.copyObject(Object(value), keysIn(value)),
    toSafeInteger: (value) => (value ? Math.min(Math.max(toInteger(value), -kit.MOST), kit.MOST) : value === 0 ? value : 0),
    toString: toText,
    iteratee: kit.ownIteratee,
    matches: (source) => matches(cloneDeep(source)),
    matchesProperty: (path, value) => matchesProperty(path, cloneDeep(value)),
    property,
    propertyOf: (object) => (path) => (isNil(object) ? undefined : get(object, path)),
    conforms: (source) => {
      const kept = cloneDeep(source);
      const names = keys(kept);
      return (object) => conformsTo(object, kept, names);
    },
  });
})
