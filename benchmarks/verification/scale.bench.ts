// How many slots one thread verifies in an hour: 10,000 openings at n = 4096, k = 64, each with samples of its own, of 16 honest and
// 4 dishonest proofs (proof-pool.ts). Baselines in the same run: executing the labels again, and a plain Freivalds check.
import type { Compute } from '../../src/compute/compute.js';
import { openCpu } from '../../src/compute/probe.js';
import { operandMatrix } from '../../src/compute/spec/chain.js';
import { silentLog } from '../../src/model/log.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { verdictToString } from '../../src/model/verdict.js';
import { costOf } from '../../src/testing/conformance/cost.js';
import { computeProof } from '../../src/verification/kinds/index.js';
import { UNHURRIED } from '../../src/verification/proof.js';
import { loadProof, makePool, openOnce, POOL, POOL_LABELS, POOL_PARAMS } from './proof-pool.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const OPENINGS = 10_000;
const BENCH = 'verifier at scale';

export default async function bench(emit: Emit): Promise<void> {
  const compute = await openCpu({ log: silentLog });
  await makePool(compute, (line) => console.error(line));
  const freivaldsMs = await plainFreivalds(compute);
  const againMs = await executeAgain(compute);

  const random = createSeededRandom('scale');
  const { basis } = POOL[0]!.challenge;
  const drawing = cpuOf(() => computeProof.drawSecret(POOL_PARAMS, basis, random));
  const secret = drawing.value;
  let cpuMs = drawing.cpuMs;
  let bytes = 0;
  let falseAccepts = 0;
  let falseRejects = 0;
  let otherReason = 0;
  let slowestMs = 0;
  for (const [p, proof] of POOL.entries()) {
    const proving = await loadProof(compute, proof);
    const until = Math.round(((p + 1) * OPENINGS) / POOL.length);
    for (let i = Math.round((p * OPENINGS) / POOL.length); i < until; i++) {
      const evidence = await openOnce(proof, proving, random);
      bytes += evidence.opening.length;
      const judged = cpuOf(() => computeProof.verify(proof.challenge, evidence, secret));
      cpuMs += judged.cpuMs;
      slowestMs = Math.max(slowestMs, judged.cpuMs);
      const due = proof.reason ? `rejected:${proof.reason}` : 'accepted';
      const verdict = verdictToString(judged.value);
      if (verdict === due) continue;
      if (verdict === 'accepted') falseAccepts++;
      else if (due === 'accepted') falseRejects++;
      else otherReason++;
    }
    proving.release();
    console.error(`${until} openings, ${(cpuMs / until).toFixed(1)} ms each`);
  }

  const eachMs = cpuMs / OPENINGS;
  const row = (metric: string, value: number, unit: string, baseline?: number): void =>
    emit({ bench: BENCH, metric, value, unit, ...(baseline === undefined ? {} : { baseline }) });
  row('openings', OPENINGS, 'openings');
  row('honest proofs', POOL.filter(({ reason }) => !reason).length, 'proofs');
  row('dishonest proofs', POOL.filter(({ reason }) => reason).length, 'proofs');
  row(`verify a slot, CPU, mean (baseline: execute ${POOL_LABELS} labels again)`, eachMs, 'ms', againMs);
  row(
    'verify a slot, CPU, mean (baseline: Freivalds, one product, operands made anew)',
    eachMs,
    'ms',
    freivaldsMs,
  );
  row('verify a slot, CPU, slowest', slowestMs, 'ms');
  row(
    'openings an hour on one thread, shared step included',
    3_600_000 / eachMs,
    'openings/h',
    3_600_000 / againMs,
  );
  row('false accepts', falseAccepts, 'openings');
  row('false rejects', falseRejects, 'openings');
  row('rejected for another reason than the lie', otherReason, 'openings');
  row('openings, mean', bytes / OPENINGS, 'bytes');
  row('allocated by one verification', await allocatedBytes(compute, secret), 'bytes');
  row(
    'peak of the process, the proofs that it opens included',
    process.resourceUsage().maxRSS * 1024,
    'bytes',
  );
}

/** Last: counting leaves typed arrays slower for the rest of the process. */
async function allocatedBytes(
  compute: Compute,
  secret: ReturnType<typeof computeProof.drawSecret>,
): Promise<number> {
  const proof = POOL[0]!;
  const proving = await loadProof(compute, proof);
  const evidence = await openOnce(proof, proving, createSeededRandom('allocated'));
  proving.release();
  return costOf(() => computeProof.verify(proof.challenge, evidence, secret)).allocatedBytes;
}

/** What a validator pays that does what the miner did. */
async function executeAgain(compute: Compute): Promise<number> {
  const random = createSeededRandom('again');
  const params = { ...POOL_PARAMS, labels: POOL_LABELS };
  const challenge = { params, basis: random.bytes(32), seed: random.bytes(32) };
  await computeProof.prepare!({ compute }, params, challenge.basis);
  const cpu = process.cpuUsage();
  const { signal } = new AbortController();
  const proving = await computeProof.prove({ compute, ...UNHURRIED }, challenge, signal);
  proving.release();
  return msOf(cpu);
}

/** Freivalds' check of one n x n product by t vectors: both operands made from the session's seed, C as it was sent. */
async function plainFreivalds(compute: Compute): Promise<number> {
  const { n, projections } = POOL_PARAMS;
  const random = createSeededRandom('freivalds');
  const [keyA, keyB] = [random.bytes(32), random.bytes(32)];
  const multiplier = await compute.loadOperand(operandMatrix(keyB, n), n);
  const product = (await multiplier.multiply(operandMatrix(keyA, n))).slice();
  multiplier.release();
  const { value, cpuMs } = cpuOf(() => {
    const [a, b] = [operandMatrix(keyA, n), operandMatrix(keyB, n)];
    for (let u = 0; u < projections; u++) {
      const r = Float64Array.from(new Uint32Array(random.bytes(4 * n).slice().buffer), (word) => word >>> 16);
      const aBr = times(a, times(b, r, n), n);
      const cr = times(product, r, n);
      if (aBr.some((x, i) => x !== cr[i])) return false;
    }
    return true;
  });
  if (!value) throw new Error('freivalds: expected an honest product to pass');
  return cpuMs;
}

/** M v, exact: |B r| < 2^12 2^6 2^16 = 2^34, |A B r| < 2^12 2^6 2^34 = 2^52. */
function times(m: Int8Array | Int32Array, v: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0, at = 0; i < n; i++, at += n) {
    let [even, odd] = [0, 0];
    for (let k = 0; k < n; k += 2) {
      even += m[at + k]! * v[k]!;
      odd += m[at + k + 1]! * v[k + 1]!;
    }
    out[i] = even + odd;
  }
  return out;
}

/** CPU of all threads of the process, collector included. */
function cpuOf<T>(run: () => T): { value: T; cpuMs: number } {
  const cpu = process.cpuUsage();
  const value = run();
  return { value, cpuMs: msOf(cpu) };
}

function msOf(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}
