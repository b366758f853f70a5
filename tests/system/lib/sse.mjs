// Splits the bytes of an event stream into frames, without forgiving anything: what it does not
// expect becomes a problem in words. Pure.
export class FrameReader {
  #text = '';
  #decoder = new TextDecoder('utf-8', { fatal: true });
  problems = [];

  // Returns the frames that are complete now: {event, data (parsed), size}.
  feed(bytes) {
    try {
      this.#text += this.#decoder.decode(bytes, { stream: true });
    } catch {
      this.problems.push('the stream is not UTF-8');
      return [];
    }
    const out = [];
    for (let end; (end = this.#text.indexOf('\n\n')) >= 0;) {
      const frame = this.#parse(this.#text.slice(0, end));
      this.#text = this.#text.slice(end + 2);
      if (frame) out.push(frame);
    }
    return out;
  }

  get rest() { return this.#text; }

  #parse(text) {
    const lines = text.split('\n');
    if (lines.length !== 2 || !lines[0].startsWith('event: ') || !lines[1].startsWith('data: ')) {
      this.problems.push(`not an event line and a data line: ${JSON.stringify(text.slice(0, 200))}`);
      return null;
    }
    try {
      return { event: lines[0].slice(7), data: JSON.parse(lines[1].slice(6)), size: text.length + 2 };
    } catch {
      this.problems.push(`data is not JSON: ${JSON.stringify(lines[1].slice(0, 200))}`);
      return null;
    }
  }
}
