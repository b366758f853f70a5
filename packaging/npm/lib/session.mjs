// One session: the daemon for it, Claude Code in front of it, and the end of both.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { rootCertificates } from 'node:tls';
import { Failure, claudeFolder, runInFront } from './programs.mjs';
import { has, valueOf } from './words.mjs';

const kStartLimit = 30_000;
const kStopLimit = 5_000;
const kTries = 3;
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// A folder that only this user can look into. The path of a Unix socket may have 107 bytes.
function makeFolder() {
  for (const where of [process.env.XDG_RUNTIME_DIR, os.tmpdir(), '/tmp']) {
    if (!where || where.length > 80) continue;
    try { return mkdtempSync(path.join(where, 'clasp-ai-')); } catch { /* the next one */ }
  }
  throw new Failure('there is no folder for temporary files; set TMPDIR');
}

// A project that somebody else wrote may have a clasp.conf in it, which must not decide where keys and
// conversations go: only the user's own files count, and one that is named.
function configuration(ours, env) {
  if (has(ours, 'config') || env.CLASP_CONFIG_FILE || !existsSync('clasp.conf')) return {};
  const own = path.join(env.XDG_CONFIG_HOME || path.join(os.homedir(), '.config'), 'clasp/clasp.conf');
  return { CLASP_CONFIG_FILE: [own, '/etc/clasp/clasp.conf'].find((file) => existsSync(file)) ?? '/dev/null' };
}

// Certificates to trust where no system has its own at a place that is known: node's.
function certificates(folder, env) {
  const known = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem', '/etc/ssl/cert.pem'];
  if (env.SSL_CERT_FILE || env.SSL_CERT_DIR || known.some((file) => existsSync(file))) return {};
  const file = path.join(folder, 'certificates.pem');
  writeFileSync(file, rootCertificates.join('\n'));
  return { SSL_CERT_FILE: file };
}

const canConnect = (socket) => new Promise((resolve) => {
  const link = net.connect(socket);
  link.on('connect', () => { link.destroy(); resolve(true); });
  link.on('error', () => resolve(false));
});

class Daemon {
  constructor(program, args, env, log) {
    const fd = openSync(log, 'a', 0o600);
    this.log = log;
    // In a session of its own: signals of the terminal are not for it.
    this.child = spawn(program, args, { stdio: ['ignore', fd, fd], env, detached: true });
    closeSync(fd);
    this.ended = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => { this.end = { code, signal }; resolve(); });
      this.child.on('error', (error) => { this.end = { code: 1, error }; resolve(); });
    });
  }

  get words() { return this.end?.error?.message ?? readFileSync(this.log, 'utf8'); }

  async ready(socket) {
    const limit = Date.now() + kStartLimit;
    while (!(await canConnect(socket))) {
      if (this.end) throw this.failure();
      if (this.unwanted) return; // it was stopped meanwhile
      if (Date.now() > limit) throw new Failure(`the proxy did not start in time. It said:\n${this.words}`);
      await sleep(15);
    }
  }

  failure() {
    const said = this.words.replace(/^ *run clasp -provider demo.*$/m, '  or try it without any: clasp-ai -provider demo');
    const hint = /unknown option/.test(said) ? '\narguments of Claude Code stand behind --, such as: clasp-ai -- -p "say hello"' : '';
    return new Failure(`the proxy did not start:\n${said.trimEnd()}${hint}`, this.end.code || 1);
  }

  // A second signal ends it where the first one found it busy.
  async stop() {
    this.unwanted = true;
    for (const signal of ['SIGTERM', 'SIGTERM', 'SIGKILL']) {
      if (this.end) return;
      this.child.kill(signal);
      let timer;
      await Promise.race([this.ended, new Promise((resolve) => { timer = setTimeout(resolve, kStopLimit); })]);
      clearTimeout(timer);
    }
  }
}

// A port that was free a moment ago.
async function freePort() {
  const server = net.createServer();
  await new Promise((resolve, reject) => { server.on('error', reject).listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

// The daemon, serving. It listens on a free port of this machine, unless somebody has said where; in
// the moment between somebody else may have taken that port.
async function startDaemon(clasp, args, env, files, asked) {
  const said = ['listen', 'port'].some((flag) => has(args, flag)) || env.CLASP_LISTEN || env.CLASP_PORT;
  for (let tries = said ? 1 : kTries; ; --tries) {
    const place = said ? [] : ['-listen', `127.0.0.1:${await freePort()}`];
    const daemon = new Daemon(clasp, [...args, ...place, '-control-socket', files.socket, '-exit-with-parent'], env, files.log);
    try {
      await Promise.race([daemon.ready(files.socket), asked]);
      return daemon;
    } catch (error) {
      await daemon.stop();
      if (tries === 1 || error.signal || !/in use/i.test(daemon.words)) throw error;
      rmSync(files.log);
    }
  }
}

export async function runSession(clasp, claspctl, ours, theirs) {
  const folder = makeFolder();
  const socket = path.join(folder, 'control.sock');
  const debug = has(ours, 'debug') || /^(1|true|yes|on)$/i.test(process.env.CLASP_DEBUG ?? '');
  let daemon, keep = false, stopAsked;
  const asked = new Promise((_, reject) => { stopAsked = reject; });
  asked.catch(() => {});
  const early = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => [signal, () => stopAsked({ signal })]);
  for (const [signal, listener] of early) process.on(signal, listener);
  try {
    // Other users of this machine must not spend the keys of this one.
    const key = valueOf(ours, 'auth-api-key') ?? (process.env.CLASP_AUTH_API_KEY || randomBytes(24).toString('base64url'));
    const env = { ...process.env, CLASP_AUTH: 'true', CLASP_AUTH_API_KEY: key, ...configuration(ours, process.env), ...certificates(folder, process.env) };
    // Of a service that runs us, and not for the daemon.
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC', 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
    daemon = await startDaemon(clasp, ours, env, { socket, log: path.join(folder, 'clasp.log') }, asked);

    const front = { ...process.env, ANTHROPIC_AUTH_TOKEN: key };
    // The daemon has them; Claude Code would ask its user which of the two it should believe.
    for (const name of ['ANTHROPIC_API_KEY', 'CLASP_AUTH_API_KEY']) delete front[name];
    const claude = claudeFolder();
    if (claude) front.PATH = `${claude}${path.delimiter}${process.env.PATH ?? ''}`;
    const session = runInFront(claspctl, ['--socket', socket, 'claude', '--', ...theirs], front);
    for (const [signal, listener] of early) process.off(signal, listener);
    const end = await session;
    if (daemon.end) {
      keep = true;
      process.stderr.write(`clasp-ai: the proxy ended before Claude Code did; its log is ${daemon.log}\n`);
    } else if (debug) {
      keep = true;
      process.stderr.write(`clasp-ai: the log of the proxy is ${daemon.log}\n`);
    }
    return end;
  } catch (error) {
    if (error.signal) return error;
    throw error;
  } finally {
    await daemon?.stop();
    for (const [signal, listener] of early) process.off(signal, listener);
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
}
