// A daemon with several named backends, for tests of what happens between them.
import { freePort } from './daemon.mjs';
import { Mock } from './mock.mjs';
import { until } from './scale.mjs';

// backends: {name: responder list or function, or {script, keys..., lines: [text], url, ...mock options}}.
// settings: text of further sections. Each mock wants a key of its own.
export async function fleet(b, backends, settings = '', { args = [], env = {} } = {}) {
  const mocks = {};
  let config = `${settings}\n`;
  for (const [name, given] of Object.entries(backends)) {
    const { script, lines = [], url, ...options } = typeof given === 'function' || Array.isArray(given) ? { script: given } : given;
    const key = `sk-${name}-key`;
    if (!url) mocks[name] = await b.mock(script, { rules: 'none', key, mayLeave: true, ...options });
    config += `[backend ${name}]\n${lines.some((l) => /^provider/.test(l)) ? '' : 'provider = custom\n'}base_url = ${url ?? mocks[name].url}\n`
      + `${lines.some((l) => /^api_key/.test(l)) ? '' : `api_key = ${key}\n`}${lines.join('\n')}\n`;
  }
  const daemon = await b.daemon({ config, args: ['-model', 'm', ...args], env });
  const client = b.client(daemon.url);
  return {
    mocks, daemon, client, line: (answer) => logLine(daemon, answer),
    health: async () => (await client.get('/health')).json,
    providers: async () => (await client.get('/providers/health')).json,
  };
}

// What the log says about a request, as {field: value}. Absent fields are absent.
export async function logLine(daemon, answer) {
  const id = answer.headers['request-id'];
  const line = await until(() => daemon.stderr.split('\n').find((l) => l.includes(id) && / outcome=/.test(l)), 3000, `the log line of ${id}`);
  return Object.fromEntries([...line.matchAll(/ ([a-z_]+)=("(?:[^"\\]|\\.)*"|\S+)/g)].map(([, name, value]) => [name, value]));
}

// A backend that is not there yet; come() starts it where it was expected, go() takes it away.
export async function absent(script, { key = 'sk-mock' } = {}) {
  const port = await freePort();
  return {
    url: `http://127.0.0.1:${port}/v1`, key, mock: null,
    async come() { this.mock = await Mock.start(script, { port, rules: 'none', key }); },
    async go() { await this.mock?.stop(); this.mock = null; },
  };
}
