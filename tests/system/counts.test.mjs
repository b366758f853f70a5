// Token counts by vLLM and llama.cpp (section 7.1): what is asked, and that the estimate serves
// whenever the server does not.
import { test, assert } from './lib/harness.mjs';
import { kModel } from './lib/client.mjs';
import { body as raw, fail, hang, json } from './lib/mock.mjs';

const read = { name: 'read', description: 'Reads a file', input_schema: { type: 'object', properties: { path: { type: 'string' } } } };
const asked = { model: kModel, system: 'Be brief.', tools: [read], temperature: 1, messages: [{ role: 'user', content: 'Read both files. '.repeat(40) }] };
const kNewPath = '/v1/chat/completions/input_tokens';

async function front(b, provider, counts, lines = '') {
  const mock = await b.mock([], { rules: 'none', counts });
  const daemon = await b.daemon({ config: `[backend own]\nprovider = ${provider}\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${lines}[models]\ndefault = local\n` });
  const client = b.client(daemon.url);
  return { mock, client, count: async () => {
    const answer = await client.post('/v1/messages/count_tokens', asked);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.input_tokens;
  } };
}
const isEstimate = (tokens) => assert.ok(tokens > 400 && tokens < 900, `${tokens}`);

test('section 7.1: vLLM counts what its template makes of the conversation', async (b) => {
  const { mock, count } = await front(b, 'vllm', { '/tokenize': json({ count: 4711, max_model_len: 9000, tokens: Array(4711).fill(128000), token_strs: null }) });
  assert.equal(await count(), 4711);
  const { path, body } = mock.requests[0];
  assert.equal(path, '/tokenize');
  assert.deepEqual(Object.keys(body), ['model', 'messages', 'tools']);
  assert.equal(body.model, 'local');
  assert.deepEqual(body.messages[0], { role: 'system', content: 'Be brief.' });
});

test('section 7.1: llama.cpp counts in one step, an old one in two', async (b) => {
  const fresh = await front(b, 'llamacpp', { [kNewPath]: json({ object: 'response.input_tokens', input_tokens: 512 }) });
  assert.equal(await fresh.count(), 512);
  assert.deepEqual(fresh.mock.requests.map((r) => r.path), [kNewPath]);
  const old = await front(b, 'llamacpp', {
    [kNewPath]: fail(404, 'File Not Found'),
    '/apply-template': json({ prompt: '<|im_start|>user\nRead "both"é' }),
    '/tokenize': json({ tokens: Array(333).fill(7) }),
  });
  assert.equal(await old.count(), 333);
  assert.deepEqual(old.mock.requests.map((r) => r.path), [kNewPath, '/apply-template', '/tokenize']);
  assert.equal(old.mock.requests[1].body.messages.length, 2);
  assert.deepEqual(old.mock.requests[2].body, { add_special: true, parse_special: true, content: '<|im_start|>user\nRead "both"é' });
});

test('section 7.1: where vLLM or llama.cpp do not count, the estimate is the answer', async (b) => {
  for (const answer of [fail(404, 'no'), fail(500, 'no'), raw(200, 'text/html', 'hi'), json({ count: '12' }), json({ count: 1, more: 'x'.repeat(9_000_000) })])
    isEstimate(await (await front(b, 'vllm', { '/tokenize': answer })).count());
  const missing = fail(404, 'no');
  for (const counts of [
    { [kNewPath]: fail(400, 'no') },
    { [kNewPath]: missing, '/apply-template': missing },
    { [kNewPath]: missing, '/apply-template': json({ prompt: 'a <__media__> b' }) },
    { [kNewPath]: missing, '/apply-template': json({ prompt: 'a' }), '/tokenize': json({ tokens: 5 }) },
  ]) isEstimate(await (await front(b, 'llamacpp', counts)).count());
  const { mock, count } = await front(b, 'vllm', {});
  await mock.stop();
  isEstimate(await count());
});

test('section 7.1: a server that hangs costs three seconds, in whatever step', async (b) => {
  for (const [provider, counts] of [['vllm', { '/tokenize': hang() }],
    ['llamacpp', { [kNewPath]: fail(404, 'no'), '/apply-template': json({ prompt: 'a' }), '/tokenize': hang() }]]) {
    const { mock, count } = await front(b, provider, counts);
    const begun = performance.now();
    isEstimate(await count());
    const took = performance.now() - begun;
    assert.ok(took > 2800 && took < 8000, `${took}`);
    assert.notEqual(mock.requests.at(-1).aborted, undefined);
    // Once: for a while those that follow are not asked for.
    const asked = mock.requests.length;
    const again = performance.now();
    for (let i = 0; i < 5; i++) isEstimate(await count());
    assert.ok(performance.now() - again < 2500);
    assert.equal(mock.requests.length, asked);
  }
});

test('section 7.1: a count corrects the estimate of what cannot be counted later', async (b) => {
  let broken = false;
  const { count } = await front(b, 'vllm', { '/tokenize': (exchange) => (broken ? fail(500, 'no') : json({ count: 900 }))(exchange) });
  assert.equal(await count(), 900);
  broken = true;
  const later = await count();
  assert.ok(later >= 700 && later <= 901, `${later}`);
});

test('section 7.1: nobody is asked where the flag is off', async (b) => {
  const { mock, count } = await front(b, 'vllm', {}, 'flag.count_input = false\n');
  isEstimate(await count());
  assert.equal(mock.requests.length, 0);
});
