// The grammar of an Anthropic event stream (translation spec §5.1) as an automaton, and the shape
// of an error body (§6.1). Every stream that any client of these tests receives runs through it.
// It collects problems in words and never throws.
import { FrameReader } from './sse.mjs';

const kErrorTypes = new Set(`invalid_request_error authentication_error billing_error permission_error
  not_found_error conflict_error request_too_large rate_limit_error api_error timeout_error overloaded_error`.split(/\s+/));
const kStopReasons = new Set(`end_turn max_tokens stop_sequence tool_use pause_turn refusal compaction
  model_context_window_exceeded`.split(/\s+/));
const kDeltaOf = {
  text: ['text_delta', 'citations_delta'],
  thinking: ['thinking_delta', 'signature_delta'],
  tool_use: ['input_json_delta'],
  server_tool_use: ['input_json_delta'],
  mcp_tool_use: ['input_json_delta'],
  mcp_tool_result: [],
  redacted_thinking: [],
  compaction: ['compaction_delta'],
  web_search_tool_result: [],
};
const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v);
const isCount = (v) => Number.isInteger(v) && v >= 0;

export function checkErrorBody(value, requestId) {
  const problems = [];
  if (!isObject(value) || value.type !== 'error' || !isObject(value.error)) return ['not an error object'];
  for (const key of Object.keys(value))
    if (!['type', 'error', 'request_id'].includes(key)) problems.push(`unexpected member ${key} in the error`);
  if (!kErrorTypes.has(value.error.type)) problems.push(`unknown error type ${value.error.type}`);
  const message = value.error.message;
  if (typeof message !== 'string' || message === '') problems.push('error without a message');
  else {
    if (Buffer.byteLength(message) > 2048) problems.push(`error message of ${message.length} characters`);
    if (/[\r\n]/.test(message)) problems.push('error message of several lines');
    if (/sk-[A-Za-z0-9]{3,}|Bearer [^\s]{4,}/.test(message)) problems.push('error message with a key in it');
  }
  if (typeof value.request_id !== 'string' || !/^req_/.test(value.request_id)) problems.push('error without request_id');
  if (requestId !== undefined && value.request_id !== requestId)
    problems.push(`request_id ${value.request_id} is not that of the header, ${requestId}`);
  return problems;
}

// What a Message must have, also when it did not come as a stream (§4.1).
export function checkMessage(m) {
  const problems = [];
  const want = (ok, what) => { if (!ok) problems.push(what); };
  want(/^msg_[A-Za-z0-9_]+$/.test(m?.id ?? ''), `message id ${m?.id}`);
  want(m?.type === 'message' && m?.role === 'assistant', 'type or role of the message');
  want(typeof m?.model === 'string' && m.model !== '', 'model of the message');
  want(Array.isArray(m?.content), 'content is not a list');
  for (const key of ['stop_reason', 'stop_sequence', 'stop_details', 'container', 'diagnostics'])
    want(m && key in m, `message without ${key}`);
  problems.push(...checkUsage(m?.usage, true), ...checkEdits(m?.context_management));
  if (m?.stop_reason === 'compaction' || m?.content?.some?.((b) => b.type === 'compaction')) {
    want(m.content.length === 1 && m.content[0].type === 'compaction' && m.stop_reason === 'compaction', 'a compaction block is not alone');
    problems.push(...checkSummary(m.content[0]));
  }
  return problems;
}

// A summary is signed; where none could be made both are null (§1.10).
function checkSummary(block) {
  const { content, encrypted_content, signature } = block ?? {};
  if (encrypted_content !== null) return ['compaction block with encrypted_content'];
  if (content === null && signature === null) return [];
  if (typeof content === 'string' && content.trim() !== '' && /^clasp1\./.test(signature ?? '')) return [];
  return [`compaction block ${JSON.stringify(block).slice(0, 100)}`];
}

// What was edited in the context (§1.9): absent (no beta call), null, or a list that is not empty.
function checkEdits(value) {
  if (value === undefined || value === null) return [];
  const counts = { clear_tool_uses_20250919: 'cleared_tool_uses', clear_thinking_20251015: 'cleared_thinking_turns' };
  const list = value.applied_edits;
  if (!Array.isArray(list) || list.length === 0) return ['context_management without applied_edits'];
  return list.filter((e) => !(isCount(e.cleared_input_tokens) && isCount(e[counts[e.type]]) && e[counts[e.type]] > 0))
    .map((e) => `applied edit ${JSON.stringify(e)}`);
}

function checkUsage(u, whole) {
  const problems = [];
  if (!isObject(u)) return ['usage is missing'];
  for (const key of ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'])
    if (!isCount(u[key])) problems.push(`usage.${key} is ${JSON.stringify(u[key])}`);
  if (whole && !['standard', 'priority', 'batch', null].includes(u.service_tier)) problems.push(`usage.service_tier is ${u.service_tier}`);
  return problems;
}

export class StreamChecker {
  problems = [];
  events = [];        // {event, data, at}
  #reader = new FrameReader();
  #state = 'fresh';   // fresh, message, block, deltas-done, stopped, failed
  #next = 0;
  #block = null;
  #kinds = [];
  #cutJson = false;  // a tool block whose input does not parse

  // pingsFirst: a message that is handed on may still be awaited when the stream is opened.
  constructor({ pingsFirst = false } = {}) { this.pingsFirst = pingsFirst; }

  feed(bytes) {
    for (const frame of this.#reader.feed(bytes)) {
      if (this.pingsFirst && this.#state === 'fresh' && frame.event === 'ping') continue;
      this.events.push({ ...frame, at: performance.now() });
      this.#one(frame);
    }
    if (this.#reader.problems.length) this.problems.push(...this.#reader.problems.splice(0));
  }

  get ended() { return this.#state === 'stopped' || this.#state === 'failed'; }
  get failed() { return this.#state === 'failed'; }
  get error() { return this.events.find((e) => e.event === 'error')?.data.error ?? null; }
  of(type) { return this.events.filter((e) => e.event === type).map((e) => e.data); }

  // The message as a client would put it together.
  get message() {
    const start = this.of('message_start')[0]?.message;
    if (!start) return null;
    const message = { ...start, content: [], usage: { ...start.usage } };
    const json = [];
    for (const { data } of this.events) {
      if (data.type === 'content_block_start') message.content.push({ ...data.content_block });
      const block = message.content[data.index];
      if (data.type === 'content_block_delta') {
        const d = data.delta;
        if (d.type === 'text_delta') block.text += d.text;
        if (d.type === 'thinking_delta') block.thinking += d.thinking;
        if (d.type === 'signature_delta') block.signature = d.signature;
        if (d.type === 'compaction_delta') block.content = d.content;
        if (d.type === 'input_json_delta') json[data.index] = (json[data.index] ?? '') + d.partial_json;
      }
      if (data.type === 'content_block_stop' && json[data.index] !== undefined) {
        try { block.input = JSON.parse(json[data.index]); } catch { block.input = undefined; }
      }
      if (data.type === 'message_delta') {
        Object.assign(message, data.delta);
        if ('context_management' in data) message.context_management = data.context_management;
        for (const [key, value] of Object.entries(data.usage)) if (value !== null) message.usage[key] = value;
      }
    }
    return message;
  }
  get text() { return (this.message?.content ?? []).map((b) => b.text ?? '').join(''); }

  // To be called once nothing more will come. `aborted`: the client left, so an end is not needed.
  finish({ aborted = false } = {}) {
    if (!aborted) {
      if (this.#reader.rest !== '') this.#bad(`bytes after the last frame: ${JSON.stringify(this.#reader.rest.slice(0, 80))}`);
      if (!this.ended) this.#bad(`the stream ended in state ${this.#state}, without message_stop or error`);
    }
    return this.problems;
  }

  #bad(what) { this.problems.push(`event ${this.events.length}: ${what}`); }
  #need(ok, what) { if (!ok) this.#bad(what); return ok; }

  #one({ event, data }) {
    this.#need(isObject(data) && data.type === event, `event line ${event}, data type ${data?.type}`);
    if (this.ended) return this.#bad(`${event} after the end`);
    if (this.#state === 'fresh' && event !== 'message_start' && !(this.pingsFirst && event === 'error')) {
      this.#bad(`${event} before message_start`);
    }
    const step = {
      message_start: () => this.#start(data), ping: () => this.#need(Object.keys(data).length === 1, 'ping with members'),
      content_block_start: () => this.#open(data), content_block_delta: () => this.#delta(data),
      content_block_stop: () => this.#close(data), message_delta: () => this.#end(data),
      message_stop: () => { this.#need(this.#state === 'deltas-done', 'message_stop before message_delta'); this.#state = 'stopped'; },
      error: () => { this.problems.push(...checkErrorBody(data)); this.#state = 'failed'; },
    }[event];
    if (!step) return this.#bad(`unknown event ${event}`);
    if (this.events.length === 2) this.#need(event === 'ping' || event === 'error', `${event}, not a ping, follows message_start`);
    step();
  }

  #start(data) {
    if (!this.#need(this.#state === 'fresh', 'second message_start')) return;
    this.#state = 'message';
    const m = data.message;
    this.problems.push(...checkMessage(m));
    this.#need(m?.content?.length === 0, 'message_start with content');
    for (const key of ['stop_reason', 'stop_sequence', 'stop_details', 'container', 'diagnostics'])
      this.#need(m?.[key] === null, `message_start.${key} is not null`);
  }

  #open({ index, content_block: b }) {
    this.#need(this.#state === 'message', `content_block_start in state ${this.#state}`);
    this.#need(index === this.#next, `block index ${index}, expected ${this.#next}`);
    this.#next = index + 1;
    this.#state = 'block';
    this.#block = { type: b?.type, index, deltas: 0, signatures: 0, text: '', json: '' };
    this.#kinds.push(b?.type);
    if (!(b?.type in kDeltaOf)) return this.#bad(`unknown block type ${b?.type}`);
    if (b.type === 'text') this.#need(b.text === '' && b.citations === null, 'text block start is not {text:"",citations:null}');
    if (b.type === 'compaction') this.#need(b.content === null && b.encrypted_content === null && index === 0, 'compaction block start is no shell');
    if (b.type === 'thinking') this.#need(b.thinking === '' && b.signature === '', 'thinking block start is not empty');
    if (b.type === 'tool_use') {
      this.#need(/^[A-Za-z0-9_-]{1,64}$/.test(b.id ?? ''), `tool id ${b.id}`);
      this.#need(typeof b.name === 'string' && b.name !== '', 'tool_use without a name');
      this.#need(isObject(b.input) && Object.keys(b.input).length === 0, 'tool_use start without input {}');
      this.#need(b.caller?.type === 'direct', 'tool_use without caller');
    }
  }

  #delta({ index, delta: d }) {
    const block = this.#block;
    if (!this.#need(this.#state === 'block' && block, `delta in state ${this.#state}`)) return;
    this.#need(index === block.index, `delta for block ${index} while ${block.index} is open`);
    this.#need(kDeltaOf[block.type]?.includes(d?.type), `${d?.type} in a ${block.type} block`);
    this.#need(block.signatures === 0, 'delta after the signature');
    block.deltas += 1;
    if (d?.type === 'text_delta') {
      this.#need(typeof d.text === 'string' && d.text !== '', 'empty text_delta');
      block.text += d.text ?? '';
    }
    if (d?.type === 'thinking_delta') this.#need(typeof d.thinking === 'string', 'thinking_delta without thinking');
    if (d?.type === 'input_json_delta') {
      this.#need(typeof d.partial_json === 'string', 'input_json_delta without partial_json');
      block.json += d.partial_json ?? '';
    }
    if (d?.type === 'compaction_delta') {
      this.#need(block.deltas === 1, 'second compaction_delta');
      this.problems.push(...checkSummary({ ...this.events.findLast((e) => e.event === 'content_block_start').data.content_block, ...d }));
    }
    if (d?.type === 'signature_delta') {
      block.signatures += 1;
      this.#need(typeof d.signature === 'string' && d.signature !== '', 'empty signature');
    }
  }

  #close({ index }) {
    const block = this.#block;
    if (!this.#need(this.#state === 'block' && block, `content_block_stop in state ${this.#state}`)) return;
    this.#need(index === block.index, `stop of block ${index} while ${block.index} is open`);
    if (block.type === 'thinking') this.#need(block.signatures === 1, `thinking block with ${block.signatures} signatures`);
    if (block.type === 'text') this.#need(block.text !== '', 'empty text block');
    if (block.type === 'compaction') this.#need(block.deltas === 1, 'compaction block without its delta');
    if (block.type === 'tool_use') {
      this.#need(block.deltas > 0, 'tool_use block without a delta');
      try { this.#need(isObject(JSON.parse(block.json)), 'tool input is not an object'); } catch { this.#cutJson = true; }
    }
    this.#block = null;
    this.#state = 'message';
  }

  #end({ delta: d, usage, context_management: edits }) {
    this.#need(this.#state === 'message', `message_delta in state ${this.#state}`);
    this.#state = 'deltas-done';
    this.#need(kStopReasons.has(d?.stop_reason), `stop_reason ${d?.stop_reason}`);
    for (const key of ['stop_sequence', 'stop_details', 'container'])
      this.#need(d && key in d, `message_delta.delta without ${key}`);
    const beta = 'context_management' in (this.of('message_start')[0]?.message ?? {});
    this.#need((edits !== undefined) === beta, 'context_management in one of two places');
    this.problems.push(...checkEdits(edits));
    this.#need((d?.stop_reason === 'compaction') === this.#kinds.includes('compaction') && !(this.#kinds.includes('compaction') && this.#kinds.length > 1),
      `blocks ${this.#kinds} with stop_reason ${d?.stop_reason}`);
    const called = this.#kinds.includes('tool_use');
    this.#need(d?.stop_reason !== 'tool_use' || called, 'stop_reason tool_use without a tool_use block');
    this.#need(!called || ['tool_use', 'max_tokens', 'refusal', 'stop_sequence', 'model_context_window_exceeded'].includes(d?.stop_reason),
      `tool_use block but stop_reason ${d?.stop_reason}`);
    if (this.#cutJson) this.#need(d?.stop_reason === 'max_tokens', 'tool input is not JSON');
    this.problems.push(...checkUsage(usage, false));
  }
}

// A whole stream at once.
export function checkStream(bytes, options) {
  const checker = new StreamChecker();
  checker.feed(bytes);
  checker.finish(options);
  return checker;
}
