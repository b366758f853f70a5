// The tools of these tests, tested: a judge that lets everything pass would make all others green.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { checkStream } from './lib/grammar.mjs';
import { checkChatRequest, schemaKnown } from './lib/rules.mjs';
import { completionChunks } from './lib/chunks.mjs';

const usage = { input_tokens: 3, output_tokens: 1, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, service_tier: 'standard' };
const start = { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null,
  stop_sequence: null, stop_details: null, container: null, diagnostics: null, usage } };
const ping = { type: 'ping' };
const textAt = (index) => ({ type: 'content_block_start', index, content_block: { type: 'text', text: '', citations: null } });
const toolAt = (index) => ({ type: 'content_block_start', index, content_block: { type: 'tool_use', id: 'toolu_1', name: 'f', input: {}, caller: { type: 'direct' } } });
const thinkingAt = (index) => ({ type: 'content_block_start', index, content_block: { type: 'thinking', thinking: '', signature: '' } });
const delta = (index, d) => ({ type: 'content_block_delta', index, delta: d });
const say = (index, text) => delta(index, { type: 'text_delta', text });
const arg = (index, partial_json) => delta(index, { type: 'input_json_delta', partial_json });
const stopAt = (index) => ({ type: 'content_block_stop', index });
const end = (stop_reason = 'end_turn') => ({ type: 'message_delta', delta: { stop_reason, stop_sequence: null, stop_details: null, container: null }, usage });
const stop = { type: 'message_stop' };
const error = { type: 'error', error: { type: 'api_error', message: 'x' }, request_id: 'req_1' };
const render = (list) => list.map((o) => typeof o === 'string' ? o : `event: ${o.type}\ndata: ${JSON.stringify(o)}\n\n`).join('');
const judge = (...list) => checkStream(Buffer.from(render(list)));
const good = [start, ping, textAt(0), say(0, 'a'), stopAt(0), end(), stop];

test('the grammar accepts what is right', () => {
  for (const stream of [
    good,
    [start, ping, end(), stop],
    [start, ping, thinkingAt(0), delta(0, { type: 'thinking_delta', thinking: 't' }), delta(0, { type: 'signature_delta', signature: 's' }), stopAt(0),
      toolAt(1), arg(1, '{"a"'), arg(1, ':1}'), stopAt(1), end('tool_use'), stop],
    [start, ping, textAt(0), say(0, 'a'), error],
    [start, ping, toolAt(0), arg(0, '{"a":"b'), stopAt(0), end('max_tokens'), stop],
  ]) assert.deepEqual(judge(...stream).problems, []);
  const bytes = Buffer.from(render([start, ping, textAt(0), say(0, '😀é'), stopAt(0), end(), stop]));
  assert.equal(checkStream(bytes).text, '😀é');
});

test('the grammar refuses what is wrong', () => {
  const without = (i) => good.filter((_, at) => at !== i);
  const bad = {
    'no message_start': without(0), 'no ping': without(1), 'delta outside a block': without(2), 'block never closed': without(4),
    'no message_delta': without(5), 'no message_stop': without(6), 'two message_starts': [start, ...good],
    'bytes after the end': [...good, 'data: [DONE]\n\n'], 'event after the end': [...good, ping],
    'stop after an error': [start, ping, error, stop],
    'frame without an event line': [start, 'data: {"type":"ping"}\n\n', ...good.slice(2)],
    'wrong index': [start, ping, textAt(1), say(1, 'a'), stopAt(1), end(), stop],
    'two blocks open': [start, ping, textAt(0), textAt(1), say(1, 'a'), stopAt(1), stopAt(0), end(), stop],
    'delta for a closed block': [start, ping, textAt(0), say(0, 'a'), stopAt(0), textAt(1), say(0, 'b'), stopAt(1), end(), stop],
    'thinking in a text block': [start, ping, textAt(0), delta(0, { type: 'thinking_delta', thinking: 'x' }), stopAt(0), end(), stop],
    'thinking without signature': [start, ping, thinkingAt(0), delta(0, { type: 'thinking_delta', thinking: 't' }), stopAt(0), end(), stop],
    'tool without delta': [start, ping, toolAt(0), stopAt(0), end('tool_use'), stop],
    'tool with broken JSON': [start, ping, toolAt(0), arg(0, '{"a"'), stopAt(0), end('tool_use'), stop],
    'tool but end_turn': [start, ping, toolAt(0), arg(0, '{}'), stopAt(0), end(), stop],
    'tool_use without a tool': [...good.slice(0, 5), end('tool_use'), stop],
    'empty text block': [start, ping, textAt(0), stopAt(0), end(), stop],
    'missing field': [{ ...start, message: { ...start.message, stop_sequence: undefined } }, ...good.slice(1)],
    'error without request id': [start, ping, { ...error, request_id: undefined }],
    'key in an error': [start, ping, { ...error, error: { type: 'api_error', message: 'bad key sk-abcdef' } }],
  };
  for (const [name, stream] of Object.entries(bad)) assert.notEqual(judge(...stream).problems.length, 0, name);
  assert.notEqual(checkStream(Buffer.from(render(good).replaceAll('\n', '\r\n'))).problems.length, 0, 'CRLF');
  assert.notEqual(checkStream(Buffer.concat([Buffer.from(render(good.slice(0, 3))), Buffer.from([0xff])])).problems.length, 0, 'not UTF-8');
});

const chat = (more = {}) => ({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }], ...more });
const called = (calls) => ({ role: 'assistant', content: null, tool_calls: calls.map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })) });
const result = (id) => ({ role: 'tool', tool_call_id: id, content: 'r' });
const user = { role: 'user', content: 'u' };
const f = (parameters, name = 'f') => ({ type: 'function', function: { name, parameters } });
const object = { type: 'object', properties: {} };

test('the backend accepts what OpenAI accepts', () => {
  for (const body of [
    chat(), chat({ max_tokens: 10, stop: ['a', 'b'], stream: true, stream_options: { include_usage: true } }),
    chat({ messages: [user, called(['a', 'b']), result('b'), result('a'), user] }),
    chat({ tools: [f(object)], tool_choice: 'required', parallel_tool_calls: false }),
    chat({ model: 'gpt-5', max_completion_tokens: 100, reasoning_effort: 'low', messages: [{ role: 'developer', content: 'd' }, user] }),
    chat({ messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] }] }),
  ]) assert.deepEqual(checkChatRequest(body), []);
});

test('the backend refuses what OpenAI refuses', () => {
  const bad = {
    'no messages': chat({ messages: [] }), 'unknown field': chat({ top_k: 4 }), 'unknown message field': chat({ messages: [{ ...user, cache_control: {} }] }),
    'orphan tool message': chat({ messages: [user, result('a')] }), 'unanswered call': chat({ messages: [user, called(['a']), user] }),
    'unanswered call at the end': chat({ messages: [user, called(['a'])] }),
    'text between call and result': chat({ messages: [user, called(['a']), user, result('a')] }),
    'wrong id': chat({ messages: [user, called(['a']), result('b')] }), 'long id': chat({ messages: [user, called(['x'.repeat(41)]), result('x'.repeat(41))] }),
    'assistant without content': chat({ messages: [user, { role: 'assistant', content: null }] }),
    'bad tool name': chat({ tools: [f(object, 'a.b')] }), 'long tool name': chat({ tools: [f(object, 'x'.repeat(65))] }),
    'array without items': chat({ tools: [f({ type: 'object', properties: { a: { type: 'array' } } })] }),
    'parameters not an object': chat({ tools: [f({ type: 'string' })] }), 'empty tools': chat({ tools: [] }),
    'parallel_tool_calls without tools': chat({ parallel_tool_calls: false }), 'tool_choice without tools': chat({ tool_choice: 'auto' }),
    'undeclared tool_choice': chat({ tools: [f(object)], tool_choice: { type: 'function', function: { name: 'g' } } }),
    'stream_options without stream': chat({ stream_options: { include_usage: true } }), 'five stops': chat({ stop: ['1', '2', '3', '4', '5'] }),
    'max_tokens for gpt-5': chat({ model: 'gpt-5', max_tokens: 5 }), 'temperature for o3': chat({ model: 'o3', temperature: 0.2 }),
    'both caps': chat({ max_tokens: 5, max_completion_tokens: 5 }), 'cap above the limit': chat({ max_tokens: 32000 }),
    'effort for gpt-4o': chat({ reasoning_effort: 'low' }), 'image in a system message': chat({ messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'https://x/' } }] }, user] }),
  };
  for (const [name, body] of Object.entries(bad)) assert.notEqual(checkChatRequest(body).length, 0, name);
});

test("the vendor's published schema is applied", (t) => {
  if (!schemaKnown()) return t.skip('CLASP_OPENAI_SCHEMA is not set');
  assert.deepEqual(checkChatRequest(chat({ temperature: 0.5 })), []);
  assert.notEqual(checkChatRequest(chat({ temperature: 3 })).length, 0);
  assert.notEqual(checkChatRequest(chat({ safety_identifier: 'x'.repeat(65) })).length, 0);
});

test('fragments of several calls are really mixed', () => {
  const chunks = completionChunks({ calls: [{ id: 'a', name: 'f', arguments: '{"a":1}' }, { id: 'b', name: 'f', arguments: '{"b":2}' }], size: 2, interleave: true });
  const order = chunks.flatMap((c) => c.choices[0]?.delta.tool_calls ?? []).map((c) => c.index).join('');
  assert.match(order, /^0101/);
});
