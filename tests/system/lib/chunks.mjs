// Chat Completions answers as an OpenAI-compatible server would send them: whole documents, and
// the same as lists of stream chunks. Pure.
let count = 0;
const envelope = (object, model) => ({
  id: `chatcmpl-mock${++count}`, object, created: 1_700_000_000, model: model ?? 'mock-model',
});

export const usageOf = (prompt = 20, completion = 7, more = {}) => ({
  prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, ...more,
});

// {text, reasoning, annotations, calls: [{id, name, arguments}], finish, usage, message} -> one JSON document
export function completion({ text, reasoning, annotations, calls, finish, usage, model, message = {} } = {}) {
  const tool_calls = calls?.map((call) => ({
    id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments },
  }));
  return {
    ...envelope('chat.completion', model),
    choices: [{
      index: 0,
      message: { role: 'assistant', ...(reasoning && { reasoning_content: reasoning }), content: text ?? null, refusal: null,
        ...(annotations && { annotations }), ...(tool_calls && { tool_calls }), ...message },
      logprobs: null,
      finish_reason: finish ?? (tool_calls ? 'tool_calls' : 'stop'),
    }],
    usage: usage ?? usageOf(),
  };
}

// One chunk with a delta, or with a finish reason.
export function chunk(delta, { finish = null, model, ...more } = {}) {
  return {
    ...envelope('chat.completion.chunk', model),
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...more,
  };
}
export const usageChunk = (usage = usageOf(), model) =>
  ({ ...envelope('chat.completion.chunk', model), choices: [], usage });

// Cuts a string into pieces of about `size` code points, as models send words and arguments.
export function pieces(text, size) {
  const points = [...text];
  const out = [];
  for (let i = 0; i < points.length; i += size) out.push(points.slice(i, i + size).join(''));
  return out;
}

// The same answer as `completion`, as chunks. `interleave` mixes the fragments of several calls.
export function completionChunks({ text, reasoning, annotations, calls = [], finish, usage, model, size = 5, interleave = false } = {}) {
  const out = [chunk({ role: 'assistant', content: '' }, { model })];
  if (reasoning) for (const part of pieces(reasoning, size)) out.push(chunk({ reasoning_content: part }, { model }));
  if (text) for (const part of pieces(text, size)) out.push(chunk({ content: part }, { model }));
  const rows = calls.map((call, index) => [
    chunk({ tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] }, { model }),
    ...pieces(call.arguments, size).map((part) =>
      chunk({ tool_calls: [{ index, function: { arguments: part } }] }, { model })),
  ]);
  if (!interleave) out.push(...rows.flat());
  else for (let i = 0; rows.some((row) => i < row.length); ++i)
    for (const row of rows) if (i < row.length) out.push(row[i]);
  if (annotations) out.push(chunk({ annotations }, { model }));
  out.push(chunk({}, { model, finish: finish ?? (calls.length ? 'tool_calls' : 'stop') }));
  out.push(usageChunk(usage, model));
  return out;
}

// OpenAI's error shape.
export const errorBody = (message, { type = 'invalid_request_error', code = null, param = null } = {}) =>
  ({ error: { message, type, param, code } });
