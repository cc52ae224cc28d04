// Object.
(function (_, kit) {
  "use strict";
  const { isArray, isNil, isObject, isFunction, isArguments, isArrayLikeObject, isPlainObject, isTypedArray, isBuffer, isMap, isSet,
    isIterateeCall, own, eq, identity, keys, keysIn, symbolsIn, get, set, has, hasIn, put, assignValue, toKey, castPath,
    parentOf, flatten, iteratee, toStringTag, emptyLike, dense } = kit;

  const assigner = (assign, custom) => (target, ...given) => {
    const object = Object(target);
    let sources = given;
    let customizer = custom && sources.length > 1 && isFunction(sources[sources.length - 1]) ? sources[sources.length - 1] : undefined;
    if (customizer) sources = sources.slice(0, -1);
    if (sources.length > 2 && isIterateeCall(sources[0], sources[1], sources[2])) sources = sources.slice(0, 1);
    for (const source of sources) if (source) assign(object, source, customizer);
    return object;
  };
  const copier = (names) => (object, source, customizer) => {
    for (const name of names(source)) {
      const said = customizer ? customizer(object[name], source[name], name, object, source) : undefined;
      assignValue(object, name, said === undefined ? source[name] : said);
    }
  };
  const assign = assigner(copier(keys));
  const assignIn = assigner(copier(keysIn));
  const assignWith = assigner(copier(keys), true);
  const assignInWith = assigner(copier(keysIn), true);

  // ---------------------------------------------------------------- merge
  const safely = (object, key) => {
    if (key === "__proto__" || (key === "constructor" && isFunction(object[key]))) return undefined;
    return object[key];
  };
  const assignMerged = (object, key, value) => {
    if ((value !== undefined && !eq(object[key], value)) || (value === undefined && !(key in object))) put(object, key, value);
  };
  function merge(object, source, customizer, seen) {
    if (object === source) return;
    const before = seen || new Map();
    for (const key of keysIn(source)) {
      if (isObject(source[key])) mergeDeep(object, source, key, customizer, before);
      else {
        const said = customizer ? customizer(safely(object, key), source[key], key, object, source, before) : undefined;
        assignMerged(object, key, said === undefined ? source[key] : said);
      }
    }
  }
  function mergeDeep(object, source, key, customizer, seen) {
    const [there, value] = [safely(object, key), safely(source, key)];
    if (seen.has(value)) {
      assignMerged(object, key, seen.get(value));
      return;
    }
    let next = customizer ? customizer(there, value, key, object, source, seen) : undefined;
    if (next === undefined) {
      let inside = true;
      if (isArray(value) || isBuffer(value) || isTypedArray(value)) {
        if (isArray(there)) next = there;
        else if (isArrayLikeObject(there)) next = dense(there);
        else if (isArray(value)) next = [];
        else {
          inside = false;
          next = kit.cloneDeep(value);
        }
      } else if (isPlainObject(value) || isArguments(value)) {
        next = there;
        if (isArguments(there)) next = kit.copyObject(there, keysIn(there));
        else if (!isObject(there) || isFunction(there)) next = isArguments(value) ? {} : emptyLike(value);
      } else {
        inside = false;
        next = value;
      }
      if (inside) {
        seen.set(value, next);
        merge(next, value, customizer, seen);
        seen.delete(value);
      }
    }
    assignMerged(object, key, next);
  }
  const mergeWith = assigner((object, source, customizer) => merge(object, source, customizer), true);
  const deepDefaults = (there, value, key, object, source, seen) => {
    if (isObject(there) && isObject(value)) {
      seen.set(value, there);
      merge(there, value, deepDefaults, seen);
      seen.delete(value);
    }
    return there;
  };

  // ---------------------------------------------------------------- parts
  const pickBy = (object, paths, predicate) => {
    const result = {};
    for (const path of paths) {
      const value = get(object, path);
      if (predicate(value, path)) set(result, castPath(path, object), value);
    }
    return result;
  };
  const pickAll = (object, predicate, wanted) => {
    if (isNil(object)) return {};
    const names = keysIn(object).concat(symbolsIn(object));
    return pickBy(object, names.map((name) => [name]), (value, path) => Boolean(predicate(value, path[0])) === wanted);
  };
  const walker = (names, right) => (object, action) => {
    if (isNil(object)) return object;
    const target = Object(object);
    const found = names(object);
    for (const name of right ? found.reverse() : found) if (action(target[name], name, target) === false) break;
    return object;
  };
  const forOwn = walker(keys);
  const forIn = walker(keysIn);
  const findKey = (walk) => (object, predicate) => {
    const test = iteratee(predicate);
    let result;
    walk(object, (value, key, all) => {
      if (!test(value, key, all)) return true;
      result = key;
      return false;
    });
    return result;
  };
  const walked = (walk) => (object, action) => (isNil(object) ? object : walk(object, iteratee(action)));
  const pairs = (names) => (object) => {
    if (isMap(object)) return Array.from(object);
    if (isSet(object)) return Array.from(object, (value) => [value, value]);
    return names(object).map((name) => [name, object[name]]);
  };
  const asKey = (value) => (!isNil(value) && !isFunction(value.toString) ? toStringTag.call(value) : value);
  kit.invoke = (object, path, given) => {
    const names = castPath(path, object);
    const holder = parentOf(object, names);
    const action = isNil(holder) ? holder : holder[toKey(names[names.length - 1])];
    return isNil(action) ? undefined : action.apply(holder, given);
  };
  const functionsOf = (names) => (object) => (isNil(object) ? [] : names(object).filter((name) => isFunction(object[name])));
  const valueAt = (object, path, otherwise) => {
    const found = isNil(object) ? undefined : get(object, path);
    return found === undefined ? otherwise : found;
  };
  const toPairs = pairs(keys);
  const toPairsIn = pairs(keysIn);
  const customized = (customizer) => (isFunction(customizer) ? customizer : undefined);
  const updated = (object, path, change, customizer) => (isNil(object) ? object
    : set(object, path, (isFunction(change) ? change : identity)(get(object, path)), customizer));

  kit.add({
    assign, assignIn, extend: assignIn, assignWith, assignInWith, extendWith: assignInWith, mergeWith,
    at: (object, ...paths) => flatten(paths, 1).map((path) => (isNil(object) ? undefined : get(object, path))),
    create: (prototype, properties) => {
      const result = isObject(prototype) ? Object.create(prototype) : {};
      return isNil(properties) ? result : kit.copyObject(properties, keys(properties), result);
    },
    defaults: (target, ...given) => {
      const object = Object(target);
      let sources = given;
      if (sources.length > 2 && isIterateeCall(sources[0], sources[1], sources[2])) sources = sources.slice(0, 1);
      for (const source of sources) {
        for (const name of keysIn(source)) {
          const value = object[name];
          if (value === undefined || (eq(value, Object.prototype[name]) && !own(object, name))) object[name] = source[name];
        }
      }
      return object;
    },
    defaultsDeep: (...given) => mergeWith(...given, deepDefaults),
    merge: assigner((object, source) => merge(object, source)),
    findKey: findKey(forOwn),
    findLastKey: findKey(walker(keys, true)),
    forIn: walked(forIn), forInRight: walked(walker(keysIn, true)),
    forOwn: walked(forOwn), forOwnRight: walked(walker(keys, true)),
    functions: functionsOf(keys), functionsIn: functionsOf(keysIn),
    get: valueAt, has, hasIn,
    invert: (object) => {
      const result = {};
      for (const name of keys(object)) result[asKey(object[name])] = name;
      return result;
    },
    invertBy: (object, by) => {
      const test = iteratee(by);
      const result = {};
      for (const name of keys(object)) {
        const key = test(asKey(object[name]));
        if (own(result, key)) result[key].push(name);
        else result[key] = [name];
      }
      return result;
    },
    invoke: (object, path, ...given) => kit.invoke(object, path, given),
    keys, keysIn,
    mapKeys: (object, action) => {
      const result = {};
      const change = iteratee(action);
      forOwn(object, (value, key, all) => { put(result, change(value, key, all), value); });
      return result;
    },
    mapValues: (object, action) => {
      const result = {};
      const change = iteratee(action);
      forOwn(object, (value, key, all) => { put(result, key, change(value, key, all)); });
      return result;
    },
    omit: (object, ...given) => {
      if (isNil(object)) return {};
      const paths = flatten(given, 1).map((path) => castPath(path, object));
      let result = kit.copyObject(object, keysIn(object).concat(symbolsIn(object)));
      if (paths.some((path) => path.length > 1)) {
        result = kit.clone(result, { deep: true, flat: true,
          customizer: (value) => (isPlainObject(value) ? undefined : value) });
      }
      for (const path of paths) kit.unset(result, path);
      return result;
    },
    omitBy: (object, predicate) => pickAll(object, iteratee(predicate), false),
    pick: (object, ...given) => (isNil(object) ? {}
      : pickBy(object, flatten(given, 1), (value, path) => hasIn(object, path))),
    pickBy: (object, predicate) => pickAll(object, iteratee(predicate), true),
    result: (object, path, otherwise) => {
      const names = castPath(path, object);
      let at = names.length ? object : undefined;
      for (let index = 0; index < Math.max(names.length, 1); index++) {
        let value = isNil(at) ? undefined : at[toKey(names[index])];
        if (value === undefined) {
          index = names.length;
          value = otherwise;
        }
        at = isFunction(value) ? value.call(at) : value;
      }
      return at;
    },
    set: (object, path, value) => (isNil(object) ? object : set(object, path, value)),
    setWith: (object, path, value, customizer) => (isNil(object) ? object : set(object, path, value, customized(customizer))),
    toPairs, entries: toPairs, toPairsIn, entriesIn: toPairsIn,
    transform: (object, action, start) => {
      const step = iteratee(action);
      const listed = isArray(object) || isBuffer(object) || isTypedArray(object);
      let result = start;
      if (isNil(result)) {
        if (listed) result = isArray(object) ? new object.constructor() : [];
        else result = isObject(object) && isFunction(object.constructor) ? emptyLike(object) : {};
      }
      if (listed) kit.each(object, (value, index, all) => step(result, value, index, all));
      else forOwn(object, (value, key, all) => step(result, value, key, all));
      return result;
    },
    unset: (object, path) => isNil(object) || kit.unset(object, path),
    update: (object, path, change) => updated(object, path, change),
    updateWith: (object, path, change, customizer) => updated(object, path, change, customized(customizer)),
    values: kit.values,
    valuesIn: (object) => (isNil(object) ? [] : keysIn(object).map((key) => object[key])),
  });
})
