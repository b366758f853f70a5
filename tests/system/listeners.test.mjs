// Where clients are accepted: PROXY headers, addresses told by proxies, Unix sockets, and listeners
// that come and go with a reload.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { test, assert } from './lib/harness.mjs';
import { ask } from './lib/client.mjs';
import { freePort, runOnce } from './lib/daemon.mjs';
import { pause, say } from './lib/mock.mjs';
import { Authority } from './lib/certs.mjs';
import { sleep, until } from './lib/scale.mjs';

const demo = '[backend]\nprovider = demo\n';
const backend = (mock) => `[backend]\nprovider = custom\nbase_url = ${mock.url}\napi_key = ${mock.key}\n`;

const kSignature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const v1 = (client) => Buffer.from(`PROXY TCP4 ${client} 127.0.0.1 4711 443\r\n`);
function v2(client, { command = 1, more = Buffer.alloc(0) } = {}) {
  const addresses = client ? Buffer.from([...client.split('.').map(Number), 127, 0, 0, 1, 0x12, 0x67, 1, 0xbb]) : Buffer.alloc(0);
  const head = Buffer.from([0x20 | command, client ? 0x11 : 0, 0, addresses.length + more.length]);
  return Buffer.concat([kSignature, head, addresses, more]);
}
const request = (headers = '', text = 'x') => {
  const body = JSON.stringify(ask(text));
  return `POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
};

// Sends the pieces one after the other and collects what comes back until the end.
function exchange(where, pieces) {
  return new Promise((resolve) => {
    const socket = net.connect(typeof where === 'number' ? { port: where, host: '127.0.0.1' } : { path: where });
    let text = '';
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (d) => { text += d; });
    socket.on('close', () => resolve(text));
    socket.on('connect', async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        socket.write(piece);
        if (pieces.length > 1) await new Promise(setImmediate);
      }
    });
  });
}
const clients = (daemon) => [...daemon.stderr.matchAll(/ client=(\S+)/g)].map((m) => m[1]);
async function lastClient(daemon, count) {
  await until(() => clients(daemon).length >= count, 3000, 'the log line');
  return clients(daemon).at(-1);
}

async function proxied(b, more = '', trusted = '127.0.0.1') {
  const port = await freePort();
  const config = `${demo}[server]\ntrusted_proxies = ${trusted}\n[listener proxied]\naddress = 127.0.0.1:${port}\nproxy_protocol = true\n${more}`;
  const daemon = await b.daemon({ config });
  return { port, daemon };
}

test('PROXY headers of both versions say who the client is; LOCAL and UNKNOWN leave it at that', async (b) => {
  const { port, daemon } = await proxied(b);
  let count = 0;
  for (const [head, expected] of [
    [v1('203.0.113.7'), /^203\.0\.113\.7:4711$/], [v2('203.0.113.8'), /^203\.0\.113\.8:4711$/],
    [v2('203.0.113.9', { more: Buffer.from([4, 0, 2, 1, 1]) }), /^203\.0\.113\.9:4711$/],
    [Buffer.from('PROXY TCP6 2001:db8::1 ::1 4711 443\r\n'), /^\[2001:db8::1\]:4711$/],
    [v2('', { command: 0 }), /^127\.0\.0\.1:/], [Buffer.from('PROXY UNKNOWN\r\n'), /^127\.0\.0\.1:/]]) {
    assert.match(await exchange(port, [Buffer.concat([head, Buffer.from(request())])]), /^HTTP\/1\.1 200 /);
    assert.match(await lastClient(daemon, ++count), expected);
  }
});

test('PROXY headers cut at every byte', async (b) => {
  const { port } = await proxied(b);
  const rest = Buffer.from('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  for (const head of [v1('203.0.113.7'), v2('203.0.113.7', { more: Buffer.from([4, 0, 1, 0]) })]) {
    const all = Buffer.concat([head, rest]);
    for (let n = 1; n <= head.length + 1; ++n)
      assert.match(await exchange(port, [all.subarray(0, n), all.subarray(n)]), /^HTTP\/1\.1 200 /, `cut at ${n}`);
    assert.match(await exchange(port, [...all].map((byte) => Buffer.from([byte]))), /^HTTP\/1\.1 200 /, 'byte by byte');
  }
});

test('connections without a header, with a bad one or from strangers are closed; the log says so a few times', async (b) => {
  const { port, daemon } = await proxied(b);
  for (const bytes of [request(), 'PROXY TCP4 1.2.3.4\r\n', 'PROXY TCP9 1 2 3 4\r\n', '\x16\x03\x01', `PROXY UNKNOWN ${'x'.repeat(200)}`])
    assert.equal(await exchange(port, [bytes]), '');
  for (let i = 0; i < 30; ++i) await exchange(port, [request()]);
  const lines = daemon.stderr.split('\n').filter((line) => /refused: PROXY protocol/.test(line));
  assert.ok(lines.length >= 1 && lines.length <= 5 * Math.max(2, os.cpus().length), `${lines.length} lines`);
  const strict = await proxied(b, '', '10.0.0.0/8');
  assert.equal(await exchange(strict.port, [Buffer.concat([v1('203.0.113.7'), Buffer.from(request())])]), '');
  await until(() => /the peer is not among trusted_proxies/.test(strict.daemon.stderr), 3000, 'the reason in the log');
});

test('the PROXY header comes before the TLS handshake', async (b) => {
  const authority = new Authority();
  const directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-listeners-'));
  b.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const { cert, key } = authority.issue(['localhost']);
  const file = path.join(directory, 'all.pem');
  writeFileSync(file, cert + key);
  const { port, daemon } = await proxied(b, `certificate = ${file}\n`);
  const raw = net.connect(port, '127.0.0.1');
  raw.write(v2('203.0.113.7'));
  const socket = tls.connect({ socket: raw, servername: 'localhost', ca: authority.cert });
  let text = '';
  socket.on('data', (d) => { text += d; });
  socket.write(request());
  await new Promise((resolve, reject) => { socket.on('close', resolve); socket.on('error', reject); });
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.equal(await lastClient(daemon, 1), '203.0.113.7:4711');
});

test('X-Forwarded-For and Forwarded count from trusted proxies, and never reach a backend', async (b) => {
  const mock = await b.mock(() => say('x'), { rules: 'compatible' });
  const daemon = await b.daemon({ config: `${backend(mock)}[server]\ntrusted_proxies = 127.0.0.1, 10.0.0.0/8\n` });
  const client = b.client(daemon.url);
  let count = 0;
  for (const [headers, expected] of [
    [{ 'x-forwarded-for': '6.6.6.6, 203.0.113.7, 10.0.0.3' }, '203.0.113.7'],
    [{ 'x-forwarded-for': '203.0.113.7, nonsense' }, /^127\.0\.0\.1:/],
    [{ forwarded: 'for="[2001:db8::1]:4711";proto=https' }, '[2001:db8::1]:4711'],
    [{ forwarded: 'for=6.6.6.6', 'x-forwarded-for': '203.0.113.8' }, '203.0.113.8'],
    [{}, /^127\.0\.0\.1:/]]) {
    await client.message(ask('x'), { headers });
    const got = await lastClient(daemon, ++count);
    if (expected instanceof RegExp) assert.match(got, expected);
    else assert.equal(got, expected);
    assert.equal(mock.last.headers['x-forwarded-for'], undefined);
    assert.equal(mock.last.headers.forwarded, undefined);
  }
  const bare = await b.daemon({ config: demo });
  await b.client(bare.url).message(ask('x'), { headers: { 'x-forwarded-for': '6.6.6.6' } });
  assert.match(await lastClient(bare, 1), /^127\.0\.0\.1:/);
});

test('Unix sockets: mode, addresses told over them, a stale file replaced', async (b) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-listeners-'));
  b.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'clasp.sock');
  const config = `${demo}[server]\ntrusted_proxies = unix\n[listener local]\naddress = unix:${file}\nmode = 0600\n`;
  for (let round = 0; round < 2; ++round) {
    const daemon = await b.daemon({ config });
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.match(await exchange(file, [request('x-forwarded-for: 203.0.113.7\r\n')]), /^HTTP\/1\.1 200 /);
    assert.equal(await lastClient(daemon, 1), '203.0.113.7');
    if (round === 0) {
      daemon.kill();
      await until(() => daemon.exit, 5000, 'its end');
      daemon.forget();
      assert.ok(existsSync(file), 'the file stays behind');
    } else {
      await daemon.stop();
      assert.ok(!existsSync(file), 'a stop takes it away');
    }
  }
  const { code, stderr } = await runOnce([], { config: `${demo}[listener local]\naddress = unix:${file}\ngroup = no-such-group-here\n` });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /there is no group "no-such-group-here"/);
});

test('a reload opens and closes listeners; established connections and those that stay go on', { limit: 60_000 }, async (b) => {
  const mock = await b.mock(() => pause(1500, say('in the end')), { rules: 'compatible' });
  const [first, second] = [await freePort(), await freePort()];
  const file = (daemon) => path.join(daemon.directory, 'clasp.conf');
  const section = (name, port) => `[listener ${name}]\naddress = 127.0.0.1:${port}\n`;
  const daemon = await b.daemon({ config: backend(mock) + section('one', first), args: ['-workers', '2'] });
  const reload = async (config, expected = /loaded again/) => {
    const before = daemon.stderr.length;
    writeFileSync(file(daemon), config);
    daemon.signal('SIGHUP');
    await until(() => expected.test(daemon.stderr.slice(before)), 5000, String(expected));
  };
  const opens = (port) => new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  });
  assert.ok(await opens(first));
  const slow = exchange(first, [request()]);
  await until(() => mock.chats.length === 1, 3000, 'the request at the backend');
  await reload(backend(mock) + section('two', second));
  await until(() => opens(second), 3000, 'the new listener');
  await until(async () => !(await opens(first)), 3000, 'the end of the old one');
  assert.match(await slow, /in the end/, 'an answer over the listener that is gone');
  assert.ok(await opens(daemon.port), 'the one that stayed');
  // One that cannot be opened: nothing changes.
  const taken = net.createServer().listen(0, '127.0.0.1');
  b.atEnd(() => { taken.close(); });
  await new Promise((resolve) => { taken.once('listening', resolve); });
  await reload(`${backend(mock)}[models]\ndefault = other\n${section('three', taken.address().port)}`, /another program listens there[^]*the one before stays in force/);
  assert.ok(await opens(second));
  // The same place, told otherwise: the socket is kept.
  await reload(`${backend(mock)}[server]\ntrusted_proxies = 127.0.0.1\n${section('two', second)}proxy_protocol = true\n`);
  await until(async () => (await exchange(second, ['GET /healthz HTTP/1.0\r\n\r\n'])) === '', 3000, 'PROXY headers to be asked for');
  assert.match(await exchange(second, [Buffer.concat([v1('203.0.113.7'), Buffer.from('GET /healthz HTTP/1.0\r\n\r\n')])]), /200 OK/);
  assert.doesNotMatch(daemon.stderr, /need a restart/);
});

test('no connection is lost while listeners come and go', { limit: 60_000 }, async (b) => {
  const extra = await freePort();
  const daemon = await b.daemon({ config: demo, args: ['-workers', '2'] });
  let running = true, answers = 0;
  const load = Array.from({ length: 4 }, async () => {
    while (running) {
      const answer = await exchange(daemon.port, ['GET /healthz HTTP/1.0\r\n\r\n']);
      if (/ 200 /.test(answer)) ++answers;
      else b.problem(`an answer was ${JSON.stringify(answer)}`);
    }
  });
  for (let n = 0; n < 10; ++n) {
    const before = daemon.stderr.split('loaded again').length;
    writeFileSync(path.join(daemon.directory, 'clasp.conf'), n % 2 ? demo : `${demo}[listener more]\naddress = 127.0.0.1:${extra}\n`);
    daemon.signal('SIGHUP');
    await until(() => daemon.stderr.split('loaded again').length > before, 5000, 'the reload');
    await sleep(30);
  }
  running = false;
  await Promise.all(load);
  assert.ok(answers > 50, `only ${answers} answers`);
});

test('others than this machine can reach it: warned of, unless clients must show a certificate', async (b) => {
  const port = await freePort();
  const daemon = await b.daemon({ config: `${demo}[listener open]\naddress = 0.0.0.0:${port}\n` });
  assert.match(daemon.stderr, new RegExp(`warn.*0\\.0\\.0\\.0:${port} without authentication`));
});

test('behind nginx: X-Forwarded-For through its proxy_pass, streams unbuffered', async (b) => {
  const nginx = ['/usr/sbin/nginx', '/usr/bin/nginx'].find(existsSync);
  if (!nginx) return b.skip('nginx is not installed');
  const daemon = await b.daemon({ config: `${demo}[server]\ntrusted_proxies = 127.0.0.1\n` });
  const directory = mkdtempSync(path.join(os.tmpdir(), 'clasp-nginx-'));
  b.atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  writeFileSync(path.join(directory, 'nginx.conf'), `
daemon off; master_process off; pid ${directory}/pid; error_log stderr warn;
events {}
http {
  access_log off; client_body_temp_path ${directory}/b; proxy_temp_path ${directory}/p; fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${daemon.url}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}`);
  const child = spawn(nginx, ['-p', directory, '-c', path.join(directory, 'nginx.conf')], { stdio: 'ignore' });
  b.atEnd(() => { child.kill('SIGTERM'); });
  const client = b.client(`http://127.0.0.1:${port}`);
  await until(() => new Promise((resolve) => {
    http.get(`http://127.0.0.1:${port}/healthz`, (r) => { r.resume(); resolve(r.statusCode === 200); }).on('error', () => resolve(false));
  }), 5000, 'nginx to serve');
  const stream = await client.wholeStream(ask('Count to 5'), { headers: { 'x-forwarded-for': '6.6.6.6' } });
  assert.equal(stream.status, 200);
  // nginx connects from 127.0.0.1 and says that its client is 127.0.0.1, which is trusted here.
  assert.equal(await lastClient(daemon, 1), '6.6.6.6');
});
