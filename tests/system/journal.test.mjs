// The journal gets the log natively, with fields of its own, when stderr is connected to it.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { test, assert } from './lib/harness.mjs';
import { freePort, kBinary } from './lib/daemon.mjs';

test('exchanges reach the journal with structured fields', async (b) => {
  const script = path.join(import.meta.dirname, 'lib/journal_peer.py');
  const child = spawn('python3', [script, kBinary, String(await freePort())], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stdout.on('data', (d) => { out += d; });
  child.stderr.on('data', (d) => { err += d; });
  const code = await new Promise((resolve) => { child.on('close', resolve); child.on('error', () => resolve(77)); });
  if (code === 77) return b.skip(`not possible here: ${err.trim() || 'no python3'}`);
  assert.equal(code, 0, err);
  const entries = out.trim().split('\n').map((line) => JSON.parse(line));
  const exchange = entries.find((entry) => entry.CLASP_REQUEST_ID);
  assert.match(exchange.CLASP_REQUEST_ID, /^req_[0-9A-Za-z]{24}$/);
  assert.match(exchange.MESSAGE, /backend=demo status=200 outcome=completed/);
  assert.equal(exchange.CLASP_BACKEND, 'demo');
  assert.equal(exchange.CLASP_STATUS, '200');
  assert.equal(exchange.PRIORITY, '6');
  for (const name of ['INPUT_TOKENS', 'OUTPUT_TOKENS', 'CACHED_TOKENS', 'CACHE_WRITE_TOKENS', 'TOOL_CALLS', 'FIRST_USEC', 'TOTAL_USEC', 'QUEUED_USEC', 'BYTES_IN', 'BYTES_OUT', 'ATTEMPTS'])
    assert.match(exchange[`CLASP_${name}`], /^\d+$/, name);
  assert.equal(exchange.CLASP_METHOD, 'POST');
  assert.equal(exchange.CLASP_PATH, '/v1/messages');
  assert.equal(exchange.CLASP_CACHE, 'off');
  assert.equal(exchange.CLASP_STREAM, 'no');
  assert.equal(exchange.CLASP_STOP_REASON, 'end_turn');
  assert.equal(exchange.SYSLOG_IDENTIFIER, 'clasp');
  assert.equal(exchange.CODE_FILE, undefined);
});
