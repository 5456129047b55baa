import { expect, test } from 'vitest';
import type { DecoderConfig, RopeScaling } from '../../../src/inference/decoder.js';
import { seededWeights } from '../../../src/inference/master.js';
import { decoderGraphs, graphDigest } from '../../../src/inference/onnx/graphs.js';
import { createPlainModel } from '../../../src/inference/plain/model.js';
import { rotaryTables } from '../../../src/inference/rotary.js';
import { MINIATURE, TINY } from '../../../src/inference/tiny.js';
import { toHex } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';

const digestOf = (tables: ReturnType<typeof rotaryTables>): string =>
  toHex(sha256(new Uint8Array(tables.cos.buffer), new Uint8Array(tables.sin.buffer)));
/** As config.json of Llama 3.1 and 3.2 have it. */
const ropeScaling: RopeScaling = {
  kind: 'llama3',
  factor: 32,
  lowFactor: 1,
  highFactor: 4,
  originalPositions: 8192,
};
const shape = { headWidth: 64, maxPositions: 4096, ropeTheta: 500_000 };

test('angles are the same on every machine, scaled or not', () => {
  expect(digestOf(rotaryTables(TINY))).toBe(
    'e3562b5cd021841e59d0048972fe1d93bc9b0e17466092f422a8c29ab421fcd6',
  );
  expect(digestOf(rotaryTables(shape))).toBe(
    'a041570a4fec9059ec2b58ef1aefbe9c436a7b0d681e944c526c162e341f0290',
  );
  expect(digestOf(rotaryTables({ ...shape, ropeScaling }))).toBe(
    '452de77f11b8499578019b4d2296469d8c84b30cb3cfabfe9adbd2d6093876ce',
  );
});

test('fast angles stay, slow ones are divided, and those between are mixed', () => {
  const plain = rotaryTables(shape);
  const scaled = rotaryTables({ ...shape, ropeScaling });
  const frequencies = (tables: ReturnType<typeof rotaryTables>): number[] =>
    Array.from({ length: 32 }, (_, i) => Math.asin(tables.sin[32 + i]!));
  const ratios = frequencies(plain).map((each, i) => frequencies(scaled)[i]! / each);
  // 8192 positions are 4 periods of frequency 3.07e-3, which is that of 14.1 of 32
  expect(ratios.slice(1, 15).every((ratio) => ratio === 1)).toBe(true);
  for (const ratio of ratios.slice(18)) expect(ratio).toBeCloseTo(1 / 32, 6);
  const mixed = ratios.slice(15, 18);
  expect(mixed.every((ratio, i) => ratio < 1 && ratio > (mixed[i + 1] ?? 1 / 32))).toBe(true);
});

test('decoders without options have the graphs that they always had', () => {
  expect(toHex(graphDigest(decoderGraphs(TINY)))).toBe(
    '1093704b17649c9b8461cfbf4e747296fb41dd7b03408ae4459a7cd06f22d2a0',
  );
  const scaled = graphDigest(decoderGraphs({ ...MINIATURE, ropeScaling }));
  const other = graphDigest(decoderGraphs({ ...MINIATURE, ropeScaling: { ...ropeScaling, factor: 8 } }));
  const plain = graphDigest(decoderGraphs(MINIATURE));
  expect(toHex(plain)).toBe('184d506c33bf0c36ff88dc29368dddcfaaf556d9a1d5ffd7eca62e405f09cba8');
  expect(new Set([plain, scaled, other].map(toHex)).size).toBe(3);
});

test('decoders of the same weights and other angles are other models, on every engine', () => {
  const weights = seededWeights(MINIATURE, 'profile');
  const digest = new Uint8Array(32);
  const configs = [MINIATURE, { ...MINIATURE, ropeTheta: 20_000 }, { ...MINIATURE, ropeScaling }];
  const ofPlain = (config: DecoderConfig) =>
    createPlainModel({ config, weights, digest }).profile.graphDigest;
  for (const digestOf of [ofPlain, (config: DecoderConfig) => graphDigest(decoderGraphs(config))])
    expect(new Set(configs.map((config) => toHex(digestOf(config)))).size).toBe(3);
});
