// Stands between a real client and the daemon and checks what passes: every event stream against
// the grammar, every error against its shape. Changes nothing on the way.
import http from 'node:http';
import { once } from 'node:events';
import { StreamChecker } from './grammar.mjs';
import { checkAnswer } from './client.mjs';

const kHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'proxy-connection']);
const pass = (raw) => {
  const out = [];
  for (let i = 0; i < raw.length; i += 2) if (!kHop.has(raw[i].toLowerCase())) out.push(raw[i], raw[i + 1]);
  return out;
};

export class Tap {
  problems = [];
  exchanges = []; // {method, path, headers, status, events, aborted}; bodies are not kept
  #streaming = new Set();

  static async start(target) {
    const tap = new Tap();
    tap.target = new URL(target);
    tap.agent = new http.Agent({ keepAlive: true });
    tap.server = http.createServer((req, res) => tap.#serve(req, res));
    tap.server.listen(0, '127.0.0.1');
    await once(tap.server, 'listening');
    return tap;
  }
  get url() { return `http://127.0.0.1:${this.server.address().port}`; }

  async stop() {
    for (const [exchange, checker] of this.#streaming) this.#settle(exchange, checker);
    this.#streaming.clear();
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    this.agent.destroy();
    await closed;
  }

  #settle(exchange, checker) {
    exchange.events = checker.events.map((e) => e.event);
    exchange.message = checker.message;
    this.problems.push(...checker.finish({ aborted: exchange.aborted }).map((p) => `${exchange.path}: ${p}`));
  }

  #serve(req, res) {
    const exchange = { method: req.method, path: req.url, headers: req.headers, status: null, events: [], aborted: false };
    this.exchanges.push(exchange);
    const onward = http.request({
      host: this.target.hostname, port: this.target.port, method: req.method, path: req.url, agent: this.agent,
      headers: pass(req.rawHeaders), setHost: false,
    });
    onward.on('response', (answer) => this.#answer(exchange, answer, res));
    onward.on('error', (error) => {
      if (exchange.aborted) return;
      this.problems.push(`${req.method} ${req.url}: connection to the daemon: ${error.message}`);
      res.destroy();
    });
    res.on('close', () => {
      if (res.writableFinished) return;
      exchange.aborted = true;
      onward.destroy();
    });
    req.pipe(onward);
  }

  #answer(exchange, answer, res) {
    exchange.status = answer.statusCode;
    exchange.answerHeaders = answer.headers;
    res.writeHead(answer.statusCode, answer.statusMessage, pass(answer.rawHeaders));
    res.flushHeaders();
    const isEvents = /^text\/event-stream/.test(answer.headers['content-type'] ?? '');
    const checker = isEvents ? new StreamChecker() : null;
    const entry = [exchange, checker];
    if (checker) this.#streaming.add(entry);
    const parts = [];
    answer.on('data', (part) => { if (checker) checker.feed(part); else parts.push(part); });
    answer.on('error', () => { if (!exchange.aborted) this.problems.push(`${exchange.path}: the answer broke off`); res.destroy(); });
    answer.on('close', () => {
      if (checker) {
        if (this.#streaming.delete(entry)) this.#settle(exchange, checker);
      } else if (!exchange.aborted) {
        const text = Buffer.concat(parts).toString('utf8');
        const whole = { status: answer.statusCode, headers: answer.headers, text };
        if (/json/.test(answer.headers['content-type'] ?? '') && exchange.method !== 'HEAD')
          try { whole.json = JSON.parse(text); } catch { this.problems.push(`${exchange.path}: broken JSON`); }
        exchange.json = whole.json;
        this.problems.push(...checkAnswer(whole, exchange));
      }
    });
    answer.pipe(res);
  }
}
