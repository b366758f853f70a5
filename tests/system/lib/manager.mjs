// A service manager for the daemon under test (manager.py does what Node cannot): socket units, the
// messages of sd_notify, the fd store, a watchdog, processes that take each other's place.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { environment, kBinary } from './daemon.mjs';
import { within } from './scale.mjs';

// A port that is free, and that no outgoing connection is given meanwhile.
export async function quietPort() {
  for (;;) {
    const server = net.createServer();
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await new Promise((resolve) => {
      server.on('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => { server.close(resolve); });
    return port;
  }
}

const script = path.join(import.meta.dirname, 'manager.py');
export const hasPython = () => spawnSync('python3', ['--version']).status === 0;

export class Manager {
  messages = []; // of sd_notify: {fields, fds, pid, heard}
  exits = []; // {pid, code, signal, main}
  #answers = new Map();
  #waiting = [];
  #next = 0;

  constructor() {
    this.directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-manager-'));
    this.errors = path.join(this.directory, 'stderr');
    writeFileSync(this.errors, '');
    this.child = spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#hear(JSON.parse(line)));
  }

  #hear(told) {
    if (told.id !== undefined) {
      const { resolve, reject } = this.#answers.get(told.id);
      this.#answers.delete(told.id);
      return told.error === undefined ? resolve(told.answer) : reject(new Error(told.error));
    }
    (told.event === 'exit' ? this.exits : this.messages).push(told);
    for (const one of [...this.#waiting]) one();
  }

  do(name, more = {}) {
    const id = ++this.#next;
    const answer = new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
    this.child.stdin.write(JSON.stringify({ id, do: name, ...more }) + '\n');
    return answer;
  }

  get stderr() { return readFileSync(this.errors, 'utf8'); }
  file(name) { return path.join(this.directory, name); }

  // args: of the daemon; env: besides the bare minimum; config: text of its file; notify: it is told
  // where to report to.
  async start({ args = [], env = {}, config = '', order = null, notify = true, program = kBinary } = {}) {
    writeFileSync(this.file('clasp.conf'), config);
    this.environment = environment(this.directory, env);
    const { pid } = await this.do('start', { argv: [program, ...args], env: this.environment, cwd: this.directory, errors: this.errors, order, notify });
    return pid;
  }

  // The first message after the one with the number `from` that `wanted` says yes to.
  async message(what, wanted, { from = 0, limit = 10_000 } = {}) {
    return this.#until(() => this.messages.slice(from).find((one) => one.heard && wanted(one.fields)), what, limit);
  }
  ready(options) { return this.message('READY=1', (fields) => fields.READY === '1', options); }
  exited(pid, limit = 15_000) { return this.#until(() => this.exits.find((one) => one.pid === pid), `process ${pid} to end`, limit); }

  #until(look, what, limit) {
    let one;
    const found = new Promise((resolve) => {
      one = () => { const value = look(); if (value) resolve(value); };
      this.#waiting.push(one);
      one();
    });
    return within(limit, found, what)
      .catch((error) => { throw new Error(`${error.message}; the last messages were ${JSON.stringify(this.messages.slice(-5).map((m) => m.fields))}, stderr:\n${this.stderr.slice(-3000)}`); })
      .finally(() => { this.#waiting = this.#waiting.filter((x) => x !== one); });
  }

  // Ends everything that still runs.
  async end() {
    const { pid } = await this.do('main').catch(() => ({ pid: 0 }));
    if (pid && !this.exits.some((one) => one.pid === pid)) {
      await this.do('signal', { name: 'SIGKILL' }).catch(() => {});
      await this.exited(pid).catch(() => {});
    }
    this.child.stdin.end();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
