// The real Claude Code, headless, in a home and a folder of its own, working through the daemon
// with a stand-in for a model behind it.
import { readFileSync, writeFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import { test, assert } from './lib/harness.mjs';
import { claude, session } from './lib/claude.mjs';
import { Model } from './lib/model.mjs';
import { fail, say, sse } from './lib/mock.mjs';
import { completionChunks } from './lib/chunks.mjs';

async function stage(b, model = new Model(), options = {}) {
  const made = await b.front(model.script ?? model, options);
  const tap = await b.tap(made.daemon.url);
  return { ...made, tap, model };
}

function finished(run, tap) {
  assert.equal(run.code, 0, `${run.stderr}\n${JSON.stringify(run.result)}\n${tap.exchanges.map((e) => `${e.method} ${e.path} ${e.status} ${e.json?.error?.message ?? ''}`).join('\n')}`);
  assert.equal(run.result.is_error, false);
  assert.equal(run.result.subtype, 'success');
  for (const e of tap.exchanges) if (/^\/v1\/messages(\?|$)/.test(e.path)) assert.equal(e.status, 200, `${e.path}: ${JSON.stringify(e.json)}`);
}

// A PNG of two colours, made here.
function png(size) {
  const part = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(8 + data.length + 4);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), 8 + data.length);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.concat(Array.from({ length: size }, (_, y) => Buffer.concat([Buffer.from([0]),
    ...Array.from({ length: size }, (_, x) => Buffer.from((x ^ y) & 8 ? [220, 40, 40] : [40, 40, 220]))])));
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), part('IHDR', head), part('IDAT', deflateSync(rows)), part('IEND', Buffer.alloc(0))]);
}

const ccTest = (name, body) => test(name, { limit: 60_000 }, (b) =>
  (claude ? body(b) : b.skip(`no Claude Code for ${process.platform}-${process.arch} was installed`)));

ccTest('writes a file', async (b) => {
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

ccTest('a model that reasons (gpt-5), and a compatible server', async (b) => {
  for (const options of [{ model: 'gpt-5' }, { provider: 'custom', model: 'llama' }]) {
    const { tap, mock } = await stage(b, new Model(), options);
    const run = await session(b, tap.url, (work) => `DO write ${JSON.stringify({ path: `${work}/a.txt`, content: 'a' })}`);
    finished(run, tap);
    assert.equal(readFileSync(`${run.work}/a.txt`, 'utf8'), 'a');
    if (options.model === 'gpt-5') assert.ok(mock.last.body.reasoning_effort, 'the wanted effort arrives');
  }
});

ccTest('two requests of one conversation share their prefix', async (b) => {
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


ccTest('a context that is too long is recognised as such', async (b) => {
  const { tap } = await stage(b, () => fail(400, "This model's maximum context length is 8192 tokens. However, your messages resulted in 90000 tokens.", { code: 'context_length_exceeded' }));
  const run = await session(b, tap.url, () => 'Say hello');
  assert.equal(run.result?.is_error, true);
  assert.match(run.result.result, /prompt is too long/i);
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
