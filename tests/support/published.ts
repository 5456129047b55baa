// Owns: small models of the families that are published, in the layout of their checkpoints, as scripts/golden_decoder.py draws them. Does
// not own: what they must answer (tests/vectors/rollouts-decoders.json).
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toBfloat16 } from '../../src/inference/bf16.js';
import { encodeSafetensors } from '../../src/inference/safetensors.js';

export interface PublishedFamily {
  readonly family: string;
  /** config.json */
  readonly config: Readonly<Record<string, unknown>>;
  /** in the order in which their weights are drawn */
  readonly tensors: readonly (readonly [name: string, shape: readonly number[]])[];
  /** of each position, in float64 */
  readonly logits: readonly (readonly number[])[];
}

export const PUBLISHED = JSON.parse(
  readFileSync(new URL('../vectors/rollouts-decoders.json', import.meta.url), 'utf8'),
) as {
  readonly ids: readonly number[];
  readonly positions: readonly number[];
  readonly families: readonly PublishedFamily[];
};

/** The name is a tensor's part: norms are about 1. */
export function drawnWeights(place: number, name: string, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    let x = (Math.imul(i, 2_654_435_761) + (place + 1) * 40_503) >>> 0;
    x = Math.imul(x ^ (x >>> 15), 2_246_822_519) >>> 0;
    x = (x ^ (x >>> 13)) >>> 0;
    const value = ((x >>> 25) * 2 - 127) / 128;
    return name.includes('norm') ? 1 + value : value / 4;
  });
}

/** An export in two shards with their index. */
export async function writePublished(dir: string, { config, tensors }: PublishedFamily): Promise<void> {
  await mkdir(dir, { recursive: true });
  const shards: [string, Parameters<typeof encodeSafetensors>[0][number][]][] = [
    ['model-00001-of-00002.safetensors', []],
    ['model-00002-of-00002.safetensors', []],
  ];
  const weightMap: Record<string, string> = {};
  for (const [place, [name, shape]] of tensors.entries()) {
    const count = shape.reduce((product, side) => product * side, 1);
    const halves = toBfloat16(drawnWeights(place, name, count));
    const [file, held] = shards[2 * place < tensors.length ? 0 : 1]!;
    held.push({ name, dtype: 'BF16', shape, data: new Uint8Array(halves.buffer) });
    weightMap[name] = file;
  }
  for (const [file, held] of shards)
    await writeFile(join(dir, file), encodeSafetensors(held, new Map([['format', 'pt']])));
  const index = { metadata: {}, weight_map: weightMap };
  await writeFile(join(dir, 'model.safetensors.index.json'), JSON.stringify(index));
  await writeFile(join(dir, 'config.json'), JSON.stringify(config));
}
