// `require('lodash')`: our own implementation of version 4's functions, a file for each chapter. Most
// scripts use a handful: a chapter is read when one of its functions is first asked for.
(function (host) {
  "use strict";
  const NAMES = {
    lang: "castArray clone cloneDeep cloneDeepWith cloneWith conformsTo eq gt gte lt lte isArguments isArray isArrayLike "
      + "isBuffer isFunction isLength isMap isSet isNil isNumber isObject isObjectLike isPlainObject isString isSymbol "
      + "isTypedArray isEmpty isArrayBuffer isArrayLikeObject isBoolean isDate isElement isEqual isEqualWith isError "
      + "isFinite isInteger isMatch isMatchWith isNaN isNative isNull isRegExp isSafeInteger isUndefined isWeakMap "
      + "isWeakSet toArray toFinite toInteger toNumber toLength toPlainObject toSafeInteger toString iteratee matches "
      + "matchesProperty property propertyOf conforms",
    array: "chunk compact concat difference differenceBy differenceWith drop dropRight dropWhile dropRightWhile fill "
      + "findIndex findLastIndex flatten flattenDeep flattenDepth fromPairs head first indexOf initial intersection "
      + "intersectionBy intersectionWith join last lastIndexOf nth pull pullAll pullAllBy pullAllWith pullAt remove "
      + "reverse slice sortedIndex sortedIndexBy sortedIndexOf sortedLastIndex sortedLastIndexBy sortedLastIndexOf "
      + "sortedUniq sortedUniqBy tail take takeRight takeWhile takeRightWhile union unionBy unionWith uniq uniqBy "
      + "uniqWith unzip unzipWith without xor xorBy xorWith zip zipObject zipObjectDeep zipWith",
    collection: "countBy groupBy keyBy partition forEach each forEachRight eachRight every some filter reject find "
      + "findLast flatMap flatMapDeep flatMapDepth includes invokeMap map orderBy reduce reduceRight sample sampleSize "
      + "shuffle size sortBy add subtract multiply divide ceil floor round max maxBy min minBy mean meanBy sum sumBy "
      + "clamp inRange random",
    function: "after ary before bind bindKey curry curryRight debounce memoize partial partialRight defer delay flip "
      + "negate once overArgs rearg rest spread throttle unary wrap flow flowRight over overEvery overSome",
    object: "assign assignIn extend assignWith assignInWith extendWith mergeWith at create defaults defaultsDeep merge "
      + "findKey findLastKey forIn forInRight forOwn forOwnRight functions functionsIn get has hasIn invert invertBy "
      + "invoke keys keysIn mapKeys mapValues omit omitBy pick pickBy result set setWith toPairs entries toPairsIn "
      + "entriesIn transform unset update updateWith values valuesIn",
    string: "words deburr upperFirst capitalize truncate camelCase kebabCase lowerCase snakeCase startCase upperCase "
      + "lowerFirst toLower toUpper endsWith startsWith escape unescape escapeRegExp pad padEnd padStart parseInt repeat "
      + "replace split trim trimEnd trimStart templateSettings template",
    util: "now attempt bindAll cond constant defaultTo identity method methodOf mixin noConflict noop nthArg range "
      + "rangeRight runInContext stubArray stubFalse stubObject stubString stubTrue times toPath uniqueId",
    seq: "chain tap thru",
  };
  // What chapters have for each other.
  const HELPERS = { array: "indexOf from fromRight uniq", function: "checked", object: "invoke", string: "characters escape",
    seq: "wrap through" };
  const chapters = {};
  const chapter = (name) => (chapters[name] = chapters[name] || host.load("lodash/" + name));

  function make() {
    const kit = { again: make, names: NAMES };
    const prototype = {};
    const _ = (value) => kit.wrap(value);
    const read = new Set();
    const load = (name) => {
      if (read.has(name)) return;
      read.add(name);
      chapter(name)(_, kit);
    };
    const settle = (object, name, value) => Object.defineProperty(object, name,
      { value, writable: true, enumerable: true, configurable: true });
    const waiting = new Set();
    const later = (object, name, from, settled) => Object.defineProperty(object, name, {
      get: () => {
        load(from);
        return object[name];
      },
      set: settled,
      enumerable: true,
      configurable: true,
    });
    // What a script has put in the place of a function stays there.
    kit.add = (functions) => {
      for (const name of Object.keys(functions)) {
        if (waiting.delete(name) || !Object.prototype.hasOwnProperty.call(_, name)) settle(_, name, functions[name]);
      }
    };
    for (const from of Object.keys(HELPERS)) {
      for (const name of HELPERS[from].split(" ")) later(kit, name, from, (value) => { settle(kit, name, value); });
    }
    for (const from of Object.keys(NAMES)) {
      for (const name of NAMES[from].split(" ")) {
        waiting.add(name);
        later(_, name, from, (value) => {
          waiting.delete(name);
          settle(_, name, value);
        });
      }
    }
    Object.defineProperty(_, "prototype", {
      get: () => {
        load("seq");
        return prototype;
      },
    });
    _.VERSION = "4.17.21";
    _._ = _;
    load("base");
    load("lang");
    return _;
  }
  return make();
})
