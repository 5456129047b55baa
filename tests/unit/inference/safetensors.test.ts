import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  byteLength,
  encodeHeader,
  encodeSafetensors,
  fileSource,
  isCanonical,
  memorySource,
  openSafetensors,
  parseSafetensors,
  type TensorType,
} from '../../../src/inference/safetensors.js';
import { concat, fromUtf8, u64le, utf8 } from '../../../src/model/bytes.js';
import fc from '../../support/properties.js';

const A = {
  name: 'a',
  dtype: 'BF16',
  shape: [2, 3],
  data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
} as const;
const B = { name: 'b.c', dtype: 'F32', shape: [1], data: Uint8Array.of(0, 0, 128, 63) } as const;

/** A file as a stranger may write it. */
const written = (header: string, data: number | Uint8Array = 0, length?: bigint): Uint8Array => {
  const bytes = utf8(header);
  return concat(u64le(length ?? bytes.length), bytes, typeof data === 'number' ? new Uint8Array(data) : data);
};
const tensor = (from: number, to: number, shape = `[${(to - from) / 2}]`, dtype = 'BF16') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;

describe('writing', () => {
  test('has one spelling: metadata sorted, tensors as given, data at a multiple of 8', () => {
    const bytes = encodeSafetensors(
      [B, A],
      new Map([
        ['z', 'last'],
        ['format', 'pt'],
      ]),
    );
    const header = fromUtf8(bytes.subarray(8, bytes.length - 16));
    expect(header.trimEnd()).toBe(
      '{"__metadata__":{"format":"pt","z":"last"},"b.c":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]}}',
    );
    expect(header.length % 8).toBe(0);
    expect(bytes.subarray(-16)).toEqual(concat(B.data, A.data));
  });

  test('refuses what its own reader would refuse', () => {
    expect(() => encodeHeader([A, A])).toThrow(/'a' twice/);
    expect(() => encodeHeader([{ ...A, name: '' }])).toThrow(/a name of 1/);
    expect(() => encodeSafetensors([{ ...A, shape: [2, 2] }])).toThrow('data of a: expected 8 bytes, got 12');
    expect(() => encodeHeader([{ ...A, dtype: 'F4' as TensorType }])).toThrow(RangeError);
    expect(() => byteLength('F64', [2 ** 32, 2 ** 32])).toThrow(RangeError);
  });

  test('an empty file has a header and nothing else', () => {
    const bytes = encodeSafetensors([]);
    expect(bytes).toEqual(concat(u64le(8), utf8('{}      ')));
    expect(parseSafetensors(bytes, 'file').tensors).toEqual([]);
  });

  test('comes back as it was, whatever the tensors', async () => {
    const shape = fc.array(fc.nat(5), { maxLength: 4 });
    const dtype = fc.constantFrom<TensorType>('BF16', 'F32', 'I64', 'U8', 'BOOL', 'F16');
    const some = fc.uniqueArray(
      fc.record({ name: fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }), dtype, shape }),
      { selector: ({ name }) => name, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(some, async (shapes) => {
        const tensors = shapes
          .filter(({ name }) => name !== '__metadata__')
          .map((each, i) => ({
            ...each,
            data: new Uint8Array(byteLength(each.dtype, each.shape)).fill(i + 1),
          }));
        const bytes = encodeSafetensors(tensors);
        const file = await openSafetensors(memorySource(bytes), 'file');
        expect(file.tensors.length).toBe(tensors.length);
        for (const { data, name, dtype: type, shape: sides } of tensors) {
          const entry = file.find(name)!;
          expect([entry.dtype, entry.shape]).toEqual([type, sides]);
          expect(await file.read(entry)).toEqual(data);
        }
      }),
      { numRuns: 60, seed: 7 },
    );
  });
});

describe('reading', () => {
  test('takes tensors in any order of names, and says whether the spelling is ours', async () => {
    const bytes = written(`{"b":${tensor(4, 8)},"a":${tensor(0, 4)}}`, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const file = await openSafetensors(memorySource(bytes), 'file');
    expect(file.tensors.map(({ name }) => name)).toEqual(['a', 'b']);
    expect([...(await file.read(file.find('b')!, 1, 2))]).toEqual([6, 7]);
    expect(() => file.read(file.find('b')!, 2, 3)).toThrow(RangeError);
    expect(await isCanonical(memorySource(bytes), file)).toBe(false);
    const own = encodeSafetensors([A, B], new Map([['format', 'pt']]));
    expect(await isCanonical(memorySource(own), parseSafetensors(own, 'own'))).toBe(true);
  });

  test.each([
    [
      'a hole',
      written(`{"a":${tensor(0, 4)},"b":${tensor(6, 8)}}`, 8),
      /'b' in file: expected to begin at 4.*a hole/,
    ],
    ['a hole at the front', written(`{"a":${tensor(2, 4)}}`, 4), /a hole/],
    ['an overlap', written(`{"a":${tensor(0, 4)},"b":${tensor(2, 6)}}`, 6), /an overlap/],
    ['the same bytes twice', written(`{"a":${tensor(0, 4)},"b":${tensor(0, 4)}}`, 4), /an overlap/],
    [
      'bytes behind the last tensor',
      written(`{"a":${tensor(0, 4)}}`, 5),
      /file: expected .* as its header says/,
    ],
    ['a file that is cut', written(`{"a":${tensor(0, 4)}}`, 3), /as its header says/],
    [
      'a size that is not its shape',
      written(`{"a":${tensor(0, 4, '[3]')}}`, 4),
      /6 bytes of \[3\] in BF16, got 4/,
    ],
    ['offsets that run backwards', written(`{"a":${tensor(4, 0, '[2]')}}`, 4), /got -4/],
    ['a type that is none', written(`{"a":${tensor(0, 4, '[2]', 'toString')}}`, 4), /dtype of tensor 'a'/],
    [
      'a shape that overflows',
      written(`{"a":${tensor(0, 0, '[4294967296,4294967296,4294967296,4294967296]')}}`),
      /can be counted/,
    ],
    ['a negative side', written(`{"a":${tensor(0, 4, '[-2]')}}`, 4), /counts/],
    ['a side that is no integer', written(`{"a":${tensor(0, 4, '[2.5]')}}`, 4), /counts/],
    ['nine dimensions', written(`{"a":${tensor(0, 2, '[1,1,1,1,1,1,1,1,1]')}}`, 2), /at most 8 counts/],
    [
      'a name twice',
      written(`{"a":${tensor(0, 4)},"a":${tensor(4, 8)},"b":${tensor(0, 4)}}`, 8),
      /'a' twice/,
    ],
    [
      'a name twice in two spellings',
      written(`{"a":${tensor(0, 4)},"\\u0061":${tensor(0, 4)}}`, 4),
      /'a' twice/,
    ],
    ['metadata twice', written(`{"__metadata__":{"x":"1","x":"2"}}`), /'x' twice/],
    ['metadata that is no text', written(`{"__metadata__":{"x":1}}`), /an object of strings/],
    [
      'a field more',
      written(`{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"more":1}}`, 1),
      /a field 'more'/,
    ],
    ['no object', written('[]'), /JSON object/],
    ['a header that begins with a space', written(` {"a":${tensor(0, 4)}}`, 4), /from its first byte/],
    ['no JSON', written('{"a":'), /JSON in UTF-8/],
    ['no UTF-8', concat(u64le(2), Uint8Array.of(0xff, 0xfe)), /JSON in UTF-8/],
    ['less than a length', Uint8Array.of(1, 2, 3), /one of 3 bytes/],
    ['a header longer than the file', written('{}', 0, 100n), /a header of 100 bytes/],
    ['a header beyond the limit', written('{}', 0, 2n ** 63n), /limit 16777216/],
  ])('refuses %s', async (_, bytes, message) => {
    expect(() => parseSafetensors(bytes, 'file')).toThrow(message);
    await expect(openSafetensors(memorySource(bytes), 'file')).rejects.toThrow(message);
  });

  test('bounds what a header of the largest size costs, be it deep, one text or many names', () => {
    const nested = '['.repeat(1 << 20) + ']'.repeat(1 << 20);
    expect(() => parseSafetensors(written(`{"a":${nested}}`), 'file')).toThrow('a list of 1');
    const text = 'x'.repeat(15 << 20);
    const bytes = encodeSafetensors([A], new Map([['text', text]]));
    expect(parseSafetensors(bytes, 'file').metadata.get('text')).toBe(text);
    const names = Array.from({ length: 100_001 }, (_, i) => `"${i}":0`).join();
    expect(() => parseSafetensors(written(`{${names}}`), 'file')).toThrow('100001 tensors, limit 100000');
  });

  test('refuses or reads a file with one byte changed, and never breaks', () => {
    const own = encodeSafetensors([A, B], new Map([['format', 'pt']]));
    for (let at = 0; at < own.length; at++)
      for (const flip of [1, 0x20, 0x80]) {
        const bytes = own.slice();
        bytes[at]! ^= flip;
        try {
          parseSafetensors(bytes, 'file');
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/invalid-input|limit-exceeded/);
        }
      }
  });
});

describe('a file on disk', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'assay-safetensors-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('is read in ranges, and one that became shorter is said to be', async () => {
    const path = join(folder, 'w.safetensors');
    await writeFile(path, encodeSafetensors([A, B]));
    const handle = await open(path, 'r+');
    try {
      const file = await openSafetensors(await fileSource(handle, path), path);
      expect(await file.read(file.find('b.c')!)).toEqual(B.data);
      expect(await file.read(file.find('a')!, 4, 3)).toEqual(Uint8Array.of(5, 6, 7));
      await handle.truncate(file.size - 2);
      await expect(file.read(file.find('b.c')!)).rejects.toThrow('a shorter file');
    } finally {
      await handle.close();
    }
  });
});
