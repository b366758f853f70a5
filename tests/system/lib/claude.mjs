// Claude Code as the system tests run it: headless, in a home and a folder of its own, through a tap
// in front of the daemon, with a stand-in for a model behind it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, assert } from './harness.mjs';
import { Model } from './model.mjs';
import { within } from './scale.mjs';

const packages = fileURLToPath(new URL('../node_modules/@anthropic-ai/', import.meta.url));
// Where the program is, if it was installed for this machine.
export const claude = (existsSync(packages) ? readdirSync(packages) : []).filter((n) => n.startsWith('claude-code-'))
  .map((n) => path.join(packages, n, 'claude')).find((file) => existsSync(file));

export const ccTest = (name, body) => test(name, { limit: 60_000 }, (b) =>
  (claude ? body(b) : b.skip(`no Claude Code for ${process.platform}-${process.arch} was installed`)));

function start(b, url, args, stdin, { prepare = () => {}, env = {} }) {
  const root = mkdtempSync(path.join(os.tmpdir(), 'clasp-claude-'));
  b.atEnd(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));
  const [home, work] = ['home', 'work'].map((name) => path.join(root, name));
  mkdirSync(home);
  mkdirSync(work);
  prepare(work);
  const child = spawn(claude, ['-p', ...args(work), '--output-format', 'stream-json', '--verbose'], {
    cwd: work, stdio: [stdin, 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH, HOME: home, TMPDIR: root, IS_SANDBOX: '1', ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'test',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_TELEMETRY: '1', DISABLE_AUTOUPDATER: '1', DISABLE_ERROR_REPORTING: '1',
      DISABLE_BUG_COMMAND: '1', DISABLE_COST_WARNINGS: '1', CLAUDE_CODE_MAX_RETRIES: '1', ...env,
    },
  });
  b.atEnd(() => { if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL'); });
  const run = { child, work, lines: [], stderr: '', onLine: () => {} };
  let left = '';
  child.stdout.on('data', (d) => {
    left += d;
    for (let at; (at = left.indexOf('\n')) >= 0; left = left.slice(at + 1)) {
      if (at === 0) continue;
      const line = JSON.parse(left.slice(0, at));
      run.lines.push(line);
      run.onLine(line);
    }
  });
  child.stderr.on('data', (d) => { run.stderr += d; });
  return run;
}

async function finish(run, limit) {
  [run.code] = await within(limit, once(run.child, 'close'), 'claude to finish');
  run.result = run.lines.findLast((line) => line.type === 'result');
  return run;
}

// Runs `claude -p` to its end: {code, lines (the JSON it printed), result, work (its folder)}.
export function session(b, url, prompt, { args = [], limit = 50_000, ...more } = {}) {
  return finish(start(b, url, (work) => [prompt(work), '--dangerously-skip-permissions', ...args], 'ignore', more), limit);
}

// The same with a user at the other end, who is asked: `decide` gets each question of the client
// ({tool_name, input, …}) and says what to do.
export function conversation(b, url, prompt, decide, { args = [], limit = 50_000, ...more } = {}) {
  const run = start(b, url, () => ['--input-format', 'stream-json', '--permission-prompt-tool', 'stdio', ...args], 'pipe', more);
  const send = (line) => run.child.stdin.write(`${JSON.stringify(line)}\n`);
  run.onLine = (line) => {
    if (line.type === 'control_request')
      send({ type: 'control_response', response: { subtype: 'success', request_id: line.request_id, response: decide(line.request) } });
    if (line.type === 'result') run.child.stdin.end();
  };
  send({ type: 'user', message: { role: 'user', content: prompt(run.work) } });
  return finish(run, limit);
}

export async function stage(b, model = new Model(), options = {}) {
  const made = await b.front(model.script ?? model, options);
  const tap = await b.tap(made.daemon.url);
  return { ...made, tap, model };
}

export function finished(run, tap) {
  assert.equal(run.code, 0, `${run.stderr}\n${JSON.stringify(run.result)}\n${tap.exchanges.map((e) => `${e.method} ${e.path} ${e.status} ${e.json?.error?.message ?? ''}`).join('\n')}`);
  assert.equal(run.result.is_error, false);
  assert.equal(run.result.subtype, 'success');
  for (const e of tap.exchanges) if (/^\/v1\/messages(\?|$)/.test(e.path)) assert.equal(e.status, 200, `${e.path}: ${JSON.stringify(e.json)}`);
}

// An order for the model: one list of calls for each of its replies.
export const steps = (...lists) => `DO steps ${JSON.stringify(lists)}`;
