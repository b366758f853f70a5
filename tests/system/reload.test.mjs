// SIGHUP: the configuration is loaded again, for what begins from then on.
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { fail, pause, say } from './lib/mock.mjs';
import { sleep, until } from './lib/scale.mjs';

const backend = (mock, more = '') => `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${more}`;
const loaded = (daemon) => daemon.stderr.split('the configuration was loaded again').length - 1;
const refused = (daemon) => daemon.stderr.split('the one before stays in force').length - 1;

async function reload(daemon, config, count = loaded) {
  const before = count(daemon);
  if (config === null) rmSync(path.join(daemon.directory, 'clasp.conf'));
  else writeFileSync(path.join(daemon.directory, 'clasp.conf'), config);
  daemon.signal('SIGHUP');
  await until(() => count(daemon) > before, 5000, 'the log line of the reload');
}

test('traffic during twenty reloads, half of them broken: no request is lost, each one gets a whole configuration', { limit: 60_000 }, async (b) => {
  const mock = await b.mock(() => pause(5, say('hello')), { rules: 'compatible' });
  const config = (n) => backend(mock, `[models]\ndefault = model-${n}\n[fallback]\nenabled = ${n % 4 === 0}\n`);
  const daemon = await b.daemon({ config: config(0), args: ['-workers', '2'] });
  const client = b.client(daemon.url);
  let running = true, answers = 0;
  const load = Array.from({ length: 8 }, async (_, i) => {
    while (running) {
      const answer = i % 2 ? (await client.wholeStream(ask('x'))).checker.text : (await client.message(ask('x'))).json.content?.[0].text;
      if (answer !== 'hello') b.problem(`an answer was ${JSON.stringify(answer)}`);
      ++answers;
    }
  });
  for (let n = 1; n <= 20; ++n) {
    if (n % 2) {
      await reload(daemon, `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\nnonsense = ${n}\n`, refused);
      assert.match(daemon.stderr, /reload: \S*clasp\.conf:5: unknown key "nonsense"/);
    } else {
      await reload(daemon, config(n));
    }
    await sleep(20);
  }
  running = false;
  await Promise.all(load);
  assert.ok(answers > 40, `only ${answers} answers`);
  await client.message(ask('x'));
  assert.equal(mock.last.body.model, 'model-20');
  assert.ok(mock.chats.every(({ body }) => /^model-(\d*[02468])$/.test(body.model)), 'a model of a broken configuration was asked for');
  assert.ok(!daemon.stderr.includes(mock.key), 'a key is in the log');
});

test('a mistake, a file that is gone, a change that needs a restart: said in the log, the service goes on', async (b) => {
  const mock = await b.mock(() => say('still here'), { rules: 'compatible' });
  const daemon = await b.daemon({ config: backend(mock) });
  const client = b.client(daemon.url);
  await reload(daemon, backend(mock, '[circuit_breaker]\nthreshold = 0\n'), refused);
  assert.match(daemon.stderr, /reload: \S*clasp\.conf:6: \[circuit_breaker\] threshold: "0" is out of range/);
  await reload(daemon, backend(mock, '[route x]\ncandidates = nobody\n'), refused);
  assert.match(daemon.stderr, /reload: \S*clasp\.conf:5: \[route x\]: there is no backend "nobody"/);
  await reload(daemon, null, refused);
  assert.match(daemon.stderr, /reload: the configuration file \S*clasp\.conf does not exist/);
  await reload(daemon, backend(mock, '[server]\nworkers = 7\n[limits]\nmax_body = 1M\n[models]\nsonnet = other\n'));
  assert.match(daemon.stderr, /these changes need a restart: server\.workers, limits\.max_body/);
  assert.equal((await client.message(ask('x'))).json.content[0].text, 'still here');
  assert.equal(mock.last.body.model, 'other');
});

test('a backend that did not change keeps its breaker; one that did begins anew', async (b) => {
  const mock = await b.mock(() => fail(500, 'broken'), { rules: 'compatible' });
  const breaker = '[circuit_breaker]\nenabled = true\nthreshold = 1\ntimeout = 600\n[retry]\nattempts = 1\n';
  const daemon = await b.daemon({ config: backend(mock, breaker) });
  const client = b.client(daemon.url);
  const state = async () => (await client.get('/providers/health')).json.providers[0];
  assert.equal((await client.message(ask('x'))).status, 500);
  assert.equal((await state()).circuit_breaker.state, 'open');
  await reload(daemon, backend(mock, `${breaker}[models]\nsonnet = other\n`));
  assert.equal((await client.message(ask('x'))).status, 503);
  const { attempts, circuit_breaker: kept } = await state();
  assert.deepEqual([attempts, kept.state], [1, 'open']);
  const other = await b.mock(() => say('new'), { rules: 'compatible' });
  await reload(daemon, backend(other, breaker));
  await until(async () => (await client.message(ask('x'))).status === 200, 3000, 'the new backend');
  assert.equal((await state()).circuit_breaker.state, 'closed');
});

test('who waits for a backend that is gone is told at once; the list of models follows', async (b) => {
  const slow = await b.mock(() => pause(1500, say('slow')), { rules: 'compatible' });
  const other = await b.mock(() => say('other'), { rules: 'compatible' });
  const rest = '[queue]\nenabled = true\nmax_wait = 60\n';
  const daemon = await b.daemon({ config: backend(slow, `max_concurrency = 1\nmodel = old-model\n${rest}`), args: ['-workers', '1'] });
  const client = b.client(daemon.url);
  const first = client.message(ask('x'));
  await until(() => slow.chats.length === 1, 3000, 'the first request');
  const second = client.message(ask('x'));
  await until(async () => (await client.get('/health')).json.queue.waiting === 1, 3000, 'somebody waits');
  await reload(daemon, backend(other, `model = new-model\n${rest}`));
  const answer = await second;
  assert.equal(answer.status, 529);
  assert.match(answer.json.error.message, /removed from the configuration/);
  assert.equal((await first).json.content[0].text, 'slow');
  assert.equal((await client.message(ask('x'))).json.content[0].text, 'other');
  assert.deepEqual((await client.get('/v1/models')).json.data.map(({ id }) => id), ['new-model']);
});
