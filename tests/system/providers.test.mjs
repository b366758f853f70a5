// The providers by name: which variable, which path, which header, which spelling.
import net from 'node:net';
import http from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { runOnce } from './lib/daemon.mjs';
import { say } from './lib/mock.mjs';
import { Authority } from './lib/certs.mjs';

test('azure: the deployment in the path, its own header', async (b) => {
  const mock = await b.mock(() => say('azure'), { auth: { 'api-key': 'azure-key' }, path: '/openai/deployments/gpt-4/chat/completions' });
  const daemon = await b.daemon({ args: ['-provider', 'azure'], env: { AZURE_API_KEY: 'azure-key', AZURE_OPENAI_ENDPOINT: mock.origin, AZURE_DEPLOYMENT_NAME: 'gpt-4', AZURE_API_VERSION: '2024-10-21' } });
  const client = b.client(daemon.url);
  assert.equal((await client.message(ask('x'))).json.content[0].text, 'azure');
  assert.equal((await client.wholeStream(ask('x'))).checker.text, 'azure');
  assert.equal(mock.last.path, '/openai/deployments/gpt-4/chat/completions?api-version=2024-10-21');
});

test('openrouter', async (b) => {
  const mock = await b.mock(() => say('routed'), { rules: 'none', key: 'sk-or-1' });
  const daemon = await b.daemon({ args: ['-provider', 'openrouter', '-model', 'anthropic/claude-3-sonnet'], env: { OPENROUTER_API_KEY: 'sk-or-1', OPENROUTER_BASE_URL: mock.url } });
  const request = ask('x', { system: [{ type: 'text', text: 'Rules', cache_control: { type: 'ephemeral' } }], thinking: { type: 'enabled', budget_tokens: 2000 }, max_tokens: 4000 });
  assert.equal((await b.client(daemon.url).message(request)).status, 200);
  const body = mock.last.body;
  assert.equal(body.model, 'anthropic/claude-3-sonnet');
  assert.deepEqual(body.messages[0].content[0].cache_control, { type: 'ephemeral' });
  assert.ok(body.reasoning);
});

test('seen 3: a server of one\'s own without a key gets no authorization header', async (b) => {
  const mock = await b.mock(() => say('local'), { rules: 'compatible', auth: {} });
  for (const [provider, env] of [['custom', { CUSTOM_BASE_URL: mock.url }], ['ollama', { OLLAMA_BASE_URL: mock.origin }]]) {
    const daemon = await b.daemon({ args: ['-provider', provider, '-model', 'llama3.1'], env });
    assert.equal((await b.client(daemon.url).message(ask('x'))).status, 200, provider);
  }
});

test('the provider is found by its variable', async (b) => {
  const mock = await b.mock(() => say('found'), { rules: 'compatible' });
  for (const [env, name] of [[{ OPENAI_API_KEY: mock.key, OPENAI_BASE_URL: mock.url }, 'openai'], [{ CUSTOM_BASE_URL: mock.url, CUSTOM_API_KEY: mock.key }, 'custom'],
    [{ PROVIDER: 'custom', CUSTOM_BASE_URL: mock.url, CUSTOM_API_KEY: mock.key, OPENAI_API_KEY: 'sk-unused' }, 'custom']]) {
    const daemon = await b.daemon({ env: { ...env, CLASP_MODEL: 'gpt-4o' } });
    const client = b.client(daemon.url);
    assert.equal((await client.get('/')).json.provider, name);
    assert.equal((await client.message(ask('x'))).status, 200);
  }
});

test('features that this version lacks: a warning, or no start where it would be unsafe', async () => {
  const auth = await runOnce(['-provider', 'demo', '-auth', '-auth-api-key', 'secret-proxy-key', '-check']);
  if (auth.code !== 0) {
    assert.ok([2, 78].includes(auth.code), `exit code ${auth.code}`);
    assert.match(auth.stderr, /-auth/);
  }
  assert.ok(!auth.stderr.includes('secret-proxy-key'));
  const cache = await runOnce(['-provider', 'demo', '-cache', '-check']);
  assert.equal(cache.code, 0, cache.stderr);
});

test('-models lists what the backend has', async (b) => {
  const mock = await b.mock([], { rules: 'none' });
  const run = await runOnce(['-models', '-provider', 'openai'], { env: { OPENAI_API_KEY: mock.key, OPENAI_BASE_URL: mock.url } });
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /^mock-model$/m);
  await mock.stop();
  const dead = await runOnce(['-models', '-provider', 'openai'], { env: { OPENAI_API_KEY: 'sk-very-secret-key', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' } });
  assert.equal(dead.code, 1);
  assert.ok(dead.stderr.length > 0 && !dead.stderr.includes('very-secret'));
});

// A proxy between the daemon and its backend, as companies have them.
async function proxy(b, forward) {
  const seen = [];
  const server = http.createServer((req, res) => {
    seen.push({ line: `${req.method} ${req.url}`, headers: req.headers });
    const { 'proxy-authorization': _, ...headers } = req.headers;
    const to = http.request({ host: '127.0.0.1', port: forward, method: req.method, path: new URL(req.url).pathname, headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    req.pipe(to);
  });
  server.on('connect', (req, socket) => {
    seen.push({ line: `CONNECT ${req.url}`, headers: req.headers });
    const to = net.connect(forward, '127.0.0.1', () => { socket.write('HTTP/1.1 200 Connection established\r\n\r\n'); to.pipe(socket); socket.pipe(to); });
    for (const s of [to, socket]) s.on('error', () => { to.destroy(); socket.destroy(); });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  b.atEnd(() => { server.close(); server.closeAllConnections(); });
  return { seen, url: `http://jo:secret@127.0.0.1:${server.address().port}` };
}
const kBasic = `Basic ${Buffer.from('jo:secret').toString('base64')}`;

test('through a proxy, plain', async (b) => {
  const mock = await b.mock(() => say('proxied'), { rules: 'compatible' });
  const { seen, url } = await proxy(b, mock.port);
  const daemon = await b.daemon({ args: ['-provider', 'custom', '-model', 'm'], env: { CUSTOM_BASE_URL: 'http://backend.invalid/v1', CUSTOM_API_KEY: mock.key, HTTP_PROXY: url } });
  assert.equal((await b.client(daemon.url).message(ask('x'))).json?.content?.[0].text, 'proxied');
  assert.equal(seen[0].line, 'POST http://backend.invalid/v1/chat/completions');
  assert.equal(seen[0].headers['proxy-authorization'], kBasic);
});

test('through a proxy, TLS end to end', async (b) => {
  const authority = new Authority();
  const directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-ca-'));
  b.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'ca.pem');
  writeFileSync(file, authority.cert);
  const mock = await b.mock(() => say('tunnelled'), { tls: authority.issue(['backend.invalid']) });
  const { seen, url } = await proxy(b, mock.port);
  const env = { OPENAI_BASE_URL: 'https://backend.invalid/v1', OPENAI_API_KEY: mock.key, https_proxy: url };
  const daemon = await b.daemon({ args: ['-provider', 'openai', '-model', 'gpt-4o', '-ca-file', file], env });
  const client = b.client(daemon.url);
  for (let i = 0; i < 2; ++i) assert.equal((await client.wholeStream(ask('x'))).checker?.text, 'tunnelled');
  assert.equal(seen[0].line, 'CONNECT backend.invalid:443');
  assert.equal(seen[0].headers['proxy-authorization'], kBasic);
  const other = await b.daemon({ args: ['-provider', 'openai', '-model', 'gpt-4o', '-ca-file', file], env: { ...env, NO_PROXY: '.invalid' } });
  assert.equal((await b.client(other.url).message(ask('x'))).status, 502, 'NO_PROXY holds');
});
