// What a failing backend looks like to the client: HTTP errors, errors inside a 200, garbage.
import net from 'node:net';
import { once } from 'node:events';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { body, bytes, cut, fail, json, pause, say, sse } from './lib/mock.mjs';
import { chunk, completion, completionChunks, errorBody } from './lib/chunks.mjs';
import { freePort } from './lib/daemon.mjs';

// [what, responder, status, type, x-should-retry, message pattern, headers]
const kTable = [
  ['400', fail(400, 'Bad thing in the request'), 400, 'invalid_request_error', 'false', /Bad thing/],
  ['401', fail(401, 'Incorrect API key provided: sk-abcdef***', { code: 'invalid_api_key' }), 401, 'authentication_error', 'false', /./],
  ['402', fail(402, 'Insufficient balance'), 402, 'billing_error', 'false'],
  ['403', fail(403, 'Country not supported'), 403, 'permission_error', 'false'],
  ['404', fail(404, 'The model `gpt-9` does not exist', { code: 'model_not_found' }), 404, 'not_found_error', 'false', /gpt-9/],
  ['405', fail(405, 'Not so'), 400, 'invalid_request_error', 'false'],
  ['408', fail(408, 'Too slow'), 504, 'timeout_error', 'true'],
  ['409', fail(409, 'Conflict'), 409, 'conflict_error', 'true'],
  ['413', fail(413, 'Body too big'), 413, 'request_too_large', 'false'],
  ['422 of FastAPI', json({ detail: [{ loc: ['body', 'messages'], msg: 'field required', type: 'x' }] }, { status: 422 }), 400, 'invalid_request_error', 'false', /field required/],
  ['425', fail(425, 'Too early'), 500, 'api_error', 'true'],
  ['429 rate', fail(429, 'Rate limit reached', { code: 'rate_limit_exceeded', headers: { 'retry-after': '17' } }), 429, 'rate_limit_error', 'true', /Rate limit/, { 'retry-after': '17' }],
  ['429 with the time in the text', fail(429, 'Rate limit reached. Please try again in 6.5s.', { code: 'rate_limit_exceeded' }), 429, 'rate_limit_error', 'true', /./, { 'retry-after': '7' }],
  ['429 quota', fail(429, 'You exceeded your current quota', { type: 'insufficient_quota', code: 'insufficient_quota' }), 402, 'billing_error', 'false'],
  ['429 for one request too large', fail(429, 'Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 50000. The input or output tokens must be reduced in order to run successfully.', { type: 'tokens', code: 'rate_limit_exceeded' }), 400, 'invalid_request_error', 'false', /^prompt is too long: 50000 tokens > 30000 maximum/],
  ['context', fail(400, "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.", { code: 'context_length_exceeded' }), 400, 'invalid_request_error', 'false', /^prompt is too long: 9000 tokens > 8192 maximum/],
  ['500', fail(500, 'The server had an error', { type: 'server_error' }), 500, 'api_error', 'true'],
  ['501', fail(501, 'Not implemented'), 500, 'api_error', 'false'],
  ['502 HTML', body(502, 'text/html', '<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>'), 502, 'api_error', 'true', /Bad Gateway/],
  ['503', fail(503, 'Overloaded'), 529, 'overloaded_error', 'true'],
  ['503 loading', fail(503, 'Loading model', { type: 'unavailable_error' }), 529, 'overloaded_error', 'true', /Loading/, { 'retry-after': '5' }],
  ['504', fail(504, 'Gateway timeout'), 504, 'timeout_error', 'true'],
  ['520', body(520, 'text/plain', 'origin error'), 502, 'api_error', 'true'],
  ['529', fail(529, 'busy'), 529, 'overloaded_error', 'true'],
  ['302', body(302, 'text/plain', '', { location: 'http://elsewhere.example/' }), 502, 'api_error', 'false'],
  ['error as a string', json({ error: 'model exploded' }, { status: 400 }), 400, 'invalid_request_error', 'false', /model exploded/],
  ['error as a list', json([{ error: { code: 400, message: 'gemini says no', status: 'INVALID_ARGUMENT' } }], { status: 400 }), 400, 'invalid_request_error', 'false', /gemini says no/],
  ['error of vLLM', json({ object: 'error', message: 'vllm says no', type: 'BadRequestError', code: 400 }, { status: 400 }), 400, 'invalid_request_error', 'false', /vllm says no/],
  ['error inside a 200', json({ error: { code: 429, message: 'slow down' } }), 429, 'rate_limit_error', 'true', /slow down/],
  ['502 inside a 200', json({ error: { code: 502, message: 'provider died' } }), 502, 'api_error', 'true', /provider died/],
  ['200 without choices', json({ id: 'x', object: 'chat.completion', choices: [] }), 502, 'api_error', null],
  ['200 that is HTML', body(200, 'text/html', '<html>hello</html>'), 502, 'api_error', null],
  ['200 that is no JSON', body(200, 'application/json', '{"choices":[{"mess'), 502, 'api_error', null],
  ['nothing but a closed connection', cut(), 502, 'api_error', 'true'],
  ['garbage instead of HTTP', bytes(['SSH-2.0-OpenSSH_9.2\r\n']), 502, 'api_error', null],
  ['a head that never ends', bytes(['HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n']), 502, 'api_error', null],
  ['a body cut short', bytes(['HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"id":']), 502, 'api_error', null],
];

// What one attempt looks like; resilience*.test.mjs has what becomes of several.
const kOnce = { CLASP_RETRY_ATTEMPTS: '1' };

test('vector 133, defect 16: every kind of failure, as an answer and before a stream', { limit: 60_000 }, async (b) => {
  let responder;
  const { client } = await b.front(() => responder, { provider: 'custom', env: kOnce });
  for (const [what, made, status, type, retry, pattern, headers = {}] of kTable) {
    responder = made;
    for (const stream of [false, true]) {
      const at = `${what}${stream ? ', stream' : ''}`;
      const answer = stream ? await client.wholeStream(ask('x')) : await client.message(ask('x'));
      if (answer.status !== status || answer.json?.error?.type !== type) {
        b.problem(`${at}: ${answer.status} ${JSON.stringify(answer.json ?? answer.checker?.events.map((e) => e.event))}, expected ${status} ${type}`);
        continue;
      }
      if (pattern && !pattern.test(answer.json.error.message)) b.problem(`${at}: message ${answer.json.error.message}`);
      if (retry !== null && answer.headers['x-should-retry'] !== retry) b.problem(`${at}: x-should-retry is ${answer.headers['x-should-retry']}, expected ${retry}`);
      for (const [name, value] of Object.entries(headers))
        if (answer.headers[name] !== value) b.problem(`${at}: ${name} is ${answer.headers[name]}, expected ${value}`);
    }
  }
});

test('vector 139: an error with secrets and several lines is cleaned', async (b) => {
  const { client } = await b.front(() => fail(400, 'Bad key sk-proj-verysecret1234567890 used\nwith Bearer abcdef123456 at\nhttps://host/path?token=123'), { provider: 'custom' });
  const { json: answer } = await client.message(ask('x'));
  for (const secret of ['verysecret', 'abcdef123456', 'token=123']) assert.ok(!answer.error.message.includes(secret), answer.error.message);
});

test('vector 138: rate limits and ids are translated, the rest stays behind', async (b) => {
  const headers = { 'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '59', 'x-ratelimit-reset-requests': '1s',
    'x-ratelimit-limit-tokens': '150000', 'x-ratelimit-remaining-tokens': '149984', 'x-ratelimit-reset-tokens': '6m0s',
    'set-cookie': 'a=b', server: 'cloudflare', 'openai-organization': 'secret-org', 'x-request-id': 'req-of-backend' };
  const { client } = await b.front([fail(429, 'Rate limit reached', { headers: { ...headers, 'retry-after': '60' } }), json(completion({ text: 'x' }), { headers }), sse(completionChunks({ text: 'x' }), { headers })]);
  for (const answer of [await client.message(ask('x')), await client.message(ask('x')), await client.wholeStream(ask('x'))]) {
    assert.equal(answer.headers['anthropic-ratelimit-requests-limit'], '60');
    assert.equal(answer.headers['anthropic-ratelimit-tokens-remaining'], '149984');
    const reset = Date.parse(answer.headers['anthropic-ratelimit-tokens-reset']) - Date.now();
    assert.ok(reset > 350_000 && reset < 370_000, `${reset}`);
    assert.equal(answer.headers['openai-organization'], undefined);
    assert.equal(answer.headers['x-clasp-upstream-request-id'], 'req-of-backend');
    if (answer.status === 200 && answer.json) assert.match(answer.headers['x-clasp-upstream-id'], /^chatcmpl-mock/);
  }
});

test('vector 134: a blocked prompt is a refusal, not an error', async (b) => {
  const { client } = await b.front(() => fail(400, 'The response was filtered', { code: 'content_filter' }));
  const plain = await client.message(ask('x'));
  assert.equal(plain.status, 200);
  assert.equal(plain.json.stop_reason, 'refusal');
  assert.deepEqual(plain.json.content, []);
  assert.equal(plain.json.stop_details?.type, 'refusal');
  const stream = await client.wholeStream(ask('x'));
  assert.equal(stream.checker.message.stop_reason, 'refusal');
});

test('vector 133: nobody listens at the backend', async (b) => {
  const port = await freePort();
  const daemon = await b.daemon({ args: ['-provider', 'custom', '-model', 'm'], env: { CUSTOM_BASE_URL: `http://127.0.0.1:${port}/v1` } });
  const answer = await b.client(daemon.url).message(ask('x'));
  assert.equal(answer.status, 502);
  assert.equal(answer.json.error.type, 'api_error');
  assert.equal(answer.headers['x-should-retry'], 'true');
});

test('a host name that does not exist', async (b) => {
  const daemon = await b.daemon({ args: ['-provider', 'custom', '-model', 'm'], env: { CUSTOM_BASE_URL: 'http://no-such-host.invalid/v1' } });
  const answer = await b.client(daemon.url).message(ask('x'));
  assert.equal(answer.status, 502);
  assert.equal(answer.headers['x-should-retry'], 'false');
});

test('a backend that takes the connection and says nothing', async (b) => {
  const server = net.createServer((socket) => { socket.on('error', () => {}); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  b.atEnd(() => { server.close(); });
  const daemon = await b.daemon({ args: ['-provider', 'custom', '-model', 'm', '-http-timeout', '1'], env: { CUSTOM_BASE_URL: `http://127.0.0.1:${server.address().port}/v1` } });
  const client = b.client(daemon.url);
  const started = performance.now();
  const answer = await client.message(ask('x'));
  assert.equal(answer.status, 504);
  assert.equal(answer.json.error.type, 'timeout_error');
  assert.ok(performance.now() - started < 10_000);
  const streamed = await client.wholeStream(ask('x'));
  assert.equal(streamed.status, 504);
});

test('trap 11, trap 12, trap 13: errors in a stream that has begun', async (b) => {
  // The pause makes sure that the first words are on their way before the failure comes.
  const begin = [...completionChunks({ text: 'Hello' }).slice(0, 2), 40];
  const cases = [
    ['the connection breaks', sse(begin, { end: 'cut' }), 'api_error'],
    ['the stream just ends', sse(begin, { end: 'clean' }), 'api_error'],
    ['[DONE] without a finish', sse(begin, { end: 'done' }), 'api_error'],
    ['error chunk 502', sse([...begin, { error: { code: 502, message: 'provider died' }, choices: [{ index: 0, delta: {}, finish_reason: 'error' }] }], { end: 'clean' }), 'api_error'],
    ['error chunk 429', sse([...begin, { error: { code: 429, message: 'slow down' } }], { end: 'clean' }), 'rate_limit_error'],
    ['error event', sse([...begin, `event: error\ndata: ${JSON.stringify(errorBody('overloaded', { code: 503 }))}\n\n`], { end: 'clean' }), 'overloaded_error'],
    ['nonsense lines', sse([...begin, 'data: {nonsense\n\n', 'data: more}\n\n', 'data: [\n\n', 'data: {"x"\n\n'], { end: 'clean' }), 'api_error'],
    ['broken tool arguments', sse([...begin, chunk({ tool_calls: [{ index: 0, id: 'call_a', type: 'function', function: { name: 'f', arguments: '{"a": nonsense}' } }] }), chunk({}, { finish: 'tool_calls' })]), 'api_error'],
  ];
  const { client } = await b.front((_, i) => cases[i][1]);
  for (const [what, , type] of cases) {
    const stream = await client.wholeStream(ask('x', { tools: [{ name: 'f', input_schema: { type: 'object' } }] }));
    assert.equal(stream.status, 200, what);
    assert.equal(stream.checker.text, 'Hello', what);
    assert.equal(stream.checker.error?.type, type, `${what}: ${JSON.stringify(stream.checker.events.slice(-2))}`);
    assert.equal(stream.checker.of('message_stop').length, 0, what);
    assert.equal(stream.checker.of('message_delta').length, 0, what);
  }
});

test('vector 115: an error as the very first chunk is an HTTP error', async (b) => {
  const down = () => sse([{ error: { code: 502, message: 'upstream is down' } }], { end: 'clean' });
  const { client, mock } = await b.front(down);
  const stream = await client.wholeStream(ask('x'));
  assert.equal(stream.status, 502);
  assert.match(stream.json.error.message, /upstream is down/);
  assert.equal(mock.chats.length, 3, 'as often as a request is tried');
});

test('a failed attempt is repeated', async (b) => {
  const { client, mock } = await b.front([fail(500, 'hiccup'), say('second try')]);
  const answer = await client.message(ask('x'));
  assert.equal(answer.json.content[0].text, 'second try');
  assert.equal(mock.chats.length, 2);
});

test('vector 136, trap 35: a refused parameter is repaired', async (b) => {
  const message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
  const strict = (request) => 'max_tokens' in request.body ? fail(400, message, { code: 'unsupported_parameter', param: 'max_tokens' }) : say('repaired');
  const { client, mock } = await b.front(strict, { provider: 'custom', model: 'some-model', rules: 'none' });
  const answer = await client.message(ask('x'));
  assert.equal(answer.json.content[0].text, 'repaired');
  await client.message(ask('x'));
  assert.equal(mock.chats.length, 3, 'the second request knows');
});

test('vector 84: a description that is too long is cut once and for all, and nothing of it is lost', async (b) => {
  const description = 'word '.repeat(800).trim();
  const strict = ({ body: { tools } }) => (tools[0].function.description.length > 1024
    ? fail(400, `Invalid 'tools[0].function.description': string too long. Expected a string with maximum length 1024, but got a string with length ${description.length} instead.`, { code: 'string_above_max_length', param: 'tools[0].function.description' })
    : say('fine'));
  const { client, mock } = await b.front(strict);
  const request = ask('x', { system: 'Be kind.', tools: [{ name: 'f', description, input_schema: { type: 'object' } }] });
  for (const expected of [2, 3]) {
    assert.equal((await client.message(request)).json.content[0].text, 'fine');
    assert.equal(mock.chats.length, expected);
    const { messages, tools } = mock.last.body;
    assert.ok(tools[0].function.description.length <= 1024 && tools[0].function.description.length > 900);
    assert.ok(messages[0].content.startsWith('Be kind.') && messages[0].content.includes(description));
  }
});

test('vector 137, vector 149: a repair after the stream has begun is invisible', { limit: 20_000 }, async (b) => {
  const message = "Unsupported value: 'reasoning_effort' does not support 'xhigh' with this model. Supported values are: 'low', 'medium', and 'high'.";
  const strict = (request) => (request.body.reasoning_effort === 'xhigh' ? pause(700, fail(400, message, { code: 'unsupported_value', param: 'reasoning_effort' })) : say('repaired'));
  const { client, mock } = await b.front(strict, { model: 'gpt-5.2', env: { CLASP_ANSWER_GRACE: '0' } });
  const stream = await client.wholeStream(ask('x', { output_config: { effort: 'xhigh' }, thinking: { type: 'adaptive' } }));
  assert.equal(stream.checker.text, 'repaired');
  assert.equal(mock.last.body.reasoning_effort, 'high');
  assert.equal(mock.chats.length, 2);
});

test('what cannot be repaired is told as it is, once', async (b) => {
  const { client, mock } = await b.front(() => fail(400, 'Unsupported parameter: messages is not supported with this model.', { code: 'unsupported_parameter', param: 'messages' }), { provider: 'custom' });
  const answer = await client.message(ask('x'));
  assert.equal(answer.status, 400);
  assert.ok(mock.chats.length <= 4, `${mock.chats.length} attempts`);
});
