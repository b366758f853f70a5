// The control API and claspctl against a running daemon: each command as text and as JSON.
import { execFile } from 'node:child_process';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { kBinary } from './lib/daemon.mjs';
import { fail, pause, say } from './lib/mock.mjs';
import { sleep, until } from './lib/scale.mjs';

const kCtl = `${kBinary}ctl`;
const kConfig = (mock, more = '') => `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${more}`;

// Runs claspctl; with JSON its answer is parsed.
function ctl(daemon, ...args) {
  const env = { PATH: process.env.PATH, CLASP_CONTROL_SOCKET: daemon.control };
  return new Promise((resolve) => execFile(kCtl, args, { env, timeout: 20_000 }, (error, stdout, stderr) =>
    resolve({ code: error ? error.code : 0, stdout, stderr, json: args.includes('--json') ? JSON.parse(stdout || 'null') : undefined })));
}

async function start(b, mock, more = '', { args = [] } = {}) {
  const daemon = await b.daemon({ config: kConfig(mock, more), args: ['-workers', '2', ...args], env: { CLASP_CONTROL_SOCKET: null, XDG_RUNTIME_DIR: null, RUNTIME_DIRECTORY: b.folder() } });
  daemon.control = path.join(b.folder(), 'control.sock');
  return daemon;
}

const request = (daemon, method, target) => new Promise((resolve, reject) => {
  const call = http.request({ socketPath: daemon.control, method, path: target }, (answer) => {
    let text = '';
    answer.on('data', (d) => { text += d; });
    answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text, json: JSON.parse(text) }));
  });
  call.on('error', reject);
  call.end();
});

test('status, as text and as JSON, while requests run', async (b) => {
  const mock = await b.mock(() => pause(600, say('hello')), { rules: 'compatible' });
  const daemon = await start(b, mock, '[queue]\nenabled = yes\n[circuit_breaker]\nenabled = yes\n[cache]\nenabled = yes\n');
  const client = b.client(daemon.url);
  const running = client.message(ask('x'));
  await until(() => mock.chats.length === 1, 5000, 'the request at the backend');
  const { json } = await ctl(daemon, 'status', '--json');
  assert.equal(json.pid, daemon.pid);
  assert.equal(json.workers, 2);
  assert.equal(json.metrics.requests.in_flight, 1);
  assert.equal(json.backends[0].in_flight, 1);
  assert.ok(json.listeners[0].endsWith(`:${daemon.port}`));
  const text = await ctl(daemon, 'status');
  assert.equal(text.code, 0);
  assert.match(text.stdout, /^clasp \S+: healthy, up /);
  assert.match(text.stdout, /\n {2}custom {3}custom .* 1 /);
  assert.ok(!/\x1b/.test(text.stdout), 'colours in a pipe');
  await running;
});

test('reload waits for the result and tells it; a mistake has file, line and reason', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, mock);
  const file = path.join(daemon.directory, 'clasp.conf');
  writeFileSync(file, kConfig(mock, '[models]\ndefault = other\n[limits]\nmax_connections = 77\n'));
  const good = await ctl(daemon, 'reload', '--json');
  assert.equal(good.code, 0);
  assert.deepEqual([good.json.reloaded, good.json.restart_needed], [true, ['limits.max_connections']]);
  const client = b.client(daemon.url);
  await client.message(ask('x'));
  assert.equal(mock.last.body.model, 'other');
  writeFileSync(file, kConfig(mock, 'nonsense = 1\n'));
  const bad = await ctl(daemon, 'reload');
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /^claspctl: \S*clasp\.conf:5: unknown key "nonsense"/);
  const raw = await request(daemon, 'POST', '/v1/reload');
  assert.equal(raw.status, 422);
  assert.equal(raw.json.error.code, 'configuration');
  await client.message(ask('x'));
  assert.equal(mock.last.body.model, 'other');
});

test('what is set, where it comes from, and what a reload would change; no secret is shown', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, mock, '[models]\ndefault = old\n');
  const file = path.join(daemon.directory, 'clasp.conf');
  const { settings } = (await ctl(daemon, 'config', 'show', '--json')).json;
  const value = (name) => settings.find((one) => one.name === name);
  assert.deepEqual([value('[models] default').value, value('[models] default').source], ['old', 'file']);
  assert.match(value('[models] default').place, /clasp\.conf:6$/);
  assert.equal(value('[backend] api_key').value, '***');
  assert.equal(value('[server] workers').source, 'flag');
  assert.equal((await ctl(daemon, 'config', 'diff')).stdout, 'a reload would change nothing\n');
  writeFileSync(file, kConfig({ ...mock, url: mock.url, key: 'another-key-entirely' }, '[models]\ndefault = new\n[cache]\nenabled = yes\n'));
  const diff = await ctl(daemon, 'config', 'diff');
  assert.match(diff.stdout, /^- \[backend\] api_key = \*\*\*\n\+ \[backend\] api_key = \*\*\*\n/m);
  assert.match(diff.stdout, /^- \[models\] default = old\n\+ \[models\] default = new\n\+ \[cache\] enabled = yes\n/m);
  assert.equal((await ctl(daemon, 'config', 'check', '--json')).json.valid, true);
  const client = b.client(daemon.url);
  await client.message(ask('x'));
  assert.equal(mock.last.body.model, 'old');
  writeFileSync(file, 'nonsense');
  assert.equal((await ctl(daemon, 'config', 'check')).code, 1);
  for (const text of [diff.stdout, JSON.stringify(settings)]) assert.ok(!text.includes(mock.key) && !text.includes('another-key'), 'a key is shown');
  assert.match((await ctl(daemon, 'config', 'options')).stdout, /\n\[cache\] ttl = 3600s {3}-cache-ttl {3}CLASP_CACHE_TTL\n {4}How long/);
});

test('doctor finds a backend that is down, a broken file, a port in use', async (b) => {
  const mock = await b.mock(() => fail(500), { rules: 'compatible' });
  const daemon = await start(b, mock, '[retry]\nattempts = 1\n');
  const client = b.client(daemon.url);
  assert.equal((await ctl(daemon, 'doctor', '--json')).json.findings.filter((one) => one.verdict === 'problem').length, 0);
  for (let i = 0; i < 3; ++i) await client.post('/v1/messages', ask('x'));
  writeFileSync(path.join(daemon.directory, 'clasp.conf'), '[nothing]\n');
  const found = await ctl(daemon, 'doctor');
  assert.equal(found.code, 1);
  assert.match(found.stdout, /backend custom is down/);
  assert.match(found.stdout, /clasp\.conf:1: unknown section \[nothing\]\n +-> mend it/);
  const away = await new Promise((resolve) => execFile(kCtl, ['doctor', '--socket', '/nowhere/x.sock'],
    { env: { PATH: process.env.PATH, PROVIDER: 'demo', CLASP_PORT: String(daemon.port) }, cwd: b.folder() }, (error, stdout) => resolve({ code: error?.code, stdout })));
  assert.equal(away.code, 1);
  assert.match(away.stdout, new RegExp(`127\\.0\\.0\\.1:${daemon.port}: Address already in use`));
});

test('a backend is disabled and enabled, its breaker tripped and reset', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, mock, '[circuit_breaker]\nenabled = yes\n');
  const client = b.client(daemon.url);
  const status = async () => (await client.post('/v1/messages', ask('x'), { headers: { connection: 'close' } })).status;
  assert.equal((await ctl(daemon, 'backends', 'disable', 'custom', '--json')).json.admin, 'disabled');
  assert.equal(await status(), 503);
  assert.equal((await ctl(daemon, 'backends', 'enable', 'custom')).code, 0);
  assert.equal(await status(), 200);
  assert.equal((await ctl(daemon, 'breakers', 'trip', 'custom', '--json')).json.circuit_breaker.state, 'open');
  assert.equal(await status(), 503);
  assert.match((await ctl(daemon, 'breakers')).stdout, /custom +open +1 /);
  assert.equal((await ctl(daemon, 'breakers', 'reset', 'custom')).code, 0);
  assert.equal(await status(), 200);
  const nobody = await ctl(daemon, 'backends', 'disable', 'nobody');
  assert.deepEqual([nobody.code, /no backend nobody/.test(nobody.stderr)], [1, true]);
});

test('a queue that is off is not paused', async (b) => {
  const mock = await b.mock(() => say('x'), { rules: 'compatible', mayLeave: true });
  const off = await start(b, mock);
  const told = await ctl(off, 'queue', 'pause', '--json');
  assert.deepEqual([told.code, told.json.error.code], [1, 'queue_off']);
  assert.match((await ctl(off, 'queue', 'pause')).stderr, /^claspctl: the queue is off, .*enabled = true in \[queue\]/);
  assert.equal((await ctl(off, 'queue', '--json')).json.paused, false);
  assert.equal((await ctl(off, 'queue', 'resume')).code, 0);
});

test('a queue that is paused says so in the status', async (b) => {
  const mock = await b.mock(() => say('x'), { rules: 'compatible', mayLeave: true });
  const on = await start(b, mock, '[queue]\nenabled = yes\n');
  assert.equal((await ctl(on, 'status', '--json')).json.queue.paused, false);
  await ctl(on, 'queue', 'pause');
  assert.equal((await ctl(on, 'status', '--json')).json.queue.paused, true);
  assert.match((await ctl(on, 'status')).stdout, / waiting, longest -, paused \(claspctl queue resume\)$/m);
});

test('the queue is listed, paused, one request cancelled, the rest flushed', async (b) => {
  const mock = await b.mock(() => pause(300, say('hello')), { rules: 'compatible' });
  const daemon = await start(b, mock, 'max_concurrency = 1\n[queue]\nenabled = yes\n');
  const client = b.client(daemon.url);
  assert.equal((await ctl(daemon, 'queue', 'pause', '--json')).json.paused, true);
  const first = client.post('/v1/messages', ask('1'));
  await until(() => mock.chats.length === 1, 5000, 'the first request at the backend');
  const others = [2, 3].map((n) => client.post('/v1/messages', ask(String(n))));
  await first;
  let tickets;
  for (let i = 0; i < 100; ++i, await sleep(20)) {
    tickets = (await ctl(daemon, 'queue', '--json')).json.tickets;
    if (tickets.length === 2) break;
  }
  assert.equal(tickets.length, 2);
  assert.equal((await ctl(daemon, 'queue', 'show', tickets[0].id, '--json')).json.backends[0], 'custom');
  assert.match((await ctl(daemon, 'queue', 'cancel', tickets[0].id)).stdout, /^1 waiting/);
  assert.match((await ctl(daemon, 'queue', 'flush')).stdout, /^1 waiting/);
  for (const answer of await Promise.all(others)) assert.equal(answer.status, 529);
  assert.equal((await ctl(daemon, 'queue', 'resume', '--json')).json.paused, false);
  assert.equal((await client.post('/v1/messages', ask('4'))).status, 200);
  assert.equal((await ctl(daemon, 'queue', 'cancel', '999')).code, 1);
});

test('the cache is shown and flushed, the log level shown and set, metrics printed', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, mock, '[cache]\nenabled = yes\n');
  const client = b.client(daemon.url);
  await client.message(ask('x'));
  await client.message(ask('x'));
  assert.equal(mock.chats.length, 1);
  const cache = (await ctl(daemon, 'cache', '--json')).json;
  assert.deepEqual([cache.entries, cache.hits, cache.misses], [1, 1, 1]);
  assert.equal((await ctl(daemon, 'cache', 'flush', 'nothing-*', '--json')).json.flushed, 0);
  assert.equal((await ctl(daemon, 'cache', 'flush', '--json')).json.flushed, 1);
  await client.message(ask('x'));
  assert.equal(mock.chats.length, 2);
  assert.equal((await ctl(daemon, 'log-level')).stdout, 'info\n');
  assert.equal((await ctl(daemon, 'log-level', 'debug')).stdout, 'debug (configured: info)\n');
  assert.equal((await ctl(daemon, 'log-level', '--json')).json.level, 'debug');
  assert.equal((await ctl(daemon, 'log-level', 'loud')).code, 1);
  assert.equal((await ctl(daemon, 'metrics', '--json')).json.requests.total, 3);
});

test('curl finds its way: commands, errors, methods; the socket has its mode', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, mock);
  assert.equal(statSync(daemon.control).mode & 0o777, 0o660);
  const { json } = await request(daemon, 'GET', '/v1/commands');
  for (const { method, path: target, privilege, streams } of json.commands) {
    assert.match(target, /^\/v1\//);
    assert.ok(['read', 'change'].includes(privilege));
    if (method === 'GET' && !target.includes('{') && !streams) assert.equal((await request(daemon, 'GET', target)).status, 200, target);
  }
  const unknown = await request(daemon, 'GET', '/v1/nothing');
  assert.deepEqual([unknown.status, unknown.json.error.code], [404, 'unknown_path']);
  const method = await request(daemon, 'POST', '/v1/status');
  assert.deepEqual([method.status, method.json.error.code, method.headers.allow], [405, 'wrong_method', 'GET']);
});

test('strangers may read where the mode lets them, and change nothing', { skip: process.getuid() !== 0 && 'needs root' }, async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, mock, '[control]\nmode = 0666\n');
  chmodSync(path.dirname(daemon.control), 0o755);
  chmodSync(path.dirname(path.dirname(daemon.control)), 0o755);
  const asNobody = (method, target) => new Promise((resolve) => execFile('curl',
    ['-s', '--unix-socket', daemon.control, '-X', method, `http://clasp${target}`], { uid: 65534, gid: 65534 },
    (error, stdout) => resolve(JSON.parse(stdout))));
  assert.equal((await asNobody('GET', '/v1/log-level')).level, 'info');
  const refused = await asNobody('PUT', '/v1/log-level/debug');
  assert.equal(refused.error.code, 'not_permitted');
  assert.match(refused.error.message, /you are uid 65534/);
  assert.equal((await request(daemon, 'GET', '/v1/log-level')).json.level, 'info');
});

test('no daemon is exit code 3, one that does not answer 4, a wrong word 2', async (b) => {
  const nobody = { control: path.join(b.folder(), 'none.sock') };
  const away = await ctl(nobody, 'status');
  assert.equal(away.code, 3);
  assert.match(away.stderr, /no daemon listens at .*none\.sock/);
  const mute = net.createServer(() => {}).listen(path.join(b.folder(), 'mute.sock'));
  try {
    const slow = await ctl({ control: path.join(b.folder(), 'mute.sock') }, 'status', '--timeout', '1');
    assert.equal(slow.code, 4);
  } finally {
    mute.close();
  }
  assert.equal((await ctl(nobody, 'stats')).code, 2);
});

test('broken and slow programs at the control socket are not felt by traffic', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, mock);
  const client = b.client(daemon.url);
  const sockets = [];
  for (let i = 0; i < 40; ++i) {
    const socket = net.connect(daemon.control).on('error', () => {});
    socket.write(['GET /v1/status HTTP/1.1\r\n', 'nonsense\r\n\r\n', 'POST /v1/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n', '\0\0\0'][i % 4]);
    sockets.push(socket);
  }
  for (let i = 0; i < 20; ++i) assert.equal((await client.message(ask('x'))).json.content[0].text, 'hello');
  assert.equal((await ctl(daemon, 'status')).code, 0);
  for (const socket of sockets) socket.destroy();
});
