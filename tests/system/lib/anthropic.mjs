// A scripted backend that speaks the Messages API itself and is as strict as the real one about
// what a proxy could get wrong: headers, signatures, tool loops, empty messages. What it would
// refuse is answered 400 and remembered, and the test that caused it fails.
import http from 'node:http';
import { once } from 'node:events';
import { json, sse } from './mock.mjs';
import { pieces } from './chunks.mjs';

// Only what Anthropic's own service signed is taken back.
export const kSignature = 'EqQBCkYIARgCKkAbCdEfGh';
const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v);

export const errorOf = (type, message) => ({ type: 'error', error: { type, message }, request_id: 'req_upstream' });
export const refuse = (status, type, message, headers = {}) =>
  json(errorOf(type, message), { status, headers: { 'request-id': 'req_upstream', ...headers } });

// {thinking, text, calls: [{id, name, input}], stop, usage} -> a Message
export function messageOf({ thinking, text, calls = [], stop, usage, model = 'claude-real', ...more } = {}) {
  const content = [];
  if (thinking) content.push({ type: 'thinking', thinking, signature: kSignature });
  if (text) content.push({ type: 'text', text, citations: null });
  for (const call of calls) content.push({ type: 'tool_use', ...call, caller: { type: 'direct' } });
  return {
    id: 'msg_upstream1', type: 'message', role: 'assistant', model, content, container: null, diagnostics: null,
    stop_reason: stop ?? (calls.length ? 'tool_use' : 'end_turn'), stop_sequence: null, stop_details: null,
    usage: { input_tokens: 21, cache_creation_input_tokens: 0, cache_read_input_tokens: 4, output_tokens: 9,
             service_tier: 'standard', ...usage }, ...more,
  };
}

const frame = (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

// The same as events, as the real service sends them.
export function eventsOf(message, size = 5) {
  const out = [{ type: 'message_start', message: { ...message, content: [], stop_reason: null, usage: { ...message.usage, output_tokens: 1 } } },
               { type: 'ping' }];
  message.content.forEach((block, index) => {
    const start = { ...block };
    const deltas = [];
    if (block.type === 'text') {
      start.text = '';
      for (const text of pieces(block.text, size)) deltas.push({ type: 'text_delta', text });
    } else if (block.type === 'thinking') {
      Object.assign(start, { thinking: '', signature: '' });
      for (const thinking of pieces(block.thinking, size)) deltas.push({ type: 'thinking_delta', thinking });
      deltas.push({ type: 'signature_delta', signature: block.signature });
    } else {
      start.input = {};
      for (const partial_json of pieces(JSON.stringify(block.input), size)) deltas.push({ type: 'input_json_delta', partial_json });
    }
    out.push({ type: 'content_block_start', index, content_block: start },
             ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
             { type: 'content_block_stop', index });
  });
  const { stop_reason, stop_sequence, stop_details, container } = message;
  out.push({ type: 'message_delta', delta: { stop_reason, stop_sequence, stop_details, container }, usage: message.usage },
           { type: 'message_stop' });
  return out.map(frame);
}

export const speak = (answer, options) => (exchange) => {
  const message = messageOf({ ...answer, model: exchange.request.body.model });
  const headers = { 'request-id': 'req_upstream', 'anthropic-ratelimit-requests-remaining': '49', 'anthropic-organization-id': 'org', 'set-cookie': 'a=b' };
  return (exchange.request.body.stream ? sse(eventsOf(message), { end: 'clean', headers, ...options }) : json(message, { headers }))(exchange);
};
// Some events of an answer, and then what `end` says (cut, clean, open).
export const speakPart = (answer, count, end) => sse(eventsOf(messageOf(answer)).slice(0, count), { end });

// ---- what the real service refuses ------------------------------------------------------------

const blocksOf = (m) => typeof m.content === 'string' ? [{ type: 'text', text: m.content }] : m.content ?? [];

export function judge(body) {
  if (!Number.isInteger(body.max_tokens)) return 'max_tokens: Field required';
  if (!Array.isArray(body.messages) || body.messages.length === 0) return 'messages: at least one message is required';
  const thinks = isObject(body.thinking) && body.thinking.type !== 'disabled';
  let open = [];
  for (const [i, m] of body.messages.entries()) {
    const blocks = blocksOf(m);
    if (!['user', 'assistant', 'system'].includes(m.role)) return `messages.${i}.role: unknown`;
    if (blocks.length === 0 && m.role !== 'system') return `messages.${i}: all messages must have non-empty content`;
    for (const [k, block] of blocks.entries()) {
      const at = `messages.${i}.content.${k}`;
      if (block.type === 'thinking' && !/^Eq/.test(block.signature ?? '')) return `${at}: Invalid \`signature\` in \`thinking\` block`;
      if (block.type === 'redacted_thinking' && !/^E/.test(block.data ?? '')) return `${at}: Invalid \`data\` in \`redacted_thinking\` block`;
      if (block.type === 'text' && block.text === '') return `${at}: text content blocks must be non-empty`;
      for (const cited of block.citations ?? []) if (/^clasp/.test(cited.encrypted_index ?? '')) return `${at}: Invalid encrypted_index`;
      if (block.type === 'tool_result' && !open.includes(block.tool_use_id)) return `${at}: unexpected \`tool_use_id\``;
    }
    if (m.role === 'user') open = [];
    if (m.role === 'assistant') open = open.concat(blocks.filter((b) => b.type === 'tool_use').map((b) => b.id));
  }
  // The loop that is running: back to the last words of the user.
  const turns = body.messages.filter((m) => m.role !== 'system');
  const results = (m) => m?.role === 'user' && blocksOf(m).some((b) => b.type === 'tool_result');
  if (thinks && results(turns.at(-1))) {
    let first = turns.length - 1;
    while (results(turns[first]) && first > 1) first -= 2;
    const start = blocksOf(turns[first + 1] ?? {})[0];
    if (start && !/thinking/.test(start.type))
      return `messages.${first + 1}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${start.type}\``;
  }
  for (const edit of body.context_management?.edits ?? [])
    if (/^clear_thinking/.test(edit.type) && !thinks) return `${edit.type} strategy requires thinking to be enabled`;
  return null;
}

export class Anthropic {
  requests = []; // {path, headers, raw, body}
  violations = [];
  aborted = 0;
  #sockets = new Set();
  #gaveOut = 0;

  // script as for Mock; auth: the one header with a key, or none.
  constructor(script, { auth = { 'x-api-key': 'sk-ant-mock' }, mayRefuse = false, lenient = false } = {}) {
    Object.assign(this, { script, auth, mayRefuse, lenient });
    this.server = http.createServer((req, res) => this.#serve(req, res).catch((error) => {
      this.violations.push(`the backend itself failed: ${error.stack}`);
      res.socket?.destroy();
    }));
    this.server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
  }
  static async start(b, script, options) {
    const made = new Anthropic(script, options);
    made.server.listen(0, '127.0.0.1');
    await once(made.server, 'listening');
    b.atEnd(async () => {
      await made.stop();
      const left = Array.isArray(made.script) ? made.script.length - made.#gaveOut : 0;
      return left > 0 ? [...made.violations, `${left} scripted answers were not asked for`] : made.violations;
    });
    return made;
  }
  get url() { return `http://127.0.0.1:${this.server.address().port}`; }
  get key() { return this.auth['x-api-key']; }
  get last() { return this.requests.at(-1); }
  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }

  #checkHead({ method, headers: h, path }) {
    const bad = (text) => this.violations.push(`request ${this.requests.length}: ${text}`);
    for (const name of ['x-api-key', 'authorization', 'api-key'])
      if (h[name] !== this.auth[name]) bad(`${name} is ${h[name] ?? 'missing'}, not ${this.auth[name] ?? 'absent'}`);
    if (!/^\d{4}-\d\d-\d\d$/.test(h['anthropic-version'] ?? '')) bad(`anthropic-version is ${h['anthropic-version']}`);
    const known = new Set(['x-api-key', 'authorization', 'anthropic-version', 'anthropic-beta', 'accept', 'accept-encoding',
                           'user-agent', 'content-type', 'content-length', 'host', 'connection']);
    for (const name of Object.keys(h)) if (!known.has(name)) bad(`the header ${name} came through`);
    if (!/^clasp\//.test(h['user-agent'] ?? '')) bad(`user-agent is ${h['user-agent']}`);
    if (method === 'POST' && !/^\/v1\/messages(\?beta=true)?$/.test(path)) bad(`nobody should ask for ${path}`);
  }

  async #serve(req, res) {
    const gone = { now: false };
    gone.promise = new Promise((resolve) => { gone.resolve = resolve; });
    res.on('close', () => {
      if (res.writableFinished) return;
      gone.now = true;
      this.aborted += 1;
      gone.resolve();
    });
    const parts = [];
    for await (const part of req) parts.push(part);
    const request = { method: req.method, path: req.url, headers: req.headers, raw: Buffer.concat(parts) };
    this.requests.push(request);
    this.#checkHead(request);
    const exchange = { request, res, socket: req.socket, gone };
    if (req.method === 'GET')
      return json({ data: [{ type: 'model', id: 'claude-real', display_name: 'Real' }], has_more: false, first_id: 'claude-real', last_id: 'claude-real' })(exchange);
    request.body = JSON.parse(request.raw.toString('utf8'));
    const refusal = this.lenient ? null : judge(request.body);
    if (refusal) {
      if (!this.mayRefuse) this.violations.push(`request ${this.requests.length}: ${refusal}`);
      return refuse(400, 'invalid_request_error', refusal)(exchange);
    }
    const index = this.#gaveOut++;
    const responder = typeof this.script === 'function' ? await this.script(request, index) : this.script[index];
    if (!responder) {
      this.violations.push('the script has no answer for this request');
      return refuse(500, 'api_error', 'script exhausted')(exchange);
    }
    await Promise.race([responder(exchange), gone.promise]);
  }
}
