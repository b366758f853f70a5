// What OpenAI's Chat Completions accepts, as checks on a parsed request body. The vendor's
// published schema is used as well when CLASP_OPENAI_SCHEMA names it; the rules here are the ones
// that a schema cannot say, or that must hold without it. Never talks to anyone.
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';

const kTop = new Set(`messages model metadata top_logprobs temperature top_p user safety_identifier
  prompt_cache_key prompt_cache_retention prompt_cache_options service_tier modalities verbosity reasoning_effort
  max_completion_tokens frequency_penalty presence_penalty web_search_options response_format audio
  store moderation stream stop logit_bias logprobs max_tokens n prediction seed stream_options tools
  tool_choice parallel_tool_calls function_call functions`.split(/\s+/));
// Further fields that servers of the compatible kind read.
const kCompatibleTop = new Set(`top_k min_p repetition_penalty chat_template_kwargs
  thinking_budget_tokens continue_final_message add_generation_prompt include_stop_str_in_output
  thinking reasoning reasoning_format keep_alive cache_control`.split(/\s+/));
const kMessageKeys = {
  system: ['role', 'content', 'name'],
  developer: ['role', 'content', 'name'],
  user: ['role', 'content', 'name'],
  assistant: ['role', 'content', 'name', 'tool_calls', 'refusal', 'audio'],
  tool: ['role', 'content', 'tool_call_id'],
};
const kCompatibleAssistant = ['reasoning', 'reasoning_content', 'reasoning_details', 'prefix'];
const kPartKeys = {
  text: ['type', 'text', 'prompt_cache_breakpoint'],
  image_url: ['type', 'image_url', 'prompt_cache_breakpoint'],
  input_audio: ['type', 'input_audio', 'prompt_cache_breakpoint'],
  file: ['type', 'file', 'prompt_cache_breakpoint'],
};
const kName = /^[A-Za-z0-9_-]{1,64}$/;

// Largest output that the vendor gives these models; asking for more is refused.
const kOutputLimits = [[/^gpt-4o/, 16384], [/^gpt-4\.1/, 32768], [/^gpt-4-turbo|^gpt-3\.5/, 4096]];

const last = (model) => String(model).split('/').at(-1);
export const lastComponent = last;
export const isReasoningModel = (model) =>
  /^(o[134](-|$)|gpt-[5-9])/.test(last(model)) && !/-chat-latest$/.test(last(model));
const refusesStop = (model) => isReasoningModel(model) && !/^o1(-|$)/.test(last(model));
const refusesParallel = (model) => /^(o1|o3-mini)(-|$)/.test(last(model));

// Every violation is {message, param}; param as OpenAI would name it.
export class Findings {
  list = [];
  add(param, message) { this.list.push({ param, message }); }
}

export function checkSchemaNode(node, path, out, depth = 0) {
  if (depth > 100) return out.add(path, 'schema is nested too deeply');
  if (node === true || node === false) return;
  if (node === null || typeof node !== 'object' || Array.isArray(node))
    return out.add(path, 'schema is not an object');
  const types = [].concat(node.type ?? []);
  if (types.includes('array') && node.items === undefined)
    out.add(path, `Invalid schema: In context=${path}, array schema missing items.`);
  if (node.required !== undefined && !Array.isArray(node.required))
    out.add(path, 'required is not an array');
  if ('type' in node && types.some((t) =>
    !['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'].includes(t)))
    out.add(path, `${JSON.stringify(node.type)} is not a type`);
  for (const key of ['properties', '$defs', 'definitions', 'patternProperties'])
    for (const [name, child] of Object.entries(node[key] ?? {}))
      checkSchemaNode(child, `${path}.${key}.${name}`, out, depth + 1);
  for (const key of ['anyOf', 'oneOf', 'allOf', 'prefixItems'])
    (node[key] ?? []).forEach((child, i) => checkSchemaNode(child, `${path}.${key}[${i}]`, out, depth + 1));
  for (const key of ['items', 'additionalProperties', 'not', 'contains', 'propertyNames'])
    if (node[key] !== undefined) checkSchemaNode(node[key], `${path}.${key}`, out, depth + 1);
}

function checkTools(body, out) {
  if (body.tools === undefined) {
    for (const field of ['tool_choice', 'parallel_tool_calls'])
      if (body[field] !== undefined) out.add(field, `'${field}' is only allowed when 'tools' are specified.`);
    return;
  }
  if (!Array.isArray(body.tools) || body.tools.length === 0)
    return out.add('tools', `Invalid 'tools': empty array.`);
  if (body.tools.length > 128) out.add('tools', `Invalid 'tools': array too long (${body.tools.length} > 128).`);
  const names = new Set();
  body.tools.forEach((tool, i) => {
    const at = `tools[${i}]`;
    if (tool?.type !== 'function') return out.add(`${at}.type`, 'not a function tool');
    const extra = Object.keys(tool).filter((k) => !['type', 'function'].includes(k));
    if (extra.length) out.add(at, `Unknown parameter: '${at}.${extra[0]}'.`);
    const f = tool.function ?? {};
    for (const key of Object.keys(f))
      if (!['name', 'description', 'parameters', 'strict'].includes(key))
        out.add(`${at}.function.${key}`, `Unknown parameter: '${at}.function.${key}'.`);
    if (!kName.test(f.name ?? '')) out.add(`${at}.function.name`, `bad function name ${JSON.stringify(f.name)}`);
    if (names.has(f.name)) out.add(`${at}.function.name`, `two functions are called ${f.name}`);
    names.add(f.name);
    if (f.description !== undefined && typeof f.description !== 'string')
      out.add(`${at}.function.description`, 'not a string');
    if (f.parameters === undefined) return;
    const p = f.parameters;
    if (p?.type !== 'object')
      out.add(`${at}.function.parameters`, `schema must be a JSON Schema of 'type: "object"', got ${JSON.stringify(p?.type)}`);
    for (const key of ['anyOf', 'oneOf', 'allOf', 'not', 'enum'])
      if (p?.[key] !== undefined)
        out.add(`${at}.function.parameters`, `schema must not have '${key}' at the top level`);
    checkSchemaNode(p, `${at}.function.parameters`, out);
  });
  const choice = body.tool_choice;
  if (typeof choice === 'string' && !['none', 'auto', 'required'].includes(choice))
    out.add('tool_choice', `Invalid value: '${choice}'.`);
  if (choice?.type === 'function' && !names.has(choice.function?.name))
    out.add('tool_choice', `Tool choice '${choice.function?.name}' not found in 'tools' parameter.`);
}

function checkParts(parts, at, allowed, out) {
  if (!Array.isArray(parts) || parts.length === 0) return out.add(at, `Invalid '${at}': empty array.`);
  parts.forEach((part, i) => {
    const here = `${at}[${i}]`;
    if (!allowed.includes(part?.type)) return out.add(here, `part type ${JSON.stringify(part?.type)} not allowed here`);
    for (const key of Object.keys(part))
      if (!kPartKeys[part.type].includes(key)) out.add(`${here}.${key}`, `Unknown parameter: '${here}.${key}'.`);
    if (part.type === 'text' && typeof part.text !== 'string') out.add(here, 'text is not a string');
    if (part.type === 'image_url') {
      const url = part.image_url?.url;
      if (typeof url !== 'string' || !/^(https?:\/\/|data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*$)/.test(url))
        out.add(here, `bad image url ${String(url).slice(0, 40)}`);
    }
    if (part.type === 'file' && !part.file?.file_data && !part.file?.file_id) out.add(here, 'file without data');
  });
}

function checkAssistant(message, at, out, compatible) {
  const calls = message.tool_calls;
  const empty = message.content === null || message.content === undefined;
  if (empty && calls === undefined && message.refusal === undefined)
    out.add(`${at}.content`, `Invalid value for 'content': expected a string, got null.`);
  if (!empty && typeof message.content !== 'string')
    checkParts(message.content, `${at}.content`, ['text'], out);
  if (calls === undefined) return [];
  if (!Array.isArray(calls) || calls.length === 0) {
    out.add(`${at}.tool_calls`, `Invalid '${at}.tool_calls': empty array.`);
    return [];
  }
  const ids = new Set();
  calls.forEach((call, i) => {
    const here = `${at}.tool_calls[${i}]`;
    for (const key of Object.keys(call))
      if (!['id', 'type', 'function'].includes(key) && !(compatible && key === 'extra_content'))
        out.add(`${here}.${key}`, `Unknown parameter: '${here}.${key}'.`);
    if (call.type !== 'function') out.add(`${here}.type`, 'missing or not "function"');
    if (typeof call.id !== 'string' || call.id === '' || call.id.length > 40)
      out.add(`${here}.id`, `Invalid '${here}.id': bad length of ${JSON.stringify(call.id)} (1 to 40).`);
    if (ids.has(call.id)) out.add(`${here}.id`, `id ${call.id} used twice in one message`);
    ids.add(call.id);
    if (!kName.test(call.function?.name ?? '')) out.add(`${here}.function.name`, 'bad function name');
    try {
      const value = JSON.parse(call.function?.arguments);
      if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error();
    } catch {
      out.add(`${here}.function.arguments`, 'arguments are not the text of a JSON object');
    }
  });
  return [...ids];
}

function checkMessages(body, out, compatible) {
  if (!Array.isArray(body.messages) || body.messages.length === 0)
    return out.add('messages', `Invalid 'messages': empty array.`);
  let open = null; // ids that wait for their tool message
  let openAt = '';
  const settle = (at) => {
    if (open?.size)
      out.add(openAt, `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...open].join(', ')} (before ${at})`);
    open = null;
  };
  body.messages.forEach((message, i) => {
    const at = `messages[${i}]`;
    const keys = kMessageKeys[message?.role];
    if (!keys) return out.add(`${at}.role`, `Invalid value: ${JSON.stringify(message?.role)}.`);
    for (const key of Object.keys(message))
      if (!keys.includes(key) && !(compatible && message.role === 'assistant' && kCompatibleAssistant.includes(key)))
        out.add(`${at}.${key}`, `Unknown parameter: '${at}.${key}'.`);
    if (message.role === 'tool') {
      if (!open) out.add(at, `messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.`);
      else if (!open.delete(message.tool_call_id))
        out.add(at, `tool message for ${message.tool_call_id}, which is not waiting for one`);
      if (typeof message.content !== 'string') checkParts(message.content, `${at}.content`, ['text'], out);
      return;
    }
    settle(at);
    if (message.role === 'assistant') {
      const ids = checkAssistant(message, at, out, compatible);
      if (ids.length) { open = new Set(ids); openAt = at; }
      return;
    }
    if (typeof message.content !== 'string')
      checkParts(message.content, `${at}.content`,
        message.role === 'user' ? ['text', 'image_url', 'input_audio', 'file'] : ['text'], out);
  });
  settle('the end');
}

function checkParameters(body, out, kind) {
  const reasoning = isReasoningModel(body.model);
  if (typeof body.model !== 'string' || body.model === '') out.add('model', 'you must provide a model parameter');
  for (const field of ['max_tokens', 'max_completion_tokens'])
    if (body[field] !== undefined && (!Number.isInteger(body[field]) || body[field] < 1))
      out.add(field, `Invalid '${field}': ${JSON.stringify(body[field])}`);
  const limit = kOutputLimits.find(([pattern]) => pattern.test(last(body.model)))?.[1];
  const wanted = body.max_completion_tokens ?? body.max_tokens;
  if (limit !== undefined && wanted > limit)
    out.add('max_tokens', `max_tokens is too large: ${wanted}. This model supports at most ${limit} completion tokens.`);
  if (body.max_tokens !== undefined && body.max_completion_tokens !== undefined)
    out.add('max_tokens', `Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.`);
  if (reasoning) {
    if (body.max_tokens !== undefined)
      out.add('max_tokens', `Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.`);
    for (const field of ['temperature', 'top_p'])
      if (body[field] !== undefined && body[field] !== 1)
        out.add(field, `Unsupported value: '${field}' does not support ${body[field]} with this model.`);
  } else if (kind === 'openai' && body.reasoning_effort !== undefined) {
    out.add('reasoning_effort', `Unrecognized request argument supplied: reasoning_effort`);
  }
  if (body.stop !== undefined && body.stop !== null) {
    const list = [].concat(body.stop);
    if (list.length > 4 || list.length === 0) out.add('stop', `Invalid 'stop': ${list.length} strings (1 to 4).`);
    if (list.some((s) => typeof s !== 'string' || s === '')) out.add('stop', 'not all are non-empty strings');
    if (refusesStop(body.model)) out.add('stop', `Unsupported parameter: 'stop' is not supported with this model.`);
  }
  if (body.parallel_tool_calls !== undefined && refusesParallel(body.model))
    out.add('parallel_tool_calls', `Unsupported parameter: 'parallel_tool_calls' is not supported with this model.`);
  if (body.stream_options !== undefined && body.stream !== true)
    out.add('stream_options', `The 'stream_options' parameter is only allowed when 'stream' is enabled.`);
}

let published;
function publishedSchema() {
  if (published !== undefined) return published;
  const file = process.env.CLASP_OPENAI_SCHEMA;
  if (!file) return (published = null);
  const document = JSON.parse(readFileSync(file, 'utf8'));
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema({ $id: 'openai', ...document });
  published = {
    chat: ajv.getSchema('openai#/$defs/CreateChatCompletionRequest'),
    responses: ajv.getSchema('openai#/$defs/CreateResponse'),
  };
  return published;
}
export const schemaKnown = () => publishedSchema() !== null;

// `which`: chat or responses.
export function checkPublished(body, out, which = 'chat') {
  const check = publishedSchema()?.[which];
  if (!check || check(body)) return;
  // allOf/anyOf report every branch; the deepest place is the telling one.
  const errors = [...check.errors].sort((a, b) => b.instancePath.length - a.instancePath.length);
  out.add(errors[0].instancePath, `published schema: ${errors.slice(0, 4).map((e) => `${e.instancePath} ${e.message}`).join('; ')}`);
}

// `kind`: openai, or compatible (the same and the extensions of servers that copy it).
export function checkChatRequest(body, kind = 'openai') {
  const out = new Findings();
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    out.add('', 'the body is not a JSON object');
    return out.list;
  }
  for (const key of Object.keys(body))
    if (!kTop.has(key) && !(kind === 'compatible' && kCompatibleTop.has(key)))
      out.add(key, `Unrecognized request argument supplied: ${key}`);
  checkParameters(body, out, kind);
  checkMessages(body, out, kind === 'compatible');
  checkTools(body, out);
  if (kind === 'openai') checkPublished(body, out);
  return out.list;
}
