// claspctl upgrade: the running process is replaced by the installed program, and no client feels it.
import { execFile, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { kBinary } from './lib/daemon.mjs';
import { load } from './lib/load.mjs';
import { Manager, hasPython, quietPort } from './lib/manager.mjs';
import { say, sse } from './lib/mock.mjs';
import { Authority } from './lib/certs.mjs';
import { chunk, completionChunks, usageChunk } from './lib/chunks.mjs';
import { sleep, until } from './lib/scale.mjs';

const kText = 'hello world, here I am';
const backend = (mock, more = '') => `[backend here]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${more}`;

function ctl(control, ...args) {
  const env = { PATH: process.env.PATH, CLASP_CONTROL_SOCKET: control };
  return new Promise((resolve) => execFile(`${kBinary}ctl`, args, { env, timeout: 60_000 }, (error, stdout, stderr) =>
    resolve({ code: error ? error.code : 0, stdout, stderr, json: args.includes('--json') ? JSON.parse(stdout || 'null') : undefined })));
}

// A daemon under a manager; `managed`: it is told of one. The program is a copy that can be replaced.
async function start(b, { config, args = [], env = {}, managed = true }) {
  if (!hasPython()) { b.skip('no python3'); return null; }
  const m = new Manager();
  b.atEnd(() => m.end());
  m.program = m.file('clasp');
  copyFileSync(kBinary, m.program);
  m.control = m.file('control.sock');
  m.port = await quietPort();
  m.url = `http://127.0.0.1:${m.port}`;
  m.pid = await m.start({ program: m.program, args: ['-listen', `127.0.0.1:${m.port}`, '-workers', '2', ...args], config,
    notify: managed, env: { CLASP_CONTROL_SOCKET: m.control, ...env } });
  if (managed) await m.ready();
  else await until(() => ctl(m.control, 'status', '--json').then(({ code }) => code === 0), 10_000, 'the daemon');
  m.upgrade = (...more) => ctl(m.control, 'upgrade', '--json', ...more);
  return m;
}

test('five upgrades while a hundred clients ask, plain and streaming: no request fails', { limit: 300_000 }, async (b) => {
  const mock = await b.mock(() => (exchange) => (exchange.request.body.stream
    ? sse(completionChunks({ text: kText }), { gap: 30 })(exchange) : sleep(20).then(() => say(kText)(exchange))), { rules: 'compatible' });
  const m = await start(b, { config: backend(mock), env: { FDSTORE: '16', WATCHDOG_USEC: '20000000' } });
  if (!m) return;
  const traffic = load(b, m.url, 100, kText);
  const pids = [m.pid];
  for (let i = 0; i < 5; ++i) {
    const before = traffic.answers + traffic.streams;
    await until(() => traffic.answers + traffic.streams > before + 100, 30_000, 'some traffic');
    const told = await m.upgrade();
    assert.equal(told.code, 0, told.stderr);
    assert.equal(told.json.old.pid, pids.at(-1));
    assert.match(told.json.new.version, /^\d+\.\d+/);
    pids.push(told.json.new.pid);
  }
  const before = traffic.answers + traffic.streams;
  await until(() => traffic.answers + traffic.streams > before + 200, 30_000, 'some traffic');
  await traffic.stop();
  assert.equal(new Set(pids).size, 6);
  for (const pid of pids.slice(0, -1)) assert.equal((await m.exited(pid, 30_000)).code, 0);
  assert.equal((await ctl(m.control, 'status', '--json')).json.pid, pids.at(-1));
  assert.equal((await m.do('main')).pid, pids.at(-1));
  assert.deepEqual(m.messages.filter(({ heard }) => !heard), [], 'nobody but the main process speaks');
  assert.equal(m.messages.filter(({ fields }) => fields.MAINPID).length, 5);
  // The last one speaks for itself, and ends as one should.
  assert.equal(m.messages.findLast(({ fields }) => fields.READY === '1').pid, pids.at(-1));
  await m.do('signal', { name: 'SIGTERM' });
  assert.equal((await m.exited(pids.at(-1))).code, 0);
});

test('an upgrade takes all listeners along: TLS, Unix, those of socket units and control; a stream that runs goes on in the old process', { limit: 120_000 }, async (b) => {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const mock = await b.mock((request) => (request.body.stream ? sse([chunk({ content: 'before ' }), () => held, chunk({ content: 'after' }), chunk({}, { finish: 'stop' }), usageChunk()]) : say(kText)), { rules: 'compatible' });
  if (!hasPython()) return b.skip('no python3');
  const m = new Manager();
  b.atEnd(() => m.end());
  const issued = new Authority().issue(['localhost']);
  const pem = m.file('tls.pem');
  writeFileSync(pem, issued.cert + issued.key, { mode: 0o600 });
  const secure = await quietPort();
  const { port } = await m.do('socket', { name: 'http' });
  await m.do('socket', { name: 'control', kind: 'unix', path: m.file('control.sock') });
  const file = m.file('clients.sock');
  const config = backend(mock, `[listener file]\naddress = unix:${file}\n[listener tls]\naddress = 127.0.0.1:${secure}\ncertificate = ${pem}\n`);
  const pid = await m.start({ config, args: ['-workers', '2'], env: { CLASP_CONTROL_SOCKET: null } });
  await m.ready();
  const client = b.client(`http://127.0.0.1:${port}`);
  const stream = await client.stream(ask('x'));
  await stream.next('content_block_delta');
  const inode = statSync(file).ino;
  const told = await ctl(m.file('control.sock'), 'upgrade', '--json');
  assert.equal(told.code, 0, told.stderr);
  const next = told.json.new.pid;
  assert.notEqual(next, pid);
  assert.equal(statSync(file).ino, inode);
  assert.equal((await client.message(ask('y'))).json.content[0].text, kText);
  const { listeners } = (await ctl(m.file('control.sock'), 'status', '--json')).json;
  assert.deepEqual(listeners.sort(), [`127.0.0.1:${port}`, `unix:${file}`, `127.0.0.1:${secure} (https)`].sort());
  const over = await new Promise((resolve, reject) => http.get({ socketPath: file, path: '/health', agent: false }, resolve).on('error', reject));
  assert.equal(over.statusCode, 200);
  over.resume();
  release();
  await stream.done();
  assert.equal(stream.checker.text, 'before after');
  client.close(); // connections that rest keep the old process
  assert.equal((await m.exited(pid, 20_000)).code, 0);
  // What the old one still spent is in the new one's books.
  await until(async () => (await ctl(m.file('control.sock'), 'costs', '--json')).json.total_requests >= 2, 5000, 'both requests in the books').catch((error) => b.problem(error.message));
  await m.do('signal', { name: 'SIGTERM' });
  assert.equal((await m.exited(next)).code, 0);
  assert.ok(existsSync(m.file('control.sock')), 'the file of the socket unit stays');
});

test('two upgrades in a row: a stream of the first process goes on, and what it cost is in the books of the last; what was turned by hand is told', { limit: 120_000 }, async (b) => {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const mock = await b.mock((request) => (request.body.stream ? sse([chunk({ content: 'before ' }), () => held, chunk({ content: 'after' }), chunk({}, { finish: 'stop' }), usageChunk()]) : say(kText)), { rules: 'compatible' });
  const costs = path.join(b.folder(), 'costs.json');
  const m = await start(b, { config: backend(mock, `[backend spare]\nprovider = custom\nbase_url = ${mock.url}\n[costs]\nfile = ${costs}\n`) });
  if (!m) return;
  const client = b.client(m.url);
  const stream = await client.stream(ask('x'));
  await stream.next('content_block_delta');
  const env = { PATH: process.env.PATH, CLASP_CONTROL_SOCKET: m.control };
  const tail = spawn(`${kBinary}ctl`, ['tail'], { env });
  b.atEnd(() => { tail.kill('SIGKILL'); });
  let seen = '';
  tail.stdout.on('data', (d) => { seen += d; });
  await until(async () => { await client.message(ask('x')); return / 200 /.test(seen); }, 10_000, 'tail');
  const done = (seen.match(/ 200 /g) ?? []).length;
  await ctl(m.control, 'backends', 'disable', 'spare');
  await ctl(m.control, 'log-level', 'debug');
  const first = await m.upgrade();
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.json.note, /^backend spare was disabled and is in use again; .*\nthe log level is the configuration's again$/);
  await until(() => seen.includes(`... replaced by process ${first.json.new.pid}\n`), 5000, 'the word about the new process');
  await until(async () => { await client.message(ask('x')); return (seen.match(/ 200 /g) ?? []).length > done; }, 10_000, 'tail of the new process');
  const second = await m.upgrade();
  assert.equal(second.code, 0, second.stderr);
  assert.equal(second.json.note, undefined);
  // The one between them has nothing to do any more, but to hear what the first one spends.
  await sleep(1500);
  const before = (await ctl(m.control, 'costs', '--json')).json.total_requests;
  release();
  await stream.done();
  assert.equal(stream.checker.text, 'before after');
  await until(async () => (await ctl(m.control, 'costs', '--json')).json.total_requests === before + 1, 10_000, 'the stream in the books');
  client.close();
  assert.equal((await m.exited(m.pid, 20_000)).code, 0);
  assert.equal((await m.exited(first.json.new.pid, 20_000)).code, 0);
  await m.do('signal', { name: 'SIGTERM' });
  assert.equal((await m.exited(second.json.new.pid)).code, 0);
});

test('upgrades that fail leave the old process as it was, and say why', { limit: 120_000 }, async (b) => {
  const mock = await b.mock(() => say(kText), { rules: 'compatible', mayLeave: true });
  const state = path.join(b.folder(), 'state');
  mkdirSync(state);
  const m = await start(b, { config: backend(mock), env: { STATE_DIRECTORY: state } });
  if (!m) return;
  const client = b.client(m.url);
  const broken = (name, text) => { const file = m.file(name); writeFileSync(file, text); chmodSync(file, 0o755); return file; };
  for (const [what, args, pattern] of [
    ['no program', ['--binary', '/nowhere/clasp'], /\/nowhere\/clasp: no such file/i],
    ['one that ends', ['--binary', broken('ends', '#!/bin/sh\necho "libfoo.so.1: cannot open shared object file" >&2\nexit 3\n')], /exit status 3.*\n?.*libfoo\.so\.1: cannot open/s],
    ['one that crashes', ['--binary', broken('crashes', '#!/bin/sh\nkill -SEGV $$\n')], /signal 11/],
    ['no program at all', ['--binary', broken('text', '\u007fELF nonsense')], /cannot be started|exit status/],
    ['a relative path, which is meant from here', ['--binary', './nowhere/clasp'], new RegExp(`${process.cwd()}/nowhere/clasp: no such file`, 'i')],
  ]) {
    const told = await m.upgrade(...args);
    assert.equal(told.code, 1, what);
    assert.match(told.json.error.message, pattern, what);
    assert.equal((await client.message(ask('x'))).status, 200, what);
  }
  writeFileSync(m.file('clasp.conf'), backend(mock, 'nonsense = 1\n'));
  const told = await m.upgrade();
  assert.deepEqual([told.code, told.json.error.code], [1, 'upgrade_failed']);
  assert.match(told.json.said.join('\n'), /clasp\.conf:5: unknown key "nonsense"/);
  assert.match((await ctl(m.control, 'upgrade')).stderr, /^claspctl: no upgrade: the new program ended with exit status 78\. .*unknown key "nonsense"/s);
  assert.equal((await client.message(ask('x'))).status, 200);
  assert.equal((await m.do('main')).pid, m.pid);
  assert.ok(!m.messages.some(({ fields }) => fields.MAINPID));
  // And the next one that is whole goes through.
  writeFileSync(m.file('clasp.conf'), backend(mock));
  assert.equal((await m.upgrade()).code, 0);
  assert.equal((await client.message(ask('x'))).status, 200);
});

test('one that hangs is given up; another upgrade, a drain and a stop meanwhile are clear about it', { limit: 120_000 }, async (b) => {
  const mock = await b.mock(() => say(kText), { rules: 'compatible', mayLeave: true });
  const m = await start(b, { config: backend(mock) });
  if (!m) return;
  const hangs = m.file('hangs');
  writeFileSync(hangs, '#!/bin/sh\nexec sleep 100\n');
  chmodSync(hangs, 0o755);
  const started = performance.now();
  const first = m.upgrade('--binary', hangs);
  await sleep(300);
  const second = await m.upgrade();
  assert.deepEqual([second.code, second.json.error.code], [1, 'upgrade_running']);
  const reload = await ctl(m.control, 'reload', '--json');
  assert.deepEqual([reload.code, reload.json.error.code], [1, 'upgrade_running']);
  const told = await first;
  assert.equal(told.code, 1);
  assert.match(told.json.error.message, /did not say within 30 s/);
  assert.ok(performance.now() - started > 25_000);
  await ctl(m.control, 'drain');
  const drained = await m.upgrade();
  assert.deepEqual([drained.code, drained.json.error.code], [1, 'drained']);
  await ctl(m.control, 'undrain');
  const starts = () => (m.stderr.match(/hangs was started/g) ?? []).length;
  assert.equal(starts(), 1);
  const third = m.upgrade('--binary', hangs);
  await until(() => starts() === 2, 10_000, 'the third upgrade');
  await m.do('signal', { name: 'SIGTERM' });
  assert.equal((await third).json?.error.code ?? 'gone', 'upgrade_failed');
  assert.equal((await m.exited(m.pid)).code, 0);
});

test('without a service manager: the installed program is found again, what was spent is kept', { limit: 120_000 }, async (b) => {
  const mock = await b.mock(() => say(kText), { rules: 'compatible' });
  const costs = path.join(b.folder(), 'costs.json');
  const m = await start(b, { config: backend(mock, `[costs]\nfile = ${costs}\n`), managed: false });
  if (!m) return;
  const client = b.client(m.url);
  await client.message(ask('x'));
  // As a package manager replaces it.
  copyFileSync(kBinary, `${m.program}.new`);
  renameSync(`${m.program}.new`, m.program);
  const inode = statSync(m.program).ino;
  const told = await m.upgrade();
  assert.equal(told.code, 0, told.stderr);
  const next = told.json.new.pid;
  assert.equal(statSync(`/proc/${next}/exe`).ino, inode);
  client.close();
  assert.equal((await m.exited(m.pid)).code, 0);
  await client.message(ask('x'));
  const spent = await ctl(m.control, 'costs', '--json');
  assert.equal(spent.json.total_requests, 2);
  process.kill(next, 'SIGTERM');
  assert.equal((await m.exited(next)).code, 0);
});

test('where the end of the old process would be the end of the new one, nothing is tried', async (b) => {
  const mock = await b.mock(() => say(kText), { rules: 'compatible', mayLeave: true });
  for (const [options, pattern] of [[{ env: { SYSTEMD_EXEC_PID: '1' } }, /type is not notify.*systemctl restart/], [{ args: ['-exit-with-parent'] }, /-exit-with-parent/]]) {
    const m = await start(b, { config: backend(mock), managed: false, ...options });
    if (!m) return;
    const told = await m.upgrade();
    assert.deepEqual([told.code, told.json.error.code], [1, 'cannot_upgrade']);
    assert.match(told.json.error.message, pattern);
    assert.equal((await b.client(m.url).message(ask('x'))).status, 200);
  }
});

// A connection that rests between two requests, as a naive client keeps it.
class Resting {
  closed = false;
  #text = '';
  constructor(port) {
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.on('data', (d) => { this.#text += d; });
    this.socket.on('error', () => {});
    this.socket.on('close', () => { this.closed = true; });
  }
  async ask() {
    this.#text = '';
    this.socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n');
    await until(() => this.closed || /\r\n\r\n\{[^]*\}\s*$/.test(this.#text), 5000, 'an answer');
    return { status: Number(this.#text.slice(9, 12)), closes: /\r\nconnection: close\r\n/i.test(this.#text) };
  }
}

test('connections that rest while the process is replaced are not closed under their next request; a stop does not wait for them', { limit: 120_000 }, async (b) => {
  const mock = await b.mock(() => say(kText), { rules: 'compatible', mayLeave: true });
  const m = await start(b, { config: backend(mock) });
  if (!m) return;
  const [one, two] = [new Resting(m.port), new Resting(m.port)];
  for (const each of [one, two]) assert.deepEqual(await each.ask(), { status: 200, closes: false });
  const told = await m.upgrade();
  assert.equal(told.code, 0, told.stderr);
  await sleep(7000);
  assert.deepEqual([one.closed, two.closed], [false, false]);
  assert.deepEqual(await one.ask(), { status: 200, closes: true });
  await until(() => one.closed, 5000, 'the end of the first one');
  assert.equal(m.exits.length, 0, 'the old process still waits for the second one');
  // As systemd stops both.
  const began = performance.now();
  process.kill(m.pid, 'SIGTERM');
  assert.equal((await m.exited(m.pid)).code, 0);
  assert.ok(performance.now() - began < 3000, `the old process took ${performance.now() - began} ms to stop`);
  await until(() => two.closed, 5000, 'the end of the second one');
  const three = new Resting(m.port);
  assert.equal((await three.ask()).status, 200);
  const stop = performance.now();
  await m.do('signal', { name: 'SIGTERM' });
  assert.equal((await m.exited(told.json.new.pid)).code, 0);
  assert.ok(performance.now() - stop < 3000, `a stop took ${performance.now() - stop} ms`);
});

test('connections that rest do not keep the old process for longer than they may rest', { limit: 60_000 }, async (b) => {
  const mock = await b.mock(() => say(kText), { rules: 'compatible', mayLeave: true });
  const m = await start(b, { config: backend(mock, '[timeouts]\nclient_idle = 3s\n') });
  if (!m) return;
  const one = new Resting(m.port);
  assert.equal((await one.ask()).status, 200);
  assert.equal((await m.upgrade()).code, 0);
  const began = performance.now();
  assert.equal((await m.exited(m.pid)).code, 0);
  assert.ok(performance.now() - began < 8000);
});

test('SIGHUP while a process is being replaced: the file is loaded again when that is over, by whoever serves then', { limit: 120_000 }, async (b) => {
  const mock = await b.mock(() => say(kText), { rules: 'compatible', mayLeave: true });
  const m = await start(b, { config: backend(mock, '[models]\ndefault = first\n') });
  if (!m) return;
  const client = b.client(m.url);
  const model = async () => { await client.message(ask('x')); return mock.last.body.model; };
  const script = (name, text) => { const file = m.file(name); writeFileSync(file, `#!/bin/sh\n${text}\n`); chmodSync(file, 0o755); return file; };
  const during = async (program, name) => {
    const over = m.upgrade('--binary', program);
    await until(() => m.stderr.includes(`upgrade: ${program} was started`), 5000, 'the upgrade');
    writeFileSync(m.file('clasp.conf'), backend(mock, `[models]\ndefault = ${name}\n`));
    await m.do('signal', { name: 'SIGHUP' });
    await until(() => /reload: an upgrade is under way; the configuration is loaded again when it is over/.test(m.stderr), 5000, 'the word about it');
    return over;
  };
  assert.equal(await model(), 'first');
  assert.equal((await during(script('fails', 'sleep 2; exit 3'), 'second')).code, 1);
  await until(() => /the upgrade is over: now the reload/.test(m.stderr), 5000, 'the reload');
  await until(async () => await model() === 'second', 5000, 'the second model');
  const loads = () => (m.stderr.match(/reload: the configuration was loaded again/g) ?? []).length;
  const before = loads();
  const told = await during(script('works', `sleep 2; exec ${m.program} "$@"`), 'third');
  assert.equal(told.code, 0, told.stderr);
  await until(() => loads() > before, 10_000, 'a reload of the new process');
  assert.match(m.stderr, /the reload that was asked for meanwhile is left to the new process/);
  // A connection that rested at the old process sends its next request there, and is closed then.
  await until(async () => await model() === 'third', 5000, 'the third model');
});

test('an upgrade that drops a Unix socket removes its file, and not before the new process serves', { limit: 60_000 }, async (b) => {
  const mock = await b.mock(() => say(kText), { rules: 'compatible', mayLeave: true });
  const config = (more) => backend(mock, more);
  const file = path.join(b.folder(), 'clients.sock'), other = path.join(b.folder(), 'others.sock');
  const listener = (name, at) => `[listener ${name}]\naddress = unix:${at}\n`;
  const m = await start(b, { config: config(listener('one', file) + listener('two', other)), env: { FDSTORE: '16' } });
  if (!m) return;
  assert.ok(existsSync(file) && existsSync(other));
  writeFileSync(m.file('clasp.conf'), config(`${listener('two', other)}nonsense = 1\n`));
  assert.equal((await m.upgrade()).code, 1);
  assert.ok(existsSync(file), 'the old process still listens there');
  writeFileSync(m.file('clasp.conf'), config(listener('two', other)));
  assert.equal((await m.upgrade()).code, 0);
  await until(() => !existsSync(file), 5000, 'the file to be removed');
  assert.ok(existsSync(other));
  writeFileSync(m.file('clasp.conf'), config(''));
  assert.equal((await ctl(m.control, 'reload')).code, 0);
  assert.ok(!existsSync(other), 'a reload removes it too');
});
