// The endpoints as a plain HTTP client sees them: answers, refusals, limits, the readme's examples.
import { execFile } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { promisify } from 'node:util';
import { test, assert } from './lib/harness.mjs';
import { ask, kModel } from './lib/client.mjs';
import { say, json, call } from './lib/mock.mjs';
import { completion, usageOf } from './lib/chunks.mjs';
import { atMost } from './lib/scale.mjs';

const exec = promisify(execFile);

test('a plain message', async (b) => {
  const { client, mock } = await b.front([say('Hello there.', { usage: usageOf(100, 9, { prompt_tokens_details: { cached_tokens: 30 } }) })]);
  const answer = await client.message(ask('Hello!', { system: 'Be brief.', temperature: 0.5 }));
  assert.equal(answer.status, 200);
  const m = answer.json;
  assert.deepEqual(m.content, [{ type: 'text', text: 'Hello there.', citations: null }]);
  assert.equal(m.model, kModel, 'the name that the client asked for');
  assert.equal(m.stop_reason, 'end_turn');
  assert.equal(m.usage.input_tokens, 70);
  assert.equal(m.usage.cache_read_input_tokens, 30);
  assert.equal(m.usage.output_tokens, 9);
  assert.equal(answer.headers['x-clasp-model'], 'gpt-4o');
  const body = mock.last.body;
  assert.equal(body.model, 'gpt-4o');
  assert.equal(body.temperature, 0.5);
  assert.deepEqual(body.messages, [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hello!' }]);
  assert.ok(!body.stream);
});

test('a streamed message', async (b) => {
  const text = 'One, two, three – vier, 五 and 🖐.';
  const { client, mock } = await b.front([say(text, { usage: usageOf(33, 12) })]);
  const stream = await client.wholeStream(ask('Count to 5'));
  assert.equal(stream.status, 200);
  assert.equal(stream.checker.text, text);
  const m = stream.checker.message;
  assert.equal(m.stop_reason, 'end_turn');
  assert.equal(m.usage.input_tokens, 33);
  assert.equal(m.usage.output_tokens, 12);
  assert.equal(m.model, kModel);
  assert.match(stream.headers['content-type'], /^text\/event-stream; ?charset=utf-8$/i);
  assert.equal(mock.last.body.stream, true);
  assert.deepEqual(mock.last.body.stream_options?.include_usage, true);
});

test('vector 142, habit 1: the query does not matter, nor how the key is sent', async (b) => {
  const { client } = await b.front(() => say('x'));
  assert.equal((await client.post('/v1/messages?beta=true', ask('a'))).status, 200);
  assert.equal((await client.message(ask('a'), { headers: { 'x-api-key': '', authorization: 'Bearer k' } })).status, 200);
});

test('vector 6, vector 143: errors in the request', async (b) => {
  const { client, mock } = await b.front([]);
  const refused = async (body, status, type, pattern) => {
    const answer = await client.message(body);
    assert.equal(answer.status, status, `${JSON.stringify(body).slice(0, 80)}: ${answer.text}`);
    assert.equal(answer.json.error.type, type);
    if (pattern) assert.match(answer.json.error.message, pattern);
  };
  const invalid = (body, pattern) => refused(body, 400, 'invalid_request_error', pattern);
  await invalid('{"model":', undefined);
  await invalid('', undefined);
  await invalid('[]', undefined);
  await invalid('"text"', undefined);
  await invalid('{"model":"x","max_tokens":1,"messages":[{"role":"user","content":"\ud800"}]} trailing', undefined);
  await invalid(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), undefined);
  await invalid({ max_tokens: 5, messages: [{ role: 'user', content: 'x' }] }, /model/);
  await invalid({ model: 'x', messages: [{ role: 'user', content: 'x' }] }, /max_tokens/);
  await invalid({ model: 'x', max_tokens: 5 }, /messages/);
  await invalid({ model: 'x', max_tokens: 5, messages: [] }, /messages/);
  await invalid({ model: 'x', max_tokens: -5, messages: [{ role: 'user', content: 'x' }] }, /max_tokens/);
  await invalid({ model: 'x', max_tokens: 'many', messages: [{ role: 'user', content: 'x' }] }, /max_tokens/);
  await invalid({ model: 'x', max_tokens: 5, messages: [{ role: 'robot', content: 'x' }] }, /role/);
  await invalid({ model: 'x', max_tokens: 5, messages: [{ role: 'user', content: [{ text: 'x' }] }] }, /type|content/);
  await invalid(ask('x', { max_tokens: 0, stream: true }), /max_tokens|stream/);
  await invalid(`{"model":"x","max_tokens":1,"messages":${'['.repeat(100_000)}`, undefined);
  await refused(ask('x', { thread: { type: 'continue', id: 't' } }), 404, 'not_found_error');
  assert.equal(mock.requests.length, 0, 'none of these reached the backend');
});

test('metrics', async (b) => {
  const { client } = await b.front(() => say('x'));
  await client.message(ask('x'));
  const metrics = await client.get('/metrics');
  assert.equal(metrics.json.requests.total, 1);
  const text = await client.get('/metrics/prometheus');
  assert.match(text.text, /^clasp_requests_total/m);
});

test('vector 140, trap 39: count_tokens needs no backend', async (b) => {
  const { client, mock } = await b.front([]);
  await mock.stop();
  const count = async (body) => (await client.post('/v1/messages/count_tokens?beta=true', body)).json.input_tokens;
  const short = await count({ model: 'x', messages: [{ role: 'user', content: 'hello' }] });
  const long = await count({ model: 'x', system: 'You are kind. '.repeat(100), messages: [{ role: 'user', content: 'hello' }] });
  const tools = await count({ model: 'x', messages: [{ role: 'user', content: 'hello' }], tools: [{ name: 'f', description: 'word '.repeat(200), input_schema: { type: 'object' } }] });
  assert.ok(Number.isInteger(short) && short > 0);
  assert.ok(long > short + 200 && tools > short + 200, `${short} ${long} ${tools}`);
  const bad = await client.post('/v1/messages/count_tokens', { model: 'x' });
  assert.equal(bad.status, 400);
});

test('vector 143: bodies up to 32 MB, and not one byte more', { limit: 60_000 }, async (b) => {
  const { client, mock } = await b.front(() => say('big'), { provider: 'custom' });
  const limit = 32 * 1024 * 1024;
  const frame = JSON.stringify(ask('@')).split('@');
  const body = (size) => Buffer.from(frame[0] + 'x'.repeat(size - frame[0].length - frame[1].length) + frame[1]);
  const full = await client.message(body(limit), { limit: 30_000 });
  assert.equal(full.status, 200);
  assert.ok(mock.last.raw.length > limit - 1000);
  for (const size of [limit + 1, 33 * 1024 * 1024]) {
    const refused = await client.message(body(size), { limit: 30_000 }).catch((error) => ({ error }));
    assert.equal(refused.status, 413, String(refused.error));
    assert.equal(refused.json.error.type, 'request_too_large');
  }
  assert.equal((await client.message(ask('after'))).status, 200, 'and the daemon goes on');
});

test('a chunked and a compressed body', async (b) => {
  const { client } = await b.front(() => say('fine'));
  const text = JSON.stringify(ask('in pieces'));
  const chunked = await client.raw([
    'POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\ncontent-type: application/json\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n',
    ...text.match(/.{1,7}/gs).map((part) => `${part.length.toString(16)}\r\n${part}\r\n`), '0\r\n\r\n']);
  assert.match(chunked, /^HTTP\/1\.1 200 /);
  const packed = await client.message(gzipSync(text), { headers: { 'content-encoding': 'gzip' } });
  assert.equal(packed.status, 200);
  const broken = await client.message(Buffer.from('no gzip'), { headers: { 'content-encoding': 'gzip' } });
  assert.equal(broken.status, 400);
});

test('HTTP that tries to smuggle or confuse is refused', async (b) => {
  const { client, mock } = await b.front(() => say('ok'));
  const post = (head, body = '') => `POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${head}\r\n\r\n${body}`;
  for (const [name, bytes] of Object.entries({
    'length and chunked': post('content-length: 5\r\ntransfer-encoding: chunked', '0\r\n\r\n'),
    'two lengths': post('content-length: 5\r\ncontent-length: 6', '12345'),
    'space before the colon': post('content-length : 5', '12345'),
    'negative length': post('content-length: -5'),
    'folded header': post('x-a: 1\r\n\tb\r\ncontent-length: 2', '{}'),
    'unknown coding': post('transfer-encoding: gzip, chunked', '0\r\n\r\n'),
    'no host': 'GET /health HTTP/1.1\r\n\r\n',
    'garbage': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n',
    'HTTP/9.9': 'GET / HTTP/9.9\r\nhost: x\r\n\r\n',
    'overflowing chunk': post('transfer-encoding: chunked', '10000000000000005\r\nhello\r\n0\r\n\r\n'),
  })) {
    const answer = await client.raw(bytes);
    assert.match(answer, /^HTTP\/1\.[01] (4\d\d|50[15]) /, name);
    assert.equal((answer.match(/HTTP\/1\.[01] \d/g) ?? []).length, 1, `${name}: one answer`);
  }
  const flood = `GET /health HTTP/1.1\r\nhost: x\r\n${'x-fill: ' + 'y'.repeat(1000) + '\r\n'}`.padEnd(10) + ('x-f: ' + 'y'.repeat(1000) + '\r\n').repeat(200) + '\r\n';
  assert.match(await client.raw(flood), /^HTTP\/1\.1 431 /);
  assert.equal(mock.requests.length, 0);
  assert.equal((await client.get('/health')).status, 200);
});

test('keep-alive, pipelining and connection: close', async (b) => {
  const { client } = await b.front(() => say('ok'));
  const text = JSON.stringify(ask('x'));
  const one = (more = '') => `POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n${more}\r\n${text}`;
  const both = await client.raw(one() + one('connection: close\r\n'));
  assert.equal((both.match(/HTTP\/1\.1 200 /g) ?? []).length, 2);
  const old = await client.raw(`POST /v1/messages HTTP/1.0\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
  assert.match(old, /^HTTP\/1\.[01] 200 /);
  assert.doesNotMatch(old, /transfer-encoding/i);
});

test('Expect: 100-continue, as curl sends it for large bodies', async (b) => {
  const { client } = await b.front([say('ok')]);
  const text = JSON.stringify(ask('x'.repeat(2000)));
  const head = `POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: ${text.length}\r\n\r\n`;
  const first = await client.raw(head, { enough: (t) => t.includes('\r\n\r\n'), limit: 3000 });
  assert.match(first, /^HTTP\/1\.1 100 /);
  assert.match(await client.raw([head, text]), /HTTP\/1\.1 200 /);
});

test("the readme's curl examples", async (b) => {
  const { daemon } = await b.front(() => say('1 2 3 4 5'));
  const body = (more) => JSON.stringify({ model: kModel, max_tokens: 1024, ...more, messages: [{ role: 'user', content: 'Count to 5' }] }, null, 2);
  const curl = async (...more) => (await exec('curl', ['-sS', '-N', '--max-time', '20', `${daemon.url}/v1/messages`, '-H', 'Content-Type: application/json', ...more])).stdout;
  try { await exec('curl', ['--version']); } catch { return b.skip('curl is not installed'); }
  const plain = JSON.parse(await curl('-H', 'x-api-key: any-key', '-d', body({})));
  assert.equal(plain.content[0].text, '1 2 3 4 5');
  const bearer = JSON.parse(await curl('-H', 'Authorization: Bearer my-secret-key', '-d', body({})));
  assert.equal(bearer.type, 'message');
  const stream = await curl('-H', 'x-api-key: any-key', '-d', body({ stream: true }));
  assert.match(stream, /^event: message_start\n/);
  assert.match(stream, /event: message_stop\ndata: \{"type":"message_stop"\}\n\n$/);
});

test('seen 8: tool calls, plain and streamed, give the same message', async (b) => {
  const { client, mock } = await b.front(() => call('get_weather', { city: 'Zürich', days: [1, 2] }, { text: 'Let me see.' }));
  const tools = [{ name: 'get_weather', description: 'Weather', input_schema: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'array' } }, required: ['city'] } }];
  const request = ask('Weather?', { tools, tool_choice: { type: 'any', disable_parallel_tool_use: true } });
  const plain = (await client.message(request)).json;
  const streamed = (await client.wholeStream(request)).checker.message;
  assert.equal(plain.stop_reason, 'tool_use');
  assert.deepEqual(plain.content.map((c) => c.type), ['text', 'tool_use']);
  assert.deepEqual(plain.content[1].input, { city: 'Zürich', days: [1, 2] });
  for (const m of [plain, streamed]) { delete m.id; m.content[1].id = 'x'; }
  assert.deepEqual(streamed, plain);
  assert.equal(mock.last.body.tool_choice, 'required');
  assert.equal(mock.last.body.parallel_tool_calls, false);
  assert.deepEqual(mock.last.body.tools[0].function.parameters.properties.days.items, {});
});

test('a hundred small requests do not take long', async (b) => {
  const { client } = await b.front(() => json(completion({ text: 'x' })));
  const started = performance.now();
  for (let i = 0; i < 100; ++i) assert.equal((await client.message(ask('x'))).status, 200);
  const took = performance.now() - started;
  assert.ok(took < atMost(3000), `${Math.round(took)} ms for 100 requests one after the other`);
});
