// A scripted backend that speaks OpenAI's Chat Completions and Responses over HTTP or HTTPS and is
// strict about what it is asked: a request that OpenAI would refuse is answered 400 and remembered, and the
// test that caused it fails. It never forwards anything.
import http from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import { completion, completionChunks, errorBody } from './chunks.mjs';
import { responseDocument, responseEvents } from './responses.mjs';
import { checkChatRequest } from './rules.mjs';
import { checkResponsesRequest } from './rules_responses.mjs';
import { sleep } from './scale.mjs';

// Events of Responses have names, chunks of Chat Completions have none.
const frame = (item) => typeof item === 'string' || Buffer.isBuffer(item) ? item
  : `${item.type ? `event: ${item.type}\n` : ''}data: ${JSON.stringify(item)}\n\n`;

// ---- responders: functions of one exchange {request, res, socket} ------------------------------

export const json = (value, { status = 200, headers = {} } = {}) => ({ res }) => {
  const body = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length, ...headers });
  res.end(body);
};
export const fail = (status, message, { headers, ...more } = {}) => json(errorBody(message, more), { status, headers });
export const body = (status, type, text, headers = {}) => json(text, { status, headers: { 'content-type': type, ...headers } });

// Sends frames (objects become `data:` lines, strings and Buffers go out as they are). A number is
// a pause in ms, a function is awaited (so that a test can hold the stream).
// `end`: done ([DONE] and a clean end), clean (no [DONE]), cut (the connection breaks), open.
export const sse = (items, { end = 'done', gap = 0, headers = {}, status = 200 } = {}) => async ({ res, socket, gone }) => {
  res.writeHead(status, { 'content-type': 'text/event-stream; charset=utf-8', ...headers });
  res.flushHeaders();
  for (const item of items) {
    if (gone.now) return;
    if (typeof item === 'number') { await sleep(item); continue; }
    if (typeof item === 'function') { await item(); continue; }
    if (!res.write(frame(item))) await Promise.race([once(res, 'drain'), gone.promise]);
    if (gap) await sleep(gap);
  }
  if (gone.now || end === 'open') return;
  if (end === 'cut') {
    // Let what was written leave first: a reset may overtake it.
    await sleep(30);
    socket.resetAndDestroy?.() ?? socket.destroy();
    return;
  }
  if (end === 'done') res.write('data: [DONE]\n\n');
  res.end();
};

// The same answer to whoever asks for it whole or as a stream, on either API.
export const reply = (answer, options) => (exchange) => {
  const { stream } = exchange.request.body ?? {};
  if (asksResponses(exchange.request))
    return (stream ? sse(responseEvents(answer), { end: 'clean', ...options }) : json(responseDocument(answer)))(exchange);
  return (stream ? sse(completionChunks(answer), options) : json(completion(answer)))(exchange);
};
export const asksResponses = (request) => request.path.split('?')[0].endsWith('/responses');
export const say = (text, more = {}) => reply({ text, ...more });
export const call = (name, args, { id = 'call_mock1', ...more } = {}) =>
  reply({ calls: [{ id, name, arguments: JSON.stringify(args) }], ...more });

// Bytes straight onto the connection, in the given pieces, one write each.
export const bytes = (parts, { gap = 5, end = 'close' } = {}) => async ({ socket, gone }) => {
  for (const part of parts) {
    if (gone.now) return;
    if (typeof part === 'number') await sleep(part);
    else { socket.write(part); await sleep(gap); }
  }
  if (end === 'close') socket.end();
  if (end === 'reset') socket.resetAndDestroy();
};
export const hang = () => () => new Promise(() => {});
export const cut = () => ({ socket }) => socket.destroy();
export const pause = (ms, then) => async (exchange) => {
  await sleep(ms);
  if (!exchange.gone.now) await then(exchange);
};

// What a request for a count may hold.
const kCounted = ['model', 'instructions', 'input', 'tools', 'tool_choice', 'parallel_tool_calls', 'reasoning', 'text', 'truncation'];

// ---- the server ----------------------------------------------------------------------------------

export class Mock {
  requests = [];    // {method, path, headers, body, at, connection, aborted}
  violations = [];  // texts
  connections = 0;
  aborted = 0;      // requests whose client went away before the answer was complete
  #sockets = new Set();
  #next = 0;
  #gaveOut = 0;

  // script: a responder list (one per request, in order), or (request, index) => responder.
  // rules: openai, compatible, or none (for tests that want to answer something by themselves).
  // responses: where the Responses API is; null: there is none. count: a responder for its token counts.
  // counts: responders for other paths that count, by path.
  // auth: headers that a request must have, and no other header that carries a key.
  constructor(script, { rules = 'openai', key = 'sk-mock', tls = null, path = '/v1/chat/completions', responses = '/v1/responses', count = null, counts = {}, auth } = {}) {
    this.script = script;
    this.rules = rules;
    this.key = key;
    this.path = path;
    this.responsesPath = responses;
    this.count = count;
    this.counts = counts;
    this.auth = auth ?? { authorization: `Bearer ${key}` };
    const handler = (req, res) => this.#serve(req, res).catch((error) => {
      this.violations.push(`the mock itself failed: ${error.stack}`);
      res.socket?.destroy();
    });
    this.server = tls ? https.createServer(tls, handler) : http.createServer(handler);
    this.server.keepAliveTimeout = 60_000;
    this.server.requestTimeout = 0;
    this.server.on(tls ? 'secureConnection' : 'connection', (socket) => {
      socket.setNoDelay(true);
      socket.mockNumber = ++this.connections;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.server.on('tlsClientError', () => {});
    this.scheme = tls ? 'https' : 'http';
  }

  static async start(script, options) {
    const mock = new Mock(script, options);
    mock.server.listen(options?.port ?? 0, '127.0.0.1');
    await once(mock.server, 'listening');
    return mock;
  }

  get port() { return this.server.address().port; }
  get origin() { return `${this.scheme}://127.0.0.1:${this.port}`; }
  get url() { return `${this.origin}/v1`; }
  get open() { return this.#sockets.size; }
  get unused() { return Array.isArray(this.script) ? this.script.length - this.#gaveOut : 0; }
  get chats() { return this.requests.filter((r) => r.path.split('?')[0] === this.path); }
  get last() { return this.chats.at(-1); }
  get responses() { return this.requests.filter((r) => r.path.split('?')[0] === this.responsesPath); }
  get asked() { return this.requests.filter((r) => r.body !== undefined); } // of both APIs

  closeIdle() { this.server.closeIdleConnections(); }
  dropAll() { for (const socket of this.#sockets) socket.destroy(); }

  async stop() {
    this.dropAll();
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections?.();
    await closed;
  }

  #complain(request, text) {
    this.violations.push(`request ${this.requests.indexOf(request) + 1}: ${text}`);
  }

  #checkHead(request) {
    const h = request.headers;
    for (const name of Object.keys(h))
      if (/^(x-api-key|anthropic-|x-stainless-|x-clasp-|x-claude-code|cookie)/.test(name))
        this.#complain(request, `the client's header ${name} was forwarded`);
    for (const name of ['authorization', 'api-key'])
      if (h[name] !== this.auth[name]) this.#complain(request, `${name} is ${h[name] ?? 'missing'}, not ${this.auth[name] ?? 'absent'}`);
    if (request.method === 'POST' && !/^application\/json/.test(h['content-type'] ?? ''))
      this.#complain(request, `content-type is ${h['content-type']}`);
  }

  async #serve(req, res) {
    const socket = req.socket; // res has none while an answer before it is under way
    const gone = { now: false };
    gone.promise = new Promise((resolve) => { gone.resolve = resolve; });
    const request = { method: req.method, path: req.url, headers: req.headers, at: performance.now(),
                      connection: socket.mockNumber, aborted: null, body: undefined };
    this.requests.push(request);
    res.on('close', () => {
      if (res.writableFinished) return;
      gone.now = true;
      request.aborted = performance.now();
      this.aborted += 1;
      gone.resolve();
    });
    const parts = [];
    for await (const part of req) parts.push(part);
    request.raw = Buffer.concat(parts);
    request.complete = performance.now();
    const exchange = { request, res, socket, gone, mock: this };
    if (req.method === 'GET' && /^\/v1\/models(\?|$)/.test(req.url))
      return json({ object: 'list', data: [{ id: 'mock-model', object: 'model', created: 1, owned_by: 'mock' }] })(exchange);
    this.#checkHead(request);
    const path = req.url.split('?')[0];
    if (req.method === 'POST' && this.responsesPath === null && path.endsWith('/responses'))
      return body(404, 'text/plain', '404 page not found')(exchange);
    if (req.method === 'POST' && this.count && path === `${this.responsesPath}/input_tokens`) {
      request.body = JSON.parse(request.raw.toString('utf8'));
      for (const key of Object.keys(request.body))
        if (!kCounted.includes(key)) this.#complain(request, `Unknown parameter: '${key}'.`);
      return Promise.race([this.count(exchange), gone.promise]);
    }
    if (req.method === 'POST' && Object.hasOwn(this.counts, path)) {
      request.body = JSON.parse(request.raw.toString('utf8'));
      return Promise.race([this.counts[path](exchange), gone.promise]);
    }
    if (req.method !== 'POST' || ![this.path, this.responsesPath].includes(path)) {
      this.#complain(request, `nobody should ask for ${req.method} ${req.url}`);
      return fail(404, `Unknown request URL: ${req.method} ${req.url}`)(exchange);
    }
    try {
      request.body = JSON.parse(request.raw.toString('utf8'));
    } catch (error) {
      this.#complain(request, `the body is not JSON: ${error.message}`);
      return fail(400, 'We could not parse the JSON body of your request.')(exchange);
    }
    if (this.rules !== 'none') {
      const check = path === this.responsesPath ? checkResponsesRequest : checkChatRequest;
      const found = check(request.body, this.rules);
      for (const one of found) this.#complain(request, `${one.param}: ${one.message}`);
      if (found.length) return fail(400, found[0].message, { param: found[0].param })(exchange);
    }
    const index = this.#next++;
    const responder = typeof this.script === 'function' ? await this.script(request, index) : this.script[index];
    if (!responder) {
      this.#complain(request, 'the script has no answer for this request');
      return fail(500, 'script exhausted', { type: 'server_error' })(exchange);
    }
    this.#gaveOut = Math.max(this.#gaveOut, index + 1);
    await Promise.race([responder(exchange), gone.promise]);
  }
}
