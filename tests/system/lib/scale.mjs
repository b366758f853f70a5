// Time in these tests. Instrumented builds are slower; CLASP_TEST_SLOW=factor stretches every
// limit that says "at most", never a pause that a test needs to provoke something.
export const slow = Math.max(1, Number(process.env.CLASP_TEST_SLOW) || 1);

// At most so many milliseconds on a plain build.
export const atMost = (ms) => Math.ceil(ms * slow);

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Fails with `what` when the promise takes longer than `ms` (stretched).
export function within(ms, promise, what) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing after ${atMost(ms)} ms`)), atMost(ms));
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

// Looks again and again until `look` gives something true; bounded.
export async function until(look, ms, what) {
  const end = performance.now() + atMost(ms);
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`${what}: not within ${atMost(ms)} ms`);
    await sleep(10);
  }
}

// At most so much more memory. An address sanitizer keeps freed memory back for a while (256 MB by
// default), so on a stretched run only a real flood is found.
export const atMostMemory = (kilobytes) => (slow > 1 ? kilobytes + 400_000 : kilobytes);
