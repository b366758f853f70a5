// A backend that has moods: it works, fails, hangs, cuts, talks nonsense, is slow, is gone and
// comes back. What it says when it speaks is the echo of the request, so that every answer can be
// checked word by word. Speaks Chat Completions, or the Messages API itself.
import http from 'node:http';
import { once } from 'node:events';
import { completion, completionChunks, chunk, errorBody } from './chunks.mjs';
import { errorOf, eventsOf, messageOf } from './anthropic.mjs';
import { sleep } from './scale.mjs';

// A small generator with a seed (mulberry32): the plan of a run can be had again.
export function makeRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const between = (low, high) => low + Math.floor(next() * (high - low + 1));
  return {
    next, between, chance: (p) => next() < p,
    // From {name: weight}.
    pick(table) {
      let left = next() * Object.values(table).reduce((a, b) => a + b, 0);
      for (const [name, weight] of Object.entries(table)) if ((left -= weight) < 0) return name;
      return Object.keys(table)[0];
    },
  };
}

// What a request asks for stands in its text; the answer follows from it alone.
export const promptOf = ({ id, words, tool }) => `id=${id} words=${words} tool=${tool ? 1 : 0}`;
export const textOf = ({ id, words }) => `echo ${id}: ${Array.from({ length: words }, (_, i) => `w${i} `).join('')}end ${id}`;
export const inputOf = ({ id, words }) => ({ id, list: Array.from({ length: words }, (_, i) => i) });
function readPrompt(raw) {
  const [, id, words, tool] = /id=([\w-]+) words=(\d+) tool=([01])/.exec(raw) ?? [];
  return id && { id, words: Number(words), tool: tool === '1' };
}

const kMoods = { fine: 40, failing: 10, limited: 5, hanging: 6, cutting: 12, nonsense: 8, slow: 10, gone: 9 };
const kFaults = { // what happens to one request, by mood
  well: { none: 1 },
  fine: { none: 95, status: 1, cut: 2, close: 2 }, failing: { status: 85, none: 15 }, limited: { limit: 80, none: 20 },
  hanging: { hang: 60, stall: 20, none: 20 }, cutting: { cut: 40, drop: 20, reset: 10, short: 10, none: 20 },
  nonsense: { garbage: 25, html: 20, broken: 25, inband: 20, none: 10 }, slow: { slow: 90, none: 10 }, gone: { reset: 1 },
};

export class ChaosBackend {
  violations = [];
  counts = {};       // by what happened to requests
  attempts = new Map(); // id -> how often it was asked for
  moods = 0;
  most = 0;          // requests at the same time
  #active = new Set();
  #sockets = new Set();
  #over = false;
  #wake = () => {};

  constructor({ name, random, anthropic = false, limit = 0 }) {
    Object.assign(this, { name, random, anthropic, limit, mood: 'well', key: `sk-${name}-0123456789` });
    this.server = http.createServer((req, res) => this.#serve(req, res).catch((error) => {
      if (!req.socket.destroyed) this.violations.push(`${name} itself failed: ${error.stack}`);
      req.socket.destroy();
    }));
    this.server.keepAliveTimeout = 600_000;
    this.server.requestTimeout = 0;
    this.server.on('connection', (socket) => {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
  }
  async listen() {
    this.server.listen(this.port ?? 0, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
  }
  async unlisten() {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
  closeIdle() { this.server.closeIdleConnections(); }
  get inFlight() { return this.#active.size; }

  // Changes its mood until heal() is called.
  async live() {
    while (!this.#over) await this.#spend(this.random.pick(kMoods), this.random.between(300, 5000));
    this.mood = 'well';
  }
  // All at once, so that nobody is left to fall back to.
  interrupt(mood, ms) { this.forced = { mood, ms }; this.#wake(); }
  heal() { this.#over = true; this.#wake(); }
  async #spend(mood, ms) {
    if (this.forced) ({ mood, ms } = this.forced);
    this.forced = null;
    this.moods += 1;
    this.mood = mood;
    if (mood === 'gone') await this.unlisten();
    await Promise.race([sleep(ms), new Promise((resolve) => { this.#wake = resolve; })]);
    if (mood === 'gone') await this.listen();
    this.mood = 'fine';
  }

  // A place is given back by the daemon a moment before this side can see it, when it leaves.
  #enter(entry) {
    this.#active.add(entry);
    if (!this.limit) return;
    const crowd = [...this.#active];
    if (crowd.length <= this.limit) this.most = Math.max(this.most, crowd.length);
    else setTimeout(() => {
      const real = crowd.filter((one) => !one.left).length;
      this.most = Math.max(this.most, real);
      if (real > this.limit) this.violations.push(`${this.name}: ${real} requests at the same time, ${this.limit} allowed`);
    }, 200);
  }

  async #serve(req, res) {
    const entry = { left: false };
    const gone = new Promise((resolve) => res.on('close', () => {
      if (this.#active.delete(entry)) entry.left = true;
      entry.over = true;
      resolve();
    }));
    let raw = '';
    for await (const part of req) raw += part;
    const json = (status, value, headers = {}) => {
      this.#active.delete(entry);
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers });
      res.end(text);
    };
    if (req.method === 'GET') return this.mood === 'failing' ? json(503, errorBody('no')) : json(200, { object: 'list', data: [] });
    const key = req.headers['x-api-key'] ?? req.headers.authorization?.slice(7);
    if (key !== this.key) this.violations.push(`${this.name}: the key is ${key}`);
    const asked = readPrompt(raw);
    if (!asked) { this.violations.push(`${this.name}: no prompt in ${raw.slice(0, 200)}`); return json(400, errorBody('no prompt')); }
    this.attempts.set(asked.id, (this.attempts.get(asked.id) ?? 0) + 1);
    this.#enter(entry);
    const fault = this.random.pick(kFaults[this.mood]);
    this.counts[fault] = (this.counts[fault] ?? 0) + 1;
    await this.#answer({ req, res, entry, gone, json, fault, asked, stream: JSON.parse(raw).stream === true });
  }

  async #answer(at) {
    const { req: { socket }, res, entry, gone, json, fault, asked, stream } = at;
    const error = (status, headers) => json(status, this.anthropic
      ? errorOf(status === 429 ? 'rate_limit_error' : status === 529 ? 'overloaded_error' : 'api_error', `told so by ${this.name}`)
      : errorBody(`told so by ${this.name}`, { type: 'server_error' }), headers);
    switch (fault) {
      case 'status': return error(Number(this.random.pick({ 500: 4, 502: 2, 503: 3, 504: 1, 529: this.anthropic ? 3 : 0 })));
      case 'limit': return error(429, this.random.chance(0.5) ? { 'retry-after': String(this.random.between(1, 8)) } : {});
      case 'hang': return gone;
      case 'reset': socket.resetAndDestroy(); return undefined;
      case 'garbage': socket.end('SSH-2.0-OpenSSH_9.2\r\n'); return undefined;
      case 'html': return json(200, '<html>hello</html>', { 'content-type': 'text/html' });
      default:
    }
    if (fault === 'slow') await Promise.race([sleep(this.random.between(50, 900)), gone]);
    if (entry.over) return undefined;
    return stream ? this.#stream(at) : this.#document(at, json, asked);
  }

  #wanted(asked) {
    return asked.tool ? { calls: [{ id: `call_${asked.id.replaceAll('-', '_')}`, name: 'echo', input: inputOf(asked), arguments: JSON.stringify(inputOf(asked)) }] }
      : { text: textOf(asked) };
  }

  #document({ req: { socket }, res, fault }, json, asked) {
    const { calls, text } = this.#wanted(asked);
    const value = this.anthropic ? messageOf({ text, calls: calls?.map(({ id, name, input }) => ({ id, name, input })) }) : completion({ text, calls });
    const whole = JSON.stringify(value);
    if (fault === 'broken') return json(200, whole.slice(0, -3 - (whole.length >> 1)));
    if (fault === 'inband' && !this.anthropic) return json(200, { error: { code: 502, message: `${this.name} died` } });
    if (!['cut', 'short', 'drop', 'stall'].includes(fault)) {
      json(200, whole);
      if (fault === 'close') res.on('finish', () => socket.end());
      return undefined;
    }
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(whole) });
    res.write(whole.slice(0, fault === 'drop' ? 1 : whole.length >> 1));
    if (fault === 'stall') return new Promise((resolve) => res.on('close', resolve));
    return sleep(10).then(() => socket.destroy());
  }

  #frames(asked) {
    const { calls, text } = this.#wanted(asked);
    if (this.anthropic) return eventsOf(messageOf({ text, calls: calls?.map(({ id, name, input }) => ({ id, name, input })) }), 40);
    return completionChunks({ text, calls, size: 40 }).map((one) => `data: ${JSON.stringify(one)}\n\n`);
  }

  async #stream({ req: { socket }, res, entry, gone, fault, asked }) {
    const frames = this.#frames(asked);
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.flushHeaders();
    const stop = ['cut', 'short', 'stall', 'broken', 'inband'].includes(fault) ? this.random.between(0, frames.length - 3)
      : fault === 'drop' ? 0 : frames.length;
    const gap = fault === 'slow' ? this.random.between(5, 60) : this.random.chance(0.3) ? 2 : 0;
    for (const frame of frames.slice(0, stop)) {
      if (entry.over) return;
      if (!res.write(frame)) await Promise.race([once(res, 'drain'), gone]);
      if (gap) await Promise.race([sleep(gap), gone]);
    }
    if (entry.over) return;
    if (stop < frames.length) { await this.#breakOff(fault, { socket, res, gone }); return; }
    this.#active.delete(entry);
    res.end(this.anthropic ? undefined : 'data: [DONE]\n\n');
    if (fault === 'close') res.on('finish', () => socket.end());
  }

  async #breakOff(fault, { socket, res, gone }) {
    if (fault === 'stall') { await gone; return; }
    if (fault === 'short') { res.end(); return; }
    if (fault === 'broken') { for (let i = 0; i < 6; ++i) res.write('data: {nonsense\n\n'); res.end(); return; }
    if (fault === 'inband') {
      const told = this.anthropic ? `event: error\ndata: ${JSON.stringify(errorOf('overloaded_error', `${this.name} died`))}\n\n`
        : `data: ${JSON.stringify({ error: { code: 502, message: `${this.name} died` }, choices: [chunk({}).choices[0]] })}\n\n`;
      res.end(told);
      return;
    }
    await sleep(10);
    socket.resetAndDestroy();
  }
}
