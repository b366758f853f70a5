#!/usr/bin/env node
// clasp-ai: a proxy of its own for one session of Claude Code. See ../README.md.
import process from 'node:process';
import { divide, helpText, isAlone } from '../lib/words.mjs';
import { claspProgram, runAlone } from '../lib/programs.mjs';
import { runSession } from '../lib/session.mjs';

const { ours, theirs } = divide(process.argv.slice(2));

async function main() {
  const clasp = claspProgram('clasp');
  if (ours.includes('-help') || ours.includes('--help') || ours.includes('-h')) {
    process.stdout.write(helpText);
    return runAlone(clasp, ['-help']);
  }
  if (isAlone(ours)) return runAlone(clasp, [...ours, '-exit-with-parent']);
  return runSession(clasp, claspProgram('claspctl'), ours, theirs);
}

main().then(({ code, signal }) => {
  // Whoever started us sees the end that Claude Code came to.
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(1), 1000);
    return;
  }
  process.exitCode = code;
}, (error) => {
  process.stderr.write(`clasp-ai: ${error.message}\n`);
  process.exitCode = error.exitCode ?? 1;
});
