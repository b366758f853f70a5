// Rate limits as clients see them: 429 with its headers, before the body; what is free; reload.
import Sdk from '@anthropic-ai/sdk';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask, kModel } from './lib/client.mjs';
import { pause, reply, say } from './lib/mock.mjs';
import { usageOf } from './lib/chunks.mjs';
import { until } from './lib/scale.mjs';

const limits = (requests, window, burst, ...more) =>
  ['-rate-limit', '-rate-limit-requests', String(requests), '-rate-limit-window', String(window), '-rate-limit-burst', String(burst), ...more];
const limited = (b, script, args, more = {}) => b.front(script, { args: ['-workers', '2', ...args], ...more });
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

test('burst + 1 requests get in at once; then 429 rate_limit_error in the shape of the API', async (b) => {
  const { client, mock } = await limited(b, () => say('hi'), limits(60, 3600, 2));
  const good = [];
  for (let i = 0; i < 3; ++i) good.push(await client.message(ask('x')));
  assert.deepEqual(good.map(({ status }) => status), [200, 200, 200]);
  assert.deepEqual(good.map(({ headers }) => headers['anthropic-ratelimit-requests-remaining']), ['2', '1', '0']);
  assert.equal(good[0].headers['anthropic-ratelimit-requests-limit'], '60');
  assert.match(good[0].headers['anthropic-ratelimit-requests-reset'], instant);
  const { status, json, headers } = await client.message(ask('x'));
  assert.equal(status, 429);
  assert.equal(json.error.type, 'rate_limit_error');
  assert.match(json.error.message, /^too many requests, of all clients together; try again in \d+ seconds$/);
  assert.ok(Number(headers['retry-after']) >= 55 && Number(headers['retry-after']) <= 60, headers['retry-after']);
  assert.equal(headers['x-should-retry'], 'true');
  assert.equal(headers['anthropic-ratelimit-requests-remaining'], '0');
  const reset = Date.parse(headers['anthropic-ratelimit-requests-reset']) - Date.now();
  assert.ok(reset > 170_000 && reset < 182_000, `reset in ${reset} ms`);
  assert.equal(mock.chats.length, 3);
});

test('a request over the limit is refused before its body is read', async (b) => {
  const { client } = await limited(b, () => say('hi'), limits(1, 3600, 0));
  await client.message(ask('x'));
  // The head says that a body of 1000 bytes follows; none does.
  const { socket, read } = await rawSocket(b, client);
  socket.write('POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n');
  await until(() => /^HTTP\/1\.1 429 /.test(read()), 3000, 'an answer without the body');
});

async function rawSocket(b, client) {
  const { connect } = await import('node:net');
  const socket = connect(Number(client.url.port), client.url.hostname);
  let text = '';
  socket.on('data', (d) => { text += d; });
  socket.on('error', () => {});
  setTimeout(() => socket.destroy(), 10_000).unref();
  return { socket, read: () => text };
}

test('counting tokens, models, health, telemetry and the banner are free (trap 40)', async (b) => {
  const { client } = await limited(b, () => say('hi'), limits(1, 3600, 0));
  await client.message(ask('x'));
  assert.equal((await client.message(ask('x'))).status, 429);
  for (let i = 0; i < 20; ++i) {
    assert.equal((await client.ask('POST', '/v1/messages/count_tokens', { body: ask('x') })).status, 200);
    for (const free of ['/v1/models', '/health', '/healthz', '/readyz', '/'])
      assert.equal((await client.get(free)).status, 200, free);
    assert.equal((await client.ask('POST', '/api/event_logging/batch', { body: {} })).status, 200);
  }
});

test('the SDK comes again after retry-after and is served', async (b) => {
  const { daemon, mock } = await limited(b, () => say('hi'), limits(1, 2, 0));
  const sdk = new Sdk({ apiKey: 'k', baseURL: daemon.url, maxRetries: 3 });
  const began = Date.now();
  for (let i = 0; i < 2; ++i) await sdk.messages.create({ model: kModel, max_tokens: 9, messages: [{ role: 'user', content: 'x' }] });
  assert.equal(mock.chats.length, 2);
  assert.ok(Date.now() - began >= 1500, 'the second one did not wait');
});

test('tokens per minute: charged with what was used; a stream tells what is left; ours win over the backend\'s', async (b) => {
  const answer = reply({ text: 'hi', usage: usageOf(2000, 500) }, { headers: { 'x-ratelimit-limit-requests': '7', 'x-ratelimit-remaining-requests': '6' } });
  const { client } = await limited(b, () => answer, limits(1000, 60, 100), { env: { CLASP_RATE_LIMIT_TOKENS: '1000' } });
  const first = await client.wholeStream(ask('x'));
  assert.equal(first.headers['anthropic-ratelimit-tokens-limit'], '1000');
  assert.equal(first.headers['anthropic-ratelimit-requests-limit'], '1000');
  const { status, json, headers } = await client.message(ask('x'));
  assert.equal(status, 429);
  assert.match(json.error.message, /^too many tokens/);
  // 1500 tokens of debt at 1000 a minute.
  assert.ok(Number(headers['retry-after']) >= 85 && Number(headers['retry-after']) <= 91, headers['retry-after']);
  assert.equal(headers['anthropic-ratelimit-tokens-remaining'], '0');
  assert.match(headers['anthropic-ratelimit-tokens-reset'], instant);
});

test('a client that leaves, and a body that never comes, give back what they were lent', async (b) => {
  const { client, mock } = await limited(b, () => pause(60_000, say('late')), limits(1000, 60, 100), { env: { CLASP_RATE_LIMIT_TOKENS: '1000' } });
  const { socket } = await rawSocket(b, client);
  socket.write('POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\ncontent-length: 100000\r\n\r\n{');
  const tokens = async () => {
    const { socket: other, read } = await rawSocket(b, client);
    const before = mock.chats.length;
    const body = JSON.stringify(ask('x', { stream: false, max_tokens: 0 }));
    other.write(`POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await until(() => /\r\n\r\n/.test(read()), 3000, 'an answer');
    assert.equal(mock.chats.length, before);
    return Number(/anthropic-ratelimit-tokens-remaining: (\d+)/i.exec(read())[1]);
  };
  // Another worker may still be about to read the head.
  await until(async () => await tokens() < 900, 3000, 'the tokens to be lent');
  socket.destroy();
  await until(async () => await tokens() > 950, 3000, 'the tokens to come back');
});

test('reload: state survives where the limit is the same; another limit begins anew', async (b) => {
  const mock = await b.mock(() => say('hi'));
  const config = (burst, more = '') => `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${more}[rate_limit]\nenabled = on\nrequests = 1\nwindow = 1h\nburst = ${burst}\n`;
  const daemon = await b.daemon({ config: config(1) });
  const client = b.client(daemon.url);
  const reload = async (text) => {
    const count = () => daemon.stderr.split('was loaded again').length;
    const before = count();
    writeFileSync(path.join(daemon.directory, 'clasp.conf'), text);
    daemon.signal('SIGHUP');
    await until(() => count() > before, 5000, 'the reload');
  };
  const tries = async (n) => { let ok = 0; for (let i = 0; i < n; ++i) ok += (await client.message(ask('x'))).status === 200; return ok; };
  assert.equal(await tries(4), 2);
  await reload(config(1, '[models]\nsonnet = other\n'));
  assert.equal(await tries(2), 0);
  await reload(config(3));
  assert.equal(await tries(6), 4);
  await reload(config(3).replace('enabled = on', 'enabled = off'));
  const free = await client.message(ask('x'));
  assert.equal(free.status, 200);
  assert.equal(free.headers['anthropic-ratelimit-requests-limit'], undefined);
});

test('named clients: their own rates and max_concurrency', async (b) => {
  const mock = await b.mock(() => pause(700, say('hi')), { rules: 'compatible' });
  const config = `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n` +
    '[client ann]\nkey = ann-key-ann-key-ann-key\nmax_concurrency = 2\n[client bob]\nkey = bob-key-bob-key-bob-key\nrequests = 1\nwindow = 1h\nburst = 0\n';
  const daemon = await b.daemon({ config });
  const ann = b.client(daemon.url, { headers: { 'x-api-key': 'ann-key-ann-key-ann-key' } });
  const bob = b.client(daemon.url, { headers: { 'x-api-key': 'bob-key-bob-key-bob-key' } });
  const many = await Promise.all([1, 2, 3].map(() => ann.message(ask('x'))));
  assert.deepEqual(many.map(({ status }) => status).sort(), [200, 200, 429]);
  const refused = many.find(({ status }) => status === 429);
  assert.equal(refused.json.error.message, 'too many requests at the same time; try again in 1 second');
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal(refused.headers['anthropic-ratelimit-requests-limit'], undefined);
  assert.equal((await ann.message(ask('x'))).status, 200);
  const first = await bob.message(ask('x'));
  assert.equal(first.headers['anthropic-ratelimit-requests-remaining'], '0');
  const second = await bob.message(ask('x'));
  assert.equal(second.status, 429);
  assert.match(second.json.error.message, /^too many requests; try again in 3\d\d\d seconds$/);
});

test('per client: each address has its own', async (b) => {
  const { client } = await limited(b, () => say('hi'), limits(1, 3600, 0), { env: { CLASP_RATE_LIMIT_PER: 'client' } });
  const from = async (localAddress) => {
    const { request } = await import('node:http');
    const body = JSON.stringify(ask('x'));
    return new Promise((resolve, reject) => {
      const sent = request({ host: client.url.hostname, port: client.url.port, path: '/v1/messages', method: 'POST', localAddress, agent: false,
        headers: { 'x-api-key': `key-${Math.random()}`, 'content-length': body.length } }, (answer) => { answer.resume(); resolve(answer.statusCode); });
      sent.on('error', reject);
      sent.end(body);
    });
  };
  assert.equal(await from('127.0.0.1'), 200);
  assert.equal(await from('127.0.0.1'), 429, 'another key is no other client');
  assert.equal(await from('127.0.0.2'), 200);
});
