// The control API while it is loud: reloads by claspctl under load, odd arguments, programs at the
// socket that do everything wrong.
import { execFile, spawn } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { kBinary } from './lib/daemon.mjs';
import { load } from './lib/load.mjs';
import { say, sse } from './lib/mock.mjs';
import { completionChunks } from './lib/chunks.mjs';
import { sleep, until } from './lib/scale.mjs';

const kCtl = `${kBinary}ctl`;
const backend = (mock, more = '') => `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${more}`;

function ctl(daemon, ...args) {
  const env = { PATH: process.env.PATH, CLASP_CONTROL_SOCKET: daemon.control };
  return new Promise((resolve) => execFile(kCtl, args, { env, timeout: 30_000 }, (error, stdout, stderr) =>
    resolve({ code: error ? error.code : 0, stdout, stderr, json: args.includes('--json') ? JSON.parse(stdout || 'null') : undefined })));
}

async function start(b, config) {
  const daemon = await b.daemon({ config, args: ['-workers', '2'], env: { CLASP_CONTROL_SOCKET: null, XDG_RUNTIME_DIR: null, RUNTIME_DIRECTORY: b.folder() } });
  daemon.control = path.join(b.folder(), 'control.sock');
  return daemon;
}

// Bytes as they are; what comes back until the end.
const raw = (daemon, text) => new Promise((resolve) => {
  let answer = '';
  const socket = net.connect(daemon.control).on('error', () => {}).on('close', () => resolve(answer));
  socket.on('data', (part) => { answer += part.toString('latin1'); });
  socket.write(text);
});

// Streams that are long enough for several reloads to fall into each of them.
const slowly = (exchange) => exchange.request.body.stream
  ? sse(completionChunks({ text: 'hello world, here I am' }), { gap: 60 })(exchange)
  : sleep(20).then(() => say('hello world, here I am')(exchange));

test('a hundred reloads by claspctl, half of them broken, under load: each says what became of it, no request is lost', { limit: 120_000 }, async (b) => {
  const mock = await b.mock(() => slowly, { rules: 'compatible' });
  const config = (n) => backend(mock, `[models]\ndefault = model-${n}\n[fallback]\nenabled = ${n % 4 === 0}\n`);
  const daemon = await start(b, config(0));
  const file = path.join(daemon.directory, 'clasp.conf');
  const traffic = load(b, daemon.url, 8, 'hello world, here I am');
  for (let n = 1; n <= 100; ++n) {
    writeFileSync(file, n % 2 ? backend(mock, `nonsense = ${n}\n`) : config(n));
    const told = await ctl(daemon, 'reload', '--json');
    if (n % 2) {
      assert.equal(told.code, 1);
      assert.match(told.json.error.message, /clasp\.conf:5: unknown key "nonsense"/);
    } else {
      assert.deepEqual([told.code, told.json.reloaded, told.json.restart_needed], [0, true, []]);
    }
    await sleep(30);
  }
  await traffic.stop();
  assert.ok(traffic.answers > 40 && traffic.streams >= 12, `only ${traffic.answers} answers and ${traffic.streams} streams`);
  await b.client(daemon.url).message(ask('x'));
  assert.equal(mock.last.body.model, 'model-100');
  assert.ok(mock.chats.every(({ body }) => /^model-(\d*[02468])$/.test(body.model)), 'a model of a broken configuration was asked for');
  const { requests } = (await ctl(daemon, 'metrics', '--json')).json;
  assert.deepEqual([requests.errors, requests.total], [0, traffic.answers + traffic.streams + 1]);
});

test('a backend called ".." is no way to another command; an empty name is a mistake', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, backend(mock, '[cache]\nenabled = yes\n'));
  for (const name of ['..', '.', '%2e%2e', 'x'.repeat(100), 'ü', 'a\nb', '"'])
    for (const words of [['backends', 'drain'], ['backends', 'show'], ['breakers', 'reset'], ['exchanges', 'cancel'], ['queue', 'show']]) {
      const told = await ctl(daemon, ...words, name, '--json');
      assert.deepEqual([told.code, told.json.error.code.slice(0, 3)], [1, 'no_'], `${words.join(' ')} ${name}`);
    }
  assert.equal((await ctl(daemon, 'cache', 'flush', '')).code, 2);
  assert.equal((await ctl(daemon, 'status', '--json')).json.state, 'healthy');
  const flush = await raw(daemon, 'POST /v1/cache/flush?pattern=%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  assert.match(flush, /^HTTP\/1\.1 400 .*"code":"bad_argument"/s);
});

test('what the socket itself refuses has the form of all errors of the API', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, backend(mock));
  for (const [text, status] of [['nonsense\r\n\r\n', 400], ['GET /v1/status HTTP/1.1\r\n\r\n', 400],
    [`GET /v1/${'a'.repeat(70_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 414], ['POST /v1/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n', 413]]) {
    const answer = await raw(daemon, text);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.equal(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).error.code, 'bad_request');
  }
  const busy = Array.from({ length: 64 }, () => { const socket = net.connect(daemon.control).on('error', () => {}); socket.write('GET /v1/st'); return socket; });
  await sleep(200);
  const full = await ctl(daemon, 'status', '--json');
  assert.deepEqual([full.code, full.json.error.code], [1, 'too_many_connections']);
  assert.equal((await b.client(daemon.url).message(ask('x'))).status, 200);
  for (const socket of busy) socket.destroy();
});

// As another user: `count` connections that say `text` and wait; prints what comes back, a line each.
const kStranger = `const [control, count, text] = process.argv.slice(1);
for (let i = 0; i < count; ++i) {
  const socket = require('net').connect(control).on('error', () => {}).on('close', () => console.log('closed'));
  socket.on('data', (part) => console.log(String(part).split('\\r\\n')[0]));
  if (text) socket.write(text);
}
setTimeout(() => process.exit(), 20000);`;

function stranger(b, daemon, count, text) {
  const child = spawn(process.execPath, ['-e', kStranger, daemon.control, String(count), text], { uid: 65534, gid: 65534, stdio: ['ignore', 'pipe', 'inherit'] });
  b.atEnd(() => { child.kill(); });
  const state = { out: '' };
  child.stdout.on('data', (part) => { state.out += part; });
  state.count = (what) => state.out.split('\n').filter((line) => line.startsWith(what)).length;
  return state;
}

test('connections that only wait make room for others, the longest idle one first', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, backend(mock));
  let closed = [];
  const idle = [];
  for (let i = 0; i < 64; ++i) {
    idle.push(net.connect(daemon.control).on('error', () => {}).on('close', () => closed.push(i)));
    if (i % 8 === 7) await sleep(10);
  }
  await sleep(200);
  for (let i = 0; i < 3; ++i) { const told = await ctl(daemon, 'status'); assert.equal(told.code, 0, `locked out: ${told.stderr}`); }
  await until(() => closed.length >= 1, 2000, 'an idle connection to be closed');
  assert.ok(closed.every((i) => i < 8) && closed.length <= 3, `closed: ${closed}`);
  for (const socket of idle) socket.destroy();
});

test('whoever may only read cannot keep out those who may change something', { skip: process.getuid() !== 0 && 'needs root', limit: 60_000 }, async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, backend(mock, '[control]\nmode = 0666\n'));
  chmodSync(path.dirname(daemon.control), 0o755);
  chmodSync(path.dirname(path.dirname(daemon.control)), 0o755);
  // Half a request each, which no idle time ends at once.
  const slow = stranger(b, daemon, 100, 'GET /v1/st');
  await until(() => slow.count('closed') >= 52, 5000, '52 of 100 to be sent away');
  for (let i = 0; i < 5; ++i) assert.equal((await ctl(daemon, 'config', 'check')).code, 0, 'locked out');
  // Nothing at all: such leave after three seconds, not fifteen.
  await until(() => slow.count('closed') >= 100, 8000, 'the slow ones to be sent away');
  const silent = stranger(b, daemon, 300, '');
  await until(() => silent.count('HTTP/1.1 529') + silent.count('closed') > 0, 5000, 'the silent ones to be there');
  assert.equal((await ctl(daemon, 'config', 'check')).code, 0, 'locked out');
  await until(() => silent.count('closed') === 300, 8000, 'the silent ones to be sent away');
});

test('a model that a client made up spoils no list', async (b) => {
  const held = {};
  held.open = new Promise((resolve) => { held.release = resolve; });
  const mock = await b.mock(() => async (exchange) => { await held.open; return say('hello')(exchange); }, { rules: 'compatible' });
  const daemon = await start(b, backend(mock));
  const asked = b.client(daemon.url).post('/v1/messages', ask('x', { model: 'a\u001b[31m\nreq_forged\u0000b' }));
  await until(() => mock.chats.length === 1, 5000, 'the request at the backend');
  const { stdout } = await ctl(daemon, 'exchanges');
  assert.match(stdout, /^ID .*\nreq_\w+ .* a\?\[31m\?req_forged\?b .*\n$/);
  held.release();
  await asked;
});

test('a daemon that ends leaves the socket of the one that took its place', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const first = await start(b, backend(mock));
  rmSync(first.control);
  const second = await start(b, backend(mock));
  assert.equal(second.control, first.control);
  first.signal('SIGTERM');
  assert.equal((await first.ended).code, 0);
  assert.equal((await ctl(second, 'status', '--json')).json.pid, second.pid);
});
