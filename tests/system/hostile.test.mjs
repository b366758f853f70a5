// Clients and backends that mean no good, and long mixed weather.
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { bytes, fail, hang, json, say, sse } from './lib/mock.mjs';
import { chunk, completion, completionChunks, usageChunk } from './lib/chunks.mjs';
import { atMost, atMostMemory, sleep, until } from './lib/scale.mjs';

// Numbers that look random and are the same every time; the seed is in the message of a failure.
function dice(seed) {
  let state = seed * 2654435761 + 1;
  const next = () => { state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) | 0; return (state >>> 0) / 2 ** 32; };
  return { below: (n) => Math.floor(next() * n), pick: (list) => list[Math.floor(next() * list.length)], chance: (p) => next() < p };
}

test('any cutting of any stream gives the plain message', { limit: 60_000 }, async (b) => {
  const words = ['a', ' ', 'ß', '😀', '\n', '"', '\\', '</think>', '\u0000', 'Ω', '{"x":1}', '日本', '\u2028'];
  const plan = (seed) => {
    const d = dice(seed);
    const text = (n) => Array.from({ length: n }, () => d.pick(words)).join('');
    const calls = Array.from({ length: d.below(3) }, (_, i) => ({ id: `call_${seed}_${i}`, name: d.pick(['f', 'g']), arguments: JSON.stringify({ [text(2) || 'k']: text(5), n: [d.below(9), null, { deep: text(3) }] }) }));
    const answer = { text: d.chance(0.8) ? `w${text(d.below(30))}` : undefined, calls: calls.length ? calls : undefined, size: 1 + d.below(6), interleave: d.chance(0.5) };
    if (d.chance(0.5)) answer.message = { reasoning_content: `r${text(d.below(12))}` };
    return { d, answer };
  };
  let seed = 0;
  const { client } = await b.front((request) => {
    const { d, answer } = plan(seed);
    if (!request.body.stream) return json(completion(answer));
    const reasoning = answer.message ? [...answer.message.reasoning_content].map((c) => chunk({ reasoning_content: c })) : [];
    const end = d.chance(0.5) ? '\r\n' : '\n';
    const raw = Buffer.from([...reasoning, ...completionChunks(answer)].map((c) => `data: ${JSON.stringify(c)}${end}${end}`).join('') + `data: [DONE]${end}${end}`);
    const cuts = [...new Set(Array.from({ length: 1 + d.below(6) }, () => d.below(raw.length)))].sort((x, y) => x - y);
    return sse([...cuts, raw.length].flatMap((cut, i, all) => [raw.subarray(i ? all[i - 1] : 0, cut), () => sleep(1)]), { end: 'clean' });
  }, { provider: 'custom' });
  const tools = ['f', 'g'].map((name) => ({ name, input_schema: { type: 'object' } }));
  for (seed = 1; seed <= 60; ++seed) {
    const plain = (await client.message(ask('x', { tools }))).json;
    const streamed = (await client.wholeStream(ask('x', { tools }))).checker.message;
    const shape = (m) => ({ ...m, id: '', content: m.content.map((c) => ({ ...c, id: '' })) });
    assert.deepEqual(shape(streamed), shape(plain), `seed ${seed}`);
  }
});

test('slow heads and bodies are cut off, a slow stream is not', { limit: 30_000 }, async (b) => {
  const { client, daemon } = await b.front([sse(['h', 'e', 'y'].flatMap((c) => [chunk({ content: c }), 900]).concat([chunk({}, { finish: 'stop' })]))],
    { env: { CLASP_CLIENT_HEADER_TIMEOUT: '1', CLASP_CLIENT_BODY_TIMEOUT: '1', CLASP_CLIENT_IDLE_TIMEOUT: '1' } });
  const drip = async (text, every) => {
    const socket = net.connect(daemon.port, '127.0.0.1');
    let answer = '', open = true;
    socket.on('data', (d) => { answer += d; });
    socket.on('error', () => {});
    socket.on('close', () => { open = false; });
    await once(socket, 'connect');
    const started = performance.now();
    for (const c of text) {
      if (!open || performance.now() - started > atMost(6000)) break;
      socket.write(c);
      await sleep(every);
    }
    await until(() => !open, 4000, 'the slow client to be cut off');
    return { answer, took: performance.now() - started };
  };
  const stream = client.wholeStream(ask('x'));
  const [head, body] = await Promise.all([
    drip(`POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-fill: ${'a'.repeat(60)}`, 200),
    drip(['POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n', '{', ...Array(3).fill('')], 2000),
  ]);
  assert.ok(head.took < atMost(4000), `slow head: ${head.took} ms`);
  for (const { answer } of [head, body]) if (answer) assert.match(answer, /^HTTP\/1\.1 408 /);
  assert.equal((await stream).checker.text, 'hey');
});

test('a model name cannot write headers', async (b) => {
  const mock = await b.mock(() => say('x'), { rules: 'compatible' });
  const daemon = await b.daemon({ args: ['-provider', 'custom'], env: { CUSTOM_BASE_URL: mock.url, CUSTOM_API_KEY: mock.key } });
  const client = b.client(daemon.url);
  for (const model of ['a\r\nset-cookie: evil=1', 'mödel-日本', 'x'.repeat(20_000), '\u0000', '"quoted"']) {
    for (const answer of [await client.message(ask('x', { model })), await client.wholeStream(ask('x', { model }))]) {
      assert.ok([200, 400].includes(answer.status), `${JSON.stringify(model.slice(0, 20))}: ${answer.status}`);
      assert.equal(answer.headers['set-cookie'], undefined);
    }
  }
  const fields = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`field_${i}_${'y'.repeat(100)}`, i]));
  for (const more of [{ ['z'.repeat(30_000)]: 1 }, fields, { 'a\r\nset-cookie: evil=1': 1 }]) {
    const answer = await client.message(ask('x', more));
    assert.equal(answer.status, 200);
    assert.match(answer.headers['x-clasp-warning'], /^unknown:/);
    assert.equal(answer.headers['set-cookie'], undefined);
  }
  assert.ok(!/^set-cookie/m.test(daemon.stderr), 'the log stays one line an entry');
});

test('nor can the headers of a backend', async (b) => {
  const text = JSON.stringify(completion({ text: 'x' }));
  const { client } = await b.front(() => bytes([`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: ${'i'.repeat(5000)}\r\nretry-after: 1\r\nset-cookie: a=b\r\nserver: evil\r\nconnection: close\r\ncontent-length: ${text.length}\r\n\r\n${text}`]));
  const answer = await client.message(ask('x'));
  assert.equal(answer.status, 200);
  for (const [name, value] of Object.entries(answer.headers)) assert.ok(value.length < 1000, `${name} has ${value.length} characters`);
});

test('backends without measure', { limit: 40_000 }, async (b) => {
  const flood = { *[Symbol.iterator]() { for (;;) yield `x-h: ${'y'.repeat(1000)}\r\n`; } };
  const cases = {
    'a head without end': bytes({ *[Symbol.iterator]() { yield 'HTTP/1.1 200 OK\r\n'; yield* flood; } }, { gap: 0 }),
    'a plain answer that is too big': bytes({ *[Symbol.iterator]() { yield 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"'; for (;;) yield 'z'.repeat(60_000); } }, { gap: 0 }),
    'a number as length': bytes(['HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n{}']),
    'two lengths': bytes(['HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x']),
    'deep nesting': json('['.repeat(200_000)),
    'deep nesting that closes': json('['.repeat(3000) + ']'.repeat(3000)),
    'a list': json([1, 2]),
    'an empty list': json([]),
    'a string': json('"hello"'),
    'null': json('null'),
    'an empty body': json(''),
    'a hundred interim answers': bytes(['HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)], { end: 'open' }),
  };
  let now;
  const { client, daemon } = await b.front(() => cases[now], { env: { CLASP_MAX_RESPONSE: '1M', CLASP_HTTP_TIMEOUT: '3' } });
  for (now of Object.keys(cases)) {
    const answer = await client.message(ask('x'));
    assert.equal(answer.status, 502, `${now}: ${answer.text}`);
  }
  assert.ok(daemon.rss() < atMostMemory(100_000), `${daemon.rss()} kB`);
});

test('one line of an event stream without end', { limit: 30_000 }, async (b) => {
  const endless = { *[Symbol.iterator]() { yield `data: ${JSON.stringify(chunk({ content: 'a' }))}\n\n`; yield 'data: {"choices":[{"delta":{"content":"'; for (;;) yield 'z'.repeat(64_000); } };
  const { client, daemon } = await b.front([sse(endless)]);
  const before = daemon.rss();
  const stream = await client.wholeStream(ask('x'));
  assert.ok(stream.checker.error, 'ends in an error');
  assert.ok(daemon.rss() - before < atMostMemory(300_000), `${daemon.rss() - before} kB more`);
});

test('a single delta of five megabytes', async (b) => {
  const text = 'ö'.repeat(2_500_000);
  const { client } = await b.front([sse([chunk({ content: text }), chunk({}, { finish: 'stop' }), usageChunk()])]);
  assert.equal((await client.wholeStream(ask('x'))).checker.text.length, text.length);
});

test('histories that clients should not send do not break the session', async (b) => {
  const { client } = await b.front(() => say('ok'));
  const call = (id, input = {}) => ({ type: 'tool_use', id, name: 'f', input });
  const result = (id, content) => ({ type: 'tool_result', tool_use_id: id, content });
  const user = (...content) => ({ role: 'user', content });
  const assistant = (...content) => ({ role: 'assistant', content });
  const text = (t) => ({ type: 'text', text: t });
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };
  const tools = [{ name: 'f', input_schema: { type: 'object' } }];
  const long = 'toolu_' + 'x'.repeat(60);
  for (const [what, messages] of Object.entries({
    'an unanswered call': [user(text('a')), assistant(call('t1')), user(text('b'))],
    'an unanswered call at the end': [user(text('a')), assistant(call('t1'))],
    'a result nobody asked for': [user(text('a')), user(result('t9', 'x'))],
    'results in another order': [user(text('a')), assistant(call('t1'), call('t2')), user(result('t2', '2'), text('and'), result('t1', '1'))],
    'a result a turn later': [user(text('a')), assistant(call('t1')), user(text('wait')), assistant(text('ok')), user(result('t1', '1'))],
    'two results for one call': [user(text('a')), assistant(call('t1')), user(result('t1', '1'), result('t1', '2'))],
    'the same id twice': [user(text('a')), assistant(call('call_0')), user(result('call_0', '1')), assistant(call('call_0')), user(result('call_0', '2'))],
    'a long id': [user(text('a')), assistant(call(long)), user(result(long, '1'))],
    'strange ids': [user(text('a')), assistant(call('functions.f:0')), user(result('functions.f:0', '1'))],
    'images in results': [user(text('a')), assistant(call('t1'), call('t2')), user(result('t1', [image, text('one')]), result('t2', [image]), text('look'))],
    'an empty result': [user(text('a')), assistant(call('t1')), user({ type: 'tool_result', tool_use_id: 't1' })],
    'input that is no object': [user(text('a')), assistant({ type: 'tool_use', id: 't1', name: 'f', input: '{"a":1}' }), user(result('t1', '1'))],
    'a long tool name': [user(text('a')), assistant({ type: 'tool_use', id: 't1', name: 'mcp__' + 'n'.repeat(90), input: {} }), user(result('t1', '1'))],
    'empty texts': [user(text(''), text('a')), assistant(text('')), user(text('b'))],
    'system turns in between': [user(text('a')), assistant(call('t1')), { role: 'system', content: 'note' }, user(result('t1', '1')), { role: 'system', content: [text('late note')] }],
    'starts with the assistant': [assistant(text('hello')), user(text('a'))],
    'ends with the assistant': [user(text('a')), assistant(text('{'))],
    'foreign thinking': [user(text('a')), assistant({ type: 'thinking', thinking: 'hm', signature: 'EqQBCkYIBxgC' }, { type: 'redacted_thinking', data: 'abc' }, text('b')), user(text('c'))],
    'unknown blocks': [user(text('a'), { type: 'hologram', text: 'h' }), assistant({ type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'q' } }, { type: 'web_search_tool_result', tool_use_id: 's', content: [] }, text('b')), user(text('c'))],
    'many turns': Array.from({ length: 2001 }, (_, i) => (i % 2 ? assistant(text(`a${i}`)) : user(text(`u${i}`)))),
  })) {
    const answer = await client.message(ask('', { messages, tools }));
    assert.equal(answer.status, 200, `${what}: ${answer.text}`);
  }
});

test('tools that need mending', async (b) => {
  const { client } = await b.front(() => say('ok'));
  const s = (input_schema, more = {}) => ({ name: 'f', input_schema, ...more });
  for (const [what, tool] of Object.entries({
    'no type': s({ properties: { a: { type: 'string' } } }), 'no properties': s({ type: 'object' }), 'an array without items': s({ type: 'object', properties: { a: { type: 'array' } } }),
    'nested arrays': s({ type: 'object', properties: { a: { type: 'array', items: { type: 'array' } } } }), 'a $schema': s({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', properties: {} }),
    'a union at the root': s({ anyOf: [{ type: 'object', properties: { a: { type: 'string' } } }, { type: 'object', properties: { b: { type: 'string' } } }] }),
    'required: null': s({ type: 'object', properties: {}, required: null }), 'boolean schemas': s({ type: 'object', properties: { a: true, b: false } }),
    'a dotted name': { name: 'my.tool/with spaces', input_schema: { type: 'object' } }, 'a long name': { name: 'mcp__server__' + 'x'.repeat(80), input_schema: { type: 'object' } },
    'strict without reason': s({ type: 'object', properties: { a: { type: 'string' } } }, { strict: true }), 'bash': { type: 'bash_20250124', name: 'bash' },
    'text editor': { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool' }, 'computer': { type: 'computer_20250124', name: 'computer', display_width_px: 800, display_height_px: 600 },
    'type null': s({ type: 'object' }, { type: null, cache_control: { type: 'ephemeral' }, eager_input_streaming: true, input_examples: [{ a: 1 }] }),
  })) {
    const answer = await client.message(ask('x', { tools: [tool] }));
    assert.equal(answer.status, 200, `${what}: ${answer.text}`);
  }
});

test('a storm of good and bad requests leaves nothing behind', { limit: 60_000 }, async (b) => {
  const text = JSON.stringify(completion({ text: 'plain' }));
  const kinds = [
    () => say('fine weather '.repeat(20)), () => json(completion({ text: 'x' })), () => fail(500, 'x'), () => fail(429, 'x', { headers: { 'retry-after': '1' } }),
    () => sse([chunk({ content: 'a' }), 5], { end: 'cut' }), () => sse([chunk({ content: 'a' }), 5], { end: 'clean' }), () => hang(), () => ({ socket }) => socket.destroy(),
    () => bytes(['garbage\r\n\r\n']), () => bytes([`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text.slice(0, 20)}`]),
    () => sse(Array.from({ length: 50 }, () => chunk({ content: 'word ' })).concat([chunk({}, { finish: 'stop' })]), { gap: 2 }),
  ];
  const d = dice(7);
  const { client, daemon } = await b.front(() => d.pick(kinds)(), { mock: { rules: 'none' }, env: { CLASP_POOL_IDLE: '2' } });
  const descriptors = () => { try { return readdirSync(`/proc/${daemon.pid}/fd`).length; } catch { return null; } };
  const one = async () => {
    const how = d.below(5);
    if (how === 0) { // leaves at once
      const socket = net.connect(daemon.port, '127.0.0.1');
      socket.on('error', () => {});
      const body = JSON.stringify(ask('x', { stream: d.chance(0.5) }));
      const whole = `POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
      socket.write(d.chance(0.5) ? whole : whole.slice(0, d.below(whole.length)));
      await sleep(d.below(20));
      return d.chance(0.5) ? socket.destroy() : socket.resetAndDestroy();
    }
    const stream = await client.stream(ask('x', {}), { limit: 3000 }).catch(() => null);
    if (stream && d.chance(0.3)) { await sleep(d.below(10)); stream.abort(); }
    await stream?.done(3000).catch(() => stream.abort());
  };
  const wave = async (n) => { for (let i = 0; i < n; ++i) await Promise.all(Array.from({ length: 25 }, () => Promise.race([one(), sleep(400)]))); };
  await wave(4);
  for (const stream of client.streams) if (!stream.response.closed) stream.abort();
  client.agent.destroy();
  await sleep(300);
  const [memory, files] = [daemon.rss(), descriptors()];
  await wave(12);
  for (const stream of client.streams) if (!stream.response.closed) stream.abort();
  client.agent.destroy();
  await until(() => descriptors() === null || descriptors() <= files + 8, 5000, `descriptors to go back to ${files}`).catch((e) => { throw new Error(`${e.message}; now ${descriptors()}`); });
  assert.ok(daemon.rss() - memory < atMostMemory(20_000), `from ${memory} to ${daemon.rss()} kB`);
  assert.equal((await client.get('/health')).status, 200);
});
