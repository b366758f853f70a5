// What the proxy does with a conversation besides passing it on: reasoning state for clients that
// drop thinking blocks, context editing, summaries on demand. Asked for with Anthropic's SDK.
import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { test, assert } from './lib/harness.mjs';
import { kModel } from './lib/client.mjs';
import { json, reply, say, sse } from './lib/mock.mjs';
import { chunk, completion, completionChunks } from './lib/chunks.mjs';

const read = { name: 'read', description: 'Reads a file', input_schema: { type: 'object', properties: { path: { type: 'string' } } } };
const ask = { model: kModel, max_tokens: 4000, tools: [read] };
const go = { role: 'user', content: 'Read it.' };

async function front(b, script, options) {
  const made = await b.front(script, { provider: 'custom', ...options });
  const tap = await b.tap(made.daemon.url);
  const sdk = (apiKey = 'client-a') => new Anthropic({ apiKey, baseURL: tap.url, maxRetries: 0 });
  return { ...made, tap, sdk };
}
const body = (mock) => JSON.stringify(mock.last.body);

// ---- the secondary store -----------------------------------------------------------------------

const thinksAndCalls = (request) => {
  if (request.body.messages.some((m) => m.role === 'tool')) return say('Done.');
  const calls = [{ id: 'call_a1', name: 'read', arguments: '{"path":"x"}' }];
  return request.body.stream
    ? sse([chunk({ reasoning_content: 'I must ' }), chunk({ reasoning_content: 'look.' }), ...completionChunks({ calls })])
    : json(completion({ calls, message: { reasoning_content: 'I must look.' } }));
};

// The next request of a client that keeps the calls and nothing else of an answer.
const withoutThinking = (message) => [go,
  { role: 'assistant', content: message.content.filter((c) => c.type !== 'thinking') },
  { role: 'user', content: message.content.filter((c) => c.type === 'tool_use').map((c) => ({ type: 'tool_result', tool_use_id: c.id, content: 'the file' })) }];

test('reasoning comes back although the client dropped it, in its own requests only', async (b) => {
  const { sdk, mock } = await front(b, thinksAndCalls, { args: ['-dialect', 'deepseek'] });
  const mine = sdk('client-a');
  for (const stream of [true, false]) {
    const first = stream
      ? await mine.beta.messages.stream({ ...ask, messages: [go] }).finalMessage()
      : await mine.beta.messages.create({ ...ask, messages: [go] });
    assert.deepEqual(first.content.map((c) => c.type), ['thinking', 'tool_use']);
    const next = { ...ask, messages: withoutThinking(first) };
    await mine.beta.messages.create(next);
    assert.equal(mock.last.body.messages[1].reasoning_content, 'I must look.');
    await sdk('client-b').beta.messages.create(next);
    assert.ok(!body(mock).includes('I must look.'), 'another client\'s reasoning');
    assert.match(mock.last.body.messages[1].reasoning_content, /^Calling read/);
  }
});

test('thinking that was not wanted is kept for the backend', async (b) => {
  const { sdk, mock } = await front(b, thinksAndCalls, { args: ['-dialect', 'llamacpp'] });
  const request = { ...ask, thinking: { type: 'disabled' } };
  const first = await sdk().beta.messages.create({ ...request, messages: [go] });
  assert.deepEqual(first.content.map((c) => c.type), ['tool_use']);
  await sdk().beta.messages.create({ ...request, messages: withoutThinking(first) });
  assert.equal(mock.last.body.messages[1].reasoning_content, 'I must look.');
});

test('nothing is remembered where that is switched off', async (b) => {
  for (const env of [{ CLASP_REASONING_STATE_SIZE: '0' }, { CLASP_REASONING_STATE_LIFE: '0' }]) {
    const { sdk, mock } = await front(b, thinksAndCalls, { args: ['-dialect', 'llamacpp'], env });
    const first = await sdk().beta.messages.create({ ...ask, messages: [go] });
    await sdk().beta.messages.create({ ...ask, messages: withoutThinking(first) });
    assert.ok(!body(mock).includes('I must look.'));
  }
});

// ---- context editing ---------------------------------------------------------------------------

const steps = (n) => [go, ...Array.from({ length: n }, (_, i) => [
  { role: 'assistant', content: [{ type: 'tool_use', id: `call_${i}x`, name: 'read', input: { path: `file ${i}` } }] },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: `call_${i}x`, content: `line of file ${i}\n`.repeat(40) }] },
]).flat()];
const clearing = (more = {}) => ({ edits: [{ type: 'clear_tool_uses_20250919', trigger: { type: 'tool_uses', value: 4 }, ...more }] });

test('old tool results are cleared and the client is told', async (b) => {
  const { sdk, mock } = await front(b, () => say('Done.'));
  const request = { ...ask, messages: steps(6), betas: ['context-management-2025-06-27'], context_management: clearing({ clear_tool_inputs: true }) };
  const plain = await sdk().beta.messages.create(request);
  const results = mock.last.body.messages.filter((m) => m.role === 'tool');
  assert.deepEqual(results.map((m) => m.content.startsWith('[Old tool result cleared')), [true, true, false, false, false, false]);
  assert.equal(mock.last.body.messages[1].tool_calls[0].function.arguments, '{}');
  const [edit, ...others] = plain.context_management.applied_edits;
  assert.equal(others.length, 0);
  assert.equal(edit.type, 'clear_tool_uses_20250919');
  assert.equal(edit.cleared_tool_uses, 2);
  assert.ok(edit.cleared_input_tokens > 200, JSON.stringify(edit));

  const streamed = await sdk().beta.messages.stream(request).finalMessage();
  assert.deepEqual(streamed.context_management, plain.context_management);

  const { max_tokens, ...counted } = request;
  const count = await sdk().beta.messages.countTokens(counted);
  assert.equal(count.context_management.original_input_tokens - count.input_tokens, edit.cleared_input_tokens);
  assert.equal((await sdk().beta.messages.countTokens({ ...counted, context_management: undefined })).context_management, null);
});

test('below the trigger, and on calls that are not beta, nothing is said of edits', async (b) => {
  const { sdk, mock } = await front(b, () => say('Done.'));
  const message = await sdk().beta.messages.create({ ...ask, messages: steps(3), context_management: clearing() });
  assert.equal(message.context_management, null);
  assert.ok(!body(mock).includes('cleared'));
  const stable = await sdk().messages.create({ ...ask, messages: steps(3) });
  assert.ok(!('context_management' in stable));
});

test('thinking of older turns is cleared', async (b) => {
  const { sdk, mock } = await front(b, thinksAndCalls, { args: ['-dialect', 'llamacpp'] });
  const first = await sdk().beta.messages.create({ ...ask, messages: [go] });
  const turn = [{ role: 'assistant', content: first.content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: first.content[1].id, content: 'f' }] }];
  const second = JSON.parse(JSON.stringify(turn).replaceAll(first.content[1].id, 'call_other'));
  const messages = [go, ...turn, { role: 'assistant', content: 'Read.' }, { role: 'user', content: 'Again.' }, ...second];
  for (const [keep, thoughts] of [['all', 2], [{ type: 'all' }, 2], [{ type: 'thinking_turns', value: 2 }, 2], [{ type: 'thinking_turns', value: 1 }, 1], [undefined, 1]]) {
    const message = await sdk().beta.messages.create({ ...ask, messages, context_management: { edits: [{ type: 'clear_thinking_20251015', keep }] } });
    assert.equal(mock.last.body.messages.filter((m) => m.reasoning_content).length, thoughts, JSON.stringify(keep));
    const edits = message.context_management?.applied_edits ?? [];
    assert.deepEqual(edits.map((e) => e.cleared_thinking_turns), thoughts === 2 ? [] : [1]);
  }
});

// ---- summaries ---------------------------------------------------------------------------------

test('a summary on demand, plain and streamed, and back again', async (b) => {
  const { sdk, mock } = await front(b, (request) => (body({ last: request }).includes('Write a summary') || body({ last: request }).includes('In one line')
    ? reply({ text: 'They read six files. ' }) : say('Going on.')));
  const request = { ...ask, messages: [...steps(2), { role: 'assistant', content: 'Both read.' }], betas: ['compact-2026-01-12'], compaction: { type: 'summarize' } };
  const plain = await sdk().beta.messages.create(request);
  assert.equal(plain.stop_reason, 'compaction');
  assert.deepEqual(plain.content.map((c) => [c.type, c.content, c.encrypted_content]), [['compaction', 'They read six files.', null]]);
  assert.match(plain.content[0].signature, /^clasp1\./);
  assert.equal(mock.last.body.tool_choice, 'none');
  assert.equal(mock.last.body.tools.length, 1);
  assert.equal(mock.last.body.messages.at(-1).role, 'user');

  const stream = sdk().beta.messages.stream({ ...request, compaction: { type: 'summarize', instructions: 'In one line.' } });
  const seen = [];
  stream.on('compaction', (text) => seen.push(text));
  const streamed = await stream.finalMessage();
  assert.deepEqual(streamed.content, plain.content);
  assert.equal(streamed.stop_reason, 'compaction');
  assert.deepEqual(seen, ['They read six files.']);
  assert.equal(mock.last.body.messages.at(-1).content, 'In one line.');

  const next = await sdk().beta.messages.create({ ...ask, messages: [{ role: 'assistant', content: plain.content }, { role: 'user', content: 'Go on.' }] });
  assert.equal(next.content[0].text, 'Going on.');
  assert.deepEqual(mock.last.body.messages.map((m) => m.role), ['user']);
  assert.ok(body(mock).includes('They read six files.'));
});

test('a summary that was cut off is none', async (b) => {
  const { sdk } = await front(b, () => reply({ text: 'They read', finish: 'length' }));
  const message = await sdk().beta.messages.create({ ...ask, messages: steps(1), compaction: { type: 'summarize' } });
  assert.deepEqual([message.stop_reason, message.content[0].content, message.content[0].signature], ['compaction', null, null]);
});

test('a summary cannot be combined with context edits', async (b) => {
  const { sdk, mock } = await front(b, []);
  const error = await sdk().beta.messages.create({ ...ask, messages: steps(1), compaction: { type: 'summarize' }, context_management: clearing() }).catch((e) => e);
  assert.equal(error.status, 400);
  assert.match(error.message, /context_management/);
  assert.equal(mock.chats.length, 0);
});

test("the tool runner's compaction", async (b) => {
  const { sdk, mock } = await front(b, (request) => {
    if (body({ last: request }).includes('Write a summary')) return reply({ text: 'The file says hello.' });
    if (body({ last: request }).includes('The file says hello.')) return say('It says hello.');
    return reply({ calls: [{ id: 'call_r1', name: 'read', arguments: '{"path":"x"}' }] });
  });
  const tool = betaTool({ name: 'read', description: 'Reads a file', inputSchema: read.input_schema, run: () => 'hello' });
  for (const stream of [false, true]) {
    const runner = sdk().beta.messages.toolRunner({ model: kModel, max_tokens: 4000, tools: [tool], messages: [go], stream });
    let turns = 0;
    for await (const turn of runner) {
      if (stream) await turn.finalMessage();
      if (++turns === 1) runner.compactBeforeNextTurn();
    }
    const last = await runner.done();
    assert.equal(last.content[0].text, 'It says hello.', JSON.stringify(last.content));
    assert.deepEqual(mock.last.body.messages.filter((m) => m.role !== 'system').map((m) => m.role), ['user']);
  }
});
