// Vercel's AI SDK with its Anthropic provider: a second, independent reading of the protocol.
import { createAnthropic } from '@ai-sdk/anthropic';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import { z } from 'zod';
import { test, assert } from './lib/harness.mjs';
import { fail, reply, say, sse } from './lib/mock.mjs';
import { pdf, png } from './lib/files.mjs';
import { chunk, completionChunks, usageOf } from './lib/chunks.mjs';

globalThis.AI_SDK_LOG_WARNINGS = false;
const quiet = () => {}; // or it prints every error by itself

async function front(b, script, options) {
  const made = await b.front(script, options);
  const tap = await b.tap(made.daemon.url);
  const provider = createAnthropic({ apiKey: 'test-client', baseURL: `${tap.url}/v1` });
  return { ...made, tap, model: provider('claude-sonnet-4-5') };
}

const twoStep = (request) => {
  const results = request.body.messages.filter((m) => m.role === 'tool');
  return results.length === 0
    ? reply({ text: 'Adding.', calls: [{ id: 'call_1', name: 'add', arguments: '{"a":2,"b":3}' }, { id: 'call_2', name: 'add', arguments: '{"a":5,"b":8}' }], interleave: true, size: 2 })
    : say(`The sums are ${results.map((r) => r.content).join(' and ')}.`);
};
const tools = { add: tool({ description: 'Adds', inputSchema: z.object({ a: z.number(), b: z.number() }), execute: async ({ a, b }) => a + b }) };

test('generateText', async (b) => {
  const { model } = await front(b, [say('Good day.', { usage: usageOf(21, 6) })]);
  const result = await generateText({ model, prompt: 'Hello', maxRetries: 0 });
  assert.equal(result.text, 'Good day.');
  assert.equal(result.finishReason, 'stop');
  assert.equal(result.usage.outputTokens, 6);
});

test('generateText with tools', async (b) => {
  const { model, mock } = await front(b, twoStep);
  const result = await generateText({ model, prompt: 'Add', tools, stopWhen: isStepCount(3), maxRetries: 0 });
  assert.equal(result.text, 'The sums are 5 and 13.');
  assert.equal(result.steps.length, 2);
  assert.equal(mock.chats.length, 2);
});

test('streamText with tools', async (b) => {
  const { model } = await front(b, twoStep);
  const result = streamText({ model, prompt: 'Add', tools, stopWhen: isStepCount(3), maxRetries: 0, onError: quiet });
  let text = '';
  for await (const part of result.textStream) text += part;
  assert.equal(text, 'Adding.The sums are 5 and 13.');
  const steps = await result.steps;
  assert.deepEqual(steps[0].toolResults.map((r) => r.output), [5, 13]);
  assert.equal(await result.finishReason, 'stop');
});

test('streamText with reasoning', async (b) => {
  const { model } = await front(b, [sse([chunk({ reasoning_content: 'Let me ' }), chunk({ reasoning_content: 'think.' }), ...completionChunks({ text: 'Yes.' })])], { provider: 'custom' });
  const result = streamText({ model, prompt: 'Think', maxRetries: 0, onError: quiet });
  assert.equal(await result.text, 'Yes.');
  assert.equal((await result.reasoning)[0]?.text, 'Let me think.');
});

test('pictures and documents', async (b) => {
  const { model, mock } = await front(b, [say('Seen.')]);
  const result = await generateText({ model, maxRetries: 0, messages: [{ role: 'user', content: [
    { type: 'text', text: 'Look' },
    { type: 'file', mediaType: 'image/png', data: png(8) },
    { type: 'file', mediaType: 'application/pdf', data: pdf('hello'), filename: 'a.pdf' },
  ] }] });
  assert.equal(result.text, 'Seen.');
  const parts = mock.last.body.messages[0].content;
  assert.deepEqual(parts.map((p) => p.type), ['text', 'image_url', 'file']);
  assert.equal(parts[1].image_url.url, `data:image/png;base64,${png(8).toString('base64')}`);
  assert.equal(parts[2].file.file_data, `data:application/pdf;base64,${pdf('hello').toString('base64')}`);
});

test('structured output', async (b) => {
  const { model, mock } = await front(b, (request) => (request.body.tools
    ? reply({ calls: [{ id: 'call_j', name: request.body.tools[0].function.name, arguments: '{"city":"Rome","sunny":true}' }] }) : say('{"city":"Rome","sunny":true}')));
  const schema = z.object({ city: z.string(), sunny: z.boolean() });
  const result = await generateText({ model, prompt: 'Weather?', output: Output.object({ schema }), maxRetries: 0 });
  assert.deepEqual(result.output, { city: 'Rome', sunny: true });
  const { response_format: format, tools } = mock.last.body;
  assert.ok(format?.json_schema?.strict === true || tools?.length === 1, JSON.stringify(format));
});

test('a broken stream is an error, not a short answer', async (b) => {
  const { model } = await front(b, [sse([...completionChunks({ text: 'Half a' }).slice(0, 2), 40], { end: 'cut' })]);
  const errors = [];
  const result = streamText({ model, prompt: 'x', maxRetries: 0, onError: ({ error }) => errors.push(error) });
  await result.consumeStream();
  assert.equal(errors.length, 1);
});

test('errors keep their kind', async (b) => {
  const { model } = await front(b, [fail(401, 'Incorrect key')]);
  const error = await generateText({ model, prompt: 'x', maxRetries: 0 }).catch((e) => e);
  assert.equal(error.statusCode, 401);
  assert.equal(error.isRetryable, false);
});
