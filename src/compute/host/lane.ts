// Owns: one lane: its labels and their tree, rounds of digests over them, the walk through them. Does not own: threads
// (threads.ts), what each operation gives (spec/).
import { createMerkleTree, HASH_BYTES, pathLength } from '../../model/merkle.js';
import type { LanesSpec, Opened } from '../host.js';
import { DIGEST_TAG, DIGESTS_PER_LEAF, digestLeaf, digestLeaves, hashDigestLeaf } from '../spec/digest.js';
import { HOST_TAG, LabelLeafHasher, LabelMaker, labelName, parentsOf } from '../spec/host-labels.js';
import {
  hashWalkLeaf,
  LEAF_STEPS,
  STATE_BYTES,
  statesToBytes,
  walkStart,
  walkStep,
} from '../spec/host-walk.js';
import { GrowingTree } from './growing-tree.js';
import { createLaneMemory, type LaneMemory } from './lane-memory.js';

const STATE_WORDS = STATE_BYTES / 4;

interface Round {
  readonly key: Uint8Array;
  /** hashes of the leaves of its tree: 32 bytes for each MiB of labels */
  readonly leaves: Uint8Array;
}

/** What one thread does; everything is done when a call returns. Liars in testing/ derive from it. */
export class Lane {
  readonly memory: LaneMemory;
  readonly #maker: LabelMaker;
  readonly #leaf: LabelLeafHasher;
  readonly #tree: GrowingTree;
  readonly #rounds: Round[] = [];
  #walk: { readonly key: Uint8Array; readonly labels: number; readonly tree: GrowingTree } | undefined;
  readonly #states = new Uint32Array((LEAF_STEPS + 1) * STATE_WORDS);

  constructor(
    readonly spec: LanesSpec,
    readonly lane: number,
  ) {
    this.memory = createLaneMemory(spec.labelBytes, spec.capacity);
    this.#maker = new LabelMaker(spec);
    this.#leaf = new LabelLeafHasher(spec.labelBytes);
    this.#tree = new GrowingTree(spec.capacity, HOST_TAG.node);
  }

  /** Labels that are finished. */
  get labels(): number {
    return this.#tree.count;
  }

  get leaves(): number {
    return this.#walk?.tree.count ?? 0;
  }

  /** The next label. */
  fillOne(): void {
    const index = this.labels;
    const label = this.makeLabel(index);
    this.memory.labels.set(label, index * this.spec.labelBytes);
    this.#tree.append((out, at) => this.#leaf.into(label, out, at));
  }

  root(labels: number): Uint8Array {
    return this.#tree.root(labels);
  }

  /** One round over the first `labels` labels; returns the root of its tree. */
  pass(labels: number, key: Uint8Array): Uint8Array {
    this.memory.setKey(key);
    const leaves = new Uint8Array(digestLeaves(labels) * HASH_BYTES);
    for (let i = 0; i < digestLeaves(labels); i++)
      hashDigestLeaf(digestLeaf(this.digestsOf(labels, i), 0), leaves, i * HASH_BYTES);
    this.#rounds.push({ key: key.slice(), leaves });
    return createMerkleTree(leaves, DIGEST_TAG.node).root.slice();
  }

  beginWalk(labels: number, key: Uint8Array): void {
    this.memory.setWalkKey(key);
    this.#walk = { key: key.slice(), labels, tree: new GrowingTree(this.spec.maxLeaves, HOST_TAG.walkNode) };
  }

  /** The next leaf of the walk. */
  walkOne(): void {
    const states = this.walkLeaf(this.leaves);
    this.#walk!.tree.append((out, at) => hashWalkLeaf(states, out, at)); // begun before
  }

  walkRoot(leaves: number): Uint8Array {
    return this.#walk!.tree.root(leaves); // begun before
  }

  openLabel(labels: number, index: number): Opened {
    return { bytes: this.label(index).slice(), path: this.#tree.path(index, labels) };
  }

  openDigests(labels: number, round: number, index: number): Opened {
    const { key, leaves } = this.#rounds[round];
    const leaf = Math.floor(index / DIGESTS_PER_LEAF);
    const tree = createMerkleTree(leaves, DIGEST_TAG.node);
    const path = new Uint8Array(pathLength(digestLeaves(labels)) * HASH_BYTES);
    tree.path(leaf, path, 0);
    this.memory.setKey(key);
    return { bytes: this.digestsOf(labels, leaf).slice(), path };
  }

  openWalk(leaves: number, index: number): Opened {
    return { bytes: this.walkLeaf(index), path: this.#walk!.tree.path(index, leaves) };
  }

  keyOfRound(round: number): Uint8Array {
    return this.#rounds[round].key;
  }

  label(index: number): Uint8Array {
    const { labelBytes } = this.spec;
    return this.memory.labels.subarray(index * labelBytes, (index + 1) * labelBytes);
  }

  protected makeLabel(index: number): Uint8Array {
    const name = labelName(this.spec.seed, this.lane, index);
    return this.#maker.make(
      name,
      parentsOf(name, index).map((parent) => this.label(parent)),
    );
  }

  /** Digests of the labels under leaf `leaf`, under the key that is set. */
  protected digestsOf(labels: number, leaf: number): Uint8Array {
    const first = leaf * DIGESTS_PER_LEAF;
    return this.memory.digests(first, Math.min(DIGESTS_PER_LEAF, labels - first));
  }

  /** States after the steps of a leaf, all leaves before which are in. */
  protected walkLeaf(leaf: number): Uint8Array {
    const { key, tree } = this.#walk!; // begun before
    const states = this.#states;
    states.set(walkStart(key, this.lane, leaf, tree.lefts(leaf)));
    for (let step = 0; step < LEAF_STEPS; step++) this.stepOf(leaf, step, states);
    return statesToBytes(states.subarray(STATE_WORDS));
  }

  /** Step `step` of leaf `leaf`: from one state of `states` to the next. */
  protected stepOf(_leaf: number, step: number, states: Uint32Array): void {
    const at = step * STATE_WORDS;
    // as readAt of spec/host-walk.ts; without an object for each of millions
    const label = Math.floor((states[at] * this.#walk!.labels) / 2 ** 32); // begun before
    const digest = this.memory.shifted(label, states[at + 1] & (this.spec.labelBytes - 1));
    walkStep(digest, states, at, states, at + STATE_WORDS);
  }
}
