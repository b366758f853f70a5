// Starts the real `clasp`, waits until it serves, and at the end insists on a clean exit. Signals
// go to the process it started and to nobody else.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sleep, slow, within } from './scale.mjs';

export const kRoot = fileURLToPath(new URL('../../..', import.meta.url));
export const kBinary = path.resolve(process.env.CLASP_BIN ?? path.join(kRoot, 'build/default/clasp'));
const kSanitizer = /ERROR: (Address|Leak|Memory)Sanitizer|runtime error:|WARNING: ThreadSanitizer|AddressSanitizer:DEADLYSIGNAL/;

// Whether the program needs the run-time library of a sanitizer, which nobody ships.
export const isInstrumented = () => /\[lib[a-z]+san\.so/.test(execFileSync('readelf', ['-d', kBinary], { encoding: 'utf8' }));

// A port that was free a moment ago.
export async function freePort() {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// Nothing of the caller's environment reaches the program but what it needs to run at all.
export function environment(directory, env) {
  const out = { PATH: process.env.PATH, HOME: directory, XDG_CONFIG_HOME: directory,
                CLASP_CONFIG_FILE: path.join(directory, 'clasp.conf'),
                CLASP_CONTROL_SOCKET: 'off',
                CLASP_VOCABULARY: 'off' }; // else it would matter whether this machine has one
  for (const [name, value] of Object.entries(process.env)) if (/^(ASAN|UBSAN|LSAN|TSAN)_OPTIONS$/.test(name)) out[name] = value;
  for (const [name, value] of Object.entries(env)) if (value === null) delete out[name]; else out[name] = value;
  return out;
}

// Runs the program to its end: for -help, -check and everything that refuses to start.
export async function runOnce(args, { env = {}, config = '', limit = 10_000 } = {}) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-once-'));
  writeFileSync(path.join(directory, 'clasp.conf'), config);
  const child = spawn(kBinary, args, { cwd: directory, env: environment(directory, env), stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '', stderr = '';
  child.stdout.on('data', (d) => { stdout += d; });
  child.stderr.on('data', (d) => { stderr += d; });
  try {
    const [code, signal] = await within(limit, once(child, 'close'), `clasp ${args.join(' ')} to exit`);
    return { code, signal, stdout, stderr };
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

export class Daemon {
  stderr = '';
  stdout = '';
  exit = null; // {code, signal}
  #stopping = false;

  // args: besides the listen address; env: besides the bare minimum; config: text of its file; wrap: a
  // command that is given the program's.
  static async start({ args = [], env = {}, config = '', listen = true, wrap = [] } = {}) {
    if (!existsSync(kBinary)) throw new Error(`no daemon at ${kBinary}; build it or set CLASP_BIN`);
    for (let attempt = 1; ; ++attempt) {
      const daemon = new Daemon();
      try {
        await daemon.#launch(args, env, config, listen, wrap);
        return daemon;
      } catch (error) {
        daemon.kill();
        daemon.tidy();
        if (attempt < 3 && /in use/i.test(daemon.stderr)) continue;
        throw error;
      }
    }
  }

  async #launch(args, env, config, listen, wrap) {
    this.directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-daemon-'));
    writeFileSync(path.join(this.directory, 'clasp.conf'), config);
    this.port = await freePort();
    const where = listen ? ['-listen', `127.0.0.1:${this.port}`] : ['-port', String(this.port)];
    const [program, ...before] = [...wrap, kBinary];
    this.child = spawn(program, [...before, ...where, ...args], {
      cwd: this.directory, env: environment(this.directory, env), stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.on('data', (d) => { this.stdout += d; });
    this.child.stderr.on('data', (d) => { this.stderr += d; });
    this.ended = once(this.child, 'close').then(([code, signal]) => { this.exit = { code, signal }; return this.exit; });
    const end = performance.now() + 10_000 * slow;
    while (!(await this.#ready())) {
      if (this.exit) throw new Error(`clasp ended with ${JSON.stringify(this.exit)} instead of serving:\n${this.stderr}`);
      if (performance.now() > end) throw new Error(`clasp did not serve /health in time:\n${this.stderr}`);
      await sleep(15);
    }
  }

  async #ready() {
    try {
      const answer = await fetch(`${this.url}/health`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(2000) });
      await answer.arrayBuffer();
      return answer.status === 200 || answer.status === 401; // health, too, may need a key
    } catch {
      return false;
    }
  }

  get url() { return `http://127.0.0.1:${this.port}`; }
  get pid() { return this.child.pid; }
  signal(name) { return this.child.kill(name); }
  kill() { if (this.child && !this.exit) this.child.kill('SIGKILL'); }
  tidy() { if (this.directory) rmSync(this.directory, { recursive: true, force: true }); }

  // For a test that killed it: its end is not judged.
  forget() { this.#stopping = true; this.tidy(); }

  // Resident memory in kB.
  rss() { return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))[1]); }
  cpuTicks() {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  }

  // SIGTERM and wait; the problems of its whole life, in words.
  async stop({ limit = 15_000 } = {}) {
    if (this.#stopping) return [];
    this.#stopping = true;
    const problems = [];
    if (!this.exit) this.signal('SIGTERM');
    try {
      await within(limit, this.ended, 'clasp to end after SIGTERM');
    } catch (error) {
      problems.push(error.message);
      this.kill();
      await this.ended;
    }
    const { code, signal } = this.exit;
    if (problems.length === 0 && code !== 0) problems.push(`clasp ended with code ${code}, signal ${signal}`);
    if (kSanitizer.test(this.stderr)) problems.push('a sanitizer reported an error');
    if (problems.length) problems.push(`stderr of clasp:\n${this.stderr.slice(-8000)}`);
    this.tidy();
    return problems;
  }
}
