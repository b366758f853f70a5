// HTTPS at the door: real TLS clients, names, client certificates, old versions, certificates that
// are wrong, late or replaced while the program runs.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import Anthropic from '@anthropic-ai/sdk';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { freePort, runOnce } from './lib/daemon.mjs';
import { pause, say } from './lib/mock.mjs';
import { Authority } from './lib/certs.mjs';
import { sleep, until } from './lib/scale.mjs';

const authority = new Authority();

function folder(b) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-tls-'));
  b.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const put = (name, text, mode = 0o600) => {
    const file = path.join(directory, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  return { put, pair: (name, { cert, key }) => ({ certificate: put(`${name}.crt`, cert), key: put(`${name}.key`, key) }) };
}

const backend = (mock) => `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n`;
const demo = '[backend]\nprovider = demo\n';

// One HTTPS request on a connection of its own: {status, text, peer, protocol, error}.
function fetchOver(port, { servername = 'localhost', ca = authority.cert, path: where = '/healthz', ...more } = {}) {
  return new Promise((resolve) => {
    const request = https.request({ host: '127.0.0.1', port, servername, ca, path: where, agent: false, ...more }, (response) => {
      const { socket } = response;
      const out = { status: response.statusCode, text: '', peer: socket.getPeerCertificate(), protocol: socket.getProtocol(), alpn: socket.alpnProtocol };
      response.on('data', (d) => { out.text += d; });
      response.on('end', () => resolve(out));
    });
    request.on('error', (error) => resolve({ error }));
    request.end();
  });
}

function run(program, args, input = '') {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: 10_000 }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, out: stdout + stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

async function secure(b, more = '', { cert = authority.issue(['localhost', '127.0.0.1']), base = demo, args = [] } = {}) {
  const files = folder(b);
  const { certificate, key } = files.pair('server', cert);
  const port = await freePort();
  const section = (extra = more) => `[listener tls]\naddress = 127.0.0.1:${port}\ncertificate = ${certificate}\nprivate_key = ${key}\n${extra}`;
  const daemon = await b.daemon({ config: base + section(), args });
  return { daemon, port, files, section, certificate, key };
}

test('the SDK over HTTPS: plain, streaming, several requests on one connection', async (b) => {
  const mock = await b.mock(() => say('hello over TLS'), { rules: 'compatible' });
  const { port } = await secure(b, '', { base: backend(mock) });
  const agent = new https.Agent({ ca: authority.cert, keepAlive: true, maxSockets: 1 });
  b.atEnd(() => agent.destroy());
  let connections = 0;
  agent.createConnection = ((create) => (...args) => { ++connections; return create.apply(agent, args); })(agent.createConnection);
  const client = new Anthropic({ apiKey: 'x', baseURL: `https://localhost:${port}`, maxRetries: 0,
    fetch: (url, init) => new Promise((resolve, reject) => {
      const request = https.request(url, { agent, method: init.method, headers: Object.fromEntries(new Headers(init.headers)), lookup: (_, o, done) => (o.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)) }, (response) => {
        resolve(new Response(new ReadableStream({
          start(c) { response.on('data', (d) => c.enqueue(d)); response.on('end', () => c.close()); response.on('error', (e) => c.error(e)); },
        }), { status: response.statusCode, headers: response.headers }));
      });
      request.on('error', reject);
      request.end(init.body);
    }) });
  for (let i = 0; i < 3; ++i) {
    const message = await client.messages.create(ask('x'));
    assert.equal(message.content[0].text, 'hello over TLS');
    const stream = client.messages.stream(ask('x'));
    assert.equal(await stream.finalText(), 'hello over TLS');
  }
  assert.equal(connections, 1, `${connections} connections for 6 requests`);
});

test('curl verifies it, speaks HTTP/1.1, and resumes its session', async (b) => {
  const { port, files } = await secure(b);
  const ca = files.put('ca.pem', authority.cert);
  const { code, out } = await run('curl', ['-sS', '--cacert', ca, '--resolve', `localhost:${port}:127.0.0.1`, `https://localhost:${port}/healthz`, '-w', ' %{http_version}']);
  assert.equal(code, 0, out);
  assert.match(out, /"ok"\} 1\.1$/);
  const resumed = await new Promise((resolve, reject) => {
    const first = tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.cert });
    first.on('error', reject);
    first.once('session', (session) => {
      first.destroy();
      const second = tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.cert, session }, () => {
        resolve(second.isSessionReused());
        second.destroy();
      });
      second.on('error', reject);
    });
  });
  assert.ok(resumed, 'no session was resumed');
});

test('TLS 1.1 and what is older is refused; min_tls = 1.3 refuses 1.2; TLS 1.2 has no tickets and modern ciphers', async (b) => {
  const { port } = await secure(b);
  const connect = (...args) => run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args], 'GET /healthz HTTP/1.0\r\n\r\n');
  assert.match((await connect('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0')).out, /alert protocol version|no protocols available/);
  const old = await connect('-tls1_2');
  assert.match(old.out, /TLSv1\.2, Cipher is ECDHE-/);
  assert.doesNotMatch(old.out, /TLS session ticket:/);
  assert.match((await connect('-tls1_2', '-cipher', 'AES128-GCM-SHA256')).out, /handshake failure/);
  assert.match((await connect('-tls1_3')).out, /TLSv1\.3, Cipher is/);
  const { port: strict } = await secure(b, 'min_tls = 1.3\n');
  assert.match((await run('openssl', ['s_client', '-connect', `127.0.0.1:${strict}`, '-tls1_2'])).out, /alert protocol version/);
});

test('HTTP/2 alone is refused by ALPN; with HTTP/1.1 beside it that is taken', async (b) => {
  const { port } = await secure(b);
  const both = await fetchOver(port, { ALPNProtocols: ['h2', 'http/1.1'] });
  assert.equal(both.alpn, 'http/1.1');
  assert.match(String((await fetchOver(port, { ALPNProtocols: ['h2'] })).error), /no application protocol/i);
});

test('the certificate is chosen by name: exact before wildcard, the first one otherwise', async (b) => {
  const files = folder(b);
  const names = [['first.test'], ['*.example.test', 'example.test'], ['special.example.test']];
  const pairs = names.map((n, i) => files.pair(`c${i}`, authority.issue(n)));
  const port = await freePort();
  await b.daemon({ config: `${demo}[listener tls]\naddress = 127.0.0.1:${port}\ncertificate = ${pairs.map((p) => p.certificate)}\nprivate_key = ${pairs.map((p) => p.key)}\n` });
  const shown = async (servername) => (await fetchOver(port, { servername, checkServerIdentity: () => undefined })).peer?.subject.CN;
  assert.equal(await shown('first.test'), 'first.test');
  assert.equal(await shown('example.test'), '*.example.test');
  assert.equal(await shown('a.example.test'), '*.example.test');
  assert.equal(await shown('A.Example.TEST'), '*.example.test');
  assert.equal(await shown('special.example.test'), 'special.example.test');
  assert.equal(await shown('a.b.example.test'), 'first.test');
  assert.equal(await shown('nobody.test'), 'first.test');
  assert.equal(await shown(''), 'first.test');
});

test('certificate, chain and key in one file', async (b) => {
  const { cert, key } = authority.issue(['localhost']);
  const files = folder(b);
  const port = await freePort();
  await b.daemon({ config: `${demo}[listener tls]\naddress = 127.0.0.1:${port}\ncertificate = ${files.put('all.pem', key + cert + authority.cert)}\n` });
  const { status, peer } = await fetchOver(port);
  assert.equal(status, 200);
  assert.equal(peer.subject.CN, 'localhost');
});

test('client certificates: required, optional, foreign, expired', async (b) => {
  const files = folder(b);
  const clients = new Authority('CLASP clients');
  const ca = files.put('clients.pem', clients.cert);
  const good = clients.issue(['alice'], { usage: 'client' });
  const { port } = await secure(b, `client_ca = ${ca}\nclient_certificates = required\n`);
  assert.equal((await fetchOver(port, good)).status, 200);
  assert.match(String((await fetchOver(port)).error), /certificate required|ECONNRESET|socket hang up/i);
  assert.match(String((await fetchOver(port, new Authority('others').issue(['mallory'], { usage: 'client' }))).error), /unknown ca|ECONNRESET|socket hang up/i);
  const late = clients.issue(['alice'], { usage: 'client', from: new Date(Date.now() - 9e8), to: new Date(Date.now() - 9e7) });
  assert.match(String((await fetchOver(port, late)).error), /certificate expired|ECONNRESET|socket hang up/i);
  const { port: optional } = await secure(b, `client_ca = ${ca}\nclient_certificates = optional\n`);
  assert.equal((await fetchOver(optional)).status, 200);
  assert.equal((await fetchOver(optional, good)).status, 200);
  assert.ok((await fetchOver(optional, new Authority('others').issue(['mallory'], { usage: 'client' }))).error);
});

test('mistakes in the files stop the start, and -check, with the file and the reason', async (b) => {
  const files = folder(b);
  const { cert, key } = authority.issue(['localhost']);
  const other = authority.issue(['localhost']);
  const config = (certificate, privateKey) => `${demo}[listener tls]\naddress = 127.0.0.1:1\ncertificate = ${certificate}\nprivate_key = ${privateKey}\n`;
  const goodCert = files.put('good.crt', cert), goodKey = files.put('good.key', key);
  const encrypted = (await run('openssl', ['pkcs8', '-topk8', '-passout', 'pass:x', '-in', goodKey])).out;
  const weak = await run('openssl', ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-keyout', files.put('weak.key', ''), '-out', files.put('weak.crt', ''), '-days', '5', '-subj', '/CN=localhost']);
  assert.equal(weak.code, 0, weak.out);
  const at = (name) => path.join(path.dirname(goodCert), name);
  for (const [c, k, expected] of [
    ['/nowhere/c.pem', goodKey, /certificate \/nowhere\/c\.pem: no such file/i],
    [goodCert, '/nowhere/k.pem', /private key \/nowhere\/k\.pem: no such file/i],
    [files.put('junk.crt', 'hello'), goodKey, /junk\.crt: there is no certificate in it; it must be PEM/],
    [files.put('cut.crt', cert.slice(0, 200)), goodKey, /cut\.crt: /],
    [goodCert, files.put('other.key', other.key), /other\.key: it does not belong to the certificate \S*good\.crt/],
    [goodCert, files.put('locked.key', encrypted), /locked\.key: it is encrypted; remove the passphrase/],
    [goodCert, files.put('empty.key', ''), /empty\.key: there is no private key in it/],
    [os.tmpdir(), goodKey, /it is not a file/],
    [at('weak.crt'), at('weak.key'), /weak\.crt: OpenSSL refuses it: ee key too small/],
  ]) {
    for (const args of [['-check'], []]) {
      const { code, stderr } = await runOnce(args, { config: config(c, k) });
      assert.equal(code, 78, `${expected} ${args}: ${stderr}`);
      assert.match(stderr, expected);
      assert.match(stderr, /\[listener tls\]/);
      assert.doesNotMatch(stderr, /PRIVATE KEY-----/);
    }
  }
});

test('expired and future certificates, chains out of order, keys for everyone: warned of, and served', async (b) => {
  const files = folder(b);
  const check = async (text) => (await runOnce(['-check'], { config: text })).stderr;
  const section = ({ certificate, key }) => `${demo}[listener tls]\naddress = 127.0.0.1:1\ncertificate = ${certificate}\nprivate_key = ${key}\n`;
  assert.match(await check(section(files.pair('old', authority.issueExpired(['localhost'])))), /warning: certificate \S*old\.crt expired on 20\d\d-/);
  assert.match(await check(section(files.pair('new', authority.issueFuture(['localhost'])))), /warning: certificate \S*new\.crt is not valid before 20\d\d-/);
  const { cert, key } = authority.issue(['localhost']);
  const chain = { certificate: files.put('chain.crt', cert + new Authority('stranger').cert), key: files.put('chain.key', key, 0o644) };
  const told = await check(section(chain));
  assert.match(told, /chain\.crt: its chain is out of order: number 2 of the file/);
  assert.match(told, /chain\.key: every user of this machine can read it/);
  const { daemon, port } = await secure(b, '', { cert: authority.issueExpired(['localhost']) });
  await until(() => /warn.* expired on /.test(daemon.stderr), 3000, `the warning in ${daemon.stderr}`);
  assert.equal((await fetchOver(port, { rejectUnauthorized: false })).status, 200);
});

test('a plain request to the HTTPS port is told so', async (b) => {
  const { port, daemon } = await secure(b);
  const answer = await fetch(`http://127.0.0.1:${port}/v1/messages`, { method: 'POST', body: JSON.stringify(ask('x')) });
  assert.equal(answer.status, 400);
  const body = await answer.json();
  assert.equal(body.error.type, 'invalid_request_error');
  assert.match(body.error.message, /HTTPS/);
  assert.doesNotMatch(daemon.stderr, / error /);
});

test('handshakes that fail or never come: a deadline, an alert, at most a few lines, none of them an error', async (b) => {
  const { port, daemon } = await secure(b, '', { args: ['-log-level', 'debug'], base: `[timeouts]\nclient_header = 1s\n${demo}` });
  const closes = (bytes) => new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    const begun = Date.now();
    socket.on('error', () => {});
    socket.resume().on('close', () => resolve(Date.now() - begun));
  });
  const waited = await closes(Buffer.alloc(0));
  assert.ok(waited > 700 && waited < 8000, `a silent connection was closed after ${waited} ms`);
  await Promise.all(Array.from({ length: 40 }, () => closes(Buffer.from('\x16\x03\x01\x00\x05hello', 'latin1'))));
  assert.ok((await closes(Buffer.from('\x16\x03\x01\x00\xc8\x01\x00', 'latin1'))) < 8000, 'half a hello');
  assert.equal((await fetchOver(port)).status, 200);
  const lines = daemon.stderr.split('\n').filter((line) => /refused: TLS handshake/.test(line));
  assert.ok(lines.length > 0 && lines.length <= 5 * os.cpus().length, `${lines.length} lines`);
  assert.ok(lines.every((line) => / debug /.test(line)), lines[0]);
  assert.doesNotMatch(daemon.stderr, /outcome=/);
});

test('a client that leaves a stream over TLS is noticed at once; close_notify and reset alike', async (b) => {
  const mock = await b.mock(() => pause(30_000, say('never')), { rules: 'compatible' });
  const { port } = await secure(b, '', { base: backend(mock) });
  for (const how of ['end', 'destroy', 'resetAndDestroy']) {
    const socket = tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.cert });
    socket.on('error', () => {});
    await new Promise((resolve) => { socket.once('secureConnect', resolve); });
    const body = JSON.stringify({ ...ask('x'), stream: true });
    socket.write(`POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    await until(() => mock.open === 1, 3000, 'the request to reach the backend');
    if (how === 'resetAndDestroy') socket._handle?._parent?.reset?.(() => {}), socket.destroy();
    else socket[how]();
    await until(() => mock.open === 0, 3000, `the call to be given up after ${how}`);
  }
});

test('a reload shows new certificates to new handshakes; a broken one keeps the old ones and everything else', async (b) => {
  const mock = await b.mock(() => say('x'), { rules: 'compatible' });
  const { daemon, port, files, certificate, section } = await secure(b, '', { base: backend(mock) });
  const serial = async () => (await fetchOver(port)).peer.serialNumber;
  const first = await serial();
  const agent = new https.Agent({ ca: authority.cert, keepAlive: true, maxSockets: 1 });
  b.atEnd(() => agent.destroy());
  const kept = () => fetchOver(port, { agent });
  assert.equal((await kept()).peer.serialNumber, first);
  const reload = async (expected) => {
    const before = daemon.stderr.length;
    daemon.signal('SIGHUP');
    await until(() => expected.test(daemon.stderr.slice(before)), 5000, String(expected));
  };
  files.pair('server', authority.issue(['localhost', '127.0.0.1']));
  await reload(/loaded again/);
  await until(async () => (await serial()) !== first, 3000, 'the new certificate');
  const second = await serial();
  assert.equal((await kept()).status, 200, 'the established connection went on');
  writeFileSync(certificate, 'broken');
  writeFileSync(path.join(daemon.directory, 'clasp.conf'), `${backend(mock)}[models]\ndefault = other\n${section()}`);
  await reload(/server\.crt: there is no certificate in it[^]*the one before stays in force/);
  assert.equal(await serial(), second);
  await b.client(daemon.url).message(ask('x'));
  assert.notEqual(mock.last.body.model, 'other');
});

test('32 MB over TLS arrive, 413 is delivered, four hundred idle connections cost little', { limit: 60_000 }, async (b) => {
  const { daemon, port } = await secure(b, '', { args: ['-workers', '1'] });
  const post = (size) => new Promise((resolve) => {
    const text = 'a'.repeat(size);
    const body = JSON.stringify(ask(text));
    const request = https.request({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.cert, method: 'POST', path: '/v1/messages', agent: false, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } },
      (response) => { response.resume().on('end', () => resolve(response.statusCode)); });
    request.on('error', (error) => resolve(error.message));
    request.end(body);
  });
  assert.equal(await post(31_000_000), 200);
  assert.equal(await post(34_000_000), 413);
  await sleep(300);
  const before = daemon.rss();
  const sockets = await Promise.all(Array.from({ length: 400 }, () => new Promise((resolve) => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.cert }, () => {
      socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
      socket.once('data', () => resolve(socket));
    });
    socket.on('error', () => {});
  })));
  const each = (daemon.rss() - before) / 400;
  for (const socket of sockets) socket.destroy();
  assert.ok(each < 60, `${each} KB for each idle connection`);
});
