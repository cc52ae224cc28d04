// A small Buffer: text to bytes and back in the encodings that scripts use. Not Node's whole class.
(function () {
  "use strict";
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

  function utf8(text) {
    const bytes = [];
    for (const sign of String(text)) {
      let code = sign.codePointAt(0);
      if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) {
        bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      } else {
        bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63),
          0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      }
    }
    return bytes;
  }

  function fromUtf8(bytes) {
    let text = "";
    for (let at = 0; at < bytes.length;) {
      const first = bytes[at];
      const more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1
        : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1;
      let code = more < 0 ? -1 : more === 0 ? first : first & (0x3f >> more);
      for (let next = 1; next <= more && code >= 0; next++) {
        const byte = bytes[at + next];
        code = byte >= 0x80 && byte < 0xc0 ? (code << 6) | (byte & 63) : -1;
      }
      const least = [0, 0x80, 0x800, 0x10000][more] || 0;
      if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        text += "\ufffd";
        at += 1;
      } else {
        text += String.fromCodePoint(code);
        at += more + 1;
      }
    }
    return text;
  }

  function base64(bytes) {
    let text = "";
    for (let at = 0; at < bytes.length; at += 3) {
      const left = bytes.length - at;
      const three = (bytes[at] << 16) | ((bytes[at + 1] || 0) << 8) | (bytes[at + 2] || 0);
      text += LETTERS[three >> 18] + LETTERS[(three >> 12) & 63]
        + (left > 1 ? LETTERS[(three >> 6) & 63] : "=") + (left > 2 ? LETTERS[three & 63] : "=");
    }
    return text;
  }

  function fromBase64(text) {
    const bytes = [];
    let bits = 0;
    let held = 0;
    for (const sign of String(text)) {
      if (sign === "=") break;
      const value = LETTERS.indexOf(sign === "-" ? "+" : sign === "_" ? "/" : sign);
      if (value < 0) continue;
      held = ((held << 6) | value) & 0xffffff;
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        bytes.push((held >> bits) & 255);
      }
    }
    return bytes;
  }

  function encode(text, encoding) {
    switch (String(encoding || "utf8").toLowerCase()) {
      case "utf8": case "utf-8": return utf8(text);
      case "base64": case "base64url": return fromBase64(text);
      case "hex": return (String(text).match(/[0-9a-f]{2}/gi) || []).map((two) => parseInt(two, 16));
      case "ascii": case "latin1": case "binary":
        return Array.from(String(text), (sign) => sign.charCodeAt(0) & 255);
      default: throw new TypeError("Buffer: unknown encoding " + encoding);
    }
  }

  class Buffer extends Uint8Array {
    // `new Buffer(text)` is how it was written once; a view of other bytes stays what it is.
    constructor(value, encoding, length) {
      if (typeof value === "string") super(encode(value, encoding));
      else super(value === undefined ? 0 : value, encoding, length);
    }
    static from(value, encoding) {
      if (typeof value === "string") return new Buffer(encode(value, encoding));
      if (value && value.type === "Buffer" && value.data) return new Buffer(value.data);
      return new Buffer(Array.from(value));
    }
    static alloc(length, fill) { return new Buffer(length).fill(fill || 0); }
    static isBuffer(value) { return value instanceof Buffer; }
    static byteLength(text, encoding) { return encode(text, encoding).length; }
    static concat(list) {
      const all = [];
      for (const part of list) for (const byte of part) all.push(byte);
      return new Buffer(all);
    }
    toString(encoding) {
      switch (String(encoding || "utf8").toLowerCase()) {
        case "utf8": case "utf-8": return fromUtf8(this);
        case "base64": return base64(this);
        case "base64url":
          return base64(this).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
        case "hex": return Array.from(this, (byte) => (byte + 256).toString(16).slice(1)).join("");
        case "ascii": case "latin1": case "binary":
          return Array.from(this, (byte) => String.fromCharCode(byte)).join("");
        default: throw new TypeError("Buffer: unknown encoding " + encoding);
      }
    }
    toJSON() { return { type: "Buffer", data: Array.from(this) }; }
    equals(other) { return this.toString("hex") === Buffer.from(other).toString("hex"); }
  }
  return Buffer;
})
