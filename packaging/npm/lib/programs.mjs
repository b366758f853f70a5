// Where the programs are, and how one is run in our place.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';

const kPackage = fileURLToPath(new URL('..', import.meta.url));
const kPlatform = `${process.platform}-${process.arch}`;

export class Failure extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function claspProgram(name) {
  const file = path.join(kPackage, kPlatform, 'bin', name);
  if (existsSync(file)) return file;
  throw new Failure(`this package has no ${name} for ${kPlatform}. It is made for Linux on x64 and arm64; on others run clasp in a container`);
}

// The folder with the program `claude`. It comes in a package of Claude Code's for each platform; the
// one of Claude Code itself is only complete when its install script could run.
export function claudeFolder() {
  const require = createRequire(import.meta.url);
  // The name of a package cannot be asked for its folder alone: package.json can.
  const folderOf = (name, from) => {
    try { return path.dirname(require.resolve(`${name}/package.json`, from && { paths: [from] })); } catch { return undefined; }
  };
  const main = folderOf('@anthropic-ai/claude-code');
  if (!main) return undefined;
  const glibc = process.report?.getReport?.().header?.glibcVersionRuntime !== undefined;
  for (const libc of glibc ? ['', '-musl'] : ['-musl', '']) {
    const folder = folderOf(`@anthropic-ai/claude-code-${kPlatform}${libc}`, main);
    if (folder && existsSync(path.join(folder, 'claude'))) return folder;
  }
  return undefined;
}

const kForwarded = ['SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

// Runs a program of ours in our place. It gets no signal of the terminal but through us, so that one
// Ctrl-C is one signal.
export function runAlone(program, args) {
  return endOf(spawn(program, args, { stdio: 'inherit', detached: true }), [...kForwarded, 'SIGINT']);
}

// Runs a program that has the terminal. Ctrl-C reaches it by itself there, and what it means is for it
// to say.
export function runInFront(program, args, env) {
  const terminal = [0, 1, 2].some((fd) => isatty(fd));
  return endOf(spawn(program, args, { stdio: 'inherit', env }), terminal ? kForwarded : [...kForwarded, 'SIGINT']);
}

// Waits for the end: {code, signal}. `forwarded` signals are handed on; none of these ends us.
async function endOf(child, forwarded) {
  const listeners = [...new Set([...forwarded, 'SIGINT'])].map((signal) => [signal, () => { if (forwarded.includes(signal)) child.kill(signal); }]);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  try {
    const [code, signal] = await once(child, 'exit'); // rejects when there is an 'error' instead
    return { code, signal };
  } catch (error) {
    throw new Failure(`cannot run ${child.spawnfile}: ${error.message}`);
  } finally {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  }
}
