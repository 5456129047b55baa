import { describe, expect, test } from 'vitest';
import { toBfloat16 } from '../../../src/inference/bf16.js';
import { assertConfig, tensorsOf } from '../../../src/inference/decoder.js';
import { encodeMaster, openMaster, seededMaster, seededWeights } from '../../../src/inference/master.js';
import { encodeSafetensors } from '../../../src/inference/safetensors.js';
import { MINIATURE, TINY } from '../../../src/inference/tiny.js';
import { toHex } from '../../../src/model/bytes.js';

const fp32 = (change: (name: string, values: Float32Array) => Float32Array): Uint8Array => {
  const weights = seededWeights(MINIATURE, 'a');
  return encodeSafetensors(
    tensorsOf(MINIATURE).map(({ name, shape }) => {
      const values = change(name, weights.get(name)!.slice());
      return { name, dtype: 'F32' as const, shape, data: new Uint8Array(values.buffer) };
    }),
  );
};

describe('a master file', () => {
  test('of a seed is the same on every machine', () => {
    expect(toHex(openMaster(TINY, seededMaster(TINY, '1')).digest)).toBe(
      'e4ad4a6ae130c0a53b35b8abb71b7432c2ac4bfa9f6d11ee41e9bb9367a513f1',
    );
    expect(toHex(openMaster(MINIATURE, seededMaster(MINIATURE, '1')).digest)).toBe(
      '83e34cffddc6b4dd60804199357439a989ddb51ca8b79fc87f40a47f5668bca6',
    );
  });

  test('of another seed is another, and no two tensors of one are the same', () => {
    const weights = seededWeights(MINIATURE, 'a');
    const of = (name: string) => weights.get(`model.layers.${name}.weight`)!;
    expect(of('0.self_attn.q_proj')).not.toEqual(of('1.self_attn.q_proj'));
    expect(seededMaster(MINIATURE, 'a')).not.toEqual(seededMaster(MINIATURE, 'b'));
  });

  test('gives back the weights it was made of, all of them numbers of bfloat16', () => {
    const weights = seededWeights(MINIATURE, 'a');
    const read = openMaster(MINIATURE, encodeMaster(MINIATURE, weights)).weights;
    expect([...read.keys()]).toEqual(tensorsOf(MINIATURE).map(({ name }) => name));
    for (const [name, values] of weights) expect(read.get(name)).toEqual(values);
    expect(encodeMaster(MINIATURE, read)).toEqual(encodeMaster(MINIATURE, weights));
  });

  test('has matrices whose outputs are as large as their inputs', () => {
    const { width } = TINY;
    const values = seededWeights(TINY, 'a').get('lm_head.weight')!;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const square = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(1e-3);
    expect(square * width).toBeGreaterThan(0.98);
    expect(square * width).toBeLessThan(1.02);
  });

  test('may hold float32, which is kept as it is', () => {
    const read = openMaster(
      MINIATURE,
      fp32((_, values) => values.fill(0.1)),
    );
    expect(read.weights.get('model.norm.weight')![0]).toBe(Math.fround(0.1));
    expect(toBfloat16(Float32Array.of(0.1))[0]).toBe(0x3dcd);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('is refused with %s in it', (bad) => {
    const file = fp32((name, values) => {
      if (name === 'lm_head.weight') values[7] = bad;
      return values;
    });
    expect(() => openMaster(MINIATURE, file, 'x.safetensors')).toThrow(/lm_head.weight of x.safetensors/);
  });

  test('is refused where it is not what the config says', () => {
    const file = seededMaster(MINIATURE, 'a');
    expect(() => openMaster({ ...MINIATURE, layers: 3 }, file)).toThrow(/expected 30 tensors.*got 21/);
    expect(() => openMaster({ ...MINIATURE, hidden: 32 }, file)).toThrow(/gate_proj.weight \[32,32\]/);
    expect(() => openMaster({ ...MINIATURE, kvHeads: 3 }, file)).toThrow(RangeError);
    expect(() => openMaster(MINIATURE, file.subarray(0, file.length - 1))).toThrow(/safetensors|bytes/);
    const halves = new Uint8Array(2 * 4);
    expect(() =>
      openMaster(MINIATURE, encodeSafetensors([{ name: 'x', dtype: 'F16', shape: [4], data: halves }])),
    ).toThrow(/expected 21 tensors/);
  });
});

test('a decoder has no more positions than their angles have room', () => {
  const config = { ...MINIATURE, maxPositions: 2 ** 20, headWidth: 128 };
  expect(() => assertConfig(config)).not.toThrow();
  expect(() => assertConfig({ ...config, headWidth: 256 })).toThrow(/at most 524288 with heads of 256/);
});
