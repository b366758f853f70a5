// Many clients, a daemon with everything on that keeps it up, and backends with moods
// (chaos_backend.mjs). Checked: every request ends in time, in its own whole answer or in a proper
// error; afterwards nothing runs or waits, memory and descriptors are back, the end is clean.
import http from 'node:http';
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { checkAnswer } from './client.mjs';
import { Daemon } from './daemon.mjs';
import { StreamChecker } from './grammar.mjs';
import { ChaosBackend, inputOf, makeRandom, promptOf, textOf } from './chaos_backend.mjs';
import { atMost, atMostMemory, sleep, until } from './scale.mjs';

const kTotal = 20_000; // timeouts.total, in ms: no request may last longer (and a moment)
const kSlow = 90_000;   // what a client that reads slowly may need, whatever the daemon does
const kPlace = 12;     // max_concurrency of one backend
const kAttempts = 6;   // retry.attempts: more than there are candidates
const kMostAttempts = kAttempts + 3 * 4; // and each of the candidates again after each return into the queue
const kErrors = { 429: 'rate_limit_error', 500: 'api_error', 502: 'api_error', 503: 'overloaded_error', 504: 'timeout_error', 529: 'overloaded_error' };
const kStreamErrors = new Set(Object.values(kErrors));

const configOf = (backends) => `
[server]
workers = 2
[timeouts]
first_byte = 1
backend_idle = 2
connect = 1
total = ${kTotal / 1000}
answer_grace = 500ms
ping = 1
[retry]
attempts = ${kAttempts}
pause = 50ms
max_retry_after = 2
[queue]
enabled = true
max_size = 80
max_wait = 6
retry_delay = 200ms
[circuit_breaker]
enabled = true
threshold = 5
recovery = 2
timeout = 1
[health_check]
enabled = true
interval = 1
timeout = 1
[fallback]
enabled = true
[models]
default = m
${backends.map((one) => `[backend ${one.name}]
provider = custom
base_url = http://127.0.0.1:${one.port}${one.anthropic ? '' : '/v1'}
api_key = ${one.key}
${one.anthropic ? 'dialect = anthropic\n' : ''}${one.limit ? `max_concurrency = ${one.limit}\n` : ''}`).join('')}
[route *]
candidates = alpha/m *2 | beta/m, gamma/m, delta/m
`;

class Run {
  violations = [];
  ends = {};        // how requests ended -> count
  latencies = [];   // of whole good answers, ms
  records = { lines: 0, retried: 0, fallback: 0, queued: 0, longest: 0 };
  requests = 0;
  left = 0;
  #last = 0;
  #tail = '';

  constructor(options) {
    Object.assign(this, options);
    this.random = makeRandom(this.seed);
  }
  violation(text) { if (this.violations.length < 40) this.violations.push(text); else this.more = (this.more ?? 0) + 1; }
  count(end) { this.ends[end] = (this.ends[end] ?? 0) + 1; }
  get fds() { return readdirSync(`/proc/${this.daemon.pid}/fd`).length; }

  // ---- the daemon and its backends

  async start() {
    const own = () => makeRandom(this.random.between(0, 2 ** 31));
    this.backends = [new ChaosBackend({ name: 'alpha', random: own() }), new ChaosBackend({ name: 'beta', random: own() }),
      new ChaosBackend({ name: 'gamma', random: own(), limit: kPlace }), new ChaosBackend({ name: 'delta', random: own(), anthropic: true })];
    for (const one of this.backends) await one.listen();
    this.daemon = await Daemon.start({ config: configOf(this.backends) });
    this.daemon.child.stderr.on('data', (data) => this.#onLog(String(data)));
  }

  // Counts what the log says, and keeps no more of it than its end.
  #onLog(text) {
    const lines = (this.#tail + text).split('\n');
    this.#tail = lines.pop();
    for (const line of lines) {
      if (!/ req_\w+ client=|^req_\w+ client=/.test(line)) continue;
      const queued = / queued=([\d.]+)ms/.exec(line);
      this.records.lines += 1;
      this.records.retried += / attempts=/.test(line);
      this.records.fallback += / fallback=/.test(line);
      this.records.queued += queued !== null;
      this.records.longest = Math.max(this.records.longest, Number(queued?.[1] ?? 0));
    }
    if (this.daemon.stderr.length > 2_000_000 && !/Sanitizer|runtime error/.test(this.daemon.stderr))
      this.daemon.stderr = this.daemon.stderr.slice(-100_000);
  }

  async health() {
    const answer = await fetch(`${this.daemon.url}/providers/health`, { signal: AbortSignal.timeout(atMost(5000)), headers: { connection: 'close' } });
    return answer.json();
  }

  // ---- one request

  #send(client, agent, asked, stream) {
    const body = Buffer.from(JSON.stringify({
      model: 'claude-chaos', max_tokens: 4000, stream, messages: [{ role: 'user', content: promptOf(asked) }],
      ...(asked.tool && { tools: [{ name: 'echo', input_schema: { type: 'object', properties: { id: { type: 'string' } } } }] }),
    }));
    const request = http.request({ host: '127.0.0.1', port: this.daemon.port, method: 'POST', path: '/v1/messages', agent, headers: {
      'content-type': 'application/json', 'content-length': body.length, 'x-api-key': `client-${client % 25}`, 'x-claude-code-session-id': `session-${client}` } });
    request.end(body);
    return request;
  }

  async one(client, agent, { leave = 0, slow = false } = {}) {
    const random = this.random;
    const stream = random.chance(0.6);
    const asked = { id: `r${++this.#last}-${random.between(0, 1e9)}`, words: random.between(0, random.chance(0.1) ? 4000 : 200), tool: random.chance(0.15) };
    const at = `${asked.id}${stream ? ' (stream)' : ''}`;
    this.requests += 1;
    const started = performance.now();
    const request = this.#send(client, agent, asked, stream);
    const state = { left: false, late: false, slow, parts: [], checker: new StreamChecker({ pingsFirst: true }) };
    const timers = [setTimeout(() => { state.late = true; request.destroy(); }, atMost(slow ? kSlow : kTotal + 8000))];
    if (leave) timers.push(setTimeout(() => { state.left = true; request.destroy(); }, leave));
    const response = await new Promise((resolve) => { request.once('response', resolve); request.once('error', (error) => resolve({ error })); });
    if (!response.error) await this.#receive(response, state, slow);
    timers.forEach(clearTimeout);
    this.#judge({ at, asked, stream, response, state, ms: performance.now() - started });
  }

  #receive(response, state, slow) {
    const events = /^text\/event-stream/.test(response.headers['content-type'] ?? '');
    return new Promise((resolve) => {
      response.on('data', (part) => {
        if (events) state.checker.feed(part); else state.parts.push(part);
        if (!slow) return;
        response.pause();
        setTimeout(() => response.resume(), this.random.between(5, 100));
      });
      response.on('end', () => { state.whole = true; resolve(); });
      response.on('error', resolve);
      response.on('close', resolve);
    });
  }

  #judge({ at, asked, stream, response, state, ms }) {
    if (state.late) return this.violation(`${at}: no end within ${Math.round(ms)} ms`);
    const events = /^text\/event-stream/.test(response.headers?.['content-type'] ?? '');
    if (events) this.#checkStream(at, asked, state);
    // A response that was destroyed while it paused may say that it ended.
    if (state.left && !(state.whole && (!events || state.checker.ended))) { this.left += 1; return this.count('client left'); }
    if (response.error || !state.whole) return this.violation(`${at}: the connection broke: ${response.error?.message ?? 'in the answer'}`);
    if (!state.slow && ms > atMost(kTotal + 3000)) this.violation(`${at}: ${Math.round(ms)} ms, the limit is ${kTotal}`);
    if (events) {
      const error = state.checker.error;
      if (error && !kStreamErrors.has(error.type)) this.violation(`${at}: error ${error.type} in the stream: ${error.message}`);
      if (!error) this.latencies.push(ms);
      return this.count(error ? `stream cut off: ${error.type}` : 'good stream');
    }
    const text = Buffer.concat(state.parts).toString();
    let json;
    try { json = JSON.parse(text); } catch { return this.violation(`${at}: not JSON: ${text.slice(0, 200)}`); }
    for (const problem of checkAnswer({ status: response.statusCode, headers: response.headers, text, json }, { method: 'POST', path: '/v1/messages' }))
      this.violation(`${at}: ${problem}`);
    if (response.statusCode !== 200) {
      const type = json.error?.type;
      if (kErrors[response.statusCode] !== type) this.violation(`${at}: ${response.statusCode} ${text.slice(0, 300)}`);
      if (response.statusCode === 503 && !(Number(response.headers['retry-after']) >= 1)) this.violation(`${at}: 503 without retry-after`);
      return this.count(`${response.statusCode} ${type}`);
    }
    if (stream) return this.violation(`${at}: a document where a stream was asked for`);
    if (!response.headers['x-clasp-backend']) this.violation(`${at}: no x-clasp-backend`);
    this.#checkContent(at, asked, json);
    this.latencies.push(ms);
    return this.count('good answer');
  }

  #checkContent(at, asked, message) {
    const got = JSON.stringify(message.content.map((b) => b.text ?? b.input));
    const wanted = JSON.stringify([asked.tool ? inputOf(asked) : textOf(asked)]);
    if (got !== wanted) this.violation(`${at}: wrong content ${got.slice(0, 120)} ... ${got.slice(-60)}`);
    const stop = asked.tool ? 'tool_use' : 'end_turn';
    if (message.stop_reason !== stop) this.violation(`${at}: stop_reason ${message.stop_reason}`);
  }

  #checkStream(at, asked, { checker, left }) {
    for (const problem of checker.finish({ aborted: left })) this.violation(`${at}: ${problem}`);
    if (checker.ended && !checker.failed) return this.#checkContent(at, asked, checker.message);
    // What came before it broke belongs to this request too.
    const wanted = asked.tool ? JSON.stringify(inputOf(asked)) : textOf(asked);
    const got = checker.of('content_block_delta').map(({ delta }) => delta.text ?? delta.partial_json ?? '').join('');
    if (!wanted.startsWith(got)) this.violation(`${at}: wrong beginning ${got.slice(0, 120)}`);
  }

  // ---- the crowd

  async #client(number, end) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const random = this.random;
    while (performance.now() < end) {
      await sleep(random.between(0, this.think));
      await this.one(number, agent, { leave: random.chance(0.08) ? random.between(1, 2000) : 0, slow: random.chance(0.05) });
    }
    agent.destroy();
  }

  async warmUp() {
    const agent = new http.Agent({ keepAlive: true });
    for (let round = 0; round < 3; ++round)
      await Promise.all(Array.from({ length: this.clients }, (_, i) => this.one(i, agent)));
    agent.destroy();
    await this.settle();
    this.ends = {}; this.latencies = []; this.requests = this.left = 0;
    this.records = { lines: 0, retried: 0, fallback: 0, queued: 0, longest: 0 };
    for (const one of this.backends) one.counts = {};
    this.start = { rss: this.daemon.rss(), fds: this.fds };
  }

  async load() {
    const end = performance.now() + this.seconds * 1000;
    const lag = monitorEventLoopDelay();
    lag.enable();
    const lives = this.backends.map((one) => one.live());
    const outages = (async () => {
      while (performance.now() < end) {
        await sleep(Math.min(this.random.between(8000, 20_000), Math.max(0, end - performance.now())));
        const ms = this.random.between(500, 4000);
        for (const one of this.backends) one.interrupt(this.random.pick({ gone: 2, failing: 1 }), ms);
      }
    })();
    const watch = setInterval(() => { this.peak = Math.max(this.peak ?? 0, this.daemon.rss()); }, 500);
    await Promise.all(Array.from({ length: this.clients }, (_, i) => this.#client(i, end)));
    clearInterval(watch);
    lag.disable();
    this.lag = lag.percentile(99) / 1e6;
    await outages;
    for (const one of this.backends) one.heal();
    await Promise.all(lives);
  }

  // Everything is healed and quiet: the daemon has to become as it was.
  async settle() {
    const quiet = async () => {
      const health = await this.health();
      return health.queue.waiting === 0 && health.providers.every((p) => p.in_flight === 0) && health;
    };
    const health = await until(quiet, 10_000, 'nothing in flight and nobody waiting');
    for (const one of this.backends) one.closeIdle();
    await sleep(300);
    return health;
  }

  async finish() {
    await sleep(1500); // breakers may be open until here
    const agent = new http.Agent({ keepAlive: true });
    const before = { ...this.ends };
    for (let i = 0; i < 20; ++i) await this.one(i, agent);
    const good = (ends) => (ends['good answer'] ?? 0) + (ends['good stream'] ?? 0);
    if (good(this.ends) - good(before) !== 20) this.violation(`after the load ${20 - good(this.ends) + good(before)} of 20 requests failed`);
    agent.destroy();
    this.health = await this.settle().catch((error) => { this.violation(error.message); return null; }) ?? await this.health();
    await until(() => this.fds <= this.start.fds + 4, 5000, 'descriptors').catch(() => {});
    this.end = { rss: this.daemon.rss(), fds: this.fds };
    if (this.end.fds > this.start.fds + 4) this.violation(`${this.end.fds} descriptors at the end, ${this.start.fds} at the start`);
    if (this.end.rss > this.start.rss + atMostMemory(16_384)) this.violation(`${this.end.rss} kB resident at the end, ${this.start.rss} at the start`);
    await until(() => this.records.lines >= this.requests - this.left, 3000, 'log lines').catch(() => {});
    if (this.records.lines > this.requests || this.records.lines < this.requests - this.left)
      this.violation(`${this.records.lines} log lines for ${this.requests} requests, ${this.left} left early`);
    for (const problem of await this.daemon.stop()) this.violation(problem);
    this.#judgeBackends();
  }

  #judgeBackends() {
    const attempts = new Map();
    for (const one of this.backends) {
      this.violations.push(...one.violations.slice(0, 20));
      if (one.inFlight > 0) this.violation(`${one.name}: ${one.inFlight} requests are still open`);
      for (const [id, count] of one.attempts) attempts.set(id, (attempts.get(id) ?? 0) + count);
    }
    this.mostAttempts = 0;
    for (const count of attempts.values()) this.mostAttempts = Math.max(this.mostAttempts, count);
    if (this.mostAttempts > kMostAttempts) this.violation(`a request was sent ${this.mostAttempts} times`);
  }

  async stopAll() {
    this.daemon?.kill();
    this.daemon?.tidy();
    for (const one of this.backends ?? []) await one.unlisten().catch(() => {});
  }

  report() {
    const sorted = this.latencies.sort((a, b) => a - b);
    const at = (p) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0);
    const sum = (look) => this.health.providers.reduce((total, one) => total + look(one), 0);
    const table = (counts) => Object.entries(counts).sort((a, b) => b[1] - a[1]).map(([name, count]) => `${name} ${count}`).join(', ');
    const faults = {};
    for (const one of this.backends) for (const [name, count] of Object.entries(one.counts)) faults[name] = (faults[name] ?? 0) + count;
    const { queue } = this.health;
    return [
      `chaos: ${this.seconds} s, ${this.clients} clients, seed ${this.seed}`,
      `requests: ${this.requests}; ends: ${table(this.ends)}`,
      `backends: ${this.backends.map((one) => `${one.name} ${one.moods} moods`).join(', ')}; what they did: ${table(faults)}`,
      `decisions: ${sum((p) => p.retries)} retries, ${sum((p) => p.fallbacks)} fallbacks, ${sum((p) => p.circuit_breaker.times_opened)} breaker openings; at most ${this.mostAttempts} attempts for one request`,
      `log lines: ${this.records.lines}, with attempts= ${this.records.retried}, fallback= ${this.records.fallback}, queued= ${this.records.queued}`,
      `queue: ${queue.granted} granted, ${queue.expired} expired, ${queue.rejected} refused, ${queue.left} left; longest wait ${Math.round(this.records.longest)} ms`,
      `at most ${this.backends[2].most} requests at once where ${kPlace} are allowed`,
      `good answers: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms (this program's own delay p99 ${Math.round(this.lag)} ms)`,
      `daemon: resident ${this.start.rss} kB at the start, ${this.peak} at most, ${this.end.rss} at the end; descriptors ${this.start.fds}, ${this.end.fds}`,
      ...this.violations.map((text) => `VIOLATION: ${text}`),
      ...(this.more ? [`and ${this.more} more violations`] : []),
      this.violations.length ? `chaos: ${this.violations.length + (this.more ?? 0)} violations` : 'chaos: no violation',
    ].join('\n');
  }
}

// {seconds, clients, seed, think} -> {violations, report, run}
export async function runChaos({ seconds = 600, clients = 200, seed = Date.now() % 1_000_000_007, think = 400 } = {}) {
  const run = new Run({ seconds, clients, seed, think });
  try {
    await run.start();
    await run.warmUp();
    await run.load();
    await run.finish();
    return { violations: run.violations, report: run.report(), run };
  } finally {
    await run.stopAll();
  }
}
