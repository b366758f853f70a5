// What the command line says. No deeds here.

// Flags with which clasp does something else than to serve, or serves without Claude Code.
const kAlone = ['proxy-only', 'check', 'models', 'version', 'emit', 'help'];

// Name and value of "-name", "--name" and "-name=value".
const flagOf = (word) => /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(word);

// What stands before "--" is clasp's, what stands behind it Claude Code's.
export function divide(words) {
  const at = words.indexOf('--');
  return at < 0 ? { ours: words, theirs: [] } : { ours: words.slice(0, at), theirs: words.slice(at + 1) };
}

export const isAlone = (words) => words.some((word) => kAlone.includes(flagOf(word)?.[1]));

// The value of a flag, if it is given: the last one counts.
export function valueOf(words, name) {
  let value;
  words.forEach((word, i) => {
    const flag = flagOf(word);
    if (flag?.[1] === name) value = flag[2] ?? words[i + 1];
  });
  return value;
}

export const has = (words, name) => words.some((word) => flagOf(word)?.[1] === name);

export const helpText = `usage: clasp-ai [flags of clasp] [-- arguments of Claude Code]
       clasp-ai -proxy-only [flags of clasp]

Starts the proxy clasp on a free port of this machine, runs Claude Code against it, and stops the proxy
when Claude Code ends. The model server is the one whose key or address is found in the environment or
in clasp's configuration file:

  OPENAI_API_KEY=sk-... clasp-ai -model gpt-4o
  CUSTOM_BASE_URL=http://localhost:11434/v1 clasp-ai -model qwen3-coder -- -p "say hello"
  clasp-ai -provider demo

-proxy-only serves on port 8080 until it is stopped. What follows is the help of clasp.

`;
