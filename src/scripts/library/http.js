// Node's `http` and `https` as scripts know them, over calls that the server makes: it decides which
// hosts are reached and sees to every limit. `load("http")("https")` is one of the two modules.
(function (host, library) {
  "use strict";

  class Emitter {
    constructor() { this._listeners = Object.create(null); }
    on(name, listener) {
      (this._listeners[name] = this._listeners[name] || []).push(listener);
      return this;
    }
    addListener(name, listener) { return this.on(name, listener); }
    once(name, listener) {
      const one = (...given) => { this.removeListener(name, one); listener.apply(this, given); };
      return this.on(name, one);
    }
    removeListener(name, listener) {
      this._listeners[name] = (this._listeners[name] || []).filter((known) => known !== listener);
      return this;
    }
    emit(name, ...given) {
      const listeners = (this._listeners[name] || []).slice();
      for (const listener of listeners) listener.apply(this, given);
      return listeners.length > 0;
    }
  }

  class IncomingMessage extends Emitter {
    constructor(answer) {
      super();
      this.statusCode = answer.status;
      this.headers = {};
      for (const [name, value] of answer.headers) {
        const known = this.headers[name];
        if (name === "set-cookie") this.headers[name] = (known || []).concat(value);
        else this.headers[name] = known === undefined ? value : known + ", " + value;
      }
      this._body = answer.body;
    }
    setEncoding() { return this; }
    resume() { return this; }
    pipe() { throw new Error("http: an answer cannot be piped here; read it by 'data' and 'end'"); }
    _play() {
      if (this._body) this.emit("data", this._body);
      this.complete = true;
      this.emit("end");
      this.emit("close");
    }
  }

  function address(options, protocol) {
    if (options.href) return options.href;
    const scheme = options.protocol || protocol + ":";
    const name = options.hostname || String(options.host || "localhost").replace(/:\d+$/, "");
    const given = options.port || (/:(\d+)$/.exec(options.host || "") || [])[1];
    const usual = scheme === "https:" ? "443" : "80";
    const port = given && String(given) !== usual ? ":" + given : "";
    return scheme + "//" + name + port + (options.path || "/");
  }

  class ClientRequest extends Emitter {
    constructor(protocol, url, options, listener) {
      super();
      this._call = {
        kind: "http",
        method: String(options.method || "GET").toUpperCase(),
        url: url === undefined ? address(options, protocol) : url,
        headers: [],
        body: "",
      };
      this._headers = {};
      for (const name of Object.keys(options.headers || {})) this.setHeader(name, options.headers[name]);
      if (options.auth) {
        const Buffer = library.load("buffer");
        this.setHeader("Authorization", "Basic " + Buffer.from(options.auth).toString("base64"));
      }
      if (listener) this.on("response", listener);
    }
    setHeader(name, value) {
      if (value !== undefined && value !== null) this._headers[name] = value;
      return this;
    }
    getHeader(name) { return this._headers[name]; }
    removeHeader(name) { delete this._headers[name]; }
    setTimeout() { return this; }
    write(chunk) { this._call.body += chunk === undefined ? "" : chunk.toString(); return true; }
    abort() { this._aborted = true; }
    destroy(error) { this._aborted = true; if (error) this.emit("error", error); return this; }
    end(chunk) {
      if (chunk !== undefined && typeof chunk !== "function") this.write(chunk);
      for (const name of Object.keys(this._headers)) {
        for (const value of [].concat(this._headers[name])) {
          this._call.headers.push([name, String(value)]);
        }
      }
      library.call(this._call, (outcome) => {
        if (this._aborted) return;
        if (outcome.http) {
          const message = new IncomingMessage(outcome.http);
          this.emit("response", message);
          message._play();
          return;
        }
        const error = new Error(outcome.failed || "the call failed");
        if (!this.emit("error", error)) throw error;
      });
      return this;
    }
  }

  return function (protocol) {
    function request(first, second, third) {
      let url;
      let options = first;
      let listener = second;
      if (typeof first === "string") {
        url = first;
        options = typeof second === "object" && second !== null ? second : {};
        listener = typeof second === "function" ? second : third;
      }
      return new ClientRequest(protocol, url, options || {}, listener);
    }
    return {
      request: request,
      get: function (first, second, third) { return request(first, second, third).end(); },
      Agent: class Agent {},
    };
  };
})
