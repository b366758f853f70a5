// The cross-built programs for arm64, in an emulator. Building them takes minutes, so this looks at what
// `make build-all` has left; `make check-arm64` builds and then insists (CLASP_TEST_ARM64=must).
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { freePort } from './lib/daemon.mjs';
import { say } from './lib/mock.mjs';
import { until, within } from './lib/scale.mjs';

const kTree = path.join(import.meta.dirname, '../../build/all/linux-arm64');
const kEmulators = process.arch === 'arm64' ? [] : ['/usr/bin/qemu-aarch64-static', '/usr/bin/qemu-aarch64'];

function lacking() {
  if (!existsSync(`${kTree}/libexec/clasp`)) return 'no build for arm64 is here (make build-all)';
  if (process.arch !== 'arm64' && !kEmulators.some((file) => existsSync(file))) return 'no emulator is installed (tools/setup cross)';
  return '';
}

test('the programs for arm64 serve a plain answer and a stream', { limit: 120_000 }, async (b) => {
  const reason = lacking();
  if (reason) {
    if (process.env.CLASP_TEST_ARM64 === 'must') assert.fail(reason);
    return b.skip(reason);
  }
  const emulator = kEmulators.filter((file) => existsSync(file)).slice(0, 1);
  const words = (program, ...args) => [...emulator, `${kTree}/lib/ld-linux-aarch64.so.1`, '--library-path', `${kTree}/lib`, `${kTree}/libexec/${program}`, ...args];
  const [first, ...version] = words('clasp', '-version');
  assert.match((await promisify(execFile)(first, version)).stdout, /^clasp \d/);
  const mock = await b.mock(() => say('from arm64'));
  const port = await freePort();
  const socket = path.join(b.folder(), 'control.sock');
  const [program, ...args] = words('clasp', '-listen', `127.0.0.1:${port}`, '-workers', '2', '-control-socket', socket, '-model', 'gpt-4o');
  const child = spawn(program, args, { cwd: b.folder(), env: { HOME: b.folder(), OPENAI_API_KEY: mock.key, OPENAI_BASE_URL: mock.url }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (d) => { said += d; });
  const ended = once(child, 'close');
  b.atEnd(async () => { if (child.exitCode === null) child.kill('SIGKILL'); await ended; });
  await until(() => said.includes('listening on') || child.exitCode !== null, 30_000, 'the daemon to start');
  const client = b.client(`http://127.0.0.1:${port}`);
  assert.equal((await client.message(ask('x'))).json.content[0].text, 'from arm64', said);
  assert.equal((await client.wholeStream(ask('x'))).checker.message.content[0].text, 'from arm64');
  const [ctl, ...status] = words('claspctl', '--socket', socket, '--json', 'status');
  assert.equal(JSON.parse((await promisify(execFile)(ctl, status)).stdout).state, 'healthy');
  child.kill('SIGTERM');
  assert.equal((await within(20_000, ended, 'its end'))[0], 0, said);
});
