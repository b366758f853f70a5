// The short form of `make chaos`.
import { test, assert } from './lib/harness.mjs';
import { runChaos } from './lib/chaos.mjs';

test('seconds of chaos: every request ends well or in a proper error, and nothing stays behind', { limit: 120_000 }, async () => {
  const { violations, report, run } = await runChaos({ seconds: 20, clients: 60, think: 300 });
  assert.deepEqual(violations, [], report);
  // It was chaos indeed.
  const good = (run.ends['good answer'] ?? 0) + (run.ends['good stream'] ?? 0);
  assert.ok(good > 100 && run.records.retried > 10 && run.records.fallback > 10 && run.records.queued > 0, report);
});
