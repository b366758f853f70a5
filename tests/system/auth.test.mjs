// The door: who may come in, with which key, to what; and what of a key goes on to a backend.
import Anthropic from '@anthropic-ai/sdk';
import { createHash } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { Anthropic as Upstream, refuse, speak } from './lib/anthropic.mjs';
import { ccTest, finished, session, stage } from './lib/claude.mjs';
import { ask } from './lib/client.mjs';
import { Authority } from './lib/certs.mjs';
import { freePort, kBinary, runOnce } from './lib/daemon.mjs';
import { fail, say } from './lib/mock.mjs';
import { png } from './lib/files.mjs';
import { sleep, until } from './lib/scale.mjs';

const kKey = 'clasp-AAAAbbbbCCCCddddEEEEffffGGGGhhhhIIIIjjjjKKK';
const kOther = 'clasp-zzzzYYYYxxxxWWWWvvvvUUUUttttSSSSrrrrQQQQppp';
const hashOf = (key) => `sha256:${createHash('sha256').update(key).digest('hex')}`;
const key = (value) => ({ headers: { 'x-api-key': value } });
const bearer = (value) => ({ headers: { 'x-api-key': '', authorization: `Bearer ${value}` } });
const none = { headers: { 'x-api-key': '' } };
const refused = (answer, words) => {
  assert.equal(answer.status, 401);
  assert.equal(answer.json.error.type, 'authentication_error');
  assert.match(answer.json.error.message, words);
  assert.match(answer.headers['www-authenticate'], /^Bearer/);
};

test('one key: x-api-key or Authorization: Bearer, by flags and by variables', async (b) => {
  for (const options of [{ args: ['-auth', '-auth-api-key', kKey] }, { env: { CLASP_AUTH: 'true', CLASP_AUTH_API_KEY: kKey } }]) {
    const { client, daemon, mock } = await b.front(() => say('in'), options);
    for (const good of [key(kKey), bearer(kKey), { headers: { 'x-api-key': '', authorization: `bearer  ${kKey}` } }])
      assert.equal((await client.message(ask('x'), good)).json.content[0].text, 'in');
    const asked = mock.chats.length;
    refused(await client.message(ask('x'), key('wrong')), /^invalid x-api-key$/);
    refused(await client.message(ask('x'), bearer('wrong')), /^Invalid bearer token$/);
    refused(await client.message(ask('x'), none), /^x-api-key header is required$/);
    refused(await client.message(ask('x'), { headers: { 'x-api-key': '', authorization: `Basic ${kKey}` } }), /required/);
    const stream = await client.stream(ask('x'), key('wrong'));
    assert.equal(stream.status, 401);
    assert.equal(mock.chats.length, asked, 'no stranger reached the backend');
    for (const secret of [kKey, 'wrong']) assert.ok(!daemon.stderr.includes(secret), 'a key is in the log');
  }
});

test('two credentials: one that is valid is enough', async (b) => {
  const { client } = await b.front(() => say('in'), { config: `[client ann]\nkey_hash = ${hashOf(kKey)}\n[client bob]\nkey_hash = ${hashOf(kOther)}\n` });
  const both = (a, c) => ({ headers: { 'x-api-key': a, authorization: `Bearer ${c}` } });
  for (const good of [both(kKey, 'sk-ant-x'), both('sk-ant-x', kKey), both(kKey, kKey)])
    assert.equal((await client.message(ask('x'), good)).status, 200);
  refused(await client.message(ask('x'), both('a', 'b')), /^invalid x-api-key$/);
  refused(await client.message(ask('x'), both(kKey, kOther)), /different clients/);
  const twice = await client.raw(`GET /v1/models HTTP/1.1\r\nhost: x\r\nx-api-key: ${kKey}\r\nx-api-key: other\r\nconnection: close\r\n\r\n`);
  assert.match(twice, /^HTTP\/1\.1 401 [^]*several keys/);
});

test('what needs a key: the table of the endpoints', async (b) => {
  const open = ['/', '/api/hello'], health = ['/health', '/healthz', '/readyz'], figures = ['/metrics', '/metrics/prometheus', '/providers/health'];
  const shut = ['/v1/models', '/v1/models/gpt-4o', '/nothing', '/v1/files'];
  const status = async (client, paths, options = none) => Promise.all(paths.map(async (p) => (await client.get(p, options)).status));
  const { client } = await b.front([], { args: ['-auth'], env: { CLASP_AUTH_API_KEY: kKey } });
  assert.deepEqual(await status(client, [...open, ...health]), [200, 200, 200, 200, 200]);
  assert.deepEqual(await status(client, [...shut, ...figures]), Array(7).fill(401));
  assert.deepEqual(await status(client, [...shut, ...figures], key(kKey)), [200, 200, 404, 404, 200, 200, 200]);
  assert.equal((await client.get('/costs', none)).status, 401);
  assert.notEqual((await client.get('/costs', key(kKey))).status, 401);
  assert.equal((await client.ask('HEAD', '/', none)).status, 200);
  assert.equal((await client.ask('HEAD', '/v1/models', none)).status, 401);
  assert.equal((await client.ask('OPTIONS', '/v1/messages', none)).status, 405);
  assert.equal((await client.post('/v1/messages/count_tokens', ask('x'), none)).status, 401);
  assert.equal((await client.post('/v1/messages/count_tokens', ask('x'), key(kKey))).status, 200);
  assert.equal((await client.post('/api/event_logging/batch', { events: [] }, none)).status, 200);
  const other = await b.front([], { args: ['-auth'], env: { CLASP_AUTH_API_KEY: kKey, CLASP_AUTH_ALLOW_ANONYMOUS_HEALTH: 'false', CLASP_AUTH_ALLOW_ANONYMOUS_METRICS: 'true' } });
  assert.deepEqual(await status(other.client, health), [401, 401, 401]);
  assert.deepEqual(await status(other.client, [...open, ...figures]), Array(5).fill(200));
  assert.deepEqual(await status(other.client, shut), Array(4).fill(401));
});

test('strangers are refused before their body is read', async (b) => {
  const { client } = await b.front([], { args: ['-auth'], env: { CLASP_AUTH_API_KEY: kKey } });
  const head = 'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
  const large = await client.raw(`${head}content-length: 30000000\r\n\r\n{"model"`);
  assert.match(large, /^HTTP\/1\.1 401 [^]*connection: close[^]*authentication_error/i);
  const held = await client.raw(`${head}content-length: 1000\r\nexpect: 100-continue\r\n\r\n`);
  assert.match(held, /^HTTP\/1\.1 401 /);
  // A short body is skipped and the connection goes on.
  const two = await client.raw(`${head}content-length: 2\r\n\r\n{}GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  assert.match(two, /^HTTP\/1\.1 401 [^]*HTTP\/1\.1 200 /);
});

test('without any key it does not start; keys in the file are hashes; credentials of systemd', async (b) => {
  const bare = await runOnce(['-provider', 'demo', '-auth', '-check']);
  assert.equal(bare.code, 78);
  assert.match(bare.stderr, /option -auth: no client has a key: set CLASP_AUTH_API_KEY/);
  const off = await runOnce(['-provider', 'demo', '-check'], { config: `[auth]\nenabled = false\n[client a]\nkey_hash = ${hashOf(kKey)}\n` });
  assert.equal(off.code, 78);
  assert.match(off.stderr, /authentication is off, but clients are configured/);
  const mock = await b.mock(() => say('in'), { rules: 'compatible' });
  const daemon = await b.daemon({ config: '[auth]\nkeys_file = credential:clients\n', args: ['-provider', 'custom'],
    env: { CUSTOM_BASE_URL: mock.url, CUSTOM_API_KEY: mock.key, CREDENTIALS_DIRECTORY: credentials(b, { clients: `# team\nann:${hashOf(kKey)}\n` }) } });
  const client = b.client(daemon.url);
  assert.equal((await client.message(ask('x'), key(kKey))).status, 200);
  refused(await client.message(ask('x'), key(hashOf(kKey).slice(7))), /invalid/);
});

let folders = 0;
function credentials(b, files) {
  const folder = path.join(process.env.TMPDIR ?? '/tmp', `clasp-credentials-${process.pid}-${++folders}`);
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  b.atEnd(() => { execFileSync('rm', ['-r', folder]); });
  return folder;
}

test('claspctl: a new key opens the door, and nothing of it is kept', async (b) => {
  const ctl = (args, input = '') => spawnSync(`${kBinary}ctl`, args, { input, encoding: 'utf8', timeout: 20_000 });
  const made = JSON.parse(ctl(['key', 'new', 'ann', '--json']).stdout);
  assert.match(made.key, /^clasp-[A-Za-z0-9_-]{43}$/);
  assert.notEqual(JSON.parse(ctl(['key', 'new', 'ann', '--json']).stdout).key, made.key);
  assert.equal(ctl(['key', 'hash'], `${made.key}\n`).stdout.trim(), made.key_hash);
  const told = ctl(['key', 'new', 'bob']);
  const [fresh] = told.stdout.split('\n');
  const section = /\[client bob\]\nkey_hash = .*\n/.exec(told.stdout)[0];
  const { client } = await b.front(() => say('in'), { config: `[client ann]\nkey_hash = ${made.key_hash}\n${section}` });
  for (const one of [made.key, fresh]) assert.equal((await client.message(ask('x'), key(one))).status, 200);
  assert.deepEqual([['key'], ['key', 'new'], ['nonsense'], ['key', 'new', 'a b']].map((args) => ctl(args).status), [2, 2, 2, 1]);
  assert.equal(ctl(['--help']).status, 0);
  assert.match(ctl(['--version']).stdout, /^claspctl \d/);
});

test('models: what a client may ask for, by the name that it sends', async (b) => {
  const config = `[aliases]\nfast = gpt-4o-mini\nlarge = gpt-5\n[client ann]\nkey_hash = ${hashOf(kKey)}\nmodels = fast, claude-haiku-*\n[client bob]\nkey_hash = ${hashOf(kOther)}\n`;
  const { client, mock } = await b.front(() => say('in'), { config });
  for (const model of ['fast', 'claude-haiku-4-5', 'FAST'])
    assert.equal((await client.message({ ...ask('x'), model }, key(kKey))).status, 200, model);
  const asked = mock.chats.length;
  for (const model of ['large', 'gpt-4o-mini', 'claude-opus-4-5']) {
    const answer = await client.message({ ...ask('x'), model }, key(kKey));
    assert.equal(answer.status, 403);
    assert.equal(answer.json.error.type, 'permission_error');
    assert.ok(answer.json.error.message.includes(model));
    assert.equal((await client.post('/v1/messages/count_tokens', { ...ask('x'), model }, key(kKey))).status, 403);
    assert.equal((await client.message({ ...ask('x'), model }, key(kOther))).status, 200);
  }
  assert.equal(mock.chats.length, asked + 3);
  const ids = async (who) => (await client.get('/v1/models', key(who))).json.data.map((m) => m.id);
  assert.deepEqual(await ids(kKey), ['fast']);
  assert.deepEqual(await ids(kOther), ['fast', 'gpt-4o', 'large']);
  assert.equal((await client.get('/v1/models/large', key(kKey))).status, 404);
});

test('expiry, and a key that is taken away at a reload, on an open connection', async (b) => {
  const mock = await b.mock(() => say('in'), { rules: 'compatible' });
  const config = (more) => `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${more}`;
  const daemon = await b.daemon({ config: config(`[client ann]\nkey_hash = ${hashOf(kKey)}\n[client old]\nkey_hash = ${hashOf(kOther)}\nexpires = 2001-01-01\n`) });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const client = b.client(daemon.url, { agent });
  refused(await client.message(ask('x'), key(kOther)), /^this API key has expired$/);
  assert.equal((await client.message(ask('x'), key(kKey))).status, 200);
  writeFileSync(path.join(daemon.directory, 'clasp.conf'), config(`[client old]\nkey_hash = ${hashOf(kOther)}\n`));
  daemon.signal('SIGHUP');
  await until(() => daemon.stderr.includes('was loaded again'), 5000, 'the reload');
  await sleep(50);
  refused(await client.message(ask('x'), key(kKey)), /invalid x-api-key/);
  assert.equal((await client.message(ask('x'), key(kOther))).status, 200);
  assert.equal(Object.values(agent.freeSockets).flat().length, 1, 'all on one connection');
  assert.ok(!daemon.stderr.includes('authentication is off'));
  writeFileSync(path.join(daemon.directory, 'clasp.conf'), config(''));
  daemon.signal('SIGHUP');
  await until(() => daemon.stderr.includes('authentication is off now'), 5000, 'a warning that the door is open');
});

test('the SDK: with a key, with a token, with both, and its errors', async (b) => {
  const { client } = await b.front(() => say('in'), { args: ['-auth'], env: { CLASP_AUTH_API_KEY: kKey } });
  const sdk = (more) => new Anthropic({ apiKey: null, authToken: null, baseURL: client.url.origin, maxRetries: 0, ...more });
  for (const more of [{ apiKey: kKey }, { authToken: kKey }, { authToken: kKey, defaultHeaders: { 'x-api-key': 'sk-ant-x' } }])
    assert.equal((await sdk(more).messages.create(ask('x'))).content[0].text, 'in');
  assert.equal(await sdk({ authToken: kKey }).messages.stream(ask('x')).finalText(), 'in');
  const error = await sdk({ apiKey: 'wrong' }).messages.create(ask('x')).catch((e) => e);
  assert.ok(error instanceof Anthropic.AuthenticationError, String(error));
  assert.match(error.error.error.message, /^invalid/i);
  assert.match(error.requestID ?? '', /^req_/);
});

for (const [name, env] of [['ANTHROPIC_API_KEY', { ANTHROPIC_API_KEY: kKey }], ['ANTHROPIC_AUTH_TOKEN', { ANTHROPIC_API_KEY: undefined, ANTHROPIC_AUTH_TOKEN: kKey }]])
  ccTest(`Claude Code with ${name}`, async (b) => {
    const { tap } = await stage(b, undefined, { args: ['-auth'], env: { CLASP_AUTH_API_KEY: kKey } });
    finished(await session(b, tap.url, () => 'Say hello', { env }), tap);
    const asked = tap.exchanges.filter((e) => e.path.startsWith('/v1/messages'));
    assert.ok(asked.length > 0 && asked.every((e) => (name.endsWith('TOKEN') ? e.headers.authorization === `Bearer ${kKey}` : e.headers['x-api-key'] === kKey)));
  });

ccTest('Claude Code with a wrong key: told at once', async (b) => {
  const { tap, mock } = await stage(b, undefined, { args: ['-auth'], env: { CLASP_AUTH_API_KEY: kKey } });
  const run = await session(b, tap.url, () => 'Say hello', { env: { ANTHROPIC_API_KEY: 'wrong' } });
  assert.equal(run.result?.is_error ?? true, true);
  assert.equal(mock.chats.length, 0);
});

// ---- browsers ---------------------------------------------------------------------------------

test('pages of other sites cannot make this machine ask a backend', async (b) => {
  const { client, mock } = await b.front(() => say('in'), { args: ['-cors-origins', 'https://app.example'] });
  const text = { 'content-type': 'text/plain' };
  for (const headers of [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, { origin: 'null' },
    { origin: `http://rebound.example:${client.url.port}`, host: `rebound.example:${client.url.port}` }, { 'sec-fetch-site': 'cross-site' }]) {
    const answer = await client.message(ask('x'), { headers: { ...text, ...headers } });
    assert.equal(answer.status, 403);
    assert.equal(answer.json.error.type, 'permission_error');
    assert.match(answer.json.error.message, /cors_origins/);
  }
  assert.equal(mock.chats.length, 0);
  assert.equal((await client.message(ask('x'), { headers: { ...text, origin: 'https://app.example', 'sec-fetch-site': 'cross-site' } })).status, 200);
  assert.equal((await client.message(ask('x'), { headers: { 'sec-fetch-mode': 'cors' } })).status, 200, 'fetch() of Node');
});

test('a preflight carries no key, and refusals can be read by pages that are admitted', async (b) => {
  const origin = 'https://app.example';
  const { client } = await b.front(() => say('in'), { args: ['-auth', '-cors-origins', origin], env: { CLASP_AUTH_API_KEY: kKey } });
  const preflight = await client.ask('OPTIONS', '/v1/messages', { headers: { 'x-api-key': '', origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key' } });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers['access-control-allow-headers'], 'x-api-key');
  const answer = await client.message(ask('x'), { headers: { 'x-api-key': 'wrong', origin } });
  refused(answer, /invalid/);
  assert.equal(answer.headers['access-control-allow-origin'], origin);
  assert.equal((await client.message(ask('x'), { headers: { 'x-api-key': kKey, origin } })).status, 200);
});

// ---- what goes on to backends -------------------------------------------------------------------

// Mocks complain about any header with a key that is not theirs.
test('a client\'s key never goes to a backend: every dialect, the relay, probes, media', async (b) => {
  const client = 'client-secret-key-0123456789';
  for (const dialect of ['generic', 'openai', 'openrouter', 'deepseek', 'ollama', 'vllm', 'llamacpp']) {
    const { client: door, mock, daemon } = await b.front(() => say('in'), { provider: 'custom', rules: 'none', args: ['-dialect', dialect], env: { CLASP_HEALTH_CHECK: 'true' } });
    for (const keys of [key(client), bearer(client)]) assert.equal((await door.message(ask('x'), keys)).status, 200, dialect);
    await until(() => mock.requests.some((r) => r.method === 'GET'), 5000, 'the probe');
    for (const request of mock.requests) assert.ok(!JSON.stringify([request.headers, request.path]).includes(client), dialect);
    assert.ok(!daemon.stderr.includes(client));
  }
  const upstream = await Upstream.start(b, () => speak({ text: 'in' }));
  const daemon = await b.daemon({ args: ['-provider', 'anthropic'], env: { ANTHROPIC_API_KEY: upstream.key, CLASP_ANTHROPIC_BASE_URL: upstream.url, CLASP_HEALTH_CHECK: 'true' } });
  const relay = b.client(daemon.url);
  for (const keys of [key(client), bearer(client)]) assert.equal((await relay.message(ask('x'), keys)).status, 200);
  for (const request of upstream.requests) assert.ok(!JSON.stringify(request.headers).includes(client));
  const seen = [];
  const pictures = http.createServer((req, res) => { seen.push(req.headers); res.setHeader('content-type', 'image/png'); res.end(png(8)); });
  await new Promise((resolve) => pictures.listen(0, '127.0.0.1', resolve));
  b.atEnd(() => { pictures.closeAllConnections(); pictures.close(); });
  const media = await b.front(() => say('in'), { provider: 'custom', args: ['-dialect', 'ollama'], config: '[media]\nfetch_remote = true\nfetch_networks = 127.0.0.0/8\n', rules: 'none' });
  const url = `http://127.0.0.1:${pictures.address().port}/a.png`;
  await media.client.message({ ...ask('x'), messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url } }, { type: 'text', text: 'x' }] }] }, key(client));
  assert.equal(seen.length, 1, 'the picture was fetched');
  for (const headers of seen) assert.ok(!JSON.stringify(headers).includes(client) && !headers['x-api-key'] && !headers.authorization);
});

test('pass_client_key: the client\'s own key, in the way of the backend, and none of ours', async (b) => {
  const mine = 'sk-of-the-client-0123456789';
  for (const [provider, auth] of [['openai', { authorization: `Bearer ${mine}` }], ['azure', { 'api-key': mine }]]) {
    const mock = await b.mock(() => say('in'), { rules: 'none', auth, path: provider === 'azure' ? '/openai/deployments/d/chat/completions' : undefined });
    const daemon = await b.daemon({ config: `[backend own]\nprovider = ${provider}\nbase_url = ${provider === 'azure' ? mock.origin : mock.url}\n${provider === 'azure' ? 'azure_deployment = d\n' : ''}api_key = sk-ours\npass_client_key = true\n` });
    const client = b.client(daemon.url);
    for (const keys of [key(mine), bearer(mine)]) assert.equal((await client.message(ask('x'), keys)).status, 200, provider);
    const answer = await client.message(ask('x'), none);
    assert.equal(answer.status, 401);
    assert.match(answer.json.error.message, /the backend own needs a key of yours/);
    assert.ok(!daemon.stderr.includes(mine));
  }
  const upstream = await Upstream.start(b, () => speak({ text: 'in' }), { auth: { 'x-api-key': mine } });
  const daemon = await b.daemon({ config: `[backend own]\nprovider = anthropic\nbase_url = ${upstream.url}\npass_client_key = true\n[client ann]\nkey_hash = ${hashOf(kKey)}\n` });
  const client = b.client(daemon.url);
  for (const headers of [{ 'x-api-key': mine, authorization: `Bearer ${kKey}` }, { 'x-api-key': kKey, authorization: `Bearer ${mine}` }])
    assert.equal((await client.message(ask('x'), { headers })).status, 200, 'the key of this door stays here');
});

test('pass_client_key: a refused key is the client\'s trouble', async (b) => {
  const mock = await b.mock(() => fail(401, 'Incorrect API key provided'), { rules: 'none', auth: { authorization: 'Bearer bad-key' }, mayLeave: true });
  const spare = await b.mock([], { rules: 'none' });
  const daemon = await b.daemon({ config: `[circuit_breaker]\nenabled = true\nthreshold = 2\n[backend own]\nprovider = custom\nbase_url = ${mock.url}\npass_client_key = true\n[backend spare]\nprovider = custom\nbase_url = ${spare.url}\napi_key = ${spare.key}\n[route *]\ncandidates = own/m, spare/m\n` });
  const client = b.client(daemon.url);
  for (let i = 0; i < 5; ++i) {
    const answer = await client.message(ask('x'), key('bad-key'));
    assert.equal(answer.status, 401);
    assert.equal(answer.json.error.type, 'authentication_error');
  }
  assert.equal(mock.requests.length, 5, 'asked once each, and never left alone');
  assert.equal(spare.requests.length, 0, 'nobody else pays for it');
  assert.equal((await client.get('/health')).json.status, 'healthy');
  const upstream = await Upstream.start(b, () => refuse(401, 'authentication_error', 'invalid x-api-key'), { auth: { 'x-api-key': 'bad-key' } });
  const relay = await b.daemon({ config: `[backend own]\nprovider = anthropic\nbase_url = ${upstream.url}\npass_client_key = true\n` });
  for (let i = 0; i < 3; ++i) assert.equal((await b.client(relay.url).message(ask('x'), key('bad-key'))).status, 401);
  assert.equal(upstream.requests.length, 3);
});

test('the warning about a listener that everybody reaches comes only where nobody is asked for a key', async (b) => {
  for (const [args, warns] of [[[], true], [['-auth'], false]]) {
    const daemon = await b.daemon({ listen: false, args: ['-provider', 'demo', '-listen', '0.0.0.0', ...args], env: { CLASP_AUTH_API_KEY: warns ? null : kKey } });
    await until(() => daemon.stderr.includes('listening on'), 5000, 'the start');
    assert.equal(/without authentication/.test(daemon.stderr), warns);
  }
});

test('a certificate stands for a key: the client that the configuration names for it', async (b) => {
  const authority = new Authority();
  const server = authority.issue(['localhost']);
  const folder = credentials(b, { crt: server.cert, key: server.key, ca: authority.cert });
  const mock = await b.mock(() => say('in'), { rules: 'compatible' });
  const port = await freePort();
  await b.daemon({ env: { CREDENTIALS_DIRECTORY: folder }, config: `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n`
    + `[listener tls]\naddress = 127.0.0.1:${port}\ncertificate = credential:crt\nprivate_key = credential:key\nclient_ca = credential:ca\nclient_certificates = optional\n`
    + `[client cat]\ncertificate = cat.example\nmodels = claude-*\n[client ann]\nkey_hash = ${hashOf(kKey)}\n` });
  const send = (name, headers = {}, model = 'claude-x') => new Promise((resolve, reject) => {
    const request = https.request({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.cert, agent: false, method: 'POST', path: '/v1/messages',
      ...(name && authority.issue([name], { usage: 'client' })), headers: { 'content-type': 'application/json', ...headers } }, (response) => { response.resume(); resolve(response.statusCode); });
    request.on('error', reject);
    request.end(JSON.stringify({ ...ask('x'), model }));
  });
  assert.equal(await send('cat.example'), 200);
  assert.equal(await send('cat.example', { 'x-api-key': 'any' }), 200, 'programs send some key in any case');
  assert.equal(await send('cat.example', {}, 'gpt-5'), 403);
  assert.equal(await send('cat.example', { 'x-api-key': kKey }, 'gpt-5'), 200, 'a valid key goes before it');
  assert.equal(await send('dog.example'), 401);
  assert.equal(await send(''), 401);
});

test('the queue: a client takes its turn by its name, not once for each of its keys', async (b) => {
  let open;
  const opened = new Promise((resolve) => { open = resolve; });
  const mock = await b.mock(async (request, i) => { if (i === 0) await opened; return say('in'); }, { rules: 'compatible' });
  const second = `${kKey}-second`;
  const daemon = await b.daemon({ config: `[queue]\nenabled = true\n[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\nmax_concurrency = 1\n[client ann]\nkey_hash = ${hashOf(kKey)}, ${hashOf(second)}\n[client bob]\nkey_hash = ${hashOf(kOther)}\n` });
  const client = b.client(daemon.url);
  const answers = [client.message(ask('first'), key(kKey))];
  await until(() => mock.chats.length === 1, 5000, 'the first one');
  for (const [i, [words, who]] of [['a1', kKey], ['a2', second], ['a3', kKey], ['b1', kOther]].entries()) {
    answers.push(client.message(ask(words), key(who)));
    await until(async () => (await client.get('/health')).json.queue.waiting === i + 1, 5000, `${i + 1} waiting`);
  }
  open();
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  assert.deepEqual(mock.chats.map((r) => r.body.messages[0].content), ['first', 'a1', 'b1', 'a2', 'a3']);
});
