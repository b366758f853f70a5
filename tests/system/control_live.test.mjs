// What an operator sees and does while requests run: exchanges, draining, limits, costs, tail.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import http from 'node:http';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { kBinary } from './lib/daemon.mjs';
import { fail, say, sse } from './lib/mock.mjs';
import { completionChunks } from './lib/chunks.mjs';
import { sleep, until } from './lib/scale.mjs';

const kCtl = `${kBinary}ctl`;
const kConfig = (mock, more = '') => `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${more}`;

function ctl(daemon, ...args) {
  const env = { PATH: process.env.PATH, CLASP_CONTROL_SOCKET: daemon.control };
  return new Promise((resolve) => execFile(kCtl, args, { env, timeout: 30_000 }, (error, stdout, stderr) =>
    resolve({ code: error ? error.code : 0, stdout, stderr, json: args.includes('--json') ? JSON.parse(stdout || 'null') : undefined })));
}

async function start(b, mock, more = '', { args = [] } = {}) {
  const daemon = await b.daemon({ config: kConfig(mock, more), args: ['-workers', '2', ...args], env: { CLASP_CONTROL_SOCKET: null, XDG_RUNTIME_DIR: null, RUNTIME_DIRECTORY: b.folder() } });
  daemon.control = path.join(b.folder(), 'control.sock');
  return daemon;
}

// A backend whose answers begin and end when release() is called; those that ask for it whole wait.
function holding() {
  const held = {};
  held.open = new Promise((resolve) => { held.release = resolve; });
  held.answer = async (exchange) => {
    if (!exchange.request.body.stream) {
      await Promise.race([held.open, exchange.gone.promise]);
      return exchange.gone.now ? undefined : say('whole')(exchange);
    }
    const chunks = completionChunks({ text: 'hello world, here I am' });
    return sse([...chunks.slice(0, 3), () => Promise.race([held.open, exchange.gone.promise]), ...chunks.slice(3)])(exchange);
  };
  return held;
}

test('exchanges: listed by age over all workers, shown, cancelled with an error of their kind', async (b) => {
  const held = holding();
  const mock = await b.mock(() => held.answer, { rules: 'compatible' });
  const daemon = await start(b, mock);
  const client = b.client(daemon.url);
  assert.equal((await ctl(daemon, 'exchanges')).stdout, 'no requests in flight\n');
  const stream = await client.stream(ask('1'));
  await stream.next('content_block_delta');
  const plain = client.message(ask('2'));
  await until(() => mock.chats.length === 2, 5000, 'both at the backend');
  const { exchanges, silent_workers: silent } = (await ctl(daemon, 'exchanges', '--json')).json;
  assert.equal(silent, 0);
  assert.equal(exchanges.length, 2);
  const [first, second] = exchanges;
  assert.equal(first.id, stream.headers['request-id']);
  assert.ok(first.age_ms >= second.age_ms);
  assert.deepEqual([first.phase, first.stream, first.backend, first.attempts, first.cache], ['answering', true, 'custom', 1, 'off']);
  assert.deepEqual([second.phase, second.stream, second.bytes_out], ['calling', false, 0]);
  assert.ok(first.bytes_out > 100);
  assert.match(first.client, /^127\.0\.0\.1:/);
  assert.match((await ctl(daemon, 'exchanges')).stdout, /^ID +CLIENT +MODEL +BACKEND +PHASE +AGE +SENT\nreq_.*answering, stream.*\nreq_.*calling/);
  assert.equal((await ctl(daemon, 'exchanges', 'show', second.id, '--json')).json.model, ask('').model);
  assert.equal((await ctl(daemon, 'exchanges', 'cancel', first.id)).stdout, '1 request ended\n');
  assert.equal((await stream.done()).checker.events.at(-1).data.error.type, 'overloaded_error');
  assert.equal((await ctl(daemon, 'exchanges', 'cancel', second.id, '--json')).json.cancelled, 1);
  const ended = await plain;
  assert.deepEqual([ended.status, ended.json.error.type, ended.headers['x-should-retry']], [529, 'overloaded_error', 'true']);
  for (const word of ['show', 'cancel']) {
    const gone = await ctl(daemon, 'exchanges', word, first.id);
    assert.deepEqual([gone.code, gone.stderr], [1, 'claspctl: no such request is running; it may be over by now\n']);
  }
  await until(() => mock.aborted === 2, 5000, 'the backend is let go');
});

test('backends disable ends what the backend answers, and that alone', async (b) => {
  const held = holding();
  const mock = await b.mock(() => held.answer, { rules: 'compatible' });
  const other = await b.mock(() => held.answer, { rules: 'compatible' });
  const daemon = await start(b, mock, `[backend other]\nprovider = custom\nbase_url = ${other.url}\napi_key = ${other.key}\n[route mine]\ncandidates = other/own\n`);
  const client = b.client(daemon.url);
  const one = await client.stream(ask('1'));
  const two = await client.stream(ask('2', { model: 'mine' }));
  await one.next('content_block_delta');
  await two.next('content_block_delta');
  const { json } = await ctl(daemon, 'backends', 'disable', 'custom', '--json');
  assert.deepEqual([json.admin, json.ended], ['disabled', 1]);
  assert.equal((await one.done()).checker.events.at(-1).data.error.type, 'overloaded_error');
  held.release();
  assert.equal((await two.done()).checker.events.at(-1).event, 'message_stop');
  assert.equal((await ctl(daemon, 'backends', 'enable', 'custom')).code, 0);
});

test('backends drain waits until the backend is idle, or says that it is not', async (b) => {
  const held = holding();
  const mock = await b.mock(() => held.answer, { rules: 'compatible' });
  const daemon = await start(b, mock);
  const client = b.client(daemon.url);
  const stream = await client.stream(ask('1'));
  await stream.next('content_block_delta');
  const late = await ctl(daemon, 'backends', 'drain', 'custom', '0');
  assert.equal(late.code, 4);
  assert.match(late.stderr, /custom takes nothing new, and is still answering 1 request;/);
  const refused = await client.message(ask('2'));
  assert.equal(refused.status, 503);
  let idle = false;
  const waiting = ctl(daemon, 'backends', 'drain', 'custom', '20', '--json').then((told) => { idle = true; return told; });
  await sleep(300);
  assert.equal(idle, false);
  held.release();
  assert.equal((await stream.done()).checker.events.at(-1).event, 'message_stop');
  const told = await waiting;
  assert.deepEqual([told.code, told.json.admin, told.json.in_flight], [0, 'draining', 0]);
  assert.equal((await ctl(daemon, 'backends', 'drain', 'custom', 'soon')).code, 1);
  assert.equal((await ctl(daemon, 'backends', 'drain', 'nobody')).code, 1);
  assert.equal((await ctl(daemon, 'backends', 'enable', 'custom')).code, 0);
});

test('drain: load balancers are told, new messages refused, running ones finished; undrain takes it back', async (b) => {
  const held = holding();
  const mock = await b.mock(() => held.answer, { rules: 'compatible' });
  const daemon = await start(b, mock);
  const client = b.client(daemon.url);
  const stream = await client.stream(ask('1'));
  await stream.next('content_block_delta');
  const { json } = await ctl(daemon, 'drain', '--json');
  assert.deepEqual([json.draining, json.running], [true, 1]);
  assert.ok(json.deadline_ms > 20_000 && json.deadline_ms <= 30_000);
  assert.match((await ctl(daemon, 'drain')).stdout, /^out of service, 1 request still runs; they are ended in \d/);
  assert.match((await ctl(daemon, 'status')).stdout, /: draining, up/);
  for (const [page, status] of [['/health', 503], ['/readyz', 503], ['/healthz', 200], ['/v1/models', 200]])
    assert.equal((await client.get(page, { foreign: true })).status, status, page);
  assert.equal((await client.get('/health', { foreign: true })).json.status, 'draining');
  const refused = await client.message(ask('2'));
  assert.deepEqual([refused.status, refused.json.error.type], [529, 'overloaded_error']);
  assert.deepEqual([refused.headers['x-should-retry'], refused.headers.connection], ['true', 'close']);
  assert.equal(mock.chats.length, 1);
  assert.equal((await ctl(daemon, 'reload')).code, 0);
  assert.equal((await client.message(ask('3'))).status, 529, 'a reload does not put it back');
  held.release();
  assert.equal((await stream.done()).checker.events.at(-1).event, 'message_stop');
  assert.equal((await ctl(daemon, 'undrain')).stdout, 'in service\n');
  assert.equal((await client.get('/readyz')).status, 200);
  assert.equal((await client.message(ask('4'))).status, 200);
});

test('drain: at the deadline streams are ended with an error event, and SIGTERM still works', async (b) => {
  const held = holding();
  const mock = await b.mock(() => held.answer, { rules: 'compatible' });
  const daemon = await start(b, mock, '[timeouts]\ndrain = 1\n');
  const client = b.client(daemon.url);
  const stream = await client.stream(ask('1'));
  await stream.next('content_block_delta');
  const started = performance.now();
  assert.equal((await ctl(daemon, 'drain')).code, 0);
  assert.equal((await stream.done()).checker.events.at(-1).data.error.type, 'overloaded_error');
  assert.ok(performance.now() - started > 800);
  assert.equal((await client.get('/readyz', { foreign: true })).status, 503);
  daemon.signal('SIGTERM');
  assert.equal((await daemon.ended).code, 0);
});

// Runs claspctl tail and collects its lines.
function tail(b, daemon, ...args) {
  const child = spawn(kCtl, ['tail', ...args], { env: { PATH: process.env.PATH, CLASP_CONTROL_SOCKET: daemon.control, TZ: 'UTC' } });
  const told = { lines: [], stderr: '' };
  let rest = '';
  child.stdout.on('data', (d) => { rest += d; const parts = rest.split('\n'); rest = parts.pop(); told.lines.push(...parts); });
  child.stderr.on('data', (d) => { told.stderr += d; });
  told.ended = new Promise((resolve) => child.on('close', (code) => resolve(code)));
  told.interrupt = () => child.kill('SIGINT');
  b.atEnd(() => { child.kill('SIGKILL'); });
  return told;
}

// A connection that reads what it wants to.
function watch(daemon, target) {
  return new Promise((resolve, reject) => {
    const call = http.request({ socketPath: daemon.control, path: target }, resolve);
    call.on('error', reject);
    call.end();
  });
}

const kClients = (names) => `[auth]\nenabled = yes\n${names.map((name) => `[client ${name}]\nkey_hash = sha256:${createHash('sha256').update(`key-of-${name}`).digest('hex')}\n`).join('')}`;
const as = (name) => ({ headers: { 'x-api-key': `key-of-${name}` } });

test('tail: requests as they end, as text and as JSON, filtered; Ctrl-C is no failure', async (b) => {
  const mock = await b.mock((request) => (request.body.messages.at(-1).content === 'bad' ? fail(400, 'no such thing') : say('hello')), { rules: 'compatible' });
  const daemon = await start(b, mock, kClients(['ann', 'bob']));
  const client = b.client(daemon.url);
  const text = tail(b, daemon), json = tail(b, daemon, '--json', 'client=ann'), errors = tail(b, daemon, 'errors=1', '--json'), models = tail(b, daemon, 'model=special*', '--json');
  // Each of them is there once a request shows in it.
  await until(async () => {
    await client.message(ask('warm', { model: 'special-one' }), as('ann'));
    await client.message(ask('bad', { model: 'special-one' }), as('ann'));
    return [text, json, errors, models].every((one) => one.lines.length > 0);
  }, 10_000, 'all tails');
  await sleep(300); // the lines of those come before the count
  const before = [text, json, errors, models].map((one) => one.lines.length);
  const answer = await client.message(ask('1'), as('ann'));
  await client.message(ask('2'), as('bob'));
  const refused = await client.message(ask('bad'), as('bob'));
  await until(() => text.lines.length >= before[0] + 3 && json.lines.length >= before[1] + 1 && errors.lines.length >= before[2] + 1, 5000, 'the lines');
  await sleep(100);
  assert.deepEqual([text, json, errors, models].map((one, i) => one.lines.length - before[i]), [3, 1, 1, 0]);
  assert.match(text.lines.at(-3), /^\d\d:\d\d:\d\d 200 .* \d+ in +\d+ out  ann  claude-3-5-sonnet-20241022 > custom\//);
  assert.match(text.lines.at(-1), / 400 .*  bob  .*no such thing/);
  const line = JSON.parse(json.lines.at(-1));
  assert.deepEqual([line.id, line.client_name, line.status, line.outcome, line.backend], [answer.headers['request-id'], 'ann', 200, 'completed', 'custom']);
  assert.ok(line.input_tokens > 0 && line.output_tokens > 0 && line.total_ms >= 0);
  assert.equal(JSON.parse(errors.lines.at(-1)).id, refused.headers['request-id']);
  for (const one of [text, json, errors, models]) {
    one.interrupt();
    assert.deepEqual([await one.ended, one.stderr], [0, '']);
  }
  assert.equal((await ctl(daemon, 'tail', 'clinet=ann')).code, 2);
  const rest = tail(b, daemon);
  await until(async () => { await client.message(ask('x'), as('ann')); return rest.lines.length > 0; }, 10_000, 'a line');
  daemon.signal('SIGTERM');
  assert.equal(await rest.ended, 3);
  assert.match(rest.stderr, /the daemon has ended/);
});

test('tail: who reads too slowly loses lines and is told how many, and nobody else notices', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await start(b, mock);
  const client = b.client(daemon.url);
  const slow = await watch(daemon, '/v1/tail');
  slow.pause();
  const model = `m${'x'.repeat(490)}`;
  const count = 900;
  for (let i = 0; i < count; i += 30) await Promise.all(Array.from({ length: 30 }, () => client.message(ask('x', { model }))));
  let text = '';
  slow.on('data', (d) => { text += d; });
  slow.resume();
  const lines = () => text.split('\n').slice(0, -1).map((line) => JSON.parse(line));
  await until(async () => { await client.message(ask('x')); return lines().some((line) => line.lost); }, 10_000, `the word about lost lines, ${text.length} bytes`);
  const first = lines().findIndex((line) => line.lost);
  assert.equal(first + lines()[first].lost >= count, true, `${first} lines and ${lines()[first].lost} lost`);
  assert.equal((await ctl(daemon, 'status')).code, 0);
  slow.destroy();
});

test('limits, keys and costs: as text and as JSON, never a key or a hash', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const more = `${kClients(['ann', 'bob'])}models = claude-*\ndaily_budget = 5\n[rate_limit]\nenabled = yes\nrequests = 100\nper = client\n[price claude-*]\ninput = 1000\noutput = 1000\n`;
  const daemon = await start(b, mock, more);
  const client = b.client(daemon.url);
  await client.message(ask('1'), as('ann'));
  await client.message(ask('2'), as('ann'));
  const limits = (await ctl(daemon, 'limits', '--json')).json;
  const ann = limits.limits.find((one) => one.name === 'ann');
  assert.deepEqual([limits.enabled, limits.scope, ann.kind, ann.requests_limit, ann.running], [true, 'client', 'client', 100, 0]);
  assert.ok(ann.requests_left < ann.requests_burst + 1);
  assert.match((await ctl(daemon, 'limits')).stdout, /client ann +\d+\/100 +- +0\n[^]*refused: 0 by requests/);
  const keys = (await ctl(daemon, 'keys', '--json')).json;
  assert.deepEqual(keys.clients.map((one) => [one.name, one.keys, one.models]), [['ann', 1, []], ['bob', 1, ['claude-*']]]);
  assert.match((await ctl(daemon, 'keys')).stdout, /ann +1 +- +never +all\nbob +1 +- +never +claude-\*/);
  const costs = (await ctl(daemon, 'costs', '--json')).json;
  assert.equal(costs.total_requests, 2);
  assert.equal(costs.by_client.ann.requests, 2);
  assert.match((await ctl(daemon, 'costs')).stdout, /for 2 requests since [^]*ann +\$\d[^]*BUDGET OF[^]*bob +daily +\$5\.0000/);
  for (const command of ['limits', 'keys', 'costs'])
    for (const flags of [[], ['--json']]) {
      const { stdout } = await ctl(daemon, command, ...flags);
      assert.ok(!/key-of|[0-9a-f]{16}/.test(stdout), stdout);
    }
});
