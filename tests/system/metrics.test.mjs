// GET /metrics and /metrics/prometheus: their shapes, that they add up, what cannot explode, and
// that the rules, the dashboard and the manual speak of what is there.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { call, fail, pause, reply, say, sse } from './lib/mock.mjs';
import { completionChunks, usageOf } from './lib/chunks.mjs';
import { until } from './lib/scale.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const hashOf = (key) => `sha256:${createHash('sha256').update(key).digest('hex')}`;
const read = (file) => readFileSync(path.join(root, file), 'utf8');

// {type: {name: type}, samples: [{name, labels, value}]}
function parse(text) {
  const types = {}, samples = [];
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type) { assert.ok(!(type[1] in types), `${type[1]} twice`); types[type[1]] = type[2]; continue; }
    if (!line || line.startsWith('#')) continue;
    const found = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    assert.ok(found, `no sample: ${line}`);
    const labels = {};
    for (const [, key, value] of (found[2] ?? '').matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)) labels[key] = value;
    samples.push({ name: found[1], labels, value: Number(found[3]) });
  }
  return { types, samples };
}

async function scrape(client) {
  const answer = await client.get('/metrics/prometheus');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const parsed = parse(answer.text);
  const sum = (name, want = {}) => parsed.samples
    .filter((s) => s.name === name && Object.entries(want).every(([k, v]) => s.labels[k] === v))
    .reduce((all, s) => all + s.value, 0);
  return { ...parsed, sum, text: answer.text };
}

const script = (request) => {
  const text = JSON.stringify(request.body.messages);
  return text.includes('fail500') ? fail(500, 'broken')
    : text.includes('fail400') ? fail(400, 'what is this')
      : text.includes('tool') ? call('look', { at: 'x' })
        : text.includes('slow') ? sse([...completionChunks({ text: 'a b c d' }).slice(0, 3), () => new Promise(() => {})], { end: 'open' })
          : text.includes('drip') ? reply({ text: 'one two three four five six' }, { gap: 15 })
            : say('hello');
};
const backend = (mock, more = '') =>
  `[backend east]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n[retry]\nattempts = 1\n${more}`;

// Every kind of traffic once or more; over connections of their own, so that all workers serve.
async function traffic(b, daemon) {
  const fresh = () => b.client(daemon.url, { agent: new http.Agent({ keepAlive: false }) });
  const client = fresh();
  const counts = { completed: 0, failed: 0, streams: 0, tools: 0 };
  for (let i = 0; i < 6; ++i) { await client.message(ask('x')); ++counts.completed; }
  for (let i = 0; i < 3; ++i) { await client.wholeStream(ask('drip')); ++counts.completed; ++counts.streams; }
  for (let i = 0; i < 2; ++i) {
    await client.message(ask('tool', { tools: [{ name: 'look', input_schema: { type: 'object' } }] }));
    ++counts.completed; ++counts.tools;
  }
  await client.wholeStream(ask('tool', { tools: [{ name: 'look', input_schema: { type: 'object' } }] }));
  ++counts.completed; ++counts.tools; ++counts.streams;
  for (let i = 0; i < 2; ++i) { assert.equal((await client.message(ask('fail500'))).status, 500); ++counts.failed; }
  assert.equal((await client.message(ask('fail400'))).status, 400); ++counts.failed;
  assert.equal((await client.post('/v1/messages', '{"nonsense"')).status, 400); ++counts.failed;
  await client.message(ask('x', { top_k: 5, container: 'c' })); ++counts.completed;
  await client.post('/v1/messages/count_tokens', { model: 'x', messages: [{ role: 'user', content: 'hello' }] });
  await client.get('/health');
  await client.get('/nowhere');
  assert.match(await client.raw('POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n'), /^HTTP\/1.1 413/);
  const left = await client.stream(ask('slow'));
  await left.next('content_block_delta');
  ++counts.streams;
  return { client, counts, left };
}

test('every documented member of GET /metrics, in the documented shapes', async (b) => {
  const { client } = await b.front(() => say('x'));
  const fresh = (await client.get('/metrics')).json;
  assert.equal(fresh.requests.success_rate, '0.00%');
  assert.equal(fresh.performance.avg_latency_ms, '0.00');
  for (let i = 0; i < 3; ++i) await client.message(ask('x'));
  const answer = await client.get('/metrics');
  assert.equal(answer.headers['content-type'], 'application/json');
  const { requests, performance, cache, uptime, ...more } = answer.json;
  assert.deepEqual(Object.keys(answer.json).slice(0, 3), ['requests', 'performance', 'cache']);
  const { total, successful, errors, streaming, tool_calls, success_rate } = requests;
  assert.deepEqual({ total, successful, errors, streaming, tool_calls, success_rate },
    { total: 3, successful: 3, errors: 0, streaming: 0, tool_calls: 0, success_rate: '100.00%' });
  assert.match(performance.avg_latency_ms, /^\d+\.\d\d$/);
  assert.match(performance.requests_per_sec, /^\d+\.\d\d$/);
  assert.ok(Number(performance.avg_latency_ms) > 0 && Number(performance.requests_per_sec) > 0);
  const { enabled, size, max_size, hits, misses, hit_rate } = cache;
  assert.deepEqual({ enabled, size, max_size, hits, misses, hit_rate },
    { enabled: false, size: 0, max_size: max_size, hits: 0, misses: 0, hit_rate: '0.00%' });
  assert.ok(Number.isInteger(max_size));
  assert.match(uptime, /^(\d+h)?(\d+m)?\d+s$/);
  assert.ok(more.tokens.input > 0 && more.tokens.output > 0);
});

test('HEAD, methods, and the list of endpoints', async (b) => {
  const { client } = await b.front(() => say('x'));
  for (const at of ['/metrics', '/metrics/prometheus']) {
    const head = await client.ask('HEAD', at);
    assert.equal(head.status, 200);
    assert.ok(Number(head.headers['content-length']) > 300, head.headers['content-length']);
    assert.equal(head.text, '');
    assert.equal((await client.post(at, {})).status, 405);
  }
  const { endpoints } = (await client.get('/')).json;
  assert.equal(endpoints.metrics, '/metrics');
  assert.equal(endpoints.metrics_prometheus, '/metrics/prometheus');
});

test('counters of four workers add up: answers, streams, errors, tool calls, clients that left', async (b) => {
  const mock = await b.mock(script, { rules: 'compatible' });
  const daemon = await b.daemon({ config: backend(mock), args: ['-workers', '4'] });
  const { client, counts, left } = await traffic(b, daemon);
  let now = await scrape(client);
  assert.equal(now.sum('clasp_requests_in_flight'), 1);
  assert.equal(now.sum('clasp_open_streams'), 1);
  left.abort();
  await until(async () => (await client.get('/metrics')).json.requests.client_left === 1, 5000, 'the record of the client that left');
  now = await scrape(client);
  const { requests, tokens } = (await client.get('/metrics')).json;
  assert.equal(requests.total, counts.completed + counts.failed + 1);
  assert.equal(requests.successful, counts.completed);
  assert.equal(requests.errors, counts.failed);
  assert.equal(requests.streaming, counts.streams);
  assert.equal(requests.tool_calls, counts.tools);
  assert.equal(requests.success_rate, `${(100 * counts.completed / (counts.completed + counts.failed)).toFixed(2)}%`);
  const messages = { route: 'messages' };
  assert.equal(now.sum('clasp_requests_total', { ...messages, outcome: 'completed', status: '200' }), counts.completed);
  assert.equal(now.sum('clasp_requests_total', { ...messages, outcome: 'failed' }), counts.failed);
  assert.equal(now.sum('clasp_requests_total', { ...messages, outcome: 'failed', status: '500', backend: 'east' }), 2);
  assert.equal(now.sum('clasp_requests_total', { ...messages, status: '400', backend: 'none' }), 1);
  assert.equal(now.sum('clasp_requests_total', { ...messages, outcome: 'client_left', stream: 'true' }), 1);
  assert.equal(now.sum('clasp_requests_total', { route: 'unknown', status: '404' }), 1);
  assert.equal(now.sum('clasp_requests_total', { route: 'count_tokens', status: '200' }), 1);
  assert.ok(now.sum('clasp_requests_total', { route: 'health', status: '200' }) >= 1);
  assert.equal(now.sum('clasp_http_errors_total', { status: '413' }), 1);
  assert.equal(now.sum('clasp_request_duration_seconds_count', { backend: 'east' }), counts.completed);
  assert.equal(now.sum('clasp_request_duration_seconds_count', { stream: 'true' }), counts.streams - 1);
  assert.equal(now.sum('clasp_time_to_first_token_seconds_count'), counts.streams - 1);
  // Six words in pieces of their own, fifteen milliseconds apart.
  assert.ok(now.sum('clasp_inter_token_seconds_count') >= 12, `${now.sum('clasp_inter_token_seconds_count')} gaps`);
  assert.ok(now.sum('clasp_inter_token_seconds_sum') >= 0.15);
  assert.equal(now.sum('clasp_tokens_total', { kind: 'input' }), tokens.input);
  assert.equal(now.sum('clasp_tokens_total', { kind: 'output' }), tokens.output);
  assert.equal(now.sum('clasp_tool_calls_total'), counts.tools);
  assert.equal(now.sum('clasp_client_requests_total', { client: 'none' }), requests.total);
  assert.equal(now.sum('clasp_client_tokens_total', { kind: 'output' }), tokens.output);
  assert.ok(now.sum('clasp_translation_warnings_total') >= 1);
  assert.equal(now.sum('clasp_backend_failures_total', { backend: 'east', reason: 'server' }), 2);
  assert.equal(now.sum('clasp_requests_in_flight'), 0);
  assert.equal(now.sum('clasp_open_streams'), 0);
  assert.equal(now.samples.filter((s) => s.name === 'clasp_client_connections').length, 4);
  assert.ok(now.sum('clasp_client_received_bytes_total') > 2000 && now.sum('clasp_client_sent_bytes_total') > 5000);
  assert.ok(now.sum('clasp_backend_received_bytes_total') > 2000 && now.sum('clasp_backend_sent_bytes_total') > 2000);
  for (const { name, labels, value } of now.samples) {
    if (!name.endsWith('_bucket') || labels.le !== '+Inf') continue;
    const { le: _, ...rest } = labels;
    assert.equal(now.sum(name.replace(/_bucket$/, '_count'), rest), value, `${name} ${JSON.stringify(rest)}`);
  }
});

test('process metrics are those of the process', async (b) => {
  const { client, daemon } = await b.front(() => say('x'));
  const now = await scrape(client);
  const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))[1]) * 1024;
  const told = now.sum('process_resident_memory_bytes');
  assert.ok(told > resident / 2 && told < resident * 2, `${told} is not about ${resident}`);
  assert.ok(Math.abs(now.sum('process_start_time_seconds') - Date.now() / 1000) < 120);
  assert.ok(now.sum('process_open_fds') > 5 && now.sum('process_max_fds') >= now.sum('process_open_fds'));
  assert.ok(now.sum('process_cpu_seconds_total') >= 0);
  assert.match(now.text, /^clasp_build_info\{version="[^"]+"\} 1$/m);
});

test('names from clients cannot explode the labels', { limit: 90_000 }, async (b) => {
  const mock = await b.mock(({ body }) => (body.model.startsWith('bad') ? fail(404, 'no such model') : say('x')), { rules: 'compatible' });
  const daemon = await b.daemon({ config: backend(mock), args: ['-workers', '2'] });
  const client = b.client(daemon.url);
  const names = ['a"b\\c', 'new\nline', '\u0000', 'x'.repeat(5000), 'ünï', 'other', '{}'];
  for (const model of names) await client.message(ask('x', { model }));
  for (let i = 0; i < 40; ++i)
    await Promise.all(Array.from({ length: 10 }, (_, k) => client.message(ask('x', { model: `${k % 2 ? 'bad' : 'good'}-${i}-${k}` }))));
  await client.message(ask('x', Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`unknown_${i}`, 1]))));
  for (let i = 0; i < 20; ++i) await client.get(`/path/${i}`);
  const now = await scrape(client);
  const models = new Set(now.samples.filter((s) => s.name === 'clasp_tokens_total').map((s) => s.labels.model));
  assert.ok(models.size <= 101, `${models.size} models`);
  assert.ok(models.has('other') && models.has('ünï') && models.has('a\\"b\\\\c'));
  assert.ok(![...models].some((m) => m.startsWith('bad')), 'a model that nobody has became a label');
  const warnings = new Set(now.samples.filter((s) => s.name === 'clasp_translation_warnings_total').map((s) => s.labels.warning));
  assert.ok(warnings.has('unknown') && warnings.size < 5, [...warnings].join());
  assert.equal(now.sum('clasp_requests_total', { route: 'unknown', status: '404' }), 20);
  assert.ok(now.samples.length < 2500, `${now.samples.length} samples`);
  const told = now.samples.map((s) => s.name + JSON.stringify(s.labels));
  assert.equal(new Set(told).size, told.length, 'a series is told twice');
});

test('refusals at the door by reason, requests by the names of clients, the cache', async (b) => {
  const mock = await b.mock(() => say('in'), { rules: 'compatible' });
  const config = backend(mock, `[auth]\nenabled = true\nallow_anonymous_metrics = true\n[client alice]\nkey_hash = ${hashOf('alice-key')}\n`
    + `[client bob]\nkey_hash = ${hashOf('bob-key')}\nrequests = 1\nwindow = 3600\nburst = 0\n[cache]\nenabled = true\n[price *]\ninput = 2\noutput = 10\n`);
  const daemon = await b.daemon({ config, args: ['-workers', '2'] });
  const client = b.client(daemon.url);
  const as = (name) => ({ headers: { 'x-api-key': `${name}-key` } });
  assert.equal((await client.message(ask('x'), as('nobody'))).status, 401);
  assert.equal((await client.message(ask('x'), { headers: { 'x-api-key': 'alice-key', origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } })).status, 403);
  for (let i = 0; i < 3; ++i) assert.equal((await client.message(ask('same'), as('alice'))).status, 200);
  assert.equal((await client.message(ask('other'), as('bob'))).status, 200);
  assert.equal((await client.message(ask('more'), as('bob'))).status, 429);
  const now = await scrape(client);
  assert.equal(now.sum('clasp_refused_total', { reason: 'authentication' }), 1);
  assert.equal(now.sum('clasp_refused_total', { reason: 'origin' }), 1);
  assert.equal(now.sum('clasp_refused_total', { reason: 'requests' }), 1);
  assert.equal(now.sum('clasp_requests_total', { route: 'messages', status: '401', outcome: 'failed' }), 1);
  assert.equal(now.sum('clasp_requests_total', { route: 'messages', status: '429', backend: 'none' }), 1);
  assert.equal(now.sum('clasp_client_requests_total', { client: 'alice', outcome: 'completed' }), 3);
  assert.equal(now.sum('clasp_client_requests_total', { client: 'bob', outcome: 'completed' }), 1);
  assert.equal(now.sum('clasp_requests_total', { route: 'messages', cache: 'hit' }), 2);
  assert.equal(now.sum('clasp_requests_total', { route: 'messages', cache: 'miss' }), 2);
  assert.equal(now.sum('clasp_cache_hits_total'), 2);
  assert.equal(now.sum('clasp_cache_entries'), 2);
  const { requests, cache, cost } = (await client.get('/metrics')).json;
  assert.equal(requests.total, 4);
  assert.equal(requests.refused, 3);
  const { enabled, size, hits, misses, hit_rate } = cache;
  assert.deepEqual({ enabled, size, hits, misses, hit_rate }, { enabled: true, size: 2, hits: 2, misses: 2, hit_rate: '50.00%' });
  assert.ok(Number(cost.dollars) > 0, cost.dollars);
  const costs = (await client.get('/costs', as('alice'))).json;
  for (const kind of ['input', 'output']) {
    assert.equal(now.sum('clasp_tokens_total', { kind }), costs[`total_${kind}_tokens`], 'hits used no tokens');
    assert.equal(now.sum('clasp_client_tokens_total', { kind }), costs[`total_${kind}_tokens`]);
  }
  assert.equal(now.sum('clasp_tokens_total', { kind: 'input' }), 2 * usageOf().prompt_tokens);
  assert.ok(Math.abs(now.sum('clasp_cost_dollars_total') - Number(cost.dollars)) < 1e-6);
  assert.ok(Math.abs(now.sum('clasp_client_cost_dollars_total') - Number(cost.dollars)) < 1e-6);
});

test('a reload keeps the counters, and is counted', async (b) => {
  const mock = await b.mock(() => say('x'), { rules: 'compatible' });
  const daemon = await b.daemon({ config: backend(mock), args: ['-workers', '2'] });
  const client = b.client(daemon.url);
  for (let i = 0; i < 4; ++i) await client.message(ask('x'));
  const load = async (config, result) => {
    writeFileSync(path.join(daemon.directory, 'clasp.conf'), config);
    const before = (await scrape(client)).sum('clasp_config_reloads_total', { result });
    daemon.signal('SIGHUP');
    await until(async () => (await scrape(client)).sum('clasp_config_reloads_total', { result }) === before + 1, 5000, `a reload that is ${result}`);
    return scrape(client);
  };
  let now = await load(backend(mock, '[models]\nsonnet = other-model\n'), 'ok');
  assert.equal(now.sum('clasp_requests_total', { route: 'messages' }), 4);
  assert.equal(now.sum('clasp_config_last_reload_successful'), 1);
  await client.message(ask('x'));
  now = await load('nonsense', 'failed');
  assert.equal(now.sum('clasp_config_last_reload_successful'), 0);
  assert.equal(now.sum('clasp_requests_total', { route: 'messages' }), 5);
  assert.equal((await client.get('/metrics')).json.requests.total, 5);
});

test('many scrapes at once are answered or refused, and streams go on meanwhile', async (b) => {
  const { client } = await b.front(() => pause(20, say('x')));
  const answers = await Promise.all(Array.from({ length: 150 }, (_, i) =>
    (i % 5 === 0 ? client.wholeStream(ask('x')).then(() => ({ status: 0 })) : client.get('/metrics/prometheus'))));
  const by = (status) => answers.filter((a) => a.status === status).length;
  assert.equal(by(0), 30);
  assert.equal(by(200) + by(529), 120);
  assert.ok(by(200) > 0);
});

function promtool() {
  for (const dir of [...process.env.PATH.split(':'), path.join(root, 'build/tools')])
    if (existsSync(path.join(dir, 'promtool'))) return path.join(dir, 'promtool');
  return null;
}

test('promtool has nothing to say against the metrics, the rules and the alerts', async (b) => {
  const tool = promtool();
  if (!tool) return b.skip('no promtool here (tools/setup test fetches it)');
  const mock = await b.mock(script, { rules: 'compatible' });
  const daemon = await b.daemon({ config: backend(mock) });
  const { client, left } = await traffic(b, daemon);
  left.abort();
  const { text } = await scrape(client);
  assert.equal(execFileSync(tool, ['check', 'metrics'], { input: text, encoding: 'utf8' }), '');
  execFileSync(tool, ['check', 'rules', path.join(root, 'contrib/prometheus/clasp.rules.yml')]);
  const directory = mkdtempSync(path.join(tmpdir(), 'clasp-rules-'));
  try {
    copyFileSync(path.join(root, 'contrib/prometheus/clasp.rules.yml'), path.join(directory, 'clasp.rules.yml'));
    copyFileSync(path.join(root, 'tests/fixtures/prometheus/rules.test.yml'), path.join(directory, 'rules.test.yml'));
    execFileSync(tool, ['test', 'rules', 'rules.test.yml'], { cwd: directory });
    copyFileSync(path.join(root, 'contrib/prometheus/scrape.yml'), path.join(directory, 'prometheus.yml'));
    execFileSync(tool, ['check', 'config', 'prometheus.yml'], { cwd: directory });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('rules, dashboard and manual name metrics and labels that a live daemon exports, the manual all of them', async (b) => {
  const mock = await b.mock(script, { rules: 'compatible' });
  const daemon = await b.daemon({ config: backend(mock) });
  const { client, left } = await traffic(b, daemon);
  left.abort();
  const { types, samples } = await scrape(client);
  const exported = new Set(Object.keys(types));
  const names = new Set(samples.map((s) => s.name));
  const dashboard = JSON.parse(read('contrib/grafana/clasp.json'));
  const queries = [];
  const walk = (value) => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (value && typeof value === 'object') Object.entries(value).forEach(([key, v]) => (['expr', 'definition'].includes(key) ? queries.push(v) : walk(v)));
  };
  walk(dashboard);
  assert.ok(queries.length > 50, `${queries.length} queries`);
  const rules = [...read('contrib/prometheus/clasp.rules.yml').matchAll(/expr: (?:\|\n((?: {10,}.*\n)+)|(.*))/g)].map((m) => m[1] ?? m[2]);
  assert.ok(rules.length >= 15);
  for (const query of [...queries, ...rules])
    for (const [name] of query.matchAll(/(?<![\w:])(?:clasp|process)_\w+/g))
      assert.ok(names.has(name), `${name} of ${query} is not exported`);
  for (const query of [...queries, ...rules])
    for (const [, name, inside] of query.matchAll(/((?:clasp|process)_\w+)\{([^}]*)\}/g))
      for (const [, label] of inside.matchAll(/(\w+)\s*(?:=~|!=|=|!~)/g))
        assert.ok(['instance', 'job'].includes(label) || samples.some((s) => s.name === name && label in s.labels), `${name} has no label ${label}`);
  const described = new Map([...read('docs/operating.md').matchAll(/^\| `((?:clasp|process)_\w+)` \|([^|]*)\|/gm)].map((m) => [m[1], m[2]]));
  assert.deepEqual([...exported].filter((name) => !described.has(name)), [], 'not in the manual');
  assert.deepEqual([...described.keys()].filter((name) => !exported.has(name)), [], 'in the manual only');
  for (const [name, labels] of described) {
    const own = new Set(samples.filter((s) => s.name.replace(/_(bucket|sum|count)$/, '') === name || s.name === name).flatMap((s) => Object.keys(s.labels)));
    own.delete('le');
    assert.deepEqual([...labels.matchAll(/`(\w+)`/g)].map((m) => m[1]).sort(), [...own].sort(), `labels of ${name}`);
  }
});

test('metrics can be switched off', async (b) => {
  const { daemon, client } = await b.front(() => say('hello'), { env: { CLASP_METRICS: 'false' } });
  await client.message(ask('x'));
  for (const path of ['/metrics', '/metrics/prometheus']) assert.equal((await fetch(`${daemon.url}${path}`)).status, 404);
});
