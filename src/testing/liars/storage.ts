// Owns: provers of `storage` that lie by what they store, answer and open. Each does the best it can within its lie.
// Does not own: what time and machines allow them (storage-model.ts).
import { encodeSectors, plotOver } from '../../compute/disk/memory.js';
import type { Plot } from '../../compute/disk.js';
import { plotRoot, sectorBytes } from '../../compute/spec/plot.js';
import { concat } from '../../model/bytes.js';
import { HASH_BYTES } from '../../model/merkle.js';
import { type Random, shuffled } from '../../model/prng.js';
import type { Rejection } from '../../model/verdict.js';
import {
  decodeCommit,
  decodeOpening,
  encodeCommit,
  encodeOpening,
  encodeRequest,
  type Opening,
  type Sample,
} from '../../verification/kinds/storage/codec.js';
import { plotName, type StorageParams } from '../../verification/kinds/storage/params.js';
import { createProving } from '../../verification/kinds/storage/prove.js';
import type { Challenge, Proving } from '../../verification/proof.js';
import type { Liar } from '../conformance/proof.js';
import { meanOf } from './storage-model.js';

export type StorageLiar = Liar<StorageParams>;
type Given = Challenge<StorageParams>;

/** A few more than the least that is a commit, so that strata differ in size. */
const sectorsOf = ({ minSectors }: StorageParams): number => minSectors + 7;

const honestPlot = (given: Given): Plot => {
  const name = plotName(given);
  return plotOver(name, encodeSectors(name, sectorsOf(given.params)));
};

const lying = (
  name: string,
  reasons: readonly Rejection[],
  acceptance: StorageLiar['acceptance'],
  proving: (given: Given) => Proving,
): StorageLiar => ({
  name,
  reasons,
  acceptance,
  async prove(_, challenge, signal) {
    signal.throwIfAborted();
    return proving(challenge);
  },
});

/** Chance that a plot with `wrong` of its sectors wrongly encoded is accepted in one session. */
function outlivesEncodings(params: StorageParams, wrong: number): number {
  return (1 - wrong / sectorsOf(params)) ** params.encodings;
}

/** Which sectors of a plot are not what they should be. */
const wrongSectors = (params: StorageParams, share: number): number => Math.round(share * sectorsOf(params));

function withWrongSectors(given: Given, share: number, random: Random, other: Uint8Array): Plot {
  const name = plotName(given);
  const count = sectorsOf(given.params);
  const size = sectorBytes(name);
  const data = encodeSectors(name, count);
  const order = shuffled(
    Array.from({ length: count }, (_, i) => i),
    random,
  );
  for (const i of order.slice(0, wrongSectors(given.params, share)))
    data.set(other.subarray(i * size, (i + 1) * size), i * size);
  return plotOver(name, data);
}

/** Commits to a stream that it can make at any place when it is asked: stores a key instead of that share of its sectors. */
export function inventsSectors({ share, random }: { share: number; random: Random }): StorageLiar {
  return lying(
    `has the bytes of a stream cipher in ${share * 100} % of its sectors`,
    ['encoding'],
    ({ params }) => outlivesEncodings(params, wrongSectors(params, share)),
    (given) => {
      const stream = random.bytes(sectorsOf(given.params) * sectorBytes(given.params));
      return createProving(given, withWrongSectors(given, share, random, stream));
    },
  );
}

/** Two hotkeys, one plot: commits, as its own, to sectors that were made for another place. */
export function sharesPlot({ share, random }: { share: number; random: Random }): StorageLiar {
  return lying(
    `shares ${share * 100} % of its sectors with another hotkey`,
    ['encoding'],
    ({ params }) => outlivesEncodings(params, wrongSectors(params, share)),
    (given) => {
      const other = { ...plotName(given), place: random.bytes(32) };
      const sectors = encodeSectors(other, sectorsOf(given.params));
      return createProving(given, withWrongSectors(given, share, random, sectors));
    },
  );
}

/** Sends the commits of another hotkey's plot, which is honest. */
export const borrowsPlot = ({ random }: { random: Random }): StorageLiar =>
  lying(
    "answers with another hotkey's plot",
    ['seed'],
    () => 0,
    (given) => {
      const other = { ...given, place: random.bytes(32) };
      return createProving(other, honestPlot(other));
    },
  );

/** Answers honestly what another Pass asked: made at leisure, or overheard. */
export const replaysAnswers = ({ random }: { random: Random }): StorageLiar =>
  lying(
    'answers what another Pass asked',
    ['seed'],
    () => 0,
    (given) => {
      const proving = createProving(given, honestPlot(given));
      return {
        ...proving,
        next: (step, signal) => proving.next!({ ...step, pass: random.bytes(32) }, signal), // ours has it
      };
    },
  );

/**
 * Has deleted a share of its leaves, of a plot that was rightly encoded, and makes anew as many as its cores finish in time.
 * For the rest it sends what it likes; later, when nobody times it, it has everything again.
 */
export function missesLeaves(options: {
  readonly share: number;
  /** sectors that it encodes while the answers are owed */
  readonly regenerated: number;
  readonly random: Random;
}): StorageLiar {
  const { share, regenerated, random } = options;
  return lying(
    `lacks ${share * 100} % of its leaves and makes ${regenerated} anew in time`,
    ['digest'],
    ({ params }) =>
      meanOf(params.leaves, share, (missing) => {
        const unanswered = Math.max(0, missing - regenerated) / params.leaves;
        return (1 - unanswered) ** params.openedLeaves;
      }),
    (given) => {
      const plot = honestPlot(given);
      return createProving(given, {
        ...plot,
        async digestLeaves(key, asked, signal) {
          const digests = (await plot.digestLeaves(key, asked, signal)).slice();
          let left = regenerated;
          for (let i = 0; i < asked.leaves.length; i++) {
            const missing = random.below(2 ** 32) < share * 2 ** 32;
            if (missing && left-- <= 0) digests.set(random.bytes(HASH_BYTES), i * HASH_BYTES);
          }
          return digests;
        },
        // what it lacks would cost it here too: it reads as little as it may
        digestRange: (range, signal) =>
          plot.digestRange({ ...range, order: range.order.subarray(0, 1) }, signal),
      });
    },
  );
}

/** Keeps the tree over its leaves, 32 bytes instead of each: the digest is keyed, so that the hash of a leaf makes none. */
export const keepsHashesOnly = ({ random }: { random: Random }): StorageLiar => ({
  ...missesLeaves({ share: 1, regenerated: 0, random }),
  name: 'keeps the hashes of its leaves instead of the leaves',
});

/** Names a range of which it has read only a part. */
export function readsPartOfRange({ share, random }: { share: number; random: Random }): StorageLiar {
  const unread = (params: StorageParams): number => Math.round(share * sectorsOf(params));
  return lying(
    `makes up the last ${share * 100} % of its range`,
    ['digest'],
    ({ params }) => (1 - unread(params) / sectorsOf(params)) ** params.openedPieces,
    (given) => {
      const plot = honestPlot(given);
      return createProving(given, {
        ...plot,
        async digestRange(range, signal) {
          const roots = (await plot.digestRange(range, signal)).slice();
          const from = roots.length - unread(given.params) * HASH_BYTES;
          roots.set(random.bytes(roots.length - from), from);
          return roots;
        },
      });
    },
  );
}

/** Reads the sectors that it likes, those that it has in memory, in place of those that were asked: each of them rightly. */
export const readsInOtherOrder: StorageLiar = lying(
  'reads the sectors of its range in another order',
  ['digest'],
  () => 0,
  (given) => {
    const plot = honestPlot(given);
    return createProving(given, {
      ...plot,
      digestRange(range, signal) {
        const [first, ...others] = range.order;
        return plot.digestRange({ ...range, order: Uint32Array.from([...others, first!]) }, signal); // sectorsOf() of them
      },
    });
  },
);

/** Claims sectors up to the next power of two: its tree has room for them, they do not exist. */
export const padsPlot: StorageLiar = lying(
  'claims as many sectors as its tree has room for, half of which do not exist',
  ['path'],
  // each sample is of the half that exists
  ({ params }) => 0.5 ** (params.openedLeaves + params.openedPieces + params.encodings),
  (given) => {
    const name = plotName(given);
    const sectors = 2 ** Math.ceil(Math.log2(given.params.minSectors));
    const plot = plotOver(
      name,
      concat(encodeSectors(name, sectors), new Uint8Array(sectors * sectorBytes(name))),
    );
    const half = plotOver(name, encodeSectors(name, sectors));
    // the padded tree, but for its upper half, is that of the smaller plot with zeros beside it
    return createProving(given, { ...plot, tree: half.tree });
  },
);

/** Replays the root of a plot of another size. */
export const renamesSize: StorageLiar = lying(
  'names one sector more under the root that it had',
  ['seed'],
  () => 0,
  (given) => {
    const proving = createProving(given, honestPlot(given));
    const { sectors, root } = decodeCommit(given.params, proving.commit)!; // our own prover's
    return {
      ...proving,
      commit: encodeCommit({ sectors: sectors + 1, root }),
      // the sector that it does not have may be asked for
      open: (request) => proving.open(request).catch(() => proving.open(ownRequest(given.params))),
    };
  },
);

/** Makes a new root, over the tree it had, for a shape that is faster to encode. */
export const namesOtherShape: StorageLiar = lying(
  'commits to a plot of fewer passes',
  ['seed'],
  () => 0,
  (given) => {
    const plot = honestPlot(given);
    const name = { ...plotName(given), passes: 1 };
    const root = plotRoot(name, plot.sectors, plot.tree.root);
    return { ...createProving(given, plot), commit: encodeCommit({ sectors: plot.sectors, root }) };
  },
);

/** Liars whose plot and answers are honest and whose opening is not what was asked. */
const tampering = (
  name: string,
  reasons: readonly Rejection[],
  rewrite: (opening: Opening) => Opening,
): StorageLiar =>
  lying(
    name,
    reasons,
    () => 0,
    (given) => {
      const proving = createProving(given, honestPlot(given));
      return {
        ...proving,
        async open(request) {
          const opening = await proving.open(request);
          return encodeOpening(rewrite(decodeOpening(given.params, opening)!)); // our own prover's
        },
      };
    },
  );

const everyLeaf = (opening: Opening, change: (sample: Sample) => Partial<Sample>): Opening => ({
  ...opening,
  leaves: opening.leaves.map((sample) => ({ ...sample, ...change(sample) })),
});

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));

export const opensWrongLeaves = tampering('opens leaves with one bit changed', ['path'], (opening) =>
  everyLeaf(opening, ({ data }) => ({ data: flipped(data) })),
);

export const breaksDigestPath = tampering('breaks the way to its answers', ['digest'], (opening) =>
  everyLeaf(opening, ({ digestPath }) => ({ digestPath: flipped(digestPath) })),
);

export const breaksPlotPath = tampering('breaks the way to its plot', ['path'], (opening) =>
  everyLeaf(opening, ({ plotPath }) => ({ plotPath: flipped(plotPath) })),
);

export const breaksEncodingPath = tampering(
  'breaks the way of an encoded sector',
  ['encoding'],
  (opening) => ({
    ...opening,
    encodingPaths: opening.encodingPaths.map(flipped),
  }),
);

export const padsPath = tampering('adds a sibling to its paths', ['malformed'], (opening) =>
  everyLeaf(opening, ({ plotPath }) => ({ plotPath: concat(plotPath, new Uint8Array(HASH_BYTES)) })),
);

export const cutsLeaves = tampering('cuts its leaves short', ['malformed'], (opening) =>
  everyLeaf(opening, ({ data }) => ({ data: data.subarray(1) })),
);

export const turnsLeaves = tampering('opens its leaves in another order', ['path'], (opening) => ({
  ...opening,
  leaves: [...opening.leaves.slice(1), opening.leaves[0]],
}));

export const dropsPiece = tampering('leaves a piece out', ['malformed'], (opening) => ({
  ...opening,
  pieces: opening.pieces.slice(1),
}));

export const repeatsLeaf = tampering('opens one leaf too many', ['malformed'], (opening) => ({
  ...opening,
  leaves: [...opening.leaves, opening.leaves[0]],
}));

export const forgetsEncoding = tampering(
  'gives no way for a sector that was asked',
  ['malformed'],
  (opening) => ({
    ...opening,
    encodingPaths: opening.encodingPaths.slice(1),
  }),
);

export const swapsRoots = tampering('swaps the roots of answers and range', ['seed'], (opening) => ({
  ...opening,
  answerRoot: opening.rangeRoot,
  rangeRoot: opening.answerRoot,
}));

/** Sends bytes that decode to a valid opening and are not its encoding. */
export const spellsOtherwise: StorageLiar = lying(
  'spells a valid opening in another way',
  ['malformed'],
  () => 0,
  (given) => {
    const proving = createProving(given, honestPlot(given));
    // an unknown field (15, varint 1) that protobuf readers skip
    return {
      ...proving,
      open: async (request) => concat(await proving.open(request), Uint8Array.of(15 << 3, 1)),
    };
  },
);

const ownRequest = ({ openedLeaves, openedPieces, encodings }: StorageParams): Uint8Array =>
  encodeRequest({
    leaves: Array.from({ length: openedLeaves }, () => 0),
    pieces: Array.from({ length: openedPieces }, () => ({ place: 0, piece: 0 })),
    encodings: Array.from({ length: encodings }, () => 0),
  });

/** Opens answers, pieces and encodings of its own choice. */
export const answersOwnQuestion: StorageLiar = lying(
  'opens answers of its own choice',
  ['malformed'],
  () => 0,
  (given) => {
    const proving = createProving(given, honestPlot(given));
    return { ...proving, open: () => proving.open(ownRequest(given.params)) };
  },
);

/** Every liar, with shares that let some pass: what the conformance suite of `storage` meets. */
export const storageLiars = (random: Random): readonly StorageLiar[] => [
  inventsSectors({ share: 1, random }),
  inventsSectors({ share: 0.3, random }),
  sharesPlot({ share: 1, random }),
  sharesPlot({ share: 0.3, random }),
  borrowsPlot({ random }),
  replaysAnswers({ random }),
  missesLeaves({ share: 0.125, regenerated: 0, random }),
  missesLeaves({ share: 0.25, regenerated: 2, random }),
  missesLeaves({ share: 0.125, regenerated: 16, random }),
  keepsHashesOnly({ random }),
  readsPartOfRange({ share: 0.25, random }),
  readsInOtherOrder,
  padsPlot,
  renamesSize,
  namesOtherShape,
  opensWrongLeaves,
  breaksDigestPath,
  breaksPlotPath,
  breaksEncodingPath,
  padsPath,
  cutsLeaves,
  turnsLeaves,
  dropsPiece,
  repeatsLeaf,
  forgetsEncoding,
  swapsRoots,
  spellsOtherwise,
  answersOwnQuestion,
];
