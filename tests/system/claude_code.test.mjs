// The real Claude Code in whole sessions: what reaches the model, what comes back, and what happens
// when a backend fails. Its tools one by one are in claude_code_tools.test.mjs.
import { readFileSync, writeFileSync } from 'node:fs';
import { assert } from './lib/harness.mjs';
import { ccTest, finished, session, stage, steps } from './lib/claude.mjs';
import { Model } from './lib/model.mjs';
import { fail, sse } from './lib/mock.mjs';
import { completionChunks } from './lib/chunks.mjs';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { png } from './lib/files.mjs';
import { pdf } from './lib/pdf.mjs';

ccTest('habit 7: writes a file', async (b) => {
  const { tap, model, mock } = await stage(b);
  const content = 'hello\n"quoted" \\ and ünï – 😀\n\ttab\n';
  const run = await session(b, tap.url, (work) => `DO write ${JSON.stringify({ path: `${work}/hello.txt`, content })}`);
  finished(run, tap);
  assert.equal(readFileSync(`${run.work}/hello.txt`, 'utf8'), content);
  assert.equal(run.result.result, 'All done: 1 result(s). ✅');
  assert.deepEqual(model.log.filter((w) => w !== 'small-talk'), ['write*1', 'done']);
  assert.equal(run.result.num_turns, 2);
  const streams = tap.exchanges.filter((e) => e.message);
  assert.deepEqual(streams.map((e) => e.message.stop_reason).filter((r) => r === 'tool_use').length, 1);
  assert.equal(mock.last.body.prompt_cache_key, run.result.session_id, 'the session is the cache key');
  const first = tap.exchanges.find((e) => e.path === '/v1/messages?beta=true');
  assert.match(first.headers['anthropic-beta'], /claude-code-/);
  assert.equal(first.headers['x-stainless-timeout'], '600');
  assert.equal(first.headers['x-claude-code-session-id'], run.result.session_id);
  const declared = mock.chats.find((r) => r.body.tools).body;
  assert.ok(declared.tools.length >= 8 && Number(declared.max_completion_tokens) === 16384, 'many tools, and 128000 tokens fitted to the model');
  assert.ok(!JSON.stringify(declared).includes('x-anthropic-billing-header'));
});

ccTest('parallel tool calls in one reply', async (b) => {
  const { tap, model } = await stage(b);
  const names = ['one', 'two', 'three'];
  const run = await session(b, tap.url, (work) => `DO write-many ${JSON.stringify(names.map((name) => ({ path: `${work}/${name}.txt`, content: `this is ${name}` })))}`);
  finished(run, tap);
  for (const name of names) assert.equal(readFileSync(`${run.work}/${name}.txt`, 'utf8'), `this is ${name}`);
  assert.deepEqual(model.log.filter((w) => w !== 'small-talk'), ['write-many*3', 'done']);
  assert.equal(model.results.length, 3);
  assert.match(run.result.result, /^All done: 3 result\(s\)/);
});

ccTest('reads a picture', async (b) => {
  const { tap, model } = await stage(b);
  const picture = png(32);
  const run = await session(b, tap.url, (work) => `DO read ${JSON.stringify({ path: `${work}/picture.png` })}`,
    { prepare: (work) => writeFileSync(`${work}/picture.png`, picture) });
  finished(run, tap);
  assert.match(run.result.result, /I see 1 image/);
  const [head, data] = model.images[0].split(',');
  assert.match(head, /^data:image\/(png|jpeg|webp);base64$/);
  const bytes = Buffer.from(data, 'base64');
  assert.ok(bytes.length > 50, 'the picture came through');
  if (head.includes('png')) assert.deepEqual(bytes.subarray(0, 8), picture.subarray(0, 8));
});

ccTest('reads a PDF, where files are taken and where only text is', async (b) => {
  const readable = (process.env.PATH ?? '').split(':').some((folder) => existsSync(path.join(folder, 'pdftotext')));
  for (const options of [{}, { provider: 'custom', model: 'llama', args: ['-dialect', 'llamacpp'] }]) {
    if (options.provider && !readable) { b.skip('pdftotext is not installed'); continue; }
    const { tap, mock } = await stage(b, new Model(), options);
    const run = await session(b, tap.url, (work) => `DO read ${JSON.stringify({ path: `${work}/plan.pdf` })}`,
      { prepare: (work) => writeFileSync(`${work}/plan.pdf`, pdf('The plan is simple')) });
    finished(run, tap);
    assert.match(run.result.result, /All done: 1 result/);
    const told = mock.requests.map((r) => JSON.stringify(r.body?.messages ?? '')).findLast((text) => text.includes('tool_call_id'));
    if (options.provider) assert.match(told, /<document[^>]*>\\nThe plan is simple\\n<\/document>/);
    else assert.match(told, /"file_data":"data:application\/pdf;base64,JVBERi0/);
  }
});

ccTest('seen 2, seen 7: a model that reasons (gpt-5), and a compatible server', async (b) => {
  for (const options of [{ model: 'gpt-5' }, { provider: 'custom', model: 'llama' }]) {
    const { tap, mock } = await stage(b, new Model(), options);
    const run = await session(b, tap.url, (work) => `DO write ${JSON.stringify({ path: `${work}/a.txt`, content: 'a' })}`);
    finished(run, tap);
    assert.equal(readFileSync(`${run.work}/a.txt`, 'utf8'), 'a');
    if (options.model === 'gpt-5') assert.ok(mock.last.body.reasoning_effort, 'the wanted effort arrives');
  }
});

ccTest('trap 29: two requests of one conversation share their prefix', async (b) => {
  const { tap, mock } = await stage(b);
  finished(await session(b, tap.url, (work) => `DO write ${JSON.stringify({ path: `${work}/a.txt`, content: 'a' })}`), tap);
  const [first, second] = mock.chats.filter((r) => r.body.tools?.length).map((r) => JSON.stringify(r.body.messages));
  const same = Array.from({ length: first.length }, (_, i) => i).findIndex((i) => first[i] !== second[i]);
  assert.ok(same === -1 || same >= first.length - 1, `they part at byte ${same} of ${first.length}: ${first.slice(same - 100, same + 60)} | ${second.slice(same, same + 60)}`);
});

ccTest('a backend without money: told at once and not asked again and again', async (b) => {
  const { tap, mock } = await stage(b, () => fail(429, 'You exceeded your current quota', { code: 'insufficient_quota' }));
  const run = await session(b, tap.url, () => 'Say hello');
  assert.notEqual(run.code, 0);
  assert.equal(run.result?.is_error, true);
  assert.ok(mock.chats.length <= 3, `${mock.chats.length} requests`);
});

ccTest('trap 14: a context that is too long is recognised as such', async (b) => {
  const { tap } = await stage(b, () => fail(400, "This model's maximum context length is 8192 tokens. However, your messages resulted in 90000 tokens.", { code: 'context_length_exceeded' }));
  const run = await session(b, tap.url, () => 'Say hello');
  assert.equal(run.result?.is_error, true);
  assert.match(run.result.result, /prompt is too long/i);
});

ccTest('trap 14: a conversation that outgrows the context is compacted and goes on', async (b) => {
  const model = new Model();
  const size = (request) => JSON.stringify(request.body.messages).length;
  const { tap, mock } = await stage(b, (request) => (size(request) > 120_000
    ? fail(400, "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.", { code: 'context_length_exceeded' })
    : model.script(request)));
  const bash = { tool: 'Bash', input: { command: 'seq 1 6000', description: 'Counts' } };
  const run = await session(b, tap.url, () => steps([bash], [bash], [bash], [bash]));
  assert.equal(run.code, 0, JSON.stringify(run.result));
  assert.equal(run.result.subtype, 'success');
  const refused = tap.exchanges.filter((e) => e.status === 400);
  assert.deepEqual(refused.map((e) => e.json.error.message), ['prompt is too long: 9000 tokens > 8192 maximum']);
  assert.ok(run.lines.some((line) => line.type === 'system' && line.subtype === 'compact_boundary'), 'the client says that it compacted');
  assert.ok(size(mock.last) < 120_000);
});

ccTest('trap 33: the thoughts of a model are shown, and go back where the server needs them', async (b) => {
  const thoughts = (body) => `I have ${body.messages.length} messages.`;
  const { tap, mock, model } = await stage(b, new Model({ thoughts }), { provider: 'custom', model: 'deepseek-chat', args: ['-dialect', 'deepseek'] });
  const run = await session(b, tap.url, (work) => steps(...['a', 'b'].map((name) => [{ tool: 'Write', input: { file_path: `${work}/${name}.txt`, content: name } }])));
  finished(run, tap);
  const shown = run.lines.filter((l) => l.type === 'assistant').flatMap((l) => l.message.content).filter((c) => c.type === 'thinking').map((c) => c.thinking);
  assert.equal(shown.length, 3);
  const turns = mock.last.body.messages.filter((m) => m.role === 'assistant');
  assert.deepEqual(turns.map((m) => m.reasoning_content), shown.slice(0, 2));
  assert.ok(mock.chats.every((r) => !JSON.stringify(r.body).includes('clasp1.')), 'our signatures stay here');
  assert.deepEqual(model.log.filter((w) => w !== 'small-talk'), ['Write', 'Write', 'done']);
});

ccTest('a stream that breaks is taken up again', async (b) => {
  let asked = 0;
  const model = new Model();
  const { tap, mock } = await stage(b, (request) => (++asked === 1
    ? sse([...completionChunks({ text: 'I will do' }).slice(0, 2), 40], { end: 'cut' }) : model.script(request)));
  const run = await session(b, tap.url, (work) => `DO write ${JSON.stringify({ path: `${work}/a.txt`, content: 'after all' })}`);
  assert.equal(run.code, 0, JSON.stringify(run.result));
  assert.equal(readFileSync(`${run.work}/a.txt`, 'utf8'), 'after all');
  assert.ok(mock.chats.length >= 3);
});

ccTest('the demo backend holds a conversation', async (b) => {
  const daemon = await b.daemon({ args: ['-provider', 'demo'] });
  const tap = await b.tap(daemon.url);
  const run = await session(b, tap.url, () => 'Hello demo');
  finished(run, tap);
  assert.ok(run.result.result.length > 0);
});
