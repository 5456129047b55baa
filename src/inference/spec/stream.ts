// Owns: the public randomness of a miner's window: its root, a key a rollout, a word a candidate, a seed a prompt. Does not own:
// who wins by it (race.ts), what can be read of it without a model (scan.ts).
import { u32le } from '../../model/bytes.js';
import { ln } from './log.js';
import { firstWord } from './philox.js';
import { taggedHash } from './tagged.js';
import { assertBytes, assertU32, type WindowContext, windowParts } from './window.js';

/** Key of the generator for one rollout. */
export interface StreamKey {
  readonly k0: number;
  readonly k1: number;
}

/**
 * Everything that a miner's window is bound to, in 32 bytes. The hotkey is in it: no two miners share draws, so a copied
 * rollout is one without its stream.
 * @param hotkey its 32 bytes
 * @throws RangeError for lengths or numbers that no window has
 */
export function streamRoot(context: WindowContext, hotkey: Uint8Array): Uint8Array {
  assertBytes('hotkey', hotkey, 32);
  return taggedHash('stream', ...windowParts(context), hotkey);
}

/** @param rollout 0 .. rolloutsPerGroup - 1 */
export function streamKey(root: Uint8Array, group: number, rollout: number): StreamKey {
  const hash = taggedHash('key', ...placeParts(root, group), u32le(assertedU32('rollout', rollout)));
  const words = new DataView(hash.buffer, hash.byteOffset, 8);
  return { k0: words.getUint32(0, true), k1: words.getUint32(4, true) };
}

/** 32 bytes of which an environment makes the prompt that all rollouts of the group begin with. */
export const promptSeed = (root: Uint8Array, group: number): Uint8Array =>
  taggedHash('prompt', ...placeParts(root, group));

/** @param position index in the completion, 0-based */
export const wordAt = ({ k0, k1 }: StreamKey, token: number, position: number): number =>
  firstWord(token, position, k0, k1);

/** In (0, 1), never an end: exact in float64. */
export const uniformOf = (word: number): number => (word + 0.5) * 2 ** -32;

/** In [-3.13, 22.88]: what 32 bits reach. */
export const gumbelOf = (word: number): number => -ln(-ln(uniformOf(word)));

function placeParts(root: Uint8Array, group: number): Uint8Array[] {
  assertBytes('root', root, 32);
  return [root, u32le(assertedU32('group', group))];
}

function assertedU32(label: string, value: number): number {
  assertU32(label, value);
  return value;
}
