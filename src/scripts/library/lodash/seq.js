// Seq: `_(value)` and `_.chain(value)`. Steps are taken when a value is asked for.
(function (_, kit) {
  "use strict";
  // What ends an implicit chain: functions whose result is one value.
  const SINGLE = ("add attempt camelCase capitalize ceil clamp clone cloneDeep cloneDeepWith cloneWith conformsTo deburr defaultTo "
    + "divide each eachRight endsWith eq escape escapeRegExp every find findIndex findKey findLast findLastIndex findLastKey first floor "
    + "forEach forEachRight forIn forInRight forOwn forOwnRight get gt gte has hasIn head identity inRange includes indexOf "
    + "invoke isArguments isArray isArrayBuffer isArrayLike isArrayLikeObject isBoolean isBuffer isDate isElement isEmpty "
    + "isEqual isEqualWith isError isFinite isFunction isInteger isLength isMap isMatch isMatchWith isNaN isNative isNil "
    + "isNull isNumber isObject isObjectLike isPlainObject isRegExp isSafeInteger isSet isString isSymbol isTypedArray "
    + "isUndefined isWeakMap isWeakSet join kebabCase last lastIndexOf lowerCase lowerFirst lt lte max maxBy mean meanBy min "
    + "minBy multiply noConflict noop now nth pad padEnd padStart parseInt random reduce reduceRight repeat replace result "
    + "round runInContext sample size snakeCase some sortedIndex sortedIndexBy sortedIndexOf sortedLastIndex "
    + "sortedLastIndexBy sortedLastIndexOf startCase startsWith stubArray stubFalse stubObject stubString stubTrue subtract sum sumBy template "
    + "times toFinite toInteger toLength toLower toNumber toSafeInteger toString toUpper trim trimEnd trimStart truncate "
    + "unescape uniqueId upperCase upperFirst").split(" ");

  function Wrapper(value, chained) {
    this.__wrapped__ = value;
    this.__actions__ = [];
    this.__chain__ = Boolean(chained);
  }
  Wrapper.prototype = _.prototype;
  Object.defineProperty(_.prototype, "__wraps__", { value: true });
  kit.wrap = (value) => {
    if (value instanceof Wrapper) return copy(value);
    return new Wrapper(value, false);
  };
  function copy(wrapper) {
    const result = new Wrapper(wrapper.__wrapped__, wrapper.__chain__);
    result.__actions__ = wrapper.__actions__.slice();
    return result;
  }
  function resolved(wrapper) {
    const { __wrapped__: start, __actions__: steps } = wrapper;
    let value = start instanceof Wrapper ? resolved(start) : start;
    for (const step of steps) value = step(value);
    return value;
  }
  function later(wrapper, step) {
    const result = copy(wrapper);
    result.__actions__.push(step);
    return result;
  }
  kit.through = (wrapper, action, given, chain) => {
    const step = (value) => action.apply(_, [value, ...given]);
    return chain || wrapper.__chain__ ? later(wrapper, step) : step(resolved(wrapper));
  };

  const single = new Set(SINGLE);
  for (const name of Object.values(kit.names).flatMap((names) => names.split(" "))) {
    if (name === "templateSettings") continue;
    const chain = !single.has(name);
    _.prototype[name] = function (...given) { return kit.through(this, _[name], given, chain); };
  }
  kit.add({
    chain: (value) => {
      const result = kit.wrap(value);
      result.__chain__ = true;
      return result;
    },
    tap: (value, interceptor) => {
      interceptor(value);
      return value;
    },
    thru: (value, interceptor) => interceptor(value),
  });
  const list = Array.prototype;
  for (const name of ["pop", "push", "shift", "sort", "splice", "unshift"]) {
    _.prototype[name] = function (...given) {
      if ((name === "pop" || name === "shift") && !this.__chain__) return list[name].apply(Array.isArray(resolved(this)) ? resolved(this) : [], given);
      return later(this, (value) => {
        const result = list[name].apply(Array.isArray(value) ? value : [], given);
        return name === "push" || name === "sort" || name === "unshift" ? value : result;
      });
    };
  }
  const value = function () { return resolved(this); };
  Object.assign(_.prototype, {
    value, valueOf: value, toJSON: value,
    at: function (...paths) { return later(this, (object) => _.at(object, ...paths)); },
    chain: function () { return _.chain(this); },
    commit: function () { return new Wrapper(resolved(this), this.__chain__); },
    next: function () {
      if (this.__values__ === undefined) {
        this.__values__ = kit.toArray(resolved(this));
        this.__index__ = 0;
      }
      const done = this.__index__ >= this.__values__.length;
      return { done, value: done ? undefined : this.__values__[this.__index__++] };
    },
    plant: function (given) {
      const result = copy(this);
      result.__wrapped__ = given;
      return result;
    },
    reverse: function () { return later(this, (array) => _.reverse(array)); },
    tap: function (interceptor) { return later(this, (one) => _.tap(one, interceptor)); },
    thru: function (interceptor) { return later(this, (one) => _.thru(one, interceptor)); },
  });
  _.prototype.first = _.prototype.head;
  Object.defineProperty(_.prototype, Symbol.iterator, { value: function () { return this; }, configurable: true, writable: true });
})
