// Requests that wait: for a free place, for a backend that comes back, in vain; and what limits and
// ends the waiting.
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { absent, fleet, logLine } from './lib/fleet.mjs';
import { fail, hang, pause, say } from './lib/mock.mjs';
import { atMost, sleep, until } from './lib/scale.mjs';

const kQueue = (more = '') => `[retry]\nattempts = 1\n[queue]\nenabled = true\n${/retry_delay/.test(more) ? '' : 'retry_delay = 100ms\n'}${more}`;
const kOne = 'max_concurrency = 1';
// A responder that answers when it is told to.
function gate(text = 'done') {
  const made = { waiting: 0 };
  made.opened = new Promise((resolve) => { made.open = resolve; });
  made.responder = async (exchange) => { made.waiting += 1; await made.opened; if (!exchange.gone.now) await say(text)(exchange); };
  return made;
}
const waits = (health, count) => until(async () => (await health()).queue.waiting === count, 3000, `${count} waiting`);

test('queue: more than the backend may have wait, in order, and the log says how long', async (b) => {
  const first = gate('first');
  const { client, mocks, health, line } = await fleet(b, { only: { script: (_, i) => (i === 0 ? first.responder : say(`answer ${i}`)), lines: [kOne] } }, kQueue());
  const running = client.message(ask('a'));
  await until(() => first.waiting === 1, 2000, 'the first one');
  const others = [];
  for (let i = 1; i <= 3; ++i) {
    others.push(i === 2 ? client.wholeStream(ask(`w${i}`)) : client.message(ask(`w${i}`)));
    await waits(health, i);
  }
  assert.equal((await health()).queue.max_size, 100);
  await sleep(150);
  first.open();
  assert.equal((await running).json.content[0].text, 'first');
  const answers = await Promise.all(others);
  for (const answer of answers) {
    const { queued, outcome } = await line(answer);
    assert.equal(outcome, 'completed');
    assert.ok(Number.parseFloat(queued) >= 100, queued);
  }
  assert.deepEqual(mocks.only.chats.map((r) => r.body.messages[0].content), ['a', 'w1', 'w2', 'w3']);
  assert.equal((await health()).queue.granted, 3);
});

test('queue: a waiting stream gets its message_start and pings, then its answer', async (b) => {
  const first = gate();
  const { client, health } = await fleet(b, { only: { script: (_, i) => (i === 0 ? first.responder : say('at last')), lines: [kOne] } },
    kQueue('[timeouts]\nping = 1\nanswer_grace = 200ms\n'));
  const running = client.message(ask('a'));
  await until(() => first.waiting === 1, 2000, 'the first one');
  const stream = await client.stream(ask('b'));
  await until(() => stream.checker.of('ping').length >= 3, 6000, 'three pings');
  assert.deepEqual(stream.checker.events.slice(0, 3).map((e) => e.event), ['message_start', 'ping', 'ping']);
  assert.equal((await health()).queue.waiting, 1);
  first.open();
  await stream.done();
  assert.equal(stream.checker.text, 'at last');
  await running;
});

test('queue: who leaves while waiting is not sent, and makes room for the next', async (b) => {
  const first = gate();
  const { client, mocks, health, daemon } = await fleet(b, { only: { script: (_, i) => (i === 0 ? first.responder : say('x')), lines: [kOne] } },
    kQueue('[timeouts]\nanswer_grace = 100ms\n'));
  const running = client.message(ask('a'));
  await until(() => first.waiting === 1, 2000, 'the first one');
  const leaver = await client.stream(ask('leaver'));
  await waits(health, 1);
  leaver.abort();
  await until(async () => (await health()).queue.left === 1, 2000, 'the departure');
  const next = client.message(ask('next'));
  await waits(health, 1);
  first.open();
  assert.equal((await next).status, 200);
  await running;
  assert.deepEqual(mocks.only.chats.map((r) => r.body.messages[0].content), ['a', 'next']);
  await until(() => /outcome=client_left/.test(daemon.stderr), 2000, 'the log line');
});

test('queue: full is 529, with a time to come back', async (b) => {
  const first = gate();
  const { client, health } = await fleet(b, { only: { script: () => first.responder, lines: [kOne] } }, kQueue('max_size = 2\n'));
  const all = [client.message(ask('a'))];
  await until(() => first.waiting === 1, 2000, 'the first one');
  for (let i = 1; i <= 2; ++i) { all.push(client.message(ask('b'))); await waits(health, i); }
  for (const refused of [await client.message(ask('c')), await client.wholeStream(ask('c'))]) {
    assert.equal(refused.status, 529);
    assert.equal(refused.json.error.type, 'overloaded_error');
    assert.match(refused.json.error.message, /waiting/);
    assert.ok(Number(refused.headers['retry-after']) >= 1);
    assert.equal(refused.headers['x-should-retry'], 'true');
  }
  assert.equal((await health()).queue.rejected, 2);
  first.open();
  for (const one of await Promise.all(all)) assert.equal(one.status, 200);
});

test('queue: waiting in vain ends with 529, in an open stream with an error event', async (b) => {
  const { client, health } = await fleet(b, { only: { script: () => hang(), lines: [kOne] } }, kQueue('max_wait = 1\n[timeouts]\nanswer_grace = 300ms\n'));
  const running = await client.stream(ask('a'));
  const started = performance.now();
  const [plain, stream] = await Promise.all([client.message(ask('b')), client.wholeStream(ask('c'))]);
  assert.ok(performance.now() - started < atMost(2500));
  assert.equal(plain.status, 529);
  assert.match(plain.json.error.message, /within 1 second/);
  assert.ok(Number(plain.headers['retry-after']) >= 1);
  assert.deepEqual(stream.checker.events.map((e) => e.event), ['message_start', 'ping', 'error']);
  assert.equal(stream.checker.error.type, 'overloaded_error');
  assert.equal((await health()).queue.expired, 2);
  running.abort();
});

test('queue off: more than the backend may have are refused with 529', async (b) => {
  const first = gate();
  const { client } = await fleet(b, { only: { script: () => first.responder, lines: [kOne] } });
  const running = client.message(ask('a'));
  await until(() => first.waiting === 1, 2000, 'the first one');
  const refused = await client.message(ask('b'));
  assert.equal(refused.status, 529);
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  first.open();
  await running;
});

test('queue: requests outlast a backend that is away, with the breaker open meanwhile', { limit: 40_000 }, async (b) => {
  const backend = await absent(() => say('back again'));
  b.atEnd(() => backend.go());
  const { client, health, line, providers } = await fleet(b, { only: { url: backend.url, lines: [`api_key = ${backend.key}`] } },
    `${kQueue('max_wait = 20\n')}[circuit_breaker]\nenabled = true\nthreshold = 2\ntimeout = 1\nrecovery = 1\n`);
  const all = Array.from({ length: 8 }, (_, i) => (i % 2 ? client.wholeStream(ask(`r${i}`)) : client.message(ask(`r${i}`))));
  await waits(health, 8);
  assert.equal((await health()).status, 'degraded');
  await sleep(500);
  await backend.come();
  for (const answer of await Promise.all(all)) {
    assert.equal(answer.status, 200);
    assert.equal(answer.checker ? answer.checker.text || answer.json : answer.json.content[0].text, 'back again');
    assert.ok(Number.parseFloat((await line(answer)).queued) > 100);
  }
  assert.equal((await health()).circuit_breaker.state, 'closed');
  assert.ok((await providers()).providers[0].circuit_breaker.times_opened >= 1);
});

test('queue: a request that fails comes back so often and no more', async (b) => {
  const { client, mocks, line } = await fleet(b, { only: () => fail(500, 'broken for good') }, kQueue('max_retries = 2\nretry_delay = 50ms\n'));
  const answer = await client.message(ask('x'));
  assert.equal(answer.status, 500);
  assert.match(answer.json.error.message, /broken for good/);
  assert.equal(mocks.only.chats.length, 3);
  const { attempts, queued } = await line(answer);
  assert.equal(attempts, '3');
  assert.ok(Number.parseFloat(queued) >= 90, queued);
});

test('max_concurrency holds over all workers, with and without a queue', { limit: 60_000 }, async (b) => {
  for (const queue of [true, false]) {
    let now = 0, most = 0;
    const counted = async (exchange) => {
      most = Math.max(most, ++now);
      await sleep(15);
      // Before the answer leaves: the next request may come at once.
      now -= 1;
      await say('x')(exchange);
    };
    const { client, daemon } = await fleet(b, { only: { script: () => counted, lines: ['max_concurrency = 4'] } }, queue ? kQueue('max_size = 1000\n') : '', { args: ['-workers', '2'] });
    const answers = await Promise.all(Array.from({ length: 120 }, (_, i) => (i % 3 ? client.message(ask('x')) : client.wholeStream(ask('x')))));
    const good = answers.filter((a) => a.status === 200).length;
    assert.ok(most <= 4, `${most} at once`);
    if (queue) {
      assert.equal(good, 120);
      assert.equal(most, 4);
    } else {
      assert.ok(good >= 4 && answers.every((a) => a.status === 200 || a.status === 529), `${good} good`);
    }
    const health = (await client.get('/health')).json;
    assert.equal(health.providers.only.in_flight, 0);
    assert.ok(!/panic|assert/.test(daemon.stderr));
  }
});

test('SIGTERM: who waits gets 529, what runs ends well', async (b) => {
  const first = gate('finished');
  const { client, daemon, health } = await fleet(b, { only: { script: () => first.responder, lines: [kOne] } }, kQueue('[timeouts]\nanswer_grace = 100ms\n'));
  const running = client.message(ask('a'));
  await until(() => first.waiting === 1, 2000, 'the first one');
  const plain = client.message(ask('b'));
  const stream = await client.stream(ask('c'));
  await waits(health, 2);
  daemon.signal('SIGTERM');
  const refused = await plain;
  assert.equal(refused.status, 529);
  assert.match(refused.json.error.message, /shutting down/);
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  await stream.done();
  assert.equal(stream.checker.error?.type, 'overloaded_error');
  first.open();
  assert.equal((await running).json.content[0].text, 'finished');
  assert.deepEqual(await daemon.stop(), []);
  assert.match(daemon.stderr, /outcome=completed/);
});

test('SIGTERM while a repetition is awaited: the request ends', async (b) => {
  const { client, daemon, mocks } = await fleet(b, { only: () => fail(503, 'busy', { headers: { 'retry-after': '4' } }) }, '[timeouts]\ndrain = 1\n');
  const waiting = client.message(ask('x'));
  await until(() => mocks.only.chats.length === 1, 2000, 'the first attempt');
  daemon.signal('SIGTERM');
  const answer = await waiting;
  assert.equal(answer.status, 529);
  assert.equal((await logLine(daemon, answer)).outcome, 'failed');
});

test('pauses and waits of one request do not hold up the others', async (b) => {
  const script = (request) => (/slow/.test(request.body.messages[0].content) ? fail(503, 'busy', { headers: { 'retry-after': '2' } }) : pause(5, say('quick')));
  const { client } = await fleet(b, { only: script }, '[retry]\nattempts = 2\n');
  const slow = client.message(ask('slow'));
  await sleep(50);
  const started = performance.now();
  assert.equal((await client.message(ask('quick'))).status, 200);
  assert.ok(performance.now() - started < atMost(1000));
  assert.equal((await slow).status, 529);
});
