// Clients that ask for the next answer as soon as they have the last one, every other one streamed.
// Nothing is tried again: one request that fails is one too many.
import { ask } from './client.mjs';

export function load(b, url, count, expected) {
  const client = b.client(url);
  const state = { answers: 0, streams: 0, running: true };
  const all = Array.from({ length: count }, async (_, i) => {
    while (state.running) {
      const streams = i % 2 === 1;
      const text = streams ? (await client.wholeStream(ask('x'))).checker.text : (await client.message(ask('x'))).json.content?.[0].text;
      if (text !== expected) b.problem(`an answer was ${JSON.stringify(text)}`);
      ++state[streams ? 'streams' : 'answers'];
    }
  });
  state.stop = async () => { state.running = false; await Promise.all(all); client.close(); };
  return state;
}
