// `claspctl test`: a real request to each backend, step by step, whatever state the backend is in.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { Authority } from './lib/certs.mjs';
import { ask } from './lib/client.mjs';
import { ctl, request, startControlled } from './lib/control.mjs';
import { freePort } from './lib/daemon.mjs';
import { body, fail, hang, json, pause, say } from './lib/mock.mjs';
import { until } from './lib/scale.mjs';

const section = (name, mock, more = '') => `[backend ${name}]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\nmodel = mock-model\n${more}`;
const steps = (one) => one.steps.map((step) => `${step.name} ${step.ok ? 'ok' : 'failed'}`);
const failed = (told) => told.json.backends[0].tests[0].steps.at(-1);

test('a test goes through the daemon\'s own translation, plain and as a stream, and says what it took', async (b) => {
  const mock = await b.mock(() => say('ready'), { rules: 'compatible' });
  const daemon = await startControlled(b, `[client ann]\nkey = ann-key-1234567890\ndaily_budget = 1\n[auth]\nenabled = yes\n[price *]\ninput = 3\noutput = 15\n${section('one', mock)}`);
  const told = await ctl(daemon, 'test', 'one', '--json');
  assert.equal(told.code, 0, told.stderr + told.stdout);
  const [backend] = told.json.backends;
  assert.deepEqual([told.json.passed, told.json.timed_out, backend.backend, backend.model, backend.dialect, backend.admin], [true, false, 'one', 'mock-model', 'generic', 'enabled']);
  assert.deepEqual(backend.tests.map((one) => one.mode), ['plain', 'stream']);
  for (const one of backend.tests) {
    assert.deepEqual(steps(one), ['resolve ok', 'connect ok', 'http ok', 'answer ok']);
    assert.deepEqual([one.stop_reason, one.text, one.text_bytes, one.output_tokens > 0, one.calls], ['end_turn', 'ready', 5, true, 1]);
    assert.ok(Number(one.cost_usd) > 0 && one.total_ms > 0 && one.first_byte_ms >= 0);
    const [resolve, connect, http] = one.steps;
    assert.deepEqual([resolve.addresses, connect.address, http.status, http.path], [['127.0.0.1'], `127.0.0.1:${mock.port}`, 200, '/v1/chat/completions']);
    assert.match(daemon.stderr, new RegExp(`${one.request_id} client=control-test model=mock-model backend=one status=200`));
  }
  assert.match(daemon.stderr, /control: test backend=one&seconds=30 \(uid \d+\)/);
  assert.deepEqual(mock.chats.map((one) => [one.body.model, Boolean(one.body.stream)]), [['mock-model', false], ['mock-model', true]]);
  assert.equal(new Set(mock.chats.map((one) => one.connection)).size, 2, 'each test opens its own connection');
  // Nobody's budget, but no secret either: the money was spent.
  const { json: costs } = await ctl(daemon, 'costs', '--json');
  assert.equal(costs.total_requests, 2);
  assert.deepEqual([costs.by_client.ann, costs.budgets.ann.daily.spent_usd], [undefined, 0]);
  const text = await ctl(daemon, 'test', 'one', 'only=stream');
  assert.equal(text.code, 0);
  assert.match(text.stdout, /^one: mock-model at http:\/\/127\.0\.0\.1:\d+\/v1, dialect generic\n as a stream, /);
  assert.match(text.stdout, /\n  ok    http +[\d.]+ms status 200 of \/v1\/chat\/completions\n  ok    answer +[\d.]+ms end_turn, \d+ tokens in, \d+ out, \$0\.\d+: ready\n\nit works\n$/);
  assert.ok(text.stdout.split('\n').every((line) => line.length <= 80), text.stdout);
  assert.equal(mock.chats.length, 3);
});

test('breaker, queue, cache, limits and an operator\'s word do not stop a test, and it does not count for them', async (b) => {
  const mock = await b.mock(() => say('ready'), { rules: 'compatible' });
  const daemon = await startControlled(b, `[circuit_breaker]\nenabled = yes\n[queue]\nenabled = yes\n[cache]\nenabled = yes\n[rate_limit]\nenabled = yes\nrequests = 1\nburst = 1\n${section('one', mock, 'max_concurrency = 1\n')}`);
  await ctl(daemon, 'breakers', 'trip', 'one');
  await ctl(daemon, 'queue', 'pause');
  await ctl(daemon, 'backends', 'disable', 'one');
  for (let i = 0; i < 2; ++i) {
    const told = await ctl(daemon, 'test', '--json');
    assert.equal(told.code, 0, told.stdout);
    assert.deepEqual([told.json.backends[0].admin, told.json.backends[0].breaker], ['disabled', 'open']);
  }
  const { stdout } = await ctl(daemon, 'test', 'one');
  assert.match(stdout, /\n is disabled: requests do not go there; claspctl backends enable one\n its breaker is open: .*reset one\n/);
  assert.equal(mock.chats.length, 6, 'a test was answered from memory');
  const { json: status } = await ctl(daemon, 'status', '--json');
  assert.deepEqual([status.backends[0].attempts, status.cache.entries, status.metrics.requests.total], [0, 0, 0]);
  await ctl(daemon, 'drain');
  assert.equal((await ctl(daemon, 'test', 'one', '--json')).code, 0, 'not while it drains');
});

test('each failure names its step, its cause and what to do', { limit: 90_000 }, async (b) => {
  const statuses = [401, 404, 400, 429, 500];
  let at = 0;
  const mock = await b.mock(() => fail(statuses[at], ['Incorrect API key provided: sk-mock-4711-0815', 'The model does not exist', 'is not a valid model ID', 'slow down', 'oops'][at]), { rules: 'none', mayLeave: true, key: 'sk-mock-4711-0815' });
  const closed = await freePort();
  const config = (more) => `${more}`;
  const daemon = await startControlled(b, config(section('one', mock)));
  const file = path.join(daemon.directory, 'clasp.conf');
  const expect = [
    [/Incorrect API key provided: (?!sk-mock)/, /does not take this key; it comes from \[backend one\] api_key \(\S*clasp\.conf:4\)/],
    [/does not exist/, /has no model mock-mdel; it has mock-model \(clasp -models lists all\); set model in \[backend one\]/],
    [/not a valid model/, /has no model mock-mdel; it has mock-model/],
    [/slow down/, /too many requests/],
    [/oops/, /backend's own/]];
  for (at = 0; at < statuses.length; ++at) {
    const told = await ctl(daemon, 'test', 'one', 'model=mock-mdel', '--json');
    assert.equal(told.code, 1);
    const step = failed(told);
    assert.deepEqual([step.name, step.ok, step.status], ['http', false, statuses[at]]);
    assert.match(step.cause, expect[at][0]);
    assert.match(step.remedy, expect[at][1]);
    assert.ok(!told.stdout.includes(mock.key), 'a key is shown');
  }
  at = 4;
  const text = await ctl(daemon, 'test');
  assert.equal(text.code, 1);
  assert.match(text.stdout, /\n  FAIL  http +[\d.]+m?s status 500 of \/v1\/chat\/completions: oops\n +> the trouble is/);
  const become = async (address, more = '') => {
    writeFileSync(file, section('one', { url: address, key: 'k-not-to-be-seen' }, more));
    assert.equal((await ctl(daemon, 'reload')).code, 0);
    return ctl(daemon, 'test', '--json', '--timeout', '5');
  };
  const refused = failed(await become(`http://127.0.0.1:${closed}/v1`));
  assert.deepEqual([refused.name, refused.cause], ['connect', `connect to 127.0.0.1:${closed}: connection refused`]);
  assert.match(refused.remedy, /is the server running, and on that port\? base_url = .* \(\S*clasp\.conf:3\)$/);
  const nowhere = failed(await become('http://no-such-host.invalid/v1'));
  assert.deepEqual([nowhere.name, nowhere.host], ['resolve', 'no-such-host.invalid']);
  assert.match(nowhere.remedy, /`getent hosts no-such-host\.invalid`/);
  const clear = failed(await become(mock.url.replace('http:', 'https:')));
  assert.equal(clear.name, 'tls');
  assert.equal(clear.remedy, 'write http:// in base_url');
  const path404 = await become(`${mock.origin}/api/v9/nothing`);
  assert.match(failed(path404).remedy, /no such path/);
  mock.violations.length = 0;
});

test('certificates: who is there, by whom, until when; and why one is not believed', async (b) => {
  const authority = new Authority();
  const files = path.join(b.folder(), 'ca.pem');
  writeFileSync(files, authority.cert);
  const good = await b.mock(() => say('ready'), { rules: 'compatible', tls: authority.issue(['127.0.0.1', 'localhost']) });
  const expired = await b.mock(() => say('ready'), { rules: 'compatible', tls: authority.issueExpired(['127.0.0.1']) });
  const other = await b.mock(() => say('ready'), { rules: 'compatible', tls: authority.issue(['elsewhere.example']) });
  const stranger = await b.mock(() => say('ready'), { rules: 'compatible', tls: new Authority('Somebody else').issue(['127.0.0.1']) });
  const daemon = await startControlled(b, `[server]\nca_file = ${files}\n${section('good', good)}${section('expired', expired)}${section('other', other)}${section('stranger', stranger)}`);
  const told = await ctl(daemon, 'test', '--json', 'only=plain');
  assert.equal(told.code, 1);
  const byName = Object.fromEntries(told.json.backends.map((one) => [one.backend, one]));
  const tls = (name) => byName[name].tests[0].steps.find((step) => step.name === 'tls');
  assert.deepEqual([byName.good.passed, tls('good').version, tls('good').certificate, tls('good').issuer], [true, 'TLSv1.3', '127.0.0.1', 'CLASP test CA']);
  assert.ok([9, 10].includes(tls('good').expires_days));
  assert.match(tls('good').cipher, /^TLS_/);
  assert.match(tls('expired').cause, /certificate has expired/);
  assert.match(tls('expired').remedy, /needs a new certificate, or this machine's clock/);
  assert.ok(tls('expired').expires_days < 0);
  assert.match(tls('other').remedy, /that the certificate is for: elsewhere\.example$/);
  assert.match(tls('stranger').cause, /unknown authority/);
  assert.match(tls('stranger').remedy, /ca_file in \[server\]/);
  const { stdout } = await ctl(daemon, 'test', 'expired');
  assert.match(stdout, /FAIL  tls .*\n[^]*certificate of 127\.0\.0\.1\s+by CLASP test CA, until\s+20\d\d-\d\d-\d\d\s+\(expired\)/);
});

test('a proxy is a step of its own, when it lets the call through and when it does not', async (b) => {
  const authority = new Authority();
  const ca = path.join(b.folder(), 'ca.pem');
  writeFileSync(ca, authority.cert);
  const mock = await b.mock(() => say('ready'), { rules: 'compatible', tls: authority.issue(['backend.example']) });
  // Loopback addresses are called without a proxy.
  let open = true;
  const proxy = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      if (!open) return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
      const far = net.connect(mock.port, '127.0.0.1', () => { socket.write('HTTP/1.1 200 OK\r\n\r\n'); socket.pipe(far).pipe(socket); });
      far.on('error', () => socket.destroy());
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  b.atEnd(() => { proxy.close(); });
  const daemon = await startControlled(b, `[server]\nca_file = ${ca}\n${section('one', { url: `https://backend.example:${mock.port}/v1`, key: mock.key })}`, { env: { https_proxy: `http://127.0.0.1:${proxy.address().port}` } });
  const good = await ctl(daemon, 'test', '--json', 'only=plain');
  assert.deepEqual(steps(good.json.backends[0].tests[0]), ['resolve ok', 'connect ok', 'proxy ok', 'tls ok', 'http ok', 'answer ok']);
  open = false;
  const bad = failed(await ctl(daemon, 'test', '--json', 'only=plain'));
  assert.deepEqual([bad.name, bad.ok], ['proxy', false]);
  assert.match(bad.cause, /refused with status 407/);
  assert.match(bad.remedy, /no_proxy names hosts/);
});

test('a test ends with its time: exit code 4, and says where it stood', async (b) => {
  const silent = await b.mock(() => hang(), { rules: 'none', mayLeave: true });
  const daemon = await startControlled(b, section('silent', silent));
  const before = Date.now();
  const told = await ctl(daemon, 'test', '--timeout', '1', '--json');
  assert.equal(told.code, 4, told.stdout + told.stderr);
  assert.ok(Date.now() - before < 6000);
  assert.deepEqual([told.json.timed_out, failed(told).name], [true, 'http']);
  assert.match(failed(told).remedy, /--timeout waits longer/);
  assert.equal(silent.chats.length, 1, 'a stream was tried after the time was over');
  // A port that takes no connection's bytes at all: TLS never begins.
  const mute = net.createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  b.atEnd(() => { mute.close(); });
  writeFileSync(path.join(daemon.directory, 'clasp.conf'), section('silent', { url: `https://127.0.0.1:${mute.address().port}/v1`, key: 'k' }));
  await ctl(daemon, 'reload');
  assert.equal(failed(await ctl(daemon, 'test', '--timeout', '1', '--json')).name, 'tls');
});

test('without a model of its own a backend is asked for one that it lists; what it answers need not be an API', async (b) => {
  const mock = await b.mock(() => say('ready'), { rules: 'compatible' });
  const page = await b.mock(() => body(200, 'text/html', '<html>welcome</html>'), { rules: 'none', mayLeave: true });
  const daemon = await startControlled(b, `[backend one]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n${section('page', page)}`);
  assert.equal((await ctl(daemon, 'test', 'one', '--json')).json.backends[0].model, 'mock-model');
  const told = await ctl(daemon, 'test', 'page', '--json');
  const step = told.json.backends[0].tests[0].steps.at(-1);
  assert.deepEqual([told.code, step.name, step.ok], [1, 'answer', false]);
  assert.match(step.remedy, /base_url/);
});

test('clients\' own keys: that the backend answers is what can be seen', async (b) => {
  const mock = await b.mock(() => fail(401, 'no key'), { rules: 'none', auth: {}, mayLeave: true });
  const daemon = await startControlled(b, `[backend one]\nprovider = custom\nbase_url = ${mock.url}\nmodel = mock-model\npass_client_key = true\n`);
  const told = await ctl(daemon, 'test', '--json');
  assert.deepEqual([told.code, told.json.passed, told.json.backends[0].wants_client_key], [0, true, true]);
});

test('wrong words are refused, and so is a fifth test at once', async (b) => {
  const mock = await b.mock(() => pause(300, say('ready')), { rules: 'compatible', mayLeave: true });
  const daemon = await startControlled(b, section('one', mock));
  assert.deepEqual([(await ctl(daemon, 'test', 'two')).code, (await ctl(daemon, 'test', 'two')).stderr], [1, 'claspctl: there is no backend two; claspctl backends lists them\n']);
  for (const query of ['only=both', 'seconds=0', 'seconds=x', 'model=%ff'])
    assert.equal((await request(daemon, 'POST', `/v1/test?${query}`)).json.error.code, 'bad_argument', query);
  const all = await Promise.all(Array.from({ length: 12 }, () => request(daemon, 'POST', '/v1/test?only=plain')));
  assert.equal(all.filter((one) => one.status === 200 && one.json.passed).length, 4);
  assert.ok(all.filter((one) => one.status === 429).every((one) => one.json.error.code === 'too_many'));
  // Traffic goes on meanwhile, and a daemon that ends waits for no test.
  const tested = request(daemon, 'POST', '/v1/test').catch(() => null);
  await until(() => mock.chats.length === 5, 5000, 'the test at the backend');
  assert.equal((await b.client(daemon.url).message(ask('x'))).status, 200);
  daemon.signal('SIGTERM');
  assert.equal((await daemon.ended).code, 0);
  await tested;
});
