// The whole control room against a daemon with traffic: every command as text and as JSON, by every
// spelling, and what the log, the metrics and the doctor say.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { Authority } from './lib/certs.mjs';
import { ask } from './lib/client.mjs';
import { ctl, request, startControlled } from './lib/control.mjs';
import { freePort } from './lib/daemon.mjs';
import { fail, pause, say, sse } from './lib/mock.mjs';
import { completionChunks } from './lib/chunks.mjs';
import { sleep, until } from './lib/scale.mjs';

const backend = (mock, more = '') => `[backend one]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\nmodel = mock-model\n${more}`;

// Plain answers and streams, one after the other, until told to stop; each must be right.
function traffic(b, daemon, count = 4) {
  const client = b.client(daemon.url);
  const state = { answers: 0, running: true };
  const one = async (i) => {
    try {
      const text = i % 2 ? (await client.wholeStream(ask('x'))).checker.text : (await client.message(ask('x'))).json.content?.[0].text;
      if (text !== 'hello world') b.problem(`an answer was ${JSON.stringify(text)}`);
      ++state.answers;
    } catch (error) {
      if (state.running) b.problem(`a request failed: ${error.message}`);
      state.running = false;
    }
  };
  const all = Array.from({ length: count }, async (_, i) => { while (state.running) await one(i); });
  // What a test that fails half way leaves behind is not the daemon's fault.
  b.atEnd(async () => { state.running = false; await Promise.all(all); });
  state.stop = async () => { state.running = false; await Promise.all(all); };
  return state;
}

const slowly = (exchange) => exchange.request.body.stream
  ? sse(completionChunks({ text: 'hello world' }), { gap: 20 })(exchange)
  : sleep(40).then(() => say('hello world')(exchange));

test('every command that tells something, as text and as JSON, while requests run', { limit: 120_000 }, async (b) => {
  const mock = await b.mock(() => slowly, { rules: 'compatible' });
  const daemon = await startControlled(b, `[circuit_breaker]\nenabled = yes\n[queue]\nenabled = yes\n[cache]\nenabled = yes\nunset_temperature = no\n`
    + `[rate_limit]\nenabled = yes\nper = client\nrequests = 100000\nburst = 1000\n${backend(mock)}`);
  const load = traffic(b, daemon);
  await until(() => load.answers > 20, 10_000, 'some answers');
  const rows = [
    [['status'], /^clasp \S+: healthy, up /, (j) => j.state === 'healthy' && j.metrics.requests.in_flight > 0],
    [['config', 'show'], /\[backend one\] model +mock-model +\S*clasp\.conf:/, (j) => j.settings.some((one) => one.name === '[backend one] api_key' && one.value === '***')],
    [['config', 'check'], /^the configuration is valid: /, (j) => j.valid],
    [['config', 'diff'], /^a reload would change nothing\n/, (j) => j.changes.length === 0],
    [['config', 'options'], /\[cache\] ttl = /, (j) => JSON.stringify(j).includes('CLASP_CACHE_TTL')],
    [['backends'], /^BACKEND .*\none +custom +healthy +closed /, (j) => j.backends[0].in_flight > 0],
    [['backends', 'list'], /^BACKEND .*\none /, (j) => j.backends[0].name === 'one'],
    [['backends', 'show', 'one'], /one/, (j) => j.name === 'one' && j.attempts > 20],
    [['breakers'], /^BACKEND .*\none +closed /, (j) => j.enabled && j.breakers[0].state === 'closed'],
    [['breakers', 'list'], /^BACKEND /, (j) => j.breakers.length === 1],
    [['queue'], /^0\/100 waiting/, (j) => j.enabled && !j.paused && j.tickets.length === 0],
    [['queue', 'list'], /^0\/100 waiting/, (j) => j.enabled],
    [['exchanges'], /^ID .*\nreq_\w+ .* one +/, (j) => j.exchanges.some((one) => one.backend === 'one' && one.age_ms >= 0)],
    [['exchanges', 'list'], /^ID /, (j) => j.silent_workers === 0],
    [['cache'], /^0\/1000 entries, /, (j) => j.enabled && j.entries === 0],
    [['cache', 'stats'], /^0\/1000 entries, /, (j) => j.enabled],
    [['metrics'], /\nrequests\n(?:  .*\n)*  total +\d+\n/, (j) => j.requests.total > 20 && j.tokens.output > 0],
    [['limits'], /address/, (j) => j.limits.some((one) => one.kind === 'address' && one.requests_left > 0)],
    [['keys'], /./, (j) => Array.isArray(j.clients)],
    [['costs'], /mock-model/, (j) => j.total_requests > 20],
    [['log-level'], /^info\n$/, (j) => j.level === 'info' && !j.changed],
    [['commands'], /^COMMAND .*\nstatus +GET \/v1\/status +read/, (j) => j.commands.some((one) => one.name === 'test' && one.privilege === 'change')],
    [['doctor'], /^ok +the daemon runs/, (j) => j.findings.every((one) => one.verdict !== 'problem')],
    [['test', 'one', 'only=plain'], /\nit works\n$/, (j) => j.passed],
  ];
  for (const [words, text, check] of rows) {
    const told = await ctl(daemon, ...words);
    assert.equal(told.code, 0, `${words}: ${told.stderr}`);
    assert.match(told.stdout, text, `${words}`);
    const json = await ctl(daemon, ...words, '--json');
    assert.equal(json.code, 0, `${words}: ${json.stderr}`);
    assert.ok(check(json.json), `${words}: ${json.stdout}`);
    for (const out of [told.stdout, json.stdout]) assert.ok(!out.includes(mock.key), `${words} shows a key`);
  }
  // Every command that the daemon knows and that only tells is in the list above, but for those that need an id or never end.
  const known = (await ctl(daemon, 'commands', '--json')).json.commands.filter((one) => one.effect === 'none').map((one) => one.name);
  const others = ['exchanges show', 'queue show', 'tail', 'top'];
  assert.deepEqual(known.filter((name) => !others.includes(name) && !rows.some(([words]) => words.join(' ').startsWith(name))), []);
  await load.stop();
});

test('every command that changes something, as text and as JSON; traffic goes on where it may', { limit: 120_000 }, async (b) => {
  const mock = await b.mock(() => slowly, { rules: 'compatible' });
  const daemon = await startControlled(b, `[circuit_breaker]\nenabled = yes\n[queue]\nenabled = yes\nmax_wait = 60\n[cache]\nenabled = yes\n${backend(mock, '[backend two]\nprovider = demo\n')}`);
  const load = traffic(b, daemon);
  await until(() => load.answers > 5, 10_000, 'some answers');
  const rows = [
    [['reload'], /^the configuration was loaded again from /, (j) => j.reloaded === true],
    [['backends', 'disable', 'two'], /^BACKEND .*\ntwo +demo +disabled /, (j) => j.admin === 'disabled' && j.ended === 0],
    [['backends', 'drain', 'two', '3'], /two +demo +draining /, (j) => j.admin === 'draining'],
    [['backends', 'enable', 'two'], /two +demo +(healthy|unknown) /, (j) => j.admin === 'enabled'],
    [['breakers', 'trip', 'two'], /two +demo +\w+ +open /, (j) => j.circuit_breaker.state === 'open'],
    [['breakers', 'reset', 'two'], /two +demo +\w+ +closed /, (j) => j.circuit_breaker.state === 'closed'],
    [['queue', 'pause'], /^\d+\/100 waiting, paused\n/, (j) => j.paused === true],
    [['queue', 'resume'], /^\d+\/100 waiting\n/, (j) => j.paused === false],
    [['queue', 'flush'], /^0 waiting requests ended\n$/, (j) => j.cancelled === 0],
    [['cache', 'flush', 'no-such-*'], /^0 answers forgotten\n$/, (j) => j.flushed === 0],
    [['log-level', 'warn'], /^warn \(configured: info\)\n$/, (j) => j.level === 'warn' && j.changed],
  ];
  for (const [words, text, check] of rows) {
    const told = await ctl(daemon, ...words);
    assert.equal(told.code, 0, `${words}: ${told.stderr}`);
    assert.match(told.stdout, text, `${words}`);
    const json = await ctl(daemon, ...words, '--json');
    assert.ok(json.code === 0 && check(json.json), `${words}: ${json.stdout}${json.stderr}`);
  }
  await load.stop();
  // What takes its requests away, without load.
  const gone = [[['backends', 'show', 'x'], 'no_backend'], [['breakers', 'reset', 'x'], 'no_backend'], [['queue', 'show', '7'], 'no_ticket'],
    [['queue', 'cancel', '7'], 'no_ticket'], [['exchanges', 'show', 'req_x'], 'no_exchange'], [['exchanges', 'cancel', 'req_x'], 'no_exchange'], [['test', 'x'], 'no_backend']];
  for (const [words, code] of gone) {
    const told = await ctl(daemon, ...words);
    assert.deepEqual([told.code, told.stdout], [1, ''], `${words}`);
    assert.match(told.stderr, /^claspctl: .+\n$/);
    assert.equal((await ctl(daemon, ...words, '--json')).json.error.code, code);
  }
  for (const words of [['drain'], ['undrain']]) {
    assert.match((await ctl(daemon, ...words)).stdout, words[0] === 'drain' ? /^out of service, 0 requests still run\n/ : /^in service\n/);
    assert.equal((await ctl(daemon, ...words, '--json')).json.draining, words[0] === 'drain');
  }
});

test('the log level goes where the configuration\'s would, bodies only for who asks for them, until a reload', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await startControlled(b, backend(mock));
  const client = b.client(daemon.url);
  const bodies = () => daemon.stderr.split('\n').filter((line) => / (client|backend) (request|answer): /.test(line)).length;
  assert.equal((await ctl(daemon, 'log-level', 'debug')).stdout, 'debug (configured: info)\n');
  await client.message(ask('a-secret-prompt'));
  assert.deepEqual([bodies(), daemon.stderr.includes('a-secret-prompt')], [0, false], 'a level alone shows bodies');
  assert.match((await ctl(daemon, 'status')).stdout, /log level debug \(configured: info\)/);
  const turned = await ctl(daemon, 'log-level', 'debug', '--bodies', '--json');
  assert.deepEqual(turned.json, { level: 'debug', debug_requests: true, debug_responses: true, configured: { level: 'info', debug_requests: false, debug_responses: false }, changed: true });
  await client.message(ask('a-secret-prompt'));
  await until(() => bodies() === 4, 3000, 'four bodies in the log');
  assert.ok(!daemon.stderr.includes(mock.key), 'a key is in the log');
  assert.match((await ctl(daemon, 'status')).stdout, /log level debug with bodies \(configured: info\)/);
  // Another level is one without bodies again.
  assert.equal((await ctl(daemon, 'log-level', 'info')).stdout, 'info\n');
  await client.message(ask('x'));
  assert.equal(bodies(), 4);
  await ctl(daemon, 'log-level', 'error', '--bodies');
  await ctl(daemon, 'reload');
  assert.deepEqual((await ctl(daemon, 'log-level', '--json')).json.changed, false);
  assert.doesNotMatch((await ctl(daemon, 'status')).stdout, /configured/);
  assert.equal((await ctl(daemon, 'log-level', 'loud')).code, 1);
  assert.equal((await request(daemon, 'PUT', '/v1/log-level/debug?bodies=yes')).json.error.code, 'bad_argument');
});

test('metrics: a table, JSON, and what Prometheus reads, also where the daemon\'s own door is closed', async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const daemon = await startControlled(b, `[auth]\nenabled = yes\napi_key = proxy-key-0123456789\n${backend(mock)}`);
  assert.equal((await fetch(`${daemon.url}/metrics/prometheus`)).status, 401);
  await b.client(daemon.url, { key: 'proxy-key-0123456789' }).message(ask('x'), { headers: { 'x-api-key': 'proxy-key-0123456789' } });
  const text = await ctl(daemon, 'metrics', '--prometheus');
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /^# HELP clasp_/m);
  assert.match(text.stdout, /^clasp_\w*requests\w*(_total)?\{[^}]*\} \d+$/m);
  assert.match((await ctl(daemon, 'metrics')).stdout, /^uptime +\d+s\n/m);
  assert.ok((await ctl(daemon, 'metrics', '--json')).json.uptime);
  assert.equal((await request(daemon, 'GET', '/v1/metrics?format=xml')).json.error.code, 'bad_argument');
  assert.equal((await ctl(daemon, 'metrics', '--prometheus', '--json')).code, 2);
});

test('the end of an operator\'s drain is told as what it is', async (b) => {
  const mock = await b.mock(() => pause(20_000, say('late')), { rules: 'compatible', mayLeave: true });
  const daemon = await startControlled(b, `[timeouts]\ndrain = 1s\n${backend(mock)}`);
  const running = b.client(daemon.url).post('/v1/messages', ask('x'));
  await until(() => mock.chats.length === 1, 5000, 'the request at the backend');
  await ctl(daemon, 'drain');
  const answer = await running;
  assert.equal(answer.status, 529);
  assert.equal(answer.json.error.message, 'this proxy was taken out of service; try again');
});

test('doctor: certificates, files and the socket that too many may read, no key', { skip: process.getuid() !== 0 && 'needs root' }, async (b) => {
  const mock = await b.mock(() => say('hello'), { rules: 'compatible' });
  const authority = new Authority();
  const directory = b.folder();
  const put = (name, text, mode = 0o600) => { const file = path.join(directory, name); writeFileSync(file, text, { mode }); chmodSync(file, mode); return file; };
  const listener = async (name, days) => {
    const pair = authority.issue(['localhost'], { from: new Date(Date.now() - 60 * 86_400_000), to: new Date(Date.now() + days * 86_400_000) });
    return `[listener ${name}]\naddress = 127.0.0.1:${await freePort()}\ncertificate = ${put(`${name}.pem`, pair.cert)}\nprivate_key = ${put(`${name}.key`, pair.key, name === 'open' ? 0o644 : 0o600)}\n`;
  };
  const key = put('backend.key', 'sk-in-a-file-0815\n', 0o644);
  const config = `[control]\nmode = 0666\n${backend(mock).replace(/api_key = .*\n/, `api_key_file = ${key}\n`)}${await listener('over', -1)}${await listener('soon', 5)}${await listener('fine', 200)}${await listener('open', 100)}`;
  const daemon = await startControlled(b, config);
  const told = await ctl(daemon, 'doctor', '--json');
  const find = (pattern) => told.json.findings.filter((one) => pattern.test(one.finding)).length;
  assert.equal(find(/over\.pem expired on /), 1, told.stdout);
  assert.equal(find(/soon\.pem expires on \d{4}-\d\d-\d\d \S+ UTC \(days left: [45]\): renew it/), 1, told.stdout);
  assert.equal(find(/fine\.pem/), 0);
  assert.equal(told.json.findings.find((one) => /open\.key/.test(one.finding)).remedy, 'chmod 600, or 640 and a group of the daemon\'s own');
  assert.match(told.json.findings.find((one) => /soon\.pem/.test(one.finding)).remedy, /claspctl reload$/);
  assert.equal(find(/backend\.key/), 1, told.stdout);
  assert.equal(find(/everybody on this machine may look through the control socket .*control\.sock \(mode 0666\)/), 1, told.stdout);
  assert.match((await ctl(daemon, 'doctor')).stdout, /\nwarning  everybody on .*\n +-> mode = 0660 and group = NAME in \[control\]/);
  assert.ok(!told.stdout.includes('sk-in-a-file'));
  // A start that would fail: claspctl doctor in the daemon's place says why.
  daemon.signal('SIGTERM');
  await daemon.ended;
  const { execFile } = await import('node:child_process');
  const { kCtl } = await import('./lib/control.mjs');
  const run = (text) => new Promise((resolve) => {
    writeFileSync(path.join(directory, 'clasp.conf'), text);
    execFile(kCtl, ['doctor'], { cwd: directory, env: { PATH: process.env.PATH, CLASP_CONTROL_SOCKET: daemon.control } }, (error, stdout) => resolve({ code: error?.code ?? 0, stdout }));
  });
  const keyless = await run('[backend]\nprovider = openai\n');
  assert.equal(keyless.code, 1, keyless.stdout);
  assert.match(keyless.stdout, /problem  .*key/);
  const taken = await run(`[server]\nlisten = 127.0.0.1:${mock.port}\n[backend]\nprovider = demo\n`);
  assert.equal(taken.code, 1);
  assert.match(taken.stdout, new RegExp(`problem  127\\.0\\.0\\.1:${mock.port}.*\\n +-> another program listens there: ss `));
});
