// Streams under way: every way a backend may cut and dress its bytes, silence, slow and vanishing
// clients, many at once.
import http from 'node:http';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { bytes, hang, json, pause, reply, say, sse } from './lib/mock.mjs';
import { chunk, completion, completionChunks, usageChunk, usageOf } from './lib/chunks.mjs';
import { atMost, atMostMemory, sleep, slow, until } from './lib/scale.mjs';

const render = (chunks, end = '\n') => chunks.map((c) => `data: ${JSON.stringify(c)}${end}${end}`).join('') + `data: [DONE]${end}${end}`;
const tools = ['f', 'g'].map((name) => ({ name, input_schema: { type: 'object', properties: {} } }));
const toolDelta = (index, f, more = {}) => ({ tool_calls: [{ ...(index === undefined ? {} : { index }), ...more, function: f }] });

test('vector 120, trap 7: UTF-8 cut at every byte', { limit: 60_000 }, async (b) => {
  const text = 'ä€😀\u2028"\\';
  const raw = Buffer.from(render([chunk({ content: text }), chunk({}, { finish: 'stop' }), usageChunk()]));
  const from = raw.indexOf(Buffer.from('ä')), to = raw.indexOf(Buffer.from('\u2028')) + 4;
  const cuts = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const { client } = await b.front((_, i) => sse([raw.subarray(0, cuts[i]), () => sleep(4), raw.subarray(cuts[i])], { end: 'clean' }));
  for (const at of cuts) assert.equal((await client.wholeStream(ask('x'))).checker.text, text, `cut at ${at}`);
});

test('one byte at a time, and all at once', async (b) => {
  const answer = { text: 'Grüße', calls: [{ id: 'call_a', name: 'f', arguments: '{"ü":"ß"}' }] };
  const raw = Buffer.from(render(completionChunks(answer)));
  const { client } = await b.front([sse([...raw].map((x) => Buffer.from([x])), { end: 'clean' }), sse([raw], { end: 'clean' })]);
  for (const how of ['bytes', 'whole']) {
    const { message } = (await client.wholeStream(ask('x', { tools }))).checker;
    assert.equal(message.content[0].text, 'Grüße', how);
    assert.deepEqual(message.content[1].input, { ü: 'ß' });
    assert.equal(message.stop_reason, 'tool_use');
  }
});

test('the dialects of event streams', async (b) => {
  const chunks = completionChunks({ text: 'Hello', size: 2 });
  const lines = chunks.map((c) => JSON.stringify(c));
  const cases = {
    'CRLF': render(chunks, '\r\n'),
    'CR': render(chunks, '\r'),
    'no space after data:': lines.map((l) => `data:${l}\n\n`).join('') + 'data:[DONE]\n\n',
    'comments and blank lines': ': OPENROUTER PROCESSING\n\n\n\n' + lines.map((l) => `: x\ndata: ${l}\n: y\n\n\n`).join('') + 'data: [DONE]\n\n',
    'event and id lines': lines.map((l, i) => `event: chunk\nid: ${i}\nretry: 5\ndata: ${l}\n\n`).join('') + 'data: [DONE]\n\n',
    'no blank line at the end': lines.map((l) => `data: ${l}\n\n`).join('').trimEnd(),
    'data over two lines': lines.map((l) => `data: ${l.slice(0, l.indexOf(',') + 1)}\ndata: ${l.slice(l.indexOf(',') + 1)}\n\n`).join('') + 'data: [DONE]\n\n',
    'a byte order mark': '\ufeff' + render(chunks),
    'bytes after [DONE]': render(chunks) + 'data: {"error":"too late"}\n\n',
  };
  const names = Object.keys(cases);
  const { client } = await b.front((_, i) => sse([cases[names[i]]], { end: 'clean' }));
  for (const name of names) {
    const { checker } = await client.wholeStream(ask('x'));
    assert.equal(checker.text, 'Hello', name);
    assert.equal(checker.message?.stop_reason, 'end_turn', name);
  }
});

test('framing of the HTTP answer: length, chunks with extensions, until close', async (b) => {
  const text = render(completionChunks({ text: 'framed' }));
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n';
  const cases = [
    [head, `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n`, text],
    [head, 'Connection: close\r\n\r\n', text],
    ['HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n', head, 'Transfer-Encoding: chunked\r\n\r\n', `${text.length.toString(16)};a=b\r\n`, text, '\r\n0\r\ntrailer: t\r\n\r\n'],
    ['HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n', text],
  ];
  const closes = (parts) => !/length:|chunked/i.test(parts.join(''));
  const { client } = await b.front((request) => {
    const parts = cases[request.body.messages[0].content];
    return bytes(parts, { end: closes(parts) ? 'close' : 'open' });
  });
  for (const i in cases) assert.equal((await client.wholeStream(ask(i))).checker.text, 'framed', cases[i].join(''));
});

test('tool calls however they are cut up', async (b) => {
  const finish = [chunk({}, { finish: 'tool_calls' }), usageChunk()];
  const start = (name, args = '') => ({ name, arguments: args });
  const cases = {
    'interleaved fragments': completionChunks({ calls: [{ id: 'call_a', name: 'f', arguments: '{"a":1}' }, { id: 'call_b', name: 'g', arguments: '{"b":2}' }], size: 2, interleave: true }),
    'arguments before the name': [chunk(toolDelta(0, { arguments: '{"a"' })), chunk(toolDelta(0, start('f', ':1}'), { id: 'call_a' })), chunk(toolDelta(1, start('g', '{"b":2}'), { id: 'call_b' })), ...finish],
    'no index, no ids, finish stop': [chunk({ tool_calls: [{ function: start('f', '{"a":1}') }, { function: start('g', '{"b":2}') }] }), chunk({}, { finish: 'stop' }), usageChunk()],
    'both at index 0 with ids of their own': [chunk(toolDelta(0, start('f', '{"a":1}'), { id: 'call_a' })), chunk(toolDelta(0, start('g', '{"b":2}'), { id: 'call_b' })), ...finish],
    'the id in every chunk': [chunk(toolDelta(0, start('f'), { id: 'call_a' })), chunk(toolDelta(0, start('f', '{"a":'), { id: 'call_a' })), chunk(toolDelta(0, { arguments: '1}' }, { id: 'call_a' })),
      chunk(toolDelta(1, start('g', '{"b":2}'), { id: 'call_b' })), ...finish],
    'arguments as objects': [chunk(toolDelta(0, { name: 'f', arguments: { a: 1 } }, { id: 'call_a' })), chunk(toolDelta(1, { name: 'g', arguments: { b: 2 } }, { id: 'call_b' })), ...finish],
  };
  const names = Object.keys(cases);
  const { client } = await b.front((_, i) => sse(cases[names[i]]), { provider: 'custom' });
  for (const name of names) {
    const { message } = (await client.wholeStream(ask('x', { tools }))).checker;
    assert.deepEqual(message.content.map((c) => [c.name, c.input]), [['f', { a: 1 }], ['g', { b: 2 }]], name);
    assert.equal(message.stop_reason, 'tool_use', name);
    assert.notEqual(message.content[0].id, message.content[1].id, name);
  }
});

test('seen 8: thinking, text and calls keep their order', async (b) => {
  const { client } = await b.front([
    sse([chunk({ role: 'assistant', reasoning_content: 'hm' }), chunk({ reasoning_content: 'm, ' , content: 'So: ' }), chunk({ content: 'yes' }), chunk({ reasoning_content: 'really?' }),
      chunk(toolDelta(0, { name: 'f', arguments: '{}' }, { id: 'call_a' })), chunk({ content: 'after' }), chunk({}, { finish: 'tool_calls' }), usageChunk()]),
    sse([chunk({ content: '<think>a' }), chunk({ content: '</think>b' }), chunk({}, { finish: 'stop' })]),
    sse([chunk(toolDelta(0, { name: 'f', arguments: '' }, { id: 'call_a' })), chunk({ content: '\n' }), chunk(toolDelta(1, { name: 'g' }, { id: 'call_b' })), chunk({}, { finish: 'tool_calls' })]),
  ], { provider: 'custom' });
  const first = (await client.wholeStream(ask('x', { tools }))).checker.message;
  assert.deepEqual(first.content.map((c) => c.type), ['thinking', 'text', 'thinking', 'tool_use', 'text']);
  assert.equal(first.content[0].thinking, 'hmm, ');
  assert.match(first.content[0].signature, /^clasp1\./);
  const second = (await client.wholeStream(ask('x'))).checker.message;
  assert.deepEqual(second.content.map((c) => c.thinking ?? c.text), ['a', 'b']);
  const third = (await client.wholeStream(ask('x', { tools }))).checker.message;
  assert.deepEqual(third.content.map((c) => [c.name, c.input]), [['f', {}], ['g', {}]]);
});

test('how a stream may end', async (b) => {
  const say2 = [chunk({ content: 'Hi' })];
  const call = chunk(toolDelta(0, { name: 'f', arguments: '{"a":"bc' }, { id: 'call_a' }));
  const cases = {
    'finish and no [DONE]': [sse([...say2, chunk({}, { finish: 'stop' })], { end: 'clean' }), 'end_turn'],
    'usage on the finish chunk': [sse([...say2, chunk({}, { finish: 'stop', usage: usageOf(50, 60) })]), 'end_turn'],
    'length': [sse([...say2, chunk({}, { finish: 'length' }), usageChunk()]), 'max_tokens'],
    'length inside arguments': [sse([call, chunk({}, { finish: 'length' }), usageChunk()]), 'max_tokens'],
    'arguments left open': [sse([call, chunk({}, { finish: 'tool_calls' }), usageChunk()]), 'tool_use'],
    'content filter': [sse([...say2, chunk({}, { finish: 'content_filter' })]), 'refusal'],
    'the connection stays open after [DONE]': [sse([...say2, chunk({}, { finish: 'stop' }), usageChunk(), 'data: [DONE]\n\n'], { end: 'open' }), 'end_turn'],
    'the connection stays open after the finish': [sse([...say2, chunk({}, { finish: 'stop' })], { end: 'open' }), 'end_turn'],
  };
  const names = Object.keys(cases);
  const { client } = await b.front((_, i) => cases[names[i]][0]);
  for (const name of names) {
    const started = performance.now();
    const { message } = (await client.wholeStream(ask('x', { tools }))).checker;
    assert.equal(message.stop_reason, cases[name][1], name);
    assert.ok(performance.now() - started < atMost(3500), `${name}: took ${Math.round(performance.now() - started)} ms`);
    if (name === 'arguments left open') assert.deepEqual(message.content[0].input, { a: 'bc' });
    if (name.startsWith('usage')) assert.equal(message.usage.output_tokens, 60);
  }
});

test('vector 150: JSON where a stream was wanted, and the other way round', async (b) => {
  const answer = { text: 'either way', calls: [{ id: 'call_a', name: 'f', arguments: '{"a":1}' }] };
  const { client } = await b.front([json(completion(answer)), sse(completionChunks(answer))]);
  const streamed = (await client.wholeStream(ask('x', { tools }))).checker.message;
  const plain = (await client.message(ask('x', { tools }))).json;
  for (const m of [streamed, plain]) assert.deepEqual(m.content.map((c) => c.text ?? c.input), ['either way', { a: 1 }]);
});

test('vector 17, vector 18: local stop sequences', async (b) => {
  const words = ['abc', 'ST', 'OP', 'def'];
  const { client, mock } = await b.front(() => sse([...words.map((content) => chunk({ content })), chunk({}, { finish: 'stop' }), usageChunk()]));
  const many = ['STOP', '1', '2', '3', '4', '5'];
  const stream = (await client.wholeStream(ask('x', { stop_sequences: many }))).checker.message;
  assert.equal(stream.content[0].text, 'abc');
  assert.equal(stream.stop_reason, 'stop_sequence');
  assert.equal(stream.stop_sequence, 'STOP');
  assert.ok((mock.last.body.stop ?? []).length <= 4);
});

test('a silent backend: message_start and ping at once after the grace, then pings', { limit: 30_000 }, async (b) => {
  const { client } = await b.front([pause(3600, say('finally'))], { env: { CLASP_ANSWER_GRACE: '1', CLASP_PING_INTERVAL: '1' } });
  const stream = await client.stream(ask('x'));
  const waited = stream.headAt - stream.started;
  assert.ok(waited > 700 && waited < atMost(2500), `head after ${Math.round(waited)} ms`);
  await stream.done();
  assert.equal(stream.checker.text, 'finally');
  const pings = stream.checker.events.filter((e) => e.event === 'ping').length;
  assert.ok(pings >= 3 && pings <= 5, `${pings} pings`);
});

test('pings while a stream pauses', { limit: 30_000 }, async (b) => {
  const { client } = await b.front([sse([chunk({ content: 'a' }), 2500, chunk({ content: 'b' }), chunk({}, { finish: 'stop' })])], { env: { CLASP_PING_INTERVAL: '1' } });
  const { checker } = await client.wholeStream(ask('x'));
  assert.equal(checker.text, 'ab');
  const order = checker.events.map((e) => e.event);
  assert.ok(order.slice(4, -3).filter((e) => e === 'ping').length >= 2, order.join());
});

test('vector 121, trap 16: with the shipped times, an answer within 10 s of silence', { limit: 40_000 }, async (b) => {
  const { client } = await b.front([pause(21_500, say('late'))]);
  const stream = await client.stream(ask('x'), { limit: 30_000 });
  assert.ok(stream.headAt - stream.started < atMost(10_700), `head after ${stream.headAt - stream.started} ms`);
  await stream.done(30_000);
  const quiet = stream.checker.events.map((e, i, all) => (i ? e.at - all[i - 1].at : 0));
  assert.ok(Math.max(...quiet) < atMost(10_700), `silent for ${Math.max(...quiet)} ms`);
  assert.ok(stream.checker.events.filter((e) => e.event === 'ping').length >= 2);
});

test('vector 121: an error that comes after the grace is an event', { limit: 20_000 }, async (b) => {
  const { client } = await b.front([pause(2000, json({ error: { message: 'No', type: 'invalid_request_error', code: null } }, { status: 400 }))],
    { env: { CLASP_ANSWER_GRACE: '1' } });
  const stream = await client.wholeStream(ask('x'));
  assert.equal(stream.status, 200);
  assert.equal(stream.checker.error?.type, 'invalid_request_error');
});

test('trap 17: a stream that falls silent ends in a timeout error', { limit: 20_000 }, async (b) => {
  const { client, mock } = await b.front([sse([chunk({ content: 'a' }), () => new Promise(() => {})])], { args: ['-http-timeout', '1'] });
  const stream = await client.wholeStream(ask('x'));
  assert.equal(stream.checker.text, 'a');
  assert.equal(stream.checker.error?.type, 'timeout_error');
  await until(() => mock.aborted === 1, 2000, 'the backend call to be ended');
});

test('trap 18, defect 16: a stream has no time limit of its own', { limit: 20_000 }, async (b) => {
  const { client } = await b.front([sse(['slow ', 'but ', 'steady ', 'to ', 'the ', 'end'].flatMap((content) => [chunk({ content }), 600]).concat([chunk({}, { finish: 'stop' })]))], { args: ['-http-timeout', '1'] });
  const stream = await client.wholeStream(ask('x'));
  assert.equal(stream.checker.text, 'slow but steady to the end');
  assert.equal(stream.checker.message.stop_reason, 'end_turn');
});

test('vector 125, trap 15, defect 16: a client that leaves ends the backend call at once', { limit: 30_000 }, async (b) => {
  const { client, mock } = await b.front((request) => (request.body.stream ? sse([chunk({ content: 'a' }), () => new Promise(() => {})]) : hang()));
  const times = [];
  for (let i = 0; i < 5; ++i) {
    const stream = await client.stream(ask('x'));
    await stream.next('content_block_delta');
    const left = performance.now();
    stream.abort();
    await until(() => mock.last.aborted, 5000, 'the backend call to be cancelled');
    times.push(mock.last.aborted - left);
  }
  // Not only streams: somebody waits for a whole answer, or for the first byte of one.
  for (const body of [ask('x'), ask('x', { stream: true })]) {
    const before = mock.chats.length;
    const request = http.request(`${client.url.origin}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': 'k' } });
    request.on('error', () => {});
    request.end(JSON.stringify(body));
    await until(() => mock.chats.length > before, 5000, 'the request to reach the backend');
    if (body.stream) await sleep(30);
    const left = performance.now();
    request.destroy();
    await until(() => mock.last.aborted, 5000, 'the backend call to be cancelled');
    times.push(mock.last.aborted - left);
  }
  times.sort((x, y) => x - y);
  assert.ok(times[times.length >> 1] < 100 * slow, `cancelled after ${times.map(Math.round)} ms`);
});

test('seen 6: a client that does not read costs little memory and slows the backend', { limit: 40_000 }, async (b) => {
  const block = 'x'.repeat(8000);
  const total = 12_000; // about 96 MB
  let sent = 0;
  const chunks = function* () { for (let i = 0; i < total; ++i) { sent = i + 1; yield chunk({ content: block }); } yield chunk({}, { finish: 'stop' }); };
  const { client, daemon } = await b.front([sse({ [Symbol.iterator]: chunks })]);
  await client.get('/health');
  const before = daemon.rss();
  const stream = await client.stream(ask('x'));
  stream.response.pause();
  let stalledAt = -1;
  await until(async () => { const same = sent === stalledAt; stalledAt = sent; await sleep(400); return same && sent > 0; }, 15_000, 'the backend to be slowed down');
  assert.ok(stalledAt < total / 2, `${stalledAt} of ${total} chunks were taken from the backend`);
  const grown = daemon.rss() - before;
  assert.ok(grown < atMostMemory(8192), `the daemon grew by ${grown} kB`);
  stream.response.resume();
  await stream.done(30_000);
  assert.equal(stream.checker.text.length, total * block.length);
  assert.ok(daemon.rss() - before < atMostMemory(16384), `the daemon grew by ${daemon.rss() - before} kB in the end`);
});

test('a client that never reads is dropped', { limit: 30_000 }, async (b) => {
  const endless = sse({ *[Symbol.iterator]() { for (;;) yield chunk({ content: 'y'.repeat(8000) }); } });
  const { client, mock } = await b.front([endless], { env: { CLASP_CLIENT_WRITE_TIMEOUT: '1' } });
  const stream = await client.stream(ask('x'));
  stream.aborted = true;
  stream.response.pause();
  await until(() => mock.aborted === 1, 15_000, 'the stalled client to be dropped');
});

test('two hundred streams at once', { limit: 50_000 }, async (b) => {
  const { client, mock, daemon } = await b.front((_, i) => reply({ text: `stream ${i} `.repeat(20) }, { gap: 15 }));
  const started = performance.now();
  const streams = await Promise.all(Array.from({ length: 200 }, () => client.wholeStream(ask('x'), { limit: 40_000 })));
  for (const { checker } of streams) assert.match(checker.text, /^(stream \d+ )\1{19}$/);
  assert.equal(new Set(streams.map((s) => s.checker.text)).size, 200, 'each client got its own stream');
  assert.equal(new Set(streams.map((s) => s.headers['request-id'])).size, 200);
  assert.equal(mock.chats.length, 200);
  assert.ok(performance.now() - started < atMost(20_000));
  assert.ok(daemon.rss() < atMostMemory(200_000), `${daemon.rss()} kB`);
});

test('an idle daemon uses no processor time', async (b) => {
  const { client, daemon } = await b.front([say('x')]);
  await client.wholeStream(ask('x'));
  const before = daemon.cpuTicks();
  await sleep(1500);
  assert.ok(daemon.cpuTicks() - before <= 3, `${daemon.cpuTicks() - before} ticks in 1.5 s`);
});
