// Runs the test files, each in a process of its own, and counts. Failures are printed whole,
// skipped checks in one line each with the reason; a skipped check is never a passed one.
import { run } from 'node:test';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { slow } from './scale.mjs';

const home = fileURLToPath(new URL('..', import.meta.url));
const all = readdirSync(home).filter((f) => f.endsWith('.test.mjs')).sort();
const wanted = process.argv.slice(2).filter((a) => !a.startsWith('--'));
const names = wanted.length ? all.filter((f) => wanted.some((w) => f.startsWith(path.basename(w)))) : all;
const verbose = process.argv.includes('--verbose');
const count = { passed: 0, failed: 0, skipped: 0 };
const started = performance.now();
const slowest = [];

function failureText(error) {
  const cause = error?.cause ?? error;
  const text = typeof cause === 'string' ? cause : cause?.stack ?? cause?.message ?? String(cause);
  return text.replace(/^/gm, '    ');
}

const stream = run({
  files: names.map((f) => path.join(home, f)),
  concurrency: Number(process.env.CLASP_TEST_JOBS) || 2,
  timeout: 20 * 60_000 * slow,
});
const title = (data) => (data.file?.endsWith('.test.mjs') ? `${path.basename(data.file, '.test.mjs')}: ${data.name}` : data.name);
// A file reports itself as a test as well; only a failing one is news (it could not even start).
const isFile = (data) => data.nesting === 0 && all.some((f) => data.name.endsWith(f));
stream.on('test:pass', (data) => {
  if (isFile(data) || data.details?.type === 'suite') return;
  if (data.skip !== undefined || data.todo !== undefined) {
    count.skipped += 1;
    console.log(`skipped: ${title(data)}: ${data.skip === true || !data.skip ? 'no reason given' : data.skip}`);
    return;
  }
  count.passed += 1;
  slowest.push([data.details.duration_ms, `${title(data)}`]);
  if (verbose) console.log(`passed: ${title(data)} (${Math.round(data.details.duration_ms)} ms)`);
});
stream.on('test:fail', (data) => {
  if (data.details?.error?.failureType === 'subtestsFailed') return;
  count.failed += 1;
  console.log(`FAILED: ${title(data)}\n${failureText(data.details?.error)}`);
});
stream.on('test:stderr', (data) => process.stderr.write(data.message));
for await (const _ of stream) { /* events are handled above */ }

slowest.sort((a, b) => b[0] - a[0]);
if (verbose) for (const [ms, name] of slowest.slice(0, 8)) console.log(`slowest: ${(ms / 1000).toFixed(1)} s ${name}`);
console.log(`system: ${Math.round((performance.now() - started) / 1000)} s, ${process.version}`);
console.log(`system: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exit(count.failed > 0 || count.passed === 0 ? 1 : 0);
