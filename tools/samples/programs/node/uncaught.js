function load(id) {
  throw new TypeError(`no order ${id}`);
}

console.error('starting');
try {
  load(1);
} catch (error) {
  console.error(error);
}
console.error('between');
try {
  try {
    load(2);
  } catch (error) {
    throw new Error('cannot answer', { cause: error });
  }
} catch (error) {
  console.error(new Date().toISOString(), 'ERROR', error);
}
const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED', errno: -111 });
console.error(new AggregateError([refused, new RangeError('second')], 'all failed'));
console.error('last line');
load(3);
