// What the file says about single models and about translation, from the outside.
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { runOnce } from './lib/daemon.mjs';
import { fail, json, say } from './lib/mock.mjs';
import { usageOf, completion } from './lib/chunks.mjs';

const kPicture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };

test('a file with sections about models', async (b) => {
  const mock = await b.mock(() => say('here'), { rules: 'none' });
  const eu = await b.mock(() => say('there'), { rules: 'none' });
  const config = `
[backend main]
provider = vllm
base_url = ${mock.url}
api_key = ${mock.key}
body.provider = {"order": ["a", "b"]}
[backend europe]
provider = vllm
base_url = ${eu.url}
api_key = ${eu.key}
geo = eu
[aliases]
claude-fast = Qwen3-Coder
[model qwen*]
context_window = 100000
max_output = 500
flag.top_k = false
flag.kwargs_key = enable_thinking
[model qwen3-coder]
backend = main
vision = false
display_name = Qwen 3 Coder
body.seed = 7
[models]
unknown_models = refuse
[translation]
input_token_limits = yes
`;
  const daemon = await b.daemon({ config });
  const client = b.client(daemon.url);
  const of = (more) => ask('x', { model: 'claude-fast', ...more });

  const answer = await client.message(of({ top_k: 5, thinking: { type: 'disabled' }, messages: [{ role: 'user', content: [{ type: 'text', text: 'see' }, kPicture] }] }));
  assert.equal(answer.status, 200, answer.text);
  const sent = mock.last.body;
  assert.equal(sent.model, 'Qwen3-Coder');
  assert.equal(sent.max_tokens, 500);
  assert.equal(sent.top_k, undefined);
  assert.deepEqual(sent.chat_template_kwargs, { enable_thinking: false });
  assert.equal(sent.seed, 7);
  assert.deepEqual(sent.provider, { order: ['a', 'b'] });
  assert.ok(JSON.stringify(sent.messages).includes('[image omitted: model has no vision]'));

  assert.equal((await client.message(of({ inference_geo: 'eu' }))).json.content[0].text, 'there');
  assert.equal(eu.last.body.max_tokens, 500);
  assert.equal(eu.last.body.seed, undefined);
  assert.equal(eu.last.body.provider, undefined);
  const elsewhere = await client.message(of({ inference_geo: 'au' }));
  assert.equal(elsewhere.json.content[0].text, 'here');
  assert.equal(elsewhere.headers['x-clasp-warning'], 'inference-geo');

  const unknown = await client.message(ask('x', { model: 'gpt-9' }));
  assert.equal(unknown.status, 404);
  assert.equal(unknown.json.error.message, 'model: gpt-9');

  const model = (await client.get('/v1/models/claude-fast')).json;
  assert.equal(model.display_name, 'Qwen 3 Coder');
  assert.equal(model.max_input_tokens, 100000);
  assert.equal(model.max_tokens, 500);
});

test('a warning comes with every answer and stands in the log once', async (b) => {
  const { client, daemon } = await b.front(() => say('x'));
  for (let i = 0; i < 3; ++i)
    assert.equal((await client.message(ask('x', { speed: 'fast' }))).headers['x-clasp-warning'], 'speed');
  assert.equal((await client.message(ask('x', { speed: 'fast', top_k: 3 }))).headers['x-clasp-warning'], 'top-k-dropped, speed');
  await daemon.stop();
  assert.deepEqual(daemon.stderr.match(/ warnings=\S+/g), [' warnings=speed', ' warnings=top-k-dropped']);
});

test('the known window: the end of an answer, the refusal of a prompt', async (b) => {
  const mock = await b.mock([
    json(completion({ text: 'cut', finish: 'length', usage: usageOf(900, 100) })),
    fail(400, 'this prompt exceeds the context of the model', { code: 'context_length_exceeded' }),
  ], { rules: 'none', auth: {} });
  const config = `[backend]\nprovider = ollama\nbase_url = ${mock.url}\ncontext_window = 1000\n`;
  const daemon = await b.daemon({ config });
  const client = b.client(daemon.url);
  assert.equal((await client.message(ask('x'))).json.stop_reason, 'model_context_window_exceeded');
  assert.equal((await client.message(ask('x'))).json.error.message, 'prompt is too long: 1001 tokens > 1000 maximum');
  const calls = mock.requests.length;
  const guarded = await client.message(ask('word '.repeat(2000)));
  assert.equal(guarded.status, 400);
  assert.match(guarded.json.error.message, /^prompt is too long: \d+ tokens > 1000 maximum$/);
  assert.equal(mock.requests.length, calls, 'ollama was not asked');
});

test('openrouter: transforms off, a configured provider; vertex by its name; old azure', async (b) => {
  const router = await b.mock(() => say('x'), { rules: 'none' });
  const one = await b.daemon({ config: `[backend]\nprovider = openrouter\nbase_url = ${router.url}\napi_key = ${router.key}\nbody.provider = {"sort": "price"}\n` });
  assert.equal((await b.client(one.url).message(ask('x'))).status, 200);
  assert.deepEqual(router.last.body.transforms, []);
  assert.deepEqual(router.last.body.provider, { sort: 'price' });

  const vertex = await b.mock(() => say('x'), { rules: 'none', path: '/v1/projects/p/locations/l/endpoints/openapi/chat/completions' });
  const two = await b.daemon({ args: ['-provider', 'vertex', '-model', 'google/gemini-2.5-flash'], env: { VERTEX_ACCESS_TOKEN: vertex.key, VERTEX_BASE_URL: `${vertex.origin}/v1/projects/p/locations/l/endpoints/openapi` } });
  assert.equal((await b.client(two.url).message(ask('x', { thinking: { type: 'disabled' } }))).status, 200);
  assert.equal(vertex.last.body.reasoning_effort, 'none');

  const azure = await b.mock(() => say('x'), { rules: 'none', auth: { 'api-key': 'azure-key' }, path: '/openai/deployments/gpt-4o/chat/completions' });
  const three = await b.daemon({ args: ['-provider', 'azure'], env: { AZURE_API_KEY: 'azure-key', AZURE_OPENAI_ENDPOINT: azure.origin, AZURE_DEPLOYMENT_NAME: 'gpt-4o' } });
  assert.equal((await b.client(three.url).wholeStream(ask('x'))).status, 200);
  assert.equal(azure.last.body.max_tokens, 1024);
  assert.equal(azure.last.body.stream_options, undefined);
});

test('-check tells mistakes with file and line', async () => {
  const kCases = [
    ['[model x]\nflag.topk = true\n', /clasp\.conf:4: \[model x\] flag\.topk: there is no dialect flag "topk"; did you mean "top_k"\?/],
    ['[model x]\nflag.max_stop = many\n', /clasp\.conf:4: \[model x\] flag\.max_stop: .*use a number/],
    ['[model x]\nbody.seed = seven\n', /clasp\.conf:4: \[model x\] body\.seed: the value is not JSON/],
    ['body.messages = []\n', /clasp\.conf:3: \[backend a\] body\.messages: .*written by CLASP itself/],
    ['flag.cap = tokens\n', /clasp\.conf:3: \[backend a\] flag\.cap: /],
    ['[model x]\nbackend = b\n', /clasp\.conf:3: \[model x\] backend: there is no backend "b"/],
    ['[model]\nvision = no\n', /clasp\.conf:3: \[model\] needs a name/],
    ['[model x]\nvision = perhaps\n', /clasp\.conf:4: \[model x\] vision: /],
    ['[translation]\nfast_teir = yes\n', /clasp\.conf:4: unknown key "fast_teir" in \[translation\] \(did you mean fast_tier\?\)/],
    ['[models]\nunknown_models = never\n', /clasp\.conf:4: \[models\] unknown_models: /],
  ];
  for (const [text, pattern] of kCases) {
    const run = await runOnce(['-check'], { config: `[backend a]\nprovider = demo\n${text}` });
    assert.equal(run.code, 78, text + run.stderr);
    assert.match(run.stderr, pattern, text);
  }
  const fine = await runOnce(['-check'], { config: '[backend a]\nprovider = demo\nbody.seed = 1\n[model x]\nflag.top_k = yes\n' });
  assert.equal(fine.code, 0, fine.stderr);
});
