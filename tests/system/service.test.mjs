// As a service: sockets that systemd passes, what it is told, what it keeps over a restart. A booted
// systemd is in none of this; lib/manager.py plays its part.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { kBinary } from './lib/daemon.mjs';
import { Manager, hasPython, quietPort } from './lib/manager.mjs';
import { say, sse } from './lib/mock.mjs';
import { chunk, usageChunk } from './lib/chunks.mjs';
import { sleep, until } from './lib/scale.mjs';

const demo = '[backend]\nprovider = demo\n';
const backend = (mock) => `[backend here]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n`;

function manager(b) {
  if (!hasPython()) { b.skip('no python3'); return null; }
  const one = new Manager();
  b.atEnd(() => one.end());
  return one;
}

// A connection and request of its own.
const get = (where, at = '/health') => new Promise((resolve, reject) => {
  const request = http.get({ ...(typeof where === 'string' ? { socketPath: where } : { host: '127.0.0.1', ...where }), path: at, agent: false }, (response) => {
    let text = '';
    response.on('data', (part) => { text += part; });
    response.on('end', () => resolve({ status: response.statusCode, text }));
  });
  request.on('error', reject);
  request.setTimeout(10_000, () => request.destroy(new Error('no answer')));
});
const refused = (where) => get(where).then(() => false, (error) => error.code === 'ECONNREFUSED' || error.code === 'ENOENT');

test('ready means ready: the first request after READY=1 is answered, and the status says who is served by whom', async (b) => {
  const m = manager(b);
  if (!m) return;
  const port = await quietPort();
  await m.start({ args: ['-listen', `127.0.0.1:${port}`, '-workers', '3'], config: '[backend one]\nprovider = demo\n[backend two]\nprovider = demo\n' });
  const { fields } = await m.ready();
  assert.equal((await get({ port })).status, 200);
  assert.equal(fields.STATUS, `Serving 127.0.0.1:${port} -> one, two; 0 in flight`);
  assert.ok(m.messages.every(({ heard }) => heard), 'only the main process speaks');
});

test('passed sockets go by their names, whatever their order: clients, a named listener, control', async (b) => {
  for (const order of [['http', 'proxied', 'local', 'control'], ['control', 'local', 'proxied', 'http']]) {
    const m = manager(b);
    if (!m) return;
    const files = ['local', 'control'].map((name) => m.file(`${name}.sock`));
    const { port } = await m.do('socket', { name: 'http' });
    const { port: proxied } = await m.do('socket', { name: 'proxied' });
    await m.do('socket', { name: 'local', kind: 'unix', path: files[0] });
    await m.do('socket', { name: 'control', kind: 'unix', path: files[1] });
    const before = files.map((file) => statSync(file).ino);
    // The address of the section is not opened: the socket of its name stands for it.
    const elsewhere = await quietPort();
    const pid = await m.start({ order, args: ['-workers', '2'], env: { CLASP_CONTROL_SOCKET: null },
      config: `${demo}[server]\ntrusted_proxies = 127.0.0.1\n[listener proxied]\naddress = 127.0.0.1:${elsewhere}\nproxy_protocol = true\n` });
    await m.ready();
    assert.equal((await get({ port })).status, 200);
    assert.equal((await get(files[0])).status, 200);
    assert.equal(JSON.parse((await get(files[1], '/v1/status')).text).pid, pid);
    assert.ok(await refused({ port: elsewhere }));
    assert.ok(await refused({ port: 8080 }), 'the default address is not opened beside passed sockets');
    // Without its PROXY header nobody comes in there.
    await assert.rejects(get({ port: proxied }));
    const socket = net.connect(proxied, '127.0.0.1');
    socket.end('PROXY TCP4 192.0.2.7 127.0.0.1 4711 443\r\nGET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    let text = '';
    for await (const part of socket) text += part;
    assert.match(text, /^HTTP\/1\.1 200 /);
    await m.do('signal', { name: 'SIGTERM' });
    assert.equal((await m.exited(pid)).code, 0);
    assert.deepEqual(files.map((file) => statSync(file).ino), before, 'the files of socket units are left alone');
  }
});

test('at a passed address the configuration sets how, other addresses are opened beside; a socket for IPv4 and IPv6 is both', async (b) => {
  const m = manager(b);
  if (!m) return;
  const { port } = await m.do('socket', { name: 'unknown', kind: 'dual' });
  const other = await quietPort();
  await m.start({ args: ['-listen', `0.0.0.0:${port}`, '-listen', `[::]:${port}`, '-listen', `127.0.0.1:${other}`], config: demo });
  const { fields } = await m.ready();
  for (const where of [{ port }, { port, host: '::1' }, { port: other }]) assert.equal((await get(where)).status, 200, JSON.stringify(where));
  assert.match(fields.STATUS, new RegExp(`^Serving \\[::\\]:${port}, 127\\.0\\.0\\.1:${other} -> demo; `));
});

test('sockets that cannot be served are refused with a reason, which the status shows as well', async (b) => {
  for (const [what, pattern] of [[{ name: 'http', kind: 'udp' }, /\(http\).*no stream socket; use ListenStream=/], [{ name: 'http', kind: 'idle' }, /does not listen; .*Accept=yes/],
    [{ name: 'control' }, /named control.*no Unix socket/], [{ name: 'control', kind: 'datagram-unix' }, /\(control\).*no stream socket/]]) {
    const m = manager(b);
    if (!m) return;
    await m.do('socket', { ...what, path: m.file('s') });
    const pid = await m.start({ config: demo });
    assert.equal((await m.exited(pid)).code, 1);
    assert.match(m.stderr, pattern);
    const { fields } = await m.message('the reason', (told) => told.ERRNO);
    assert.deepEqual([fields.ERRNO, pattern.test(fields.STATUS)], ['22', true]);
  }
  const m = manager(b);
  const taken = net.createServer().listen(0, '127.0.0.1');
  b.atEnd(() => { taken.close(); });
  await new Promise((resolve) => { taken.on('listening', resolve); });
  await m.start({ args: ['-listen', `127.0.0.1:${taken.address().port}`], config: demo });
  const { fields } = await m.message('the reason', (told) => told.ERRNO);
  assert.equal(fields.ERRNO, '98');
  assert.match(fields.STATUS, /^Cannot start: cannot listen on 127\.0\.0\.1:\d+: Address already in use; /);
  const broken = await m.start({ config: '[backend]\nprovider = nobody\n' });
  assert.equal((await m.exited(broken)).code, 78);
  await m.message('the mistake', (told) => told.ERRNO === '22' && /^Cannot start: .*clasp\.conf:2: .*nobody/.test(told.STATUS));
});

test('a reload is told from its beginning to its end, keeps passed sockets and gives them new settings', async (b) => {
  const m = manager(b);
  if (!m) return;
  const { port } = await m.do('socket', { name: 'door' });
  const pid = await m.start({ config: demo, args: ['-workers', '2'] });
  await m.ready();
  assert.equal((await get({ port })).status, 200);
  let from = m.messages.length;
  writeFileSync(m.file('clasp.conf'), `[backend new]\nprovider = demo\n[server]\ntrusted_proxies = 127.0.0.1\n[listener door]\naddress = 127.0.0.1:1\nproxy_protocol = true\n`);
  await m.do('signal', { name: 'SIGHUP' });
  const begin = await m.message('RELOADING=1', (fields) => fields.RELOADING === '1', { from });
  assert.match(begin.fields.MONOTONIC_USEC, /^\d+$/);
  const { fields } = await m.ready({ from });
  assert.equal(fields.STATUS, `Serving 127.0.0.1:${port} -> new; 0 in flight`);
  await assert.rejects(get({ port }));
  from = m.messages.length;
  writeFileSync(m.file('clasp.conf'), demo);
  await m.do('signal', { name: 'SIGHUP' });
  await m.ready({ from });
  assert.equal((await get({ port })).status, 200);
  await m.do('signal', { name: 'SIGTERM' });
  await m.message('STOPPING=1', (told) => told.STOPPING === '1');
  assert.equal((await m.exited(pid)).code, 0);
});

test('while streams are finished the stop is given more time, again and again; signals after that end nothing badly', { limit: 60_000 }, async (b) => {
  const m = manager(b);
  if (!m) return;
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const mock = await b.mock(() => sse([chunk({ content: 'before ' }), () => held, chunk({ content: 'after' }), chunk({}, { finish: 'stop' }), usageChunk()]), { rules: 'compatible' });
  const { port } = await m.do('socket', { name: 'http' });
  const pid = await m.start({ config: backend(mock) });
  await m.ready();
  const stream = await b.client(`http://127.0.0.1:${port}`).stream(ask('x'));
  await stream.next('content_block_delta');
  await m.message('the request', (fields) => / 1 in flight$/.test(fields.STATUS ?? ''));
  await m.do('signal', { name: 'SIGTERM' });
  const stop = await m.message('STOPPING=1', (fields) => fields.STOPPING === '1');
  assert.equal(stop.fields.STATUS, 'Draining: 1 in flight');
  const extensions = () => m.messages.filter(({ fields }) => fields.EXTEND_TIMEOUT_USEC);
  await until(() => extensions().length >= 2, 10_000, 'a second extension');
  assert.ok(extensions().every(({ fields }) => Number(fields.EXTEND_TIMEOUT_USEC) >= 10_000_000));
  release();
  await stream.done();
  assert.equal(stream.checker.text, 'before after');
  for (let i = 0; i < 200 && !m.exits.length; ++i) await m.do('signal', { name: 'SIGTERM' }).catch(() => {});
  assert.deepEqual([(await m.exited(pid)).code, (await m.exited(pid)).signal], [0, null]);
});

test('the watchdog is fed while all workers turn, and not when one of them is stuck', { limit: 60_000 }, async (b) => {
  const m = manager(b);
  if (!m) return;
  const port = await quietPort();
  await m.start({ args: ['-listen', `127.0.0.1:${port}`, '-workers', '3'], config: demo, env: { WATCHDOG_USEC: '1000000' } });
  await m.ready();
  const fed = () => m.messages.filter(({ fields }) => fields.WATCHDOG === '1').length;
  await until(() => fed() >= 3, 10_000, 'three signs of life');
  let thread;
  try {
    ({ thread } = await m.do('freeze', { thread: 'worker-2' }));
  } catch (error) {
    return b.skip(`no thread can be stopped here: ${error.message}`);
  }
  await sleep(1200);
  const before = fed();
  await sleep(2000);
  assert.equal(fed(), before, 'it was fed although a worker is stuck');
  assert.match(m.stderr, /worker 2 is stuck/);
  assert.doesNotMatch(m.stderr, /worker [13] is stuck/);
  await m.do('thaw', { thread });
  await until(() => fed() > before + 1, 10_000, 'signs of life again');
  assert.match(m.stderr, /worker 2 answers again/);
});

test('who waits in the queue of a passed socket while the daemon stops is served by the next one', { limit: 60_000 }, async (b) => {
  const m = manager(b);
  if (!m) return;
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const mock = await b.mock(() => sse([chunk({ content: 'a' }), () => held, chunk({}, { finish: 'stop' }), usageChunk()]), { rules: 'compatible' });
  const { port } = await m.do('socket', { name: 'http' });
  const first = await m.start({ config: backend(mock), args: ['-workers', '2'] });
  await m.ready();
  const stream = await b.client(`http://127.0.0.1:${port}`).stream(ask('x'));
  await stream.next('content_block_delta');
  await m.do('signal', { name: 'SIGTERM' });
  await m.message('STOPPING=1', (fields) => fields.STOPPING === '1');
  await sleep(300);
  const waiting = Array.from({ length: 100 }, () => get({ port }));
  await sleep(300);
  release();
  await stream.done();
  assert.equal((await m.exited(first)).code, 0);
  const from = m.messages.length;
  await m.start({ config: backend(mock), args: ['-workers', '2'] });
  await m.ready({ from });
  assert.deepEqual(new Set((await Promise.all(waiting)).map(({ status }) => status)), new Set([200]));
});

test('sockets of the configuration are kept in the fd store: a restart, a crash and another number of workers lose nobody', { limit: 90_000 }, async (b) => {
  const m = manager(b);
  if (!m) return;
  const [port, other] = [await quietPort(), await quietPort()];
  const file = m.file('clients.sock'), control = m.file('control.sock');
  const listen = ['-listen', `127.0.0.1:${port}`, '-listen', `unix:${file}`];
  const env = { FDSTORE: '64', CLASP_CONTROL_SOCKET: control };
  let pid = await m.start({ args: [...listen, '-workers', '3'], config: demo, env });
  await m.ready();
  const stored = async () => (await m.do('store')).names.map((name) => name.replace(/@.*/, '')).sort();
  const name = (address) => `clasp.listen.${encodeURIComponent(address)}`;
  const all = [`clasp.control.${encodeURIComponent(`unix:${control}`)}`, name(`127.0.0.1:${port}`), name(`127.0.0.1:${port}`), name(`127.0.0.1:${port}`), name(`unix:${file}`)].sort();
  assert.deepEqual(await stored(), all);
  const inode = statSync(file).ino;
  for (const [signal, workers] of [['SIGTERM', 1], ['SIGKILL', 5], ['SIGTERM', 2]]) {
    await m.do('signal', { name: signal });
    await m.exited(pid);
    const waiting = Array.from({ length: 60 }, (_, i) => get([{ port }, file, control][i % 3], i % 3 === 2 ? '/v1/status' : '/health'));
    await sleep(300);
    const from = m.messages.length;
    pid = await m.start({ args: [...listen, '-workers', String(workers)], config: demo, env });
    await m.ready({ from });
    assert.deepEqual(new Set((await Promise.all(waiting)).map(({ status }) => status)), new Set([200]), signal);
    assert.equal(statSync(file).ino, inode, 'the Unix socket is the same one');
  }
  // A reload removes one and adds one.
  let from = m.messages.length;
  writeFileSync(m.file('clasp.conf'), `${demo}[listener more]\naddress = 127.0.0.1:${other}\n`);
  await m.do('signal', { name: 'SIGHUP' });
  await m.ready({ from });
  assert.ok((await stored()).includes(name(`127.0.0.1:${other}`)));
  from = m.messages.length;
  writeFileSync(m.file('clasp.conf'), demo);
  await m.do('signal', { name: 'SIGHUP' });
  await m.ready({ from });
  assert.ok(!(await stored()).includes(name(`127.0.0.1:${other}`)));
  await until(() => refused({ port: other }), 5000, 'the address to be closed');
  // What the next configuration does not have is closed.
  await m.do('signal', { name: 'SIGTERM' });
  await m.exited(pid);
  from = m.messages.length;
  await m.start({ args: ['-listen', `127.0.0.1:${other}`], config: demo, env: { FDSTORE: '64' } });
  await m.ready({ from });
  assert.deepEqual([...new Set(await stored())], [name(`127.0.0.1:${other}`)]);
  assert.ok(await refused({ port }));
  assert.ok(await refused(file));
});

test('a Unix socket whose file was replaced is opened anew; without room in the store it is said', { limit: 60_000 }, async (b) => {
  const m = manager(b);
  if (!m) return;
  const folder = m.file('run');
  mkdirSync(folder);
  const file = path.join(folder, 's');
  const start = (env) => m.start({ args: ['-listen', `unix:${file}`, '-workers', '2'], config: demo, env });
  let pid = await start({ FDSTORE: '2' });
  await m.ready();
  await m.do('signal', { name: 'SIGTERM' });
  await m.exited(pid);
  // As systemd does with a RuntimeDirectory= at a restart.
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  let from = m.messages.length;
  pid = await start({ FDSTORE: '2' });
  await m.ready({ from });
  assert.equal((await get(file)).status, 200);
  assert.equal((await m.do('store')).names.length, 1);
  await m.do('signal', { name: 'SIGTERM' });
  await m.exited(pid);
  from = m.messages.length;
  await m.start({ args: ['-listen', `127.0.0.1:${await quietPort()}`, '-workers', '3'], config: demo, env: { FDSTORE: '2' } });
  await m.ready({ from });
  assert.match(m.stderr, /the fd store has no room for the 3 sockets/);
});

test('control that is off, beside its socket unit: every question is answered with why and what to do, and nothing hangs', { limit: 60_000 }, async (b) => {
  const m = manager(b);
  if (!m) return;
  const { port } = await m.do('socket', { name: 'http' });
  const control = m.file('control.sock');
  await m.do('socket', { name: 'control', kind: 'unix', path: control });
  const pid = await m.start({ config: `${demo}[control]\nsocket = off\n`, env: { CLASP_CONTROL_SOCKET: null } });
  await m.ready();
  assert.equal((await get({ port })).status, 200);
  for (const at of ['/v1/status', '/v1/commands', '/nowhere']) {
    const { status, text } = await get(control, at);
    assert.equal(status, 403);
    const { code, message } = JSON.parse(text).error;
    assert.equal(code, 'control_off');
    assert.match(message, /^control\.socket is off in the configuration.*set control\.socket to auto and restart.*systemctl disable --now clasp-control\.socket$/);
  }
  assert.match(m.stderr, /control\.sock: control\.socket is off in the configuration/);
  const ctl = (...args) => spawnSync(`${kBinary}ctl`, ['--socket', control, '--timeout', '5', ...args], { encoding: 'utf8' });
  for (const words of [['reload'], ['status'], ['upgrade'], ['tail']]) {
    const { status, stderr } = ctl(...words);
    assert.deepEqual([status, /^claspctl: control\.socket is off/.test(stderr)], [1, true], `${words}: ${stderr}`);
  }
  assert.match(ctl('doctor').stdout, /^warning +control\.socket is off/m);
  await m.do('signal', { name: 'SIGTERM' });
  assert.equal((await m.exited(pid)).code, 0);
  assert.ok(statSync(control), 'the file of the socket unit stays');
});

test('claspctl at a socket that nobody serves: a limit, and a word about what it may be', async (b) => {
  const file = path.join(b.folder(), 'control.sock');
  const ctl = () => spawnSync(`${kBinary}ctl`, ['--socket', file, '--timeout', '2', 'reload'], { encoding: 'utf8', timeout: 20_000 });
  if (!hasPython()) return b.skip('no python3');
  // One that listens and never accepts: a queue with room, and one without.
  for (const [connections, pattern] of [[0, /^claspctl: the daemon does not answer in time \(.*cannot start, or hangs: systemctl status/], [9, /^claspctl: nobody takes the connections that wait at /]]) {
    const code = `import os,socket,sys\ns=socket.socket(socket.AF_UNIX);s.bind(${JSON.stringify(file)});s.listen(${connections ? 0 : 5});k=[]\nfor i in range(${connections}):\n  c=socket.socket(socket.AF_UNIX);c.setblocking(False);c.connect_ex(${JSON.stringify(file)});k.append(c)\nprint("there",flush=True);sys.stdin.read();os.unlink(${JSON.stringify(file)})`;
    const child = spawn('python3', ['-c', code], { stdio: ['pipe', 'pipe', 'inherit'] });
    await new Promise((resolve) => { child.stdout.once('data', resolve); });
    const { status, stderr } = ctl();
    child.stdin.end();
    await new Promise((resolve) => { child.once('exit', resolve); });
    assert.equal(status, 4, stderr);
    assert.match(stderr, pattern);
  }
});

test('unconfigured, it serves the demo and says so; keys come from systemd\'s credentials', async (b) => {
  const m = manager(b);
  if (!m) return;
  const { port } = await m.do('socket', { name: 'http' });
  const first = await m.start({ args: ['-demo-if-unconfigured'] });
  const { fields } = await m.ready();
  assert.match(fields.STATUS, / -> demo; /);
  assert.equal((await b.client(`http://127.0.0.1:${port}`).message(ask('x'))).status, 200);
  await m.do('signal', { name: 'SIGTERM' });
  await m.exited(first);
  const mock = await b.mock(() => say('from the credential'), { rules: 'openai' });
  const folder = m.file('credentials');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'keys_openai_api_key'), `${mock.key}\n`);
  const from = m.messages.length;
  await m.start({ args: ['-demo-if-unconfigured', '-model', 'gpt-4o'], env: { CREDENTIALS_DIRECTORY: folder, OPENAI_BASE_URL: mock.url } });
  const next = await m.ready({ from });
  assert.match(next.fields.STATUS, / -> openai; /);
  assert.equal((await b.client(`http://127.0.0.1:${port}`).message(ask('x'))).json.content[0].text, 'from the credential');
});
