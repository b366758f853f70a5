// A language model's stand-in for agent sessions: it looks at the conversation and the declared
// tools and answers like a model that follows simple orders, always the same way.
//
// An order is a line of the newest user text of the form `DO <verb> <JSON>`; verbs:
//   write {"path","content"}            one call of the Write tool
//   write-many [{"path","content"},…]   several calls in one reply, fragments interleaved
//   read {"path"}                       one call of the Read tool, then a word about what came back
//   steps [[{"tool","input"},…],…]      any calls: one reply for each list, the next when it has the results
// Everything else (titles, topics, small talk) is answered with a short text.
import { reply } from './mock.mjs';

const textOf = (content) => typeof content === 'string' ? content
  : (content ?? []).filter((p) => p.type === 'text').map((p) => p.text).join('\n');

// Items of a Responses request as messages of a chat, so that the model looks at one kind only.
const partOf = (part) => part.type === 'input_text' ? { type: 'text', text: part.text }
  : part.type === 'input_image' ? { type: 'image_url', image_url: { url: part.image_url } } : { type: 'file', file: part };
const contentOf = (content) => typeof content === 'string' ? content : content.map(partOf);
function messagesOf(input) {
  const out = [];
  for (const item of input) {
    if (item.type === 'message') out.push({ role: item.role, content: contentOf(item.content) });
    if (item.type === 'function_call') {
      if (!out.at(-1)?.tool_calls) out.push({ role: 'assistant', content: null, tool_calls: [] });
      out.at(-1).tool_calls.push(item);
    }
    if (item.type !== 'function_call_output') continue;
    const content = contentOf(item.output);
    out.push({ role: 'tool', content });
    // Pictures and files may stand in the result itself there.
    if (Array.isArray(content)) out.push({ role: 'user', content: content.filter((p) => p.type !== 'text') });
  }
  return out;
}
// The declared functions, whichever API declares them.
const functionsOf = (body) => (body.tools ?? []).map((tool) => tool.function ?? tool).filter((tool) => tool.name);

const kOrder = /^DO ([a-z-]+) (.+)$/m;

// The newest order and what happened since: the tool messages and images that came after it.
function situation(messages) {
  let at = -1, order = null;
  messages.forEach((message, i) => {
    if (message.role !== 'user') return;
    const found = kOrder.exec(textOf(message.content));
    if (found) { at = i; order = { verb: found[1], what: JSON.parse(found[2]) }; }
  });
  const since = messages.slice(at + 1);
  const parts = since.filter((m) => m.role === 'user' && Array.isArray(m.content)).flatMap((m) => m.content);
  const images = parts.filter((p) => p.type === 'image_url').map((p) => p.image_url.url);
  const files = parts.filter((p) => p.type === 'file').map((p) => p.file);
  return { order, images, files, results: since.filter((m) => m.role === 'tool').map((m) => textOf(m.content)),
           steps: since.filter((m) => m.role === 'assistant' && m.tool_calls).length };
}

// Arguments for a declared tool, by what the names of its properties mean.
function argumentsFor(tool, what) {
  const { properties = {}, required = [] } = tool.parameters ?? {};
  const out = {};
  for (const name of Object.keys(properties)) {
    if (/path/.test(name) && what.path !== undefined) out[name] = what.path;
    else if (/^(content|text|file_text)$/.test(name) && what.content !== undefined) out[name] = what.content;
  }
  for (const name of required)
    if (!(name in out)) throw new Error(`the model does not know what to give ${tool.name} as ${name}`);
  return JSON.stringify(out);
}

export class Model {
  // thoughts: body => the reasoning in front of an answer. search: {text, annotations, search}, the
  // answer when the backend itself shall search the web.
  constructor({ thoughts, search } = {}) { Object.assign(this, { thoughts, search }); }
  log = []; // what it decided, one word per request
  images = [];
  files = []; // documents: {filename, file_data}
  results = [];
  #calls = 0;

  // A script for Mock.
  get script() { return (request) => this.#answer(request); }

  #tool(body, pattern) {
    const tool = functionsOf(body).find((t) => pattern.test(t.name));
    if (!tool) throw new Error(`no declared tool matches ${pattern}`);
    return tool;
  }

  #decide(body) {
    const { order, images, files, results, steps } = situation(body.messages ?? messagesOf(body.input));
    const searches = body.web_search_options || body.plugins || body.tools?.some((t) => t.type === 'web_search');
    if (this.search && searches) return { word: 'search', ...this.search };
    if (!order || !body.tools?.length) return { word: 'small-talk', text: 'A short title' };
    this.images.push(...images);
    this.files.push(...files);
    this.results.push(...results);
    if (order.verb === 'steps' && steps < order.what.length) {
      const jobs = order.what[steps];
      return { word: jobs.map((job) => job.tool).join('+'), text: 'I will do that.', interleave: jobs.length > 1,
               calls: jobs.map((job) => ({ id: `call_model${++this.#calls}`, name: this.#tool(body, new RegExp(`^${job.tool}$`)).name, arguments: JSON.stringify(job.input) })) };
    }
    if (steps) {
      const seen = (images.length ? ` I see ${images.length} image.` : '') + (files.length ? ` I read ${files.length} document.` : '');
      return { word: 'done', text: `All done: ${results.length} result(s).${seen} ✅` };
    }
    const jobs = [].concat(order.what);
    const tool = this.#tool(body, order.verb.startsWith('write') ? /^Write$/i : /^Read$/i);
    return {
      word: `${order.verb}*${jobs.length}`, text: 'I will do that.', interleave: jobs.length > 1,
      calls: jobs.map((what) => ({ id: `call_model${++this.#calls}`, name: tool.name, arguments: argumentsFor(tool, what) })),
    };
  }

  #answer(request) {
    const { body } = request;
    const { word, ...answer } = this.#decide(body);
    if (word !== 'small-talk' && this.thoughts) answer.reasoning = this.thoughts(body);
    this.log.push(word);
    return reply({ ...answer, model: body.model, size: 3 });
  }
}
