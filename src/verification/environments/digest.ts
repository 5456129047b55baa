// Owns: what an environment's digest is taken of. Does not own: its parameters (each environment).
import { taggedHash } from '../../inference/spec/tagged.js';
import { u32le, utf8 } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import type { Task } from './environment.js';

/** Enough for a tokenizer or generator of another version to show. */
export const GOLDEN_PROMPTS = 256;

export const goldenSeed = (index: number): Uint8Array => taggedHash('golden-seed', u32le(index));

/** hash(`environment`, id, version, parameters as canonical JSON, then for each golden seed the prompt's ids, 32 bits each, and the key as canonical JSON). */
export function environmentDigest(
  id: string,
  version: number,
  params: object,
  task: (seed: Uint8Array) => Task,
): Uint8Array {
  const parts = [utf8(id), u32le(version), utf8(canonicalJson(params))];
  for (let i = 0; i < GOLDEN_PROMPTS; i++) {
    const { prompt, key } = task(goldenSeed(i));
    const ids = new Uint8Array(4 * prompt.length);
    const view = new DataView(ids.buffer);
    for (const [at, token] of prompt.entries()) view.setUint32(4 * at, token, true);
    parts.push(ids, utf8(canonicalJson(key)));
  }
  return taggedHash('environment', ...parts);
}
