// Owns: attacks on what `compute` commits to and opens: every run is a prover and the real verifier, at a small n.
// Does not own: attacks on time and devices (compute-window.ts).
import type { Compute } from '../../compute/compute.js';
import { createPackedCompute } from '../../compute/cpu/packed.js';
import { createChain } from '../../compute/spec/chain.js';
import type { Random } from '../../model/prng.js';
import {
  decodeOpening,
  decodeRequest,
  encodeRequest,
  type Sample,
} from '../../verification/kinds/compute/codec.js';
import { type ComputeParams, paramsByClass } from '../../verification/kinds/compute/params.js';
import type { ComputeSecret } from '../../verification/kinds/compute/secret.js';
import { createSampleCheck } from '../../verification/kinds/compute/verify.js';
import { computeProof } from '../../verification/kinds/index.js';
import type { Challenge, Proving } from '../../verification/proof.js';
import {
  borrowsWork,
  type ComputeLiar,
  fabricatesRows,
  liesInColumns,
  rebindsLabels,
  skipsLabels,
} from '../liars/compute.js';
import { type Attack, type Attempt, defineAttack, type Run } from './attack.js';
import {
  backEdgePaths,
  canceller,
  cancelsUnboundChain,
  type MadeUp,
  oddLabels,
  precomputesFixedChain,
} from './compute-chain.js';
import {
  forgesWithKnownVectors,
  passesAsAnother,
  type RowRules,
  RULES_AS_BUILT,
  RULES_AS_FIRST_DESIGNED,
  realRow,
  swappedByPrime,
} from './compute-rows.js';
import { accepting, lyingRun } from './content.js';
import { drawChallenge, type Prove, type Subject, walk } from './session.js';

/** The paced class at a size that takes milliseconds; shares are multiples of 1/64, so that they are rows. */
const SMALL: ComputeParams = { ...paramsByClass('paced')!, n: 64, labels: 8, nominalLabels: 8 };
const K = SMALL.samples;
/** more labels of fewer rows: for what goes by whole labels */
const LONG: ComputeParams = { ...SMALL, n: 16, labels: 100, nominalLabels: 100 };

const compute = createPackedCompute();
const kind = computeProof;

const subjectOf = (params: ComputeParams): Subject<ComputeParams, ComputeSecret> => ({
  kind,
  params,
  devices: { compute },
});

/** One session; when it is accepted it is credited a device, whatever of it was done. */
async function session(params: ComputeParams, prove: Prove<ComputeParams>, random: Random): Promise<Attempt> {
  const challenge = drawChallenge(params, random);
  const { verdict } = await walk(subjectOf(params), random, { challenge, prove });
  return accepting(verdict.kind === 'accepted');
}

const fromLiar = (params: ComputeParams, liar: (strength: number, random: Random) => ComputeLiar): Run =>
  lyingRun(subjectOf(params), liar);

const SHARES = [1 / 64, 2 / 64, 4 / 64, 8 / 64, 16 / 64] as const;
const skippedAccepted = (share: number): number => (1 - share) ** K;
const SAMPLED = 'k samples drawn after the commit';

/** Against a validator that looks at one place only. */
const oneSample = { ...SMALL, samples: 1 };

const content = (attack: Omit<Attack, 'kind' | 'bounds'>): Attack =>
  defineAttack({ kind: 'compute', bounds: 'acceptance', ...attack });

const cancelling = (
  name: string,
  what: string,
  params: ComputeParams,
  strengths: readonly number[],
  madeUp: (strength: number, random: Random) => (chain: ReturnType<typeof createChain>) => MadeUp,
): Attack =>
  content({
    name,
    what,
    origin: 'one made-up row that gives two',
    strength: 'share of the multiplications skipped',
    strengths,
    bound: skippedAccepted,
    tight: true,
    own: (share) => 1 - share,
    run: (share, random) => session(params, canceller(madeUp(share, random)), random),
    stoppedBy:
      "a tweak that hangs on the hashes of what it is added to, so that a made-up row's successor is wrong too",
    without: {
      rule: 'the tweak hangs on label and row alone',
      strengths: strengths.slice(0, 2),
      async run(share, random) {
        const challenge = drawChallenge(params, random);
        return accepting(await cancelsUnboundChain(compute, challenge, madeUp(share, random), random));
      },
    },
  });

/** Operands with the lowest bits cleared: what a format with fewer bits computes. */
const rounding = (inner: Compute, bits: number): Compute => ({
  name: `rounding(${inner.name})`,
  async loadOperand(b, n) {
    const multiplier = await inner.loadOperand(b, n);
    const mask = -1 << bits;
    return { ...multiplier, multiply: (a) => multiplier.multiply(a.map((x) => x & mask)) };
  },
});

const malleable = (n: number): Attack => {
  const params: ComputeParams = { ...SMALL, n, labels: 1, nominalLabels: 1 };
  const swap =
    (rules: RowRules): Run =>
    async (count, random) => {
      const row = realRow(params);
      return accepting(passesAsAnother(row, swappedByPrime(row, count, random), rules));
    };
  return content({
    name: `plus-minus-p-${n}`,
    what: `opens a row of n = ${n} with accumulators moved by a prime, so that it stands for other label bytes`,
    origin: 'accumulators that a prime does not tell apart',
    strength: 'accumulators moved',
    strengths: [1, n / 2, n],
    bound: () => 0,
    own: () => 0,
    run: swap(RULES_AS_BUILT(n)),
    stoppedBy: 'the range rule, checked before any projection, and primes that differ',
    without: { rule: 'a range of n 2^14 and one prime', run: swap(RULES_AS_FIRST_DESIGNED(n)) },
  });
};

export const computeContentAttacks: readonly Attack[] = [
  content({
    name: 'fabricated-rows',
    what: 'fills rows with random bytes and forges accumulators that fold to them',
    origin: 'skipped work; answers that pass by an error',
    strength: 'share of the rows of every label',
    strengths: SHARES,
    bound: skippedAccepted,
    tight: true,
    own: (share) => 1 - share,
    run: fromLiar(SMALL, (share, random) => fabricatesRows({ share, random })),
    stoppedBy: SAMPLED,
    without: {
      rule: 'one sample instead of 64',
      run: fromLiar(oneSample, (share, random) => fabricatesRows({ share, random })),
    },
  }),
  content({
    name: 'late-products',
    what: 'fills rows with random bytes and multiplies the sampled ones after the commit',
    origin: 'skipped work',
    strength: 'share of the rows of every label',
    strengths: SHARES,
    bound: skippedAccepted,
    tight: true,
    own: (share) => 1 - share,
    run: fromLiar(SMALL, (share, random) => fabricatesRows({ share, random, accumulators: 'honest' })),
    stoppedBy: 'a commit to the labels before samples are drawn',
  }),
  content({
    name: 'laps-skipped',
    what: 'names so many times the labels that it multiplied, and makes up the others',
    origin: 'work that can never be opened',
    strength: 'labels named for each one multiplied',
    strengths: [8 / 7, 2, 4],
    bound: (times) => (1 - Math.round((1 - 1 / times) * SMALL.labels) / SMALL.labels) ** K,
    tight: true,
    own: (times) => 1 / times,
    run: fromLiar(SMALL, (times, random) => skipsLabels({ share: 1 - 1 / times, random })),
    stoppedBy: 'no laps: samples fall on every label that is credited',
    without: {
      rule: 'laps: only the last one is opened, the others are paid by their number',
      async run(times, random) {
        const { accepted } = await session(SMALL, kind.prove, random);
        return { accepted, credit: accepted ? times : 0 };
      },
      strengths: [2, 4],
    },
  }),
  cancelling(
    'row-canceller',
    "makes rows up so that the next label's rows of A are zero, and takes their products for nothing",
    SMALL,
    SHARES.slice(0, 4),
    // rows of odd labels and the same rows of the even ones after them: of all, that share
    (share, random) => () => oddLabels(share, SMALL, random),
  ),
  cancelling(
    'back-edge-canceller',
    'makes whole labels up along back-edge paths, and takes the label after each for nothing',
    LONG,
    [0.02, 0.04, 0.1, 0.2],
    (share) => (chain) => backEdgePaths(share, chain),
  ),
  content({
    name: 'silent-after-open',
    what: 'sees the samples, and goes silent when one of them is a row that it made up',
    origin: 'silence that is cheaper than a lie',
    strength: 'share of the rows of every label',
    strengths: SHARES,
    bound: skippedAccepted,
    tight: true,
    own: (share) => 1 - share,
    run: (share, random) => silentUnlessGood(share, 1, random),
    stoppedBy: 'silence after Open costs what a wrong opening costs',
    without: {
      rule: 'silence is asked again, twice in a row is a failure',
      strengths: SHARES.slice(0, 3),
      run: (share, random) => silentUnlessGood(share, 2, random),
    },
  }),
  content({
    name: 'opens-own-choice',
    what: 'makes up half of all rows and opens rows of its own choice',
    origin: 'answers that pass by an error',
    strength: 'share of the rows of every label',
    strengths: [32 / 64],
    bound: () => 0,
    own: (share) => 1 - share,
    async run(share, random) {
      const { given, chosen, secret } = await opensOwnChoice(share, random);
      return accepting(
        kind.verify(given.challenge, { ...given.evidence, opening: chosen.opening }, secret).kind ===
          'accepted',
      );
    },
    stoppedBy: 'an opening that names the digest of the request it answers',
    without: {
      rule: 'the request is what the opening says it is',
      async run(share, random) {
        const { given, chosen, secret } = await opensOwnChoice(share, random);
        return accepting(
          kind.verify(given.challenge, { ...given.evidence, ...chosen }, secret).kind === 'accepted',
        );
      },
    },
  }),
  content({
    name: 'column-liar',
    what: 'commits to columns that are not those of its rows, and so chooses the next operands',
    origin: 'columns that nobody compares with rows',
    strength: 'share of the elements of its column trees',
    strengths: [0.02, 0.05, 0.1, 0.25],
    bound: () => 1, // each run has a chance of its own: how many labels have a back edge hangs on the seed
    tight: true,
    // of an operand that it chose it knows the product: at most that share is saved
    own: (share) => 1 - share,
    run: fromLiar(SMALL, (share, random) => liesInColumns({ share, random })),
    stoppedBy: 'one element of both trees, compared in each sample',
  }),
  content({
    name: 'borrowed-work',
    what: "answers with valid work for another seed: replayed, relayed from a neighbour, or another hotkey's",
    origin: "replay; work shown twice, or another's",
    strength: 'sessions answered so, of one',
    strengths: [1],
    bound: () => 0,
    own: () => 0,
    run: fromLiar(SMALL, (_, random) => borrowsWork({ random })),
    stoppedBy: 'a root that binds seed, hotkey, worker, slot and event',
    without: {
      rule: "the seed is the sender's word",
      async run(_, random) {
        const theirs = drawChallenge(SMALL, random);
        const { evidence, secret } = await walk(subjectOf(SMALL), random, { challenge: theirs });
        return accepting(kind.verify(theirs, evidence, secret).kind === 'accepted');
      },
    },
  }),
  content({
    name: 'precomputed',
    what: 'has its labels ready before the seed is known and builds the trees for the seed that comes',
    origin: 'precomputation',
    strength: 'share of the labels made before',
    strengths: [1],
    bound: () => 0,
    own: () => 0,
    run: fromLiar(SMALL, (_, random) => rebindsLabels({ random })),
    stoppedBy: 'the seed in the tweak of every label',
    without: {
      rule: 'the seed enters with label 0 alone, and 8 samples',
      async run(_, random) {
        const params = { ...LONG, samples: 8 };
        return accepting(await precomputesFixedChain(compute, drawChallenge(params, random), random));
      },
    },
  }),
  content({
    name: 'approximate-arithmetic',
    what: 'multiplies in a format with fewer bits and opens what came of it',
    origin: 'approximate arithmetic',
    strength: 'low bits of A dropped',
    strengths: [1, 2, 4],
    bound: () => 0,
    own: (bits) => 1 - bits / 8,
    run: (bits, random) =>
      session(
        SMALL,
        (devices, ...rest) => kind.prove({ ...devices, compute: rounding(compute, bits) }, ...rest),
        random,
      ),
    stoppedBy: 'exact integers: a projection knows no tolerance',
    without: { rule: 'rows compared within a tolerance of a quarter of their size', run: withinTolerance },
  }),
  malleable(4096),
  malleable(8192),
  content({
    name: 'r-leak-forger',
    what: 'multiplies nothing and forges every opened row with private vectors that it knows',
    origin: 'private vectors that leak',
    strength: 'private vectors known before the opening, of two',
    strengths: [0, 1],
    bound: () => 0,
    own: () => 0,
    run: async (known, random) =>
      accepting(await forgesWithKnownVectors(compute, drawChallenge(FORGED, random), known, random)),
    stoppedBy: 'vectors drawn after the last opening of the event arrives, in a type that nothing leaves',
    without: {
      rule: 'both vectors are known before the opening',
      strengths: [2],
      run: async (known, random) =>
        accepting(await forgesWithKnownVectors(compute, drawChallenge(FORGED, random), known, random)),
    },
    atMostRuns: 5,
  }),
];

/** A forged row takes a second. */
const FORGED: ComputeParams = { ...SMALL, n: 16, labels: 4, nominalLabels: 4, samples: 2 };

/** One row, multiplied with fewer bits and compared as floating-point work has to be. */
async function withinTolerance(bits: number, random: Random): Promise<Attempt> {
  const n = SMALL.n;
  const operand = Int8Array.from(random.bytes(n * n), (byte) => (byte & 127) - 64);
  const a = new Int8Array(random.bytes(n));
  const multiplyWith = async (device: Compute): Promise<Int32Array> =>
    (await (await device.loadOperand(operand, n)).multiply(a)).slice();
  const exact = await multiplyWith(compute);
  const rounded = await multiplyWith(rounding(compute, bits));
  const size = (values: Iterable<number>): number => Math.hypot(...values);
  return accepting(size(exact.map((x, k) => x - rounded[k]!)) <= size(exact) / 4);
}

/** Judges its own opening with vectors of its own, and sends it only when it is good; `tries` events count as one. */
async function silentUnlessGood(share: number, tries: number, random: Random): Promise<Attempt> {
  const lying = fabricatesRows({ share, random });
  const prove: Prove<ComputeParams> = lying.prove.bind(lying);
  for (let attempt = 0; attempt < tries; attempt++) {
    const challenge = drawChallenge(SMALL, random);
    const { evidence, verdict } = await walk(subjectOf(SMALL), random, { challenge, prove });
    if (verdict.kind !== 'accepted') continue;
    // what it thought good is judged by the validator with vectors that it does not know
    const secret = kind.drawSecret(SMALL, challenge.basis, random);
    return accepting(kind.verify(challenge, evidence, secret).kind === 'accepted');
  }
  return accepting(false);
}

/** A session with made-up rows, and an opening of the same commit to a request that avoids them. */
async function opensOwnChoice(
  share: number,
  random: Random,
): Promise<{
  given: Awaited<ReturnType<typeof walk<ComputeParams, ComputeSecret>>>;
  chosen: { request: Uint8Array; opening: Uint8Array };
  secret: ComputeSecret;
}> {
  const lying = fabricatesRows({ share, random });
  const chosen: { request: Uint8Array; opening: Uint8Array } = {
    request: new Uint8Array(0),
    opening: new Uint8Array(0),
  };
  const challenge = drawChallenge(SMALL, random);
  const secret = kind.drawSecret(SMALL, challenge.basis, random);
  const prove: Prove<ComputeParams> = async (devices, given, signal) => {
    const proving = await lying.prove(devices, given, signal);
    return {
      ...proving,
      release() {},
      async open(request) {
        const good = await goodSamples(challenge, proving, secret, random);
        chosen.request = encodeRequest(good);
        chosen.opening = await proving.open(chosen.request);
        return proving.open(request);
      },
    };
  };
  return { given: await walk(subjectOf(SMALL), random, { challenge, prove }), chosen, secret };
}

/** Places that its owner would get through with: it asks itself, one place at a time, until there are enough. */
async function goodSamples(
  challenge: Challenge<ComputeParams>,
  proving: Proving,
  secret: ComputeSecret,
  random: Random,
): Promise<Sample[]> {
  const { n, labels } = SMALL;
  const { rowRoot, columnRoot } = decodeOpening(SMALL, await proving.open(proofRequest(proving, random)))!;
  const check = createSampleCheck(createChain(challenge.seed, n, labels), { rowRoot, columnRoot }, secret);
  const good: Sample[] = [];
  while (good.length < K) {
    const request = proofRequest(proving, random);
    const samples = decodeRequest(SMALL, labels, request)!;
    const opening = decodeOpening(SMALL, await proving.open(request))!;
    for (const [s, sample] of samples.entries())
      if (good.length < K && check(sample, opening.samples[s]!) === undefined) good.push(sample);
  }
  return good;
}

const proofRequest = (proving: Proving, random: Random): Uint8Array =>
  kind.issue(SMALL, [proving.commit], random);
