// A backend that tells everybody everything it was asked with: each scenario is a way to answer in
// which the request's headers, address and keys are repeated wherever there is room for text.
import http from 'node:http';
import { once } from 'node:events';

// One line, as an error message or a header could hold it.
const told = (req) => `${req.url} ${Object.entries(req.headers).map(([name, value]) => `${name}: ${value}`).join(', ')}`;
const key = (req) => (req.headers.authorization ?? req.headers['x-api-key'] ?? req.headers['api-key'] ?? '').replace(/^Bearer /, '');

const noisy = (req) => ({
  'x-request-id': key(req), 'request-id': key(req), 'www-authenticate': `Bearer realm="${told(req)}"`, 'retry-after': '0',
  'set-cookie': `session=${key(req)}`, 'openai-organization': key(req), 'x-ratelimit-limit-requests': key(req), 'x-ratelimit-remaining-tokens': key(req),
  'anthropic-ratelimit-requests-limit': key(req), 'anthropic-organization-id': key(req), 'x-should-retry': 'false', server: key(req), via: told(req),
});
const errorOf = (req, relay) => (relay
  ? { type: 'error', error: { type: 'invalid_request_error', message: `You said ${told(req)}`, details: { key: key(req) } }, request_id: key(req) }
  : { error: { message: `You said ${told(req)}; your key ${key(req)}`, type: key(req), code: key(req), param: told(req), metadata: { raw: told(req) } } });

const send = (res, status, type, text, headers) => { res.writeHead(status, { 'content-type': type, ...headers }); res.end(text); };
const events = (res, items, end = true) => {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const item of items) res.write(item);
  if (end) res.end();
};
const data = (value) => `data: ${JSON.stringify(value)}\n\n`;
const named = (name, value) => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...value })}\n\n`;
const opening = (relay) => (relay
  ? [named('message_start', { message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } } }),
     named('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }), named('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hi' } })]
  : [data({ id: 'x', choices: [{ index: 0, delta: { role: 'assistant', content: 'Hi' } }] })]);

export const kStatuses = [302, 400, 401, 402, 403, 404, 405, 408, 409, 413, 418, 422, 429, 500, 502, 503, 504, 529];

export const kScenarios = {
  ...Object.fromEntries(kStatuses.map((status) => [`json ${status}`, ({ req, res, relay }) =>
    send(res, status, 'application/json', JSON.stringify(errorOf(req, relay)), { ...noisy(req), ...(status === 302 && { location: `http://elsewhere/?key=${key(req)}` }) })])),
  'html 502': ({ req, res }) => send(res, 502, 'text/html', `<html><title>${told(req)}</title><body><h1>${key(req)}</h1></body></html>`, noisy(req)),
  'text 401': ({ req, res }) => send(res, 401, 'text/plain', `${told(req)}\n${key(req)}`, noisy(req)),
  'long 400': ({ req, res }) => send(res, 400, 'text/plain', `${'x '.repeat(1010)}${told(req)}${key(req)}`.repeat(20), noisy(req)),
  'escaped 400': ({ req, res }) => send(res, 400, 'application/json', `{"error":{"message":"${encodeURIComponent(told(req))} ${Buffer.from(key(req)).toString('base64')}"}}`, noisy(req)),
  'detail 422': ({ req, res }) => send(res, 422, 'application/json', JSON.stringify({ detail: [{ loc: ['header', key(req)], msg: told(req), type: key(req) }] }), noisy(req)),
  'error in 200': ({ req, res, relay }) => send(res, 200, 'application/json', JSON.stringify(errorOf(req, relay)), noisy(req)),
  'html 200': ({ req, res }) => send(res, 200, 'text/html', `<html>${told(req)}</html>`, noisy(req)),
  'half json 200': ({ req, res }) => send(res, 200, 'application/json', `{"id":"${key(req)}","choices":[{"message":`, noisy(req)),
  'odd members': ({ req, res, relay }) => send(res, 200, 'application/json', JSON.stringify(relay
    ? { id: 'msg_2', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } }
    : { id: key(req), object: 'chat.completion', model: key(req), system_fingerprint: key(req), provider: key(req), choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: key(req) }], usage: { prompt_tokens: 1, completion_tokens: 1 } }), noisy(req)),
  'error first in a stream': ({ req, res, relay }) => events(res, [relay ? named('error', errorOf(req, true)) : data(errorOf(req))]),
  'error in a stream': ({ req, res, relay }) => events(res, [...opening(relay), relay ? named('error', { error: { type: 'overloaded_error', message: told(req) } }) : data(errorOf(req))]),
  'garbage in a stream': ({ req, res, relay }) => events(res, [...opening(relay), ...Array(5).fill(`data: {${key(req)}\n\n`), `: ${told(req)}\n\n`]),
  'cut stream': ({ res, relay, req }) => { events(res, [...opening(relay), `: ${told(req)}\n\n`], false); setTimeout(() => res.socket.destroy(), 30); },
  'reset': ({ res }) => res.socket.destroy(),
  'not http': ({ req, res }) => { res.socket.end(`HTTP/1.1 200 OK\r\n${key(req)} ${told(req)}\r\n\r\n`); },
  'not http at all': ({ req, res }) => { res.socket.end(`${key(req)} ${told(req)}\r\n\r\n`); },
  'bad length': ({ req, res }) => { res.socket.end(`HTTP/1.1 200 ${key(req)}\r\nContent-Length: ${key(req)}\r\n\r\n`); },
  'silence': () => {},
};

// The scenario is named by the last user message. Model lists are refused with an echo.
export async function echoBackend({ relay = false } = {}) {
  const backend = { asked: [], headers: [] };
  const server = http.createServer(async (req, res) => {
    const parts = [];
    for await (const part of req) parts.push(part);
    backend.headers.push(req.headers);
    if (req.method === 'GET') return send(res, 401, 'application/json', JSON.stringify(errorOf(req, relay)), noisy(req));
    const body = JSON.parse(Buffer.concat(parts).toString());
    const content = body.messages.at(-1).content;
    const name = typeof content === 'string' ? content : content.at(-1).text;
    backend.asked.push(name);
    return kScenarios[name]({ req, res, relay });
  });
  const sockets = new Set();
  server.on('connection', (socket) => { sockets.add(socket); socket.on('error', () => {}); });
  server.on('clientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  backend.url = `http://127.0.0.1:${server.address().port}`;
  backend.stop = () => { for (const socket of sockets) socket.destroy(); server.close(); };
  return backend;
}
