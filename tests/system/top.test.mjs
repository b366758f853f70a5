// claspctl top as somebody at a terminal sees it.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { Daemon, kBinary } from './lib/daemon.mjs';
import { fail, pause, say, sse } from './lib/mock.mjs';
import { completionChunks } from './lib/chunks.mjs';
import { sleep, until } from './lib/scale.mjs';
import { Terminal } from './lib/terminal.mjs';

const kCtl = `${kBinary}ctl`;
const backend = (name, mock, more = '') => `[backend ${name}]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${more}`;

async function start(b, config, { args = [] } = {}) {
  const daemon = await b.daemon({ config, args: ['-workers', '2', ...args], env: { CLASP_CONTROL_SOCKET: null, XDG_RUNTIME_DIR: null, RUNTIME_DIRECTORY: b.folder() } });
  daemon.control = path.join(b.folder(), 'control.sock');
  return daemon;
}

const top = (b, daemon, args = [], options = {}) => Terminal.start(b, [kCtl, 'top', ...args], { ...options, env: { CLASP_CONTROL_SOCKET: daemon.control, ...options.env } });

// A stream that begins and then waits for release().
function holding() {
  const held = {};
  held.open = new Promise((resolve) => { held.release = resolve; });
  held.answer = (exchange) => {
    const chunks = completionChunks({ text: 'hello world, here I am' });
    return sse([...chunks.slice(0, 3), () => Promise.race([held.open, exchange.gone.promise]), ...chunks.slice(3)])(exchange);
  };
  return held;
}

async function isUsual(terminal) {
  assert.equal(terminal.grid.alternate, false, 'the other screen stayed');
  assert.equal(terminal.grid.cursorShown, true, 'the cursor stayed away');
  assert.deepEqual(await terminal.modes(), { lines: true, echo: true });
  assert.deepEqual(terminal.grid.unknown, []);
}

test('80x24: the first screen, with traffic; q gives the terminal back', async (b) => {
  const held = holding();
  const mock = await b.mock((request) => (request.body.stream ? held.answer : say('hello')), { rules: 'compatible' });
  const daemon = await start(b, backend('main', mock, 'max_concurrency = 9\n') + '[queue]\nenabled = yes\n[circuit_breaker]\nenabled = yes\n[client ann]\nkey_hash = sha256:' + createHash('sha256').update('correct').digest('hex') + '\n');
  const client = b.client(daemon.url, { headers: { 'x-api-key': 'correct' } });
  const stream = await client.stream(ask('1', { model: 'claude-深層-模型' }));
  await stream.next('content_block_delta');
  const terminal = await top(b, daemon, ['--interval', '0.5']);
  await terminal.shows(/q quit/);
  assert.equal(terminal.grid.alternate, true);
  assert.equal(terminal.grid.cursorShown, false);
  for (let i = 0; i < 4; ++i) await client.message(ask('x'));
  await terminal.shows(/requests [0-9.]*[1-9]\S*\/s/);
  assert.match(terminal.lines[0], /^clasp \S+ {2}healthy {2}up \d+s {2}pid \d+ {2}2 workers .* every 0\.5s$/);
  assert.match(terminal.lines[1], /^in flight 1 \(1 stream\) {2}requests \S+\/s {2}failed 0\/s {2}queue 0\/100 {2}refused 0\/s$/);
  assert.match(terminal.lines[2], /^latency p50 \S+ p95 \S+ {2}first p50 \S+ {2}tokens /);
  assert.match(terminal.text, /\nBACKEND +STATE +BREAKER +IN FLIGHT +REQ\/S +FAIL\/S +P50 +P95 +TOK\/S\nmain +healthy +closed +1\/9 /);
  assert.match(terminal.text, /\nCLIENT .*\nann +4 /);
  assert.match(terminal.text, /\nIN FLIGHT +AGE +CLIENT +BACKEND +PHASE +SENT\S*\nclaude-深層-模型 +\S+ +ann +main +answering +\d/);
  const at = (line, word) => [...terminal.lines.find((one) => one.startsWith(line))].reduce((n, c, i, all) => (all.slice(i).join('').startsWith(word) && n.found === undefined ? { ...n, found: n.width } : { ...n, width: n.width + (c.codePointAt(0) > 0x2e80 ? 2 : 1) }), { width: 0 }).found;
  assert.equal(at('IN FLIGHT  ', 'CLIENT'), at('claude-深', 'ann'), 'wide characters move the columns');
  for (const line of terminal.lines) assert.ok(line.length <= 80);
  assert.equal(terminal.lines.length, 24);
  terminal.keys('q');
  assert.equal(await terminal.ended, 0);
  await isUsual(terminal);
  assert.equal(terminal.text, '');
  held.release();
  await stream.done();
});

test('sorting changes the order, views and help come and go, pause holds the picture', async (b) => {
  const good = await b.mock(() => pause(30, say('hello')), { rules: 'compatible' });
  const bad = await b.mock(() => fail(400, 'no'), { rules: 'compatible' });
  const daemon = await start(b, `${backend('b-good', good)}${backend('a-bad', bad)}[route broken]\ncandidates = a-bad/x\n`);
  const client = b.client(daemon.url);
  const terminal = await top(b, daemon, ['--interval', '0.5']);
  const order = () => terminal.lines.filter((line) => /^(a-bad|b-good)/.test(line)).map((line) => line.slice(0, 5)).join(' ');
  await terminal.shows(/b-good/);
  assert.equal(order(), 'b-goo a-bad');
  terminal.keys('n');
  await terminal.shows(() => order() === 'a-bad b-goo');
  assert.match(terminal.lines[23], /s sort: name/);
  terminal.keys('n');
  await terminal.shows(() => order() === 'b-goo a-bad');
  terminal.keys('o');
  await terminal.shows(/s sort: as it is/);
  for (let i = 0; i < 3; ++i) await client.post('/v1/messages', ask('x', { model: 'broken' }));
  terminal.keys('r');
  await terminal.shows(() => order() === 'a-bad b-goo');
  terminal.keys('?');
  await terminal.shows(/space +pause, and go on/);
  terminal.keys('\x1b');
  await terminal.shows(/\nBACKEND/);
  terminal.keys('2');
  await terminal.shows((grid) => !/CLIENT/.test(grid.text) && /from 1 of 2/.test(grid.text));
  terminal.keys('\x1b[B');
  await terminal.shows((grid) => /BACKEND \(1 hidden\)/.test(grid.text) && /from 2 of 2/.test(grid.text));
  terminal.keys('\t');
  await terminal.shows((grid) => /\nCLIENT/.test(grid.text) && !/BACKEND/.test(grid.text));
  terminal.keys('++');
  await terminal.shows(/every 2s$/m);
  terminal.keys('--');
  await terminal.shows(/every 0\.5s$/m);
  terminal.keys('1 ');
  await terminal.shows(/PAUSED/);
  const { pid } = daemon;
  assert.ok(terminal.text.includes(String(pid)));
  const before = terminal.lines.slice(3, 20).join('\n');
  await client.message(ask('x'));
  await sleep(1200);
  assert.equal(terminal.lines.slice(3, 20).join('\n'), before);
  terminal.keys(' ');
  await terminal.shows(() => terminal.lines.slice(3, 20).join('\n') !== before);
  terminal.keys('q');
  assert.equal(await terminal.ended, 0);
});

test('the picture follows the size of the terminal, small ones say what is hidden', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, Array.from({ length: 30 }, (_, i) => backend(`backend-number-${i}`, mock)).join(''));
  const terminal = await top(b, daemon);
  await terminal.shows(/BACKEND \(\d+ hidden\)/);
  terminal.resize(160, 50);
  await terminal.shows((grid) => /backend-number-29/.test(grid.text) && !/hidden/.test(grid.text));
  assert.match(terminal.lines[49], /^q quit/);
  terminal.resize(20, 5);
  await terminal.shows((grid) => /^clasp.*\nBACKEND \(28 hidden\)\nbackend-number-0\n.*\n2 tables hidden: Tab$/.test(grid.text));
  terminal.resize(1, 1);
  await sleep(300);
  terminal.resize(80, 24);
  await terminal.shows(/BACKEND \(\d+ hidden\)[^]*q quit/);
  terminal.keys('q');
  assert.equal(await terminal.ended, 0);
  await isUsual(terminal);
});

test('a daemon that ends is said, and one that comes back is watched again', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const socket = path.join(b.folder(), 'one.sock');
  const config = `${backend('main', mock)}[control]\nsocket = ${socket}\n`;
  const first = await Daemon.start({ config, env: { CLASP_CONTROL_SOCKET: null } });
  b.atEnd(() => first.kill());
  const terminal = await top(b, { control: socket }, ['--interval', '0.5']);
  await terminal.shows(new RegExp(`pid ${first.pid} `));
  first.kill();
  await first.ended;
  first.forget();
  await terminal.shows(/^the daemon went away, trying again \(1s\)/);
  const second = await b.daemon({ config, env: { CLASP_CONTROL_SOCKET: null } });
  await terminal.shows(new RegExp(`pid ${second.pid} `));
  await b.client(second.url).message(ask('x'));
  await terminal.shows(/requests [0-9.]*[1-9]\S*\/s/);
  // One that hangs does not hang the keyboard.
  second.signal('SIGSTOP');
  await sleep(700);
  terminal.keys('?');
  await terminal.shows(/this text/);
  terminal.keys('?');
  await terminal.shows(/^the daemon does not answer, trying again/);
  terminal.keys('q');
  assert.equal(await terminal.ended, 0);
  second.signal('SIGCONT');
  await isUsual(terminal);
});

test('Ctrl-C, SIGTERM and Ctrl-Z leave a usable terminal behind; fg goes on', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, backend('main', mock));
  const interrupted = await top(b, daemon);
  await interrupted.shows(/q quit/);
  interrupted.keys('\x03');
  assert.equal(await interrupted.ended, 0);
  await isUsual(interrupted);
  const terminated = await top(b, daemon);
  await terminated.shows(/q quit/);
  terminated.signal(15);
  assert.equal(await terminated.ended, -15);
  await isUsual(terminated);
  const shell = await Terminal.start(b, ['bash', '--norc', '-i'], { env: { CLASP_CONTROL_SOCKET: daemon.control } });
  await shell.shows(/[#$]$/);
  shell.keys(`${kCtl} top\r`);
  await shell.shows(/q quit/);
  shell.keys('\x1a');
  await shell.shows((grid) => !grid.alternate && /Stopped/.test(grid.text));
  assert.deepEqual([shell.grid.cursorShown, (await shell.modes()).lines !== undefined], [true, true]);
  shell.keys('fg\r');
  await shell.shows((grid) => grid.alternate && /q quit/.test(grid.text));
  shell.keys('q');
  await shell.shows((grid) => !grid.alternate && /[#$]$/.test(grid.text));
  shell.keys('echo "status $?"\r');
  await shell.shows(/\nstatus 0/);
  shell.keys('exit\r');
  await shell.ended;
});

test('a picture that does not change is not drawn again; colours are for terminals that want them', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, backend('main', mock));
  await b.client(daemon.url).message(ask('x'));
  const terminal = await top(b, daemon, ['--interval', '0.5']);
  await terminal.shows(/q quit/);
  const looks = (grid) => new Set(grid.cells.flat().map((cell) => cell.look));
  assert.ok(looks(terminal.grid).has('32'), 'a healthy backend is green');
  await sleep(1500);
  const { bytes } = terminal;
  await sleep(2000);
  // The seconds it is up, and what memory does: far from whole screens.
  assert.ok(terminal.bytes - bytes < 1500, `${terminal.bytes - bytes} bytes in two seconds`);
  terminal.keys('q');
  await terminal.ended;
  const plain = await top(b, daemon, [], { env: { NO_COLOR: '1' } });
  await plain.shows(/q quit/);
  assert.deepEqual([...looks(plain.grid)], ['']);
  plain.keys('q');
  await plain.ended;
});

test('without a terminal: one picture as text, or an object an interval', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, backend('main', mock));
  const client = b.client(daemon.url);
  const run = (...args) => new Promise((resolve) => execFile(kCtl, ['top', ...args], { env: { PATH: process.env.PATH, CLASP_CONTROL_SOCKET: daemon.control }, timeout: 20_000 },
    (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr })));
  const text = await run('--interval', '0.2');
  assert.equal(text.code, 0);
  assert.match(text.stdout, /^clasp \S+ {2}healthy[^]*\nBACKEND[^]*\nmain +[^]*\nCLIENT[^]*\nIN FLIGHT/);
  assert.ok(!/\x1b|q quit/.test(text.stdout));
  const lines = [];
  const child = spawn(kCtl, ['top', '--json', '--interval', '0.5'], { env: { PATH: process.env.PATH, CLASP_CONTROL_SOCKET: daemon.control } });
  const ended = new Promise((resolve) => child.on('close', resolve));
  b.atEnd(() => { child.kill('SIGKILL'); });
  let rest = '';
  child.stdout.on('data', (d) => { const parts = (rest + d).split('\n'); rest = parts.pop(); lines.push(...parts.map((line) => JSON.parse(line))); });
  await until(() => lines.length > 0, 8000, 'the first object');
  for (let i = 0; i < 5; ++i) await client.message(ask('x'));
  const counted = () => lines.reduce((sum, one) => sum + one.requests_per_second * one.interval_ms / 1000, 0);
  await until(() => counted() > 4.9, 8000, 'all five in the rates');
  child.kill('SIGINT');
  assert.equal(await ended, 0);
  assert.ok(counted() < 5.1, `${counted()} requests were counted`);
  for (const one of lines) {
    assert.deepEqual(Object.keys(one).slice(0, 6), ['time', 'interval_ms', 'state', 'version', 'pid', 'uptime_ms']);
    assert.equal(one.pid, daemon.pid);
    assert.ok(one.interval_ms >= 450);
    assert.deepEqual([one.backends[0].name, one.queue], ['main', null]);
  }
  assert.ok(lines.some((one) => one.p50_ms > 0 && one.p95_ms >= one.p50_ms && one.output_tokens_per_second > 0));
  assert.equal(lines.at(-1).clients[0].requests, 5);
  const two = await run('--json', '--count', '2', '--interval', '0.1');
  assert.equal(two.stdout.trim().split('\n').length, 2);
  for (const wrong of [['--interval', '0'], ['--interval', 'x'], ['--count', '0'], ['--count'], ['--interval', '99999'], ['now']]) {
    const answer = await run(...wrong);
    assert.deepEqual([answer.code, answer.stdout], [2, ''], wrong.join(' '));
  }
  const nobody = await new Promise((resolve) => execFile(kCtl, ['top', '--socket', '/nowhere/x.sock'], (error) => resolve(error.code)));
  assert.equal(nobody, 3);
});
