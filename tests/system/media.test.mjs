// Pictures by URL and PDFs on backends that take neither: fetched from local servers, read with the
// real pdftotext.
import http from 'node:http';
import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { say } from './lib/mock.mjs';
import { pdf } from './lib/pdf.mjs';
import { sleep } from './lib/scale.mjs';

const kPng = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const kFetch = '[media]\nfetch_remote = true\nfetch_networks = 127.0.0.1\n';

const program = (process.env.PATH ?? '').split(':').map((p) => path.join(p, 'pdftotext')).find((p) => p.startsWith('/') && existsSync(p));
const pdfTest = (name, body) => test(name, (b) => (program ? body(b) : b.skip('pdftotext is not installed')));

async function files(b, handler) {
  const seen = [];
  const server = http.createServer((req, res) => { seen.push({ url: req.url, headers: req.headers }); handler(req, res); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  b.atEnd(() => new Promise((done) => { server.close(done); server.closeAllConnections(); }));
  return { seen, url: `http://127.0.0.1:${server.address().port}` };
}

const image = (url) => ({ type: 'image', source: { type: 'url', url } });
const document = (bytes, title) => ({ type: 'document', ...(title && { title }), source: { type: 'base64', media_type: 'application/pdf', data: bytes.toString('base64') } });
const turns = (...contents) => contents.map((content, i) => ({ role: i % 2 ? 'assistant' : 'user', content }));
const local = (b, config, dialect = 'ollama', extra = {}) =>
  b.front(() => say('ok'), { provider: 'custom', model: 'm', args: ['-dialect', dialect], config, ...extra });
const parts = (mock) => mock.last.body.messages.flatMap((m) => (typeof m.content === 'string' ? [{ type: 'text', text: m.content }] : m.content ?? []));

test('fetch_remote: a picture by URL, the same bytes in every turn', async (b) => {
  const server = await files(b, (req, res) => { res.setHeader('content-type', 'image/png'); res.end(kPng); });
  const { client, mock } = await local(b, kFetch);
  const first = [image(`${server.url}/a.png`), { type: 'text', text: 'what is it?' }];
  assert.equal((await client.message(ask('', { messages: turns(first) }))).status, 200);
  const expected = `data:image/png;base64,${kPng.toString('base64')}`;
  assert.equal(parts(mock)[0].image_url.url, expected);
  const before = mock.last.body.messages[0];
  const stream = await client.wholeStream(ask('', { messages: turns(first, 'a dot', 'sure?') }));
  assert.equal(stream.status, 200);
  assert.deepEqual(mock.last.body.messages[0], before);
  assert.equal(server.seen.length, 1, 'fetched once');
  const { headers } = server.seen[0];
  for (const name of ['authorization', 'x-api-key', 'cookie', 'referer']) assert.equal(headers[name], undefined);
});

test('fetch_remote is off unless it is asked for', async (b) => {
  const server = await files(b, (req, res) => res.end(kPng));
  const { client } = await local(b, '[media]\nfetch_networks = 127.0.0.1\n');
  const answer = await client.message(ask('', { messages: turns([image(`${server.url}/a.png`)]) }));
  assert.equal(answer.status, 400);
  assert.match(answer.json.error.message, /^messages\.0\.content\.0\.source: /);
  assert.equal(server.seen.length, 0);
});

test('fetch_remote: addresses that are not public are not asked, in words that tell nothing more', async (b) => {
  const server = await files(b, (req, res) => res.end(kPng));
  const { client, mock } = await local(b, '[media]\nfetch_remote = true\n');
  const port = new URL(server.url).port;
  for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '0', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254', '10.0.0.1', '100.64.0.1', '[fe80::1]', '[fd00::1]']) {
    const answer = await client.message(ask('', { messages: turns([image(`http://${host}:${port}/`)]) }));
    assert.equal(answer.status, 400, host);
    assert.match(answer.json.error.message, /not on the public Internet/, host);
  }
  const history = await client.message(ask('', { messages: turns([image(server.url)], 'a', 'b') }));
  assert.equal(history.status, 200);
  assert.match(history.headers['x-clasp-warning'], /image-omitted/);
  assert.match(parts(mock)[0].text, /^\[image omitted: its server is not on the public Internet\]$/);
  assert.equal(server.seen.length, 0);
});

test('fetch_remote: redirects, what is no picture, what is not there', async (b) => {
  const server = await files(b, (req, res) => {
    const hop = /^\/hop(\d)$/.exec(req.url);
    if (hop) { res.writeHead(302, { location: hop[1] === '1' ? '/a.png' : `hop${hop[1] - 1}` }).end(); return; }
    if (req.url === '/inside') { res.writeHead(302, { location: 'http://127.0.0.2:1/' }).end(); return; }
    if (req.url === '/a.png') { res.end(kPng); return; }
    if (req.url === '/page') { res.setHeader('content-type', 'image/png'); res.end('<html>'); return; }
    res.writeHead(404).end();
  });
  const { client } = await local(b, kFetch);
  const message = async (name) => {
    const answer = await client.message(ask('', { messages: turns([image(`${server.url}${name}`)]) }));
    return answer.status === 200 ? 'ok' : answer.json.error.message;
  };
  assert.equal(await message('/hop3'), 'ok');
  assert.match(await message('/hop4'), /redirected too often/);
  assert.match(await message('/inside'), /not on the public Internet/);
  assert.match(await message('/page'), /no JPEG, PNG, GIF or WebP/);
  assert.match(await message('/missing'), /status 404/);
});

test('fetch_remote: the client leaves, and so does the fetch', async (b) => {
  let closed;
  const gone = new Promise((done) => { closed = done; });
  const server = await files(b, (req, res) => { res.on('close', closed); });
  const { daemon, mock } = await local(b, kFetch);
  const { port } = new URL(daemon.url);
  const request = http.request({ host: '127.0.0.1', port, method: 'POST', path: '/v1/messages', headers: { 'content-type': 'application/json' } });
  request.on('error', () => {});
  request.end(JSON.stringify(ask('', { messages: turns([image(`${server.url}/slow.png`)]) })));
  for (let i = 0; i < 500 && server.seen.length === 0; ++i) await sleep(10);
  assert.equal(server.seen.length, 1);
  request.destroy();
  await gone;
  assert.equal(mock.requests.length, 0);
});

pdfTest('pdf_text: a PDF becomes its text on a backend that takes no files', async (b) => {
  const { client, mock } = await local(b, '', 'llamacpp');
  const answer = await client.message(ask('', { messages: turns([document(pdf('The first page', 'The second page'), 'Plan "A"'), { type: 'text', text: 'sum it up' }]) }));
  assert.equal(answer.status, 200);
  assert.match(answer.headers['x-clasp-warning'], /document-text/);
  assert.equal(parts(mock)[0].text, '<document title="Plan &quot;A&quot;">\nThe first page\n\nThe second page\n</document>');
});

pdfTest('pdf_text: a backend that takes files gets the file', async (b) => {
  const { client, mock } = await b.front(() => say('ok'));
  const bytes = pdf('The page');
  assert.equal((await client.message(ask('', { messages: turns([document(bytes)]) }))).status, 200);
  assert.equal(parts(mock)[0].file.file_data, `data:application/pdf;base64,${bytes.toString('base64')}`);
});

pdfTest('pdf_text: scans, broken PDFs, and where it is switched off', async (b) => {
  const on = await local(b, '', 'vllm');
  const scan = await on.client.message(ask('', { messages: turns([document(pdf('')), { type: 'text', text: 'x' }]) }));
  assert.equal(scan.status, 200);
  assert.match(scan.headers['x-clasp-warning'], /document-omitted/);
  assert.match(parts(on.mock)[0].text, /^\[document omitted: it holds pictures only/);
  const broken = await on.client.message(ask('', { messages: turns([document(Buffer.from('%PDF-1.4 not really'))]) }));
  assert.equal(broken.status, 400);
  assert.match(broken.json.error.message, /^messages\.0\.content\.0\.source: document .*damaged/);
  const off = await local(b, '[media]\npdf_text = off\n', 'vllm');
  const refused = await off.client.message(ask('', { messages: turns([document(pdf('text'))]) }));
  assert.equal(refused.status, 400);
});

pdfTest('pdf_text: a PDF by URL, as text here and as a file there', async (b) => {
  const bytes = pdf('From far away');
  const server = await files(b, (req, res) => res.end(bytes));
  const content = [{ type: 'document', source: { type: 'url', url: `${server.url}/a.pdf` } }];
  const text = await local(b, kFetch, 'gemini', { rules: 'none' });
  assert.equal((await text.client.message(ask('', { messages: turns(content) }))).status, 200);
  assert.match(JSON.stringify(parts(text.mock)), /<document>\\nFrom far away\\n<\/document>/);
  const data = `data:application/pdf;base64,${bytes.toString('base64')}`;
  const file = await b.front(() => say('ok'), { config: `${kFetch}[model *]\nresponses = false\n` });
  assert.equal((await file.client.message(ask('', { messages: turns(content) }))).status, 200);
  assert.equal(parts(file.mock)[0].file.file_data, data);
  // Of its own the request goes to the Responses API, which fetches by itself.
  const native = await b.front(() => say('ok'), { config: kFetch });
  assert.equal((await native.client.message(ask('', { messages: turns(content) }))).status, 200);
  assert.equal(native.mock.chats.length, 0);
  assert.deepEqual(native.mock.responses.at(-1).body.input[0].content, [{ type: 'input_file', file_url: `${server.url}/a.pdf` }]);
});

pdfTest('pdf_text: many at once, no process left behind', async (b) => {
  const { client, daemon } = await local(b, '', 'ollama');
  const answers = await Promise.all(Array.from({ length: 12 }, (_, i) =>
    client.message(ask('', { messages: turns([document(pdf(`number ${i}`)), { type: 'text', text: 'x' }]) }))));
  for (const answer of answers) assert.equal(answer.status, 200);
  const children = readdirSync(`/proc/${daemon.pid}/task`).map((task) => readFileSync(`/proc/${daemon.pid}/task/${task}/children`, 'utf8').trim()).join('');
  assert.equal(children, '');
});
