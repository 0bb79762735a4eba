async function pay(id) {
  await null;
  const error = new Error(`payment ${id} refused`);
  error.code = 'E_PAY';
  throw error;
}
console.log('up');
pay(7);
