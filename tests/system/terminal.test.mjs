// claspctl as somebody at a terminal uses it: tail that runs, names after TAB, tables that fit.
import { readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { kBinary } from './lib/daemon.mjs';
import { fail, say, sse } from './lib/mock.mjs';
import { completionChunks } from './lib/chunks.mjs';
import { sleep } from './lib/scale.mjs';
import { Terminal } from './lib/terminal.mjs';

const kCtl = `${kBinary}ctl`;
const kCompletions = path.join(import.meta.dirname, '../../completions');
const backend = (name, mock) => `[backend ${name}]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n`;
const kClients = ['ann', 'bob'].map((name) => `[client ${name}]\nkey_hash = sha256:${(name === 'ann' ? 'a' : 'b').repeat(64)}\n`).join('');

async function start(b, config) {
  const daemon = await b.daemon({ config, args: ['-workers', '2'], env: { CLASP_CONTROL_SOCKET: null, XDG_RUNTIME_DIR: null, RUNTIME_DIRECTORY: b.folder() } });
  daemon.control = path.join(b.folder(), 'control.sock');
  return daemon;
}

// A shell in which claspctl is a command with completion, and has a short prompt.
async function shell(b, daemon, program, { columns = 100 } = {}) {
  const env = { HOME: b.folder(), CLASP_CONTROL_SOCKET: daemon.control, PATH: `${path.dirname(kBinary)}:${process.env.PATH}` };
  const terminal = await Terminal.start(b, program, { columns, env, cwd: b.folder() });
  await terminal.shows(/[#$%] ?$/);
  return terminal;
}

test('tail: lines as requests end, those that were asked for; Ctrl-C ends it with 0', async (b) => {
  const mock = await b.mock((request) => (request.body.model === 'bad' ? fail(400, 'no') : say('hello')), { rules: 'compatible' });
  const daemon = await start(b, backend('main', mock));
  const client = b.client(daemon.url);
  const all = await Terminal.start(b, [kCtl, 'tail'], { env: { CLASP_CONTROL_SOCKET: daemon.control } });
  const failed = await Terminal.start(b, [kCtl, 'tail', 'errors=1', 'backend=ma*'], { env: { CLASP_CONTROL_SOCKET: daemon.control } });
  // They say nothing before the first line.
  for (let i = 0; i < 60 && !(all.text && failed.text); ++i, await sleep(100)) {
    await client.message(ask('1', { model: 'first' }));
    await client.post('/v1/messages', ask('2', { model: 'bad' }));
  }
  await client.message(ask('1', { model: 'first' }));
  await all.shows(/^\d\d:\d\d:\d\d 200 .* in .* out {2}127\.0\.0\.1:\d+ {2}first > main\/first$/m);
  await all.shows(/ 400 .*bad > main\/bad/);
  await failed.shows(/ 400 .*bad/);
  assert.ok(!/first/.test(failed.text), failed.text);
  assert.ok(all.grid.cells.flat().some((cell) => cell.look === '32' && cell.text === '2'), 'a good status is green');
  for (const terminal of [all, failed]) {
    terminal.keys('\x03');
    assert.equal(await terminal.ended, 0);
    assert.deepEqual(terminal.grid.unknown, []);
  }
});

// All tables, one below the other. A line that is too wide would go on in the next one.
async function tables(b, daemon, columns) {
  const commands = ['status', 'backends', 'exchanges', 'breakers', 'queue', 'keys', 'limits', 'costs', 'config show', 'commands'];
  const script = commands.map((words) => `echo "== ${words}"; "$0" ${words}`).join('; ');
  const terminal = await Terminal.start(b, ['sh', '-c', script, kCtl], { columns, rows: 200, env: { CLASP_CONTROL_SOCKET: daemon.control } });
  assert.equal(await terminal.ended, 0);
  return terminal.text.split('\n== ').map((text) => ({ text, lines: text.split('\n').length }));
}

test('tables fit 80 columns, whatever is in them; in a pipe they are whole', async (b) => {
  const model = 'anthropic/claude-sonnet-4-5-20250929-thinking-深層模型';
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const mock = await b.mock(() => (exchange) => {
    const chunks = completionChunks({ text: 'hello world, here I am' });
    return sse([...chunks.slice(0, 3), () => Promise.race([held, exchange.gone.promise]), ...chunks.slice(3)])(exchange);
  }, { rules: 'compatible' });
  const name = 'a-backend-with-a-really-long-name';
  const daemon = await start(b, `${backend(name, mock)}${backend('short', mock)}[circuit_breaker]\nenabled = yes\n[queue]\nenabled = yes\n`);
  const client = b.client(daemon.url);
  const stream = await client.stream(ask('1', { model }));
  await stream.next('content_block_delta');
  const wide = await tables(b, daemon, 400);
  const narrow = await tables(b, daemon, 80);
  assert.equal(narrow.length, wide.length);
  narrow.forEach(({ text, lines }, i) => assert.equal(lines, wide[i].lines, text));
  const list = await Terminal.start(b, [kCtl, 'exchanges'], { env: { CLASP_CONTROL_SOCKET: daemon.control } });
  await list.ended;
  assert.match(list.text, /^ID +CLIENT +MODEL/);
  assert.ok(list.text.includes(stream.headers['request-id']) && list.text.includes('…'), list.text);
  const piped = spawnSync(kCtl, ['exchanges'], { env: { CLASP_CONTROL_SOCKET: daemon.control }, encoding: 'utf8' }).stdout;
  assert.ok(piped.includes(model) && piped.includes(name) && !piped.includes('…'), piped);
  release();
  await stream.done();
});

// Types, presses TAB (twice), and gives what stands there then.
async function press(terminal, line, wanted, tabs = '\t') {
  terminal.keys('\x15');
  await sleep(100);
  terminal.keys(`${line}${tabs}`);
  await terminal.shows(wanted);
}

test('bash: TAB offers commands, names of the running daemon, and nothing when there is none', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, backend('eastern', mock) + backend('western', mock) + kClients);
  const terminal = await shell(b, daemon, ['bash', '--norc', '-i']);
  terminal.keys(`source ${kCompletions}/claspctl.bash\r`);
  await press(terminal, 'claspctl stat', /claspctl status$/);
  await press(terminal, 'claspctl backends dis', /claspctl backends disable$/);
  await press(terminal, 'claspctl backends disable e', /claspctl backends disable eastern$/);
  await press(terminal, 'claspctl breakers trip w', /claspctl breakers trip western$/);
  await press(terminal, 'claspctl tail backend=w', /claspctl tail backend=western$/);
  await press(terminal, 'claspctl tail cli', /claspctl tail client=$/);
  await press(terminal, 'claspctl tail client=', /\nann +bob *\n/, '\t\t');
  await press(terminal, 'claspctl log-level set wa', /claspctl log-level set warn$/);
  await press(terminal, 'claspctl top --int', /claspctl top --interval$/);
  await press(terminal, 'claspctl backends --js', /claspctl backends --json$/);
  terminal.keys('\x15export CLASP_CONTROL_SOCKET=/nowhere/x.sock\r');
  await press(terminal, 'claspctl backends show e', /claspctl backends show e$/, '\t\t');
  await sleep(300);
  assert.match(terminal.text, /claspctl backends show e$/);
  assert.ok(!/no daemon|\/nowhere\/x\.sock;/.test(terminal.text), terminal.text);
  terminal.keys('\x15exit\r');
  await terminal.ended;
});

test('bash: TAB waits a second for a daemon that hangs, not longer', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, backend('eastern', mock));
  const terminal = await shell(b, daemon, ['bash', '--norc', '-i']);
  terminal.keys(`source ${kCompletions}/claspctl.bash\r`);
  await press(terminal, 'claspctl stat', /claspctl status$/);
  daemon.signal('SIGSTOP');
  try {
    const begun = performance.now();
    terminal.keys('\x15claspctl backends show e\tX');
    await terminal.shows(/claspctl backends show eX$/);
    assert.ok(performance.now() - begun < 4000);
  } finally {
    daemon.signal('SIGCONT');
  }
  terminal.keys('\x15exit\r');
  await terminal.ended;
});

const hasZsh = spawnSync('zsh', ['--version']).status === 0;
test('zsh: TAB offers the same, --json too', { skip: !hasZsh && 'there is no zsh' }, async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, backend('eastern', mock) + backend('western', mock) + kClients);
  writeFileSync(path.join(b.folder(), '.zshrc'), `fpath=(${kCompletions} $fpath)\nautoload -Uz compinit && compinit -u -d ${b.folder()}/dump\nPS1='%% '\nunset zle_bracketed_paste\n`);
  const terminal = await shell(b, daemon, ['zsh', '-i']);
  await press(terminal, 'claspctl stat', /claspctl status *$/);
  await press(terminal, 'claspctl backends show w', /claspctl backends show western *$/);
  await press(terminal, 'claspctl tail client=b', /claspctl tail client=bob *$/);
  await press(terminal, 'claspctl status --js', /claspctl status --json *$/);
  await press(terminal, 'claspctl queue --soc', /claspctl queue --socket *$/);
  terminal.keys('\x15exit\r');
  await terminal.ended;
});
