// A plain HTTP client for the daemon, as near to the wire as node:http allows. It remembers
// everything that an answer must not look like; the harness fails the test for it.
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { StreamChecker, checkErrorBody, checkMessage } from './grammar.mjs';
import { within } from './scale.mjs';

export const kModel = 'claude-3-5-sonnet-20241022';
export const ask = (text, more = {}) => ({ model: kModel, max_tokens: 1024, messages: [{ role: 'user', content: text }], ...more });

export function checkAnswer(answer, { method, path }) {
  const problems = [];
  const at = `${method} ${path} -> ${answer.status}`;
  const id = answer.headers['request-id'];
  if (!/^req_[A-Za-z0-9]+$/.test(id ?? '')) problems.push(`${at}: request-id is ${id}`);
  if (method !== 'HEAD' && answer.status >= 400) {
    if (answer.json === undefined) problems.push(`${at}: the error is not JSON: ${answer.text.slice(0, 100)}`);
    else problems.push(...checkErrorBody(answer.json, id).map((p) => `${at}: ${p}`));
  }
  if (method === 'POST' && /^\/v1\/messages(\?|$)/.test(path) && answer.status === 200 && answer.json)
    problems.push(...checkMessage(answer.json).map((p) => `${at}: ${p}`));
  for (const name of ['set-cookie', 'server', 'x-powered-by'])
    if (answer.headers[name]) problems.push(`${at}: header ${name} came through`);
  return problems;
}

export class Client {
  problems = [];
  streams = [];
  constructor(url, { headers = {}, agent } = {}) {
    this.url = new URL(url);
    this.headers = { 'x-api-key': 'test-client', ...headers };
    this.agent = agent ?? new http.Agent({ keepAlive: true, maxSockets: 1000 });
  }
  close() { this.agent.destroy(); }

  #send(method, path, { headers, body, agent } = {}) {
    const bytes = body === undefined ? undefined
      : Buffer.isBuffer(body) || typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
    const request = http.request({
      host: this.url.hostname, port: this.url.port, method, path, agent: agent ?? this.agent,
      headers: { ...this.headers, ...(bytes && { 'content-type': 'application/json', 'content-length': bytes.length }), ...headers },
    });
    request.setNoDelay(true);
    request.end(bytes);
    return request;
  }

  // The whole answer: {status, headers, body, text, json}.
  async ask(method, path, options = {}) {
    const request = this.#send(method, path, options);
    const work = (async () => {
      const [response] = await once(request, 'response');
      const parts = [];
      for await (const part of response) parts.push(part);
      const body = Buffer.concat(parts);
      const answer = { status: response.statusCode, headers: response.headers, body, text: body.toString('utf8') };
      if (/^application\/json/.test(response.headers['content-type'] ?? '') && method !== 'HEAD') answer.json = JSON.parse(answer.text);
      return answer;
    })();
    let answer;
    try {
      answer = await within(options.limit ?? 20_000, work, `${method} ${path}`);
    } finally {
      if (!answer) request.destroy();
      work.catch(() => {});
    }
    if (!options.foreign) this.problems.push(...checkAnswer(answer, { method, path }));
    return answer;
  }
  get(path, options) { return this.ask('GET', path, options); }
  post(path, body, options) { return this.ask('POST', path, { body, ...options }); }
  message(body, options) { return this.post('/v1/messages', body, options); }

  // A stream: resolves when the head of the answer is there.
  async stream(body, { limit = 20_000, path = '/v1/messages', ...options } = {}) {
    const started = performance.now();
    const request = this.#send('POST', path, { body: { ...body, stream: true }, ...options });
    request.on('error', () => {});
    const [response] = await within(limit, once(request, 'response'), 'head of the stream');
    const checker = new StreamChecker();
    const parts = [];
    const stream = { status: response.statusCode, headers: response.headers, checker, response, request, started,
                     headAt: performance.now(), aborted: false, broken: false };
    if (!/^req_/.test(response.headers['request-id'] ?? '')) this.problems.push('stream without request-id');
    response.on('data', (part) => { parts.push(part); if (stream.isEvents) checker.feed(part); });
    stream.isEvents = /^text\/event-stream/.test(response.headers['content-type'] ?? '');
    if (stream.isEvents && !/no-cache/.test(response.headers['cache-control'] ?? ''))
      this.problems.push('stream without cache-control: no-cache');
    const ended = new Promise((resolve) => {
      response.on('end', resolve);
      response.on('error', () => { stream.broken = true; resolve(); });
      response.on('close', resolve);
    });
    stream.done = async (ms = limit) => {
      await within(ms, ended, 'end of the stream');
      stream.bytes = Buffer.concat(parts);
      if (stream.isEvents) {
        this.problems.push(...checker.finish({ aborted: stream.aborted }));
        if (stream.broken && !stream.aborted) this.problems.push('the connection broke in mid-stream');
      } else {
        stream.json = JSON.parse(stream.bytes.toString('utf8'));
        this.problems.push(...checkAnswer({ ...stream, text: stream.bytes.toString() }, { method: 'POST', path }));
      }
      return stream;
    };
    stream.abort = () => { stream.aborted = true; request.destroy(); };
    stream.next = (event, ms = limit) => within(ms, (async () => {
      for (;;) {
        const found = checker.events.find((e) => e.event === event);
        if (found) return found;
        await new Promise((resolve) => { response.once('data', resolve); response.once('close', resolve); });
        if (response.closed && !checker.events.find((e) => e.event === event)) throw new Error(`no ${event} came`);
      }
    })(), `event ${event}`);
    this.streams.push(stream);
    return stream;
  }

  // Start to end, for tests that only look at the result.
  async wholeStream(body, options) { return (await this.stream(body, options)).done(); }

  // Bytes as they are on a fresh connection; resolves with all that comes back until the end, or
  // until `enough` says so.
  async raw(data, { limit = 10_000, enough = () => false, half = false } = {}) {
    const socket = net.connect(Number(this.url.port), this.url.hostname);
    let text = '';
    const work = new Promise((resolve, reject) => {
      socket.on('error', (error) => (text ? resolve(text) : reject(error)));
      socket.on('close', () => resolve(text));
      socket.on('data', (part) => { text += part.toString('latin1'); if (enough(text)) resolve(text); });
    });
    await once(socket, 'connect');
    for (const part of [].concat(data)) socket.write(part);
    if (half) socket.end();
    try {
      return await within(limit, work, 'raw answer');
    } finally {
      socket.destroy();
    }
  }
}
