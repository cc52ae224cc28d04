// What a script finds: its variables, `done`, `console`, `require` and `CE`. Everything larger is
// evaluated when a script first asks for it. What is used here is taken before the script runs, so
// that a script which redefines it harms only itself.
(function (host, variables) {
  "use strict";
  const FunctionConstructor = Function;
  const parse = JSON.parse;
  const stringify = JSON.stringify;
  const define = Object.defineProperty;
  const loaded = Object.create(null);
  const waiting = Object.create(null);

  function load(name) {
    if (!(name in loaded)) {
      const make = host.load(name);
      if (make === undefined) return undefined;
      loaded[name] = make(host, library);
    }
    return loaded[name];
  }

  // For our own scripts: they need each other, and calls.
  const library = {
    load: load,
    call: function (call, answered) {
      const number = host.call(stringify(call));
      waiting[number] = answered;
      return number;
    },
    forget: function (number) {
      if (number in waiting) waiting[number] = function () {};
    },
    show: function (value) {
      if (typeof value === "string") return value;
      if (value instanceof Error) return value.name + ": " + value.message;
      try {
        const text = stringify(value);
        return text === undefined ? String(value) : text;
      } catch (error) {
        return String(value);
      }
    },
  };

  function fixed(name, value) {
    // Assigning changes nothing, as it always was; declaring the name again hides it.
    define(globalThis, name, { value: value, writable: false, configurable: true, enumerable: true });
  }

  function lazy(name, make) {
    define(globalThis, name, {
      get: make, set: function () {}, configurable: true, enumerable: true,
    });
  }

  function print() {
    let line = "";
    for (let index = 0; index < arguments.length; index++) {
      line += (index ? " " : "") + library.show(arguments[index]);
    }
    host.print(line);
  }

  const modules = ["lodash", "lodash/fp", "moment", "moment-timezone", "util", "http", "https", "buffer"];
  const SAME = { __proto__: null, "moment-timezone": "moment", "moment/moment": "moment", "lodash/lodash": "lodash" };

  // One function of lodash (`lodash/get`, `lodash.get`, `lodash/fp/get`), or a language of moment.
  function part(name) {
    const of = /^lodash(?:(\/fp)?\/|(\.))(\w+)$/.exec(name);
    if (of) {
      const whole = load(of[1] ? "lodash/fp" : "lodash");
      // Packages of one function are written small.
      const found = Object.keys(whole).find(function (key) {
        return key === of[3] || (of[2] && key.toLowerCase() === of[3]);
      });
      return found === undefined ? undefined : whole[found];
    }
    const language = /^moment\/(?:dist\/)?locale\/([\w-]+)$/.exec(name);
    if (!language) return undefined;
    const moment = load("moment");
    return moment.locale(language[1]) === language[1] ? moment : undefined;
  }

  function require(given) {
    const name = String(given).replace(/\.js$/, "").replace(/^node:/, "");
    if (name === "https" || name === "http") return load("http")(name);
    if (name === "buffer") return { Buffer: load("buffer") };
    const known = name in SAME ? SAME[name] : name;
    const found = modules.indexOf(known) < 0 ? part(known) : load(known);
    if (found === undefined) {
      throw new Error("no module '" + given + "' here; there are " + modules.join(", "));
    }
    return found;
  }

  fixed("console", { log: print, info: print, warn: print, error: print, debug: print });
  fixed("require", require);
  lazy("CE", function () { return load("ce"); });
  lazy("Buffer", function () { return load("buffer"); });
  fixed("notify", {
    email: function () { throw new Error("notify.email: this server sends no mail for scripts"); },
  });
  fixed("setTimeout", function (action, milliseconds) {
    const rest = Array.prototype.slice.call(arguments, 2);
    const wait = Math.max(0, Math.floor(Number(milliseconds) || 0));
    return library.call({ kind: "timer", milliseconds: wait }, function () {
      action.apply(undefined, rest);
    });
  });
  fixed("clearTimeout", function (number) { library.forget(number); });
  for (const name of Object.keys(variables)) fixed(name, variables[name]);

  return {
    start: function (source, legacy) {
      if (!legacy) {
        fixed("done", function done(result) { host.done(result); });
        FunctionConstructor(source).call(globalThis);
        return;
      }
      fixed("getArray", function () {
        const list = [];
        define(list, "add", {
          value: function (item) { list.push(item); return true; }, enumerable: false,
        });
        return list;
      });
      fixed("getMap", function () {
        const map = {};
        define(map, "put", {
          value: function (key, value) { map[key] = value; }, enumerable: false,
        });
        return map;
      });
      host.done(FunctionConstructor(source).call(globalThis));
    },
    answer: function (number, outcome) {
      const answered = waiting[number];
      delete waiting[number];
      if (answered) answered(outcome);
    },
  };
})
