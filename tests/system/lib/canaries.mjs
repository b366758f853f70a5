// Secrets that are put where secrets stand, and the search for them in everything that comes out:
// as they are, and in the spellings that a program might give them.
import { randomBytes } from 'node:crypto';

// Base64 of the word wherever it stands in a longer text: what does not depend on its neighbours.
const inBase64 = (word) => [0, 1, 2].map((shift) => {
  const text = Buffer.concat([Buffer.alloc(shift), Buffer.from(word)]).toString('base64').replace(/=+$/, '');
  return text.slice(shift === 0 ? 0 : shift + 1, -2);
});

const forms = (word) => {
  const base64 = inBase64(word);
  const all = [word, encodeURIComponent(word), JSON.stringify(word).slice(1, -1), Buffer.from(word).toString('hex'),
               ...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
               [...word].map((c) => `%${c.charCodeAt(0).toString(16)}`).join(''), word.slice(0, 14), word.slice(-14)];
  return [...new Set(all)];
};

export class Canaries {
  #words = new Map(); // name -> forms
  #outputs = [];      // {where, text}

  // A secret of no known format, so that only who knows it can mask it.
  make(name, make = (random) => `Canary${random}`) {
    const word = make(randomBytes(12).toString('hex'));
    this.add(name, word);
    return word;
  }
  add(name, word) { this.#words.set(name, forms(word)); }

  // What the program said somewhere.
  hear(where, text) { this.#outputs.push({ where, text: typeof text === 'string' ? text : JSON.stringify(text) }); }
  get heard() { return this.#outputs.length; }

  find(text) {
    const names = [];
    for (const [name, words] of this.#words) if (words.some((word) => text.includes(word))) names.push(name);
    return names;
  }

  // "NAME in WHERE: … text around it …"
  leaks() {
    const out = [];
    for (const { where, text } of this.#outputs) {
      for (const [name, words] of this.#words) {
        const word = words.find((one) => text.includes(one));
        if (word === undefined) continue;
        const at = text.indexOf(word);
        out.push(`${name} in ${where}: …${text.slice(Math.max(0, at - 80), at + word.length + 40)}…`);
      }
    }
    return out;
  }
}
