// Runs the real Claude Code, headless, in a home and a folder of its own, against any address.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from './scale.mjs';

const packages = fileURLToPath(new URL('../node_modules/@anthropic-ai/', import.meta.url));
// Where the program is, if it was installed for this machine.
export const claude = (existsSync(packages) ? readdirSync(packages) : []).filter((n) => n.startsWith('claude-code-'))
  .map((n) => path.join(packages, n, 'claude')).find((file) => existsSync(file));

// Runs `claude -p` to its end: {code, lines (the JSON it printed), work (its folder)}.
export async function session(b, url, prompt, { prepare = () => {}, args = [], env = {}, limit = 50_000 } = {}) {
  const root = mkdtempSync(path.join(os.tmpdir(), 'clasp-claude-'));
  b.atEnd(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));
  const [home, work] = ['home', 'work'].map((name) => path.join(root, name));
  mkdirSync(home);
  mkdirSync(work);
  prepare(work);
  const child = spawn(claude, ['-p', prompt(work), '--output-format', 'stream-json', '--verbose', '--dangerously-skip-permissions', ...args], {
    cwd: work, stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH, HOME: home, TMPDIR: root, IS_SANDBOX: '1', ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'test',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_TELEMETRY: '1', DISABLE_AUTOUPDATER: '1', DISABLE_ERROR_REPORTING: '1',
      DISABLE_BUG_COMMAND: '1', DISABLE_COST_WARNINGS: '1', CLAUDE_CODE_MAX_RETRIES: '1', ...env,
    },
  });
  b.atEnd(() => { if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL'); });
  let stdout = '', stderr = '';
  child.stdout.on('data', (d) => { stdout += d; });
  child.stderr.on('data', (d) => { stderr += d; });
  const [code] = await within(limit, once(child, 'close'), 'claude to finish');
  const lines = stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const result = lines.findLast((line) => line.type === 'result');
  return { code, lines, result, work, stderr };
}
