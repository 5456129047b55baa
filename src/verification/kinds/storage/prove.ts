// Owns: the honest prover: names its plot, answers what the Pass asks of it, opens. Does not own: making plots (compute/disk).
import type { Devices } from '../../../compute/compute.js';
import type { Plot } from '../../../compute/disk.js';
import { BLOCK_BYTES } from '../../../compute/spec/argon2d.js';
import {
  answerTree,
  leafTree,
  type PlotName,
  pieceTree,
  plotRoot,
  rangeTree,
} from '../../../compute/spec/plot.js';
import { concat } from '../../../model/bytes.js';
import { AssayError, unsupported } from '../../../model/errors.js';
import { sha256 } from '../../../model/hash.js';
import { HASH_BYTES, type MerkleTree, pathLength } from '../../../model/merkle.js';
import type { Challenge, Proving } from '../../proof.js';
import {
  type Commit,
  decodeRequest,
  encodeAnswer,
  encodeCommit,
  encodeOpening,
  encodeRange,
  leavesPerSector,
  mostOfRange,
  type PieceAt,
  piecesPerSector,
  type Sample,
} from './codec.js';
import { plotName, type StorageParams } from './params.js';
import { type Questions, questionsFor } from './questions.js';

/** @throws AssayError `unsupported` without a disk, or without the plot on it; the signal's reason when it aborts */
export async function prove(
  { disk }: Pick<Devices, 'disk'>,
  challenge: Challenge<StorageParams>,
  signal: AbortSignal,
): Promise<Proving> {
  signal.throwIfAborted();
  if (!disk) throw unsupported('the proof of storage', 'there is no disk among the devices');
  const plot = await disk.open(plotName(challenge), signal);
  signal.throwIfAborted();
  const { minSectors, maxSectors } = challenge.params;
  if (plot.sectors < minSectors || plot.sectors > maxSectors)
    throw unsupported(
      `a plot of ${plot.sectors} sectors`,
      `class ${challenge.params.class} takes ${minSectors}..${maxSectors}`,
    );
  return createProving(challenge, plot);
}

/** What the Pass has made of a session so far. */
interface Answered {
  readonly questions: Questions;
  readonly answers: MerkleTree;
  range?: { readonly order: Uint32Array; readonly sectors: number; readonly tree: MerkleTree };
}

/** Commits and openings over a plot; liars hand in one of their own. */
export function createProving(challenge: Challenge<StorageParams>, plot: Plot): Proving {
  const { params } = challenge;
  const name = plotName(challenge);
  const named: Commit = { sectors: plot.sectors, root: plotRoot(name, plot.sectors, plot.tree.root) };
  let answered: Answered | undefined;
  let released = false;
  return {
    commit: encodeCommit(named),
    async next({ pass, leftMs }, signal) {
      signal.throwIfAborted();
      if (!pass) throw new RangeError('pass: expected 32 bytes, storage asks nothing before it');
      if (!answered) {
        const questions = questionsFor(challenge, named, pass);
        const answers = answerTree(await plot.digestLeaves(questions.answerKey, questions, signal));
        answered = { questions, answers };
        return encodeAnswer(questions.answerRoot(answers.root));
      }
      const { questions } = answered;
      const order = questions.order(mostOfRange(params, plot.sectors));
      const range = {
        key: questions.rangeKey,
        order,
        pieceBytes: params.pieceBlocks * BLOCK_BYTES,
        leftMs,
      };
      const roots = await plot.digestRange(range, signal);
      const sectors = roots.length / HASH_BYTES;
      const tree = rangeTree(roots);
      answered.range = { order, sectors, tree };
      return encodeRange({ sectors, root: questions.rangeRoot(sectors, tree.root) });
    },
    async open(bytes) {
      if (released) throw refused('an opening before release', 'released');
      if (!answered?.range) throw refused('an opening after all commits', 'one before');
      const { questions, answers, range } = answered;
      const request = decodeRequest(params, plot.sectors, range.sectors, bytes);
      if (!request)
        throw refused(
          `${params.openedLeaves} leaves, ${params.openedPieces} pieces of ${range.sectors} sectors, and encodings`,
          `${bytes.length} bytes`,
        );
      const leaves: Sample[] = [];
      for (const i of request.leaves) leaves.push(await openLeaf(i, questions, answers));
      const pieces: Sample[] = [];
      for (const at of request.pieces) pieces.push(await openPiece(at, questions, range));
      return encodeOpening({
        plotRoot: plot.tree.root,
        answerRoot: answers.root,
        rangeRoot: range.tree.root,
        requestDigest: sha256(bytes),
        leaves,
        pieces,
        encodingPaths: request.encodings.map((sector) => pathOf(plot.tree, sector, plot.sectors)),
      });
    },
    release() {
      released = true;
    },
  };

  async function openLeaf(i: number, { sectors, leaves }: Questions, answers: MerkleTree): Promise<Sample> {
    const sector = sectors[i];
    const data = await plot.readSector(sector);
    return {
      ...cutOut(name, data, leaves[i], leavesPerSector(params), pathOf(plot.tree, sector, plot.sectors)),
      digestPath: pathOf(answers, i, params.leaves),
    };
  }

  async function openPiece(
    { place, piece }: PieceAt,
    { rangeKey }: Questions,
    range: NonNullable<Answered['range']>,
  ): Promise<Sample> {
    const sector = range.order[place];
    const data = await plot.readSector(sector);
    const perSector = piecesPerSector(params);
    const inSector = pieceTree(rangeKey, sector, data, params.pieceBlocks * BLOCK_BYTES);
    return {
      ...cutOut(name, data, piece, perSector, pathOf(plot.tree, sector, plot.sectors)),
      digestPath: concat(pathOf(inSector, piece, perSector), pathOf(range.tree, place, range.sectors)),
    };
  }
}

/** Part `index` of `parts` equal ones of a sector, and its way to the plot's root. */
function cutOut(
  name: PlotName,
  data: Uint8Array,
  index: number,
  parts: number,
  overSectors: Uint8Array,
): Omit<Sample, 'digestPath'> {
  const bytes = data.length / parts;
  const leaves = leavesIn(name, parts);
  // a part of several leaves is a tree of its own: its way begins above it
  const inSector = pathOf(leafTree(name, data), index * leaves, parts * leaves);
  return {
    data: data.slice(index * bytes, (index + 1) * bytes),
    plotPath: concat(inSector.subarray(pathLength(leaves) * HASH_BYTES), overSectors),
  };
}

const leavesIn = ({ sectorBlocks, leafBlocks }: PlotName, parts: number): number =>
  sectorBlocks / leafBlocks / parts;

function pathOf(tree: MerkleTree, index: number, count: number): Uint8Array {
  const out = new Uint8Array(pathLength(count) * HASH_BYTES);
  tree.path(index, out, 0);
  return out;
}

const refused = (expected: string, got: string): AssayError<'invalid-input'> =>
  new AssayError('invalid-input', `request: expected ${expected}, got ${got}`, {
    what: 'request',
    expected,
    got,
  });
