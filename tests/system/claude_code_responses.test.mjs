// The real Claude Code over a model of the Responses API: tools side by side, thoughts that go back
// sealed, the backend's own search, documents in results.
import { readFileSync, writeFileSync } from 'node:fs';
import { assert } from './lib/harness.mjs';
import { ccTest, finished, session, stage, steps } from './lib/claude.mjs';
import { Model } from './lib/model.mjs';
import { pdf, png } from './lib/files.mjs';
import { kSealed } from './lib/responses.mjs';

const all = { ENABLE_TOOL_SEARCH: 'false' };
const words = (model) => model.log.filter((word) => word !== 'small-talk');
const gpt = { model: 'gpt-5.4' };
const thoughts = (body) => [`I have ${body.input.length} items.`, 'So be it.'];

ccTest('trap 34: parallel tools, and thoughts that go back', async (b) => {
  const { tap, mock, model } = await stage(b, new Model({ thoughts }), gpt);
  const write = (work, name) => ({ tool: 'Write', input: { file_path: `${work}/${name}.txt`, content: `this is ${name} – 😀` } });
  const run = await session(b, tap.url, (work) => steps([write(work, 'a'), write(work, 'b'), write(work, 'c')], [write(work, 'd')]));
  finished(run, tap);
  for (const name of ['a', 'b', 'c', 'd']) assert.equal(readFileSync(`${run.work}/${name}.txt`, 'utf8'), `this is ${name} – 😀`);
  assert.deepEqual(words(model), ['Write+Write+Write', 'Write', 'done']);
  assert.equal(mock.chats.length, 0);
  const shown = run.lines.filter((l) => l.type === 'assistant').flatMap((l) => l.message.content).filter((c) => c.type === 'thinking').map((c) => c.thinking);
  assert.equal(shown.length, 3);
  assert.match(shown[0], /^I have \d+ items\.\n\nSo be it\.$/);
  const { body } = mock.responses.at(-1);
  const types = body.input.map((item) => item.type).join(' ');
  assert.match(types, /reasoning message function_call function_call function_call function_call_output function_call_output function_call_output (message )*reasoning message function_call function_call_output/);
  assert.ok(body.input.filter((item) => item.type === 'reasoning').every((item) => item.encrypted_content.startsWith(kSealed) && item.id));
  assert.ok(mock.responses.every((r) => r.body.store === false && !JSON.stringify(r.body).includes('clasp1.')));
  assert.equal(body.prompt_cache_key, run.result.session_id);
  // What was said once is said the same way again: the backend caches by prefix.
  const inputs = mock.responses.filter((r) => r.body.tools?.length).map((r) => JSON.stringify(r.body.input).slice(0, -1));
  for (let i = 1; i < inputs.length; ++i) assert.ok(inputs[i].startsWith(inputs[i - 1]), `request ${i} begins like the one before it`);
});

ccTest('WebSearch is the backend\'s own', async (b) => {
  const url = 'https://example.org/rome';
  const search = { search: { query: 'weather in Rome', sources: [url] }, text: 'It is sunny in Rome.',
    annotations: [{ type: 'url_citation', url, title: 'Weather of Rome', start_index: 6, end_index: 11 }] };
  const { tap, mock, model } = await stage(b, new Model({ search }), gpt);
  const run = await session(b, tap.url, () => steps([{ tool: 'WebSearch', input: { query: 'weather in Rome' } }]), { env: all });
  finished(run, tap);
  assert.deepEqual(words(model), ['WebSearch', 'search', 'done']);
  const side = mock.responses.find((r) => r.body.tools?.some((t) => t.type === 'web_search')).body;
  assert.ok(side.include.includes('web_search_call.action.sources'));
  assert.match(model.results[0], /It is sunny in Rome\./);
  assert.ok(model.results[0].includes(url), `the model is given the sources: ${model.results[0]}`);
});

ccTest('Read of a PDF and of a picture: they stand in the result', async (b) => {
  const document = pdf('Hello reader');
  const { tap, mock, model } = await stage(b, new Model(), gpt);
  const run = await session(b, tap.url, (work) => steps(['paper.pdf', 'picture.png'].map((name) => ({ tool: 'Read', input: { file_path: `${work}/${name}` } }))), {
    prepare: (work) => { writeFileSync(`${work}/paper.pdf`, document); writeFileSync(`${work}/picture.png`, png(32)); } });
  finished(run, tap);
  assert.ok(model.images.length >= 1);
  const [head, data] = model.files[0].file_data.split(',');
  assert.equal(head, 'data:application/pdf;base64');
  assert.deepEqual(Buffer.from(data, 'base64'), document);
  assert.equal(mock.chats.length, 0);
});
