// Makes the screens in README.md and docs/top.svg: a daemon in front of three scripted backends, one
// of which fails, clients that ask them for a while, and claspctl in a terminal of 80 columns.
// Nothing in them is written by hand.   tests/system/run --screens
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { usageOf } from './lib/chunks.mjs';
import { Client, ask } from './lib/client.mjs';
import { Daemon, kBinary } from './lib/daemon.mjs';
import { Mock, fail, pause, say, sse } from './lib/mock.mjs';
import { completionChunks } from './lib/chunks.mjs';
import { sleep } from './lib/scale.mjs';
import { drawSvg } from './lib/svg.mjs';
import { Terminal } from './lib/terminal.mjs';

const kRoot = path.join(import.meta.dirname, '../..');
const kCtl = `${kBinary}ctl`;
const kSeconds = 14;
const kWords = 'The proxy translates each event of the stream as it comes. '.repeat(8);

// The same numbers in every run.
let seed = 20261128;
const random = () => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed / 2147483648; };

const answer = (least, most) => (exchange) => {
  const wait = least + random() * (most - least);
  const usage = usageOf(400 + Math.floor(random() * 8000), 40 + Math.floor(random() * 400));
  if (!exchange.request.body.stream) return pause(wait, say('done', { usage }))(exchange);
  const gap = 20 + random() * 60;
  return pause(wait, sse(completionChunks({ text: kWords, usage, size: 12 }), { gap }))(exchange);
};

const backend = (name, mock, more = '') => `[backend ${name}]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${more}`;
const kClients = { ann: 'claude-sonnet-4-5', bob: 'claude-opus-4-1', ci: 'claude-haiku-4-5' };
const keyOf = (name) => `key-of-${name}`;

function config(mocks) {
  const clients = Object.keys(kClients).map((name) => `[client ${name}]\nkey_hash = sha256:${createHash('sha256').update(keyOf(name)).digest('hex')}\n`).join('');
  return `${backend('east', mocks.east, 'max_concurrency = 20\n')}${backend('west', mocks.west)}${backend('spare', mocks.spare)}
[route claude-opus-*]\ncandidates = spare/gpt-5.1, west/gpt-5.1\n[route claude-haiku-*]\ncandidates = west/gpt-5.1-mini\n[models]\ndefault = gpt-5.1
[circuit_breaker]\nenabled = yes\ntimeout = 20s\n[queue]\nenabled = yes\n${clients}`;
}

async function traffic(url, until) {
  const all = [];
  for (const [name, model] of Object.entries(kClients)) {
    for (let i = 0; i < 3; ++i)
      all.push((async () => {
        const client = new Client(url, { headers: { 'x-api-key': keyOf(name) } });
        while (performance.now() < until) {
          const request = ask('Why is the sky blue?', { model });
          if (random() < 0.6) await (await client.stream(request)).done().catch(() => {});
          else await client.post('/v1/messages', request);
          await sleep(random() * 700);
        }
        client.close();
      })());
  }
  await Promise.all(all);
}

async function screen(args, env, { rows = 40, wait = 0, keys } = {}) {
  const ends = [];
  const terminal = await Terminal.start({ atEnd: (end) => ends.push(end) }, [kCtl, ...args], { columns: 80, rows, env });
  if (wait) {
    await sleep(wait);
    const { grid } = terminal;
    const shown = { text: grid.text, cells: grid.cells.map((row) => row.map((cell) => ({ ...cell }))), columns: grid.columns, rows };
    terminal.keys(keys);
    await terminal.ended;
    for (const end of ends) await end();
    return shown;
  }
  await terminal.ended;
  for (const end of ends) await end();
  return terminal.grid;
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'clasp-screens-'));
const mocks = {
  east: await Mock.start(() => answer(80, 500), { rules: 'none' }),
  west: await Mock.start(() => answer(200, 1500), { rules: 'none' }),
  spare: await Mock.start(() => fail(503, 'the model is overloaded'), { rules: 'none' }),
};
const daemon = await Daemon.start({ config: config(mocks), args: ['-config', 'clasp.conf', '-workers', '2'], env: { CLASP_CONTROL_SOCKET: null, XDG_RUNTIME_DIR: null, RUNTIME_DIRECTORY: folder } });
const env = { CLASP_CONTROL_SOCKET: path.join(folder, 'control.sock'), TZ: 'UTC' };
const busy = traffic(daemon.url, performance.now() + 1000 * kSeconds);
const tail = screen(['tail'], env, { rows: 8, wait: 1000 * (kSeconds - 2), keys: '\x03' });
await sleep(1000);
const top = await screen(['top', '--interval', '1'], env, { rows: 22, wait: 1000 * (kSeconds - 4), keys: 'q' });
const status = await screen(['status'], env);
const doctor = await screen(['doctor'], env);
const lines = (await tail).text;
await busy;
await daemon.stop();
for (const mock of Object.values(mocks)) await mock.stop();
rmSync(folder, { recursive: true });

const block = (command, text) => `\`\`\`\n$ claspctl ${command}\n${text.replace(/[ \t]+$/gm, '')}\n\`\`\`\n`;
const file = path.join(kRoot, 'README.md');
const parts = { status: block('status', status.text), top: block('top', top.text), tail: block('tail', lines), doctor: block('doctor', doctor.text) };
let readme = readFileSync(file, 'utf8');
for (const [name, text] of Object.entries(parts)) {
  const begin = `<!-- screen ${name} -->\n`, end = `<!-- end ${name} -->\n`;
  const from = readme.indexOf(begin), to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md lacks the marks of ${name}`);
  readme = readme.slice(0, from + begin.length) + text + readme.slice(to);
}
writeFileSync(file, readme);
writeFileSync(path.join(kRoot, 'docs/top.svg'), drawSvg(top, 'claspctl top'));
console.log('screens: README.md and docs/top.svg are made');
