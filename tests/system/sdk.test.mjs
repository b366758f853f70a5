// Anthropic's own SDK, current and old, against the daemon. Everything passes through a tap that
// checks the streams.
import Current from '@anthropic-ai/sdk';
import Old from 'anthropic-sdk-0';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { betaZodTool as oldBetaZodTool } from 'anthropic-sdk-0/helpers/beta/zod';
import { betaTool as oldBetaTool } from 'anthropic-sdk-0/helpers/beta/json-schema';
import { z } from 'zod';
import { test, assert } from './lib/harness.mjs';
import { kModel } from './lib/client.mjs';
import { fail, json, reply, say, sse } from './lib/mock.mjs';
import { chunk, completion, completionChunks, pieces, usageOf } from './lib/chunks.mjs';
import { until } from './lib/scale.mjs';

const kinds = [['current', Current, betaTool, betaZodTool], ['0.137', Old, oldBetaTool, oldBetaZodTool]];
const hello = { model: kModel, max_tokens: 500, messages: [{ role: 'user', content: 'Hello' }] };
const weather = { name: 'get_weather', description: 'The weather', input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } };

async function front(b, Sdk, script, { maxRetries = 0, ...options } = {}) {
  const made = await b.front(script, options);
  const tap = await b.tap(made.daemon.url);
  return { ...made, tap, sdk: new Sdk({ apiKey: 'test-client', baseURL: tap.url, maxRetries }) };
}

for (const [version, Sdk, toolHelper, zodHelper] of kinds) {
  const sdkTest = (name, ...rest) => test(`${version}: ${name}`, ...rest);

  sdkTest('messages.create', async (b) => {
    const { sdk, tap, mock } = await front(b, Sdk, [say('Hello to you.', { usage: usageOf(11, 4) })]);
    const message = await sdk.messages.create(hello);
    assert.equal(message.content[0].text, 'Hello to you.');
    assert.equal(message.usage.input_tokens, 11);
    assert.equal(message.stop_reason, 'end_turn');
    assert.match(message._request_id ?? '', /^req_/);
    assert.equal(tap.exchanges[0].headers[version === 'current' ? 'authorization' : 'x-api-key'] !== undefined, true);
    assert.equal(mock.last.body.messages[0].content, 'Hello');
  });

  sdkTest('create with stream: true', async (b) => {
    const { sdk } = await front(b, Sdk, [say('One two three')]);
    const types = [];
    let text = '';
    for await (const event of await sdk.messages.create({ ...hello, stream: true })) {
      types.push(event.type);
      if (event.type === 'content_block_delta') text += event.delta.text;
    }
    assert.equal(text, 'One two three');
    assert.equal(types[0], 'message_start');
    assert.equal(types.at(-1), 'message_stop');
  });

  sdkTest('vector 128: the stream helper puts the same message together as a plain call', async (b) => {
    const answers = [
      { text: 'Only words, with ünïcödé and 😀.' },
      { text: 'Let me look.', calls: [{ id: 'call_a', name: 'get_weather', arguments: '{"city":"Zürich \\"old town\\"\\n"}' }] },
      { calls: [{ id: 'call_a', name: 'get_weather', arguments: '{"city":"A"}' }, { id: 'call_b', name: 'get_weather', arguments: '{"city":"B","n":[1,{"x":null}]}' }], interleave: true },
      { text: 'cut of', finish: 'length' },
      { text: 'no more', finish: 'content_filter' },
      { calls: [{ id: 'call_e', name: 'get_weather', arguments: '{}' }], usage: usageOf(1000, 5, { prompt_tokens_details: { cached_tokens: 900 } }) },
    ];
    let n = 0, size = 1;
    const { sdk } = await front(b, Sdk, () => reply(answers[n], {}), { mock: {} });
    for (n = 0; n < answers.length; ++n) {
      const request = { ...hello, tools: [weather] };
      const plain = await sdk.messages.create(request);
      for (size of [1, 4]) {
        answers[n].size = size;
        const streamed = await sdk.messages.stream(request).finalMessage();
        const shape = (m) => ({ ...JSON.parse(JSON.stringify(m)), id: '', content: m.content.map((c) => ({ ...c, id: '' })) });
        const [left, right] = [shape(streamed), shape(plain)];
        for (const m of [left, right]) { delete m._request_id; delete m.parsed_output; for (const c of m.content) { delete c.parsed_output; delete c.parsed; } }
        assert.deepEqual(left, right, `answer ${n}, pieces of ${size}`);
      }
    }
  });

  sdkTest('the stream helper reports text as it comes', async (b) => {
    const { sdk } = await front(b, Sdk, [say('abc def ghi', { size: 3 })]);
    const stream = sdk.messages.stream(hello);
    const seen = [];
    stream.on('text', (part) => seen.push(part));
    assert.equal(await stream.finalText(), 'abc def ghi');
    assert.ok(seen.length >= 3, JSON.stringify(seen));
    assert.deepEqual(seen.join(''), 'abc def ghi');
  });

  sdkTest('thinking comes back and may be sent again', async (b) => {
    const { sdk, mock } = await front(b, Sdk, (_, i) => (i === 0
      ? sse([...pieces('I should call it.', 4).map((p) => chunk({ reasoning_content: p })), ...completionChunks({ calls: [{ id: 'call_a', name: 'get_weather', arguments: '{"city":"B"}' }] })])
      : say('Done.')), { provider: 'custom' });
    const request = { ...hello, max_tokens: 4000, tools: [weather], thinking: { type: 'enabled', budget_tokens: 2000 } };
    const first = await sdk.messages.stream(request).finalMessage();
    assert.deepEqual(first.content.map((c) => c.type), ['thinking', 'tool_use']);
    assert.equal(first.content[0].thinking, 'I should call it.');
    const second = await sdk.messages.create({ ...request, messages: [...hello.messages, { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: first.content[1].id, content: 'sunny' }] }] });
    assert.equal(second.content[0].text, 'Done.');
    const roles = mock.last.body.messages.map((m) => m.role);
    assert.deepEqual(roles, ['user', 'assistant', 'tool']);
    assert.ok(!JSON.stringify(mock.last.body).includes('clasp1.'), 'our signature stays here');
  });

  sdkTest('the tool runner', async (b) => {
    const { sdk, mock, tap } = await front(b, Sdk, (request) => {
      const results = request.body.messages.filter((m) => m.role === 'tool');
      return results.length === 0
        ? reply({ calls: ['Rome', 'Oslo'].map((city, i) => ({ id: `call_${i}`, name: 'get_weather', arguments: JSON.stringify({ city }) })), interleave: true })
        : say(`I heard: ${results.map((r) => r.content).join(', ')}.`);
    });
    const asked = [];
    const tool = toolHelper({ name: 'get_weather', description: 'The weather', inputSchema: weather.input_schema,
      run: ({ city }) => { asked.push(city); return `${city} is sunny`; } });
    for (const stream of [false, true]) {
      asked.length = 0;
      const before = mock.chats.length;
      const runner = sdk.beta.messages.toolRunner({ ...hello, tools: [tool], stream });
      const last = await runner.runUntilDone?.() ?? await runner;
      assert.equal(last.content[0].text, 'I heard: Rome is sunny, Oslo is sunny.');
      assert.deepEqual(asked, ['Rome', 'Oslo']);
      assert.equal(mock.chats.length - before, 2);
    }
    assert.ok(tap.exchanges.every((e) => e.status === 200 || e.status === 404), tap.exchanges.map((e) => e.status).join());
  });

  sdkTest('the tool runner with zod: several rounds, a tool that throws, tokens as they come', async (b) => {
    const { sdk, mock } = await front(b, Sdk, (request) => {
      const results = request.body.messages.filter((m) => m.role === 'tool');
      const ask = (id, args) => reply({ text: 'Counting.', calls: [{ id, name: 'divide', arguments: JSON.stringify(args) }], size: 2 });
      if (results.length === 0) return ask('call_first', { a: 6, b: 0 });
      return results.length === 1 ? ask('call_second', { a: 6, b: 4, note: 'näher "dran"' }) : say(`It is ${results[1].content}.`);
    });
    const seen = [];
    const tool = zodHelper({ name: 'divide', description: 'Divides', inputSchema: z.object({ a: z.number(), b: z.number(), note: z.string().optional() }),
      run: (input) => { seen.push(input); if (input.b === 0) throw new Error('not by zero'); return String(input.a / input.b); } });
    let text = '', rounds = 0;
    const runner = sdk.beta.messages.toolRunner({ ...hello, tools: [tool], stream: true });
    for await (const stream of runner) {
      ++rounds;
      for await (const event of stream) if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text;
    }
    assert.equal(rounds, 3);
    assert.equal(text, 'Counting.Counting.It is 1.5.');
    assert.deepEqual(seen, [{ a: 6, b: 0 }, { a: 6, b: 4, note: 'näher "dran"' }]);
    assert.match(mock.chats[1].body.messages.find((m) => m.role === 'tool').content, /^Error: .*not by zero/);
    assert.deepEqual(mock.chats[0].body.tools[0].function.parameters.required, ['a', 'b']);
  });

  sdkTest('abort ends the backend call', async (b) => {
    const { sdk, mock } = await front(b, Sdk, [sse([chunk({ content: 'a' }), () => new Promise(() => {})])]);
    const stream = sdk.messages.stream(hello);
    stream.on('text', () => stream.abort());
    await assert.rejects(stream.finalMessage(), Sdk.APIUserAbortError);
    await until(() => mock.aborted === 1, 2000, 'the backend call to be cancelled');
  });

  sdkTest('error classes', async (b) => {
    const cases = [
      [fail(400, 'bad'), 'BadRequestError', 'invalid_request_error'], [fail(401, 'who'), 'AuthenticationError', 'authentication_error'],
      [fail(403, 'no'), 'PermissionDeniedError', 'permission_error'], [fail(404, 'gone'), 'NotFoundError', 'not_found_error'],
      [fail(429, 'slow'), 'RateLimitError', 'rate_limit_error'], [fail(500, 'oops'), 'InternalServerError', 'api_error'], [fail(503, 'busy'), 'InternalServerError', 'overloaded_error'],
      [fail(429, 'quota', { code: 'insufficient_quota' }), 'APIError', 'billing_error'],
    ];
    let now;
    const { sdk } = await front(b, Sdk, () => now[0]);
    for (now of cases) {
      const error = await sdk.messages.create(hello).catch((e) => e);
      assert.ok(error instanceof Sdk[now[1]], `${now[2]}: ${error.constructor.name}`);
      assert.equal(error.error?.error?.type, now[2]);
      assert.match(error.requestID ?? '', /^req_/);
    }
  });

  sdkTest('an error in mid-stream is an APIError with our type', async (b) => {
    const { sdk } = await front(b, Sdk, [sse([...completionChunks({ text: 'Hello' }).slice(0, 2), 40], { end: 'cut' })]);
    const error = await sdk.messages.stream(hello).finalMessage().catch((e) => e);
    assert.ok(error instanceof Sdk.APIError, String(error));
    assert.equal(error.status, undefined);
    assert.equal(error.error?.error?.type, 'api_error');
  });

  sdkTest('x-should-retry is obeyed', { limit: 30_000 }, async (b) => {
    let now;
    const { sdk, tap } = await front(b, Sdk, () => now, { maxRetries: 1 });
    const attempts = async (responder) => {
      now = responder;
      const before = tap.exchanges.length;
      await sdk.messages.create(hello).catch((e) => e);
      return tap.exchanges.length - before;
    };
    assert.equal(await attempts(fail(500, 'x')), 2, '500 is tried again');
    assert.equal(await attempts(fail(429, 'x', { headers: { 'retry-after-ms': '10' } })), 2, '429 is tried again');
    assert.equal(await attempts(fail(429, 'x', { code: 'insufficient_quota' })), 1, 'an empty purse is not');
    assert.equal(await attempts(fail(501, 'x')), 1, '501 is not');
    assert.equal(await attempts(fail(400, 'x')), 1, '400 is not');
  });

  sdkTest('countTokens', async (b) => {
    const { sdk, mock } = await front(b, Sdk, []);
    const { input_tokens: count } = await sdk.messages.countTokens({ model: kModel, messages: hello.messages, tools: [weather] });
    assert.ok(count > 10);
    assert.equal(mock.requests.length, 0);
  });

  sdkTest('models', async (b) => {
    const { sdk, client } = await front(b, Sdk, []);
    const list = await sdk.models.list();
    assert.ok(Array.isArray(list.data));
    for (const model of list.data) assert.equal((await sdk.models.retrieve(model.id)).id, model.id);
  });

  sdkTest('images, documents and a long conversation', async (b) => {
    const { sdk, mock } = await front(b, Sdk, () => json(completion({ text: 'ok' })));
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } };
    await sdk.messages.create({ ...hello, tools: [weather], system: [{ type: 'text', text: 'Rule one.', cache_control: { type: 'ephemeral' } }, { type: 'text', text: 'Rule two.' }],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Look:' }, image] },
        { role: 'assistant', content: [{ type: 'text', text: 'I call.' }, { type: 'tool_use', id: 'toolu_01A', name: 'get_weather', input: { city: 'X' } }, { type: 'tool_use', id: 'toolu_01B', name: 'get_weather', input: {} }] },
        { role: 'user', content: [{ type: 'text', text: 'go' }, { type: 'tool_result', tool_use_id: 'toolu_01B', content: [{ type: 'text', text: 'B' }, image] }, { type: 'tool_result', tool_use_id: 'toolu_01A', is_error: true, content: 'broken' }] },
        { role: 'assistant', content: 'Fine.' },
        { role: 'user', content: [{ type: 'document', title: 'Notes', source: { type: 'text', media_type: 'text/plain', data: 'remember' } }, { type: 'text', text: 'Next' }] },
      ] });
    const messages = mock.last.body.messages;
    assert.deepEqual(messages.map((m) => m.role), ['system', 'user', 'assistant', 'tool', 'tool', 'user', 'assistant', 'user']);
    assert.deepEqual(messages.slice(3, 5).map((m) => m.tool_call_id), messages[2].tool_calls.map((c) => c.id));
    assert.equal(messages[3].content, 'Error: broken');
    assert.deepEqual(messages[5].content.map((p) => p.type), ['text', 'image_url', 'text']);
    assert.ok(JSON.stringify(messages[7]).includes('remember'));
  });
}
