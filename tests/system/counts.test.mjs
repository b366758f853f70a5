// Token counts (section 7.1): by vLLM and llama.cpp, and by ourselves for OpenAI's models, whose vocabulary is
// known; and that the estimate serves whenever nobody counts.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { kModel } from './lib/client.mjs';
import { kBinary, kRoot } from './lib/daemon.mjs';
import { body as raw, fail, hang, json } from './lib/mock.mjs';
import { until } from './lib/scale.mjs';
import { kVocabulary, missingVocabulary, tiktoken } from './lib/vocabulary.mjs';

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

// A daemon that counts for gpt-4o (or another model) with this vocabulary.
async function counter(b, { env = { CLASP_VOCABULARY: kVocabulary }, model = 'gpt-4o', mock = {}, config = '', warm = env.CLASP_VOCABULARY === kVocabulary } = {}) {
  const front = await b.front([], { model, mock, env, config });
  const ask = async (request) => {
    const answer = await front.client.post('/v1/messages/count_tokens', { model: kModel, ...request });
    assert.equal(answer.status, 200, answer.text);
    return answer.json.input_tokens;
  };
  // The first count reads the file, which on a busy machine takes longer than a client is kept waiting.
  if (warm) await until(async () => await ask(said('!')) === kAround + 1, 20_000, 'the vocabulary to be read');
  return { ...front, ask };
}
const said = (content) => ({ messages: [{ role: 'user', content }] });
const kAround = 3 + 3 + 1; // to begin the answer, for the message, its role
const kTools = `# Tools

## functions

namespace functions {

// Reads a file
type read = (_: {
path?: string,
}) => any;

} // namespace functions`;

test('section 7.1: for models of OpenAI count_tokens tells the exact number of tokens of the texts', async (b) => {
  const missing = await missingVocabulary();
  if (missing) return b.skip(missing);
  const { ask, mock, daemon } = await counter(b);
  assert.equal(await ask(said('hello world')), kAround + 2);
  assert.equal(await ask(said('tiktoken is great!')), kAround + 6);
  // Nobody is asked, and the client waits for no estimate's correction.
  assert.equal(mock.requests.length, 0);
  assert.match(daemon.stderr, /^(?!.*WARN)/s);
  const known = await tiktoken();
  if (known.missing) return b.skip(known.missing);
  const call = { type: 'tool_use', id: 'toolu_1', name: 'read', input: { path: 'a.txt' } };
  const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'The quick brown fox' };
  const whole = { system: 'Be brief.', tools: [read], messages: [{ role: 'user', content: 'Read a.txt' },
    { role: 'assistant', content: [{ type: 'text', text: 'Reading.' }, call] }, { role: 'user', content: [result] }] };
  const n = known.count;
  const want = 3 + (3 + n('system') + n('Be brief.')) + (3 + n('user') + n('Read a.txt')) + (3 + n('assistant') + n('Reading.')) +
    (3 + n('functions.') + n('read') + n('{"path":"a.txt"}')) + (3 + n('tool') + n('The quick brown fox')) + n(kTools);
  assert.equal(await ask(whole), want);
  // On Responses it is the same text under other names.
  const { ask: other } = await counter(b, { model: 'gpt-5.4' });
  assert.equal(await other(whole), want - n('system') + n('developer'));
});

test('section 7.1: our count of many texts is that of tiktoken', async (b) => {
  const missing = await missingVocabulary();
  if (missing) return b.skip(missing);
  const known = await tiktoken();
  if (known.missing) return b.skip(known.missing);
  const { ask } = await counter(b);
  const atoms = ['a', 'A', 'Zz', ' ', '  ', '\n', '\r\n', '\t', '1', '22', '\u0663', '\u2167', '\u00e9', 'e\u0301', '\u0301', '\u65e5\u672c\u8a9e', '\ud55c\uad6d',
    '\ud83d\ude00', '\ud83d\udc68\u200d\ud83d\udc69', "'s", "'RE", "'\u017f", "'ll", "'", '\u02b0', '\u01c5', '\u00df', '/', '//', '!?', '_', '\u00a0', '\u3000', '\u200b',
    '\ufeff', '\u0085', '\u2028', '\u03a9', '\u0627', '\u093f', '\u0e44\u0e17\u0e22', '\u00bd', '\ud835\udc9c', '{', '();', 'the', 'HTTPServer', 'x'.repeat(70), '-'.repeat(80)];
  let seed = 20261128;
  const random = (below) => { seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff; return (seed >> 8) % below; };
  const texts = Array.from({ length: 600 }, () => `x${Array.from({ length: 1 + random(25) }, () => atoms[random(atoms.length)]).join('')}x`);
  for (const folder of ['docs', 'src/core/translate'])
    for (const name of readdirSync(path.join(kRoot, folder)))
      if (/\.(md|cc)$/.test(name)) texts.push(`x${readFileSync(path.join(kRoot, folder, name), 'utf8')}x`);
  let tokens = 0;
  for (const text of texts) {
    const want = known.count(text);
    tokens += want;
    assert.equal(await ask(said(text)) - kAround, want, JSON.stringify(text.slice(0, 200)));
  }
  assert.ok(texts.length > 650 && tokens > 100_000, `${texts.length} texts, ${tokens} tokens`);
});

test('section 7.1: where the backend is to count and does not, we do', async (b) => {
  const missing = await missingVocabulary();
  if (missing) return b.skip(missing);
  const config = '[model *]\nflag.count_input = true\n';
  const failing = await counter(b, { model: 'gpt-5.4', config, mock: { count: fail(404, 'no') }, warm: true });
  assert.equal(await failing.ask(said('hello world')), kAround + 2);
  assert.equal(failing.mock.requests[0].path, '/v1/responses/input_tokens');
  const counting = await counter(b, { model: 'gpt-5.4', config, mock: { count: json({ input_tokens: 4711 }) }, warm: false });
  assert.equal(await counting.ask(said('hello world')), 4711);
});

test('section 7.1: the vocabulary is found beside the folder of the program', async (b) => {
  if (path.resolve(kBinary, '../../share/clasp/o200k_base.tiktoken') !== kVocabulary) return b.skip('the program is not in build/');
  const missing = await missingVocabulary();
  if (missing) return b.skip(missing);
  const { ask } = await counter(b, { env: { CLASP_VOCABULARY: null }, warm: true });
  assert.equal(await ask(said('hello world')), kAround + 2);
});

test('section 7.1: without the vocabulary, or with something else in its place, there is the estimate', async (b) => {
  const text = 'hello world '.repeat(300);
  const estimate = await (await counter(b, { env: { CLASP_VOCABULARY: 'off' } })).ask(said(text));
  assert.ok(estimate > 900 && estimate < 1300, `${estimate}`);
  const daemons = [[path.join(b.folder(), 'missing'), /no vocabulary to count tokens with at/]];
  const wrong = path.join(b.folder(), 'o200k_base.tiktoken');
  writeFileSync(wrong, 'YQ== 0\n');
  daemons.push([wrong, /is not the vocabulary o200k_base/]);
  for (const [file, told] of daemons) {
    const { ask, daemon } = await counter(b, { env: { CLASP_VOCABULARY: file } });
    assert.equal(await ask(said(text)), estimate);
    assert.equal(await ask(said(text)), estimate);
    assert.match(daemon.stderr, told);
    assert.equal(daemon.stderr.match(/estimates/g).length, 1, daemon.stderr);
  }
  // Other models have other vocabularies.
  const other = await counter(b, { model: 'gpt-4-turbo', warm: false });
  assert.equal(await other.ask(said(text)), estimate);
});
