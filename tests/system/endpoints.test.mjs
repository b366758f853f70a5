// The small endpoints, row by row: models, probes, telemetry, refusals, counting, browsers.
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import Anthropic from '@anthropic-ai/sdk';
import { test, assert } from './lib/harness.mjs';
import { ask, kModel } from './lib/client.mjs';
import { fail, say, sse } from './lib/mock.mjs';
import { chunk } from './lib/chunks.mjs';
import { atMost, atMostMemory, sleep, until, within } from './lib/scale.mjs';

test('vector 141, habit 3: probes with GET and HEAD', async (b) => {
  const { client } = await b.front([]);
  for (const key of ['name', 'version', 'provider', 'status', 'endpoints']) assert.ok(key in (await client.get('/')).json, key);
  for (const [path, key, value] of [['/', 'name', 'CLASP'], ['/api/hello'], ['/health', 'status', 'healthy'], ['/healthz', 'status', 'ok'], ['/readyz', 'status', 'ready'], ['/v1/models', 'object', 'list']]) {
    const got = await client.get(path);
    assert.equal(got.status, 200, `GET ${path}`);
    if (key) assert.equal(got.json[key], value);
    const head = await client.ask('HEAD', path);
    assert.equal(head.status, 200, `HEAD ${path}`);
    assert.equal(head.body.length, 0);
    assert.equal(head.headers['content-type'], got.headers['content-type']);
    if (path !== '/health') assert.equal(head.headers['content-length'], got.headers['content-length']);
  }
});

test('vector 141: a HEAD of what is not there has a head only', async (b) => {
  const { client } = await b.front([]);
  for (const [path, status] of [['/nothing', 404], ['/v1/messages', 405], ['/v1/models/none', 404], ['/v1/files', 404]]) {
    const head = await client.ask('HEAD', path);
    assert.equal(head.status, status, path);
    assert.equal(head.body.length, 0);
    assert.ok(Number(head.headers['content-length']) > 0);
    assert.equal(head.headers.allow, status === 405 ? 'POST' : undefined);
  }
});

test('vector 141: what is not offered says so, with 404', async (b) => {
  const { client, mock } = await b.front([]);
  for (const [method, path, pattern] of [
    ['POST', '/v1/messages/batches', /batches/], ['GET', '/v1/messages/batches', /batches/], ['GET', '/v1/messages/batches/msgbatch_1', /batches/],
    ['GET', '/v1/messages/batches/msgbatch_1/results', /batches/], ['POST', '/v1/messages/batches/msgbatch_1/cancel', /batches/], ['DELETE', '/v1/messages/batches/msgbatch_1', /batches/],
    ['POST', '/v1/files', /files/], ['GET', '/v1/files', /files/], ['GET', '/v1/files/file_1/content', /files/], ['DELETE', '/v1/files/file_1', /files/],
    ['POST', '/v1/complete', /\/v1\/messages/], ['POST', '/v1/chat/completions', /\/v1\/messages/],
    ['GET', '/api/oauth/profile', /no such endpoint/], ['GET', '/api/oauth/usage', /no such endpoint/], ['GET', '/api/claude_code/settings', /no such endpoint/],
    ['GET', '/v1/models/', /./], ['POST', '/v1/messagesXYZ', /./], ['POST', '/v1/messages/', /./], ['GET', '/%2e%2e/etc/passwd', /./], ['GET', '/favicon.ico', /no such endpoint/],
  ]) {
    const answer = await client.ask(method, path, method === 'POST' ? { body: {} } : {});
    assert.equal(answer.status, 404, `${method} ${path}`);
    assert.equal(answer.json.error.type, 'not_found_error');
    assert.match(answer.json.error.message, pattern, `${method} ${path}`);
  }
  assert.equal(mock.requests.length, 0);
  // The SDK does not try again what will never be there.
  const sdk = new Anthropic({ apiKey: 'k', baseURL: client.url.origin, maxRetries: 2 });
  const error = await sdk.messages.batches.create({ requests: [{ custom_id: 'a', params: ask('x') }] }).catch((e) => e);
  assert.ok(error instanceof Anthropic.NotFoundError, String(error));
});

test('defect 16: a wrong method is a 405 that names the right ones', async (b) => {
  const { client } = await b.front([]);
  for (const [path, allow] of [['/v1/messages', 'POST'], ['/v1/messages/count_tokens', 'POST'], ['/v1/models', 'GET, HEAD'], ['/v1/models/x', 'GET, HEAD'], ['/', 'GET, HEAD'],
    ['/health', 'GET, HEAD'], ['/healthz', 'GET, HEAD'], ['/readyz', 'GET, HEAD'], ['/api/hello', 'GET, HEAD'], ['/api/event_logging/batch', 'POST']])
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((m) => !allow.split(', ').includes(m))) {
      const answer = await client.ask(method, path);
      assert.equal(answer.status, 405, `${method} ${path}`);
      assert.equal(answer.headers.allow, allow, `${method} ${path}`);
      assert.equal(answer.json.error.type, 'invalid_request_error');
      assert.match(answer.json.error.message, new RegExp(`^${method} is not allowed`));
    }
});

test('vector 144: every answer carries request-id, errors in the body too, and no two are the same', async (b) => {
  const { client } = await b.front((_, i) => (i % 2 ? say('x') : fail(400, 'no')));
  const seen = new Set();
  for (const [method, path, body] of [['GET', '/'], ['HEAD', '/'], ['GET', '/healthz'], ['GET', '/v1/models'], ['GET', '/v1/models/x'], ['GET', '/nothing'], ['PUT', '/v1/messages'],
    ['POST', '/v1/messages', '{'], ['POST', '/v1/messages', ask('x')], ['POST', '/v1/messages', ask('x')], ['POST', '/v1/messages', ask('x', { stream: true })],
    ['POST', '/v1/messages/count_tokens', ask('x')], ['POST', '/v1/messages/count_tokens', '['], ['POST', '/api/event_logging/batch', {}]]) {
    const answer = await client.ask(method, path, { body });
    const id = answer.headers['request-id'];
    assert.match(id, /^req_[A-Za-z0-9]+$/, `${method} ${path}`);
    if (answer.status >= 400 && method !== 'HEAD') assert.equal(answer.json.request_id, id);
    seen.add(id);
  }
  assert.equal(seen.size, 14);
  // What never became a request as well.
  assert.match(await client.raw('GET / HTTP/1.1\r\nbad header\r\n\r\n'), /^HTTP\/1\.1 400 [^]*request-id: req_/i);
});

test('habit 5, seen 5, vector 141: the list of models as Claude Code asks for it', async (b) => {
  const { client } = await b.front([], { env: { CLASP_MODEL_ALIASES: 'claude-fast:gpt-4o-mini,my/odd model:x,claude-1:x', CLASP_MODEL_OPUS: 'o3' } });
  const list = async (query, headers = {}) => (await client.get(`/v1/models${query}`, { headers })).json;
  const all = await list('?limit=1000', { 'anthropic-version': '2023-06-01' });
  const ids = all.data.map((m) => m.id);
  assert.deepEqual(ids, ['claude-1', 'claude-fast', 'claude-opus', 'gpt-4o', 'my/odd model']);
  assert.deepEqual([all.has_more, all.first_id, all.last_id], [false, ids[0], ids.at(-1)]);
  for (const m of all.data) {
    assert.equal(m.type, 'model');
    assert.match(m.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(m.lifecycle, 'active');
    for (const key of ['display_name', 'line', 'max_input_tokens', 'max_tokens', 'capabilities', 'deprecated_at', 'retires_at']) assert.ok(key in m, key);
  }
  const page = async (query) => { const l = await list(query); return [l.data.map((m) => m.id).join(), l.has_more, l.first_id, l.last_id]; };
  assert.deepEqual(await page('?limit=2'), ['claude-1,claude-fast', true, 'claude-1', 'claude-fast']);
  assert.deepEqual(await page('?limit=2&after_id=claude-fast'), ['claude-opus,gpt-4o', true, 'claude-opus', 'gpt-4o']);
  assert.deepEqual(await page('?limit=2&before_id=gpt-4o'), ['claude-fast,claude-opus', true, 'claude-fast', 'claude-opus']);
  assert.deepEqual(await page('?after_id=my%2Fodd%20model'), ['', false, null, null]);
  assert.deepEqual(await page('?after_id=unknown'), ['', false, null, null]);
  assert.deepEqual(await page('?before_id=unknown'), ['', false, null, null]);
  assert.equal((await page('?limit=0'))[0], ids.join());
  assert.equal((await page('?lifecycle=active'))[0], ids.join());
  assert.equal((await page('?lifecycle=retired'))[0], '');
  // Who looks like a client of OpenAI finds what it looks for.
  const other = await list('', { 'x-api-key': '', authorization: 'Bearer k' });
  assert.equal(other.object, 'list');
  assert.ok(other.data.every((m) => m.object === 'model'));
  for (const id of ['claude-fast', 'claude-fast%5B1m%5D', 'my%2Fodd%20model']) assert.equal((await client.get(`/v1/models/${id}`)).status, 200, id);
  for (const id of ['none', 'claude', 'my', 'claude-fast%00', '%', '..%2f..']) assert.equal((await client.get(`/v1/models/${id}`)).status, 404, id);
  const sdk = new Anthropic({ apiKey: 'k', baseURL: client.url.origin, maxRetries: 0 });
  const found = [];
  for await (const m of sdk.models.list({ limit: 2, lifecycle: ['active', 'deprecated'] })) found.push(m.id);
  assert.deepEqual(found, ids);
  assert.equal((await sdk.models.list({ lifecycle: ['retired'] })).data.length, 0);
});

test('seen 1: telemetry is taken and thrown away, whatever its size', { limit: 30_000 }, async (b) => {
  const { client, daemon, mock } = await b.front([]);
  for (const path of ['/api/event_logging/batch', '/api/event_logging/v2/batch', '/api/claude_cli_feedback', '/api/claude_code/metrics?x=1']) {
    const answer = await client.post(path, 'not even JSON');
    assert.equal(answer.status, 200, path);
    assert.deepEqual(answer.json, {});
  }
  // Up to a megabyte the connection lives on, above the answer comes at once and ends it.
  await client.get('/healthz');
  const before = daemon.rss();
  const head = (size) => `POST /api/event_logging/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${size}\r\n\r\n`;
  const kept = await client.raw([head(1 << 20), 'x'.repeat(1 << 20), 'GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n']);
  assert.equal((kept.match(/HTTP\/1\.1 200 /g) ?? []).length, 2);
  const early = await client.raw([head(200 << 20), 'x'.repeat(100_000)], { limit: 5000 });
  assert.match(early, /^HTTP\/1\.1 200 [^]*connection: close[^]*\{\}$/i);
  for (let i = 0; i < 4; ++i) assert.match(await client.raw([head(16 << 20), 'x'.repeat(16 << 20)], { limit: 10_000 }), /^HTTP\/1\.1 200 /);
  assert.ok(daemon.rss() - before < atMostMemory(4096), `the daemon grew by ${daemon.rss() - before} kB`);
  assert.equal(mock.requests.length, 0);
});

test('trap 40, habit 2: fifty counts at once at the start of an editor, beside every limit', { limit: 30_000 }, async (b) => {
  const { client, mock } = await b.front([], { args: ['-rate-limit', '-rate-limit-requests', '1', '-rate-limit-window', '60'] });
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => client.post('/v1/messages/count_tokens', { model: kModel, messages: [{ role: 'user', content: `word ${i} `.repeat(2000) }] })));
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    assert.ok(answer.json.input_tokens > 1000);
  }
  assert.ok(performance.now() - started < atMost(2000), `${performance.now() - started} ms`);
  assert.equal(mock.requests.length, 0);
});

test('counting for a beta call says what became of the edits', async (b) => {
  const { client } = await b.front([]);
  const body = { model: kModel, messages: [{ role: 'user', content: 'hello' }] };
  const count = async (query, more, headers) => (await client.post(`/v1/messages/count_tokens${query}`, { ...body, ...more }, { headers })).json;
  const plain = await count('', {});
  assert.deepEqual(Object.keys(plain), ['input_tokens']);
  assert.deepEqual(await count('?beta=true', {}), { ...plain, context_management: null });
  assert.deepEqual(await count('', { context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } }, { 'anthropic-beta': 'x' }),
    { ...plain, context_management: { original_input_tokens: plain.input_tokens } });
});

test('/readyz says when the daemon drains, /healthz goes on', { limit: 20_000 }, async (b) => {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const { client, daemon } = await b.front([sse([chunk({ content: 'a' }), () => held, chunk({}, { finish: 'stop' })])]);
  const stream = await client.stream(ask('x'));
  await stream.next('content_block_delta');
  // These connections are in the middle of a request when the drain begins.
  const late = await Promise.all(['/readyz', '/healthz', '/health'].map(async (path) => {
    const socket = net.connect(daemon.port, '127.0.0.1');
    const made = { text: '', closed: false, socket };
    socket.on('data', (d) => { made.text += d; });
    socket.on('error', () => {});
    socket.on('close', () => { made.closed = true; });
    await once(socket, 'connect');
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n`);
    return made;
  }));
  await sleep(200);
  daemon.signal('SIGTERM');
  await sleep(300);
  for (const one of late) one.socket.write('\r\n');
  await until(() => late.every((one) => one.closed), 5000, 'the answers');
  assert.match(late[0].text, /^HTTP\/1\.1 503 [^]*"draining"/);
  assert.match(late[1].text, /^HTTP\/1\.1 200 [^]*"ok"/);
  assert.match(late[2].text, /^HTTP\/1\.1 503 [^]*"draining"/);
  release();
  await stream.done();
  assert.equal((await within(5000, daemon.ended, 'the end')).code, 0);
});

// What a browser does with a page's fetch(): asks first when it must, and hides what was not granted.
function browserFetch(origin, seen = []) {
  const simple = new Set(['accept', 'accept-language', 'content-language']);
  const send = (url, method, headers, body, signal) => new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, signal }, resolve);
    request.on('error', reject);
    request.end(body);
  });
  return async (url, init = {}) => {
    const headers = Object.fromEntries(new Headers(init.headers));
    const names = Object.keys(headers).filter((n) => !simple.has(n)).sort();
    const preflight = await send(url, 'OPTIONS', { origin, 'access-control-request-method': init.method, 'access-control-request-headers': names.join(',') });
    preflight.resume();
    seen.push({ status: preflight.statusCode, headers: preflight.headers });
    const list = (name) => (preflight.headers[name] ?? '').toLowerCase().split(/\s*,\s*/);
    if (preflight.statusCode !== 204 || preflight.headers['access-control-allow-origin'] !== origin || !list('access-control-allow-methods').includes(init.method.toLowerCase())
        || !names.every((n) => list('access-control-allow-headers').includes(n))) throw new TypeError('Failed to fetch');
    const answer = await send(url, init.method, { ...headers, origin }, init.body, init.signal);
    seen.push({ status: answer.statusCode, headers: answer.headers });
    if (answer.headers['access-control-allow-origin'] !== origin) throw new TypeError('Failed to fetch');
    const shown = (answer.headers['access-control-expose-headers'] ?? '').toLowerCase().split(/\s*,\s*/).concat('content-type', 'content-length');
    const visible = Object.entries(answer.headers).filter(([name]) => shown.includes(name));
    return new Response(answer, { status: answer.statusCode, headers: visible });
  };
}

test('pages in browsers: the SDK works from a configured origin, and only from there', async (b) => {
  const origin = 'https://app.example';
  const { client, mock } = await b.front((request) => (request.body.messages[0].content === 'bad' ? fail(429, 'slow', { headers: { 'retry-after': '3' } }) : say('Hello page.')), { args: ['-cors-origins', `${origin},http://localhost:3000`] });
  const sdk = (from, seen) => new Anthropic({ apiKey: 'k', baseURL: client.url.origin, maxRetries: 0, dangerouslyAllowBrowser: true, fetch: browserFetch(from, seen) });
  for (const from of [origin, 'http://localhost:3000']) {
    const seen = [];
    const message = await sdk(from, seen).messages.create(ask('x'));
    assert.equal(message.content[0].text, 'Hello page.');
    assert.match(message._request_id ?? '', /^req_/);
    assert.equal(await sdk(from).messages.stream(ask('x')).finalText(), 'Hello page.');
    assert.ok((await sdk(from).models.list()).data.length > 0);
    const error = await sdk(from).messages.create(ask('bad')).catch((e) => e);
    assert.ok(error instanceof Anthropic.RateLimitError, String(error));
    assert.equal(error.headers.get('retry-after'), '3');
    assert.ok(seen.every((one) => one.headers.vary === 'origin' && one.headers['request-id']));
    assert.equal(seen[0].headers['content-length'], undefined, 'a 204 has none');
  }
  // Refusals of the server itself can be read too.
  const huge = await client.raw(`POST /v1/messages HTTP/1.1\r\nhost: x\r\norigin: ${origin}\r\ncontent-length: 99999999\r\n\r\n`);
  assert.match(huge, /^HTTP\/1\.1 413 [^]*access-control-allow-origin: https:\/\/app\.example/i);
  const asked = mock.chats.length;
  for (const from of ['https://evil.example', 'https://app.example.evil', 'http://app.example', 'null'])
    await assert.rejects(sdk(from).messages.create(ask('x')), Anthropic.APIConnectionError, from);
  assert.equal(mock.chats.length, asked, 'none of them reached the backend');
  const plain = await client.get('/healthz');
  for (const name of Object.keys(plain.headers)) assert.ok(!name.startsWith('access-control-'), name);
  assert.equal((await client.ask('OPTIONS', '/nothing', { headers: { origin } })).status, 404);
});

test('pages in browsers: nobody, unless configured', async (b) => {
  const { client } = await b.front([]);
  const headers = { origin: 'https://app.example', 'access-control-request-method': 'POST' };
  const answer = await client.ask('OPTIONS', '/v1/messages', { headers });
  assert.equal(answer.status, 405);
  const get = await client.get('/v1/models', { headers });
  assert.equal(get.status, 200);
  for (const { headers: got } of [answer, get]) for (const name of Object.keys(got)) assert.ok(!name.startsWith('access-control-'), name);
});
