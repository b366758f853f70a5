// The response cache, sentence by sentence of the product readme, and what it may do beyond.
import Anthropic from '@anthropic-ai/sdk';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { fail, pause, reply, say } from './lib/mock.mjs';
import { usageOf } from './lib/chunks.mjs';
import { sleep, until } from './lib/scale.mjs';

const backend = (mock, more = '') => `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${more}`;
const use = (answer) => answer.headers['x-clasp-cache'];
const texts = (answer) => answer.json.content.map((one) => one.text).join('');
const weather = { name: 'get_weather', description: 'The weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } };

async function reload(daemon, config) {
  const count = () => daemon.stderr.split('the configuration was loaded again').length;
  const before = count();
  writeFileSync(path.join(daemon.directory, 'clasp.conf'), config);
  daemon.signal('SIGHUP');
  await until(() => count() > before, 5000, 'the log line of the reload');
}

// Answers that tell which one they are.
function counting() {
  let n = 0;
  return () => say(`answer ${++n}`, { usage: usageOf(11, 4) });
}

test('-cache: the second time from memory; response headers say HIT or MISS', async (b) => {
  const { client, mock, daemon } = await b.front(counting(), { args: ['-cache'] });
  const first = await client.message(ask('What is 2 + 2?'));
  const second = await client.message(ask('What is 2 + 2?'));
  assert.deepEqual([use(first), use(second)], ['MISS', 'HIT']);
  assert.equal(texts(second), 'answer 1');
  assert.equal(mock.chats.length, 1);
  assert.notEqual(first.json.id, second.json.id);
  assert.notEqual(first.headers['request-id'], second.headers['request-id']);
  assert.deepEqual({ ...second.json, id: '' }, { ...first.json, id: '' });
  assert.equal(second.headers['x-clasp-backend'], first.headers['x-clasp-backend']);
  assert.equal(second.headers['x-clasp-model'], first.headers['x-clasp-model']);
  const other = await client.message(ask('What is 2 + 3?'));
  assert.deepEqual([use(other), texts(other)], ['MISS', 'answer 2']);
  const { cache } = (await client.get('/metrics')).json;
  assert.deepEqual([cache.enabled, cache.size, cache.hits, cache.misses], [true, 2, 1, 2]);
  await until(() => /cache=hit/.test(daemon.stderr) && /cache=miss/.test(daemon.stderr), 3000, 'the log lines');
});

test('without -cache nothing is cached and no header says so', async (b) => {
  const { client, mock } = await b.front(counting());
  for (let i = 0; i < 2; ++i) assert.equal(use(await client.message(ask('x'))), undefined);
  assert.equal(mock.chats.length, 2);
});

test('only non-streaming requests are cached', async (b) => {
  const { client, mock } = await b.front(counting(), { args: ['-cache'] });
  for (let i = 1; i <= 2; ++i) {
    const stream = await client.wholeStream(ask('x'));
    assert.deepEqual([use(stream), stream.checker.text], ['BYPASS', `answer ${i}`]);
  }
  assert.deepEqual([use(await client.message(ask('x'))), mock.chats.length], ['MISS', 3]);
});

test('requests with temperature > 0 are not cached, 0 and none are', async (b) => {
  const { client, mock } = await b.front(counting(), { args: ['-cache'] });
  for (const temperature of [1, 0.2]) {
    for (let i = 0; i < 2; ++i) assert.equal(use(await client.message(ask('x', { temperature }))), 'BYPASS');
  }
  assert.equal(mock.chats.length, 4);
  assert.deepEqual([use(await client.message(ask('x', { temperature: 0 }))), use(await client.message(ask('x', { temperature: 0 })))], ['MISS', 'HIT']);
  assert.deepEqual([use(await client.message(ask('x'))), use(await client.message(ask('x')))], ['MISS', 'HIT']);
  const strict = await b.front(counting(), { args: ['-cache'], env: { CLASP_CACHE_UNSET_TEMPERATURE: 'false' } });
  assert.equal(use(await strict.client.message(ask('x'))), 'BYPASS');
});

test('-cache-max-size: those not used for longest make room', async (b) => {
  const { client } = await b.front(counting(), { args: ['-cache', '-cache-max-size', '2'] });
  const at = async (text) => use(await client.message(ask(text)));
  assert.deepEqual([await at('a'), await at('b'), await at('a')], ['MISS', 'MISS', 'HIT']);
  assert.equal(await at('c'), 'MISS');  // b goes
  assert.deepEqual([await at('a'), await at('b')], ['HIT', 'MISS']);
});

test('-cache-ttl: entries expire', async (b) => {
  const { client } = await b.front(counting(), { args: ['-cache', '-cache-ttl', '1'] });
  const at = async () => use(await client.message(ask('a')));
  assert.deepEqual([await at(), await at()], ['MISS', 'HIT']);
  await sleep(1100);
  assert.equal(await at(), 'MISS');
});

test('CLASP_CACHE and CLASP_CACHE_MAX_SIZE', async (b) => {
  const { client } = await b.front(counting(), { env: { CLASP_CACHE: 'true', CLASP_CACHE_MAX_SIZE: '500' } });
  assert.deepEqual([use(await client.message(ask('a'))), use(await client.message(ask('a')))], ['MISS', 'HIT']);
});

test('the byte budget holds, and memory with it', { limit: 90_000 }, async (b) => {
  const large = 'x'.repeat(200_000);
  const { client, daemon } = await b.front(() => say(large), { args: ['-cache', '-workers', '1'], env: { CLASP_CACHE_MAX_BYTES: '2M' } });
  const fill = async (from, to) => { for (let i = from; i < to; ++i) await client.message(ask(`${i}`)); };
  await fill(0, 20);
  const before = daemon.rss();
  await fill(20, 120);
  assert.ok(daemon.rss() - before < 8000, `${daemon.rss() - before} kB more for a hundred answers`);
  assert.equal(use(await client.message(ask('119'))), 'HIT');
  assert.equal(use(await client.message(ask('100'))), 'MISS');
});

test('errors and refusals are not kept; what the client says in Cache-Control counts', async (b) => {
  const { client } = await b.front([fail(400, 'no'), say('good'), say('fresh'), say('once')], { args: ['-cache'] });
  const with_ = (value) => client.message(ask('a'), { headers: { 'cache-control': value } });
  const bad = await client.message(ask('a'));
  assert.deepEqual([bad.status, use(bad)], [400, 'MISS']);
  assert.equal(texts(await client.message(ask('a'))), 'good');
  const fresh = await with_('no-cache');
  assert.deepEqual([use(fresh), texts(fresh)], ['MISS', 'fresh']);
  const once = await with_('no-store');
  assert.deepEqual([use(once), texts(once)], ['BYPASS', 'once']);
  assert.equal(texts(await client.message(ask('a'))), 'fresh');
});

test('trap 29: the billing line of Claude Code and the user id do not count', async (b) => {
  const { client } = await b.front(counting(), { args: ['-cache'] });
  const request = (cch, user) => ask('a', { metadata: { user_id: user },
    system: [{ type: 'text', text: `x-anthropic-billing-header: cc_version=2.1.37; cch=${cch};` }, { type: 'text', text: 'You are Claude Code.' }] });
  assert.equal(use(await client.message(request('5f1b2', 'one'))), 'MISS');
  assert.equal(use(await client.message(request('00000', 'two'))), 'HIT');
});

test('several workers share one cache, and one answer while it is made', async (b) => {
  let open;
  const gate = new Promise((resolve) => { open = resolve; });
  const { client, mock } = await b.front(() => async (exchange) => { await gate; await say('one for all')(exchange); }, { args: ['-cache', '-workers', '4'] });
  const headers = { connection: 'close' };
  const asked = Array.from({ length: 24 }, () => client.message(ask('a'), { headers }));
  await until(() => mock.chats.length > 0, 5000, 'the call');
  await sleep(300);
  assert.equal(mock.chats.length, 1, 'more than one asked');
  open();
  const answers = await Promise.all(asked);
  assert.ok(answers.every((one) => texts(one) === 'one for all'));
  assert.equal(new Set(answers.map((one) => one.json.id)).size, 24);
  assert.equal(answers.filter((one) => use(one) === 'MISS').length, 1);
  for (let i = 0; i < 8; ++i) assert.equal(use(await client.message(ask('a'), { headers })), 'HIT');
  assert.equal(mock.chats.length, 1);
});

test('who asked first leaves: the next one asks, on whatever worker', async (b) => {
  let calls = 0;
  const { client, mock } = await b.front(() => async (exchange) => {
    if (++calls === 1) await exchange.gone.promise;
    else await pause(50, say('second try'))(exchange);
  }, { args: ['-cache', '-workers', '4'] });
  const first = client.message(ask('a'), { limit: 400 }).catch((error) => error);
  await until(() => mock.chats.length === 1, 5000, 'the first call');
  const others = Array.from({ length: 12 }, () => client.message(ask('a'), { headers: { connection: 'close' } }));
  assert.ok((await first) instanceof Error);
  for (const one of await Promise.all(others)) assert.equal(texts(one), 'second try');
  assert.equal(mock.chats.length, 2);
});

test('who asked first fails: its error is its own, and nobody waits for a third failure', async (b) => {
  const { client, mock } = await b.front(() => pause(150, fail(400, 'broken')), { args: ['-cache', '-workers', '2'] });
  const answers = await Promise.all(Array.from({ length: 6 }, () => client.message(ask('a'), { headers: { connection: 'close' } })));
  assert.ok(answers.every((one) => one.status === 400 && use(one) === 'MISS'));
  assert.equal(mock.chats.length, 6);
});

test('an answer that cannot be shared: those who wait do not ask one after another', async (b) => {
  let running = 0, most = 0;
  const { client, mock } = await b.front(() => async (exchange) => {
    most = Math.max(most, ++running);
    await pause(150, say('```json\n{"a":1}\n```'))(exchange);
    --running;
  }, { provider: 'custom', args: ['-cache', '-workers', '2'], env: { CLASP_CACHE_STREAMS: 'true' } });
  const request = ask('a', { output_config: { format: { type: 'json_schema', schema: { type: 'object', properties: { a: { type: 'number' } }, additionalProperties: false } } } });
  const answers = await Promise.all(Array.from({ length: 8 }, () => client.wholeStream(request, { headers: { connection: 'close' } })));
  assert.ok(answers.every((one) => use(one) === 'MISS'));
  assert.equal(mock.chats.length, 8);
  assert.ok(most >= 4, `never more than ${most} at once`);
});

test('draining: who waits for another one gets its answer', async (b) => {
  const { client, daemon, mock } = await b.front(() => pause(600, say('the last one')), { args: ['-cache', '-workers', '2'] });
  const asked = Array.from({ length: 6 }, () => client.message(ask('a'), { headers: { connection: 'close' } }));
  await until(() => mock.chats.length === 1, 5000, 'the call');
  await sleep(200);
  daemon.signal('SIGTERM');
  for (const one of await Promise.all(asked)) assert.equal(texts(one), 'the last one');
  assert.equal(mock.chats.length, 1);
  assert.equal((await daemon.ended).code, 0);
});

test('draining: the deadline ends who waits as well', async (b) => {
  const { client, daemon, mock } = await b.front(() => async ({ gone }) => { await gone.promise; }, { args: ['-cache', '-workers', '2'], config: '[timeouts]\ndrain = 1s\n' });
  const asked = Array.from({ length: 6 }, () => client.message(ask('a'), { headers: { connection: 'close' } }));
  await until(() => mock.chats.length === 1, 5000, 'the call');
  await sleep(200);
  daemon.signal('SIGTERM');
  for (const one of await Promise.all(asked)) assert.equal(one.status, 529);
  assert.equal((await daemon.ended).code, 0);
});

test('clients that are kept apart', async (b) => {
  const { client } = await b.front(counting(), { args: ['-cache'], env: { CLASP_CACHE_PER_CLIENT: 'true' } });
  const as = async (key) => { const one = await client.message(ask('a'), { headers: { 'x-api-key': key } }); return `${use(one)} ${texts(one)}`; };
  assert.deepEqual([await as('one'), await as('two'), await as('one'), await as('two')],
    ['MISS answer 1', 'MISS answer 2', 'HIT answer 1', 'HIT answer 2']);
});

test('clients that come with the same key of ours but pay with keys of their own', async (b) => {
  const mock = await b.mock(counting(), { rules: 'compatible' });
  const daemon = await b.daemon({ config: `[backend own]\nprovider = custom\nbase_url = ${mock.url}\npass_client_key = true\n[cache]\nenabled = true\n[client team]\nkey = the-key-of-the-whole-team\n` });
  const client = b.client(daemon.url, { headers: { 'x-api-key': 'the-key-of-the-whole-team' } });
  const as = async (key) => {
    mock.auth = { authorization: `Bearer ${key}` };
    const one = await client.message(ask('a'), { headers: { authorization: `Bearer ${key}` } });
    return `${use(one)} ${texts(one)}`;
  };
  assert.deepEqual([await as('sk-one'), await as('sk-two'), await as('sk-one')], ['MISS answer 1', 'MISS answer 2', 'HIT answer 1']);
});

test('reload: entries survive, what changes the translation makes other ones, off empties', async (b) => {
  const mock = await b.mock(counting(), { rules: 'compatible' });
  const on = '[cache]\nenabled = true\n';
  const daemon = await b.daemon({ config: backend(mock, on), args: ['-workers', '2'] });
  const client = b.client(daemon.url);
  // A worker may take the new configuration a moment after the log line.
  const settle = () => sleep(100);
  const at = async () => { const one = await client.message(ask('a'), { headers: { connection: 'close' } }); return `${use(one)} ${texts(one)}`; };
  assert.deepEqual([await at(), await at()], ['MISS answer 1', 'HIT answer 1']);
  await reload(daemon, backend(mock, `${on}[timeouts]\nping = 5s\n[log]\nlevel = debug\n`));
  await settle();
  assert.equal(await at(), 'HIT answer 1');
  await reload(daemon, backend(mock, `body.seed = 5\n${on}`));
  await settle();
  assert.deepEqual([await at(), await at()], ['MISS answer 2', 'HIT answer 2']);
  await reload(daemon, backend(mock, `${on}[model gpt*]\nmax_output = 100\n`));
  await settle();
  assert.deepEqual([await at(), await at()], ['MISS answer 3', 'HIT answer 3']);
  await reload(daemon, backend(mock, on));
  await settle();
  assert.equal(await at(), 'HIT answer 1');
  await reload(daemon, backend(mock));
  await settle();
  assert.equal(await at(), 'undefined answer 4');
  await reload(daemon, backend(mock, on));
  await settle();
  assert.equal(await at(), 'MISS answer 5');
});

test('streams, where wanted: the same message for streams and plain requests, with the SDK', async (b) => {
  const call = { id: 'call_a', name: 'get_weather', arguments: '{"city":"Zürich \\"old town\\"\\n","n":[1,{"x":null}]}' };
  const answers = {
    words: { text: 'Only words, with ünïcödé and 😀. '.repeat(700) },
    'a call': { text: 'Let me look.', calls: [call] },
    'two calls': { calls: [call, { id: 'call_b', name: 'get_weather', arguments: '{}' }] },
    thoughts: { reasoning: 'First \\ I think '.repeat(500), text: 'Then I say.' },
    'an end': { text: 'cut of', finish: 'length' },
  };
  const { daemon, mock } = await b.front((request) => reply(answers[request.body.messages.at(-1).content]), {
    provider: 'custom', args: ['-cache'], env: { CLASP_CACHE_STREAMS: 'true' } });
  const tap = await b.tap(daemon.url);
  const sdk = new Anthropic({ apiKey: 'test-client', baseURL: tap.url, maxRetries: 0 });
  for (const [name, streamFirst] of Object.keys(answers).flatMap((one) => [[one, true], [one, false]])) {
    const request = { ...ask(name), tools: [weather], system: String(streamFirst), thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 2048 };
    const plain = () => sdk.messages.create(request).withResponse();
    const streamed = async () => { const s = sdk.messages.stream(request); const data = await s.finalMessage(); return { data, response: s.response }; };
    const first = await (streamFirst ? streamed() : plain());
    const again = [await plain(), await streamed(), await streamed()];
    assert.equal(first.response.headers.get('x-clasp-cache'), 'MISS', name);
    for (const { data, response } of again) {
      assert.equal(response.headers.get('x-clasp-cache'), 'HIT', name);
      const bare = ({ content }) => JSON.parse(JSON.stringify(content.map(({ parsed_output, ...one }) => one)));
      assert.match(data.id, /^msg_/);
      assert.notEqual(data.id, first.data.id);
      assert.deepEqual(bare(data), bare(first.data), name);
      assert.equal(data.stop_reason, first.data.stop_reason);
      for (const key of ['input_tokens', 'output_tokens', 'cache_read_input_tokens']) assert.equal(data.usage[key], first.data.usage[key], `${name}: ${key}`);
    }
  }
  assert.equal(mock.chats.length, 2 * Object.keys(answers).length);
});

test('a client that reads slowly gets a long stream from memory whole, and is not waited for', { limit: 90_000 }, async (b) => {
  const long = 'The quick brown fox. '.repeat(150_000);
  const { client, daemon } = await b.front(() => say(long), { args: ['-cache', '-workers', '1'], env: { CLASP_CACHE_STREAMS: 'true' }, mock: { rules: 'none' } });
  await client.message(ask('a'));
  const before = daemon.rss();
  const stream = await client.stream(ask('a'));
  stream.response.pause();
  const others = await Promise.all(Array.from({ length: 20 }, () => client.stream(ask('a')).then((one) => { one.response.pause(); return one; })));
  await sleep(500);
  assert.equal(use(await client.message(ask('a'))), 'HIT');
  assert.ok(daemon.rss() - before < 40_000, `${daemon.rss() - before} kB more for 21 streams of 3 MB that nobody reads`);
  stream.response.resume();
  assert.equal((await stream.done()).checker.text, long);
  for (const one of others) one.abort();
});
