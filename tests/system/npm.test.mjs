// The npm package clasp-ai: packed from the programs under test, installed into an empty folder, and
// run as its users run it. Most tests have a stand-in for Claude Code, one has the real one.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { freePort, isInstrumented, kBinary } from './lib/daemon.mjs';
import { say } from './lib/mock.mjs';
import { until, within } from './lib/scale.mjs';

const kRoot = path.join(import.meta.dirname, '../..');
const kArch = { x64: 'amd64', arm64: 'arm64' }[process.arch];
const kScratch = mkdtempSync(path.join(os.tmpdir(), 'clasp-npm-'));
after(() => rmSync(kScratch, { recursive: true, force: true }));

const run = (program, args, options = {}) => new Promise((resolve) => execFile(program, args, { timeout: 100_000, maxBuffer: 1 << 24, ...options },
  (error, stdout, stderr) => resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr })).stdin.end());

// The tree and the package, made once.
let made;
const make = () => (made ??= (async () => {
  const tree = path.join(kScratch, 'tree');
  for (const [program, ...args] of [
    ['packaging/bundle', path.dirname(kBinary), tree], ['packaging/npm/pack', path.join(kScratch, 'npm'), `${kArch}=${tree}`]]) {
    const { code, stdout, stderr } = await run(path.join(kRoot, program), args, { env: { ...process.env, npm_config_cache: path.join(kScratch, 'cache') } });
    assert.equal(code, 0, stdout + stderr);
  }
  const file = readdirSync(path.join(kScratch, 'npm')).find((name) => name.endsWith('.tgz'));
  return { tree, package: path.join(kScratch, 'npm/package'), file: path.join(kScratch, 'npm', file) };
})());

const npmTest = (name, options, body) => test(name, { limit: 120_000, ...options }, async (b) =>
  (isInstrumented() ? b.skip('instrumented programs are not shipped') : body(b, await make())));

// Runs clasp-ai of an unpacked package in an empty folder; `claude` is a script in the place of Claude Code.
function start(b, pack, args, { env = {}, claude, cwd = b.folder() } = {}) {
  const home = path.join(b.folder(), 'home');
  for (const folder of [home, path.join(home, 'tmp')]) mkdirSync(folder, { recursive: true });
  if (claude) {
    const places = path.join(path.dirname(pack.package), 'node_modules/@anthropic-ai');
    for (const [name, file, text] of [['claude-code', 'package.json', '{"name":"@anthropic-ai/claude-code"}'], [`claude-code-linux-${process.arch}`, 'package.json', '{}'],
      [`claude-code-linux-${process.arch}`, 'claude', claude]]) {
      mkdirSync(path.join(places, name), { recursive: true });
      writeFileSync(path.join(places, name, file), text);
      chmodSync(path.join(places, name, file), 0o755);
    }
  }
  const child = spawn(process.execPath, [path.join(pack.package, 'bin/clasp-ai.mjs'), ...args], {
    cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`, HOME: home, TMPDIR: path.join(home, 'tmp'), ...env } });
  const out = { child, home, stdout: '', stderr: '' };
  child.stdout.on('data', (d) => { out.stdout += d; });
  child.stderr.on('data', (d) => { out.stderr += d; });
  out.ended = once(child, 'close').then(([code, signal]) => Object.assign(out, { code, signal }));
  b.atEnd(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await out.ended;
  });
  return out;
}

// Processes of the package that still run, by the folder that their command line names.
const left = (folder) => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return line.includes(folder) && line.includes('libexec/clasp') ? [line.replaceAll('\0', ' ')] : [];
  } catch { return []; }
});
const nothingLeft = async (out) => {
  await until(() => left(out.home).length === 0, 5000, 'the daemon to end');
  assert.deepEqual(readdirSync(path.join(out.home, 'tmp')), []);
};

npmTest('the package: starters, programs, libraries with their licences, no links', {}, async (b, pack) => {
  const { stdout } = await run('tar', ['tvzf', pack.file]);
  const files = stdout.trim().split('\n').map((line) => ({ mode: line.slice(0, 10), name: line.split(' package/')[1] }));
  assert.ok(files.every((f) => f.mode.startsWith('-')), 'npm drops links');
  for (const name of ['bin/clasp-ai.mjs', 'bin/clasp', 'bin/claspctl', `linux-${process.arch}/bin/clasp`, `linux-${process.arch}/libexec/clasp`])
    assert.equal(files.find((f) => f.name === name)?.mode, '-rwxr-xr-x', name);
  const licences = readdirSync(path.join(pack.tree, 'licenses'));
  for (const name of ['clasp', 'libc6', 'libssl3', 'libevhtp0', 'libstdc++6', 'libgnutls30', 'VERSIONS', 'README']) assert.ok(licences.includes(name), name);
  const packages = readFileSync(path.join(pack.tree, 'licenses/VERSIONS'), 'utf8').trim().split('\n');
  assert.ok(packages.length > 30);
  for (const line of packages) assert.ok(licences.includes(line.split(' ')[0]), line);
  const { version } = JSON.parse(readFileSync(path.join(pack.package, 'package.json')));
  assert.equal(version, readFileSync(path.join(kRoot, 'VERSION'), 'utf8').trim());
});

npmTest('the programs run where nothing is installed', {}, async (b, pack) => {
  if (process.getuid() !== 0) return b.skip('only root may change the root folder');
  // An empty root: the tree is all there is.
  const port = await freePort();
  const loader = readdirSync(path.join(pack.tree, 'lib')).find((name) => name.startsWith('ld-linux'));
  const inside = (program, ...args) => [pack.tree, `/lib/${loader}`, '--library-path', '/lib', `/libexec/${program}`, ...args];
  const child = spawn('chroot', inside('clasp', '-provider', 'demo', '-listen', `127.0.0.1:${port}`, '-control-socket', '/control.sock'), { env: { PATH: '/usr/sbin:/usr/bin' }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (d) => { said += d; });
  const ended = once(child, 'close');
  b.atEnd(async () => { child.kill('SIGKILL'); await ended; rmSync(path.join(pack.tree, 'control.sock'), { force: true }); });
  await until(() => existsSync(path.join(pack.tree, 'control.sock')), 10_000, `the daemon to start: ${said}`);
  const { json } = await b.client(`http://127.0.0.1:${port}`).message(ask('Hello!'));
  assert.equal(json.type, 'message');
  const status = await run('chroot', inside('claspctl', '--socket', '/control.sock', '--json', 'status'), { env: { PATH: '/usr/sbin:/usr/bin' } });
  assert.equal(JSON.parse(status.stdout).state, 'healthy', status.stderr);
  child.kill('SIGTERM');
  assert.equal((await ended)[0], 0, said);
});

npmTest('installed into an empty folder, Claude Code itself answers through it', { limit: 240_000 }, async (b, pack) => {
  const folder = b.folder();
  const { dependencies } = JSON.parse(readFileSync(path.join(import.meta.dirname, 'package.json')));
  const tested = dependencies['@anthropic-ai/claude-code'];
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, overrides: { '@anthropic-ai/claude-code': tested } }));
  const installed = await run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--loglevel=error', pack.file], { cwd: folder, timeout: 200_000 });
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(installed.stderr)) return b.skip('no npm registry can be reached');
  assert.equal(installed.code, 0, installed.stderr);
  const mock = await b.mock((request) => say(`You said: ${JSON.stringify(request.body.messages).includes('hello') ? 'hello' : 'something'}`));
  const home = path.join(folder, 'home');
  mkdirSync(path.join(home, 'tmp'), { recursive: true });
  const env = { PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`, HOME: home, TMPDIR: path.join(home, 'tmp'), IS_SANDBOX: '1', OPENAI_API_KEY: mock.key, OPENAI_BASE_URL: mock.url,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_TELEMETRY: '1', DISABLE_AUTOUPDATER: '1', DISABLE_ERROR_REPORTING: '1', CLAUDE_CODE_MAX_RETRIES: '1' };
  const said = await run('npx', ['clasp-ai', '-model', 'gpt-4o', '--', '-p', 'hello', '--output-format', 'json'], { cwd: folder, env });
  assert.equal(said.code, 0, said.stdout + said.stderr);
  assert.equal(JSON.parse(said.stdout).result, 'You said: hello');
  assert.equal(said.stderr, '');
  assert.equal(mock.last.body.model, 'gpt-4o');
  assert.equal(mock.last.headers.authorization, `Bearer ${mock.key}`);
  assert.deepEqual(left(home), []);
  assert.deepEqual(readdirSync(path.join(home, 'tmp')).filter((name) => name.startsWith('clasp')), []);
  const version = readFileSync(path.join(kRoot, 'VERSION'), 'utf8').trim();
  for (const [program, words] of [['clasp-ai', `clasp ${version}\n`], ['clasp', `clasp ${version}\n`]])
    assert.equal((await run('npx', [program, '-version'], { cwd: folder, env })).stdout, words);
  assert.equal((await run('npx', ['claspctl', '--version'], { cwd: folder, env })).stdout, `claspctl ${version}\n`);
});

const kTell = `#!/usr/bin/env node
const { ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: token, ANTHROPIC_API_KEY: key } = process.env;
const body = JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] });
const ask = async (headers) => (await fetch(url + '/v1/messages', { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })).status;
(async () => {
  console.log(JSON.stringify({ url, key, args: process.argv.slice(2), with: await ask({ authorization: 'Bearer ' + token }), without: await ask({}) }));
  process.exit(42);
})();
`;

npmTest('Claude Code gets its arguments, an address and a key of this session; its status is ours', {}, async (b, pack) => {
  const out = await start(b, pack, ['-provider', 'demo', '--', '-p', 'two words', '-version'], { claude: kTell, env: { ANTHROPIC_API_KEY: 'sk-ant-mine' } }).ended;
  assert.equal(out.code, 42, out.stderr);
  const told = JSON.parse(out.stdout);
  assert.match(told.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.deepEqual([told.with, told.without, told.key], [200, 401, undefined]);
  assert.deepEqual(told.args, ['-p', 'two words', '-version']);
  await nothingLeft(out);
});

npmTest('signals go to Claude Code, and so does its end by one to us; the daemon ends always', {}, async (b, pack) => {
  const polite = start(b, pack, ['-provider', 'demo'], { claude: '#!/bin/sh\ntrap "exit 7" TERM\necho ready\nwhile :; do sleep 0.05; done\n' });
  await until(() => polite.stdout.includes('ready'), 10_000, 'the first session');
  assert.equal(left(polite.home).length, 1);
  polite.child.kill('SIGTERM');
  await within(10_000, polite.ended, 'its end');
  assert.deepEqual([polite.code, polite.signal], [7, null], polite.stderr);
  await nothingLeft(polite);

  const killed = await start(b, pack, ['-provider', 'demo'], { claude: '#!/bin/sh\nkill -KILL $$\n' }).ended;
  assert.deepEqual([killed.code, killed.signal], [null, 'SIGKILL']);
  await nothingLeft(killed);

  const lost = start(b, pack, ['-provider', 'demo'], { claude: '#!/bin/sh\necho ready\nsleep 2\n' });
  await until(() => lost.stdout.includes('ready'), 10_000, 'the third session');
  lost.child.kill('SIGKILL');
  await until(() => left(lost.home).length === 0, 5000, 'the daemon to see that its starter is gone');
});

npmTest('no key: the ways are named, the demo among them', {}, async (b, pack) => {
  const out = await start(b, pack, ['--', '-p', 'x'], { claude: '#!/bin/sh\nexit 0\n' }).ended;
  assert.equal(out.code, 78);
  assert.match(out.stderr, /^clasp-ai: the proxy did not start:\nclasp: no provider is configured/);
  assert.match(out.stderr, /OPENAI_API_KEY/);
  assert.match(out.stderr, /clasp-ai -provider demo/);
  const wrong = await start(b, pack, ['-p', 'x']).ended;
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /unknown option -p[^]*stand behind --/);
  await nothingLeft(wrong);
});

npmTest('a clasp.conf of the project does not decide where the key goes', {}, async (b, pack) => {
  const cwd = path.join(b.folder(), 'project');
  mkdirSync(cwd);
  writeFileSync(path.join(cwd, 'clasp.conf'), '[backend]\nprovider = custom\nbase_url = http://127.0.0.1:9/v1\napi_key = stolen\n');
  const out = await start(b, pack, [], { cwd, claude: '#!/bin/sh\nexit 0\n' }).ended;
  assert.equal(out.code, 78, 'nothing is configured for it');
  const named = await start(b, pack, ['-config', 'clasp.conf'], { cwd, claude: '#!/bin/sh\nexit 0\n' }).ended;
  assert.equal(named.code, 0, named.stderr);
});

npmTest('-proxy-only serves alone, and drains at SIGTERM', {}, async (b, pack) => {
  const port = await freePort();
  const out = start(b, pack, ['-proxy-only', '-provider', 'demo', '-port', String(port), '-control-socket', 'off']);
  const client = b.client(`http://127.0.0.1:${port}`);
  await until(() => out.stderr.includes('listening on 127.0.0.1'), 10_000, 'the proxy to serve');
  assert.equal((await client.message(ask('x'))).status, 200);
  out.child.kill('SIGTERM');
  await within(10_000, out.ended, 'its end');
  assert.deepEqual([out.code, out.signal], [0, null], out.stderr);
  const help = await start(b, pack, ['-help']).ended;
  assert.match(help.stdout, /^usage: clasp-ai [^]*usage: clasp \[options\]/);
});
