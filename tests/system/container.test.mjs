// The container image, built and run as far as that goes without a daemon and a registry. Compiling in
// the image is left out: the programs are those under test.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync, writeFileSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { freePort, isInstrumented, kBinary } from './lib/daemon.mjs';
import { pause, say } from './lib/mock.mjs';
import { until, within } from './lib/scale.mjs';

test('the image: health, user, read-only, .env, and a stop that drains', { limit: 120_000 }, async (b) => {
  if (isInstrumented()) return b.skip('instrumented programs need libraries that no image has');
  const work = mkdtempSync('/var/tmp/clasp-container-'); // an overlay on an overlay would not do
  b.atEnd(() => rmSync(work, { recursive: true, force: true }));
  const mock = await b.mock((request) => (JSON.stringify(request.body.messages).includes('slow') ? pause(1500, say('late')) : say('hello')));
  const port = await freePort();
  const settings = path.join(work, 'env');
  writeFileSync(settings, `PROVIDER=openai\nOPENAI_API_KEY=${mock.key}\nOPENAI_BASE_URL=${mock.url}\nCLASP_DEFAULT_MODEL=gpt-4o\n`);
  const child = spawn(path.join(import.meta.dirname, 'lib/container.sh'), [path.dirname(kBinary), work, String(port), settings]);
  const ended = once(child, 'close');
  b.atEnd(async () => { child.stdin.end(); if (child.exitCode === null) child.kill(); await ended; });
  const seen = {};
  let said = '';
  child.stderr.on('data', (d) => { said += d; });
  readline.createInterface(child.stdout).on('line', (line) => { seen[line.slice(0, line.indexOf(' '))] = line.slice(line.indexOf(' ') + 1).trim(); });
  await Promise.race([ended, until(() => seen.serving, 100_000, 'the second container')]);
  if (child.exitCode === 77) return b.skip(`not possible here: ${said.trim()}`);
  assert.equal(child.exitCode, null, said);

  assert.equal(seen.health, 'ok');
  assert.ok(!('health of a stopped one' in seen));
  assert.deepEqual([seen.Uid, seen.Gid, seen.CapEff, seen.NoNewPrivs, seen.root], ['65532', '65532', '0000000000000000', '1', 'ro']);
  const status = JSON.parse(seen.status);
  assert.deepEqual(status.listeners, ['0.0.0.0:8080']);
  assert.equal(status.pid, 1);
  assert.equal(status.backends[0].name, 'demo');
  assert.match(seen.pdf, /^pdftotext version/);
  assert.equal(seen.exit, '0');
  assert.match(seen.costs, /costs\.json/);

  const client = b.client(`http://127.0.0.1:${port}`);
  await until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => ({}))).status === 200, 10_000, 'the second container to serve');
  const { json } = await client.message(ask('x'));
  assert.equal(json.content[0].text, 'hello');
  assert.equal(mock.last.body.model, 'gpt-4o');
  assert.equal(mock.last.headers.authorization, `Bearer ${mock.key}`);
  const late = client.message(ask('slow'));
  await until(() => mock.chats.length === 2, 5000, 'the slow request');
  child.stdin.write('\n');
  assert.equal((await late).json.content[0].text, 'late', 'a stop lets running answers finish');
  const [code] = await within(30_000, ended, 'the script to end');
  assert.equal(code, 0, said);
  assert.equal(seen.drained, '0');
});

test('make docker-run: a port and what clasp knows, with and without .env', {}, async (b) => {
  // An engine that says what it was told.
  const work = b.folder();
  const root = path.join(import.meta.dirname, '../..');
  for (const name of ['VERSION', 'etc/clasp.conf', 'man/clasp.conf.5', 'packaging/container/engine']) cpSync(path.join(root, name), path.join(work, name));
  const docker = path.join(work, 'docker');
  writeFileSync(docker, '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
  const run = (env = {}) => {
    const { status, stdout, stderr } = spawnSync(path.join(work, 'packaging/container/engine'), ['run', '-provider', 'demo'], { env: { PATH: process.env.PATH, DOCKER: docker, ...env } });
    assert.equal(status, 0, String(stderr));
    return String(stdout).trim().split('\n');
  };
  const after = (words, flag) => words.flatMap((word, i) => (words[i - 1] === flag ? [word] : []));
  const plain = run();
  assert.deepEqual(after(plain, '-p'), ['127.0.0.1:8080:8080']);
  assert.deepEqual(after(plain, '-e'), ['CLASP_PORT=8080', 'CLASP_LISTEN=0.0.0.0']);
  assert.deepEqual(plain.slice(-3), ['clasp:latest', '-provider', 'demo']);
  const set = run({ OPENAI_API_KEY: 'sk-x', CLASP_PORT: '9000', SOME_OTHER: 'x', DOCKER_PUBLISH: '0.0.0.0' });
  assert.deepEqual(after(set, '-p'), ['0.0.0.0:9000:8080']);
  assert.deepEqual(after(set, '-e').sort(), ['CLASP_LISTEN=0.0.0.0', 'CLASP_PORT', 'CLASP_PORT=8080', 'OPENAI_API_KEY']);
  assert.ok(!set.includes('sk-x'), 'a key would stand in the list of processes');
  writeFileSync(path.join(work, '.env'), 'PROVIDER=demo\n');
  assert.deepEqual(after(run(), '--env-file'), ['.env']);
  assert.deepEqual(after(run(), '-p'), ['127.0.0.1:8080:8080']);
  writeFileSync(path.join(work, '.env'), 'PROVIDER=demo\nCLASP_PORT=8085\n');
  assert.deepEqual(after(run(), '-p'), ['127.0.0.1:8085:8080']);
});
