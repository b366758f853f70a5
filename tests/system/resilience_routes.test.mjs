// Several backends: fallback, routes with weights, tiers, keys in turn, health pages and probes.
import http from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { test, assert } from './lib/harness.mjs';
import { Anthropic as Peer, refuse, speak, speakPart } from './lib/anthropic.mjs';
import { Authority } from './lib/certs.mjs';
import { completion, completionChunks } from './lib/chunks.mjs';
import { ask, kModel } from './lib/client.mjs';
import { freePort } from './lib/daemon.mjs';
import { absent, fleet, logLine } from './lib/fleet.mjs';
import { bytes, cut, fail, hang, json, pause, say, sse } from './lib/mock.mjs';
import { atMost, sleep, until } from './lib/scale.mjs';

const kFallback = '[fallback]\nenabled = true\n';
const textOf = (answer) => answer.checker ? answer.checker.text : answer.json?.content?.[0]?.text;
const send = (client, stream, request = ask('x')) => (stream ? client.wholeStream(request) : client.message(request));

// [what, responder, class in x-clasp-fallback]
const kElsewhere = [
  ['500', fail(500, 'x'), 'server'], ['503', fail(503, 'x'), 'overloaded'], ['529', fail(529, 'x'), 'overloaded'], ['429', fail(429, 'x'), 'rate_limited'],
  ['429 that says a minute', fail(429, 'x', { headers: { 'retry-after': '60' } }), 'rate_limited'], ['401', fail(401, 'bad key'), 'auth'], ['402', fail(402, 'no money'), 'quota'],
  ['garbage', bytes(['SSH-2.0-OpenSSH_9.2\r\n']), 'garbled'], ['a reset', bytes(['HTTP/1.1 200 OK\r\n'], { end: 'reset' }), 'reset'], ['no byte in time', hang(), 'timeout'],
  ['an error inside a 200', json({ error: { code: 502, message: 'provider died' } }), 'server'],
];
test('fallback: what another backend may do better goes there at once, and is named', { limit: 60_000 }, async (b) => {
  let fault;
  const { client, mocks, line } = await fleet(b, { first: () => fault, second: () => say('from the second') }, `${kFallback}[timeouts]\nfirst_byte = 500ms\n`);
  for (const [what, made, why] of kElsewhere) {
    fault = made;
    for (const stream of [false, true]) {
      const answer = await send(client, stream);
      const at = `${what}${stream ? ', stream' : ''}`;
      if (answer.status !== 200 || textOf(answer) !== 'from the second') b.problem(`${at}: ${answer.status} ${JSON.stringify(answer.json)}`);
      if (answer.headers['x-clasp-backend'] !== 'second') b.problem(`${at}: x-clasp-backend ${answer.headers['x-clasp-backend']}`);
      if (answer.headers['x-clasp-fallback'] !== `first:${why}`) b.problem(`${at}: x-clasp-fallback ${answer.headers['x-clasp-fallback']}`);
      const { backend, attempts, fallback } = await line(answer);
      if (backend !== 'second' || attempts !== '2' || fallback !== `first:${why}`) b.problem(`${at}: log says ${backend} ${attempts} ${fallback}`);
    }
  }
  fault = fail(400, 'bad request');
  const before = mocks.second.chats.length;
  const own = await client.message(ask('x'));
  assert.equal(own.status, 400);
  assert.equal(own.headers['x-clasp-fallback'], undefined);
  assert.equal(mocks.second.chats.length, before, 'a request\'s own fault is the same everywhere');
});

test('fallback: nobody listens, an expired certificate, a wrong host name', async (b) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-ca-'));
  b.atEnd(() => { rmSync(directory, { recursive: true }); });
  const authority = new Authority();
  writeFileSync(path.join(directory, 'ca.pem'), authority.cert);
  const settings = `[server]\nca_file = ${path.join(directory, 'ca.pem')}\n${kFallback}`;
  const expired = await b.mock([], { tls: authority.issueExpired(['127.0.0.1']) });
  const stranger = await b.mock([], { tls: authority.issue(['other.example']) });
  const good = await b.mock(() => say('over TLS'), { tls: authority.issue(['127.0.0.1']), rules: 'none', key: 'sk-good-key' });
  const gone = `http://127.0.0.1:${await freePort()}/v1`;
  for (const [url, why] of [[gone, 'connect'], [expired.url, 'unreachable'], [stranger.url, 'unreachable']]) {
    const { client } = await fleet(b, { first: { url }, good: { url: good.url } }, settings);
    for (const stream of [false, true]) {
      const answer = await send(client, stream);
      assert.equal(textOf(answer), 'over TLS', `${url} ${JSON.stringify(answer.json)}`);
      assert.equal(answer.headers['x-clasp-fallback'], `first:${why}`);
    }
    // Without another backend: at once when it cannot heal.
    const alone = await fleet(b, { first: { url } }, `${settings.split('[fallback]')[0]}[retry]\npause = 5ms\n`);
    const answer = await alone.client.message(ask('x'));
    assert.equal(answer.status, 502);
    assert.equal(answer.headers['x-should-retry'], why === 'connect' ? 'true' : 'false');
    assert.equal((await alone.line(answer)).attempts, why === 'connect' ? '3' : undefined);
  }
});

test('fallback: all fail, the last one\'s words; the open circuit is skipped and comes back', { limit: 30_000 }, async (b) => {
  let works = false;
  const { client, mocks, health, line } = await fleet(b, { first: () => (works ? say('first') : fail(500, 'first is broken')), second: () => (works === null ? fail(503, 'second is full') : say('second')) },
    `${kFallback}[retry]\nattempts = 1\n[circuit_breaker]\nenabled = true\nthreshold = 3\nrecovery = 1\ntimeout = 1\n`);
  works = null;
  const both = await client.message(ask('x'));
  assert.equal(both.status, 529);
  assert.match(both.json.error.message, /second is full/);
  assert.equal((await line(both)).fallback, 'first:server');
  works = false;
  for (let i = 0; i < 2; ++i) assert.equal((await client.message(ask('x'))).json.content[0].text, 'second');
  const calls = mocks.first.chats.length;
  const skipped = await client.message(ask('x'));
  assert.equal(skipped.headers['x-clasp-fallback'], 'first:unavailable');
  assert.equal((await line(skipped)).attempts, undefined);
  assert.equal(mocks.first.chats.length, calls);
  assert.equal((await health()).status, 'degraded');
  works = true;
  await until(async () => (await health()).circuit_breaker.state === 'half_open', 3000, 'half open');
  assert.equal((await client.message(ask('x'))).json.content[0].text, 'first');
  assert.equal((await health()).circuit_breaker.state, 'closed');
});

test('fallback: after the stream was opened, and not after its content', async (b) => {
  const late = [pause(700, fail(503, 'late')), sse([...completionChunks({ text: 'Hello' }).slice(0, 2), 40], { end: 'cut' })];
  const { client, mocks } = await fleet(b, { first: late, second: () => say('goes on') }, `${kFallback}[timeouts]\nanswer_grace = 200ms\n`);
  const opened = await client.wholeStream(ask('x'));
  assert.equal(opened.checker.text, 'goes on');
  assert.equal(opened.checker.of('message_start').length, 1);
  assert.ok(opened.checker.events[3].at - opened.checker.events[0].at > 300, 'it was opened before');
  const broken = await client.wholeStream(ask('x'));
  assert.equal(broken.checker.text, 'Hello');
  assert.equal(broken.checker.error?.type, 'api_error');
  assert.equal(mocks.second.chats.length, 1);
});

// ---- backends of two kinds

const kRelay = (peer) => ({ url: peer.url, lines: ['provider = anthropic', `api_key = ${peer.key}`] });

test('from a translated backend to one that speaks the Messages API, before and after the opening', async (b) => {
  const peer = await Peer.start(b, () => speak({ text: 'from the peer' }));
  const { client, mocks } = await fleet(b, { first: [fail(500, 'x'), bytes(['HTTP/1.1 200 OK\r\n'], { end: 'reset' }), pause(600, fail(503, 'late'))], second: kRelay(peer) }, `${kFallback}[timeouts]\nanswer_grace = 200ms\n`);
  const plain = await client.message(ask('x'));
  assert.equal(plain.json.content[0].text, 'from the peer');
  assert.equal(plain.headers['x-clasp-fallback'], 'first:server');
  const streams = [await client.wholeStream(ask('x')), await client.wholeStream(ask('x'))];
  for (const stream of streams) {
    assert.equal(stream.checker.text, 'from the peer');
    assert.equal(stream.checker.of('message_start').length, 1);
    assert.equal(stream.checker.message.stop_reason, 'end_turn');
  }
  assert.equal(streams[0].headers['x-clasp-backend'], 'second');
  assert.equal(mocks.first.chats.length, 3);
  assert.equal(peer.last.body.messages[0].content, 'x');
});

test('from one that speaks the Messages API to a translated one, before and after the opening', async (b) => {
  const late = refuse(529, 'overloaded_error', 'Overloaded');
  const peer = await Peer.start(b, [refuse(529, 'overloaded_error', 'Overloaded'), refuse(500, 'api_error', 'x'), pause(600, late), speakPart({ text: 'Hello' }, 2, 'cut')]);
  const { client, mocks } = await fleet(b, { first: kRelay(peer), second: () => say('translated') }, `${kFallback}[timeouts]\nanswer_grace = 200ms\n`);
  const plain = await client.message(ask('x'));
  assert.equal(plain.json.content[0].text, 'translated');
  assert.equal(plain.headers['x-clasp-fallback'], 'first:overloaded');
  for (const what of ['before', 'after the opening', 'after message_start']) {
    const stream = await client.stream(ask('x'));
    stream.checker.pingsFirst = true;
    await stream.done();
    assert.equal(stream.checker.text, 'translated', what);
    assert.equal(stream.checker.of('message_start').length, 1, what);
  }
  assert.equal(mocks.second.chats.length, 4);
});

// ---- routes, tiers, keys

test('routes of the file: models, globs, weights, and conversations that stay', { limit: 40_000 }, async (b) => {
  const { client, mocks } = await fleet(b, { east: () => say('east'), west: () => say('west') });
  await client.message(ask('x'));
  assert.equal(mocks.east.chats.length, 1, 'without routes the first one');
  const routes = '[route claude-3-*]\ncandidates = east/big *3 | west/large, spare/small\n[route special]\ncandidates = spare/own/name\n';
  const own = await fleet(b, { east: () => say('east'), west: () => say('west'), spare: () => say('spare') }, routes);
  const special = await own.client.message(ask('x', { model: 'special' }));
  assert.equal(special.headers['x-clasp-backend'], 'spare');
  assert.equal(own.mocks.spare.last.body.model, 'own/name');
  const places = new Map();
  for (let conversation = 0; conversation < 60; ++conversation) {
    for (let turn = 0; turn < 3; ++turn) {
      const messages = [{ role: 'user', content: `conversation ${conversation}` }];
      for (let i = 0; i < turn; ++i) messages.push({ role: 'assistant', content: 'yes' }, { role: 'user', content: `more ${i}` });
      const answer = await own.client.message(ask('x', { messages }), { headers: { 'x-claude-code-session-id': `session-${conversation}` } });
      const place = answer.headers['x-clasp-backend'];
      assert.equal(places.get(conversation) ?? place, place, `conversation ${conversation} moved`);
      places.set(conversation, place);
    }
  }
  const east = [...places.values()].filter((p) => p === 'east').length;
  assert.ok(east > 30 && east < 58, `${east} of 60 in the east, which has three quarters of the weight`);
  assert.equal(own.mocks.east.last.body.model, 'big');
  assert.equal(own.mocks.west.last.body.model, 'large');
  // A conversation whose backend fails goes to its equal, not to the spare one.
  own.mocks.east.script = () => fail(500, 'x');
  const moved = [...places].find(([, p]) => p === 'east')[0];
  const answer = await own.client.message(ask(`conversation ${moved}`), { headers: { 'x-claude-code-session-id': `session-${moved}` } });
  assert.equal(answer.headers['x-clasp-backend'], 'west');
  assert.equal(answer.headers['x-clasp-fallback'], 'east:server');
});

test('tiers: each to a provider of its own, with its fallback', async (b) => {
  const openai = await b.mock(() => say('openai'), { key: 'sk-openai' });
  const router = await b.mock(() => say('openrouter'), { rules: 'none', key: 'sk-or' });
  const ollama = await b.mock(() => say('local'), { rules: 'none', auth: {} });
  const env = { OPENAI_API_KEY: 'sk-openai', OPENAI_BASE_URL: openai.url, OPENROUTER_API_KEY: 'sk-or', OPENROUTER_BASE_URL: router.url, CLASP_MULTI_PROVIDER: 'true',
    CLASP_OPUS_PROVIDER: 'openai', CLASP_OPUS_MODEL: 'gpt-4o', CLASP_SONNET_PROVIDER: 'openrouter', CLASP_SONNET_MODEL: 'anthropic/claude-3-sonnet',
    CLASP_HAIKU_PROVIDER: 'custom', CLASP_HAIKU_MODEL: 'llama3.1', CLASP_HAIKU_BASE_URL: ollama.url, CLASP_HAIKU_FALLBACK_PROVIDER: 'openai', CLASP_HAIKU_FALLBACK_MODEL: 'gpt-4o-mini' };
  const daemon = await b.daemon({ env });
  const client = b.client(daemon.url);
  const ways = [['claude-opus-4-1', 'openai', openai, 'gpt-4o'], ['claude-3-5-sonnet-20241022', 'openrouter', router, 'anthropic/claude-3-sonnet'], ['claude-haiku-4-5', 'local', ollama, 'llama3.1']];
  for (const [model, text, mock, used] of ways)
    for (const stream of [false, true]) {
      const answer = await send(client, stream, ask('x', { model }));
      assert.equal(textOf(answer), text, model);
      assert.equal(mock.last.body.model, used);
      assert.equal(answer.headers['x-clasp-model'], used);
    }
  ollama.script = () => fail(503, 'loading');
  const answer = await client.message(ask('x', { model: 'claude-haiku-4-5' }));
  assert.equal(answer.json.content[0].text, 'openai');
  assert.equal(openai.last.body.model, 'gpt-4o-mini');
  assert.match(answer.headers['x-clasp-fallback'], /^haiku:overloaded$/);
});

test('keys in turn: a refused one rests', async (b) => {
  const seen = [];
  const server = http.createServer((req, res) => {
    const key = req.headers.authorization?.slice(7);
    seen.push(key);
    req.resume();
    req.on('end', () => {
      const good = key !== 'sk-two';
      res.writeHead(good ? 200 : 401, { 'content-type': 'application/json' });
      res.end(JSON.stringify(good ? completion({ text: key }) : { error: { message: 'Incorrect API key provided', code: 'invalid_api_key' } }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  b.atEnd(() => { server.close(); server.closeAllConnections(); });
  const { client, providers } = await fleet(b, { only: { url: `http://127.0.0.1:${server.address().port}/v1`, lines: ['api_key = sk-one', 'api_keys = sk-two, sk-three'] } });
  for (let i = 0; i < 12; ++i) assert.equal((await client.message(ask('x'))).status, 200);
  assert.equal(seen.filter((k) => k === 'sk-two').length, 1, seen.join());
  for (const key of ['sk-one', 'sk-three']) assert.ok(seen.filter((k) => k === key).length >= 5, seen.join());
  const [only] = (await providers()).providers;
  assert.equal(only.keys, 3);
  assert.equal(only.keys_resting, 1);
  assert.ok(!JSON.stringify(await providers()).includes('sk-'), 'no key on a page');
});

// ---- health

test('/health and /providers/health: healthy, degraded, healthy again; nothing secret', { limit: 30_000 }, async (b) => {
  let works = true;
  const { client, mocks, health, providers } = await fleet(b, { first: () => (works ? say('x') : fail(500, 'x')), second: () => say('y') }, '[retry]\nattempts = 1\n');
  await client.message(ask('x'));
  let page = await health();
  assert.equal(page.status, 'healthy');
  assert.match(page.uptime, /^\d+s$/);
  assert.deepEqual(Object.keys(page.providers), ['first', 'second']);
  assert.equal(page.providers.first.state, 'healthy');
  assert.equal(page.providers.second.state, 'unknown');
  works = false;
  for (let i = 0; i < 3; ++i) await client.message(ask('x'));
  page = await health();
  assert.equal(page.status, 'degraded');
  assert.equal(page.providers.first.state, 'down');
  const all = await providers();
  assert.deepEqual([all.providers[0].last_error, all.providers[0].successes, all.providers[0].failures, all.providers[0].attempts], ['server', 1, { server: 3 }, 4]);
  const text = JSON.stringify([page, all]);
  for (const secret of ['sk-', '127.0.0.1', String(mocks.first.port)]) assert.ok(!text.includes(secret), `${secret} in ${text}`);
  works = true;
  await client.message(ask('x'));
  assert.equal((await health()).status, 'healthy', 'no longer down');
});

test('probes: a backend that is away is found without a request, and found again', { limit: 40_000 }, async (b) => {
  const backend = await absent(() => say('x'));
  b.atEnd(() => backend.go());
  const { health, providers } = await fleet(b, { first: { url: backend.url }, second: () => say('y') }, '[health_check]\nenabled = true\ninterval = 1\ntimeout = 1\n');
  await until(async () => (await health()).providers.first.state === 'down', 8000, 'down');
  assert.equal((await health()).status, 'degraded');
  assert.equal((await health()).providers.second.state, 'healthy');
  const [first] = (await providers()).providers;
  assert.equal(first.probe.ok, false);
  assert.equal(first.attempts, 0, 'a probe is no attempt');
  await backend.come();
  await until(async () => (await health()).status === 'healthy', 5000, 'healthy');
});

// ---- as users would

test('the configuration for maximum resilience: queue, breaker and fallback by flags and two keys', { limit: 40_000 }, async (b) => {
  let works = true;
  const openai = await b.mock(() => (works ? say('openai') : fail(503, 'down')), { key: 'sk-xxx' });
  const router = await b.mock(() => (works === null ? fail(503, 'down too') : say('openrouter')), { rules: 'none', key: 'sk-or-xxx' });
  const daemon = await b.daemon({ args: ['-queue', '-circuit-breaker', '-fallback', '-queue-max-size', '200', '-cb-threshold', '5', '-cb-timeout', '30'],
    env: { OPENAI_API_KEY: 'sk-xxx', OPENROUTER_API_KEY: 'sk-or-xxx', OPENAI_BASE_URL: openai.url, OPENROUTER_BASE_URL: router.url, CLASP_MODEL: 'gpt-4o', CLASP_QUEUE_RETRY_DELAY: '200' } });
  const client = b.client(daemon.url);
  const health = async () => (await client.get('/health')).json;
  assert.equal((await client.message(ask('x'))).json.content[0].text, 'openai');
  assert.equal((await health()).queue.max_size, 200);
  works = false;
  for (let i = 0; i < 6; ++i) {
    const answer = await send(client, i % 2 === 1);
    assert.equal(textOf(answer), 'openrouter');
    assert.equal(answer.headers['x-clasp-backend'], 'openrouter');
  }
  const page = await health();
  assert.equal(page.status, 'degraded');
  assert.equal(page.circuit_breaker.open, true);
  const before = openai.chats.length;
  assert.equal((await client.message(ask('x'))).headers['x-clasp-fallback'], 'openai:unavailable');
  assert.equal(openai.chats.length, before);
  // Both are down: the request waits and is served by the one that is back first.
  works = null;
  const waiting = client.message(ask('x'));
  await until(async () => (await health()).queue.waiting === 1, 3000, 'the request to wait');
  works = false;
  const answer = await waiting;
  assert.equal(textOf(answer), 'openrouter', `${answer.text} ${daemon.stderr.split('\n').at(-2)}`);
  assert.ok((await logLine(daemon, answer)).queued);
});

test('the real SDK does not notice a backend that fails and recovers', { limit: 40_000 }, async (b) => {
  const faults = [fail(500, 'x'), fail(503, 'x'), cut(), fail(529, 'x')];
  const { daemon } = await fleet(b, { only: (_, i) => (i % 3 < 2 ? faults[i % faults.length] : say('recovered')) }, '[retry]\npause = 20ms\nbudget = 100\n');
  const tap = await b.tap(daemon.url);
  const sdk = new Anthropic({ apiKey: 'test-client', baseURL: tap.url, maxRetries: 0 });
  const hello = { model: kModel, max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] };
  for (let i = 0; i < 4; ++i) {
    assert.equal((await sdk.messages.create(hello)).content[0].text, 'recovered');
    assert.equal((await sdk.messages.stream(hello).finalMessage()).content[0].text, 'recovered');
  }
});

test('the SDK heeds an open circuit\'s retry-after and gets its answer', { limit: 40_000 }, async (b) => {
  let works = false;
  const { daemon, mocks } = await fleet(b, { only: () => (works ? say('recovered') : fail(500, 'x')) }, '[retry]\nattempts = 1\n[circuit_breaker]\nenabled = true\nthreshold = 1\nrecovery = 1\ntimeout = 1\n');
  const sdk = new Anthropic({ apiKey: 'test-client', baseURL: daemon.url, maxRetries: 4 });
  const hello = { model: kModel, max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] };
  await b.client(daemon.url).message(ask('x'));
  works = true;
  const started = performance.now();
  assert.equal((await sdk.messages.create(hello)).content[0].text, 'recovered');
  assert.ok(performance.now() - started > 500 && performance.now() - started < atMost(8000));
  assert.equal(mocks.only.chats.length, 2);
});
