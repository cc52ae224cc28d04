// The part of Node's `util` that scripts use.
(function (host, library) {
  "use strict";
  function inspect(value) {
    const seen = [];
    const text = JSON.stringify(value, function (key, part) {
      if (part && typeof part === "object") {
        if (seen.indexOf(part) >= 0) return "[Circular]";
        seen.push(part);
      }
      return typeof part === "function" ? "[Function]" : part;
    });
    return text === undefined ? String(value) : text;
  }

  function format(first) {
    const rest = Array.prototype.slice.call(arguments, 1);
    let text = typeof first === "string" ? first.replace(/%[sdifjoO%]/g, function (mark) {
      if (mark === "%%") return "%";
      if (!rest.length) return mark;
      const value = rest.shift();
      if (mark === "%s") return library.show(value);
      if (mark === "%d" || mark === "%f") return String(Number(value));
      if (mark === "%i") return String(parseInt(value, 10));
      return inspect(value);
    }) : inspect(first);
    for (const value of rest) text += " " + library.show(value);
    return text;
  }

  const known = {
    format: format,
    inspect: inspect,
    inherits: function (child, parent) { Object.setPrototypeOf(child.prototype, parent.prototype); },
    promisify: function (action) {
      return function () {
        const given = Array.prototype.slice.call(arguments);
        return new Promise((resolve, reject) => {
          action.apply(this, given.concat((error, value) => error ? reject(error) : resolve(value)));
        });
      };
    },
    isArray: Array.isArray,
    isString: (value) => typeof value === "string",
    isNumber: (value) => typeof value === "number",
    isBoolean: (value) => typeof value === "boolean",
    isFunction: (value) => typeof value === "function",
    isObject: (value) => value !== null && typeof value === "object",
    isNull: (value) => value === null,
    isUndefined: (value) => value === undefined,
    isNullOrUndefined: (value) => value === null || value === undefined,
    isDate: (value) => value instanceof Date,
    isRegExp: (value) => value instanceof RegExp,
    isError: (value) => value instanceof Error,
  };
  return known;
})
