// `require('moment')`: our own implementation of version 2 with time zones, a file for each chapter.
// Local time is UTC.
(function (host) {
  "use strict";
  const kit = {};
  const moment = function (...given) { return kit.create(...given); };
  for (const name of ["locale", "core", "units", "parse", "format", "duration", "compare", "zone"]) {
    host.load("moment/" + name)(moment, kit, host);
  }
  // Languages beside English are read when one is first asked for.
  kit.languages = () => host.load("moment/locales")(moment, kit);
  moment.version = "2.30.1";
  return moment;
})
