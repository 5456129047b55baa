// Owns: which rollouts of a miner are audited, and where. Does not own: what a rollout is paid (credit.ts), the beacon, the key
// behind the private half (keys/vrf.ts).

import { taggedHash } from '../../inference/spec/tagged.js';
import { assertBytes, assertU32, type BeaconRound, beaconParts } from '../../inference/spec/window.js';
import { u32le } from '../../model/bytes.js';

/**
 * What the seeds of one miner's audit hang on: the round of a beacon that came after its file was complete, and names that were
 * there before. Nothing of it is the miner's to choose, its manifest least of all: with it in the seed, every further manifest
 * would be another ticket.
 */
export interface AuditSubject {
  readonly beacon: BeaconRound;
  readonly netuid: number;
  readonly window: number;
  /** 32 bytes, the miner's */
  readonly hotkey: Uint8Array;
}

/** The half that every validator draws alike. */
export const publicSeed = (subject: AuditSubject): Uint8Array =>
  taggedHash('audit-public', ...partsOf(subject));

/**
 * What the validator's key is asked for (keys/vrf.ts). The beacon's signature is in it: otherwise a validator could know the
 * private half of a window before the window's files are committed, and sell it.
 */
export const privateMessage = (subject: AuditSubject): Uint8Array => taggedHash('audit', ...partsOf(subject));

/** The other half, of the one validator whose key made `vrfOutput` of `privateMessage`. */
export const privateSeed = (vrfOutput: Uint8Array): Uint8Array => taggedHash('audit-private', vrfOutput);

function partsOf({ beacon, netuid, window, hotkey }: AuditSubject): Uint8Array[] {
  assertBytes('hotkey', hotkey, 32);
  assertU32('netuid', netuid, 0xffff);
  assertU32('window', window);
  return [...beaconParts(beacon), u32le(netuid), u32le(window), hotkey];
}

export interface DrawRules {
  /** rollouts of a miner and window; half of them public, the odd one private */
  readonly rollouts: number;
  /** of them, how many are judged at every position; the first of the private half, then the first of the public one, and so on */
  readonly deep: number;
  /** of the others, how many positions are drawn beside the last one and the answer */
  readonly positions: number;
}

/** Of one miner and window, closer looks included (standing.ts): what an audit may cost. */
export const MAX_DRAWS = 64;

/**
 * A token's rare fault shows only where it is judged: few rollouts judged whole find more than many in part, until the output
 * matrix is most of the model's cost.
 * @param width of the hidden state
 */
export const drawRulesFor = (width: number): DrawRules =>
  width <= 1024 ? { rollouts: 6, deep: 6, positions: 32 } : { rollouts: 8, deep: 2, positions: 32 };

export interface DrawnRollout {
  /** place in the file */
  readonly place: number;
  readonly half: 'public' | 'private';
  /** within its half, from 0 */
  readonly ordinal: number;
  readonly deep: boolean;
}

/**
 * Rollouts, each drawn with a probability in proportion to its weight among those not drawn before; exactly, not nearly: see
 * `below`. The public half is drawn first and alone, so that every validator has the same; fewer when there are fewer of weight.
 * @param weights what each rollout is paid, safe integers >= 0 with a safe sum, in the order of the file
 */
export function drawPicks(
  seeds: { readonly public: Uint8Array; readonly private: Uint8Array },
  weights: ArrayLike<number>,
  rules: DrawRules,
): DrawnRollout[] {
  if (!(Number.isInteger(rules.rollouts) && rules.rollouts >= 1 && rules.rollouts <= MAX_DRAWS))
    throw new RangeError(`rollouts: expected 1..${MAX_DRAWS}, got ${rules.rollouts}`);
  const tree = sumTree(weights);
  const picks: DrawnRollout[] = [];
  for (const half of ['public', 'private'] as const) {
    const stream = wordStream(seeds[half], 'draw-rollouts');
    const count = half === 'public' ? Math.floor(rules.rollouts / 2) : Math.ceil(rules.rollouts / 2);
    const deep = half === 'public' ? Math.floor(rules.deep / 2) : Math.ceil(rules.deep / 2);
    for (let ordinal = 0; ordinal < count && tree.total() > 0; ordinal++)
      picks.push({ place: tree.take(below(stream, tree.total())), half, ordinal, deep: ordinal < deep });
  }
  return picks;
}

/**
 * Positions of one drawn rollout, ascending, none twice: `count` drawn alike, the last one, and the answer with eight to either
 * side. All of them when that is not fewer.
 * @param answer [from, to) as its environment parsed it
 */
export function drawPositions(
  seed: Uint8Array,
  ordinal: number,
  length: number,
  count: number,
  answer?: readonly [number, number],
): number[] {
  if (length <= count + 1) return Array.from({ length }, (_, i) => i);
  const chosen = new Set<number>([length - 1]);
  const stream = wordStream(seed, 'draw-positions', ordinal);
  // Floyd: each set of `count` among all but the last is as likely as any other
  const others = length - 1;
  for (let j = others - count; j < others; j++) {
    const t = below(stream, j + 1);
    chosen.add(chosen.has(t) ? j : t);
  }
  if (answer)
    for (let i = Math.max(0, answer[0] - AROUND); i < Math.min(length, answer[1] + AROUND); i++)
      chosen.add(i);
  return [...chosen].sort((a, b) => a - b);
}

/** What is written just before an answer decides it as well. */
const AROUND = 8;

type Words = () => bigint;

/** 64 random bits at a time: the first eight bytes, little-endian, of a hash of seed, place and a counter. */
function wordStream(seed: Uint8Array, what: string, place = 0): Words {
  let counter = 0;
  return () => {
    const bytes = taggedHash(what, seed, u32le(place), u32le(counter++));
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  };
}

/**
 * A uniform integer in [0, bound): the random fraction of `bound`, and another when the fraction's remainder says that this one
 * would come once too often (Lemire 2019, algorithm 5). A fraction, so that a larger count does not reshuffle all draws.
 * @param bound 1..2^53
 */
function below(words: Words, bound: number): number {
  const range = BigInt(bound);
  const uneven = 2n ** 64n % range;
  for (;;) {
    const product = words() * range;
    if ((product & (2n ** 64n - 1n)) >= uneven) return Number(product >> 64n);
  }
}

/** Weights under a binary tree of sums: finding, and taking one out, walks from the top. */
function sumTree(weights: ArrayLike<number>): { total(): number; take(at: number): number } {
  let width = 1;
  while (width < weights.length) width *= 2;
  const sums = new Float64Array(2 * width);
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    if (!(Number.isSafeInteger(weight) && weight >= 0))
      throw new RangeError(`weights: expected safe integers >= 0, got ${weight} at ${i}`);
    sums[width + i] = weight;
  }
  for (let i = width - 1; i >= 1; i--) sums[i] = sums[2 * i]! + sums[2 * i + 1]!;
  if (!Number.isSafeInteger(sums[1])) throw new RangeError(`weights: expected a safe sum, got ${sums[1]}`);
  return {
    total: () => sums[1]!,
    take(at) {
      let node = 1;
      let left = at;
      while (node < width) {
        node *= 2;
        if (left >= sums[node]!) left -= sums[node++]!;
      }
      const weight = sums[node]!;
      for (let i = node; i >= 1; i >>>= 1) sums[i]! -= weight;
      return node - width;
    },
  };
}
