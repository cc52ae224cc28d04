// What a value is, as text that both engines write alike; with what JSON does not tell apart.
function show(value, depth) {
  const level = depth || 0;
  if (level > 12) return '…';
  const inner = (one) => show(one, level + 1);
  if (value === undefined) return 'undefined';
  if (value === null) return 'null';
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'function';
  if (typeof value !== 'object') return String(value);
  if (value instanceof Date) return 'Date(' + (+value) + ')';
  if (value instanceof RegExp) return String(value);
  if (value instanceof Error) return value.name;
  if (value instanceof Map) return 'Map{' + Array.from(value, ([key, one]) => inner(key) + '=>' + inner(one)) + '}';
  if (value instanceof Set) return 'Set{' + Array.from(value, inner) + '}';
  if (value._isAMomentObject) return 'moment(' + (value.isValid() ? value.format('YYYY-MM-DDTHH:mm:ss.SSSZ') + ' ' + value.locale() : 'invalid') + ')';
  if (value._isBubble || (value._data && value._milliseconds !== undefined)) return 'duration(' + value.toISOString() + ' ' + value.asMilliseconds() + ')';
  if (Array.isArray(value)) {
    const parts = [];
    for (let index = 0; index < value.length; index++) parts.push(index in value ? inner(value[index]) : 'hole');
    return '[' + parts.join(',') + ']';
  }
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const name = tag === 'Object' && value.constructor && value.constructor !== Object && typeof value.constructor === 'function'
    ? value.constructor.name : tag === 'Object' ? '' : tag;
  if (tag === 'Number' || tag === 'String' || tag === 'Boolean') return tag + '(' + value.valueOf() + ')';
  const keys = Object.keys(value).map((key) => JSON.stringify(key) + ':' + inner(value[key]));
  const symbols = Object.getOwnPropertySymbols(value).map((key) => String(key) + ':' + inner(value[key]));
  return name + '{' + keys.concat(symbols).join(',') + '}';
}
