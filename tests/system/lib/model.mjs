// A language model's stand-in for agent sessions: it looks at the conversation and the declared
// tools and answers like a model that follows simple orders, always the same way.
//
// An order is a line of the newest user text of the form `DO <verb> <JSON>`; verbs:
//   write {"path","content"}            one call of the Write tool
//   write-many [{"path","content"},…]   several calls in one reply, fragments interleaved
//   read {"path"}                       one call of the Read tool, then a word about what came back
//   steps [[{"tool","input"},…],…]      any calls: one reply for each list, the next when it has the results
// Everything else (titles, topics, small talk) is answered with a short text.
import { completion, completionChunks } from './chunks.mjs';
import { json, sse } from './mock.mjs';

const textOf = (content) => typeof content === 'string' ? content
  : (content ?? []).filter((p) => p.type === 'text').map((p) => p.text).join('\n');

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
  const { properties = {}, required = [] } = tool.function.parameters ?? {};
  const out = {};
  for (const name of Object.keys(properties)) {
    if (/path/.test(name) && what.path !== undefined) out[name] = what.path;
    else if (/^(content|text|file_text)$/.test(name) && what.content !== undefined) out[name] = what.content;
  }
  for (const name of required)
    if (!(name in out)) throw new Error(`the model does not know what to give ${tool.function.name} as ${name}`);
  return JSON.stringify(out);
}

export class Model {
  // thoughts: body => the reasoning in front of an answer. search: {text, annotations}, the answer when
  // the backend itself shall search the web.
  constructor({ thoughts, search } = {}) { Object.assign(this, { thoughts, search }); }
  log = []; // what it decided, one word per request
  images = [];
  files = []; // documents: {filename, file_data}
  results = [];
  #calls = 0;

  // A script for Mock.
  get script() { return (request) => this.#answer(request.body); }

  #tool(body, pattern) {
    const tool = (body.tools ?? []).find((t) => pattern.test(t.function.name));
    if (!tool) throw new Error(`no declared tool matches ${pattern}`);
    return tool;
  }

  #decide(body) {
    const { order, images, files, results, steps } = situation(body.messages);
    if (this.search && (body.web_search_options || body.plugins)) return { word: 'search', ...this.search };
    if (!order || !body.tools?.length) return { word: 'small-talk', text: 'A short title' };
    this.images.push(...images);
    this.files.push(...files);
    this.results.push(...results);
    if (order.verb === 'steps' && steps < order.what.length) {
      const jobs = order.what[steps];
      return { word: jobs.map((job) => job.tool).join('+'), text: 'I will do that.', interleave: jobs.length > 1,
               calls: jobs.map((job) => ({ id: `call_model${++this.#calls}`, name: this.#tool(body, new RegExp(`^${job.tool}$`)).function.name, arguments: JSON.stringify(job.input) })) };
    }
    if (steps) {
      const seen = (images.length ? ` I see ${images.length} image.` : '') + (files.length ? ` I read ${files.length} document.` : '');
      return { word: 'done', text: `All done: ${results.length} result(s).${seen} ✅` };
    }
    const jobs = [].concat(order.what);
    const tool = this.#tool(body, order.verb.startsWith('write') ? /^Write$/i : /^Read$/i);
    return {
      word: `${order.verb}*${jobs.length}`, text: 'I will do that.', interleave: jobs.length > 1,
      calls: jobs.map((what) => ({ id: `call_model${++this.#calls}`, name: tool.function.name, arguments: argumentsFor(tool, what) })),
    };
  }

  #answer(body) {
    const { word, ...answer } = this.#decide(body);
    if (word !== 'small-talk' && this.thoughts) answer.reasoning = this.thoughts(body);
    this.log.push(word);
    const whole = { ...answer, model: body.model };
    if (!body.stream) return json(completion(whole));
    return sse(completionChunks({ ...whole, size: 3 }));
  }
}
