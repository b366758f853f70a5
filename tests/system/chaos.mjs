// `make chaos`: the daemon against failing backends for a long time. CHAOS_SECONDS, CHAOS_CLIENTS,
// CHAOS_SEED; ends with 1 after any violation.
import { runChaos } from './lib/chaos.mjs';

const number = (name, otherwise) => Number(process.env[name] || otherwise);
const seed = number('CHAOS_SEED', Date.now() % 1_000_000_007);
const seconds = number('CHAOS_SECONDS', 600);
console.log(`chaos: seed ${seed} (CHAOS_SEED=${seed} repeats its plan), ${seconds} s`);
const { violations, report } = await runChaos({ seconds, seed, clients: number('CHAOS_CLIENTS', 200) });
console.log(report);
process.exit(violations.length ? 1 : 0);
