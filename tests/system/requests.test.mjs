// Requests of every kind against the backend's published schema and rules: whatever a client sends,
// what arrives at OpenAI is a request that OpenAI takes. The mock judges each one.
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { say } from './lib/mock.mjs';

const png = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };
const link = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } };
const pdf = { type: 'document', title: 'Q "1".pdf', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } };
const note = { type: 'document', title: 'T', context: 'C', source: { type: 'text', media_type: 'text/plain', data: 'D' }, citations: { enabled: true } };
const mixed = { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'd' }, png] } };
const hint = { cache_control: { type: 'ephemeral', ttl: '1h' } };
const text = (words, more = {}) => ({ type: 'text', text: words, ...more });
const use = (id, name = 'Read', input = { path: 'x' }, more = {}) => ({ type: 'tool_use', id, name, input, ...more });
const result = (id, content, more = {}) => ({ type: 'tool_result', tool_use_id: id, content, ...more });
const user = (...content) => ({ role: 'user', content });
const assistant = (...content) => ({ role: 'assistant', content });
const system = (content, more = {}) => ({ role: 'system', content, ...more });
const tool = (name, input_schema, more = {}) => ({ name, description: `The tool ${name}`, input_schema, ...more });
const object = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] };
const talk = (...messages) => ({ messages });

const conversations = {
  plain: {},
  'system of parts': { system: [text('x-anthropic-billing-header: v; cch=1'), text('A', hint), text('B')] },
  'system turns': talk(system('lead'), user(text('a')), system('note'), assistant(text('b')), system('more', { clear_at: 'next_user_message' }), user(text('c')), system('end')),
  media: talk(user(text('see'), png, link, pdf, note, mixed)),
  'tools and results': talk(user(text('go')), assistant(text('a'), use('t1'), use('t2', 'a.b/c'), text('b')), user(result('t2', [text('x'), png, pdf]), text('on'), result('t1', 'boom', { is_error: true }))),
  'ids of every kind': talk(user(text('go')), assistant(use('call_0'), use('x'.repeat(90)), use('ü:1'), use('call_0')), user(result('call_0', ''), result('call_0', []), result('ü:1'), result('x'.repeat(90), 'r'))),
  orphans: talk(user(text('go'), result('nobody', [text('r'), png])), assistant(use('t1')), user(text('no result')), assistant(text('ok')), user(text('x'), use('wrong'), { type: 'novel' })),
  'odd input': talk(user(text('go')), assistant(use('a', 'Read', null), use('b', 'Read', '{"x":1}'), use('c', 'Read', [1]), use('d', 'Read', 'no json')), user(...['a', 'b', 'c', 'd'].map((id) => result(id, 'r')))),
  'server tools of another session': talk(user(text('go')), assistant(text('a'), { type: 'thinking', thinking: 'hm', signature: 'EqRz' }, { type: 'redacted_thinking', data: 'x' },
    { type: 'server_tool_use', id: 's1', name: 'web_search', input: { query: 'q' } },
    { type: 'web_search_tool_result', tool_use_id: 's1', content: [{ type: 'web_search_result', title: 'T', url: 'https://u', encrypted_content: 'e' }] },
    { type: 'connector_text' }, { type: 'fallback' }, png, note), user(text('b'), { type: 'search_result', source: 's', title: 't', content: [text('r')] })),
  'a summary': talk(assistant({ type: 'compaction', content: 'before' }, text('go on')), user(text('x'))),
  'begun by the assistant': talk(assistant(text('Hello')), user(text('hi'))),
  'an answer that was begun': talk(user(text('JSON please')), assistant(text('{ '))),
  'nothing but blanks between': talk(user(text('a')), assistant(text('')), user(text(''), text('b'))),
};

const tools = {
  none: {},
  custom: { tools: [tool('Read', object), tool('a.b/c', { type: 'object' }), tool('x'.repeat(90), {}), { name: 'bare' }], tool_choice: { type: 'tool', name: 'a.b/c', disable_parallel_tool_use: true } },
  strict: { tools: [tool('s', { ...object, additionalProperties: false }, { strict: true }), tool('o', { type: 'object', properties: { a: { type: 'string' } } }, { strict: true })], tool_choice: { type: 'any' } },
  'odd schemas': { tools: [tool('r1', { anyOf: [object, { type: 'object', properties: { b: { type: 'array' } } }] }), tool('r2', { type: 'object', properties: { a: true, b: false, c: { type: ['string', 'null'] } }, required: ['a', 'b'] }),
    tool('r3', { type: 'string' }), tool('r4', { $schema: 'x', type: 'object', properties: { n: { $ref: '#/$defs/n' } }, $defs: { n: { type: 'object', properties: { next: { $ref: '#/$defs/n' } } } } }),
    tool('r5', { type: 'object', properties: { u: { $ref: 'https://x/y' }, p: { type: 'string', pattern: '\\p{L}' } }, required: null })], tool_choice: { type: 'none' } },
  'typed': { tools: [{ type: 'bash_20250124', name: 'bash' }, { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool', max_characters: 9 }, { type: 'memory_20250818', name: 'memory' },
    { type: 'computer_20251124', name: 'computer', display_width_px: 9, display_height_px: 9, enable_zoom: true }, { type: 'computer_toolset_20260801' }, { type: 'browser_toolset_20260801' },
    { type: 'web_fetch_20250910', name: 'web_fetch' }, { type: 'web_search_20250305', name: 'web_search', max_uses: 8 }, tool('late', object, { defer_loading: true, input_examples: [{ path: 'p' }], eager_input_streaming: true })] },
};

const fields = {
  none: {},
  sampling: { temperature: 0.3, top_p: 0.9, stop_sequences: ['a', 'b', ' '], metadata: { user_id: 'user_1_session_abc' } },
  many: { stop_sequences: ['1', '2', '3', '4', '5'], top_k: 5, service_tier: 'standard_only', inference_geo: 'eu', cache_control: { type: 'ephemeral' }, container: 'c', novel: 1, user: 'u', n: 3 },
  thinking: { thinking: { type: 'enabled', budget_tokens: 31999 }, max_tokens: 64000 },
  adaptive: { thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'max' } },
  off: { thinking: { type: 'disabled' } },
  format: { output_config: { format: { type: 'json_schema', schema: { ...object, additionalProperties: false } } } },
  'loose format': { output_format: { type: 'json_schema', schema: { type: 'array', items: {} } } },
};

const models = ['gpt-4o', 'gpt-4', 'gpt-3.5-turbo', 'o1', 'o3', 'o4-mini', 'gpt-5', 'gpt-5.1', 'gpt-5.2', 'gpt-4o-search-preview',
  'gpt-5.4', 'gpt-5.6', 'gpt-6.2-sol', 'gpt-5-codex', 'o1-pro'];

for (const model of models) {
  test(`openai takes every kind of request: ${model}`, { limit: 120_000 }, async (b) => {
    const { client, mock } = await b.front(() => say('ok'), { model });
    const post = async (name, body) => {
      const answer = await client.message(body);
      assert.equal(answer.status, 200, `${name}: ${answer.text}`);
    };
    for (const [name, one] of Object.entries(conversations)) await post(name, ask('hi', { tools: tools.custom.tools, ...one }));
    for (const [name, one] of Object.entries(tools)) await post(name, ask('hi', one));
    for (const [name, one] of Object.entries(fields))
      for (const with_tools of [{}, { tools: [tool('Read', object)] }]) await post(name, ask('hi', { ...one, ...with_tools }));
    const stream = await client.wholeStream(ask('hi', { ...conversations['tools and results'], ...tools.custom, ...fields.sampling }));
    assert.equal(stream.status, 200);
    assert.ok(mock.asked.length > 30);
  });
}

test('openai takes cache breakpoints', async (b) => {
  const { client, mock } = await b.front(() => say('ok'), { model: 'gpt-5.6' });
  const marked = Object.entries(conversations).map(([, one]) => ({ ...one, system: [text('S', hint)] }));
  for (const one of marked) assert.equal((await client.message(ask('hi', one))).status, 200);
  assert.deepEqual(mock.responses.at(-1).body.input[0].content[0].prompt_cache_breakpoint, { mode: 'explicit' });
});

test('the options of a search reach the search models', async (b) => {
  const { client, mock } = await b.front(() => say('found'), { model: 'gpt-4o-search-preview' });
  const search = { type: 'web_search_20250305', name: 'web_search', max_uses: 8, user_location: { type: 'approximate', city: 'Paris', country: 'FR' } };
  const answer = await client.message(ask('hi', { tools: [search], tool_choice: { type: 'tool', name: 'web_search' } }));
  assert.equal(answer.status, 200);
  assert.deepEqual(mock.last.body.web_search_options, { user_location: { type: 'approximate', approximate: { city: 'Paris', country: 'FR' } } });
  assert.match(answer.headers['x-clasp-warning'], /search-options/);
});
