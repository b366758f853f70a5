// The tools of the real Claude Code: each is called by the scripted model, works, and its result
// comes back. And the page that describes them must know whatever the installed client declares.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assert } from './lib/harness.mjs';
import { ccTest, conversation, finished, session, stage, steps } from './lib/claude.mjs';
import { Model } from './lib/model.mjs';
import { pdf } from './lib/files.mjs';

const all = { ENABLE_TOOL_SEARCH: 'false' }; // declares everything at once
const page = fileURLToPath(new URL('../../docs/claude-code-tools.md', import.meta.url));
const words = (model) => model.log.filter((word) => word !== 'small-talk');

ccTest('WebSearch on a backend that searches', async (b) => {
  const url = 'https://example.org/rome';
  const search = { text: 'It is sunny in Rome.', annotations: [{ type: 'url_citation', url_citation: { url, title: 'Weather of Rome', start_index: 6, end_index: 11 } }] };
  const { tap, mock, model } = await stage(b, new Model({ search }), { model: 'gpt-4o-search-preview' });
  const run = await session(b, tap.url, () => steps([{ tool: 'WebSearch', input: { query: 'weather in Rome' } }]), { env: all });
  finished(run, tap);
  assert.deepEqual(words(model), ['WebSearch', 'search', 'done']);
  const side = mock.chats.find((r) => r.body.web_search_options).body;
  assert.equal(side.tools, undefined);
  assert.match(side.messages.at(-1).content, /weather in Rome/);
  assert.match(model.results[0], /It is sunny in Rome\./);
  assert.ok(model.results[0].includes(url) && model.results[0].includes('Weather of Rome'), `the model is given the sources: ${model.results[0]}`);
});

ccTest('WebSearch through the plugin of openrouter', async (b) => {
  const sources = ['https://example.org/a', 'https://example.org/b'];
  const search = { text: 'Both say so.', annotations: sources.map((url) => ({ type: 'url_citation', url_citation: { url, title: `Page ${url.at(-1)}`, content: 'cited', start_index: 0, end_index: 4 } })) };
  const model = new Model({ search });
  const mock = await b.mock(model.script, { rules: 'none' });
  const daemon = await b.daemon({ config: `[backend router]\nprovider = custom\ndialect = openrouter\nbase_url = ${mock.url}\napi_key = ${mock.key}\nmodel = some/model\nflag.web_search = plugin\n` });
  const tap = await b.tap(daemon.url);
  const run = await session(b, tap.url, () => steps([{ tool: 'WebSearch', input: { query: 'who says so' } }]), { env: all });
  finished(run, tap);
  assert.deepEqual(words(model), ['WebSearch', 'search', 'done']);
  assert.equal(mock.chats.find((r) => r.body.plugins).body.plugins[0].id, 'web');
  for (const url of sources) assert.ok(model.results[0].includes(url), model.results[0]);
});

ccTest('WebSearch on a backend without: the model is told why', async (b) => {
  const { tap, mock, model } = await stage(b, new Model(), { provider: 'custom', model: 'llama' });
  const run = await session(b, tap.url, () => steps([{ tool: 'WebSearch', input: { query: 'weather' } }]), { env: all });
  assert.equal(run.code, 0);
  assert.equal(run.result.is_error, false);
  assert.match(model.results[0], /^Error: .*400.*web search is not available on this backend/);
  assert.equal(mock.chats.length, 2, 'the search itself never went to the backend');
});

ccTest('Agent: a conversation inside the conversation', async (b) => {
  const { tap, mock, model } = await stage(b);
  const run = await session(b, tap.url, (work) => steps([{ tool: 'Agent', input: { description: 'Write a file', subagent_type: 'general-purpose', run_in_background: false,
    prompt: `DO write ${JSON.stringify({ path: `${work}/sub.txt`, content: 'by the agent' })}` } }]));
  finished(run, tap);
  assert.equal(readFileSync(`${run.work}/sub.txt`, 'utf8'), 'by the agent');
  assert.deepEqual(words(model), ['Agent', 'write*1', 'done', 'done']);
  assert.ok(model.results.some((r) => /All done: 1 result\(s\)/.test(r)), 'its report reaches the first conversation');
  assert.equal(mock.chats.filter((r) => r.body.messages.some((m) => m.role === 'tool')).length, 2);
});

ccTest('Read of a PDF: the document itself reaches the model', async (b) => {
  const document = pdf('Hello reader');
  const { tap, model } = await stage(b);
  const run = await session(b, tap.url, (work) => `DO read ${JSON.stringify({ path: `${work}/paper.pdf` })}`, { prepare: (work) => writeFileSync(`${work}/paper.pdf`, document) });
  finished(run, tap);
  assert.match(run.result.result, /I read 1 document/);
  const [head, data] = model.files[0].file_data.split(',');
  assert.equal(head, 'data:application/pdf;base64');
  assert.deepEqual(Buffer.from(data, 'base64'), document);
});

ccTest('NotebookEdit', async (b) => {
  const { tap, model } = await stage(b);
  const notebook = { cells: [{ cell_type: 'code', id: 'c1', metadata: {}, execution_count: null, outputs: [], source: 'print(1)' }],
    metadata: { language_info: { name: 'python' } }, nbformat: 4, nbformat_minor: 5 };
  const run = await session(b, tap.url, (work) => steps([{ tool: 'Read', input: { file_path: `${work}/n.ipynb` } }],
    [{ tool: 'NotebookEdit', input: { notebook_path: `${work}/n.ipynb`, cell_id: 'c1', new_source: 'print("ü")', edit_mode: 'replace' } }]),
  { env: all, prepare: (work) => writeFileSync(`${work}/n.ipynb`, JSON.stringify(notebook)) });
  finished(run, tap);
  assert.match(model.results[0], /print\(1\)/);
  assert.equal(JSON.parse(readFileSync(`${run.work}/n.ipynb`, 'utf8')).cells[0].source, 'print("ü")');
});

ccTest('Bash, Edit, Glob and Grep', async (b) => {
  const { tap, model } = await stage(b);
  const run = await session(b, tap.url, (work) => steps(
    [{ tool: 'Bash', input: { command: 'printf "one\\nneedle\\n" > hay.txt', description: 'Makes hay' } }],
    [{ tool: 'Glob', input: { pattern: '*.txt' } }, { tool: 'Grep', input: { pattern: 'need.e', output_mode: 'content', '-n': true } }],
    [{ tool: 'Read', input: { file_path: `${work}/hay.txt` } }],
    [{ tool: 'Edit', input: { file_path: `${work}/hay.txt`, old_string: 'needle', new_string: 'pin "n" \\ €' } }]), { args: ['--tools', 'Bash,Glob,Grep,Read,Edit'] });
  finished(run, tap);
  assert.equal(readFileSync(`${run.work}/hay.txt`, 'utf8'), 'one\npin "n" \\ €\n');
  assert.ok(model.results.some((r) => /hay\.txt:2:needle/.test(r)));
  assert.deepEqual(words(model), ['Bash', 'Glob+Grep', 'Read', 'Edit', 'done']);
});

ccTest('a tool that fails says so to the model', async (b) => {
  const { tap, model } = await stage(b);
  const run = await session(b, tap.url, (work) => steps([{ tool: 'Read', input: { file_path: `${work}/none.txt` } }, { tool: 'Bash', input: { command: 'exit 3', description: 'Fails' } }]));
  finished(run, tap);
  assert.equal(model.results.length, 2);
  for (const result of model.results) assert.match(result, /^error/i);
});

ccTest('TaskCreate, TaskUpdate, TaskGet, TaskList', async (b) => {
  const { tap, model } = await stage(b);
  const run = await session(b, tap.url, () => steps([{ tool: 'TaskCreate', input: { subject: 'First', description: 'the first thing' } }],
    [{ tool: 'TaskUpdate', input: { taskId: '1', status: 'completed' } }], [{ tool: 'TaskGet', input: { taskId: '1' } }, { tool: 'TaskList', input: {} }]),
  { args: ['--model', 'claude-sonnet-4-5'], env: all });
  finished(run, tap);
  assert.deepEqual(words(model), ['TaskCreate', 'TaskUpdate', 'TaskGet+TaskList', 'done']);
  assert.match(model.results.at(-1), /#1 \[completed\] First/);
});

ccTest('ToolSearch: a deferred tool is found and called', async (b) => {
  const { tap, mock, model } = await stage(b);
  const run = await session(b, tap.url, () => steps([{ tool: 'ToolSearch', input: { query: 'select:CronList', max_results: 5 } }], [{ tool: 'CronList', input: {} }]));
  finished(run, tap);
  assert.equal(model.results[0], 'Tool available: CronList');
  const declared = mock.chats.filter((r) => r.body.tools).map((r) => r.body.tools.map((t) => t.function.name));
  assert.ok(!declared[0].includes('CronList') && declared.at(-1).includes('CronList'));
});

ccTest('AskUserQuestion, EnterPlanMode, ExitPlanMode: the user answers', async (b) => {
  const { tap, model } = await stage(b);
  const questions = [{ question: 'Which colour?', header: 'Colour', multiSelect: false, options: [{ label: 'Red', description: 'warm' }, { label: 'Blue', description: 'cold' }] }];
  const asked = [];
  const decide = (request) => {
    asked.push(request.tool_name);
    return { behavior: 'allow', updatedInput: request.tool_name === 'AskUserQuestion' ? { ...request.input, answers: { 'Which colour?': 'Blue' } } : request.input };
  };
  const run = await conversation(b, tap.url, () => steps([{ tool: 'AskUserQuestion', input: { questions } }], [{ tool: 'EnterPlanMode', input: {} }], [{ tool: 'ExitPlanMode', input: {} }]), decide, { env: all });
  finished(run, tap);
  assert.deepEqual(words(model), ['AskUserQuestion', 'EnterPlanMode', 'ExitPlanMode', 'done']);
  assert.deepEqual(asked, ['AskUserQuestion', 'ExitPlanMode']);
  assert.match(model.results[0], /Which colour\?.*Blue/);
});

ccTest('trap 26: a tool of an MCP server with a name that is too long for the backend', async (b) => {
  const server = fileURLToPath(new URL('lib/mcp_server.mjs', import.meta.url));
  const tool = `add_${'very_'.repeat(10)}long`;
  const { tap, mock, model } = await stage(b);
  const config = JSON.stringify({ mcpServers: { calculator: { type: 'stdio', command: process.execPath, args: [server, tool] } } });
  const run = await session(b, tap.url, () => steps([{ tool: 'mcp__calculator__add_.*', input: { a: 2, b: 3 } }]), { env: all, args: ['--mcp-config', config, '--strict-mcp-config'] });
  finished(run, tap);
  const sent = mock.chats[0].body.tools.map((t) => t.function.name).find((name) => name.startsWith('mcp__'));
  assert.equal(sent.length, 64);
  const called = run.lines.filter((l) => l.type === 'assistant').flatMap((l) => l.message.content).find((c) => c.type === 'tool_use');
  assert.equal(called.name, `mcp__calculator__${tool}`, 'the client sees its own name');
  assert.equal(mock.last.body.messages.find((m) => m.tool_calls).tool_calls[0].function.name, sent, 'and the backend the same short one again');
  assert.match(model.results[0], /^5/);
});

// Everything that a page says about one tool: from where its name opens a paragraph or a row, to the next.
function sectionOf(text, name) {
  const lines = text.split('\n');
  const opens = (line) => line.startsWith(`**${name}**`) || line.includes(`. **${name}** `) || line.startsWith(`| ${name} |`) || line === `### ${name}`;
  const next = (line) => /^(\*\*[A-Z]|#|\| [A-Z])/.test(line);
  return lines.flatMap((line, i) => {
    if (!opens(line)) return [];
    const end = lines.findIndex((later, k) => k > i && next(later));
    return lines.slice(i, end < 0 ? undefined : end);
  }).join('\n');
}

ccTest('the page about its tools knows all that it declares, with all parameters', async (b) => {
  const declared = new Map();
  const look = ({ mock }) => {
    for (const { body } of mock.chats) for (const { function: f } of body.tools ?? []) declared.set(f.name, new Set([...(declared.get(f.name) ?? []), ...Object.keys(f.parameters?.properties ?? {})]));
  };
  const ask = () => 'Say hello';
  for (const options of [{}, { env: all, args: ['--model', 'claude-sonnet-4-5'] }, { args: ['--tools', 'Glob,Grep'] }]) {
    const made = await stage(b);
    finished(await session(b, made.tap.url, ask, options), made.tap);
    look(made);
  }
  const made = await stage(b);
  finished(await conversation(b, made.tap.url, ask, () => ({ behavior: 'allow' }), { env: all }), made.tap);
  look(made);
  assert.ok(declared.size > 25 && declared.has('ToolSearch') && declared.has('AskUserQuestion') && declared.has('TaskCreate'), [...declared.keys()].join());
  assert.ok(existsSync(page));
  const text = readFileSync(page, 'utf8');
  const overview = text.slice(0, text.indexOf('## The tools'));
  for (const [name, parameters] of declared) {
    if (!overview.split('\n').some((line) => line.startsWith('|') && new RegExp(`\\b${name}\\b`).test(line))) b.problem(`${page}: the overview lacks ${name}`);
    const section = sectionOf(text, name);
    if (!section) b.problem(`${page}: says nothing about ${name}`);
    else for (const one of parameters) if (!section.includes(`\`${one}\``)) b.problem(`${page}: lacks the parameter ${one} of ${name}`);
  }
});
