import { expect, test } from 'vitest';
import { openKnown, threadsFor } from '../../../src/cli/subnet-module.js';
import { systemClock } from '../../../src/model/clock.js';
import { sha256 } from '../../../src/model/hash.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted, rejected } from '../../../src/model/verdict.js';
import { createVerifierPool } from '../../../src/validator/verifiers.js';
import { OWN_ID } from '../../support/own-subnet.js';

const MODULE = new URL('../../support/own-subnet.ts', import.meta.url).pathname;
const random = createSeededRandom('own');
const basis = random.bytes(32);

/** A kind that cannot be verified where it is asked for: only a thread that loaded the module draws its secret. */
async function elsewhere() {
  const known = await openKnown(MODULE);
  const kind = known.kinds['toy']!;
  const drawSecret = () => {
    throw new Error('verified on the thread that asked');
  };
  return { known, kind: { ...kind, drawSecret } };
}

const question = (
  commit: Uint8Array,
  seed: Uint8Array,
  kind: Awaited<ReturnType<typeof elsewhere>>['kind'],
) => ({
  kind,
  paramsId: OWN_ID,
  challenge: { params: kind.parseParams({}), basis, seed },
  evidence: { commits: [commit], request: new Uint8Array(), opening: new Uint8Array() },
});

test('a kind of the subnet’s own is verified by threads, which load its module themselves', async () => {
  const { known, kind } = await elsewhere();
  const stop = new AbortController();
  const parts = { clock: systemClock, log: silentLog, threads: 1, ...threadsFor(known) };
  const pool = createVerifierPool(parts, stop.signal);
  try {
    const verifier = pool.forEvent({ basis, random });
    const seed = random.bytes(32);
    const asked = async (commit: Uint8Array) => (await verifier.verify(question(commit, seed, kind))).verdict;
    expect(await asked(sha256(seed))).toEqual(accepted);
    expect(await asked(seed)).toEqual(rejected('seed'));
  } finally {
    await pool.close();
  }
}, 60_000);

test('where threads cannot load it nobody is judged: that is our fault, and no miner’s', async () => {
  const { known, kind } = await elsewhere();
  const { module } = threadsFor({ ...known, module: `${MODULE}.gone` });
  const stop = new AbortController();
  const pool = createVerifierPool(
    { clock: systemClock, log: silentLog, threads: 1, ...(module ? { module } : {}) },
    stop.signal,
  );
  try {
    const verifier = pool.forEvent({ basis, random });
    const seed = random.bytes(32);
    await expect(verifier.verify(question(sha256(seed), seed, kind))).rejects.toThrow(
      'a verifier thread ended',
    );
    expect(pool.tally?.()).toMatchObject({ poison: 0, unjudged: 1 });
  } finally {
    await pool.close();
  }
}, 60_000);
