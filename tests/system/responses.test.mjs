// The Responses API behind the Messages API: which requests go there, what stands in them, what
// comes back, and what happens where it is missing. Asked for with Anthropic's SDK and without.
import Anthropic from '@anthropic-ai/sdk';
import { test, assert } from './lib/harness.mjs';
import { kModel } from './lib/client.mjs';
import { body as raw, fail, json, reply, say, sse } from './lib/mock.mjs';
import { errorEvent, kSealed, responseDocument, responseEvents, usageOfResponse } from './lib/responses.mjs';

const read = { name: 'read', description: 'Reads a file', input_schema: { type: 'object', properties: { path: { type: 'string' } } } };
const ask = { model: kModel, max_tokens: 4000, tools: [read], thinking: { type: 'adaptive' }, output_config: { effort: 'high' } };
const go = { role: 'user', content: 'Read both.' };
const calls = ['a', 'b'].map((name) => ({ id: `call_${name}`, name: 'read', arguments: JSON.stringify({ path: `/${name}/${'x'.repeat(20)}` }) }));
const results = (message) => ({ role: 'user', content: message.content.filter((c) => c.type === 'tool_use').map((c) => ({ type: 'tool_result', tool_use_id: c.id, content: 'text' })) });
const ended = (request) => request.body.input?.some((item) => item.type === 'function_call_output');
const script = (request) => ended(request) ? say('Done.') : reply({ reasoning: ['First part.', 'Second part.'], text: 'I look.', calls, interleave: true });

async function front(b, answers, { model = 'gpt-5.4', ...options } = {}) {
  const made = await b.front(answers, { model, ...options });
  const tap = await b.tap(made.daemon.url);
  const sdk = (apiKey = 'client-a') => new Anthropic({ apiKey, baseURL: tap.url, maxRetries: 0 });
  return { ...made, tap, sdk };
}
const both = (sdk, request) => [sdk.beta.messages.stream(request).finalMessage(), sdk.beta.messages.create(request)];
const typesOf = (request) => request.body.input.map((item) => item.type);

test('vector 122: reasoning, text and calls side by side come in order, plain and as a stream', async (b) => {
  const { sdk, mock } = await front(b, script);
  for (const asked of both(sdk(), { ...ask, messages: [go] })) {
    const message = await asked;
    assert.deepEqual(message.content.map((c) => c.type), ['thinking', 'text', 'tool_use', 'tool_use']);
    assert.equal(message.content[0].thinking, 'First part.\n\nSecond part.');
    assert.match(message.content[0].signature, /^clasp1\./);
    assert.deepEqual(message.content.slice(2).map((c) => [c.id, c.input.path]), calls.map((c) => [c.id, JSON.parse(c.arguments).path]));
    assert.equal(message.stop_reason, 'tool_use');
  }
  assert.equal(mock.chats.length, 0);
  assert.deepEqual(mock.responses[0].body.reasoning, { effort: 'high', summary: 'auto' });
});

test('vector 56: the reasoning of the last turn goes back sealed, whoever keeps it', async (b) => {
  const { sdk, mock } = await front(b, script);
  for (const stream of [true, false]) {
    const first = await both(sdk(), { ...ask, messages: [go] })[stream ? 0 : 1];
    for (const keeps of [true, false]) {
      const content = keeps ? first.content : first.content.filter((c) => c.type !== 'thinking');
      await sdk().beta.messages.create({ ...ask, messages: [go, { role: 'assistant', content }, results(first)] });
      const { input } = mock.responses.at(-1).body;
      const at = input.findIndex((item) => item.type === 'reasoning');
      // What is remembered for a client that drops it stands in front of the calls that it led to.
      assert.equal(at, keeps ? 1 : 2, JSON.stringify(typesOf(mock.responses.at(-1))));
      assert.ok(input[at].encrypted_content.startsWith(kSealed) && input[at].encrypted_content.length > 20, 'the whole of it');
      assert.match(input[at].id, /^rs_/);
      assert.deepEqual(input[at].summary, []);
    }
    await sdk('client-b').beta.messages.create({ ...ask, messages: [go, { role: 'assistant', content: first.content.filter((c) => c.type !== 'thinking') }, results(first)] });
    assert.ok(!typesOf(mock.responses.at(-1)).includes('reasoning'), 'another client\'s reasoning');
  }
});

test('vector 56, repair 15: ids that are not known, reasoning that cannot be read', async (b) => {
  let refuse;
  const { sdk, mock } = await front(b, (request) => (refuse && refuse(request)) || script(request));
  const first = await sdk().beta.messages.create({ ...ask, messages: [go] });
  const next = { ...ask, messages: [go, { role: 'assistant', content: first.content }, results(first)] };
  refuse = (request) => request.body.input.some((item) => item.id) && fail(404, `Item with id 'rs_1' not found. Items are not persisted when \`store\` is set to false.`, { param: 'input' });
  mock.rules = 'compatible';
  assert.equal((await sdk().beta.messages.create(next)).content.at(-1).text, 'Done.');
  const before = mock.responses.length;
  assert.equal((await sdk().beta.messages.create(next)).content.at(-1).text, 'Done.');
  assert.equal(mock.responses.length, before + 1, 'remembered');
  refuse = (request) => typesOf(request).includes('reasoning') && fail(400, 'The encrypted content for item rs_0 could not be verified.', { code: 'invalid_encrypted_content' });
  assert.equal((await sdk().beta.messages.create(next)).content.at(-1).text, 'Done.');
  assert.ok(!typesOf(mock.responses.at(-1)).includes('reasoning'));
});

test('vector 4, vector 99: caps, incomplete answers, refusals, failures', async (b) => {
  const answers = [
    [{ text: 'cut', reason: 'max_output_tokens' }, 'max_tokens'], [{ text: 'no', reason: 'content_filter' }, 'refusal'],
    [{ refusal: 'I will not.' }, 'refusal'], [{ calls: [calls[0]] }, 'tool_use'], [{ text: 'fine' }, 'end_turn'],
  ];
  for (const [answer, stop] of answers) {
    const { sdk, mock } = await front(b, () => reply({ usage: usageOfResponse(5, 1), ...answer }));
    for (const asked of both(sdk(), { ...ask, max_tokens: 1, messages: [go] })) {
      const message = await asked;
      assert.equal(message.stop_reason, stop);
      if (answer.refusal) assert.equal(message.content.at(-1).text, answer.refusal);
    }
    assert.equal(mock.responses[0].body.max_output_tokens, 16);
  }
  const { client } = await b.front(() => reply({ error: { code: 'server_error', message: 'it broke' } }), { model: 'gpt-5.4', args: ['-retry-attempts', '1'] });
  const failed = await client.message({ ...ask, messages: [go] });
  assert.equal(failed.status, 500);
});

test('vector 123, vector 124: a stream of the last event only, one that fails, one that breaks', async (b) => {
  const { sdk } = await front(b, () => sse(responseEvents({ reasoning: 'Hm.', text: 'All at once.', calls, only: true }), { end: 'clean' }));
  const whole = await sdk().beta.messages.stream({ ...ask, messages: [go] }).finalMessage();
  assert.deepEqual(whole.content.map((c) => c.type), ['thinking', 'text', 'tool_use', 'tool_use']);
  const begun = responseEvents({ text: 'It begins like any other' });
  const half = begun.slice(0, begun.findIndex((e) => e.type === 'response.output_text.done'));
  for (const items of [[...half, 50, responseEvents({ error: { code: 'server_error', message: 'it broke' } }).at(-1), errorEvent('it broke')], [...half, 50]]) {
    const made = await b.front(() => sse(items, { end: 'clean' }), { model: 'gpt-5.4' });
    const stream = await made.client.wholeStream({ ...ask, messages: [go] });
    const names = stream.checker.events.map((e) => e.event);
    assert.equal(names.filter((name) => name === 'error').length, 1, `${stream.status} ${names} ${stream.bytes}`);
    assert.ok(!names.includes('message_stop'));
  }
});

test('usage: cached, written and thought', async (b) => {
  const { sdk } = await front(b, () => say('ok', { usage: usageOfResponse(100, 20, { cached: 30, written: 20, reasoning: 12 }) }));
  const { usage } = await sdk().beta.messages.create({ ...ask, messages: [go] });
  assert.deepEqual([usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens, usage.output_tokens], [50, 30, 20, 20]);
});

test('vector 81: a search of the backend is shown as one, with its sources', async (b) => {
  const url = 'https://example.org/rome';
  const answer = { search: { query: 'weather in Rome', sources: [url] }, text: 'It is sunny.',
    annotations: [{ type: 'url_citation', url, title: 'Rome', start_index: 6, end_index: 11 }] };
  const { sdk, mock } = await front(b, () => reply(answer), { model: 'gpt-4o' });
  const search = { type: 'web_search_20250305', name: 'web_search', max_uses: 2, allowed_domains: ['example.org'] };
  for (const asked of both(sdk(), { model: kModel, max_tokens: 500, tools: [search], messages: [go] })) {
    const { content } = await asked;
    assert.deepEqual(content.slice(0, 2).map((c) => c.type), ['server_tool_use', 'web_search_tool_result']);
    assert.equal(content[0].input.query, 'weather in Rome');
    assert.equal(content[1].content[0].url, url);
    assert.ok(content.some((c) => c.citations?.[0]?.url === url));
    // What comes back of it is not sent again.
    await sdk().beta.messages.create({ model: kModel, max_tokens: 500, tools: [search], messages: [go, { role: 'assistant', content }, go] });
    assert.deepEqual(typesOf(mock.responses.at(-1)), ['message', 'message', 'message']);
  }
  assert.deepEqual(mock.responses[0].body.tools, [{ type: 'web_search', filters: { allowed_domains: ['example.org'] } }]);
  assert.equal(mock.responses[0].body.max_tool_calls, 2);
});

test('section 0.4: a PDF by URL takes any model of openai there, its data does not', async (b) => {
  const { client, mock } = await b.front(() => say('ok'), { model: 'gpt-4o' });
  const document = (source) => ({ model: kModel, max_tokens: 50, messages: [{ role: 'user', content: [{ type: 'document', source }] }] });
  assert.equal((await client.message(document({ type: 'url', url: 'https://example.org/a.pdf' }))).status, 200);
  assert.deepEqual(mock.responses.at(-1).body.input[0].content[0], { type: 'input_file', file_url: 'https://example.org/a.pdf' });
  assert.equal((await client.message(document({ type: 'base64', media_type: 'application/pdf', data: 'AAAA' }))).status, 200);
  assert.equal(mock.chats.length, 1);
});

test('section 0.4: where Responses is missing Chat Completions serves, tools without thinking, and it is remembered', async (b) => {
  const { client, mock } = await b.front(() => say('ok'), { model: 'gpt-5.4', mock: { responses: null } });
  for (let i = 0; i < 2; ++i) {
    const answer = await client.message({ ...ask, messages: [go] });
    assert.equal(answer.status, 200, answer.text);
  }
  assert.deepEqual(mock.requests.map((r) => r.path), ['/v1/responses', '/v1/chat/completions', '/v1/chat/completions']);
  assert.equal(mock.last.body.reasoning_effort, 'none');
  assert.equal(mock.last.body.tools.length, 1);
});

test('repair 5: a server that says to use Responses is asked there from then on', async (b) => {
  const { client, mock } = await b.front((request) => (request.path.endsWith('/responses') ? say('ok')
    : fail(400, 'Function tools with reasoning_effort are not supported for this model in /v1/chat/completions. Please use /v1/responses instead.', { param: 'reasoning_effort' })),
  { provider: 'custom', model: 'my-deployment' });
  for (let i = 0; i < 2; ++i) assert.equal((await client.message({ ...ask, messages: [go] })).status, 200);
  assert.equal(mock.chats.length, 1);
  assert.equal(mock.responses.length, 2);
});

test('section 0.4: flag.responses for other servers, and against it for openai', async (b) => {
  const mock = await b.mock(() => say('ok'), { rules: 'compatible' });
  const daemon = await b.daemon({ config: `[backend local]\nprovider = vllm\nbase_url = ${mock.url}\napi_key = ${mock.key}\n[model big*]\nbackend = local\nflag.responses = true\n` });
  const client = b.client(daemon.url);
  for (const [model, api] of [['small', 'chats'], ['big-1', 'responses']]) {
    assert.equal((await client.message({ ...ask, model, messages: [go] })).status, 200);
    assert.equal(mock[api].at(-1).body.model, model);
  }
});

test('a conversation goes from one API to the other and back', async (b) => {
  const { sdk, mock, daemon } = await front(b, script);
  void daemon;
  const first = await sdk().beta.messages.create({ ...ask, messages: [go] });
  const messages = [go, { role: 'assistant', content: first.content }, results(first)];
  const other = await front(b, (request) => {
    assert.ok(!JSON.stringify(request.body).includes(kSealed), 'sealed reasoning of another backend');
    return say('I go on.');
  }, { provider: 'custom', model: 'llama' });
  const second = await other.sdk().beta.messages.create({ ...ask, messages });
  const more = [...messages, { role: 'assistant', content: second.content }, { role: 'user', content: 'and?' }];
  const third = await sdk().beta.messages.create({ ...ask, messages: more });
  assert.equal(third.content.at(-1).text, 'Done.');
  assert.deepEqual(typesOf(mock.responses.at(-1)), ['message', 'reasoning', 'message', 'function_call', 'function_call',
    'function_call_output', 'function_call_output', 'message', 'message']);
});

test('errors of Responses are told as those of Chat Completions', async (b) => {
  const { client } = await b.front([
    fail(400, 'Your input exceeds the context window of this model. Please adjust your input and try again.', { code: 'context_length_exceeded' }),
    fail(429, 'You exceeded your current quota', { code: 'insufficient_quota' }),
    fail(404, 'The model `gpt-5.4` does not exist or you do not have access to it.', { code: 'model_not_found' }),
    raw(200, 'text/html', '<h1>hi</h1>'),
  ], { model: 'gpt-5.4', args: ['-retry-attempts', '1'] });
  const asked = { ...ask, messages: [go] };
  const full = await client.message(asked);
  assert.equal(full.status, 400);
  assert.match(full.json.error.message, /^prompt is too long/);
  assert.equal((await client.message(asked)).status, 402);
  assert.equal((await client.message(asked)).status, 404);
  assert.equal((await client.message(asked)).status, 502);
});

test('a document in place of a stream, a stream in place of a document', async (b) => {
  const answer = { reasoning: 'Hm.', text: 'Said.' };
  const made = await front(b, (request) => (request.body.stream ? json(responseDocument(answer)) : sse(responseEvents(answer), { end: 'clean' })));
  for (const asked of both(made.sdk(), { ...ask, messages: [go] }))
    assert.deepEqual((await asked).content.map((c) => c.type), ['thinking', 'text']);
});

test('section 7.1: the backend counts where it is told to, and the estimate serves when it does not', async (b) => {
  const count = (answer) => ({ mock: { count: answer }, config: '[model *]\nflag.count_input = true\n' });
  const asked = { model: kModel, system: 's', tools: [read], messages: [go], thinking: { type: 'adaptive' } };
  const good = await b.front([], { model: 'gpt-5.4', ...count(json({ object: 'response.input_tokens', input_tokens: 4711 })) });
  const told = await good.client.post('/v1/messages/count_tokens', asked);
  assert.equal(told.json?.input_tokens, 4711, told.text);
  assert.equal(good.mock.requests[0].path, '/v1/responses/input_tokens');
  assert.equal(good.mock.requests[0].body.instructions, 's');
  for (const answer of [fail(404, 'no'), raw(200, 'text/html', 'hi'), json({ input_tokens: -1 })]) {
    const bad = await b.front([], { model: 'gpt-5.4', ...count(answer) });
    const estimate = await bad.client.post('/v1/messages/count_tokens', asked);
    assert.equal(estimate.status, 200);
    assert.ok(estimate.json.input_tokens > 10 && estimate.json.input_tokens < 1000);
  }
  // Without the flag, and for models of the other API, nobody is asked.
  const plain = await b.front([], { model: 'gpt-5.4', mock: { count: json({ input_tokens: 1 }) } });
  assert.equal((await plain.client.post('/v1/messages/count_tokens', asked)).status, 200);
  assert.equal(plain.mock.requests.length, 0);
});

test('max_tokens 0 fills the cache of gpt-5.6 and later, and says nothing', async (b) => {
  const { client, mock } = await b.front(() => reply({ items: [], usage: usageOfResponse(1000, 0, { written: 900 }) }), { model: 'gpt-5.6' });
  const answer = await client.message({ model: kModel, max_tokens: 0, system: 's', messages: [go] });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual([answer.json.content, answer.json.stop_reason, answer.json.usage.cache_creation_input_tokens], [[], 'max_tokens', 900]);
  assert.deepEqual(mock.responses[0].body.prompt_cache_options, { prewarm: true });
});

test('one request goes on at a backend of the other API when the first one fails', async (b) => {
  const first = await b.mock(() => fail(503, 'busy'), { rules: 'openai' });
  const second = await b.mock(() => say('I serve.'), { rules: 'compatible' });
  const daemon = await b.daemon({ config: `[backend gpt]\nprovider = openai\nbase_url = ${first.url}\napi_key = ${first.key}\n`
    + `[backend local]\nprovider = vllm\nbase_url = ${second.url}\napi_key = ${second.key}\n[route *]\ncandidates = gpt/gpt-5.4, local/qwen\n` });
  const client = b.client(daemon.url);
  const stream = await client.wholeStream({ ...ask, messages: [go] });
  assert.equal(stream.checker.text, 'I serve.');
  assert.ok(first.responses.length >= 1 && first.chats.length === 0);
  assert.equal(second.chats.at(-1).body.model, 'qwen');
});

test('vector 27: a call of an MCP server is shown to clients of the beta API', async (b) => {
  const item = { id: 'mcp_1', type: 'mcp_call', status: 'completed', server_label: 'wiki', name: 'find', arguments: '{"q":"x"}', output: 'found it', error: null, approval_request_id: null };
  const message = responseDocument({ text: 'So it is.' }).output[0];
  const { sdk, mock } = await front(b, () => reply({ items: [item, message] }));
  const servers = [{ type: 'url', name: 'wiki', url: 'https://wiki.example/mcp', authorization_token: 'tok-of-the-client', tool_configuration: { allowed_tools: ['find'] } }];
  const asked = { model: kModel, max_tokens: 500, mcp_servers: servers, betas: ['mcp-client-2025-04-04'], messages: [go] };
  for (const answer of both(sdk(), asked)) {
    const { content } = await answer;
    assert.deepEqual(content.map((c) => c.type), ['mcp_tool_use', 'mcp_tool_result', 'text']);
    assert.deepEqual([content[0].server_name, content[0].name, content[0].input], ['wiki', 'find', { q: 'x' }]);
    // In history it is told in words.
    await sdk().beta.messages.create({ ...asked, messages: [go, { role: 'assistant', content }, go] });
    assert.ok(JSON.stringify(mock.responses.at(-1).body.input).includes('found it'));
  }
  assert.deepEqual(mock.responses[0].body.tools, [{ type: 'mcp', server_label: 'wiki', server_url: 'https://wiki.example/mcp',
    authorization: 'tok-of-the-client', allowed_tools: ['find'], require_approval: 'never' }]);
});
