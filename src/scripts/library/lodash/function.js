// Function.
(function (_, kit) {
  "use strict";
  const { isNil, isObject, isFunction, isIterateeCall, own, toInteger, toNumber, toKey, flatten, iteratee, castPath } = kit;
  const WRONG = "Expected a function";
  const checked = (action) => {
    if (!isFunction(action)) throw new TypeError(WRONG);
    return action;
  };
  kit.checked = checked;
  const holderOf = (action) => (own(_, "placeholder") ? _ : action).placeholder;
  // What was given before and has gaps, with what is given now.
  const filled = (before, now, hole) => {
    const rest = now.slice();
    return before.map((one) => (one === hole ? rest.shift() : one)).concat(rest);
  };
  const filledRight = (before, now, hole) => {
    const holes = before.filter((one) => one === hole).length;
    const ahead = now.slice(0, Math.max(now.length - holes, 0));
    const rest = now.slice(ahead.length);
    return ahead.concat(before.map((one) => (one === hole ? rest.shift() : one)));
  };
  const callOrMake = (action, self, given, made) => (made ? Reflect.construct(action, given) : action.apply(self, given));

  const bind = (action, self, ...before) => {
    checked(action);
    return function bound(...now) {
      return callOrMake(action, self, filled(before, now, holderOf(bind)), new.target !== undefined);
    };
  };
  const bindKey = (object, key, ...before) => function bound(...now) {
    return callOrMake(object[key], object, filled(before, now, holderOf(bindKey)), new.target !== undefined);
  };
  const partialOf = (fill, own) => (action, ...before) => {
    checked(action);
    return function partially(...now) {
      return callOrMake(action, this, fill(before, now, holderOf(own())), new.target !== undefined);
    };
  };
  const partial = partialOf(filled, () => partial);
  const partialRight = partialOf(filledRight, () => partialRight);

  const currying = (right, own) => (action, arity, guard) => {
    checked(action);
    const given = guard || arity === undefined ? action.length : Math.max(toInteger(arity), 0);
    const wanted = given || 0;
    const more = (before) => {
      const curried = function (...now) {
        const hole = holderOf(curried);
        const all = combine(before, now, hole, right);
        if (all.filter((one) => one !== hole).length < wanted) return more(all);
        return callOrMake(action, this, all, new.target !== undefined);
      };
      curried.placeholder = own().placeholder;
      return curried;
    };
    return more([]);
  };
  // Gaps that nothing fills stay gaps.
  function combine(before, now, hole, right) {
    const holes = before.filter((one) => one === hole).length;
    const ahead = right ? now.slice(0, Math.max(now.length - holes, 0)) : [];
    const rest = now.slice(ahead.length);
    const all = before.map((one) => (one === hole && rest.length ? rest.shift() : one));
    return right ? ahead.concat(all) : all.concat(rest);
  }
  const curry = currying(false, () => curry);
  const curryRight = currying(true, () => curryRight);

  function debounce(action, wait, options) {
    checked(action);
    const delay = toNumber(wait) || 0;
    const set = isObject(options) ? options : {};
    const leading = Boolean(set.leading);
    const trailing = "trailing" in set ? Boolean(set.trailing) : true;
    const most = "maxWait" in set ? Math.max(toNumber(set.maxWait) || 0, delay) : undefined;
    let [given, self, result, timer, called, invoked] = [undefined, undefined, undefined, undefined, undefined, 0];
    const invoke = (time) => {
      const [args, on] = [given, self];
      given = self = undefined;
      invoked = time;
      result = action.apply(on, args);
      return result;
    };
    const left = (time) => (most === undefined ? delay - (time - called)
      : Math.min(delay - (time - called), most - (time - invoked)));
    const due = (time) => called === undefined || time - called >= delay || time - called < 0
      || (most !== undefined && time - invoked >= most);
    const expired = () => {
      const time = Date.now();
      if (!due(time)) {
        timer = setTimeout(expired, left(time));
        return undefined;
      }
      timer = undefined;
      if (trailing && given) return invoke(time);
      given = self = undefined;
      return result;
    };
    function debounced(...now) {
      const time = Date.now();
      const call = due(time);
      [given, self, called] = [now, this, time];
      if (call) {
        if (timer === undefined) {
          invoked = time;
          timer = setTimeout(expired, delay);
          return leading ? invoke(time) : result;
        }
        if (most !== undefined) {
          clearTimeout(timer);
          timer = setTimeout(expired, delay);
          return invoke(time);
        }
      }
      if (timer === undefined) timer = setTimeout(expired, delay);
      return result;
    }
    debounced.cancel = () => {
      if (timer !== undefined) clearTimeout(timer);
      invoked = 0;
      given = self = called = timer = undefined;
    };
    debounced.flush = () => {
      if (timer === undefined) return result;
      clearTimeout(timer);
      return expired.call(undefined, (called = undefined));
    };
    return debounced;
  }
  const ary = (action, most) => function (...given) {
    return action.apply(this, given.slice(0, most));
  };
  const before = (n, action) => {
    checked(action);
    let left = toInteger(n);
    let [kept, result] = [action, undefined];
    return function (...given) {
      if (--left > 0) result = kept.apply(this, given);
      if (left <= 1) kept = undefined;
      return result;
    };
  };
  function memoize(action, resolver) {
    checked(action);
    if (!isNil(resolver)) checked(resolver);
    const memoized = function (...given) {
      const key = resolver ? resolver.apply(this, given) : given[0];
      if (memoized.cache.has(key)) return memoized.cache.get(key);
      const result = action.apply(this, given);
      memoized.cache = memoized.cache.set(key, result) || memoized.cache;
      return result;
    };
    memoized.cache = new (memoize.Cache || Map)();
    return memoized;
  }
  memoize.Cache = Map;
  const unwrapped = (steps) => {
    const all = flatten(steps, 1);
    return all.length === 1 && Array.isArray(all[0]) ? all[0] : all;
  };
  const wait = (milliseconds, action, given) => {
    checked(action);
    return setTimeout(() => action(...given), milliseconds);
  };
  const flow = (right) => (...given) => {
    const steps = flatten(given, 1).map(checked);
    if (right) steps.reverse();
    return function (...args) {
      let result = steps.length ? steps[0].apply(this, args) : args[0];
      for (const step of steps.slice(1)) result = step.call(this, result);
      return result;
    };
  };
  const over = (combined) => (...given) => {
    const tests = unwrapped(given).map((one) => iteratee(one));
    return function (...args) {
      return combined(tests, (test) => test.apply(this, args));
    };
  };

  kit.add({
    after: (n, action) => {
      checked(action);
      let left = toInteger(n);
      return function (...given) {
        return --left < 1 ? action.apply(this, given) : undefined;
      };
    },
    ary: (action, n, guard) => {
      checked(action);
      return ary(action, guard || isNil(n) ? action.length : Math.max(toInteger(n), 0));
    },
    before, bind, bindKey, curry, curryRight, debounce, memoize, partial, partialRight,
    defer: (action, ...given) => wait(1, action, given),
    delay: (action, time, ...given) => wait(toNumber(time) || 0, action, given),
    flip: (action) => {
      checked(action);
      return function (...given) {
        return action.apply(this, given.reverse());
      };
    },
    negate: (predicate) => {
      checked(predicate);
      return function (...given) {
        return !predicate.apply(this, given);
      };
    },
    once: (action) => before(2, action),
    overArgs: (action, ...given) => {
      const steps = unwrapped(given).map((one) => iteratee(one));
      return function (...args) {
        return action.apply(this, args.map((one, index) => (index < steps.length ? steps[index].call(this, one) : one)));
      };
    },
    rearg: (action, ...given) => {
      checked(action);
      const order = flatten(given, 1);
      return function (...args) {
        const moved = order.slice(0, args.length).map((index) => (kit.isIndex(index, args.length) ? args[index] : undefined));
        return action.apply(this, moved.concat(args.slice(moved.length)));
      };
    },
    rest: (action, start) => {
      checked(action);
      const from = start === undefined ? Math.max(action.length - 1, 0) : Math.max(toInteger(start), 0);
      return function (...given) {
        const ahead = Array.from({ length: from }, (none, index) => given[index]);
        return action.apply(this, ahead.concat([given.slice(from)]));
      };
    },
    spread: (action, start) => {
      checked(action);
      const from = isNil(start) ? 0 : Math.max(toInteger(start), 0);
      return function (...given) {
        return action.apply(this, given.slice(0, from).concat(given[from] ? Array.from(given[from]) : []));
      };
    },
    throttle: (action, time, options) => {
      checked(action);
      const set = isObject(options) ? options : {};
      const has = (name) => (name in set ? Boolean(set[name]) : true);
      return debounce(action, time, { leading: has("leading"), maxWait: time, trailing: has("trailing") });
    },
    unary: (action) => ary(checked(action), 1),
    wrap: (value, wrapper) => partial(isFunction(wrapper) ? wrapper : kit.identity, value),
    flow: flow(false),
    flowRight: flow(true),
    over: over((tests, run) => tests.map(run)),
    overEvery: over((tests, run) => tests.every(run)),
    overSome: over((tests, run) => tests.some(run)),
  });
  for (const one of [bind, bindKey, curry, curryRight, partial, partialRight]) one.placeholder = _;
})
