// `require('lodash')`: our own implementation of version 4's functions, a file for each chapter.
(function (host) {
  "use strict";
  const CHAPTERS = ["base", "lang", "array", "collection", "function", "object", "string", "util", "seq"];
  const chapters = CHAPTERS.map((name) => host.load("lodash/" + name));
  function make() {
    const kit = { again: make };
    const _ = function lodash(value) { return kit.wrap(value); };
    for (const chapter of chapters) chapter(_, kit);
    _.VERSION = "4.17.21";
    _._ = _;
    return _;
  }
  return make();
})
