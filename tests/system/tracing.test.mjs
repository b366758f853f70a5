// W3C Trace Context towards backends, and spans towards a collector that speaks OTLP over HTTP.
import http from 'node:http';
import { once } from 'node:events';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { cut, fail, say } from './lib/mock.mjs';
import { until } from './lib/scale.mjs';

const kTraceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const kParent = `00-${kTraceId}-00f067aa0ba902b7-01`;
const headers = { traceparent: kParent, tracestate: 'rojo=1,congo=2' };

// `answer(n)`: status of the n-th delivery, or null: none comes.
async function collector(b, answer = () => 200) {
  const deliveries = [];
  const sockets = new Set();
  const server = http.createServer(async (req, res) => {
    const parts = [];
    for await (const part of req) parts.push(part);
    const text = Buffer.concat(parts).toString();
    deliveries.push({ method: req.method, path: req.url, headers: req.headers, text, json: JSON.parse(text) });
    const status = answer(deliveries.length);
    if (status === null) return;
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end('{}');
  });
  server.on('connection', (socket) => { sockets.add(socket); socket.on('error', () => {}); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  b.atEnd(async () => { for (const socket of sockets) socket.destroy(); server.close(); });
  const spans = () => deliveries.flatMap(({ json }) => json.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)));
  return { url: `http://127.0.0.1:${server.address().port}/v1/traces`, deliveries, spans };
}

const attributes = (span) => Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

test('a client\'s trace goes on to the backend, unchanged, and nothing is exported', async (b) => {
  const { client, mock } = await b.front([say('x'), say('y'), say('z')]);
  await client.message(ask('x'), { headers });
  assert.equal(mock.last.headers.traceparent, kParent);
  assert.equal(mock.last.headers.tracestate, 'rojo=1,congo=2');
  await client.message(ask('x'), { headers: { traceparent: 'nonsense', tracestate: 'a=b' } });
  assert.equal(mock.last.headers.traceparent, undefined);
  assert.equal(mock.last.headers.tracestate, undefined);
  await client.message(ask('x'));
  assert.equal(mock.last.headers.traceparent, undefined);
});

test('each exchange is a span, each attempt one below it; they arrive when the daemon stops', async (b) => {
  const otlp = await collector(b);
  const { client, mock, daemon } = await b.front([fail(503, 'the secret words of a prompt'), say('answer words')], {
    config: `[tracing]\notlp_url = ${otlp.url}\nheader.Authorization = Bearer collector-key-1\n` });
  const before = Date.now() * 1e6;
  const answer = await client.message(ask('the secret words of a prompt'), { headers });
  assert.equal(answer.status, 200);
  const [first, second] = mock.chats.map((chat) => chat.headers.traceparent);
  await daemon.stop();
  assert.equal(otlp.deliveries.length, 1);
  const [delivery] = otlp.deliveries;
  assert.equal(`${delivery.method} ${delivery.path}`, 'POST /v1/traces');
  assert.equal(delivery.headers['content-type'], 'application/json');
  assert.equal(delivery.headers.authorization, 'Bearer collector-key-1');
  assert.ok(!/secret words|answer words|sk-mock/.test(delivery.text));
  const resource = Object.fromEntries(delivery.json.resourceSpans[0].resource.attributes.map(({ key, value }) => [key, value.stringValue]));
  assert.equal(resource['service.name'], 'clasp');
  const [server, one, two] = otlp.spans();
  assert.deepEqual([server.traceId, server.parentSpanId, server.traceState, server.kind], [kTraceId, '00f067aa0ba902b7', 'rojo=1,congo=2', 2]);
  assert.deepEqual([one, two].map((s) => [s.traceId, s.parentSpanId, s.kind, s.name]), Array(2).fill([kTraceId, server.spanId, 3, 'chat gpt-4o']));
  assert.equal(first, `00-${kTraceId}-${one.spanId}-01`);
  assert.equal(second, `00-${kTraceId}-${two.spanId}-01`);
  const facts = attributes(server);
  assert.equal(facts['gen_ai.request.model'], ask('x').model);
  assert.equal(facts['gen_ai.response.model'], 'gpt-4o');
  assert.equal(Number(facts['gen_ai.usage.input_tokens']), answer.json.usage.input_tokens);
  assert.equal(facts['http.response.status_code'], '200');
  assert.equal(facts['clasp.request_id'], answer.headers['request-id']);
  assert.equal(facts['client.address'], '127.0.0.1');
  assert.equal(attributes(one)['error.type'], '503');
  assert.equal(one.status.code, 2);
  assert.equal(two.status, undefined);
  assert.equal(attributes(two)['server.port'], String(mock.port));
  for (const span of [server, one, two]) {
    assert.ok(Number(span.startTimeUnixNano) >= before - 1e9 && Number(span.endTimeUnixNano) <= Date.now() * 1e6 + 1e9);
    assert.ok(BigInt(span.startTimeUnixNano) <= BigInt(span.endTimeUnixNano));
  }
  assert.ok(BigInt(server.startTimeUnixNano) <= BigInt(one.startTimeUnixNano) && BigInt(two.endTimeUnixNano) <= BigInt(server.endTimeUnixNano),
    `${server.startTimeUnixNano} ${one.startTimeUnixNano} … ${two.endTimeUnixNano} ${server.endTimeUnixNano}`);
});

test('the sampled flag is obeyed; without a trace one begins here', async (b) => {
  const otlp = await collector(b);
  const { client, mock, daemon } = await b.front([say('x'), say('y')], { env: { CLASP_OTLP_URL: otlp.url } });
  await client.message(ask('x'), { headers: { traceparent: kParent.replace(/01$/, '00') } });
  assert.equal(mock.last.headers.traceparent, kParent.replace(/01$/, '00'));
  await client.message(ask('x'));
  await daemon.stop();
  const spans = otlp.spans();
  assert.equal(spans.length, 2);
  assert.ok(spans.every((span) => span.traceId !== kTraceId && /^[0-9a-f]{32}$/.test(span.traceId)));
  assert.equal(spans[0].parentSpanId, undefined);
  assert.equal(mock.last.headers.traceparent, `00-${spans[0].traceId}-${spans[1].spanId}-03`);
  assert.match(daemon.stderr, new RegExp(`trace=${spans[0].traceId}`));
});

test('spans go out while the daemon runs, a full batch at once', { limit: 60_000 }, async (b) => {
  const otlp = await collector(b);
  const { client } = await b.front(() => say('x'), { env: { CLASP_OTLP_URL: otlp.url } });
  await client.message(ask('x'));
  await until(() => otlp.spans().length === 2, 8000, 'the spans of one exchange within the interval');
  const started = performance.now();
  for (let i = 0; i < 8; ++i) await Promise.all(Array.from({ length: 64 }, () => client.message(ask('x'))));
  await until(() => otlp.spans().length === 2 + 1024, 8000, 'a batch of 512');
  assert.ok(Math.max(...otlp.deliveries.map(({ json }) => json.resourceSpans[0].scopeSpans[0].spans.length)) <= 1024);
  b.t.diagnostic(`513 exchanges and their spans took ${Math.round(performance.now() - started)} ms`);
});

test('a collector that refuses, hangs or is away slows nothing down; what is lost is told', { limit: 60_000 }, async (b) => {
  for (const [name, answer] of [['refuses', () => 400], ['hangs', () => null]]) {
    const otlp = await collector(b, answer);
    const { client, daemon } = await b.front(() => say('x'), { env: { CLASP_OTLP_URL: otlp.url } });
    for (let i = 0; i < 5; ++i) assert.equal((await client.message(ask('x'))).status, 200);
    const started = performance.now();
    await daemon.stop();
    const took = performance.now() - started;
    assert.ok(took < 8000, `${name}: the daemon took ${took} ms to stop`);
    assert.match(daemon.stderr, /warn tracing: the spans of 5 requests could not be delivered: /);
  }
  const { client, daemon } = await b.front(() => say('x'), { env: { CLASP_OTLP_URL: 'http://127.0.0.1:1/v1/traces' } });
  assert.equal((await client.message(ask('x'))).status, 200);
  await daemon.stop();
  assert.match(daemon.stderr, /warn tracing: the spans of 1 request could not be delivered: /);
});

test('what the collector could not take for a moment is sent again', { limit: 60_000 }, async (b) => {
  const otlp = await collector(b, (n) => (n === 1 ? 503 : 200));
  const { client } = await b.front(() => say('x'), { env: { CLASP_OTLP_URL: otlp.url } });
  await client.message(ask('x'));
  await until(() => otlp.deliveries.length === 2, 20_000, 'the second delivery');
  assert.deepEqual(otlp.deliveries[1].json, otlp.deliveries[0].json);
});

test('failures are spans with an error, and hold nothing of what was asked', async (b) => {
  const otlp = await collector(b);
  const { client, daemon } = await b.front(() => cut(), { env: { CLASP_OTLP_URL: otlp.url }, rules: 'none' });
  assert.ok((await client.message(ask('secret words'))).status >= 500);
  assert.equal((await client.post('/v1/messages', { model: 'm' })).status, 400);
  await daemon.stop();
  const servers = otlp.spans().filter((span) => span.kind === 2);
  assert.equal(servers.length, 2);
  assert.equal(servers[0].status.code, 2);
  assert.match(attributes(servers[0])['error.type'], /^5\d\d$/);
  assert.equal(attributes(servers[1])['error.type'], '400');
  assert.equal(servers[1].status, undefined, 'a client\'s mistake is no error of the server');
  assert.equal(attributes(otlp.spans()[1])['error.type'], 'reset');
  assert.ok(!otlp.deliveries.some(({ text }) => text.includes('secret words')));
});
