// Date and Util, as far as other chapters do not have them.
(function (_, kit) {
  "use strict";
  const { isNil, isFunction, isObject, isArray, isIterateeCall, toFinite, toInteger, toText, toKey, flatten, iteratee,
    isSymbol, keys } = kit;
  const range = (right) => (start, end, step) => {
    let [from, to, by] = [start, end, step];
    if (by && typeof by !== "number" && isIterateeCall(from, to, by)) to = by = undefined;
    from = toFinite(from);
    if (to === undefined) [from, to] = [0, from];
    else to = toFinite(to);
    by = by === undefined ? (from < to ? 1 : -1) : toFinite(by);
    const length = Math.max(Math.ceil((to - from) / (by || 1)), 0);
    const result = Array.from({ length }, (none, index) => from + index * by);
    return right ? result.reverse() : result;
  };
  let number = 0;
  const attempt = (action, ...given) => {
    try {
      return action(...given);
    } catch (error) {
      return _.isError(error) ? error : new Error(error);
    }
  };
  const truth = (value) => () => value;
  kit.add({
    now: () => Date.now(),
    attempt,
    bindAll: (object, ...names) => {
      for (const name of flatten(names, 1)) kit.put(object, toKey(name), _.bind(object[toKey(name)], object));
      return object;
    },
    cond: (pairs) => {
      const list = (pairs || []).map(([test, action]) => [iteratee(test), kit.checked(action)]);
      return function (...given) {
        for (const [test, action] of list) if (test.apply(this, given)) return action.apply(this, given);
        return undefined;
      };
    },
    constant: (value) => () => value,
    defaultTo: (value, otherwise) => (isNil(value) || value !== value ? otherwise : value),
    identity: kit.identity,
    method: (path, ...given) => (object) => kit.invoke(object, path, given),
    methodOf: (object, ...given) => (path) => kit.invoke(object, path, given),
    mixin: (target, source, options) => {
      let [object, methods, how] = [target, source, options];
      const names = (value) => keys(value).filter((name) => isFunction(value[name]));
      if (how === undefined && !(isObject(methods) && (names(methods).length || !keys(methods).length))) {
        [object, methods, how] = [_, target, source];
      }
      const chain = !(isObject(how) && "chain" in how) || Boolean(how.chain);
      for (const name of names(methods)) {
        const action = methods[name];
        object[name] = action;
        if (!isFunction(object)) continue;
        object.prototype[name] = function (...given) {
          if (object === _ || object.prototype.__wraps__) return kit.through(this, action, given, chain);
          return action.apply(object, [this.__wrapped__, ...given]);
        };
      }
      return object;
    },
    noConflict: () => _,
    noop: () => undefined,
    nthArg: (n) => (...given) => _.nth(given, n),
    range: range(false),
    rangeRight: range(true),
    runInContext: () => kit.again(),
    stubArray: () => [],
    stubFalse: truth(false),
    stubObject: () => ({}),
    stubString: truth(""),
    stubTrue: truth(true),
    times: (n, action) => {
      const count = toInteger(n);
      if (count < 1 || count > kit.MOST) return [];
      const step = isFunction(action) ? action : kit.identity;
      return Array.from({ length: Math.min(count, 4294967295) }, (none, index) => step(index));
    },
    toPath: (value) => (isArray(value) ? value.map(toKey) : isSymbol(value) ? [value] : kit.readPath(toText(value)).slice()),
    uniqueId: (prefix) => toText(prefix) + ++number,
  });
})
