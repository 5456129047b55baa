// Owns: the canonical bytes of one rollout, its leaf, the tree over a file's leaves, a rollout with its path. Does not own: how
// rollouts travel together (file.ts).
import { lengthPrefixed, taggedHash } from '../../inference/spec/tagged.js';
import { equals, utf8 } from '../../model/bytes.js';
import { climb, createMerkleTree, HASH_BYTES, hashInto, pathLength } from '../../model/merkle.js';
import { MAX_FILE_ROLLOUTS } from './limits.js';
import { accept, type Checked, refuse } from './reasons.js';
import { type Rollout, STOPS } from './rollout.js';

/** group u32, index u16, stop u8, token count u32 */
const RECORD_HEAD = 11;

/** Before every record that is hashed, as in taggedHash (inference/spec): its first byte is 23, a node's is NODE_TAG. */
const LEAF_HEAD = lengthPrefixed(utf8('assay/rollouts/record/1'));
const NODE_TAG = 1;

export const recordBytes = (tokens: number): number => RECORD_HEAD + 4 * tokens;

/** Little-endian: group u32, index u16, stop u8 (0 eos, 1 cap), token count u32, tokens u32 each. */
export function encodeRecord(rollout: Rollout): Uint8Array {
  const out = new Uint8Array(recordBytes(rollout.tokens.length));
  writeRecord(rollout, new DataView(out.buffer), 0);
  return out;
}

function writeRecord(rollout: Rollout, view: DataView, at: number): void {
  view.setUint32(at, rollout.group, true);
  view.setUint16(at + 4, rollout.index, true);
  view.setUint8(at + 6, STOPS.indexOf(rollout.stop));
  view.setUint32(at + 7, rollout.tokens.length, true);
  let to = at + RECORD_HEAD;
  for (const token of rollout.tokens) {
    view.setUint32(to, token, true);
    to += 4;
  }
}

/** undefined when the bytes are not exactly one record */
function decodeRecord(bytes: Uint8Array): Rollout | undefined {
  if (bytes.length < RECORD_HEAD) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const stop = STOPS[view.getUint8(6)];
  const count = view.getUint32(7, true);
  if (stop === undefined || bytes.length !== recordBytes(count)) return undefined;
  const tokens = new Uint32Array(count);
  for (let i = 0; i < count; i++) tokens[i] = view.getUint32(RECORD_HEAD + 4 * i, true);
  return { group: view.getUint32(0, true), index: view.getUint16(4, true), stop, tokens };
}

export const leafOf = (rollout: Rollout): Uint8Array => taggedHash('record', encodeRecord(rollout));

export interface RolloutTree {
  readonly root: Uint8Array;
  /** siblings of rollout `place`, from leaf to top: 32 bytes each */
  path(place: number): Uint8Array;
}

/**
 * Padded to a power of two with zero hashes, which are no leaf: nobody knows a record that hashes to one. The manifest signs the
 * number of rollouts beside the root, so paths have one length and a place beyond the last is refused.
 * @param rollouts at least one, in the order of the file
 */
export function treeOf(rollouts: Iterable<Rollout>, count: number): RolloutTree {
  if (!(count >= 1 && count <= MAX_FILE_ROLLOUTS))
    throw new RangeError(`rollouts: expected 1..${MAX_FILE_ROLLOUTS}, got ${count}`);
  const leaves = new Uint8Array(count * HASH_BYTES);
  // one buffer for all records, grown: an allocation per record costs as much as its hash
  let scratch = new Uint8Array(0);
  let view = new DataView(scratch.buffer);
  const head = LEAF_HEAD.length + 4;
  let place = 0;
  for (const rollout of rollouts) {
    const length = recordBytes(rollout.tokens.length);
    if (scratch.length < head + length) {
      scratch = new Uint8Array(head + 2 * length);
      scratch.set(LEAF_HEAD);
      view = new DataView(scratch.buffer);
    }
    view.setUint32(LEAF_HEAD.length, length, true);
    writeRecord(rollout, view, head);
    hashInto(scratch.subarray(0, head + length), leaves, place * HASH_BYTES);
    place++;
  }
  if (place !== count) throw new RangeError(`rollouts: expected ${count}, got ${place}`);
  const tree = createMerkleTree(leaves, NODE_TAG);
  return {
    root: tree.root,
    path(at) {
      if (!(at >= 0 && at < count)) throw new RangeError(`place: expected 0..${count - 1}, got ${at}`);
      const out = new Uint8Array(pathLength(count) * HASH_BYTES);
      tree.path(at, out, 0);
      return out;
    },
  };
}

/** What a proof about one rollout carries instead of the file. */
export interface RolloutOpening {
  /** its position in the file */
  readonly place: number;
  /** canonical bytes */
  readonly record: Uint8Array;
  readonly path: Uint8Array;
}

/** @param maxTokens more than that many are not even hashed */
export function checkOpening(
  opening: RolloutOpening,
  manifest: { readonly rollouts: number; readonly merkleRoot: Uint8Array },
  maxTokens: number,
): Checked<Rollout> {
  const { place, record, path } = opening;
  if (record.length > recordBytes(maxTokens)) return refuse('rollout-too-long');
  const rollout = decodeRecord(record);
  if (!rollout || !Number.isInteger(place) || place < 0 || place >= manifest.rollouts)
    return refuse('path-malformed');
  if (path.length !== pathLength(manifest.rollouts) * HASH_BYTES) return refuse('path-malformed');
  const top = new Uint8Array(leafOf(rollout));
  climb(top, place, path, NODE_TAG);
  return equals(top, manifest.merkleRoot) ? accept(rollout) : refuse('path');
}
