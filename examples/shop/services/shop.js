#!/usr/bin/env node
// The shop's front service: takes orders and has them paid. Node.js without packages; one JSON line an event on standard output.
//
// Environment: SHOP_PORT, PAYMENTS_URL. POST /orders, GET /orders/ID, GET /items, GET /statements/CUSTOMER, GET /health.
'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const { randomBytes, randomUUID } = require('node:crypto');
const http = require('node:http');

const PORT = Number(process.env.SHOP_PORT || 8601);
const PAYMENTS = process.env.PAYMENTS_URL || 'http://127.0.0.1:8602';
const MAX_BODY = 64 * 1024;
const items = { lamp: { cents: 2900, stock: 1000 }, chair: { cents: 8900, stock: 1000 }, desk: { cents: 24900, stock: 3 } };
const orders = new Map();
const request = new AsyncLocalStorage(); // what is known of the request that is being handled

function log(level, msg, fields = {}) {
  const { trace, span, test } = request.getStore() || {};
  const entry = { time: new Date().toISOString(), level, service: 'shop', msg, trace_id: trace, span_id: span, test_id: test, ...fields };
  process.stdout.write(JSON.stringify(entry) + '\n');
}

// W3C trace context: the caller's trace goes on, with a span of our own.
function contextOf(headers) {
  const parent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(headers.traceparent || '');
  return {
    trace: parent ? parent[1] : randomBytes(16).toString('hex'),
    span: randomBytes(8).toString('hex'),
    baggage: headers.baggage,
    test: headers['x-test-id'],
  };
}

function outgoingHeaders() {
  const { trace, span, baggage, test } = request.getStore();
  const headers = { 'content-type': 'application/json', traceparent: `00-${trace}-${span}-01` };
  if (baggage) headers.baggage = baggage;
  if (test) headers['x-test-id'] = test;
  return headers;
}

function bodyOf(stream) {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (part) => {
      text += part;
      if (text.length > MAX_BODY) reject(new Error('the body is too large'));
    });
    stream.on('end', () => resolve(text));
    stream.on('error', reject);
  });
}

function call(method, url, body) {
  return new Promise((resolve, reject) => {
    const outgoing = http.request(url, { method, headers: outgoingHeaders(), timeout: 10000 }, (answer) => {
      bodyOf(answer).then((text) => resolve({ status: answer.statusCode, body: JSON.parse(text || '{}') })).catch(reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer from ${url} within 10 s`)));
    outgoing.on('error', reject);
    outgoing.end(body ? JSON.stringify(body) : undefined);
  });
}

async function placeOrder(incoming) {
  const wanted = JSON.parse((await bodyOf(incoming)) || '{}');
  const item = items[wanted.item];
  const count = Number(wanted.count || 1);
  log('info', 'order received', { item: wanted.item, count, customer: wanted.customer });
  if (!item) return { status: 404, body: { reason: `no such item: ${wanted.item}` } };
  if (item.stock < count) return { status: 409, body: { reason: `${item.stock} left` } };
  item.stock -= count;
  const order = { id: randomUUID(), customer: wanted.customer, item: wanted.item, count, cents: item.cents * count, currency: wanted.currency || 'EUR' };
  const charge = await call('POST', `${PAYMENTS}/charges`, { ...order, card: wanted.card });
  if (charge.status !== 201) {
    item.stock += count;
    log(charge.status >= 500 && charge.status !== 503 ? 'error' : 'warn', 'order was not paid', { order: order.id, status: charge.status });
    return { status: charge.status === 402 || charge.status === 503 ? charge.status : 502, body: { reason: charge.body.reason } };
  }
  orders.set(order.id, { ...order, booking: charge.body.booking });
  log('info', 'order placed', { order: order.id, cents: order.cents, currency: order.currency });
  return { status: 201, body: orders.get(order.id) };
}

async function route(incoming) {
  const path = new URL(incoming.url, 'http://shop').pathname;
  const [, name, id] = path.split('/');
  if (path === '/health') return { status: 200, body: { status: 'ok' } };
  if (incoming.method === 'GET' && path === '/items') return { status: 200, body: items };
  if (incoming.method === 'POST' && path === '/orders') return placeOrder(incoming);
  if (incoming.method === 'GET' && name === 'orders' && orders.has(id)) return { status: 200, body: orders.get(id) };
  if (incoming.method === 'GET' && name === 'statements' && id) return call('GET', `${PAYMENTS}/statements/${encodeURIComponent(id)}`);
  return { status: 404, body: { reason: `nothing at ${path}` } };
}

async function answer(incoming, outgoing) {
  const started = process.hrtime.bigint();
  const result = await route(incoming).catch((failure) => {
    log('error', 'request could not be handled', { err: { type: failure.name, message: failure.message, stack: failure.stack } });
    return { status: failure instanceof SyntaxError ? 400 : 500, body: { reason: failure.message } };
  });
  outgoing.writeHead(result.status, { 'content-type': 'application/json' });
  outgoing.end(JSON.stringify(result.body));
  if (incoming.url === '/health') return;
  const duration_ms = Number((process.hrtime.bigint() - started) / 1000n) / 1000;
  log('info', `${incoming.method} ${incoming.url}`, { status: result.status, duration_ms });
}

const server = http.createServer((incoming, outgoing) => {
  request.run(contextOf(incoming.headers), () => answer(incoming, outgoing));
});
server.listen(PORT, '127.0.0.1', () => log('info', `listening on 127.0.0.1:${PORT}`, { pid: process.pid, node: process.version }));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    log('info', `${signal}: closing`);
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
