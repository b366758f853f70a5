// A terminal for programs that are used by people: pty_peer.py runs them, and what they write
// becomes a grid of characters here. Sequences that it does not know are remembered: programs of
// this project should not need them.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { within, until } from './scale.mjs';

const kPeer = path.join(import.meta.dirname, 'pty_peer.py');
const isWide = (point) => (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) || (point >= 0xac00 && point <= 0xd7a3)
  || (point >= 0xf900 && point <= 0xfaff) || (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60) || (point >= 0x1f300 && point <= 0x1faff);
const isMark = (point) => (point >= 0x300 && point <= 0x36f) || point === 0x200d || (point >= 0xfe00 && point <= 0xfe0f);

export class Grid {
  unknown = [];
  alternate = false;
  cursorShown = true;
  #rest = '';
  #kept = null; // the usual screen, while the other one is shown
  #look = '';

  constructor(columns, rows) { this.#clear(columns, rows); }
  #clear(columns, rows) {
    Object.assign(this, { columns, rows, x: 0, y: 0 });
    this.cells = Array.from({ length: rows }, () => this.#empty());
  }
  #empty() { return Array.from({ length: this.columns }, () => ({ text: ' ', look: '' })); }

  resize(columns, rows) {
    const old = this.cells;
    Object.assign(this, { columns, rows });
    this.cells = Array.from({ length: rows }, (_, y) => Array.from({ length: columns }, (__, x) => old[y]?.[x] ?? { text: ' ', look: '' }));
    this.x = Math.min(this.x, columns - 1);
    this.y = Math.min(this.y, rows - 1);
  }

  get lines() { return this.cells.map((row) => row.map((cell) => cell.text).join('').trimEnd()); }
  get text() { return this.lines.join('\n').trimEnd(); }

  write(text) {
    this.#rest += text;
    // A sequence that is cut in the middle waits for its end.
    const token = /^(?:\x1b\[([<-?]*)([\d;]*)([ -/]*)([@-~])|\x1b\]([^\x07\x1b]*)(?:\x07|\x1b\\)|\x1b([()][A-Za-z0-9])|\x1b([=>78McDEH])|\x1b(?![[\]()=>78McDEH])(.)|([^\x1b]))/su;
    for (let found; (found = token.exec(this.#rest)); this.#rest = this.#rest.slice(found[0].length)) {
      const [all, mark, numbers, , letter, , , , other, plain] = found;
      if (plain !== undefined) this.#put(plain);
      else if (letter !== undefined) this.#order(mark, numbers.split(';').map((n) => (n === '' ? undefined : Number(n))), letter, all);
      else if (other !== undefined) this.unknown.push(all);
    }
  }

  #newLine() {
    if (++this.y < this.rows) return;
    this.y = this.rows - 1;
    this.cells.shift();
    this.cells.push(this.#empty());
  }

  #put(character) {
    const point = character.codePointAt(0);
    if (character === '\r') this.x = 0;
    else if (character === '\n') this.#newLine();
    else if (character === '\b') this.x = Math.max(0, this.x - 1);
    else if (character === '\t') this.x = Math.min(this.columns - 1, (this.x >> 3) * 8 + 8);
    else if (point < 0x20) { if (character !== '\x07') this.unknown.push(JSON.stringify(character)); }
    else if (isMark(point)) { if (this.x > 0) this.cells[this.y][this.x - 1].text += character; }
    else {
      const width = isWide(point) ? 2 : 1;
      if (this.x + width > this.columns) { this.x = 0; this.#newLine(); }
      this.cells[this.y][this.x] = { text: character, look: this.#look };
      if (width === 2) this.cells[this.y][this.x + 1] = { text: '', look: this.#look };
      this.x += width;
    }
  }

  #order(mark, numbers, letter, all) {
    const n = numbers[0] ?? 1;
    const blank = (row, from, to) => { for (let x = from; x < to; ++x) this.cells[row][x] = { text: ' ', look: '' }; };
    if (mark === '?' && (letter === 'h' || letter === 'l')) {
      for (const mode of numbers) this.#mode(mode, letter === 'h', all);
    } else if (mark) {
      this.unknown.push(all);
    } else if (letter === 'm') {
      this.#look = numbers.length === 1 && !numbers[0] ? '' : numbers.join(';');
    } else if (letter === 'H' || letter === 'f') {
      this.y = Math.min(this.rows, n || 1) - 1;
      this.x = Math.min(this.columns, numbers[1] || 1) - 1;
    } else if (letter === 'A') this.y = Math.max(0, this.y - n);
    else if (letter === 'B') this.y = Math.min(this.rows - 1, this.y + n);
    else if (letter === 'C') this.x = Math.min(this.columns - 1, this.x + n);
    else if (letter === 'D') this.x = Math.max(0, this.x - n);
    else if (letter === 'G') this.x = Math.min(this.columns, n) - 1;
    else if (letter === 'K') blank(this.y, numbers[0] ? 0 : this.x, numbers[0] === 1 ? this.x + 1 : this.columns);
    else if (letter === 'J') {
      if (!numbers[0]) blank(this.y, this.x, this.columns);
      for (let y = numbers[0] ? 0 : this.y + 1; y < this.rows; ++y) blank(y, 0, this.columns);
    } else if (letter === 'P') {
      this.cells[this.y].splice(this.x, n);
      while (this.cells[this.y].length < this.columns) this.cells[this.y].push({ text: ' ', look: '' });
    } else if (letter === '@') {
      this.cells[this.y].splice(this.x, 0, ...Array.from({ length: n }, () => ({ text: ' ', look: '' })));
      this.cells[this.y].length = this.columns;
    } else this.unknown.push(all);
  }

  #mode(mode, on, all) {
    if (mode === 25) this.cursorShown = on;
    else if (mode === 1049 && on !== this.alternate) {
      this.alternate = on;
      if (on) {
        this.#kept = { cells: this.cells, x: this.x, y: this.y };
        this.#clear(this.columns, this.rows);
      } else {
        Object.assign(this, this.#kept);
        this.resize(this.columns, this.rows);
      }
    } else if (![7, 2004, 1, 1049].includes(mode)) this.unknown.push(all);
  }
}

export class Terminal {
  writes = 0; // how often the program was heard
  bytes = 0;
  exit = null;
  #asked = [];

  // b: the test; env: all of it.
  static async start(b, command, { columns = 80, rows = 24, env = {}, cwd } = {}) {
    const terminal = new Terminal();
    terminal.grid = new Grid(columns, rows);
    const child = spawn('python3', [kPeer, String(columns), String(rows), ...command], { env: { PATH: process.env.PATH, TERM: 'xterm-256color', LANG: 'C.UTF-8', ...env }, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    const decoder = new TextDecoder();
    let rest = '';
    terminal.child = child;
    terminal.ended = new Promise((resolve) => { terminal.end = resolve; });
    child.stderr.on('data', (d) => b.problem?.(`pty_peer: ${d}`));
    child.stdin.on('error', () => {});
    child.stdout.on('data', (data) => {
      rest += data;
      for (let at; (at = rest.indexOf('\n')) >= 0; rest = rest.slice(at + 1)) {
        const told = JSON.parse(rest.slice(0, at));
        if (told.out !== undefined) {
          const raw = Buffer.from(told.out, 'base64');
          terminal.writes += 1;
          terminal.bytes += raw.length;
          terminal.grid.write(decoder.decode(raw, { stream: true }));
        }
        if (told.modes) terminal.#asked.shift()(told.modes);
        if (told.exit !== undefined) { terminal.exit = told.exit; terminal.end(told.exit); }
      }
    });
    b.atEnd?.(async () => {
      child.stdin.end();
      await within(10_000, new Promise((resolve) => { if (child.exitCode !== null) resolve(); child.on('close', resolve); }), 'the terminal to close');
    });
    return terminal;
  }

  #order(what) { this.child.stdin.write(`${JSON.stringify(what)}\n`); }
  keys(text) { this.#order({ keys: text }); }
  signal(number) { this.#order({ signal: number }); }
  resize(columns, rows) { this.grid.resize(columns, rows); this.#order({ resize: [columns, rows] }); }
  modes() { return new Promise((resolve) => { this.#asked.push(resolve); this.#order({ modes: true }); }); }
  get text() { return this.grid.text; }
  get lines() { return this.grid.lines; }

  // Waits for a text, or for what a function of the grid says.
  async shows(what, ms = 8000) {
    const look = what instanceof RegExp ? () => what.test(this.text) : () => what(this.grid);
    try {
      await until(look, ms, `the terminal to show ${what}`);
    } catch (error) {
      throw new Error(`${error.message}; it shows:\n${this.text}`);
    }
  }
}
