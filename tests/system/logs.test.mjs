// What the log says: lines of exchanges and refusals, bodies where they are asked for, and how it
// is turned up and down while the daemon runs.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { fail, pause, say } from './lib/mock.mjs';
import { until } from './lib/scale.mjs';

const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kTraceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const kPicture = Buffer.alloc(6000, 7).toString('base64');
const lines = (daemon, text) => daemon.stderr.split('\n').filter((line) => line.includes(text));
const appears = (daemon, text, count = 1) => until(() => lines(daemon, text).length >= count, 5000, `${count} lines with ${text}`);

async function reload(daemon, config) {
  const before = lines(daemon, 'was loaded again').length;
  writeFileSync(path.join(daemon.directory, 'clasp.conf'), config);
  daemon.signal('SIGHUP');
  await until(() => lines(daemon, 'was loaded again').length > before, 5000, 'the log line of the reload');
}

test('the line of an exchange says what there is to say, and only that', async (b) => {
  const { client, daemon } = await b.front([say('one'), say('two')]);
  await client.message(ask('x'));
  await client.message(ask('x'), { headers: { traceparent: `00-${kTraceId}-00f067aa0ba902b7-01` } });
  await appears(daemon, 'outcome=completed', 2);
  const [plain, traced] = lines(daemon, 'outcome=completed');
  assert.match(plain, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} info req_\w{24} client=127\.0\.0\.1:\d+ model=\S+ used=gpt-4o backend=openai status=200 outcome=completed stop=end_turn in=\d+ out=\d+ cost=[\d.]+ first=[\d.]+ms total=[\d.]+ms$/);
  assert.ok(traced.endsWith(` trace=${kTraceId}`));
});

test('a name of a model from a client cannot forge a line, nor fill the log', async (b) => {
  const { client, daemon } = await b.front(() => say('x'), { model: '', rules: 'none' });
  await client.message(ask('x', { model: `a\nreq_forged status=200\u001b[2J\u2028b` }));
  await client.message(ask('x', { model: 'm'.repeat(100_000) }));
  await appears(daemon, 'outcome=completed', 2);
  const [odd, long] = lines(daemon, 'outcome=completed');
  assert.match(odd, / model="a req_forged status=200 \[2J b" /);
  assert.ok(long.length < 4000, `${long.length} bytes`);
  assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f\u2028]/.test(daemon.stderr));
});

test('-debug logs the four bodies of a plain exchange, one line each', async (b) => {
  const { client, daemon, mock } = await b.front([say('the answer')], { args: ['-debug'] });
  const { json } = await client.message(ask('line one\nline two'));
  await appears(daemon, 'outcome=completed');
  const body = (what) => {
    const found = lines(daemon, ` ${what}: `);
    assert.equal(found.length, 1, `${found.length} lines with ${what}`);
    return JSON.parse(found[0].split(` ${what}: `)[1]);
  };
  assert.equal(body('client request').messages[0].content, 'line one\nline two');
  assert.deepEqual(body('backend request'), mock.last.body);
  assert.equal(body('backend answer').choices[0].message.content, 'the answer');
  assert.deepEqual(body('client answer'), json);
});

test('bodies of a stream are one line each, events and all', async (b) => {
  const { client, daemon } = await b.front([say('a stream of words')], { env: { CLASP_DEBUG_RESPONSES: 'true' } });
  const stream = await client.wholeStream(ask('x'));
  await appears(daemon, 'outcome=completed');
  const [raw, ...others] = lines(daemon, ' backend answer: ');
  assert.equal(others.length, 0);
  assert.match(raw, /backend answer: data: \{.*\\n\\ndata: \[DONE\]\\n\\n$/);
  const answers = lines(daemon, ' client answer: ');
  assert.equal(answers.length, 1);
  assert.equal(answers[0].split(' client answer: ')[1].replaceAll('\\n', '\n').replaceAll('\\\n', '\\n'), stream.bytes.toString());
  assert.equal(lines(daemon, ' client request: ').length + lines(daemon, ' backend request: ').length, 0);
});

test('bodies of failures are logged too, each attempt with its own', async (b) => {
  const { client, daemon } = await b.front([fail(503, 'first words'), fail(400, 'last words')], { env: { CLASP_DEBUG: '1' } });
  assert.equal((await client.message(ask('x'))).status, 400);
  await appears(daemon, 'outcome=failed');
  assert.equal(lines(daemon, ' backend request: ').length, 2);
  const [first, last] = lines(daemon, ' backend answer: ');
  assert.match(first, /first words/);
  assert.match(last, /last words/);
  assert.match(lines(daemon, ' client answer: ')[0], /"type":"invalid_request_error","message":"[^"]*last words/);
});

test('bodies in the log hold no keys and no pictures, and are cut at debug_bytes', async (b) => {
  const { client, daemon } = await b.front(() => say('ok'), { args: ['-debug'], env: { CLASP_DEBUG_BYTES: '2K' } });
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: kPicture } };
  const text = 'my key is sk-ant-0123456789abcdefghij, at https://joe:hunter2hunter@host/?token=0123456789';
  await client.message(ask([{ type: 'text', text }, image, { type: 'text', text: `${'ä'.repeat(3000)} the end` }]));
  await appears(daemon, 'outcome=');
  const [request] = lines(daemon, ' client request: ');
  assert.match(request, /my key is sk-\*\*\*/);
  assert.match(request, /bytes of data\)/);
  assert.match(request, /ä\.\.\.\(\d+ bytes\)$/);
  assert.ok(Buffer.byteLength(request) < 2048 + 200);
  for (const secret of ['0123456789', 'hunter2', kPicture.slice(0, 200)]) assert.ok(!daemon.stderr.includes(secret), secret);
});

test('level, switches and size change with a reload, for exchanges that begin from then on', async (b) => {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const mock = await b.mock((request, index) => (index === 0 ? async (exchange) => { await held; await say('held')(exchange); } : say('quick')), { rules: 'compatible' });
  const base = `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n[log]\n`;
  const daemon = await b.daemon({ config: `${base}level = warn\n` });
  const client = b.client(daemon.url);
  const first = client.message(ask('begun before'));
  await until(() => mock.chats.length === 1, 5000, 'the first request');
  assert.equal(lines(daemon, ' info ').length, 0);
  await reload(daemon, `${base}level = info\ndebug_requests = true\ndebug_bytes = 300\n`);
  await client.message(ask(`begun after ${'x '.repeat(1000)}`));
  await appears(daemon, 'outcome=completed');
  assert.equal(lines(daemon, ' client request: ').length, 1);
  assert.match(lines(daemon, ' client request: ')[0], /begun after [x ]*\.\.\.\(\d+ bytes\)$/);
  assert.ok(lines(daemon, ' client request: ')[0].length < 500);
  release();
  await first;
  await appears(daemon, 'outcome=completed', 2);
  assert.ok(!daemon.stderr.includes('begun before'), 'an exchange that began before is logged');
  await reload(daemon, `${base}level = info\n`);
  await client.message(ask('begun later'));
  await appears(daemon, 'outcome=completed', 3);
  assert.ok(!daemon.stderr.includes('begun later'));
  assert.ok(!daemon.stderr.includes('need a restart'));
});

test('refusals at the door are told, a flood of them only in part', { limit: 60_000 }, async (b) => {
  const { client, daemon } = await b.front([]);
  for (let i = 0; i < 60; ++i) await client.get('/nowhere/sk-0123456789abcdef?key=canary');
  await client.ask('POST', '/v1/messages', { body: '{}', headers: { 'content-type': 'text/plain' } });
  await daemon.stop();
  const told = lines(daemon, 'status=404 outcome=refused');
  assert.ok(told.length >= 10 && told.length <= 20, `${told.length} lines`);
  assert.match(told[0], /req_\w{24} client=127\.0\.0\.1:\d+ method=GET path=\/nowhere\/sk-\*\*\* status=404 outcome=refused error="/);
  const suppressed = lines(daemon, 'suppressed').map((line) => Number(/status=404: (\d+) similar lines? suppressed/.exec(line)?.[1]));
  assert.equal(told.length + suppressed.reduce((sum, n) => sum + n, 0), 60);
  assert.ok(!daemon.stderr.includes('canary') && !daemon.stderr.includes('0123456789'));
});

test('heads that are no HTTP are told with the address', async (b) => {
  const { daemon } = await b.front([]);
  const { connect } = await import('node:net');
  await new Promise((resolve) => {
    const socket = connect(daemon.port, '127.0.0.1', () => socket.end('GET / HTTP/1.1\r\nHost : x\r\n\r\n'));
    socket.on('data', () => {});
    socket.on('close', resolve);
  });
  await appears(daemon, 'outcome=refused');
  assert.match(lines(daemon, 'outcome=refused')[0], / client=127\.0\.0\.1:\d+ status=400 outcome=refused error=/);
});

test('the journal fields of the documents are those of the program', () => {
  const source = readFileSync(path.join(kRoot, 'src/core/exchange/record_fields.cc'), 'utf8');
  const more = ['CLASP_BODY', 'CLASP_SUPPRESSED'];
  const fields = [...new Set([...source.matchAll(/"(CLASP_[A-Z_]+)"/g)].map(([, name]) => name).concat(more))].sort();
  assert.ok(fields.length > 25);
  for (const document of ['docs/operating.md', 'man/clasp.8']) {
    const text = readFileSync(path.join(kRoot, document), 'utf8');
    const part = document.endsWith('.md') ? text.slice(text.indexOf('## Logs and tracing')) : text.slice(text.indexOf('.Sh LOG'));
    const named = new Set([...part.matchAll(/\bCLASP_[A-Z_]+\b/g)].map(([name]) => name));
    assert.deepEqual(fields.filter((name) => !named.has(name)), [], `${document} does not name them`);
  }
});
