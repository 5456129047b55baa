// Owns: attacks on `storage`: liars of content, and owners of right plots who have deleted some of them.
// Does not own: the liars' provers (liars/storage.ts), what cores and disks allow in the time there is (liars/storage-model.ts).
import { createPackedCompute } from '../../compute/cpu/packed.js';
import { createMemoryDisk } from '../../compute/disk/memory.js';
import type { Random } from '../../model/prng.js';
import { accepted } from '../../model/verdict.js';
import { mostOfRange } from '../../verification/kinds/storage/codec.js';
import { storageProof } from '../../verification/kinds/storage/index.js';
import {
  creditedBytes,
  creditedBytesPerS,
  missingShare,
  type StorageParams,
  storageParamsByClass,
} from '../../verification/kinds/storage/params.js';
import { drawOrder } from '../../verification/kinds/storage/questions.js';
import type { NoSecret } from '../../verification/no-secret.js';
import { SERVER } from '../devices/figures.js';
import { createResource, type Resource } from '../devices/model.js';
import {
  borrowsPlot,
  inventsSectors,
  keepsHashesOnly,
  missesLeaves,
  readsPartOfRange,
  replaysAnswers,
  type StorageLiar,
  sharesPlot,
} from '../liars/storage.js';
import {
  DISKS,
  type DiskModel,
  mostRead,
  readOf,
  type StorageCheat,
  sectorsPerS,
  storageOutcome,
  survives,
} from '../liars/storage-model.js';
import { createVirtualClock } from '../virtual-clock.js';
import { type Attack, type Attempt, defineAttack, type Run } from './attack.js';
import { honestRun, lyingRun } from './content.js';
import type { Subject } from './session.js';

const SMALL: StorageParams = storageParamsByClass('small')!;

export const storageSubject: Subject<StorageParams, NoSecret> = {
  kind: storageProof,
  params: SMALL,
  devices: { compute: createPackedCompute(), disk: createMemoryDisk({ sectors: 23 }) },
};

const content = (
  attack: Omit<Attack, 'kind' | 'bounds' | 'run'> & {
    liar: (strength: number, random: Random) => StorageLiar;
  },
): Attack => {
  const { liar, ...rest } = attack;
  return defineAttack({
    kind: 'storage',
    bounds: 'acceptance',
    ...rest,
    run: lyingRun(storageSubject, liar),
  });
};

/** What its sender sends where the rule is missing is what an honest owner sends. */
const honestSession = honestRun(storageSubject);

/** Encodings are the last check: whoever fails there alone has passed all others. */
const unchecked: typeof storageSubject = {
  ...storageSubject,
  kind: {
    ...storageProof,
    verify(...args) {
      const verdict = storageProof.verify(...args);
      return verdict.kind === 'rejected' && verdict.reason === 'encoding' ? accepted : verdict;
    },
  },
};

const PLOT = storageParamsByClass('nvme')!;
const SECTORS = PLOT.nominalSectors;
const NETWORK_MS = 20;
/** Of a leaf in a chain of 32 bytes at 1 MB/s, from its checkpoint. */
const NARROW_LEAVES_PER_CORE_S = 250;

/** As first designed: a validator that remembers plots. */
const REMEMBERED = { first: 64, laterOneIn: 100 } as const;
/** Five events in each epoch of 360 blocks. */
const SESSIONS_A_MONTH = (30 * 86_400 * 5) / (360 * 12);

/** An owner of memory beside a disk that is slower than its class; which part of the plot it holds is its choice. */
const GROUND = {
  heldShare: 0.1,
  fromDisk: Math.floor((sectorsPerS(DISKS.sata, PLOT) * (PLOT.rangeMs - NETWORK_MS)) / 1000),
} as const;
const isHeld = (sector: number): boolean => sector < GROUND.heldShare * SECTORS;

const rateOf = (sectors: number): number => creditedBytesPerS(PLOT, sectors) / PLOT.nominalBytesPerS;
/** The mean over orders that nobody has chosen: of every ten sectors one costs nothing. */
const HONEST_RATE = rateOf((GROUND.fromDisk + 1) / (1 - GROUND.heldShare) - 1);

/** What answers in the name of a plot of which a share is gone. */
const cheatOf = (missing: number, regeneratedPerS: number, disk: DiskModel = DISKS.nvme): StorageCheat => ({
  sectors: SECTORS,
  missingShare: missing,
  regeneratedPerS,
  disk,
  networkMs: NETWORK_MS,
});

/**
 * One session of its owner, leaf by leaf: which of those asked are gone, which it makes again, which it reads, in the order asked,
 * while the time lasts; and which are opened.
 */
async function answers(cheat: StorageCheat, random: Random): Promise<Attempt> {
  const { leaves: k, answerMs, openedLeaves } = PLOT;
  const clock = createVirtualClock(0);
  const cores = createResource({ clock, perS: Math.max(1e-9, cheat.regeneratedPerS) });
  const disk = createResource({ clock, perS: (1000 * cheat.disk.queue) / cheat.disk.latencyMs });
  const untilMs = answerMs - cheat.networkMs;
  const words = random.bytes(4 * k);
  const view = new DataView(words.buffer, words.byteOffset, words.byteLength);
  const answered = new Uint8Array(k);
  await clock.runUntil(
    (async () => {
      const gone: number[] = [];
      const there: number[] = [];
      for (let i = 0; i < k; i++)
        (view.getUint32(4 * i) < cheat.missingShare * 2 ** 32 ? gone : there).push(i);
      await Promise.all([work(gone, cores), work(there, disk)]);
    })(),
  );
  let accepted = true;
  const opened = new Set<number>();
  while (opened.size < openedLeaves) opened.add(random.below(k));
  for (const i of opened) accepted &&= answered[i] === 1;
  const all = SECTORS * 2 ** 20;
  return {
    accepted,
    credit: accepted ? creditedBytes(PLOT, SECTORS) / all : 0,
    chance: storageOutcome(PLOT, cheat).acceptance,
  };

  /** A hundred at a time: a queue is never as short as one leaf. */
  async function work(leaves: readonly number[], by: Resource): Promise<void> {
    const most = Math.floor((by.perS * untilMs) / 1000 + 1e-6);
    const done = leaves.slice(0, most);
    for (let from = 0; from < done.length; from += 100) {
      const some = done.slice(from, from + 100);
      await by.take(some.length);
      if (clock.monotonic() <= untilMs + 1e-3) for (const i of some) answered[i] = 1;
    }
  }
}

const deletes =
  (regeneratedPerS: (strength: number) => number, missing: (strength: number) => number): Run =>
  (strength, random) =>
    answers(cheatOf(missing(strength), regeneratedPerS(strength)), random);

const deleting = (attack: Omit<Attack, 'kind' | 'bounds' | 'bound'>): Attack =>
  // each run has its chance from the model
  defineAttack({ kind: 'storage', bounds: 'acceptance', bound: () => 1, ...attack });

export const storageAttacks: readonly Attack[] = [
  content({
    name: 'unencoded-plot',
    what: 'commits to the bytes of a stream cipher, which it makes when it is asked',
    origin: 'an encoding that nobody checks',
    strength: 'share of its sectors',
    strengths: [2 / 23, 6 / 23, 1],
    bound: () => 1,
    tight: true,
    own: (share) => 1 - share,
    liar: (share, random) => inventsSectors({ share, random }),
    stoppedBy: 'sectors that the validator encodes again itself',
    without: {
      rule: 'no sector is ever encoded again',
      run: lyingRun(unchecked, (share, random) => inventsSectors({ share, random })),
    },
  }),
  defineAttack({
    kind: 'storage',
    name: 'unencoded-plot-for-life',
    what: 'has a few wrongly encoded sectors, and comes with the same plot again and again until none of them is looked at',
    origin: 'an encoding that nobody checks',
    strength: 'share of its sectors',
    strengths: [0.001, 0.01, 0.05, 0.1],
    bounds: 'credit',
    bound: (share) => survives(share, PLOT.encodings),
    tight: true,
    own: (share) => 1 - share,
    run: async (share) => ({ accepted: false, credit: survives(share, PLOT.encodings) }),
    stoppedBy: 'as many encodings in every session as in the first',
    without: {
      rule: `${REMEMBERED.first} encodings in the first session of a plot, and one in ${REMEMBERED.laterOneIn} sessions from then on`,
      run: lucky,
    },
  }),
  content({
    name: 'shared-plot',
    what: 'shows as its own the sectors that it encoded for another hotkey',
    origin: 'one plot behind many hotkeys',
    strength: 'share of its sectors',
    strengths: [2 / 23, 1],
    bound: () => 1,
    tight: true,
    own: (share) => 1 - share,
    liar: (share, random) => sharesPlot({ share, random }),
    stoppedBy: 'sectors whose encoding begins with hotkey, host and slot',
  }),
  content({
    name: 'borrowed-plot',
    what: "answers from another hotkey's plot, which is honest",
    origin: "replay; another's work",
    strength: 'sessions answered so, of one',
    strengths: [1],
    bound: () => 0,
    own: () => 0,
    liar: (_, random) => borrowsPlot({ random }),
    stoppedBy: 'roots that bind hotkey, host and slot',
    without: { rule: "the place is the sender's word", run: honestSession },
  }),
  content({
    name: 'replayed-answers',
    what: 'answers what another Pass asked, made at leisure',
    origin: 'replay and precomputation',
    strength: 'sessions answered so, of one',
    strengths: [1],
    bound: () => 0,
    own: () => 0,
    liar: (_, random) => replaysAnswers({ random }),
    stoppedBy: 'answers that bind the Pass',
    without: { rule: 'the Pass is known before the Go', run: honestSession },
  }),
  content({
    name: 'deleted-leaves',
    what: 'has deleted leaves and sends what it likes for them',
    origin: 'data that was deleted',
    strength: 'share of the leaves',
    strengths: [1 / 16, 2 / 16, 4 / 16, 8 / 16],
    bound: () => 1,
    tight: true,
    own: (share) => 1 - share,
    liar: (share, random) => missesLeaves({ share, regenerated: 0, random }),
    stoppedBy: 'answers to k leaves of distinct sectors before any is opened',
  }),
  content({
    name: 'hashes-only',
    what: 'keeps the hash of each leaf instead of the leaf',
    origin: 'hashes in place of data',
    strength: 'share of the leaves',
    strengths: [1],
    bound: () => 1,
    own: () => 0,
    liar: (_, random) => keepsHashesOnly({ random }),
    stoppedBy: 'digests under a key that comes with the Pass',
    without: { rule: "a leaf's digest is its hash", run: honestSession },
  }),
  content({
    name: 'unread-range',
    what: 'names a range of which it has read only a part',
    origin: 'skipped work',
    strength: 'share of the range',
    strengths: [2 / 23, 6 / 23, 12 / 23],
    bound: () => 1,
    tight: true,
    own: (share) => 1 - share,
    liar: (share, random) => readsPartOfRange({ share, random }),
    stoppedBy: 'sampled pieces of the range',
  }),
  defineAttack({
    kind: 'storage',
    name: 'ground-range',
    what: `has a slow disk and ${GROUND.heldShare * 100} % of its plot in memory, and takes the best of several sets of nonces for its Pass`,
    origin: 'nonces that nobody sent',
    strength: 'sets tried',
    strengths: [2, 8, 64, 512],
    bounds: 'credit',
    bound: (tries) => rateOf(mostRead(GROUND, { tries, chance: 1e-9 })),
    tight: true,
    own: () => HONEST_RATE,
    run: grinds(shuffledSectors),
    stoppedBy: 'sectors read in an order of the Pass: of any of them about as many are held as of all',
    without: {
      rule: 'a range of sectors one behind the other, from a place that the Pass names',
      run: grinds(stretchOfSectors),
    },
  }),
  deleting({
    name: 'narrow-state-plot',
    what: `has deleted leaves and makes them again from checkpoints, on ${SERVER.cores} cores`,
    origin: 'a chain with a narrow state',
    strength: 'share of the plot deleted',
    strengths: [0.05, 0.1, 0.5, 0.9],
    own: (share) => 1 - share,
    // one core-second for any leaf of a sector
    run: deletes(
      () => SERVER.cores,
      (share) => share,
    ),
    tight: true,
    stoppedBy: 'sectors that are the last memory of a memory-hard fill: a leaf costs the whole sector',
    without: {
      rule: 'a chain of 32 bytes, resumed from a checkpoint: 4 ms a leaf',
      run: deletes(
        () => SERVER.cores * NARROW_LEAVES_PER_CORE_S,
        (share) => share,
      ),
    },
  }),
  deleting({
    name: 'sector-regenerator',
    what: 'has deleted sectors and makes them again in the time to answer',
    origin: 'data that is made again when it is asked for',
    strength: 'sectors that it makes in a second',
    strengths: [64, 1000, 4000, 16_000],
    // credit has the share that the class takes anybody to make taken off: with more of them some bytes come for nothing
    own: (perS) => 1 - hiddenShare(perS),
    run: deletes((perS) => perS, hiddenShare),
    tight: true,
    stoppedBy: `credit less what ${PLOT.regeneratedPerS} sectors a second could make again, which is more than 64 cores and a card`,
  }),
  deleting({
    name: 'slow-disk',
    what: 'claims a solid-state disk and has one that turns',
    origin: 'tools that say what the host likes',
    strength: 'random reads in a second',
    strengths: [125, 10_000, 15_000, 16_500],
    own: (perS) =>
      Math.min(1, (perS * (PLOT.answerMs - NETWORK_MS)) / 1000 / PLOT.leaves) * (1 - missingShare(PLOT)),
    run: (perS, random) =>
      answers(cheatOf(0, 0, { latencyMs: 1000 / perS, queue: 1, bytesPerS: 2e8 }), random),
    tight: true,
    stoppedBy: `${PLOT.leaves} leaves in ${PLOT.answerMs} ms`,
  }),
];

/** A month of its sessions: rejected until luck lets it in, then each by its chance, with hardly anybody looking. */
async function lucky(share: number, random: Random): Promise<Attempt> {
  const enters = survives(share, REMEMBERED.first);
  const luck = (1 + random.below(2 ** 32)) / 2 ** 32;
  const failed = Math.min(SESSIONS_A_MONTH, Math.floor(Math.log(luck) / Math.log1p(-enters)));
  const later = Math.max(0, SESSIONS_A_MONTH - failed - 1) * (1 - share / REMEMBERED.laterOneIn);
  const credit = ((failed < SESSIONS_A_MONTH ? 1 : 0) + later) / SESSIONS_A_MONTH;
  return { accepted: credit > 1 - share, credit };
}

/** Its best of so many orders: those first sectors of each that are read in time, the ones in memory in no time. */
function grinds(orderOf: (random: Random, tries: number) => Iterable<number>): Run {
  return async (tries, random) => {
    const most = mostOfRange(PLOT, SECTORS);
    let best = 0;
    for (let i = 0; i < tries && best < most; i++)
      best = Math.max(best, readOf(orderOf(random, tries), isHeld, GROUND.fromDisk));
    const credit = rateOf(best);
    return { accepted: credit > HONEST_RATE, credit };
  };
}

/** As much of an order as shows whether the bound holds. */
function shuffledSectors(random: Random, tries: number): Iterable<number> {
  const beyond = Math.ceil(mostRead(GROUND, { tries, chance: 1e-9 })) + 1;
  return drawOrder(random.bytes(32), SECTORS, beyond);
}

/** As first designed. */
function* stretchOfSectors(random: Random): Iterable<number> {
  const from = random.below(SECTORS);
  for (let i = 0; i < mostOfRange(PLOT, SECTORS); i++) yield (from + i) % SECTORS;
}

/** What it may delete so that, nine times of ten, nothing is missing in time; never less than the credit leaves out. */
function hiddenShare(perS: number): number {
  const leaves = Math.floor((perS * (PLOT.answerMs - NETWORK_MS)) / 1000);
  return Math.max(missingShare(PLOT) / 4, Math.min(1, (0.97 * leaves) / PLOT.leaves));
}
