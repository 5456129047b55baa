// Owns: attacks on `storage`: liars of content, and owners of right plots who have deleted some of them.
// Does not own: the liars' provers (liars/storage.ts), what cores and disks allow in the time there is (liars/storage-model.ts).
import { createPackedCompute } from '../../compute/cpu/packed.js';
import { createMemoryDisk } from '../../compute/disk/memory.js';
import type { Random } from '../../model/prng.js';
import { storageProof } from '../../verification/kinds/storage/index.js';
import {
  creditedBytes,
  missingShare,
  type StorageParams,
  storageParamsByClass,
} from '../../verification/kinds/storage/params.js';
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
  type StorageCheat,
  storageOutcome,
  survives,
} from '../liars/storage-model.js';
import { createVirtualClock } from '../virtual-clock.js';
import { type Attack, type Attempt, defineAttack, type Run } from './attack.js';
import { accepting, honestRun, lyingRun } from './content.js';
import type { Subject } from './session.js';

const SMALL: StorageParams = storageParamsByClass('small')!;

const subjectOf = (params: StorageParams): Subject<StorageParams, unknown> => ({
  kind: storageProof,
  params,
  devices: { compute: createPackedCompute(), disk: createMemoryDisk({ sectors: 23 }) },
});

export const storageSubject = subjectOf(SMALL);

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

// a sector is encoded again in one session of a million
const unchecked = { ...SMALL, encodingsOneIn: 1_000_000 };

const PLOT = storageParamsByClass('nvme')!;
const SECTORS = PLOT.nominalSectors;
const NETWORK_MS = 20;
/** Of a leaf in a chain of 32 bytes at 1 MB/s, from its checkpoint. */
const NARROW_LEAVES_PER_CORE_S = 250;

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
      run: lyingRun(subjectOf(unchecked), (share, random) => inventsSectors({ share, random })),
    },
  }),
  defineAttack({
    kind: 'storage',
    name: 'unencoded-plot-for-life',
    what: 'has a few wrongly encoded sectors and hopes that none is ever looked at',
    origin: 'an encoding that nobody checks',
    strength: 'share of its sectors',
    strengths: [0.001, 0.01, 0.05, 0.1],
    bounds: 'acceptance',
    // those of its registration, and a month of five events an epoch
    bound: (share) => survives(share, ENCODINGS_A_MONTH),
    tight: true,
    own: (share) => 1 - share,
    async run(share, random) {
      for (let i = 0; i < ENCODINGS_A_MONTH; i++)
        if (random.below(2 ** 32) < share * 2 ** 32) return accepting(false);
      return accepting(true);
    },
    stoppedBy: 'encodings that count over the life of a root',
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
    // credit has the share that 1,000 a second could make taken off: with more of them some bytes come for nothing
    own: (perS) => 1 - hiddenShare(perS),
    run: deletes((perS) => perS, hiddenShare),
    tight: true,
    stoppedBy:
      'credit less what 1,000 sectors a second could make again; beyond that it needs more than 1,000 cores or cards',
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

const ENCODINGS_A_MONTH = Math.round(
  PLOT.firstEncodings + (((30 * 86_400) / (360 * 12)) * 5 * PLOT.encodings) / PLOT.encodingsOneIn,
);

/** What it may delete so that, nine times of ten, nothing is missing in time; never less than the credit leaves out. */
function hiddenShare(perS: number): number {
  const leaves = Math.floor((perS * (PLOT.answerMs - NETWORK_MS)) / 1000);
  return Math.max(missingShare(PLOT) / 4, Math.min(1, (0.97 * leaves) / PLOT.leaves));
}
