// No secret comes out: each place that can hold one gets one that is known, everything happens that
// can go wrong, and whatever the program says to anybody is searched for them.
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { kBinary, runOnce } from './lib/daemon.mjs';
import { Canaries } from './lib/canaries.mjs';
import { echoBackend, kScenarios } from './lib/echo_backend.mjs';
import { until } from './lib/scale.mjs';

const kCtl = path.join(path.dirname(kBinary), 'claspctl');
const nothing = (canaries) => assert.deepEqual(canaries.leaks(), []);
const base64 = (text) => Buffer.from(text).toString('base64');

function workshop(b) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-leak-'));
  b.atEnd(async () => rmSync(directory, { recursive: true, force: true }));
  return (name, text) => {
    const file = path.join(directory, name);
    if (text !== undefined) { mkdirSync(path.dirname(file), { recursive: true }); writeFileSync(file, text, { mode: 0o600 }); }
    return file;
  };
}

function hearFiles(canaries, directory, skip = () => false) {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory, { recursive: true })) {
    const file = path.join(directory, name);
    if (statSync(file).isFile() && !skip(name)) canaries.hear(`file ${name}`, readFileSync(file, 'latin1'));
  }
}

async function collector(b, canaries) {
  const server = http.createServer(async (req, res) => {
    const parts = [];
    for await (const part of req) parts.push(part);
    canaries.hear('spans', Buffer.concat(parts).toString());
    res.end(JSON.stringify({ you: req.headers }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  b.atEnd(async () => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}/v1/traces`;
}

test('the search finds a secret in each spelling, and nothing where there is none', () => {
  const canaries = new Canaries();
  const word = canaries.make('one', (random) => `c@nary/+=${random}`);
  for (const text of [word, `x ${base64(`a:${word}`)}`, base64(`ab:${word}.`), base64(`abc:${word}!!`), Buffer.from(`ä${word}`).toString('base64url'),
                      encodeURIComponent(word), JSON.stringify({ a: word }), Buffer.from(word).toString('hex'), word.slice(0, 15)])
    assert.deepEqual(canaries.find(text), ['one'], text);
  assert.deepEqual(canaries.find(`c@nary ${base64('something else entirely')} ***`), []);
  canaries.hear('there', { deep: [word] });
  assert.match(canaries.leaks()[0], /^one in there: /);
});

// Everything at once: all places, all kinds of traffic.
async function stage(b, canaries, { wrap, env = {} } = {}) {
  const file = workshop(b);
  const make = (name, how) => canaries.make(name, how);
  const chat = await echoBackend(), relay = await echoBackend({ relay: true });
  b.atEnd(async () => { chat.stop(); relay.stop(); });
  const clients = new Canaries(); // nobody but us may see these
  const client = (name, how) => { const word = make(name, how); clients.add(name, word); return word; };
  const keys = { alice: client('client key'), bob: client('client key file'), carol: client('client key hash') };
  const passed = make('client key that is passed on');
  const state = file('state/placeholder', '');
  const credential = make('systemd credential');
  const otlp = await collector(b, canaries);
  const config = `
[log]
debug_bytes = 1M
[timeouts]
first_byte = 1
answer_grace = 200ms
[retry]
attempts = 1
[cache]
enabled = true
[tracing]
otlp_url = ${otlp}?token=${make('otlp query')}
header.Authorization = Bearer ${make('otlp header')}
[client alice]
key = ${keys.alice}
[client bob]
key_file = ${file('bob.key', `${keys.bob}\n`)}
[client carol]
key_hash = sha256:${createHash('sha256').update(keys.carol).digest('hex')}
[client dora]
key = ${passed}
[backend chat]
provider = custom
base_url = ${chat.url}/v1?key=${make('query of an address')}
api_key = ${make('backend key')}
header.X-Private = ${make('backend header')}
[backend keys]
provider = custom
base_url = ${chat.url}/v1
api_key_file = ${file('keys', `${make('first of a key file')}\n${make('second of a key file')}\n`)}
[backend list]
provider = custom
base_url = ${chat.url}/v1
api_keys = ${make('first of api_keys')}, ${make('second of api_keys')}
[backend credential]
provider = custom
base_url = ${chat.url}/v1
api_key_file = credential:backend
[backend relay]
provider = custom
dialect = anthropic
base_url = ${relay.url}
api_key = ${make('relay key', (random) => `c@nary/+"relay=${random}`)}
header.Authorization = Bearer ${make('relay header')}
[backend pass]
provider = custom
dialect = anthropic
base_url = ${relay.url}
pass_client_key = true
[backend gone]
provider = custom
base_url = http://127.0.0.1:1/v1?key=${make('query of an address that is gone')}
api_key = ${make('key of one that is gone')}
[backend tls]
provider = custom
base_url = ${chat.url.replace('http:', 'https:')}/v1
api_key = ${make('key of one without TLS')}
[backend name]
provider = custom
base_url = http://nobody.invalid/v1
api_key = ${make('key of one without a name')}
${['chat', 'keys', 'list', 'credential', 'relay', 'pass', 'gone', 'tls', 'name'].map((name) => `[route ${name}]\ncandidates = ${name}/m\n`).join('')}`;
  const daemon = await b.daemon({ config, wrap, args: ['-debug', '-workers', '1'], env: {
    OPENAI_API_KEY: make('environment'), STATE_DIRECTORY: path.dirname(state),
    CREDENTIALS_DIRECTORY: path.dirname(file('credentials/backend', credential)), ...env } });
  const http1 = b.client(daemon.url, { headers: { 'x-api-key': '' } });
  const ask = async (method, where, options = {}) => {
    const answer = await http1.ask(method, where, { foreign: true, limit: 20_000, ...options })
      .catch((error) => ({ status: 0, headers: {}, text: String(error.message) }));
    canaries.hear(`answer ${method} ${where.split('?')[0]} ${options.body?.model ?? ''}`, `${JSON.stringify(answer.headers)}\n${answer.text}`);
    return answer;
  };
  const message = (model, scenario, stream, headers = { 'x-api-key': keys.alice }) => ask('POST', '/v1/messages', {
    headers, body: { model, max_tokens: 100, stream, messages: [{ role: 'user', content: [{ type: 'text', text: `my key is sk-ant-api03-${prompt}` }, { type: 'text', text: scenario }] }] } });
  const prompt = make('key in a prompt', (random) => `${random}${random}`);
  const end = async () => {
    await daemon.stop();
    canaries.hear('stderr', daemon.stderr);
    canaries.hear('stdout', daemon.stdout);
    hearFiles(canaries, path.dirname(state));
  };
  const forward = async () => {
    for (const [name, backend] of [['chat', chat], ['relay', relay]]) for (const headers of backend.headers)
      if (clients.find(JSON.stringify(headers)).length) b.problem(`a client's key went to ${name}`);
  };
  return { daemon, ask, message, keys, passed, client, chat, relay, end, forward, make };
}

async function allScenarios({ message, passed }) {
  for (const model of ['chat', 'relay']) {
    for (const scenario of Object.keys(kScenarios)) {
      await Promise.all([message(model, scenario, false), message(model, scenario, true)]);
    }
  }
  for (const scenario of ['json 400', 'error in a stream', 'text 401', 'json 529']) {
    await message('pass', scenario, true, { 'x-api-key': passed });
    await message('pass', scenario, false, { authorization: `Bearer ${passed}` });
  }
  for (const model of ['keys', 'list', 'credential']) for (const status of ['json 401', 'json 429', 'json 401', 'odd members']) await message(model, status, false);
  for (const model of ['gone', 'tls', 'name']) for (const stream of [false, true]) await message(model, 'odd members', stream);
}

const kPaths = ['/', '/health', '/healthz', '/readyz', '/providers/health', '/metrics', '/metrics/prometheus', '/costs', '/v1/models', '/v1/models/x', '/nowhere', '/v1/files'];

test('traffic of all kinds, logged in full: nothing in answers, log, spans, state', { limit: 180_000 }, async (b) => {
  const canaries = new Canaries();
  const s = await stage(b, canaries);
  await allScenarios(s);
  // Keys in all the places where clients put them, right and wrong ones, on every endpoint.
  const wrong = s.client('wrong key');
  for (const word of [s.keys.alice, s.keys.bob, s.keys.carol, wrong]) {
    const ways = [{ 'x-api-key': word }, { authorization: `Bearer ${word}` }, { authorization: `Basic ${base64(`joe:${word}`)}` }, { authorization: word },
                  { 'proxy-authorization': `Basic ${base64(`joe:${word}`)}` }, { cookie: `session=${word}` }, { 'api-key': word }, { 'x-api-key': [word, 'other'] },
                  { origin: 'https://evil.example', 'x-api-key': word }];
    for (const headers of ways) {
      await s.ask('GET', `/v1/models?api_key=${word}&key=${word}`, { headers });
      await s.ask('POST', `/v1/messages?key=${word}`, { headers, body: { model: 'nobody', max_tokens: 1, messages: [] } });
      await s.ask('POST', `/v1/messages/count_tokens?key=${word}`, { headers, body: `{"model": ${word}` });
    }
    for (const where of kPaths) for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT']) await s.ask(method, `${where}?token=${word}`, { headers: { 'x-api-key': word } });
  }
  const raw = b.client(s.daemon.url);
  for (const head of [`GET / HTTP/1.1\r\nhost: x\r\nx-api-key : ${wrong}\r\n\r\n`, `GET / HTTP/1.1\r\nhost: x\r\n${wrong}\r\n\r\n`, `${wrong} / HTTP/1.1\r\n\r\n`,
                      `GET /?k=${wrong} HTTP/9.9\r\nhost: x\r\n\r\n`, `POST /v1/messages?k=${wrong} HTTP/1.1\r\nhost: x\r\ncontent-length: ${wrong}\r\n\r\n`,
                      `GET http://joe:${wrong}@x/ HTTP/1.1\r\nhost: x\r\n\r\n`, `CONNECT x:1 HTTP/1.1\r\nhost: x\r\nproxy-authorization: Bearer ${wrong}\r\n\r\n`])
    canaries.hear('answer to a broken head', await raw.raw(head, { limit: 5000 }));
  // The search works: what a backend may say to everybody is found where it should be.
  assert.ok(canaries.heard > 300);
  await s.forward();
  await s.end();
  assert.match(s.daemon.stderr, /client request: \{"model":"chat"/);
  assert.match(s.daemon.stderr, /backend answer: [^\n]*You said /);
  assert.ok(s.chat.asked.length > 80 && s.relay.asked.length > 80);
  nothing(canaries);
});

test('the journal gets no secret either, in no field', { limit: 120_000 }, async (b) => {
  const canaries = new Canaries();
  const file = workshop(b);
  const script = path.join(import.meta.dirname, 'lib/journal_sink.py');
  const probe = spawnSync('python3', [script, file('probe'), '/bin/true']);
  if (probe.status === 77 || probe.error) return b.skip(`not possible here: ${String(probe.stderr ?? probe.error).trim()}`);
  const s = await stage(b, canaries, { wrap: ['python3', script, file('entries', '')] });
  await allScenarios(s);
  await s.ask('GET', `/nowhere?key=${s.keys.alice}`, { headers: { 'x-api-key': s.client('wrong key') } });
  await s.end();
  const entries = readFileSync(file('entries'), 'latin1');
  assert.match(entries, /CLASP_BODY=backend answer/);
  assert.match(entries, /CLASP_OUTCOME=refused/);
  canaries.hear('journal', entries);
  nothing(canaries);
});

test('a proxy that quotes its password', async (b) => {
  const canaries = new Canaries();
  const proxy = await echoBackend();
  b.atEnd(async () => proxy.stop());
  const password = canaries.make('password of the proxy');
  const daemon = await b.daemon({ args: ['-debug'], env: { CUSTOM_BASE_URL: 'http://backend.example/v1', HTTP_PROXY: `http://joe:${password}@${proxy.url.slice(7)}`, http_proxy: `http://joe:${password}@${proxy.url.slice(7)}` } });
  const client = b.client(daemon.url);
  for (const scenario of ['json 401', 'text 401', 'html 502', 'error in a stream', 'not http']) for (const stream of [true, false]) {
    const answer = await client.post('/v1/messages', { model: 'm', max_tokens: 9, stream, messages: [{ role: 'user', content: scenario }] }, { foreign: true }).catch((error) => ({ text: String(error) }));
    canaries.hear(`answer to ${scenario}`, `${JSON.stringify(answer.headers)} ${answer.text}`);
  }
  await daemon.stop();
  canaries.hear('stderr', daemon.stderr);
  assert.ok(proxy.headers.some((headers) => headers['proxy-authorization']), 'the proxy was not used');
  nothing(canaries);
});

test('a proxy that quotes its password in words of its own', async (b) => {
  const canaries = new Canaries();
  const proxy = http.createServer((request, response) => {
    const basic = (request.headers['proxy-authorization'] ?? '').slice(6);
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: `denied ${basic}: ${Buffer.from(basic, 'base64')}` } }));
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  b.atEnd(async () => { proxy.closeAllConnections(); proxy.close(); });
  const password = canaries.make('password of the proxy');
  const daemon = await b.daemon({ args: ['-debug'], env: { CUSTOM_BASE_URL: 'http://backend.example/v1', http_proxy: `http://joe:${password}@127.0.0.1:${proxy.address().port}` } });
  const answer = await b.client(daemon.url).post('/v1/messages', { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'a' }] });
  assert.match(answer.json.error.message, /^denied \*\*\*/);
  canaries.hear('answer', answer.text);
  await daemon.stop();
  canaries.hear('stderr', daemon.stderr);
  nothing(canaries);
});

// Mistakes in which a secret stands near, or in, what is wrong.
function mistakes(c, file) {
  const custom = '[backend]\nprovider = custom\nbase_url = http://127.0.0.1:1/v1\n';
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  c.add('TLS key', privateKey.split('\n')[1]);
  const tls = (certificate, key) => ({ config: `${custom}[listener a]\naddress = 127.0.0.1:0\ncertificate = ${file('a.crt', certificate)}\nprivate_key = ${file('a.key', key)}\n` });
  return [
    { config: `${custom}api_kye = ${c.make('misspelt key')}\n` },
    { config: `${custom}api_key ${c.make('key without =')}\n` },
    { config: `${custom}${c.make('key alone')}\n` },
    { config: `api_key = ${c.make('key above all sections')}\n${custom}` },
    { config: `[bakend]\napi_key = ${c.make('key in a misspelt section')}\n` },
    { config: `[backend\napi_key = ${c.make('key below a broken section')}\n` },
    { config: `${custom}api_key = ${c.make('good key')}\nnonsense = 1\n` },
    { config: `${custom}api_key = ${c.make('two words')} x y\n` },
    { config: `[backend]\nprovider = custom\nbase_url = http://joe:${c.make('password in an address')}@host/v1\n` },
    { config: `[backend]\nprovider = custom\nbase_url = htp://host/v1?key=${c.make('query of a wrong address')}\n` },
    { config: `[backend]\nprovider = custom\nbase_url = http://host/v1?key=${c.make('query with a blank')} x\n` },
    { config: `[backend]\nprovider = custom\nbase_url = http://host:port/v1?key=${c.make('query behind a wrong port')}\n` },
    { config: `${custom}header.X Private = ${c.make('header with a bad name')}\n` },
    { config: `${custom}header.Host = ${c.make('header of our own')}\n` },
    { config: `${custom}[tracing]\notlp_url = http://joe:${c.make('password of the collector')}@host/\n` },
    { config: `${custom}[tracing]\notlp_url = http://127.0.0.1:1/\nheader.Content-Length = ${c.make('header to the collector')}\n` },
    { config: `${custom}[client ann]\nkey_hash = ${c.make('key in place of its hash')}\n` },
    { config: `${custom}[client ann]\nkey_hash = sha256:${c.make('key behind sha256:')}\n` },
    ...(() => { const same = c.make('key of two clients'); return [{ config: `${custom}[client ann]\nkey = ${same}\n[client bob]\nkey = ${same}\n` }]; })(),
    { config: `${custom}[client ann]\nkey = ${c.make('key with a blank')} x\n` },
    { config: `${custom}[client ann]\nkye = ${c.make('misspelt client key')}\n` },
    { config: `${custom}[auth]\nkeys_file = ${file('keys1', `ann:${c.make('key in keys_file')}\n`)}\n` },
    { config: `${custom}[auth]\nkeys_file = ${file('keys2', `${c.make('line of keys_file')}\n`)}\n` },
    { config: `${custom}[auth]\nkeys_file = ${file('keys3', `ann:sha256:${c.make('wrong hash in keys_file')}\n`)}\n` },
    { config: `${custom}api_key_file = ${file('keys4', `${c.make('key file with blanks')} x\u0001y\n`)}\n` },
    { config: `${custom}api_keys = ${c.make('one of api_keys')}, , ${c.make('bad one of api_keys')}\u00e4\n` },
    tls(c.make('no certificate'), privateKey),
    tls('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', `-----BEGIN PRIVATE KEY-----\n${c.make('broken TLS key')}\n-----END PRIVATE KEY-----\n`),
    { env: { CUSTOM_BASE_URL: `http://joe:${c.make('password in a variable')}@host/v1` } },
    { env: { CUSTOM_BASE_URL: 'http://host/v1', CUSTOM_API_KEY: `${c.make('variable with a line end')}\nx` } },
    { env: { CUSTOM_BASE_URL: 'http://host/v1', CLASP_PORT: 'x', CUSTOM_API_KEY: c.make('variable beside a mistake') } },
    { env: { CUSTOM_BASE_URL: 'http://host/v1', CLASP_AUTH: 'true', CLASP_AUTH_API_KEY: c.make('key of the door'), CLASP_WORKERS: 'x' } },
    { env: { CUSTOM_BASE_URL: 'http://host/v1', CLASP_OPENAI_KEY: c.make('unknown variable') } },
    { env: { CUSTOM_BASE_URL: 'http://host/v1', HTTP_PROXY: `socks5://joe:${c.make('password of a proxy')}@host:1`, HTTPS_PROXY: `http://joe:${c.make('other password of a proxy')}@host:x` } },
    { args: ['-provider', 'custom', '-api-key', c.make('argument')] },
    { args: ['-provider', 'custom', '-base-url', 'http://host/v1', '-api-key', c.make('argument of a good start')] },
    { args: [`-api-kye=${c.make('misspelt argument')}`] },
    { args: ['-api-kye', c.make('value of a misspelt argument')] },
    { args: ['-auth-api-key', c.make('key of the door as an argument'), '-nonsense'] },
    { args: [`-auth-api-key=${c.make('the same with =')}`, '-port', 'x'] },
    { args: ['-base-url', `http://joe:${c.make('password in an argument')}@host/`] },
  ];
}

test('mistakes of the configuration quote no secret: -check, start, help, models', { limit: 180_000 }, async (b) => {
  const canaries = new Canaries();
  const cases = mistakes(canaries, workshop(b));
  for (const { args = [], env = {}, config = '' } of cases) {
    for (const more of [['-check'], ['-check', '-debug']]) {
      const { code, stdout, stderr } = await runOnce([...args, ...more], { env, config });
      canaries.hear(`-check with ${JSON.stringify(args)} ${config.slice(0, 200)}`, `${stdout}\n${stderr}`);
      if (code !== 0 && more.length === 1) {
        const start = await runOnce([...args, '-port', '0'], { env, config });
        canaries.hear('a start that fails', `${start.stdout}\n${start.stderr}`);
      }
    }
  }
  const env = { OPENAI_API_KEY: canaries.make('environment'), CLASP_AUTH_API_KEY: canaries.make('environment of the door') };
  for (const args of [['-help'], ['-version'], ['-nonsense']]) {
    const { stdout, stderr } = await runOnce(args, { env });
    canaries.hear(args[0], stdout + stderr);
  }
  const backend = await echoBackend();
  b.atEnd(async () => backend.stop());
  for (const more of ['', '?key=']) {
    const { stdout, stderr } = await runOnce(['-models'], { env: { CUSTOM_BASE_URL: `${backend.url}/v1${more && more + canaries.make('query for -models')}`, CUSTOM_API_KEY: canaries.make('key for -models') } });
    canaries.hear('-models', stdout + stderr);
  }
  if (existsSync(kCtl)) {
    const word = canaries.make('key on standard input');
    for (const [args, input] of [[['key', 'hash'], `${word}\n`], [['key', 'hash'], `${word}\nx\n`], [['key', 'hash'], `${word} x`], [['key', 'hash', word], ''], [['key', word], ''], [['nonsense', word], '']]) {
      const { stdout, stderr } = spawnSync(kCtl, args, { input, encoding: 'utf8', timeout: 10_000 });
      canaries.hear(`claspctl ${args[0]}`, (stdout ?? '') + (stderr ?? ''));
    }
  }
  nothing(canaries);
});

test('mistakes at a reload quote no secret', { limit: 120_000 }, async (b) => {
  const canaries = new Canaries();
  const good = `[backend]\nprovider = custom\nbase_url = http://127.0.0.1:1/v1\napi_key = ${canaries.make('key before')}\n`;
  const daemon = await b.daemon({ config: good, args: ['-debug'] });
  const count = () => (daemon.stderr.match(/stays in force|was loaded again/g) ?? []).length;
  for (const { config } of mistakes(canaries, workshop(b)).filter((one) => one.config)) {
    const before = count();
    writeFileSync(path.join(daemon.directory, 'clasp.conf'), config);
    daemon.signal('SIGHUP');
    await until(() => count() > before, 5000, `the end of a reload of ${config}`);
  }
  await daemon.stop();
  canaries.hear('stderr', daemon.stderr);
  nothing(canaries);
});

test('a file of costs that is garbage is not quoted', async (b) => {
  const canaries = new Canaries();
  const file = workshop(b);
  const { stdout, stderr } = await runOnce(['-check'], { env: { CUSTOM_BASE_URL: 'http://127.0.0.1:1/v1', CLASP_COSTS_FILE: file('costs.json', `{"x": ${canaries.make('garbage')}`) } });
  canaries.hear('-check', stdout + stderr);
  const daemon = await b.daemon({ env: { CUSTOM_BASE_URL: 'http://127.0.0.1:1/v1', CLASP_COSTS_FILE: file('costs.json') } }).catch((error) => ({ stderr: error.message, stop: async () => {} }));
  await daemon.stop();
  canaries.hear('stderr', daemon.stderr);
  nothing(canaries);
});

test('a crash leaves no core file, and nobody but root can look into the process', async (b) => {
  const key = 'Canary-of-a-crash';
  const daemon = await b.daemon({ args: ['-provider', 'custom', '-base-url', 'http://127.0.0.1:1/v1'], env: { CUSTOM_API_KEY: key }, wrap: ['/bin/sh', '-c', 'ulimit -c unlimited; exec "$0" "$@"'] });
  assert.match(readFileSync(`/proc/${daemon.pid}/limits`, 'utf8'), /^Max core file size\s+0\s+0\s/m);
  // What the kernel gives to root when a process may not be dumped; the sanitizers need it otherwise.
  const owner = statSync(`/proc/${daemon.pid}/environ`).uid;
  assert.equal(owner, 0);
  daemon.signal('SIGABRT');
  const { signal } = await daemon.ended;
  assert.equal(signal, 'SIGABRT');
  assert.deepEqual(readdirSync(daemon.directory).filter((name) => name.startsWith('core')), []);
  assert.ok(!daemon.stderr.includes(key));
  daemon.forget();
});
