// claspctl and the control API of a daemon that a test has started.
import { execFile } from 'node:child_process';
import http from 'node:http';
import path from 'node:path';
import { kBinary } from './daemon.mjs';

export const kCtl = `${kBinary}ctl`;

// A daemon with a control socket of its own: daemon.control.
export async function startControlled(b, config, { args = ['-workers', '2'], env = {} } = {}) {
  const daemon = await b.daemon({ config, args, env: { CLASP_CONTROL_SOCKET: null, XDG_RUNTIME_DIR: null, RUNTIME_DIRECTORY: b.folder(), ...env } });
  daemon.control = path.join(b.folder(), 'control.sock');
  return daemon;
}

// Runs claspctl; with --json its answer is parsed.
export function ctl(daemon, ...args) {
  const env = { PATH: process.env.PATH, CLASP_CONTROL_SOCKET: daemon.control };
  return new Promise((resolve) => execFile(kCtl, args, { env, timeout: 60_000 }, (error, stdout, stderr) =>
    resolve({ code: error ? error.code : 0, stdout, stderr, json: args.includes('--json') ? JSON.parse(stdout || 'null') : undefined })));
}

// A request of the API without claspctl.
export const request = (daemon, method, target) => new Promise((resolve, reject) => {
  const call = http.request({ socketPath: daemon.control, method, path: target }, (answer) => {
    let text = '';
    answer.on('data', (d) => { text += d; });
    answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text, json: JSON.parse(text) }));
  });
  call.on('error', reject);
  call.end();
});
