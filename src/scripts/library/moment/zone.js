// `moment.tz`: the clocks of the world. What they show is asked of the program, which has the rules.
(function (moment, kit, host) {
  "use strict";
  const fn = kit.Moment.prototype;
  const zones = Object.create(null);
  class Zone {
    constructor(name) {
      this.name = name;
      this.population = 0;
    }
    _at(time) { return host.zone(this.name, Number(time), false); }
    abbr(time) { return this._at(time)[1]; }
    utcOffset(time) { return -this._at(time)[0] / 60 || 0; }
    offset(time) { return this.utcOffset(time); }
    // For a clock's own time; what it skips or shows twice is read by the offset before.
    parse(time) { return -host.zone(this.name, Number(time), true)[0] / 60 || 0; }
    countries() { return none("countries"); }
  }
  function none(name) { throw new Error("moment.tz." + name + " is not part of this server's moment"); }
  const zone = (given) => {
    if (given instanceof Zone) return given;
    const key = String(given || "").toLowerCase().replace(/_/g, " ");
    if (!(key in zones)) {
      const name = host.zoneName(String(given || ""));
      zones[key] = name ? new Zone(name) : null;
    }
    return zones[key];
  };
  const needsOffset = (at) => Boolean(at._a && (at._tzm === undefined || at._tzm === null) && at._f !== "X" && at._f !== "x");
  const tz = function (...given) {
    const name = given[given.length - 1];
    const input = given[0];
    const at = moment.utc(...given.slice(0, -1));
    const found = zone(name);
    if (found && !kit.isMoment(input) && needsOffset(at)) at.add(found.parse(at), "minutes");
    at.tz(name);
    return at;
  };
  moment.updateOffset = (at, keepTime) => {
    const standard = moment.defaultZone;
    if (at._z === undefined) {
      if (standard && needsOffset(at) && !at._isUTC && at.isValid()) {
        at._d = new Date(kit.utc(...at._a));
        at.utc().add(standard.parse(at), "minutes");
      }
      at._z = standard;
    }
    if (at._z) {
      const own = at._z;
      const minutes = own.utcOffset(at);
      at.utcOffset(Math.abs(minutes) < 16 ? -minutes / 60 : -minutes, keepTime);
      at._z = own;
    }
  };
  fn.tz = function (name, keepTime) {
    if (!name) return this._z ? this._z.name : undefined;
    if (typeof name !== "string") throw new Error("Time zone name must be a string, got " + name + " [" + typeof name + "]");
    this._z = zone(name);
    if (this._z) moment.updateOffset(this, keepTime);
    return this;
  };
  const shortened = (before) => function () { return this._z ? this._z.abbr(this) : before.call(this); };
  fn.zoneName = shortened(fn.zoneName);
  fn.zoneAbbr = shortened(fn.zoneAbbr);
  const leaving = (before, always) => function (...given) {
    if (always || given.length > 0) this._z = null;
    return before.apply(this, given);
  };
  fn.utc = leaving(fn.utc, true);
  fn.local = leaving(fn.local, true);
  fn.utcOffset = leaving(fn.utcOffset, false);
  moment.defaultZone = null;
  Object.assign(tz, {
    version: "0.5.48",
    zone,
    Zone,
    zoneExists: (name) => zone(name) !== null,
    names: () => host.zoneNames().sort(),
    guess: () => "UTC",
    setDefault: (name) => {
      moment.defaultZone = name ? zone(name) : null;
      return tz;
    },
    needsOffset,
    moveInvalidForward: true,
    moveAmbiguousForward: false,
  });
  for (const name of ["add", "link", "load", "countries", "zonesForCountry", "unpack", "unpackBase60"]) tz[name] = () => none(name);
  moment.tz = tz;
})
