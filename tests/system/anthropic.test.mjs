// The provider anthropic: a backend that speaks the Messages API itself, with Anthropic's SDKs and
// with Claude Code in front of the daemon.
import Current from '@anthropic-ai/sdk';
import Old from 'anthropic-sdk-0';
import { readFileSync } from 'node:fs';
import { test, assert } from './lib/harness.mjs';
import { Anthropic, errorOf, kSignature, messageOf, refuse, speak, speakPart } from './lib/anthropic.mjs';
import { claude, session } from './lib/claude.mjs';
import { ask } from './lib/client.mjs';
import { runOnce } from './lib/daemon.mjs';
import { body as plainBody, sse } from './lib/mock.mjs';

const hello = { model: 'claude-x', max_tokens: 500, messages: [{ role: 'user', content: 'Hello' }] };
const weather = { name: 'get_weather', description: 'The weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } };

async function front(b, script, { args = [], env = {}, auth, ...options } = {}) {
  const mock = await Anthropic.start(b, script, { auth, ...options });
  const daemon = await b.daemon({ args: ['-provider', 'anthropic', ...args],
    env: { ANTHROPIC_API_KEY: mock.key ?? '', CLASP_ANTHROPIC_BASE_URL: mock.url, ANTHROPIC_BASE_URL: 'http://127.0.0.1:9', ...env } });
  const sdk = (Sdk, more) => new Sdk({ apiKey: 'client-key', baseURL: daemon.url, maxRetries: 0, ...more });
  return { mock, daemon, client: b.client(daemon.url), sdk };
}

for (const [version, Sdk] of [['current', Current], ['0.137', Old]]) {
  test(`${version}: plain and streamed, the same message as the backend's`, async (b) => {
    const answer = { thinking: 'Let me think – ünd so', text: 'Hello 😀', calls: [{ id: 'toolu_01', name: 'get_weather', input: { city: 'Zürich "old"\n' } }] };
    const { sdk, mock } = await front(b, () => speak(answer));
    const request = { ...hello, tools: [weather], max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 } };
    const wanted = messageOf({ ...answer, model: 'claude-x' });
    const plain = await sdk(Sdk).messages.create(request);
    assert.match(plain._request_id, /^req_/);
    assert.notEqual(plain._request_id, 'req_upstream');
    const streamed = await sdk(Sdk).messages.stream(request).finalMessage();
    for (const got of [plain, streamed]) {
      const shape = JSON.parse(JSON.stringify(got));
      delete shape._request_id;
      for (const block of shape.content) { delete block.parsed_output; delete block.parsed; }
      delete shape.parsed_output;
      assert.deepEqual(shape, wanted);
    }
    assert.deepEqual(mock.requests[0].body, request);
    assert.equal(mock.requests[1].body.stream, true);
  });

  test(`${version}: a tool loop, thinking with Anthropic's signature returns untouched`, async (b) => {
    const { sdk, mock } = await front(b, [
      speak({ thinking: 'hm', calls: [{ id: 'toolu_01', name: 'get_weather', input: { city: 'A' } }] }), speak({ text: 'Sunny' })]);
    const request = { ...hello, tools: [weather], max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 } };
    const first = await sdk(Sdk).messages.stream(request).finalMessage();
    const messages = [...request.messages, { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_01', content: '20 degrees' }] }];
    const second = await sdk(Sdk).messages.create({ ...request, messages });
    assert.equal(second.content[0].text, 'Sunny');
    assert.equal(mock.last.body.messages[1].content[0].signature, kSignature);
    assert.deepEqual(mock.last.body.thinking, request.thinking);
  });

  test(`habit 4, ${version}: betas and version go through, the client's other headers and its key do not`, async (b) => {
    const { sdk, mock } = await front(b, () => speak({ text: 'ok' }));
    const client = sdk(Sdk, { defaultHeaders: { 'x-claude-code-session-id': 's', cookie: 'c=1', 'anthropic-workspace-id': 'w' } });
    await client.beta.messages.create({ ...hello, betas: ['context-1m-2025-08-07', 'effort-2025-11-24'] });
    assert.equal(mock.last.path, version === 'current' ? '/v1/messages' : '/v1/messages?beta=true'); // as that SDK asks
    assert.match(mock.last.headers['anthropic-version'], /^20\d\d-\d\d-\d\d$/);
    assert.match(mock.last.headers['anthropic-beta'], /context-1m-2025-08-07, ?effort-2025-11-24/);
    await client.messages.create(hello);
    assert.equal(mock.last.path, '/v1/messages');
    assert.equal(mock.last.headers['anthropic-beta'], undefined);
  });

  test(`${version}: errors have the backend's status and words`, async (b) => {
    const script = [refuse(429, 'rate_limit_error', 'Slow down', { 'retry-after': '7' }), refuse(529, 'overloaded_error', 'Overloaded'),
      refuse(404, 'not_found_error', 'model: claude-x'), sse([`event: error\ndata: ${JSON.stringify(errorOf('overloaded_error', 'Overloaded'))}\n\n`], { end: 'clean' })];
    const { sdk } = await front(b, script, { env: { CLASP_RETRY_ATTEMPTS: '1' } });
    for (const [status, words, stream] of [[429, /Slow down/], [529, /Overloaded/], [404, /model: claude-x/], [529, /Overloaded/, true]]) {
      const error = await sdk(Sdk).messages.create({ ...hello, stream }).then(() => null, (e) => e);
      assert.equal(error?.status, status);
      assert.match(error.message, words);
      assert.match(error.error.request_id, /^req_/);
    assert.notEqual(error.error.request_id, 'req_upstream', 'the id is that of the header');
      if (status === 429) assert.equal(error.headers.get('retry-after'), '7');
      assert.match(error.headers.get('request-id'), /^req_(?!upstream)/);
    }
  });

  test(`${version}: a stream that breaks off is an error, never a message`, async (b) => {
    const { sdk } = await front(b, [speakPart({ text: 'Half an answer' }, 5, 'cut'), speakPart({ text: 'ab' }, 6, 'clean')]);
    for (let i = 0; i < 2; ++i) {
      const error = await sdk(Sdk).messages.stream(hello).finalMessage().then(() => null, (e) => e);
      assert.ok(error, 'an error');
      assert.match(String(error.message), /api_error|reset|prematurely/);
    }
  });
}

test('the bytes of the body are the client\'s, those of the answer the backend\'s', async (b) => {
  const text = '{ "type":"message",  "content":[ ],"usage":{"input_tokens":1,"output_tokens":1.0e0},"id":"x","new":[1.50]}';
  const { client, mock } = await front(b, () => plainBody(200, 'application/json', text, { 'x-should-retry': 'true', server: 'up' }),
    { args: ['-model', 'claude-mapped'], lenient: true });
  const sent = '{ "messages":[{"role":"user","content":[{"type":"hologram","\\u0061":1.0}]}], "unknown":{"model":"a"},\n"model":"claude-x[1m]","max_tokens":1}';
  const answer = await client.message(sent, { foreign: true });
  assert.equal(mock.last.raw.toString(), sent.replace('claude-x[1m]', 'claude-mapped'));
  assert.equal(answer.text, text);
  assert.equal(answer.headers['x-should-retry'], 'true');
  assert.equal(answer.headers.server, undefined);
  assert.equal(answer.headers['x-clasp-model'], 'claude-mapped');
});

test('a conversation that began elsewhere goes on here: our signatures and citations are taken out', async (b) => {
  const { client, mock } = await front(b, () => speak({ text: 'ok' }));
  const own = { type: 'thinking', thinking: 'elsewhere', signature: 'clasp1.e30.a0309eb4' };
  const cited = { type: 'text', text: 'said', citations: [{ type: 'web_search_result_location', url: 'u', title: 't', cited_text: 'c', encrypted_index: 'clasp1.x' }] };
  const call = { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} };
  const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'r' }] };
  const request = ask('q', { max_tokens: 4000, tools: [weather], thinking: { type: 'enabled', budget_tokens: 2000 },
    context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] } });
  const loop = { ...request, messages: [...request.messages, { role: 'assistant', content: [own, call] }, result] };
  assert.equal((await client.message(loop)).status, 200);
  assert.deepEqual(mock.last.body.thinking, { type: 'disabled' });
  const done = { ...loop, messages: [...loop.messages, { role: 'assistant', content: [own, cited] }, { role: 'user', content: 'next' }, { role: 'assistant', content: [own] }, { role: 'user', content: 'go on' }] };
  const answer = await client.message(done);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers['x-clasp-warning'], undefined);
  assert.deepEqual(mock.last.body.thinking, request.thinking);
  assert.ok(!mock.last.raw.includes('clasp1'));
});

test('a backend without a key of its own: no header with a key', async (b) => {
  const { client } = await front(b, () => speak({ text: 'local' }), { auth: {}, env: { ANTHROPIC_API_KEY: null } });
  assert.equal((await client.message(ask('x'))).json.content[0].text, 'local');
});

test('any provider by the dialect anthropic; a gateway gets its key as Bearer', async (b) => {
  const mock = await Anthropic.start(b, () => speak({ text: 'gateway' }), { auth: { authorization: 'Bearer gate-key' } });
  const daemon = await b.daemon({ args: ['-provider', 'custom', '-dialect', 'anthropic'], env: { CUSTOM_BASE_URL: `${mock.url}/v1`, CUSTOM_API_KEY: 'gate-key' } });
  const stream = await b.client(daemon.url).wholeStream(ask('x'));
  assert.equal(stream.checker.text, 'gateway');
});

test('silence: past the grace the stream opens with a ping', async (b) => {
  let go;
  const wait = new Promise((resolve) => { go = resolve; });
  const { client } = await front(b, [async (e) => { await wait; await speak({ text: 'late' })(e); }], { env: { CLASP_ANSWER_GRACE: '1s' } });
  const stream = await client.stream(ask('x'), {});
  assert.equal(stream.status, 200);
  await stream.next('ping');
  assert.deepEqual(stream.checker.events.map((e) => e.event), ['ping']);
  go();
  await stream.next('message_stop');
  // A ping comes before message_start here, which the checker of our own streams does not expect.
  client.problems.length = 0;
  client.streams.length = 0;
});

test('-models, -check, the list for clients and the estimate of tokens', async (b) => {
  const { client, mock, daemon } = await front(b, []);
  const env = { ANTHROPIC_API_KEY: mock.key, CLASP_ANTHROPIC_BASE_URL: mock.url };
  const run = await runOnce(['-models', '-provider', 'anthropic'], { env });
  assert.equal(run.stdout, 'claude-real\n', run.stderr);
  assert.equal(mock.last.path, '/v1/models?limit=1000');
  assert.equal((await runOnce(['-check'], { env })).code, 0);
  assert.equal((await client.get('/v1/models')).json.has_more, false);
  assert.equal((await client.get('/')).json.provider, 'anthropic');
  const asked = mock.requests.length;
  assert.ok((await client.post('/v1/messages/count_tokens', ask('x'))).json.input_tokens > 0);
  assert.equal(mock.requests.length, asked, 'no call of the backend');
  assert.ok(daemon);
});

// A model that thinks, writes the file it is told to, and says so.
function writer(request) {
  const { messages, tools, thinking } = request.body;
  const write = tools?.find((t) => t.name === 'Write');
  const text = JSON.stringify(messages);
  const order = /DO write to (\S+?)(\\|"|\s)/.exec(text);
  const thought = thinking && thinking.type !== 'disabled' ? 'The user wants a file.' : undefined;
  if (!write || !order) return speak({ text: 'A short title' });
  if (text.includes('tool_result')) return speak({ text: 'All done.' });
  return speak({ thinking: thought, text: 'I will do that.', calls: [{ id: 'toolu_01write', name: 'Write', input: { file_path: order[1], content: 'ünd so\n' } }] });
}

test('Claude Code writes a file', { limit: 60_000 }, async (b) => {
  if (!claude) return b.skip(`no Claude Code for ${process.platform}-${process.arch} was installed`);
  const { mock, daemon } = await front(b, writer, { args: ['-model', 'claude-real'] });
  const tap = await b.tap(daemon.url);
  const run = await session(b, tap.url, (work) => `DO write to ${work}/hello.txt please`);
  assert.equal(run.code, 0, `${run.stderr}\n${JSON.stringify(run.result)}`);
  assert.equal(run.result.result, 'All done.');
  assert.equal(readFileSync(`${run.work}/hello.txt`, 'utf8'), 'ünd so\n');
  const chats = mock.requests.filter((r) => r.body?.tools?.length);
  assert.ok(chats.length >= 2);
  for (const chat of chats) {
    assert.equal(chat.body.model, 'claude-real');
    assert.equal(chat.path, '/v1/messages?beta=true');
    assert.match(chat.headers['anthropic-beta'], /claude-code-/);
  }
  if (chats[0].body.thinking) assert.ok(mock.last.raw.includes(kSignature), 'the signed thinking comes back');
});
