// What OpenAI's Responses API accepts, beside its published schema: the rules that a schema cannot
// say. Never talks to anyone.
import { kSealed } from './responses.mjs';
import { checkPublished, checkSchemaNode, Findings, isReasoningModel, lastComponent } from './rules.mjs';

const kTop = new Set(`model input instructions tools tool_choice parallel_tool_calls max_output_tokens max_tool_calls
  reasoning include store truncation temperature top_p text safety_identifier prompt_cache_key prompt_cache_options
  service_tier stream stream_options context_management`.split(/\s+/));
const kItemKeys = {
  message: ['type', 'role', 'content', 'phase'],
  function_call: ['type', 'call_id', 'name', 'arguments'],
  function_call_output: ['type', 'call_id', 'output'],
  reasoning: ['type', 'id', 'summary', 'encrypted_content'],
  compaction: ['type', 'id', 'encrypted_content'],
};
const kPartKeys = {
  input_text: ['type', 'text', 'prompt_cache_breakpoint'],
  input_image: ['type', 'detail', 'image_url', 'prompt_cache_breakpoint'],
  input_file: ['type', 'filename', 'file_data', 'file_url', 'prompt_cache_breakpoint'],
};
const kName = /^[A-Za-z0-9_-]{1,64}$/;

function checkParts(parts, at, out) {
  if (!Array.isArray(parts) || parts.length === 0) return out.add(at, `Invalid '${at}': empty array.`);
  parts.forEach((part, i) => {
    const here = `${at}[${i}]`;
    const keys = kPartKeys[part?.type];
    if (!keys) return out.add(`${here}.type`, `Invalid value: '${part?.type}'. Supported values are: ${Object.keys(kPartKeys).join(', ')}.`);
    for (const key of Object.keys(part)) if (!keys.includes(key)) out.add(`${here}.${key}`, `Unknown parameter: '${here}.${key}'.`);
    if (part.type === 'input_image' && !/^(https?:\/\/|data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*$)/.test(part.image_url ?? ''))
      out.add(here, `bad image url ${String(part.image_url).slice(0, 40)}`);
    if (part.type === 'input_file' && !part.file_url && !(part.filename && /^data:application\/pdf;base64,[A-Za-z0-9+/]+=*$/.test(part.file_data ?? '')))
      out.add(here, 'a file without data and name');
  });
}

function checkMessage(item, at, out) {
  if (item.role === 'assistant') {
    if (typeof item.content !== 'string')
      out.add(`${at}.content`, `Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.`);
    return;
  }
  if (item.phase !== undefined) out.add(`${at}.phase`, `phase is the assistant's`);
  if (typeof item.content !== 'string') checkParts(item.content, `${at}.content`, out);
}

function checkCall(item, at, calls, out) {
  if (typeof item.call_id !== 'string' || item.call_id === '' || item.call_id.length > 64)
    out.add(`${at}.call_id`, `Invalid '${at}.call_id': bad length of ${JSON.stringify(item.call_id)} (1 to 64).`);
  if (calls.has(item.call_id)) out.add(`${at}.call_id`, `Duplicate item: call ${item.call_id}`);
  calls.set(item.call_id, false);
  if (!kName.test(item.name ?? '')) out.add(`${at}.name`, 'bad function name');
  try {
    const value = JSON.parse(item.arguments);
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error();
  } catch {
    out.add(`${at}.arguments`, 'arguments are not the text of a JSON object');
  }
}

function checkInput(body, out) {
  if (!Array.isArray(body.input) || body.input.length === 0) return out.add('input', `Invalid 'input': empty array.`);
  const calls = new Map(); // call_id -> has its output
  const ids = new Set();
  body.input.forEach((item, i) => {
    const at = `input[${i}]`;
    const keys = kItemKeys[item?.type];
    if (!keys) return out.add(`${at}.type`, `Invalid value: '${item?.type}'.`);
    for (const key of Object.keys(item)) if (!keys.includes(key)) out.add(`${at}.${key}`, `Unknown parameter: '${at}.${key}'.`);
    if (item.type === 'message') checkMessage(item, at, out);
    if (item.type === 'function_call') checkCall(item, at, calls, out);
    if (item.type === 'function_call_output') {
      if (calls.get(item.call_id) !== false) out.add(at, `No tool call found for function call output with call_id ${item.call_id}.`);
      calls.set(item.call_id, true);
      if (typeof item.output !== 'string') checkParts(item.output, `${at}.output`, out);
    }
    if (item.type !== 'reasoning') return;
    if (ids.has(item.id)) out.add(at, `Duplicate item found with id ${item.id}.`);
    ids.add(item.id);
    if (!isReasoningModel(body.model) && !/^mock/.test(body.model)) out.add(at, `Reasoning input items can only be provided to a reasoning or computer use model.`);
    if (!item.encrypted_content?.startsWith(kSealed)) out.add(at, `The encrypted content for item ${item.id} could not be verified.`);
    const next = body.input[i + 1];
    const follows = next && (['reasoning', 'function_call'].includes(next.type) || (next.type === 'message' && next.role === 'assistant'));
    if (!follows) out.add(at, `Item '${item.id}' of type 'reasoning' was provided without its required following item.`);
  });
  for (const [id, answered] of calls) if (!answered) out.add('input', `No tool output found for function call ${id}.`);
}

function checkTools(body, out) {
  if (body.tools === undefined) {
    for (const field of ['tool_choice', 'parallel_tool_calls', 'max_tool_calls'])
      if (body[field] !== undefined) out.add(field, `'${field}' is only allowed when 'tools' are specified.`);
    return;
  }
  if (!Array.isArray(body.tools) || body.tools.length === 0) return out.add('tools', `Invalid 'tools': empty array.`);
  const names = new Set();
  body.tools.forEach((tool, i) => {
    const at = `tools[${i}]`;
    if (tool.type !== 'function') return;
    if (!kName.test(tool.name ?? '')) out.add(`${at}.name`, `bad function name ${JSON.stringify(tool.name)}`);
    if (names.has(tool.name)) out.add(`${at}.name`, `two functions are called ${tool.name}`);
    names.add(tool.name);
    // Left out it would be on, and optional properties would become required.
    if (typeof tool.strict !== 'boolean') out.add(`${at}.strict`, 'strict is not said');
    const p = tool.parameters;
    if (p?.type !== 'object') out.add(`${at}.parameters`, `schema must be a JSON Schema of 'type: "object"', got ${JSON.stringify(p?.type)}`);
    for (const key of ['anyOf', 'oneOf', 'allOf', 'not', 'enum'])
      if (p?.[key] !== undefined) out.add(`${at}.parameters`, `schema must not have '${key}' at the top level`);
    checkSchemaNode(p, `${at}.parameters`, out);
  });
  if (names.size > 128) out.add('tools', `Invalid 'tools': array too long (${names.size} > 128).`);
  if (body.tool_choice?.type === 'function' && !names.has(body.tool_choice.name))
    out.add('tool_choice', `Tool choice '${body.tool_choice.name}' not found in 'tools' parameter.`);
  // The o-series refuses the field on Chat Completions, and may do so here.
  if (typeof body.parallel_tool_calls !== 'boolean' && !/^o[134]/.test(lastComponent(body.model))) out.add('parallel_tool_calls', 'it is not said whether calls may be parallel');
}

function checkParameters(body, out) {
  if (typeof body.model !== 'string' || body.model === '') out.add('model', 'you must provide a model parameter');
  if (body.store !== false) out.add('store', 'nothing is to be kept');
  if (!(body.max_output_tokens >= 16)) out.add('max_output_tokens', `Invalid 'max_output_tokens': ${body.max_output_tokens}. Expected a value >= 16.`);
  if (body.stream_options !== undefined && body.stream !== true) out.add('stream_options', `only allowed when 'stream' is enabled.`);
  const sealed = body.include?.includes('reasoning.encrypted_content');
  if (isReasoningModel(body.model)) {
    if (!sealed) out.add('include', 'reasoning is not asked for');
    for (const field of ['temperature', 'top_p'])
      if (body[field] !== undefined && body[field] !== 1)
        out.add(field, `Unsupported parameter: '${field}' is not supported with this model.`);
  } else if (/^(gpt-4|gpt-3)/.test(lastComponent(body.model))) {
    if (body.reasoning !== undefined) out.add('reasoning', `Unsupported parameter: 'reasoning.effort' is not supported with this model.`);
    if (sealed) out.add('include', 'Encrypted content is not supported with this model.');
  }
}

// `kind`: openai, or compatible (servers that copy it: the published schema is not held against it).
export function checkResponsesRequest(body, kind = 'openai') {
  const out = new Findings();
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    out.add('', 'the body is not a JSON object');
    return out.list;
  }
  for (const key of Object.keys(body)) if (!kTop.has(key)) out.add(key, `Unknown parameter: '${key}'.`);
  checkParameters(body, out);
  checkInput(body, out);
  checkTools(body, out);
  if (kind === 'openai') checkPublished(body, out, 'responses');
  return out.list;
}
