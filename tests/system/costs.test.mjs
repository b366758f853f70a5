// What was spent, as users see it: /costs, budgets, and what a restart or a crash leaves of them.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Sdk from '@anthropic-ai/sdk';
import { test, assert } from './lib/harness.mjs';
import { ask, kModel } from './lib/client.mjs';
import { pause, say } from './lib/mock.mjs';
import { usageOf } from './lib/chunks.mjs';
import { runOnce } from './lib/daemon.mjs';
import { until } from './lib/scale.mjs';

const folder = () => mkdtempSync(path.join(os.tmpdir(), 'clasp-costs-test-'));
const backend = (mock, more = '') => `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\nmodel = priced\n${more}`;
const price = '[price priced]\ninput = 1000\noutput = 2000\n';
const dollar = (b) => b.mock(() => say('hi', { usage: usageOf(500, 250) }), { rules: 'compatible' }); // one dollar each
const client = (b, daemon, key) => b.client(daemon.url, { headers: { 'x-api-key': key } });
const costsOf = async (one) => (await one.get('/costs')).json;

test('GET /costs: totals, parts, what has no price', async (b) => {
  const mock = await dollar(b);
  const daemon = await b.daemon({ config: backend(mock, `${price}[models]\nhaiku = unknown-model\n`) });
  const one = b.client(daemon.url);
  const empty = await costsOf(one);
  assert.equal(empty.total_cost_usd, 0);
  assert.deepEqual(empty.by_model, {});
  await one.message(ask('x'));
  await one.wholeStream(ask('x'));
  await one.message({ ...ask('x'), model: 'claude-haiku-4-5' });
  const costs = await costsOf(one);
  assert.deepEqual([costs.total_cost_usd, costs.total_requests, costs.total_input_tokens, costs.total_output_tokens], [2, 3, 1500, 750]);
  assert.equal(costs.by_model.priced.cost_usd, 2);
  assert.equal(costs.by_model.priced.requests, 2);
  assert.equal(costs.by_backend.custom.requests, 3);
  assert.equal(costs.by_client['(anonymous)'].cost_usd, 2);
  assert.deepEqual(costs.unpriced_models, ['unknown-model']);
  assert.equal(costs.total_unpriced_requests, 1);
  assert.match(daemon.stderr, / cost=1 /);
  assert.match(daemon.stderr, / cost=unknown /);
});

test('a local provider and the demo are free', async (b) => {
  const daemon = await b.daemon({ args: ['-provider', 'demo'] });
  const one = b.client(daemon.url);
  await one.message(ask('x'));
  const costs = await costsOf(one);
  assert.equal(costs.total_cost_usd, 0);
  assert.deepEqual(costs.unpriced_models, []);
  assert.equal(costs.total_requests, 1);
});

test('a budget: 402 billing_error that says when it is renewed; others go on; no retry of the SDK', async (b) => {
  const mock = await dollar(b);
  const config = backend(mock, `${price}[client ann]\nkey = ann-key-ann-key-ann-key\ndaily_budget = 2\nmonthly_budget = 100\n[client bob]\nkey = bob-key-bob-key-bob-key\n`);
  const daemon = await b.daemon({ config });
  const ann = client(b, daemon, 'ann-key-ann-key-ann-key'), bob = client(b, daemon, 'bob-key-bob-key-bob-key');
  assert.match(daemon.stderr, /clients have budgets, and no costs\.file is set/);
  for (let i = 0; i < 2; ++i) assert.equal((await ann.message(ask('x'))).status, 200);
  const { status, json, headers } = await ann.message(ask('x'));
  assert.equal(status, 402);
  assert.equal(json.error.type, 'billing_error');
  const midnight = new Date(); midnight.setUTCHours(24, 0, 0, 0);
  assert.equal(json.error.message, `the daily budget of $2 of client ann is used up; it is renewed at ${midnight.toISOString().replace('.000', '')}`);
  assert.equal(headers['x-should-retry'], 'false');
  assert.equal((await bob.message(ask('x'))).status, 200);
  const before = mock.chats.length;
  const sdk = new Sdk({ apiKey: 'ann-key-ann-key-ann-key', baseURL: daemon.url, maxRetries: 3 });
  await assert.rejects(sdk.messages.create({ model: kModel, max_tokens: 9, messages: [{ role: 'user', content: 'x' }] }), (error) => error.status === 402);
  assert.equal(mock.chats.length, before);
  // What is free stays free.
  assert.equal((await ann.ask('POST', '/v1/messages/count_tokens', { body: ask('x') })).status, 200);
  const costs = await costsOf(ann);
  assert.deepEqual([costs.budgets.ann.daily.spent_usd, costs.budgets.ann.daily.left_usd, costs.budgets.ann.monthly.left_usd], [2, 0, 98]);
  assert.equal(costs.budgets.bob, undefined);
  // Whoever has spent a budget uses up nothing that all share.
  const shared = await b.daemon({ config: config.replace('daily_budget = 2', 'daily_budget = 0.000001').replace('[client ann]', '[rate_limit]\nenabled = true\nrequests = 1\nwindow = 1d\nburst = 2\n[client ann]') });
  const poor = client(b, shared, 'ann-key-ann-key-ann-key'), rich = client(b, shared, 'bob-key-bob-key-bob-key');
  assert.equal((await poor.message(ask('x'))).status, 200);
  for (let i = 0; i < 5; ++i) assert.equal((await poor.message(ask('x'))).status, 402);
  for (const status of [200, 200, 429]) assert.equal((await rich.message(ask('x'))).status, status);
  // A larger one counts from the reload on.
  writeFileSync(path.join(daemon.directory, 'clasp.conf'), config.replace('daily_budget = 2', 'daily_budget = 3'));
  daemon.signal('SIGHUP');
  await until(() => daemon.stderr.includes('was loaded again'), 5000, 'the reload');
  await until(async () => (await ann.message(ask('x'))).status === 200, 3000, 'a request within the new budget');
  await until(async () => (await ann.message(ask('x'))).status === 402, 3000, 'the end of the new budget');
});

test('a restart keeps what was spent, mode 0600; a second instance does not start on the same file', async (b) => {
  const mock = await dollar(b);
  const directory = folder(), file = path.join(directory, 'costs.json');
  const config = backend(mock, `${price}[costs]\nfile = ${file}\n[client ann]\nkey = ann-key-ann-key-ann-key\ndaily_budget = 2\n`);
  const first = await b.daemon({ config });
  assert.ok(!first.stderr.includes('no costs.file is set'));
  const ann = client(b, first, 'ann-key-ann-key-ann-key');
  for (let i = 0; i < 2; ++i) await ann.message(ask('x'));
  const other = await runOnce(['-listen', '127.0.0.1:0'], { config });
  assert.notEqual(other.code, 0);
  assert.match(other.stderr, /costs\.json is in use by another process/);
  await first.stop();
  assert.equal(statSync(file).mode & 0o7777, 0o600);
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).total.requests, 2);
  const second = await b.daemon({ config });
  const again = client(b, second, 'ann-key-ann-key-ann-key');
  assert.equal((await again.message(ask('x'))).status, 402);
  assert.equal((await costsOf(again)).total_cost_usd, 2);
  rmSync(directory, { recursive: true, force: true });
});

test('systemd\'s state directory is used by itself; a kill loses the last seconds at most; a broken file is kept', { limit: 60_000 }, async (b) => {
  const mock = await dollar(b);
  const directory = folder(), file = path.join(directory, 'costs.json');
  const env = { STATE_DIRECTORY: directory };
  const config = backend(mock, price);
  const first = await b.daemon({ config, env });
  const one = b.client(first.url);
  await one.message(ask('x'));
  await until(() => JSON.parse(readFileSync(file, 'utf8')).total.requests === 1, 15_000, 'the file to be written while it runs');
  first.kill();
  await first.ended;
  first.forget();
  const second = await b.daemon({ config, env });
  assert.equal((await costsOf(b.client(second.url))).total_cost_usd, 1);
  await second.stop();
  const whole = readFileSync(file, 'utf8');
  writeFileSync(file, whole.slice(0, 40));
  const third = await b.daemon({ config, env });
  assert.match(third.stderr, /costs\.json cannot be read .* it is kept as \S*costs\.json\.broken/);
  assert.equal(readFileSync(`${file}.broken`, 'utf8'), whole.slice(0, 40));
  assert.equal((await costsOf(b.client(third.url))).total_cost_usd, 0);
  await third.stop();
  assert.deepEqual(readdirSync(directory).sort(), ['costs.json', 'costs.json.broken', 'costs.json.lock']);
  rmSync(directory, { recursive: true, force: true });
});

test('a client that leaves a stream pays for what it got', async (b) => {
  const mock = await b.mock(() => pause(0, ({ res }) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'word '.repeat(400) } }] })}\n\n`);
    return new Promise((resolve) => res.on('close', resolve));
  }), { rules: 'compatible' });
  const daemon = await b.daemon({ config: backend(mock, price) });
  const { request } = await import('node:http');
  const sent = request(`${daemon.url}/v1/messages`, { method: 'POST', headers: { 'x-api-key': 'k', 'content-type': 'application/json' } });
  sent.on('error', () => {});
  sent.on('response', (answer) => answer.on('data', (d) => { if (String(d).includes('word')) sent.destroy(); }));
  sent.end(JSON.stringify(ask('x', { stream: true })));
  const one = b.client(daemon.url);
  await until(async () => (await costsOf(one)).total_output_tokens > 300, 5000, 'the charge');
});
