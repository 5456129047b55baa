// Owns: attacks on `memory`: liars of content, and owners of less memory than they name, whose every byte is right.
// Does not own: the liars' provers (liars/memory.ts), sharing of windows (compute-window.ts).
import { createPackedCompute } from '../../compute/cpu/packed.js';
import type { Random } from '../../model/prng.js';
import { deviceByClass, PASS_EFFICIENCY } from '../../verification/classes.js';
import { encodeCommit } from '../../verification/kinds/compute/codec.js';
import type { ComputeSecret } from '../../verification/kinds/compute/secret.js';
import { encodePassCommit } from '../../verification/kinds/memory/codec.js';
import { memoryProof } from '../../verification/kinds/memory/index.js';
import { type MemoryParams, memoryParamsByClass } from '../../verification/kinds/memory/params.js';
import { createResource } from '../devices/model.js';
import {
  borrowsMemory,
  fillsWithNoise,
  inventsDigests,
  type MemoryLiar,
  namesLabelsAhead,
  readsBeforePass,
  skipsRounds,
  skipsWork,
  storesSevenBits,
} from '../liars/memory.js';
import { createVirtualClock } from '../virtual-clock.js';
import { type Attack, type Attempt, defineAttack } from './attack.js';
import { accepting, honestRun, lyingRun } from './content.js';
import type { Subject } from './session.js';

// ---------------------------------------------------------------- content

/** 16 blocks and 4 rounds: shares of a sixteenth are blocks, of a quarter rounds. */
const SMALL: MemoryParams = {
  ...memoryParamsByClass('paced-memory')!,
  n: 64,
  labels: 16,
  nominalLabels: 12,
  samples: 32,
  fillSamples: 16,
  passSamples: 32,
  maxRounds: 8,
};

export const memorySubject: Subject<MemoryParams, ComputeSecret> = {
  kind: memoryProof,
  params: SMALL,
  devices: { compute: createPackedCompute() },
  // twelve labels in the window, four after it
  pace: () => {
    let left = 130;
    return { leftMs: () => (left -= 10) };
  },
};

const content = (
  attack: Omit<Attack, 'kind' | 'bounds' | 'run'> & {
    liar: (strength: number, random: Random) => MemoryLiar;
  },
): Attack => {
  const { liar, ...rest } = attack;
  return defineAttack({ kind: 'memory', bounds: 'acceptance', ...rest, run: lyingRun(memorySubject, liar) });
};

const missed = (share: number, samples: number): number => (1 - share) ** samples;

const honestSession = honestRun(memorySubject);

// ---------------------------------------------------------------- less memory than named

const CLASS = 'h100-sxm';
const CARD = deviceByClass(CLASS)!;
const PARAMS = memoryParamsByClass(CLASS)!;
/** of labels that fill the card */
const M = PARAMS.labels * PARAMS.n ** 2;
const READ = PASS_EFFICIENCY * CARD.memoryBytesPerS;
/** bytes of labels that it can make again in a second, at the peak that nobody's kernel exceeds */
const REGENERATED = PARAMS.regenerationOpsPerS / (2 * PARAMS.n);
const PASS_S = PARAMS.passMs / 1000;

/** What stands behind one slot during the rounds, bytes a second. */
interface Behind {
  /** claimed */
  readonly bytes: number;
  /** share of them that lies where it is read at full speed */
  readonly held: number;
  readonly regenerated: number;
  /** read elsewhere and sent, or digested there */
  readonly elsewhere: number;
  /** slots that use all of this together */
  readonly slots?: number;
}

/** Rounds that are finished by the end of the pass: what is missing comes from everywhere at once, in the best proportion. */
async function roundsOf({ bytes, held, regenerated, elsewhere, slots = 1 }: Behind): Promise<number> {
  const clock = createVirtualClock(0);
  const memory = createResource({ clock, perS: READ / slots });
  const chips = createResource({ clock, perS: Math.max(1, regenerated / slots) });
  const outside = createResource({ clock, perS: Math.max(1, elsewhere / slots) });
  const missing = bytes * (1 - held);
  const supply = regenerated + elsewhere;
  const part = (rate: number): number => (supply === 0 ? 0 : (missing * rate) / supply);
  return clock.runUntil(
    (async () => {
      let rounds = 0;
      for (;;) {
        await Promise.all([
          memory.take(bytes * held),
          chips.take(part(regenerated)),
          outside.take(part(elsewhere)),
        ]);
        if (clock.monotonic() > PARAMS.passMs + 1e-3 || rounds === PARAMS.maxRounds) return rounds;
        rounds++;
      }
    })(),
  );
}

/** What the kind's own credit makes of labels and rounds, in cards. */
function credited(labels: number, rounds: number, params: MemoryParams = PARAMS): number {
  const root = new Uint8Array(32);
  const window = Math.min(labels, PARAMS.nominalLabels);
  const commits = [
    encodeCommit({ labels: window, root }),
    encodeCommit({ labels, root }),
    encodePassCommit(new Uint8Array(32 * rounds)),
  ];
  return rounds === 0 ? 0 : (memoryProof.credit(params, commits)?.deviceBytes ?? 0) / M;
}

/** In cards; an honest owner of that share of one, at full speed. */
function honestly(share: number, params: MemoryParams = PARAMS): number {
  const labels = Math.floor(PARAMS.labels * share);
  const rounds = Math.min(PARAMS.maxRounds, Math.floor((PASS_S * READ) / (labels * PARAMS.n ** 2)));
  return credited(labels, rounds, params);
}

const attempt = (credit: number, own: number): Attempt => ({ accepted: credit > own * (1 + 1e-9), credit });

const resident = (attack: Omit<Attack, 'kind' | 'bounds'>): Attack =>
  defineAttack({ kind: 'memory', bounds: 'credit', ...attack });

/** What lies elsewhere so that reading it there takes no longer than reading the rest here. */
const hidden = (elsewhere: number): number => (REGENERATED + elsewhere) / (READ + REGENERATED + elsewhere);

const cardLink = PARAMS.linkBytesPerS;
const assumedElsewhere = Math.max(cardLink, PARAMS.hostBytesPerS);

/** Where the host is said to be busy: what fits over the link is all that is taken off. */
const HOST_BUSY: MemoryParams = { ...PARAMS, hostBytesPerS: cardLink };

const runHelped = async (gigabytesPerS: number, params: MemoryParams): Promise<Attempt> => {
  const elsewhere = gigabytesPerS * 1e9;
  const held = 1 - hidden(elsewhere);
  const rounds = await roundsOf({ bytes: M, held, regenerated: REGENERATED, elsewhere });
  return attempt(credited(PARAMS.labels, rounds, params), honestly(held, params));
};

export const memoryAttacks: readonly Attack[] = [
  content({
    name: 'fabricated-work',
    what: 'makes up rows of the labels that it is paid for as work',
    origin: 'skipped work',
    strength: 'share of the rows of every label of the window',
    strengths: [1 / 64, 4 / 64, 16 / 64],
    bound: (share) => missed(share, SMALL.samples),
    tight: true,
    own: (share) => 1 - share,
    liar: (share, random) => skipsWork({ share, random }),
    stoppedBy: 'samples of the window, as in compute',
  }),
  content({
    name: 'noise-filler',
    what: 'fills memory, after the window, with noise that it can make again at any time',
    origin: 'skipped work; memory that is only partly there',
    strength: 'share of the rows of every label of the fill',
    strengths: [2 / 64, 8 / 64, 32 / 64],
    bound: (share) => missed(share, SMALL.fillSamples),
    tight: true,
    own: (share) => 1 - share,
    liar: (share, random) => fillsWithNoise({ share, random }),
    stoppedBy: 'samples of the fill, of their own number',
  }),
  content({
    name: 'labels-ahead',
    what: 'names labels at the end of the window that it makes only later',
    origin: 'work named before it is done',
    strength: 'labels named too many',
    strengths: [1, 3],
    bound: () => 0,
    own: () => 0,
    liar: (labels) => namesLabelsAhead({ labels }),
    stoppedBy: 'a proof that both trees have one beginning',
    without: { rule: 'the second commit is not tied to the first', run: honestSession },
  }),
  content({
    name: 'invented-digests',
    what: 'has not read some blocks and makes their digests up',
    origin: 'skipped work; memory that is only partly there',
    strength: 'share of the blocks of every round',
    strengths: [1 / 16, 2 / 16, 4 / 16],
    bound: (share) => missed(share, SMALL.passSamples),
    tight: true,
    own: (share) => 1 - share,
    liar: (share) => inventsDigests({ share }),
    stoppedBy: 'sampled digests, compared with those of the opened blocks',
  }),
  content({
    name: 'skipped-rounds',
    what: 'hands in rounds that it never read',
    origin: 'skipped work',
    strength: 'share of the rounds',
    strengths: [1 / 8, 2 / 8],
    bound: (share) => missed(share, SMALL.passSamples),
    tight: true,
    own: (share) => 1 - share,
    liar: (share) => skipsRounds({ share }),
    stoppedBy: 'samples over all rounds',
    without: { rule: 'the last round alone is looked at', run: honestSession },
  }),
  content({
    name: 'read-before-pass',
    what: 'reads its memory once, before the Pass, and gives it back',
    origin: 'precomputation',
    strength: 'share of the rounds',
    strengths: [1],
    bound: () => 0,
    own: () => 0,
    liar: () => readsBeforePass,
    stoppedBy: 'keys that hang on the Pass, which nobody knows before',
    without: { rule: 'the key is known at the Go', run: honestSession },
  }),
  content({
    name: 'residue-storer',
    what: 'keeps seven of eight bits, or residues of words',
    origin: 'digests that forget bits',
    strength: 'share of the bits that it does not keep',
    strengths: [1 / 8],
    bound: () => 0,
    own: (share) => 1 - share,
    liar: () => storesSevenBits,
    stoppedBy: 'digests that take in every bit: exact dot products of bytes',
    without: { rule: 'a digest of words modulo 2^61 - 1', strengths: [3 / 64], run: storesResidues },
  }),
  content({
    name: 'borrowed-memory',
    what: "answers with another slot's labels, or with those of an event before",
    origin: 'replay; work shown twice',
    strength: 'sessions answered so, of one',
    strengths: [1],
    bound: () => 0,
    own: () => 0,
    liar: (_, random) => borrowsMemory({ random }),
    stoppedBy: 'roots that bind seed, hotkey, worker, slot and event',
    without: { rule: "the seed is the sender's word", run: honestSession },
  }),
  resident({
    name: 'partial-memory',
    what: `names all of a card's memory (${CLASS}) and makes the rest again, or has it digested in its host's memory, in every round`,
    origin: 'memory that is only partly there',
    strength: 'share that is missing',
    strengths: [0.01, 0.03, 0.1, 0.25, 0.5, 0.75],
    bound: (missing) => 1 - missing,
    own: (missing) => honestly(1 - missing),
    async run(missing) {
      const held = 1 - missing;
      const rounds = await roundsOf({
        bytes: M,
        held,
        regenerated: REGENERATED,
        elsewhere: assumedElsewhere,
      });
      const credit = credited(PARAMS.labels, rounds);
      return attempt(credit, honestly(held));
    },
    stoppedBy: 'M_c = M - t (G + X): a slow round costs the bytes that it could have hidden',
  }),
  resident({
    name: 'late-big-memory',
    what: 'names several times the memory that it has, and is slow',
    origin: 'a pass that may be late',
    strength: 'memory named over memory held',
    strengths: [1.25, 2, 4],
    bound: (times) => 1 / times,
    own: (times) => honestly(1 / times),
    async run(times) {
      const rounds = await roundsOf({
        bytes: M,
        held: 1 / times,
        regenerated: REGENERATED,
        elsewhere: assumedElsewhere,
      });
      const credit = credited(PARAMS.labels, rounds);
      return attempt(credit, honestly(1 / times));
    },
    stoppedBy: 'M_c = M - t (G + X)',
    without: {
      rule: 'bytes as named, and a low rate where it was slow',
      async run(times) {
        const rounds = await roundsOf({
          bytes: M,
          held: 1 / times,
          regenerated: REGENERATED,
          elsewhere: assumedElsewhere,
        });
        return attempt(rounds > 0 ? 1 : 0, honestly(1 / times));
      },
    },
  }),
  resident({
    name: 'host-digest-helper',
    what: "keeps labels in the host's memory and digests them there, as many as hide behind the card's own reading",
    origin: 'digests made where the data is',
    strength: "GB/s of the host's memory, idle otherwise",
    strengths: [60, 150, 250, 500, 1000],
    // above what the parameters assume of a host, some of its memory passes for the card's: docs/proofs/memory.md
    bound: (gigabytesPerS) => {
      const elsewhere = gigabytesPerS * 1e9;
      return 1 - (hidden(elsewhere) * (REGENERATED + assumedElsewhere)) / (REGENERATED + elsewhere);
    },
    own: (gigabytesPerS) => honestly(1 - hidden(gigabytesPerS * 1e9)),
    run: (gigabytesPerS) => runHelped(gigabytesPerS, PARAMS),
    stoppedBy: "X = the bandwidth of a host's memory, whatever is proven beside it",
    without: {
      rule: "where a host's memory is proven busy at the same Pass only what fits over the link is taken off, and that of another host is proven",
      run: (gigabytesPerS) => runHelped(gigabytesPerS, HOST_BUSY),
    },
  }),
  resident({
    name: 'memory-sharer',
    what: 'shows one card behind several slots',
    origin: 'one card behind many hotkeys, at different times',
    strength: 'slots on one card',
    strengths: [2, 4, 8],
    bound: () => 1,
    own: () => honestly(1),
    async run(slots) {
      const labels = Math.floor(PARAMS.labels / slots);
      const bytes = labels * PARAMS.n ** 2;
      const rounds = await roundsOf({
        bytes,
        held: 1,
        regenerated: REGENERATED,
        elsewhere: assumedElsewhere,
        slots,
      });
      const credit = slots * credited(labels, rounds);
      return attempt(credit, honestly(1));
    },
    stoppedBy: 'one Pass for all slots: the labels of all must lie there at once',
    without: {
      rule: 'a hold and a Pass of its own for each slot, with time to fill memory anew in between',
      async run(slots) {
        const rounds = await roundsOf({ bytes: M, held: 1, regenerated: 0, elsewhere: 0 });
        const credit = slots * credited(PARAMS.labels, rounds);
        return attempt(credit, honestly(1));
      },
    },
  }),
];

/** A polynomial of words modulo a Mersenne prime sees no difference between a word and its residue, which has fewer bits. */
async function storesResidues(_: number, random: Random): Promise<Attempt> {
  const p = 2n ** 61n - 1n;
  const words = new BigUint64Array(random.bytes(4096).slice().buffer);
  const keys = new BigUint64Array(random.bytes(4096).slice().buffer);
  const digest = (block: BigUint64Array): bigint =>
    block.reduce((sum, word, i) => (sum + word * keys[i]!) % p, 0n);
  return accepting(digest(words) === digest(words.map((word) => word % p)));
}
