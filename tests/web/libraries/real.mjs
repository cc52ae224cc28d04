// What the real packages say to every expression, and which names they have: one JSON on standard output.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import vm from 'node:vm';
import { lodash } from './lodash.mjs';
import { fp } from './lodash_fp.mjs';
import { moment } from './moment.mjs';

const require = createRequire(import.meta.url);
const show = readFileSync(new URL('show.js', import.meta.url), 'utf8');
// Nobody reads what moment says of old names.
console.error = console.warn = () => {};

const suites = [lodash, fp, moment].map(({ name, require: opening, prefix, expressions }) => {
  const begin = `${opening ?? "const _ = require('lodash')"}; ${prefix}; ${show}`;
  const make = vm.runInThisContext(`(function (require) { ${begin}; return (expression) => {
    const one = eval('() => (' + expression + ')');
    try { return show(one()) } catch (error) { return 'throws ' + error.name }
  } })`);
  const evaluate = make(require);
  // The language leaves it to the engine whether a date's text names the zone.
  const said = (expression) => evaluate(expression).replaceAll(' (Coordinated Universal Time)', '');
  return { name, begin, cases: expressions.map((expression) => [expression, said(expression)]) };
});

const _ = require('lodash');
const zoned = require('moment-timezone');
const names = {
  "require('lodash')": Object.keys(_),
  "require('lodash').prototype": Object.keys(_.prototype),
  "require('lodash/fp')": Object.keys(require('lodash/fp')),
  "require('moment')": Object.keys(zoned),
  "require('moment').fn": Object.keys(zoned.fn),
  "require('moment').duration.fn": Object.keys(zoned.duration.fn),
  "require('moment').tz": Object.keys(zoned.tz),
  "require('moment').localeData()": Object.getOwnPropertyNames(Object.getPrototypeOf(zoned.localeData())),
};
process.stdout.write(JSON.stringify({ suites, names }));
