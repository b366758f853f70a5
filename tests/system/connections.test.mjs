// Connections to backends: reuse, stale ones, TLS with a CA of one's own, and what must not be
// trusted.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { bytes, json, say } from './lib/mock.mjs';
import { completion } from './lib/chunks.mjs';
import { Authority } from './lib/certs.mjs';
import { sleep, until } from './lib/scale.mjs';

const oneWorker = { CLASP_WORKERS: '1' };

test('one connection serves one request after the other', async (b) => {
  const { client, mock } = await b.front(() => say('x'), { env: oneWorker });
  for (let i = 0; i < 10; ++i) await (i % 2 ? client.message(ask('x')) : client.wholeStream(ask('x')));
  assert.equal(mock.chats.length, 10);
  assert.equal(mock.connections, 1, `${mock.connections} connections for 10 requests`);
});

test('an idle connection that the backend closed is not a failure', async (b) => {
  const { client, mock } = await b.front(() => say('x'), { env: oneWorker });
  for (let i = 0; i < 5; ++i) {
    assert.equal((await client.message(ask('x'))).status, 200);
    mock.dropAll();
    if (i % 2) await sleep(20); // sometimes noticed in time, sometimes not
  }
  assert.equal(mock.connections, 5);
});

test('a request that meets a dying reused connection is sent again', async (b) => {
  // The backend answers the second request on a connection by closing it.
  const { client, mock } = await b.front((request) => (mock.chats.filter((r) => r.connection === request.connection).length === 2
    ? ({ socket }) => socket.destroy() : say('x')), { env: oneWorker });
  for (let i = 0; i < 6; ++i) assert.equal((await client.message(ask('x'))).status, 200, `request ${i + 1}`);
});

test('a connection with left-over bytes or connection: close is not reused', async (b) => {
  const text = JSON.stringify(completion({ text: 'x' }));
  const answer = (more, after = '') => bytes([`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n${more}\r\n${text}${after}`], { end: 'open' });
  const { client, mock } = await b.front([answer('connection: close\r\n'), answer('', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'), json(completion({ text: 'last' }))], { env: oneWorker });
  for (const expected of ['x', 'x', 'last']) {
    const { json: message } = await client.message(ask('x'));
    assert.equal(message.content[0].text, expected);
    await sleep(30);
  }
  assert.equal(mock.connections, 3);
});

test('idle connections are few after a burst', async (b) => {
  const { client, mock } = await b.front(() => say('x', {}), { env: { ...oneWorker, CLASP_POOL_IDLE: '4' } });
  await Promise.all(Array.from({ length: 40 }, () => client.message(ask('x'))));
  await until(() => mock.open <= 4, 3000, 'surplus connections to be closed');
});

test('the base URL: with a path, with a query, without a path', async (b) => {
  const mock = await b.mock(() => say('x'), { rules: 'compatible' });
  for (const [base, expected] of [
    [`${mock.origin}`, '/v1/chat/completions'], [`${mock.origin}/`, '/v1/chat/completions'], [`${mock.origin}/v1/`, '/v1/chat/completions'],
    [`${mock.origin}/v1/chat/completions`, '/v1/chat/completions'], [`${mock.origin}/v1?tenant=a`, '/v1/chat/completions?tenant=a'],
  ]) {
    const daemon = await b.daemon({ args: ['-provider', 'custom', '-model', 'm'], env: { CUSTOM_BASE_URL: base, CUSTOM_API_KEY: mock.key } });
    assert.equal((await b.client(daemon.url).message(ask('x'))).status, 200, base);
    assert.equal(mock.last.path, expected, base);
  }
});

async function tlsFront(b, { names = ['127.0.0.1', 'localhost'], expired = false, trust = true, host = '127.0.0.1' }) {
  const authority = new Authority();
  const directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-ca-'));
  b.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'ca.pem');
  writeFileSync(file, trust ? authority.cert : new Authority('Somebody else').cert);
  const mock = await b.mock(() => say('over TLS'), { tls: expired ? authority.issueExpired(names) : authority.issue(names) });
  const daemon = await b.daemon({ args: ['-provider', 'openai', '-model', 'gpt-4o', '-ca-file', file],
    env: { OPENAI_API_KEY: mock.key, OPENAI_BASE_URL: `https://${host}:${mock.port}/v1`, ...oneWorker } });
  return { mock, client: b.client(daemon.url) };
}

test('a backend over HTTPS', async (b) => {
  const { client, mock } = await tlsFront(b, {});
  assert.equal((await client.message(ask('x'))).json.content[0].text, 'over TLS');
  for (let i = 0; i < 3; ++i) assert.equal((await client.wholeStream(ask('x'))).checker.text, 'over TLS');
  assert.equal(mock.connections, 1, 'the connection is kept');
});

test('a backend over HTTPS by name', async (b) => {
  const { client } = await tlsFront(b, { names: ['localhost'], host: 'localhost' });
  assert.equal((await client.message(ask('x'))).status, 200);
});

for (const [what, how] of Object.entries({
  'an unknown authority': { trust: false }, 'an expired certificate': { expired: true },
  'a certificate for another address': { names: ['10.1.2.3', 'localhost'] }, 'a certificate for another name': { names: ['example.org'], host: 'localhost' },
})) {
  test(`${what} is refused and nothing is sent`, async (b) => {
    const { client, mock } = await tlsFront(b, how);
    for (const answer of [await client.message(ask('x')), await client.wholeStream(ask('x'))]) {
      assert.equal(answer.status, 502);
      assert.equal(answer.json.error.type, 'api_error');
      assert.match(answer.json.error.message, /certificate|TLS/i);
      assert.equal(answer.headers['x-should-retry'], 'false');
    }
    assert.equal(mock.requests.length, 0);
  });
}

test('HTTPS asked of a backend that speaks plain HTTP', async (b) => {
  const mock = await b.mock(() => say('x'));
  const daemon = await b.daemon({ args: ['-provider', 'openai', '-model', 'gpt-4o'], env: { OPENAI_API_KEY: mock.key, OPENAI_BASE_URL: `https://127.0.0.1:${mock.port}/v1` } });
  assert.equal((await b.client(daemon.url).message(ask('x'))).status, 502);
});
