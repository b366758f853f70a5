// One system test: a mock backend, a daemon, clients and taps that are stopped and judged at its
// end. A test that leaves a violation of the backend's rules, a broken stream or an unclean daemon
// behind has failed, whatever it asserted.
import { test as nodeTest } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from './client.mjs';
import { Daemon } from './daemon.mjs';
import { Mock } from './mock.mjs';
import { Tap } from './tap.mjs';
import { atMost } from './scale.mjs';

class Bench {
  #ends = [];
  #problems = [];
  #folder;
  constructor(t) { this.t = t; }
  skip(reason) { this.t.skip(reason); }
  problem(text) { this.#problems.push(text); }
  // Called at the end, last one first; may return problems.
  atEnd(what) { this.#ends.push(what); }

  // A folder of the test's own, always the same one.
  folder() {
    if (!this.#folder) {
      this.#folder = mkdtempSync(path.join(os.tmpdir(), 'clasp-test-'));
      this.atEnd(() => rmSync(this.#folder, { recursive: true, force: true }));
    }
    return this.#folder;
  }

  async mock(script, options = {}) {
    const mock = await Mock.start(script, options);
    this.atEnd(async () => {
      await mock.stop();
      if (mock.unused > 0 && !options.mayLeave) return [...mock.violations, `${mock.unused} scripted answers were not asked for`];
      return mock.violations;
    });
    return mock;
  }

  async daemon(options = {}) {
    const daemon = await Daemon.start(options);
    this.atEnd(() => daemon.stop());
    return daemon;
  }

  // A daemon in front of a mock: `provider custom` (generic dialect) or openai.
  async front(script, { provider = 'openai', model = 'gpt-4o', args = [], env = {}, config, mock: mockOptions = {}, rules } = {}) {
    const mock = await this.mock(script, { rules: rules ?? (provider === 'openai' ? 'openai' : 'compatible'), ...mockOptions });
    const own = provider === 'openai'
      ? { OPENAI_API_KEY: mock.key, OPENAI_BASE_URL: mock.url }
      : { CUSTOM_API_KEY: mock.key, CUSTOM_BASE_URL: mock.url };
    const daemon = await this.daemon({ args: ['-provider', provider, '-model', model, ...args], env: { ...own, ...env }, config });
    return { mock, daemon, client: this.client(daemon.url) };
  }

  client(url, options) {
    const client = new Client(url, options);
    this.atEnd(async () => {
      client.close();
      // A test that fails half way leaves streams open; closing them here is not the daemon's fault.
      for (const stream of client.streams) if (!stream.response.closed) stream.abort();
      return client.problems;
    });
    return client;
  }

  async tap(url) {
    const tap = await Tap.start(url);
    this.atEnd(async () => { await tap.stop(); return tap.problems; });
    return tap;
  }

  async settle() {
    const problems = [...this.#problems];
    for (const end of this.#ends.splice(0).reverse()) {
      try { problems.push(...((await end()) ?? [])); } catch (error) { problems.push(error.stack); }
    }
    return problems;
  }
}

// node:test knows where test() was called, which is always here; the name says what file it is.
const place = path.basename(process.argv[1] ?? '').replace('.test.mjs', '');

export function test(name, ...rest) {
  const body = rest.pop();
  const { limit = 60_000 } = rest[0] ?? {};
  nodeTest(`${place}: ${name}`, { timeout: Math.max(atMost(limit), limit) + 20_000 }, async (t) => {
    const bench = new Bench(t);
    let failure, timer;
    try {
      await Promise.race([body(bench), new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`the test took longer than ${atMost(limit)} ms`)), atMost(limit));
      })]);
    } catch (error) {
      failure = error;
    }
    clearTimeout(timer);
    const problems = await bench.settle();
    if (problems.length) {
      const text = problems.join('\n');
      if (!failure) assert.fail(text);
      failure.message += `\n${text}`;
    }
    if (failure) throw failure;
  });
}

export { assert };
