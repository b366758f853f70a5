// Answers of OpenAI's Responses API, as documents and as the events of a stream: reasoning with
// summaries and a sealed copy, searches, messages with citations, calls whose arguments come
// interleaved, refusals, and answers that end early or fail. Pure.
import { pieces } from './chunks.mjs';

let count = 0;
const id = (prefix) => `${prefix}_mock${(++count).toString(16).padStart(24, '0')}`;
// What only this backend can read again.
export const kSealed = 'gAAAAAmock';
const seal = (text) => `${kSealed}${Buffer.from(text).toString('base64url')}`;

export const usageOfResponse = (input = 20, output = 7, { cached = 0, written = 0, reasoning = 0 } = {}) => ({
  input_tokens: input, input_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
  output_tokens: output, output_tokens_details: { reasoning_tokens: reasoning }, total_tokens: input + output,
});

// {reasoning: text or list of summary parts, search: {query, sources}, text, annotations, calls, refusal}
// -> output items in the order in which the model makes them. `items` may be given instead.
function itemsOf({ reasoning, search, text, annotations = [], calls = [], refusal, items, phase }) {
  if (items) return items;
  const out = [];
  const parts = reasoning === undefined ? [] : [].concat(reasoning);
  if (parts.length)
    out.push({ id: id('rs'), type: 'reasoning', encrypted_content: seal(parts.join('|')),
      summary: parts.map((part) => ({ type: 'summary_text', text: part })) });
  if (search)
    out.push({ id: id('ws'), type: 'web_search_call', status: 'completed',
      action: { type: 'search', query: search.query, queries: [search.query], sources: (search.sources ?? []).map((url) => ({ type: 'url', url })) } });
  if (text !== undefined || refusal !== undefined)
    out.push({ id: id('msg'), type: 'message', status: 'completed', role: 'assistant',
      phase: phase ?? (calls.length ? 'commentary' : 'final_answer'),
      content: [refusal !== undefined ? { type: 'refusal', refusal } : { type: 'output_text', annotations, logprobs: [], text }] });
  for (const call of calls)
    out.push({ id: id('fc'), type: 'function_call', status: 'completed', arguments: call.arguments, call_id: call.id, name: call.name });
  return out;
}

function envelope(output, { model = 'mock-model', status = 'completed', usage, reason, error } = {}) {
  return {
    id: id('resp'), object: 'response', created_at: 1_700_000_000, status, background: false, error: error ?? null,
    incomplete_details: reason ? { reason } : null, instructions: null, max_output_tokens: null, model, output,
    parallel_tool_calls: true, previous_response_id: null, reasoning: { effort: 'medium', summary: 'detailed' }, store: false,
    temperature: 1, text: { format: { type: 'text' } }, tool_choice: 'auto', tools: [], top_p: 1, truncation: 'disabled',
    usage: usage ?? (status === 'completed' || status === 'incomplete' ? usageOfResponse() : null), user: null, metadata: {},
    service_tier: 'default',
  };
}

const statusOf = ({ reason, error }) => (error ? 'failed' : reason ? 'incomplete' : 'completed');

// `reason`: why it is incomplete (max_output_tokens, content_filter); `error`: {code, message} of a failure.
export const responseDocument = (answer = {}) => envelope(itemsOf(answer), { ...answer, status: statusOf(answer) });

// The events of one item, in rows that belong together: [what opens it, …, what closes it].
function itemEvents(item, index, size) {
  const at = { item_id: item.id, output_index: index };
  const opened = { ...item, ...(item.status && { status: 'in_progress' }) };
  const rows = [];
  const deltas = (type, text, more) => pieces(text, size).map((delta) => ({ type, ...at, ...more, delta, obfuscation: 'x'.repeat(delta.length % 5) }));
  if (item.type === 'reasoning') {
    Object.assign(opened, { summary: [], encrypted_content: item.encrypted_content?.slice(0, 12) });
    item.summary.forEach((part, summary_index) => rows.push(
      { type: 'response.reasoning_summary_part.added', ...at, summary_index, part: { type: 'summary_text', text: '' } },
      ...deltas('response.reasoning_summary_text.delta', part.text, { summary_index }),
      { type: 'response.reasoning_summary_text.done', ...at, summary_index, text: part.text },
      { type: 'response.reasoning_summary_part.done', ...at, summary_index, part }));
  } else if (item.type === 'message') {
    opened.content = [];
    item.content.forEach((part, content_index) => {
      const here = { content_index };
      if (part.type === 'refusal') {
        rows.push({ type: 'response.content_part.added', ...at, ...here, part: { type: 'refusal', refusal: '' } },
          ...deltas('response.refusal.delta', part.refusal, here), { type: 'response.refusal.done', ...at, ...here, refusal: part.refusal });
      } else {
        rows.push({ type: 'response.content_part.added', ...at, ...here, part: { ...part, text: '', annotations: [] } },
          ...deltas('response.output_text.delta', part.text, { ...here, logprobs: [] }),
          ...part.annotations.map((annotation, annotation_index) => ({ type: 'response.output_text.annotation.added', ...at, ...here, annotation_index, annotation })),
          { type: 'response.output_text.done', ...at, ...here, text: part.text, logprobs: [] });
      }
      rows.push({ type: 'response.content_part.done', ...at, ...here, part });
    });
  } else if (item.type === 'function_call') {
    opened.arguments = '';
    rows.push(...deltas('response.function_call_arguments.delta', item.arguments),
      { type: 'response.function_call_arguments.done', ...at, arguments: item.arguments });
  } else if (item.type === 'web_search_call') {
    delete opened.action;
    rows.push(...['in_progress', 'searching', 'completed'].map((word) => ({ type: `response.web_search_call.${word}`, ...at })));
  }
  return [{ type: 'response.output_item.added', output_index: index, item: opened }, ...rows,
    { type: 'response.output_item.done', output_index: index, item }];
}

// One event of each row in turn, as when calls are written side by side.
const interleaved = (rows) => {
  const out = [];
  for (let i = 0; rows.some((row) => i < row.length); ++i)
    for (const row of rows) if (i < row.length) out.push(row[i]);
  return out;
};

// The same answer as `responseDocument`, as events. `interleave` mixes the calls; `only` leaves out
// all but the last event, as some proxies do.
export function responseEvents(answer = {}) {
  const { size = 5, interleave = false, only = false } = answer;
  const items = itemsOf(answer);
  const status = statusOf(answer);
  const final = envelope(items, { ...answer, status });
  const begun = { ...final, status: 'in_progress', output: [], usage: null, error: null, incomplete_details: null };
  const rows = items.map((item, index) => itemEvents(item, index, size));
  const first = items.findIndex((item) => item.type === 'function_call');
  const talk = first < 0 || !interleave ? rows : rows.slice(0, first);
  const events = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    ...talk.flat(),
    ...(talk === rows ? [] : interleaved(rows.slice(first))),
    { type: `response.${status}`, response: final },
  ];
  const kept = only ? events.slice(-1) : events;
  return kept.map((event, sequence_number) => ({ ...event, sequence_number }));
}

export const errorEvent = (message, code = 'server_error') => ({ type: 'error', code, message, param: null, sequence_number: 9 });
