// What the client gets from backends that fail: attempts that are repeated, the breaker.
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { absent, fleet, logLine } from './lib/fleet.mjs';
import { body, bytes, cut, fail, hang, json, pause, say, sse } from './lib/mock.mjs';
import { completionChunks } from './lib/chunks.mjs';
import { atMost, sleep, until } from './lib/scale.mjs';

const kQuick = { CLASP_RETRY_PAUSE: '10ms', CLASP_RETRY_BUDGET: '100' };
const textOf = (answer) => answer.checker ? answer.checker.text : answer.json?.content?.[0]?.text;
const send = (client, stream, text = 'x') => (stream ? client.wholeStream(ask(text)) : client.message(ask(text)));
const role = completionChunks({ text: 'Hello' }).slice(0, 1);

// What may pass by itself.
const kPassing = [
  ['500', fail(500, 'hiccup')], ['502 HTML', body(502, 'text/html', '<h1>Bad Gateway</h1>')], ['503', fail(503, 'busy')], ['504', fail(504, 'late')],
  ['529', fail(529, 'overloaded')], ['408', fail(408, 'late')], ['409', fail(409, 'conflict')],
  ['429 that says when', fail(429, 'slow down', { headers: { 'retry-after': '1' } })],
  ['HTML in a 200', body(200, 'text/html', '<html>hello</html>')], ['a closed connection', cut()], ['a reset', bytes(['HTTP/1.1 200 OK\r\n'], { end: 'reset' })],
  ['a body cut short', bytes(['HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"id":'])],
  ['an error inside a 200', json({ error: { code: 502, message: 'provider died' } })],
  ['no byte in time', hang()],
];
test('failures that may pass are repeated', { limit: 60_000 }, async (b) => {
  let fault;
  const { client, mock, daemon } = await b.front((_, i) => (i % 2 === 0 ? fault : say('second try')), { provider: 'custom', env: { ...kQuick, CLASP_FIRST_BYTE_TIMEOUT: '1' }, mock: { mayLeave: true } });
  for (const [what, made] of kPassing) {
    fault = made;
    for (const stream of [false, true]) {
      const before = mock.chats.length;
      const answer = await send(client, stream);
      const at = `${what}${stream ? ', stream' : ''}`;
      if (answer.status !== 200 || textOf(answer) !== 'second try') b.problem(`${at}: ${answer.status} ${JSON.stringify(answer.json ?? answer.checker.events.map((e) => e.event))}`);
      if (mock.chats.length !== before + 2) b.problem(`${at}: ${mock.chats.length - before} attempts`);
      const { attempts, outcome } = await logLine(daemon, answer);
      // A kept connection that closes before any answer is replaced by a new one; that is no attempt.
      if ((attempts !== '2' && what !== 'a closed connection') || outcome !== 'completed') b.problem(`${at}: attempts=${attempts} outcome=${outcome}`);
      if (what.startsWith('429') && mock.last.at - mock.chats.at(-2).at < 990) b.problem(`${at}: asked again before the second that was asked for`);
      if (mock.chats.length % 2) { await client.message(ask('even again')); }
    }
  }
});

const kStaying = [
  ['400', fail(400, 'bad'), 400], ['401', fail(401, 'bad key'), 401], ['402', fail(402, 'no money'), 402], ['403', fail(403, 'no'), 403], ['404', fail(404, 'no such model'), 404],
  ['429 that does not say when', fail(429, 'slow down'), 429], ['429 that says a minute', fail(429, 'slow down', { headers: { 'retry-after': '60' } }), 429],
  ['429 quota', fail(429, 'You exceeded your current quota', { type: 'insufficient_quota', code: 'insufficient_quota' }), 402],
  ['garbage', bytes(['SSH-2.0-OpenSSH_9.2\r\n']), 502],
];
test('failures that stay are told at once', async (b) => {
  let fault;
  const { client, mock } = await b.front(() => fault, { provider: 'custom', env: kQuick });
  for (const [what, made, status] of kStaying) {
    fault = made;
    for (const stream of [false, true]) {
      const before = mock.requests.length;
      const answer = await send(client, stream);
      if (answer.status !== status) b.problem(`${what}: ${answer.status}, expected ${status}`);
      if (mock.requests.length !== before + 1) b.problem(`${what}: ${mock.requests.length - before} attempts`);
      if (what.endsWith('a minute')) assert.equal(answer.headers['retry-after'], '60');
    }
  }
});

test('a failure that does not pass: all attempts, then the backend\'s own words', async (b) => {
  const { client, mock, daemon } = await b.front(() => fail(500, 'really broken'), { provider: 'custom', env: kQuick });
  for (const stream of [false, true]) {
    const before = mock.chats.length;
    const answer = await send(client, stream);
    assert.equal(answer.status, 500);
    assert.match(answer.json.error.message, /really broken/);
    assert.equal(answer.headers['x-should-retry'], 'true');
    assert.equal(mock.chats.length - before, 3);
    assert.equal((await logLine(daemon, answer)).attempts, '3');
  }
});

test('retries keep to their budget', async (b) => {
  const { client, mock } = await b.front(() => fail(500, 'broken'), { provider: 'custom', env: { CLASP_RETRY_PAUSE: '0', CLASP_RETRY_BUDGET: '0' } });
  for (let i = 0; i < 30; ++i) await client.message(ask('x'));
  // Ten are saved up, one a second is earned.
  assert.ok(mock.chats.length >= 38 && mock.chats.length <= 50, `${mock.chats.length} calls`);
});

test('a backend that refuses connections, and comes while the request is repeated', async (b) => {
  const backend = await absent(() => say('here I am'));
  b.atEnd(() => backend.go());
  const env = { CUSTOM_BASE_URL: backend.url, CUSTOM_API_KEY: backend.key, CLASP_RETRY_PAUSE: '100ms', CLASP_RETRY_MAX_PAUSE: '100ms', CLASP_RETRY_ATTEMPTS: '20' };
  const daemon = await b.daemon({ args: ['-provider', 'custom', '-model', 'm', '-retry-attempts', '3'], env: { ...env, CLASP_RETRY_PAUSE: '5ms' } });
  const refused = await b.client(daemon.url).message(ask('x'));
  assert.equal(refused.status, 502);
  assert.equal((await logLine(daemon, refused)).attempts, '3');
  const patient = await b.daemon({ args: ['-provider', 'custom', '-model', 'm'], env });
  for (const stream of [false, true]) {
    setTimeout(() => backend.come(), 120);
    const answer = await send(b.client(patient.url), stream);
    assert.equal(textOf(answer), 'here I am');
    assert.ok(Number((await logLine(patient, answer)).attempts) > 1);
    await backend.go();
    await sleep(1500); // the budget refills
  }
});

test('a backend that hangs: 504 in time', async (b) => {
  const { client, mock, daemon } = await b.front(() => hang(), { provider: 'custom', env: { ...kQuick, CLASP_FIRST_BYTE_TIMEOUT: '400ms', CLASP_RETRY_ATTEMPTS: '2' } });
  for (const stream of [false, true]) {
    const started = performance.now();
    const answer = await send(client, stream);
    assert.equal(answer.status, 504);
    assert.equal(answer.json.error.type, 'timeout_error');
    assert.equal((await logLine(daemon, answer)).attempts, '2');
    assert.ok(performance.now() - started < atMost(3000));
  }
  await until(() => mock.aborted === 4, 2000, 'the hanging calls to be given up');
});

test('a stream that breaks: repeated before its content, told after it', async (b) => {
  const begin = [...completionChunks({ text: 'Hello' }).slice(0, 2), 40];
  const { client, mock } = await b.front([sse(role, { end: 'cut' }), say('whole'), sse(role, { end: 'clean' }), say('whole'), sse(begin, { end: 'cut' })], { provider: 'custom', env: kQuick });
  for (let i = 0; i < 2; ++i) assert.equal((await client.wholeStream(ask('x'))).checker.text, 'whole');
  const broken = await client.wholeStream(ask('x'));
  assert.equal(broken.checker.text, 'Hello');
  assert.equal(broken.checker.error?.type, 'api_error');
  assert.equal(mock.chats.length, 5);
});

test('idle connections that the backend closed are no failures', async (b) => {
  const { client, mock, daemon } = await b.front(() => say('fine'), { provider: 'custom', args: ['-retry-attempts', '1'] });
  for (let i = 0; i < 20; ++i) {
    const answer = await send(client, i % 2 === 1);
    assert.equal(textOf(answer), 'fine');
    if (i % 3 === 0) mock.dropAll(); else mock.closeIdle();
    if (i % 4 === 0) await sleep(5);
  }
  assert.ok(!/outcome=failed/.test(daemon.stderr));
});

test('the whole time of a request has a limit, repetitions included', async (b) => {
  const { client, daemon } = await b.front(() => pause(300, fail(500, 'slow and broken')), { provider: 'custom', env: { ...kQuick, CLASP_RETRY_ATTEMPTS: '20', CLASP_TOTAL_TIMEOUT: '1' } });
  for (const stream of [false, true]) {
    const started = performance.now();
    const answer = await send(client, stream);
    const ms = performance.now() - started;
    assert.equal(answer.status, 504);
    assert.equal(answer.json.error.type, 'timeout_error');
    assert.ok(ms > 900 && ms < atMost(2500), `${ms} ms`);
    assert.ok(Number((await logLine(daemon, answer)).attempts) > 1);
  }
});

// ---- the breaker

test('breaker: closed, open, half open, open again, closed', { limit: 30_000 }, async (b) => {
  let works = false;
  const { client, mocks, health, providers } = await fleet(b, { only: () => (works ? say('works') : fail(500, 'broken')) },
    '[retry]\nattempts = 1\n[circuit_breaker]\nenabled = true\nthreshold = 3\nrecovery = 2\ntimeout = 1\n');
  const state = async () => (await health()).circuit_breaker.state;
  assert.equal((await health()).status, 'healthy');
  for (let i = 0; i < 3; ++i) assert.equal((await client.message(ask('x'))).status, 500);
  assert.equal(await state(), 'open');
  assert.equal((await health()).circuit_breaker.open, true);
  assert.equal((await health()).status, 'degraded');
  for (const stream of [false, true]) {
    const refused = await send(client, stream);
    assert.equal(refused.status, 503);
    assert.equal(refused.json.error.type, 'overloaded_error');
    assert.match(refused.json.error.message, /circuit breaker/);
    assert.equal(refused.headers['retry-after'], '1');
    assert.equal(refused.headers['x-should-retry'], 'true');
  }
  assert.equal(mocks.only.chats.length, 3, 'an open circuit sends nothing');
  await until(async () => (await state()) === 'half_open', 3000, 'half open');
  assert.equal((await client.message(ask('x'))).status, 500);
  assert.equal(await state(), 'open', 'a failed probe opens it again');
  assert.equal((await client.message(ask('x'))).status, 503);
  works = true;
  await until(async () => (await state()) === 'half_open', 3000, 'half open again');
  assert.equal((await client.message(ask('x'))).status, 200);
  assert.equal(await state(), 'half_open', 'one success of two');
  assert.equal((await client.wholeStream(ask('x'))).checker.text, 'works');
  assert.equal(await state(), 'closed');
  const [only] = (await providers()).providers;
  assert.equal(only.circuit_breaker.times_opened, 2);
  assert.equal(only.successes, 2);
  assert.equal(only.failures.server, 4);
});

test('breaker, half open: one request probes, the others are refused', { limit: 30_000 }, async (b) => {
  let answer = fail(500, 'broken');
  const { client, mocks, health } = await fleet(b, { only: () => answer }, '[retry]\nattempts = 1\n[circuit_breaker]\nenabled = true\nthreshold = 2\nrecovery = 1\ntimeout = 1\n');
  for (let i = 0; i < 2; ++i) await client.message(ask('x'));
  await until(async () => (await health()).circuit_breaker.state === 'half_open', 3000, 'half open');
  answer = pause(500, say('works'));
  const all = await Promise.all(Array.from({ length: 5 }, () => client.message(ask('x'))));
  assert.deepEqual(all.map((a) => a.status).sort(), [200, 503, 503, 503, 503]);
  assert.equal(mocks.only.chats.length, 3);
  assert.equal((await health()).circuit_breaker.state, 'closed');
});

test('breaker: what is the request\'s own fault does not open it', async (b) => {
  const faults = [fail(400, 'bad'), fail(401, 'key'), fail(404, 'model'), fail(429, 'slow down'), fail(413, 'big')];
  const { client, health } = await fleet(b, { only: (_, i) => faults[i % faults.length] }, '[circuit_breaker]\nenabled = true\nthreshold = 2\n');
  for (let i = 0; i < 10; ++i) assert.ok([400, 401, 404, 413, 429].includes((await client.message(ask('x'))).status));
  assert.equal((await health()).circuit_breaker.state, 'closed');
});
