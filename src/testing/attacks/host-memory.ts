// Owns: attacks on `host-memory`: liars of content, and owners of less memory than they name, whose every byte is right.
// Does not own: the liars' provers (liars/host-memory.ts), the closed model of the same cheats (liars/host-memory-model.ts).
import { createReferenceCompute } from '../../compute/cpu/reference.js';
import { createPlainHost } from '../../compute/host/plain.js';
import { LEAF_STEPS } from '../../compute/spec/host-walk.js';
import type { Random } from '../../model/prng.js';
import {
  creditFor,
  hashedPerByte,
  type Made,
  missingFor,
} from '../../verification/kinds/host-memory/credit.js';
import { hostMemoryProof } from '../../verification/kinds/host-memory/index.js';
import {
  type HostMemoryParams,
  hostMemoryParamsByClass,
} from '../../verification/kinds/host-memory/params.js';
import { SERVER } from '../devices/figures.js';
import { createResource } from '../devices/model.js';
import {
  borrowsMemory,
  fabricatesLabels,
  guessesDigests,
  guessesSteps,
  type HostMemoryLiar,
  keepsResidues,
  readsBeforeThePass,
  repeatsRounds,
} from '../liars/host-memory.js';
import { HOSTS, type Reach, roundsAlone } from '../liars/host-memory-model.js';
import { createVirtualClock } from '../virtual-clock.js';
import { type Attack, type Attempt, defineAttack } from './attack.js';
import { honestRun, lyingRun } from './content.js';
import type { Subject } from './session.js';

// ---------------------------------------------------------------- content

const SMALL: HostMemoryParams = {
  ...hostMemoryParamsByClass('host-small')!,
  labelBytes: 256,
  infoBytes: 84,
  minBytes: 2 ** 12,
  maxBytes: 2 ** 14,
  maxLeaves: 8,
  labelSamples: 16,
  digestSamples: 16,
  stepSamples: 8,
};

const host = createPlainHost();

export const hostMemorySubject: Subject<HostMemoryParams, unknown> = {
  kind: hostMemoryProof,
  params: SMALL,
  devices: { compute: createReferenceCompute(), host },
};

const content = (
  attack: Omit<Attack, 'kind' | 'bounds' | 'bound' | 'run' | 'tight'> & {
    liar: (strength: number, random: Random) => HostMemoryLiar;
  },
): Attack => {
  const { liar, ...rest } = attack;
  return defineAttack({
    kind: 'host-memory',
    bounds: 'acceptance',
    // each run has its chance: how many labels or rounds a share is hangs on how many there are
    bound: () => 1,
    tight: true,
    ...rest,
    run: lyingRun(hostMemorySubject, liar),
  });
};

const honestSession = honestRun(hostMemorySubject);

// ---------------------------------------------------------------- less memory than named

const PARAMS = hostMemoryParamsByClass('host-64')!;
const MACHINE = HOSTS.server;
const CLAIMED = PARAMS.nominalBytes;
/** Steps that are drawn to learn how long one takes on average. */
const DRAWN_STEPS = 4000;

const CHUNKS_AGAIN: Reach = {
  bytesPerS: MACHINE.hashBytesPerS / hashedPerByte(PARAMS),
  readNs: MACHINE.regenerateNs,
};

type Pay = (made: Made) => number;
const credited: Pay = (made) => creditFor(PARAMS, made).hostBytes ?? 0;

/** One session whose owner has all but `missing` of the claimed bytes in memory, and something that stands in for the rest. */
async function without(
  missing: number,
  instead: Reach,
  random: Random,
  pay: Pay = credited,
): Promise<number> {
  const { roundS, stepNs } = await paces(missing, instead, random);
  const passS = PARAMS.passMs / 1000;
  const walkS = PARAMS.walkMs / 1000;
  const most = Math.min(PARAMS.maxRounds, Math.floor(passS / roundS));
  let best = 0;
  // rounds and walk share their time: it takes what is credited most
  for (let rounds = 1; rounds <= most; rounds++) {
    const left = walkS - rounds * roundS;
    const leaves = Math.min(PARAMS.maxLeaves, Math.floor((left * 1e9) / (stepNs * LEAF_STEPS)));
    if (leaves < 1) continue;
    best = Math.max(best, pay({ lanes: MACHINE.cores, bytes: CLAIMED, rounds, leaves }));
  }
  return best / CLAIMED;
}

/** A round reads here and there at once; a step waits for the slowest of its reads, each of which is missing or not. */
async function paces(
  missing: number,
  instead: Reach,
  random: Random,
): Promise<{ roundS: number; stepNs: number }> {
  const clock = createVirtualClock(0);
  const memory = createResource({ clock, perS: MACHINE.memoryBytesPerS });
  const other = createResource({ clock, perS: instead.bytesPerS });
  await clock.runUntil(Promise.all([memory.take(CLAIMED * (1 - missing)), other.take(CLAIMED * missing)]));
  let ns = 0;
  for (let step = 0; step < DRAWN_STEPS; step++) {
    const isMissing = random.below(2 ** 20) < missing * 2 ** 20;
    ns += isMissing ? Math.max(MACHINE.stepNs, instead.readNs) : MACHINE.stepNs;
  }
  return { roundS: clock.monotonic() / 1000, stepNs: ns / DRAWN_STEPS };
}

/** In the claimed bytes; an honest owner of that share of them. */
function honestly(share: number): number {
  const bytes = CLAIMED * share;
  const roundS = bytes / MACHINE.memoryBytesPerS;
  let best = 0;
  for (let rounds = 1; rounds <= Math.min(PARAMS.maxRounds, PARAMS.passMs / 1000 / roundS); rounds++) {
    const leaves = Math.min(
      PARAMS.maxLeaves,
      Math.floor(((PARAMS.walkMs / 1000 - rounds * roundS) * 1e9) / (MACHINE.stepNs * LEAF_STEPS)),
    );
    best = Math.max(best, credited({ lanes: MACHINE.cores, bytes, rounds, leaves }));
  }
  return best / CLAIMED;
}

const attempt = (credit: number, own: number): Attempt => ({ accepted: credit > own * (1 + 1e-9), credit });

const GB = 1e9;
/** two drives: what hosts of the class have */
const TWO_DRIVES: Reach = { bytesPerS: 28 * GB, readNs: MACHINE.disk.readNs };
const HALF = 0.5;

/** What two drives and all cores bring within a round, where that is less than what the walk leaves room for. */
const heldAgainstTwoDrives: Pay = (made) => {
  const { absent, elsewhere } = missingFor(PARAMS, made);
  const roundS = PARAMS.passMs / 1000 / made.rounds;
  const again = PARAMS.hashBytesPerS / hashedPerByte(PARAMS);
  return Math.max(0, made.bytes - Math.min(absent, roundS * (again + TWO_DRIVES.bytesPerS)) - elsewhere);
};

const MISSING = [0.01, 0.05, 0.1, 0.25, 0.5, 0.9] as const;

const resident = (attack: {
  name: string;
  what: string;
  origin: string;
  instead: Reach;
  stoppedBy: string;
  rule: string;
  /** credited, in the claimed bytes, where that rule is missing */
  withoutRule: (missing: number, random: Random) => Promise<number>;
}): Attack => {
  const { instead, rule, withoutRule, ...rest } = attack;
  return defineAttack({
    ...rest,
    kind: 'host-memory',
    strength: 'share of the named bytes that is not in memory',
    strengths: MISSING,
    bounds: 'credit',
    bound: (missing) => 1 - missing,
    own: (missing) => honestly(1 - missing),
    run: async (missing, random) => attempt(await without(missing, instead, random), honestly(1 - missing)),
    without: {
      rule,
      run: async (missing, random) => attempt(await withoutRule(missing, random), honestly(1 - missing)),
    },
  });
};

const byRoundsAlone =
  (instead: Reach) =>
  async (missing: number, random: Random): Promise<number> => {
    const { roundS } = await paces(missing, instead, random);
    const rounds = Math.min(PARAMS.maxRounds, Math.floor(PARAMS.passMs / 1000 / roundS));
    return roundsAlone(PARAMS, { bytes: CLAIMED, rounds }) / CLAIMED;
  };

export const hostMemoryAttacks: readonly Attack[] = [
  content({
    name: 'fabricated-labels',
    what: 'fills labels with random bytes instead of hashing their parents',
    origin: 'skipped work',
    strength: 'share of the labels',
    strengths: [0.05, 0.1, 0.25],
    own: (share) => 1 - share,
    liar: (share, random) => fabricatesLabels({ share, random, host }),
    stoppedBy: 'sampled labels, hashed again from their parents',
  }),
  content({
    name: 'guessed-digests',
    what: 'has not read some labels and guesses their digests',
    origin: 'skipped work; memory that is only partly there',
    strength: 'share of the labels',
    strengths: [0.05, 0.1, 0.25],
    own: (share) => 1 - share,
    liar: (share, random) => guessesDigests({ share, random, host }),
    stoppedBy: 'sampled digests over all rounds',
  }),
  content({
    name: 'residue-storer',
    what: 'keeps seven bits of every byte',
    origin: 'digests that forget bits',
    strength: 'share of the labels that it keeps so',
    strengths: [0.05, 0.1, 0.25],
    own: (share) => 1 - share / 8,
    liar: (share, random) => keepsResidues({ share, random, host }),
    stoppedBy: 'digests that take in every bit',
  }),
  content({
    name: 'repeated-rounds',
    what: 'shows the round before instead of reading again',
    origin: 'skipped work',
    strength: 'share of the rounds',
    strengths: [0.15, 0.3, 0.5],
    own: (share) => 1 - share,
    liar: (share, random) => repeatsRounds({ share, random }),
    stoppedBy: 'a key of its own for each round, which hangs on the round before',
  }),
  content({
    name: 'guessed-steps',
    what: 'makes up steps of its walk',
    origin: 'reads that need not wait for one another',
    strength: 'share of the steps',
    strengths: [0.05, 0.1, 0.3],
    own: (share) => 1 - share,
    liar: (share, random) => guessesSteps({ share, random }),
    stoppedBy: 'sampled steps, taken again',
  }),
  content({
    name: 'read-before-pass',
    what: 'reads its rounds under keys that it knew before the Pass',
    origin: 'precomputation',
    strength: 'sessions answered so, of one',
    strengths: [1],
    own: () => 0,
    liar: (_, random) => readsBeforeThePass({ random }),
    stoppedBy: 'keys that hang on the Pass',
    without: { rule: 'the keys are known at the Go', run: honestSession },
  }),
  content({
    name: 'borrowed-memory',
    what: "answers with another slot's labels, or with those of an event before",
    origin: 'replay; work shown twice',
    strength: 'sessions answered so, of one',
    strengths: [1],
    own: () => 0,
    liar: (_, random) => borrowsMemory({ random }),
    stoppedBy: 'a root that binds the seed',
    without: { rule: "the seed is the sender's word", run: honestSession },
  }),
  resident({
    name: 'narrow-state-ram',
    what: 'keeps short states instead of labels and makes labels again when they are read',
    origin: 'a label with a narrow waist',
    instead: CHUNKS_AGAIN,
    stoppedBy:
      'labels without a waist: 32 bytes cost hashing of all that came before them in the label, and of three parents',
    rule: 'a label is the expansion of a hash, by AES',
    // at the rate of its cores, and sooner there than from memory
    withoutRule: (missing, random) =>
      without(missing, { bytesPerS: 32 * SERVER.streamBytesPerS, readNs: PARAMS.stepNs }, random),
  }),
  resident({
    name: 'nvme-ram',
    what: 'has swapped some of its labels out to two drives',
    origin: 'memory swapped out to drives',
    instead: TWO_DRIVES,
    stoppedBy: 'a walk of dependent reads',
    rule: 'rounds alone, and a burst of 256 reads in 50 ms',
    withoutRule: byRoundsAlone(TWO_DRIVES),
  }),
  resident({
    name: 'remote-ram',
    what: "has some of its labels in another host's memory, or in a card's",
    origin: 'memory of another host or of a card',
    instead: MACHINE.link,
    stoppedBy: 'the walk, and what a link brings within a round',
    rule: 'rounds alone',
    withoutRule: byRoundsAlone(MACHINE.link),
  }),
  defineAttack({
    kind: 'host-memory',
    name: 'many-drives',
    what: 'has swapped half of its labels out to many drives',
    origin: 'memory swapped out to many drives',
    strength: 'GB/s of the drives',
    strengths: [14, 28, 56, 100, 1000],
    bounds: 'credit',
    bound: () => 1 - HALF,
    own: () => honestly(1 - HALF),
    run: async (gigabytesPerS, random) => {
      const drives = { bytesPerS: gigabytesPerS * GB, readNs: MACHINE.disk.readNs };
      return attempt(await without(HALF, drives, random), honestly(1 - HALF));
    },
    stoppedBy: 'a walk of dependent reads: a thousand drives answer no sooner than one',
    without: {
      rule: 'what is on drives is at most what two of them bring within a round',
      run: async (gigabytesPerS, random) => {
        const drives = { bytesPerS: gigabytesPerS * GB, readNs: MACHINE.disk.readNs };
        const credit = await without(HALF, drives, random, heldAgainstTwoDrives);
        return attempt(credit, honestly(1 - HALF));
      },
    },
  }),
  defineAttack({
    kind: 'host-memory',
    name: 'quick-drives',
    what: 'has swapped half of its labels out to drives that answer sooner than any drive is taken to',
    origin: 'memory swapped out to persistent memory',
    strength: 'us until a drive answers',
    strengths: [1, 2, 5, 10, 20, 70],
    bounds: 'credit',
    // what the walk takes off for so long a step: docs/proofs/host-memory.md
    bound(answersUs) {
      const stepNs = HALF * answersUs * 1000 + HALF * MACHINE.stepNs;
      return Math.max(0, 1 - (stepNs - PARAMS.stepNs) / (PARAMS.diskReadNs - PARAMS.stepNs));
    },
    own: () => honestly(1 - HALF),
    run: async (answersUs, random) => {
      const drives = { bytesPerS: 1000 * GB, readNs: answersUs * 1000 };
      return attempt(await without(HALF, drives, random), honestly(1 - HALF));
    },
    stoppedBy: `the walk, as long as no drive answers within ${PARAMS.diskReadNs / 1000} us`,
  }),
];
