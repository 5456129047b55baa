// Owns: the honest prover: labels until the window ends, labels until the memory is full, then passes over all of them.
import type { Devices } from '../../../compute/compute.js';
import type { Labels, Place } from '../../../compute/labels.js';
import { committedRoot, createChain, LeafHasher, TAG } from '../../../compute/spec/chain.js';
import { DIGEST_TAG, DIGESTS_PER_LEAF } from '../../../compute/spec/digest.js';
import { concat } from '../../../model/bytes.js';
import { AssayError } from '../../../model/errors.js';
import { climb, createMerkleTree, HASH_BYTES, type MerkleTree, pathLength } from '../../../model/merkle.js';
import { whileItFits } from '../../pace.js';
import type { Challenge, Pace, Proving } from '../../proof.js';
import { encodeCommit } from '../compute/codec.js';
import { openLabels, openSamples } from '../compute/labels.js';
import {
  answersOf,
  type Commits,
  decodeRequest,
  encodeOpening,
  encodePassCommit,
  type Prefix,
} from './codec.js';
import { blocksOf, type MemoryParams, placeOf, rowsOfBlock } from './params.js';
import { firstKey, nextKey } from './passes.js';

/** One finished round: its key, and the tree over its digests without the digests, which are made again where asked for. */
interface Round {
  readonly key: Uint8Array;
  readonly tree: MerkleTree;
}

/** @throws the signal's reason when it aborts */
export async function prove(
  devices: Devices & Pace,
  challenge: Challenge<MemoryParams>,
  signal: AbortSignal,
): Promise<Proving> {
  const { params, seed } = challenge;
  signal.throwIfAborted();
  const labels = await openLabels(devices, challenge);
  try {
    await labels.extend(params.labels, whileItFits(devices), signal);
    const windowLabels = labels.count;
    const windowRoots = await labels.roots(windowLabels);
    const rootOf = (count: number, roots: typeof windowRoots): Uint8Array =>
      committedRoot(seed, count, roots.rowRoot, roots.columnRoot);
    const window = { labels: windowLabels, root: rootOf(windowLabels, windowRoots) };
    const held = new Held(challenge, labels, { window, windowRoots });
    return {
      commit: encodeCommit(window),
      next: (step, phaseSignal) => held.next(step, phaseSignal, rootOf),
      open: (request) => held.open(request),
      release: () => held.release(),
    };
  } catch (error) {
    labels.release();
    throw error;
  }
}

type Roots = Awaited<ReturnType<Labels['roots']>>;

/** What the prover holds between commits. */
class Held {
  readonly #rounds: Round[] = [];
  readonly #commits: Uint8Array[];
  #fill: { labels: number; root: Uint8Array; roots: Roots } | undefined;
  #released = false;

  constructor(
    private readonly challenge: Challenge<MemoryParams>,
    private readonly labels: Labels,
    private readonly made: { window: Commits['window']; windowRoots: Roots },
  ) {
    this.#commits = [encodeCommit(made.window)];
  }

  #committed(body: Uint8Array): Uint8Array {
    this.#commits.push(body);
    return body;
  }

  async next(
    step: Pace & { pass: Uint8Array | undefined },
    signal: AbortSignal,
    rootOf: (count: number, roots: Roots) => Uint8Array,
  ): Promise<Uint8Array> {
    const { params } = this.challenge;
    const { labels } = this;
    if (!this.#fill) {
      await labels.extend(params.labels, whileItFits(step), signal);
      const roots = await labels.roots(labels.count);
      this.#fill = { labels: labels.count, root: rootOf(labels.count, roots), roots };
      return this.#committed(encodeCommit(this.#fill));
    }
    if (!step.pass) throw new TypeError('next: expected the randomness of the Pass');
    const fits = whileItFits(step);
    for (let key = firstKey(step.pass); this.#rounds.length < params.maxRounds && fits(); ) {
      signal.throwIfAborted();
      const tree = createMerkleTree(await labels.pass(labels.count, key), DIGEST_TAG.node);
      this.#rounds.push({ key, tree });
      key = nextKey(key, this.#rounds.length, tree.root);
    }
    return this.#committed(encodePassCommit(concat(...this.#rounds.map(({ tree }) => tree.root))));
  }

  async open(bytes: Uint8Array): Promise<Uint8Array> {
    const { params, seed } = this.challenge;
    const { labels } = this;
    const { window, windowRoots } = this.made;
    const fill = this.#fill;
    const rounds = this.#rounds.map(({ tree }) => tree.root);
    const request = fill && decodeRequest(params, { window, fill, rounds }, bytes);
    if (!fill || !request || this.#released) {
      const what = 'request';
      const expected = this.#released
        ? 'an opening before release'
        : 'samples of the labels and rounds committed to';
      throw new AssayError('invalid-input', `${what}: expected ${expected}`, {
        what,
        expected,
        got: `${bytes.length} bytes`,
      });
    }
    const chain = createChain(seed, params.n, params.labels);
    const samples = await openSamples(labels, chain, fill.labels, [
      ...request.samples,
      ...request.fillSamples,
    ]);
    const referenced = chain.referenced.filter((label) => label <= window.labels).at(-1);
    const passSamples = [];
    for (const { round, block } of request.passSamples) {
      const { label, row } = placeOf(params, block);
      const perBlock = rowsOfBlock(params);
      const places = Array.from({ length: perBlock }, (_, i): Place => ({ label, index: row + i }));
      const leaf = Math.floor(block / DIGESTS_PER_LEAF);
      const { key, tree } = this.#rounds[round - 1];
      const digestsPath = new Uint8Array(
        pathLength(Math.ceil(blocksOf(params, fill.labels) / DIGESTS_PER_LEAF)) * HASH_BYTES,
      );
      tree.path(leaf, digestsPath, 0);
      const [path] = await labels.rowPaths(fill.labels, places.slice(0, 1));
      passSamples.push({
        rows: concat(...(await labels.rows(places))),
        rowsPath: path.subarray(pathLength(perBlock) * HASH_BYTES),
        digests: await labels.passLeaf(fill.labels, key, leaf),
        digestsPath,
      });
    }
    return encodeOpening({
      ...windowRoots,
      fillRowRoot: fill.roots.rowRoot,
      fillColumnRoot: fill.roots.columnRoot,
      answers: answersOf(this.#commits, bytes),
      rowPrefix: await this.#prefix(window.labels, fill.labels, 'rows'),
      columnPrefix:
        referenced === undefined ? undefined : await this.#prefix(referenced, fill.labels, 'columns'),
      samples,
      passSamples,
    });
  }

  /** The last label of the first commit: its tree's root, and the path of that in the second's top. */
  async #prefix(label: number, count: number, of: 'rows' | 'columns'): Promise<Prefix> {
    const { n } = this.challenge.params;
    const first: readonly Place[] = [{ label, index: 0 }];
    const byRows = of === 'rows';
    const [[bytes], [path]] = byRows
      ? [await this.labels.rows(first), await this.labels.rowPaths(count, first)]
      : [await this.labels.columns(first), await this.labels.columnPaths(count, first)];
    const last = new Uint8Array(HASH_BYTES);
    new LeafHasher(byRows ? TAG.rowLeaf : TAG.columnLeaf, n).into(bytes, last, 0);
    const inner = pathLength(n) * HASH_BYTES;
    climb(last, 0, path.subarray(0, inner), TAG.node);
    return { last, path: path.subarray(inner) };
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.labels.release();
  }
}
