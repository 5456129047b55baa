import { constants, deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { concat, u32le, utf8 } from '../../../../src/model/bytes.js';
import { sha256 } from '../../../../src/model/hash.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { encodeBins, encodeColumn } from '../../../../src/verification/rollouts/columns.js';
import {
  decodeFile,
  type Expected,
  encodeFile,
  rolloutAt,
  rolloutsOf as rolloutsIn,
} from '../../../../src/verification/rollouts/file.js';
import type { Rollout } from '../../../../src/verification/rollouts/rollout.js';
import { BYTE_POLICY, rolloutsOf, sums, uniform, zipf } from '../../../support/rollout-files.js';

const TAG = utf8('assay/rollouts/file/1');
const HEAD = TAG.length + 5;

/** As a signed manifest says of these bytes: everything true but what the file itself gets wrong. */
const expecting = (bytes: Uint8Array, rollouts: readonly Rollout[]): Expected => ({
  rollouts: rollouts.length,
  tokens: rollouts.reduce((sum, { tokens }) => sum + tokens.length, 0),
  fileBytes: bytes.length,
  fileSha256: sha256(bytes),
  maxTokens: 512,
});
const read = (bytes: Uint8Array, rollouts: readonly Rollout[], change: Partial<Expected> = {}) =>
  decodeFile(bytes, { ...expecting(bytes, rollouts), ...change });
const reasonOf = (bytes: Uint8Array, rollouts: readonly Rollout[], change: Partial<Expected> = {}) => {
  const result = read(bytes, rollouts, change);
  return result.kind === 'refused' ? result.reason : 'ok';
};
/** A file whose columns are given as they are. */
const fileOf = (
  frame: Uint8Array,
  declared = frame.length,
  body: Uint8Array = deflateSync(frame),
): Uint8Array => concat(TAG, Uint8Array.of(1), u32le(declared), body);
const frameOf = (file: Uint8Array): Uint8Array => inflateSync(file.subarray(HEAD));
const columnsOf = (rollouts: readonly Rollout[]): number[][] => [
  rollouts.map(({ group }, i) => group - (rollouts[i - 1]?.group ?? 0)),
  rollouts.map(({ index }) => index),
  rollouts.map(({ stop }) => (stop === 'cap' ? 1 : 0)),
  rollouts.map(({ tokens }) => tokens.length),
  rollouts.flatMap(({ tokens }) => [...tokens]),
];
const framed = (columns: number[][]): Uint8Array => encodeBins(columns.map(encodeColumn));

const random = uniform('files');
const letters = () => Math.floor(random() * 256);
const SMALL = rolloutsOf(BYTE_POLICY, 3, random, letters, [1]);

describe('a file of rollouts', () => {
  it('comes back as it was, whatever the vocabulary, groups given up left out', () => {
    for (const vocabulary of [2, 258, 32_000, 152_064, 2 ** 32]) {
      const token = () => Math.floor(random() * vocabulary);
      const rollouts = rolloutsOf(BYTE_POLICY, 12, random, token, [0, 7, 11]);
      const result = read(encodeFile(rollouts), rollouts);
      if (result.kind === 'refused') throw new Error(result.reason);
      expect([...rolloutsIn(result.value)]).toEqual(rollouts);
      expect(rolloutAt(result.value, 5)).toEqual(rollouts[5]);
    }
  });

  it('is five columns of varints in a MessagePack array, compressed with zlib, behind a header', () => {
    const file = encodeFile(SMALL);
    expect([...file.subarray(0, TAG.length)]).toEqual([...TAG]);
    expect(file[TAG.length]).toBe(1);
    expect([...file.subarray(TAG.length + 1, HEAD)]).toEqual([...u32le(frameOf(file).length)]);
    expect([...frameOf(file)]).toEqual([...framed(columnsOf(SMALL))]);
  });

  it('takes at most 1.6 KB for 512 tokens of 32,000, less than half of the byte level', () => {
    const policy = { ...BYTE_POLICY, maxTokens: 512, stopIds: [2] };
    const bytesPer512 = (rollouts: readonly Rollout[]) =>
      (encodeFile(rollouts).length * 512) / expecting(TAG, rollouts).tokens;
    const word = zipf(32_000, random);
    const words = bytesPer512(rolloutsOf(policy, 40, random, word));
    expect(words).toBeLessThan(800);
    expect(words).toBeGreaterThan(680);
    expect(bytesPer512(sums(200, 8, random))).toBeLessThan(80);
    // ids in no order at all, the worst there is: 15 bits each
    expect(bytesPer512(rolloutsOf(policy, 10, random, () => Math.floor(random() * 32_000)))).toBeLessThan(
      1150,
    );
  });

  it('stays readable when a model loops: written with less compression where the reader would refuse the ratio', () => {
    const loops = Array.from({ length: 64 }, (_, index) => ({
      group: 0,
      index,
      stop: 'cap' as const,
      tokens: new Uint32Array(512).fill(65),
    }));
    const file = encodeFile(loops);
    expect(frameOf(file).length / (file.length - HEAD)).toBeLessThan(50);
    expect(reasonOf(file, loops)).toBe('ok');
    expect(reasonOf(fileOf(frameOf(file)), loops)).toBe('file-budget');
  });

  it('does not write what cannot be read', () => {
    expect(() => encodeFile([...SMALL].reverse())).toThrow('expected ascending groups');
    const huge = { group: 0, index: 0, stop: 'cap', tokens: new Uint32Array(2 ** 25 + 1) } as const;
    expect(() => encodeFile([huge])).toThrow('expected at most 33554432');
  });
});

describe('a file that lies', () => {
  const good = encodeFile(SMALL);

  it('is refused for another length, digest, header or codec, before anything is inflated', () => {
    expect(reasonOf(good, SMALL)).toBe('ok');
    expect(reasonOf(good, SMALL, { fileBytes: good.length - 1 })).toBe('file-bytes');
    expect(reasonOf(good, SMALL, { fileSha256: sha256(TAG) })).toBe('file-digest');
    expect(reasonOf(good, SMALL, { rollouts: 2 ** 20 + 1 })).toBe('over-quota');
    expect(reasonOf(good, SMALL, { tokens: 2 ** 25 + 1 })).toBe('over-quota');
    expect(reasonOf(new Uint8Array(0), SMALL)).toBe('file-header');
    expect(reasonOf(good.subarray(0, HEAD - 1), SMALL)).toBe('file-header');
    const codec = Uint8Array.from(good);
    codec[TAG.length] = 2;
    expect(reasonOf(codec, SMALL)).toBe('file-header');
  });

  it('is refused when it would inflate to more than its counts can fill or fifty times its bytes', () => {
    const frame = frameOf(good);
    expect(reasonOf(fileOf(frame, 0xffffffff), SMALL)).toBe('file-budget');
    const { rollouts, tokens } = expecting(good, SMALL);
    expect(reasonOf(fileOf(frame, 26 + 14 * rollouts + 5 * tokens + 1), SMALL)).toBe('file-budget');
    // 64 MiB of zeros in 64 KB, with counts that would allow for them
    const bomb = deflateSync(new Uint8Array(2 ** 26));
    const counts = { rollouts: 2 ** 17, tokens: 2 ** 25 };
    expect(reasonOf(fileOf(frame, 2 ** 26, bomb), SMALL, counts)).toBe('file-budget');
    // the same, declared as the little that is allowed: nothing beyond it is made
    expect(reasonOf(fileOf(frame, 50 * bomb.length, bomb), SMALL, counts)).toBe('file-stream');
    expect(reasonOf(fileOf(frame, 0, bomb), SMALL, counts)).toBe('file-stream');
  });

  it('is refused when what is compressed is not one whole stream of the declared length', () => {
    const frame = frameOf(good);
    const body = deflateSync(frame);
    const cases: Record<string, Uint8Array> = {
      'a byte behind': concat(body, Uint8Array.of(0)),
      'a second stream': concat(body, body),
      'cut off': body.subarray(0, -1),
      'without its checksum': body.subarray(0, -4),
      'a wrong checksum': Uint8Array.from(body, (byte, i) => (i === body.length - 1 ? byte ^ 1 : byte)),
      'raw deflate': deflateSync(frame).subarray(2, -4),
      'a preset dictionary': deflateSync(frame, { dictionary: Buffer.from('assay') }),
      nothing: new Uint8Array(frame.length),
    };
    for (const [name, bytes] of Object.entries(cases))
      expect(reasonOf(fileOf(frame, frame.length, bytes), SMALL), name).toBe('file-stream');
    expect(reasonOf(fileOf(frame, frame.length - 1, body), SMALL)).toBe('file-stream');
    expect(reasonOf(fileOf(frame, frame.length + 1, body), SMALL)).toBe('file-stream');
    // another compressor's bytes of the same columns are as good
    expect(reasonOf(fileOf(frame, frame.length, deflateSync(frame, { level: 0 })), SMALL)).toBe('ok');
    const huffman = deflateSync(frame, { strategy: constants.Z_HUFFMAN_ONLY });
    expect(reasonOf(fileOf(frame, frame.length, huffman), SMALL)).toBe('ok');
  });

  it('is refused for columns of other counts, values out of range, or trailing numbers', () => {
    const columns = columnsOf(SMALL);
    const changed = (which: number, change: (column: number[]) => number[]) =>
      reasonOf(
        fileOf(framed(columns.map((column, i) => (i === which ? change([...column]) : column)))),
        SMALL,
      );
    for (let which = 0; which < 5; which++) {
      expect(
        changed(which, (column) => [...column, 0]),
        `one more in column ${which}`,
      ).toBe('file-columns');
      expect(
        changed(which, (column) => column.slice(1)),
        `one less in column ${which}`,
      ).toBe('file-columns');
      expect(
        changed(which, () => []),
        `none in column ${which}`,
      ).toBe('file-columns');
    }
    expect(changed(1, (column) => [65536, ...column.slice(1)])).toBe('file-columns');
    expect(changed(2, (column) => [2, ...column.slice(1)])).toBe('file-columns');
    expect(changed(0, (column) => [0xffffffff, 1, ...column.slice(2)])).toBe('file-columns');
    expect(changed(3, (column) => [column[0]! + 1, ...column.slice(1)])).toBe('file-columns');
    expect(changed(3, (column) => [0xffffffff, ...column.slice(1)])).toBe('file-columns');
    const longest = Math.max(...SMALL.map(({ tokens }) => tokens.length));
    expect(reasonOf(good, SMALL, { maxTokens: longest })).toBe('ok');
    expect(reasonOf(good, SMALL, { maxTokens: longest - 1 })).toBe('rollout-too-long');
    const four = encodeBins(columns.slice(1).map(encodeColumn));
    expect(reasonOf(fileOf(four), SMALL)).toBe('file-columns');
  });

  it('never throws for any bytes, mutated at any depth, and what it takes is the spelling it writes', () => {
    const fuzz = createSeededRandom('fuzz of files');
    const frame = frameOf(good);
    const mutate = (bytes: Uint8Array): Uint8Array => {
      const out = Uint8Array.from(bytes);
      for (let times = 1 + fuzz.below(3); times > 0; times--) out[fuzz.below(out.length)] = fuzz.below(256);
      const end = fuzz.below(8) === 0 ? fuzz.below(out.length) : out.length;
      return fuzz.below(8) === 0
        ? concat(out.subarray(0, end), fuzz.bytes(fuzz.below(9)))
        : out.subarray(0, end);
    };
    const seen = new Map<string, number>();
    const from = process.memoryUsage().arrayBuffers;
    for (let run = 0; run < 4000; run++) {
      const kind = run % 4;
      const file =
        kind === 0
          ? fuzz.bytes(fuzz.below(200))
          : kind === 1
            ? mutate(good)
            : kind === 2
              ? concat(good.subarray(0, HEAD), mutate(good.subarray(HEAD)))
              : fileOf(mutate(frame));
      const result = read(file, SMALL);
      const reason = result.kind === 'refused' ? result.reason : 'ok';
      seen.set(reason, (seen.get(reason) ?? 0) + 1);
      if (result.kind === 'ok')
        expect([...framed(columnsOf([...rolloutsIn(result.value)]))]).toEqual([...frameOf(file)]);
    }
    expect([...seen.keys()].sort()).toEqual([
      'file-budget',
      'file-columns',
      'file-header',
      'file-stream',
      'ok',
    ]);
    // a changed token leaves a good file of other tokens, which manifest and root refuse; they are not most
    expect(seen.get('ok')).toBeGreaterThan(100);
    expect(process.memoryUsage().arrayBuffers - from).toBeLessThan(256 * 2 ** 20);
  });
});
