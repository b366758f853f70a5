// Starting, refusing to start, ending; and the demo backend that needs no key.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { test, assert } from './lib/harness.mjs';
import { ask, kModel } from './lib/client.mjs';
import { freePort, runOnce } from './lib/daemon.mjs';
import { hang, pause, say, sse } from './lib/mock.mjs';
import { chunk, usageChunk } from './lib/chunks.mjs';
import { atMost, sleep, until, within } from './lib/scale.mjs';

test('-version and -help', async () => {
  const version = await runOnce(['-version']);
  assert.equal(version.code, 0);
  assert.match(version.stdout, /^clasp \d+\.\d+/);
  const help = await runOnce(['-help']);
  assert.equal(help.code, 0);
  for (const flag of ['-port', '-provider', '-model', '-debug']) assert.match(help.stdout, new RegExp(`^ *${flag}\\b`, 'm'));
  assert.equal(help.stderr, '');
});

// [what, args, env, config, exit code, pattern of the message]
const kRefused = [
  ['an unknown flag', ['-frobnicate'], {}, '', 2, /frobnicate/],
  ['a flag without its value', ['-port'], {}, '', 2, /-port/],
  ['a port that is none', ['-port', '99999', '-provider', 'demo'], {}, '', 2, /-port|99999/],
  ['a stray word', ['serve'], {}, '', 2, /serve/],
  ['nothing configured', [], {}, '', 78, /OPENAI_API_KEY[\s\S]*-provider demo/],
  ['a provider without its key', ['-provider', 'openai'], {}, '', 78, /OPENAI_API_KEY/],
  ['a custom provider without its address', ['-provider', 'custom'], {}, '', 78, /CUSTOM_BASE_URL/],
  ['an unknown provider', ['-provider', 'opnai'], {}, '', null, /openai/],
  ['a boolean that is none', ['-provider', 'demo'], { CLASP_DEBUG: 'maybe' }, '', 78, /CLASP_DEBUG/],
  ['a number that is none', ['-provider', 'demo'], { CLASP_PORT: 'http' }, '', 78, /CLASP_PORT/],
  ['an address that is none', ['-provider', 'custom'], { CUSTOM_BASE_URL: 'localhost' }, '', 78, /CUSTOM_BASE_URL/],
  ['an unknown key in the file', ['-provider', 'demo'], {}, '[server]\nprot = 80\n', 78, /clasp\.conf:2.*prot/],
  ['a file that does not exist', ['-provider', 'demo', '-config', '/nonexistent/clasp.conf'], {}, '', 78, /nonexistent/],
  ['a listen address that is none', ['-provider', 'demo', '-listen', 'nowhere:x'], {}, '', null, /nowhere/],
];
test('configurations that are refused, with the reason', { limit: 60_000 }, async (b) => {
  for (const [what, args, env, config, code, pattern] of kRefused) {
    const run = await runOnce(args, { env, config });
    if (code === null ? ![2, 78].includes(run.code) : run.code !== code) b.problem(`${what}: exit code ${run.code}, signal ${run.signal}, expected ${code}: ${run.stderr}`);
    if (!pattern.test(run.stderr)) b.problem(`${what}: says ${run.stderr}`);
    if (run.stdout !== '') b.problem(`${what}: writes to stdout: ${run.stdout}`);
  }
});

test('a key never shows in a message', async () => {
  const key = 'sk-verysecret0123456789';
  for (const [args, env] of [[['-provider', 'openai', '-port', 'x'], { OPENAI_API_KEY: key }], [['-provider', 'openai', '-check'], { OPENAI_API_KEY: key, OPENAI_BASE_URL: 'nonsense' }],
    [['-api-key', key, '-provider', 'nobody'], {}]]) {
    const run = await runOnce(args, { env });
    assert.ok(!(run.stderr + run.stdout).includes('verysecret'), run.stderr);
  }
});

test('-check says whether a configuration is good', async () => {
  const good = await runOnce(['-check', '-provider', 'demo']);
  assert.equal(good.code, 0, good.stderr);
  const bad = await runOnce(['-check'], { config: '[backend]\nprovider = openai\n' });
  assert.equal(bad.code, 78);
});

test('a port that is taken', async () => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  try {
    const run = await runOnce(['-provider', 'demo', '-port', String(port)]);
    assert.equal(run.code, 1);
    assert.match(run.stderr, new RegExp(`${port}`));
    assert.match(run.stderr, /in use/i);
  } finally {
    server.close();
  }
});

test('the log says where it listens', async (b) => {
  const daemon = await b.daemon({ args: ['-provider', 'demo'] });
  await until(() => /listening/.test(daemon.stderr), 2000, 'the log line');
  assert.match(daemon.stderr, new RegExp(`listening on .*127\\.0\\.0\\.1:${daemon.port}`));
  assert.equal(daemon.stdout, '');
});

test('a configuration file instead of flags, the flags win', async (b) => {
  const mock = await b.mock(() => say('from the file'), { rules: 'compatible' });
  const config = `# comment\n[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n\n[models]\ndefault = file-model\nhaiku = small-model\n\n[aliases]\nfast = quick-model\n`;
  const daemon = await b.daemon({ config });
  const client = b.client(daemon.url);
  for (const [asked, used] of [[kModel, 'file-model'], ['claude-haiku-4-5', 'small-model'], ['fast', 'quick-model']]) {
    await client.message(ask('x', { model: asked }));
    assert.equal(mock.last.body.model, used);
  }
  const other = await b.daemon({ config, args: ['-model', 'flag-model'] });
  await b.client(other.url).message(ask('x'));
  assert.equal(mock.last.body.model, 'flag-model');
});

test('tiers and aliases from the environment', async (b) => {
  const { client, mock } = await b.front(() => say('x'), { model: 'rest', provider: 'custom',
    env: { CLASP_MODEL_OPUS: 'big', CLASP_MODEL_SONNET: 'medium', CLASP_MODEL_HAIKU: 'small', CLASP_MODEL_ALIASES: 'mine:yours' } });
  for (const [asked, used] of [['claude-opus-4-1', 'big'], ['claude-sonnet-4-5[1m]', 'medium'], ['claude-3-5-haiku-latest', 'small'], ['mine', 'yours'], ['else', 'rest']]) {
    const { json } = await client.message(ask('x', { model: asked }));
    assert.equal(mock.last.body.model, used, asked);
    assert.equal(json.model, asked.replace('[1m]', ''));
  }
});

test('no request or key in the log at its usual level; all of it with -debug, without the key', async (b) => {
  const word = 'xylophone-prompt', answer = 'marimba-answer';
  for (const debug of [false, true]) {
    const { client, daemon, mock } = await b.front(() => say(answer), { args: debug ? ['-debug'] : [] });
    await client.message(ask(word));
    await client.wholeStream(ask(word));
    await until(() => /outcome=completed[\s\S]*outcome=completed/.test(daemon.stderr), 2000, 'two lines in the log');
    for (const text of [word, answer]) assert.equal(daemon.stderr.includes(text), debug, `${text}: ${daemon.stderr}`);
    for (const secret of [mock.key, 'test-client']) assert.ok(!daemon.stderr.includes(secret), 'a key is in the log');
  }
});

test('the demo: plain, streamed, and a tool called by name', async (b) => {
  const daemon = await b.daemon({ args: ['-provider', 'demo'] });
  const client = b.client(daemon.url);
  const plain = await client.message(ask('Hello demo'));
  assert.equal(plain.status, 200);
  assert.match(plain.json.content[0].text, /Hello demo/);
  const stream = await client.wholeStream(ask('Hello demo'));
  assert.equal(stream.checker.text, plain.json.content[0].text);
  const tools = [{ name: 'get_weather', input_schema: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } }, required: ['city', 'days'] } }];
  for (const message of [(await client.message(ask('use get_weather for "Rome"', { tools }))).json, (await client.wholeStream(ask('use get_weather for "Rome"', { tools }))).checker.message]) {
    assert.equal(message.stop_reason, 'tool_use');
    const call = message.content.find((c) => c.type === 'tool_use');
    assert.deepEqual(call.input, { city: 'Rome', days: 1 });
    const after = await client.message({ model: kModel, max_tokens: 100, tools, messages: [{ role: 'user', content: 'use get_weather for "Rome"' },
      { role: 'assistant', content: message.content.map(({ caller, citations, ...c }) => c) }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'sunny' }] }] });
    assert.equal(after.status, 200);
    assert.equal(after.json.stop_reason, 'end_turn');
  }
});

test('-demo-if-unconfigured starts and says so', async (b) => {
  const daemon = await b.daemon({ args: ['-demo-if-unconfigured'] });
  assert.match(daemon.stderr, /NO PROVIDER IS CONFIGURED/i);
  assert.equal((await b.client(daemon.url).message(ask('x'))).status, 200);
});

const refuses = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('connect', () => { socket.destroy(); resolve(false); });
  socket.on('error', () => resolve(true));
});

test('SIGTERM: open requests finish, new ones are refused', { limit: 30_000 }, async (b) => {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const { client, daemon } = await b.front((_, i) => (i === 0
    ? sse([chunk({ content: 'before ' }), () => held, chunk({ content: 'after' }), chunk({}, { finish: 'stop' }), usageChunk()])
    : pause(700, say('plain too'))));
  const stream = await client.stream(ask('x'));
  await stream.next('content_block_delta');
  const plain = client.message(ask('y'));
  plain.catch(() => {});
  await sleep(100);
  daemon.signal('SIGTERM');
  await until(() => refuses(daemon.port), 5000, 'new connections to be refused');
  assert.equal(daemon.exit, null, 'still there for the open requests');
  assert.equal((await plain).json.content[0].text, 'plain too');
  release();
  await stream.done();
  assert.equal(stream.checker.text, 'before after');
  assert.equal(stream.checker.message.stop_reason, 'end_turn');
  assert.equal((await within(5000, daemon.ended, 'the end')).code, 0);
});

test('SIGTERM with nothing to do ends at once; SIGINT too', async (b) => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const { client, daemon } = await b.front([say('x')]);
    await client.message(ask('x')); // leaves an idle keep-alive connection
    const started = performance.now();
    daemon.signal(signal);
    assert.equal((await within(5000, daemon.ended, 'the end')).code, 0);
    assert.ok(performance.now() - started < atMost(1500), `${signal}: ${performance.now() - started} ms`);
  }
});

test('-exit-with-parent: when the starter is killed the daemon drains and ends', async (b) => {
  const daemon = await b.daemon({ args: ['-provider', 'demo', '-exit-with-parent'], wrap: ['sh', '-c', '"$@" & wait', 'sh'] });
  daemon.kill(); // the shell
  await within(5000, daemon.ended, 'the daemon to end as well, which closes its standard error');
  assert.equal(daemon.exit.signal, 'SIGKILL');
  assert.match(daemon.stderr, /stopped\n$/);
  daemon.forget();
});

test('a second signal stops at once', { limit: 20_000 }, async (b) => {
  const { client, daemon, mock } = await b.front((request) => (request.body.stream ? sse([chunk({ content: 'a' }), () => new Promise(() => {})]) : hang()));
  const stream = await client.stream(ask('x'));
  await stream.next('content_block_delta');
  const plain = client.message(ask('y')).catch((error) => ({ error }));
  await until(() => mock.chats.length === 2, 3000, 'both requests');
  daemon.signal('SIGTERM');
  await sleep(300);
  assert.equal(daemon.exit, null);
  const started = performance.now();
  daemon.signal('SIGTERM');
  assert.equal((await within(5000, daemon.ended, 'the end')).code, 0);
  assert.ok(performance.now() - started < atMost(2000));
  await stream.done();
  assert.equal(stream.checker.error?.type, 'overloaded_error');
  const answer = await plain;
  assert.equal(answer.status, 529, String(answer.error));
});

test('the drain has a deadline', { limit: 20_000 }, async (b) => {
  const { client, daemon } = await b.front([sse([chunk({ content: 'a' }), () => new Promise(() => {})])], { env: { CLASP_DRAIN_TIMEOUT: '1' } });
  const stream = await client.stream(ask('x'));
  await stream.next('content_block_delta');
  const started = performance.now();
  daemon.signal('SIGTERM');
  await within(10_000, daemon.ended, 'the end');
  assert.ok(performance.now() - started > 800 && performance.now() - started < atMost(4000));
  await stream.done();
  assert.equal(stream.checker.error?.type, 'overloaded_error');
});

const overUnix = async (file) => {
  const socket = net.connect(file);
  await once(socket, 'connect');
  socket.end('GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  let text = '';
  for await (const part of socket) text += part;
  return text;
};

test('several listen addresses, IPv6 and a Unix socket', async (b) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-socket-'));
  b.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'clasp.sock');
  const port = await freePort();
  const args = ['-provider', 'demo', '-listen', `[::1]:${port}`, '-listen', `unix:${file}`];
  const daemon = await b.daemon({ args });
  const answer = await fetch(`http://[::1]:${port}/health`).catch((error) => error);
  if (answer instanceof Error) b.problem(`IPv6: ${answer.cause ?? answer}`);
  assert.match(await overUnix(file), /^HTTP\/1\.1 200 /);
  assert.equal(statSync(file).mode & 0o007, 0, 'not for everybody');
  const second = await runOnce(['-provider', 'demo', '-listen', `unix:${file}`]);
  assert.equal(second.code, 1, 'the socket of a running daemon is not taken away');
  assert.match(await overUnix(file), /^HTTP\/1\.1 200 /);
  // One that crashed leaves the file behind; the next start is not disturbed by it.
  daemon.kill();
  await daemon.ended;
  daemon.forget();
  const next = await b.daemon({ args: args.slice(0, 2).concat(args.slice(4)) });
  assert.match(await overUnix(file), /^HTTP\/1\.1 200 /);
  assert.equal(next.exit, null);
});
