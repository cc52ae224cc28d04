// `require('lodash/fp')`: the functions of `lodash` with the data last, waiting for all their
// arguments, with iteratees that get one value, and never changing what they are given.
(function (host, library) {
  "use strict";
  const _ = library.load("lodash").runInContext();
  const fp = function lodash(value) { return _(value); };
  Object.assign(fp, _);
  _.placeholder = fp;

  // Which of the given arguments becomes the first, second, … of lodash's function; `*`: it is a list
  // of arguments; `name=real` where lodash has it by another name.
  const ORDERS = {
    "0": "attempt ceil create curry curryRight floor fromPairs invert memoize method methodOf=methodOf over overEvery overSome rest reverse "
      + "round spread template trim trimEnd trimStart uniqueId words",
    "0*": "assignAll=assign assignInAll=assignIn defaultsAll=defaults defaultsDeepAll=defaultsDeep mergeAll=merge zipAll=zip",
    "10": "after ary at before bindAll chunk cloneDeepWith cloneWith conformsTo countBy curryN=curry curryRightN=curryRight "
      + "debounce defaults defaultsDeep defaultTo delay drop dropRight dropRightWhile dropWhile endsWith every filter find "
      + "findIndex findKey findLast findLastIndex findLastKey flatMap flatMapDeep flattenDepth forEach forEachRight forIn "
      + "forInRight forOwn forOwnRight get groupBy has hasIn includes indexOf intersection invertBy invoke invokeMap isMatch join "
      + "keyBy lastIndexOf map mapKeys mapValues maxBy meanBy minBy nth omit omitBy pad padEnd padStart parseInt partition "
      + "pick pickBy pull pullAll pullAt reject remove repeat restFrom=rest result sampleSize some sortBy "
      + "sortedIndex sortedIndexOf sortedLastIndex sortedLastIndexOf sortedUniqBy split spreadFrom=spread startsWith sumBy "
      + "take takeRight takeRightWhile takeWhile tap throttle thru times trimChars=trim trimCharsEnd=trimEnd "
      + "trimCharsStart=trimStart truncate union uniqBy uniqWith unset unzipWith wrap xor",
    "10*": "without",
    "01": "add assign assignIn bind bindKey concat difference divide eq gt gte isEqual lt lte matchesProperty merge multiply "
      + "overArgs propertyOf=get random range rangeRight subtract zip zipObject zipObjectDeep",
    "01*": "partial partialRight",
    "1*0": "assignAllWith=assignWith assignInAllWith=assignInWith mergeAllWith=mergeWith",
    "201": "clamp findFrom=find findIndexFrom=findIndex findLastFrom=findLast findLastIndexFrom=findLastIndex flatMapDepth "
      + "inRange includesFrom=includes indexOfFrom=indexOf lastIndexOfFrom=lastIndexOf orderBy reduce reduceRight replace set slice "
      + "transform update",
    "201*": "invokeArgs=invoke invokeArgsMap=invokeMap",
    "120": "assignInWith assignWith differenceBy differenceWith intersectionBy intersectionWith isEqualWith mergeWith "
      + "rangeStep=range rangeStepRight=rangeRight unionBy unionWith xorBy xorWith zipWith",
    "210": "getOr=get isMatchWith padChars=pad padCharsEnd=padEnd padCharsStart=padStart pullAllBy pullAllWith sortedIndexBy "
      + "sortedLastIndexBy",
    "3201": "fill",
    "3120": "setWith updateWith",
  };
  const ONE = new Set(("dropRightWhile dropWhile every filter find findFrom findIndex findIndexFrom findKey findLast findLastFrom "
    + "findLastIndex findLastIndexFrom findLastKey flatMap flatMapDeep flatMapDepth forEach forEachRight forIn forInRight "
    + "forOwn forOwnRight map mapValues partition reject remove some takeRightWhile takeWhile times").split(" "));
  // The lists, objects and ways into objects that lodash changes, and this must not.
  const LISTS = new Set("fill pull pullAll pullAllBy pullAllWith pullAt remove reverse".split(" "));
  const OBJECTS = new Set("assign assignIn assignInWith assignWith defaults defaultsDeep merge mergeWith".split(" "));
  const WAYS = new Set("set setWith unset update updateWith".split(" "));
  const ALIASES = "each=forEach eachRight=forEachRight entries=toPairs entriesIn=toPairsIn extend=assignIn extendAll=assignInAll "
    + "extendAllWith=assignInAllWith extendWith=assignInWith first=head conforms=conformsTo matches=isMatch property=get "
    + "F=stubFalse T=stubTrue all=every allPass=overEvery always=constant any=some anyPass=overSome apply=spread assoc=set "
    + "assocPath=set complement=negate compose=flowRight contains=includes dissoc=unset dissocPath=unset dropLast=dropRight "
    + "dropLastWhile=dropRightWhile equals=isEqual identical=eq indexBy=keyBy init=initial invertObj=invert juxt=over omitAll=omit "
    + "nAry=ary path=get pathEq=matchesProperty pathOr=getOr paths=at pickAll=pick pipe=flow pluck=map prop=get "
    + "propEq=matchesProperty propOr=getOr props=at symmetricDifference=xor symmetricDifferenceBy=xorBy "
    + "symmetricDifferenceWith=xorWith takeLast=takeRight takeLastWhile=takeRightWhile unapply=rest unnest=flatten useWith=overArgs where=conformsTo whereEq=isMatch zipObj=zipObject";

  function limited(name, action) {
    if (typeof action !== "function") return action;
    if (name === "mapKeys") return (value, key) => action(key);
    if (name === "reduceRight") return (sum, value) => action(value, sum);
    if (name === "reduce" || name === "transform") return (sum, value) => action(sum, value);
    return ONE.has(name) ? (value) => action(value) : action;
  }
  function alongPath(object, given) {
    const path = _.toPath(given);
    const result = _.clone(Object(object));
    let at = result;
    path.forEach((key, index) => {
      if (_.isNil(at)) return;
      const value = at[key];
      if (!_.isNil(value) && !_.isFunction(value) && !_.isError(value) && !_.isWeakMap(value)) {
        at[key] = _.clone(index === path.length - 1 ? value : Object(value));
      }
      at = at[key];
    });
    return result;
  }
  function unchanging(real, action) {
    const copied = LISTS.has(real) ? (first) => (first ? Array.from(first) : [])
      : OBJECTS.has(real) ? (first) => action({}, first) : WAYS.has(real) ? alongPath : undefined;
    if (!copied) return action;
    return (...given) => {
      const copy = copied(given[0], given[1]);
      action(copy, ...given.slice(1));
      return copy;
    };
  }
  const curried = (count, action) => {
    const waiting = _.curry(action, count);
    if (count > 1) waiting.placeholder = fp;
    return count > 1 ? waiting : action;
  };
  const convert = (name, real, order) => {
    const places = order.replace(/\*/g, "").split("").map(Number);
    const spread = order.includes("*") ? order.indexOf("*") - 1 : -1;
    const action = unchanging(real, _[real]);
    return curried(places.length, (...all) => {
      const given = all.slice(0, places.length);
      if (given.length) given[0] = limited(name, given[0]);
      const moved = [];
      places.forEach((from, at) => {
        if (at === spread) moved.push(...(given[from] || []));
        else if (from < given.length) moved.push(given[from]);
      });
      return action(...moved);
    });
  };
  for (const [order, names] of Object.entries(ORDERS)) {
    for (const pair of names.split(" ")) {
      const [name, real] = pair.split("=");
      fp[name] = convert(name, real || name, order);
    }
  }
  const rearranged = fp.curryN;
  fp.castArray = (...given) => (Array.isArray(given[0]) ? _.castArray(Array.from(given[0])) : _.castArray(...given));
  fp.curry = (action) => _.curry(action);
  fp.curryRight = (action) => _.curryRight(action);
  fp.curryN = rearranged;
  fp.nthArg = (n) => curried(n < 0 ? 1 : _.toInteger(n) + 1, _.nthArg(n));
  fp.rearg = _.curry((indexes, action) => curried(_.size(indexes), _.rearg(action, indexes)), 2);
  fp.rearg.placeholder = fp;
  fp.iteratee = (value) => {
    const result = _.iteratee(value);
    return (one) => result(one);
  };
  fp.runInContext = () => fp;
  for (const pair of ALIASES.split(" ")) {
    const [name, real] = pair.split("=");
    fp[name] = fp[real];
  }
  fp.placeholder = fp.__ = fp._ = fp;
  fp.convert = () => fp;
  return fp;
})
