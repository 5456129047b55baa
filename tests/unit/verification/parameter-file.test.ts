import { describe, expect, test } from 'vitest';
import { fromUtf8, toHex, utf8 } from '../../../src/model/bytes.js';
import { isAssayError } from '../../../src/model/errors.js';
import { sha256 } from '../../../src/model/hash.js';
import { paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import { kinds } from '../../../src/verification/kinds/index.js';
import {
  builtInFile,
  encodeParameterFile,
  NO_POLICY,
  PARAMETER_FILE_BYTES,
  parameterDigest,
  parametersJson,
  parseParameterFile,
  readParameterFile,
  toDigest,
  withTables,
} from '../../../src/verification/parameter-file.js';
import fc from '../../support/properties.js';

const paced = paramsByClass('paced')!;
const cpu = paramsByClass('cpu-2048')!;
const policy = 'ab'.repeat(32);
const written = { version: 1, policy, sets: [paced, cpu] };
const parse = (value: unknown) => parseParameterFile(value, kinds);

describe('a parameter file', () => {
  test('has one spelling, and is addressed by its digest', () => {
    const reversed = Object.fromEntries(Object.entries(cpu).reverse());
    const other = { sets: [reversed, paced], policy, version: 1 };
    const bytes = encodeParameterFile(parse(written));
    expect(encodeParameterFile(parse(other))).toEqual(bytes);
    expect(toHex(parameterDigest(parse(other)))).toBe(toHex(sha256(bytes)));
    expect(fromUtf8(bytes)).toMatch(/^\{"policy":"abab.*","sets":\[\{"class":"cpu-2048",/);
    expect(readParameterFile(bytes, kinds)).toEqual(parse(written));
  });

  test('of this build alone reads back, and lists every set of every kind', () => {
    const file = builtInFile(kinds);
    expect(file.policy).toBe(NO_POLICY);
    expect(readParameterFile(encodeParameterFile(file), kinds)).toEqual(file);
    const sets = Object.values(kinds).reduce((sum, kind) => sum + (kind?.table.size ?? 0), 0);
    expect(file.sets).toHaveLength(sets);
    expect(encodeParameterFile(file).length).toBeLessThan(PARAMETER_FILE_BYTES / 4);
  });

  test('in another spelling is none on the way between peers', () => {
    const spaced = utf8(JSON.stringify(written, undefined, 1));
    expect(parse(parametersJson(spaced)).sets).toHaveLength(2);
    expect(() => readParameterFile(spaced, kinds)).toThrow('expected canonical JSON');
    const other = utf8(fromUtf8(encodeParameterFile(parse(written))).replace('"policy"', '"polic\\u0079"'));
    expect(() => readParameterFile(other, kinds)).toThrow('expected canonical JSON');
  });

  test.each([
    [[], 'parameters: expected an object, got []'],
    [
      { ...written, polcy: policy },
      'parameters.polcy: expected one of version, policy, sets, got "polcy"; did you mean policy?',
    ],
    [{ ...written, version: 2 }, 'parameters.version: expected 1, got 2'],
    [{ ...written, policy: 'AB'.repeat(32) }, /^parameters\.policy: expected 64 lower-case hex digits/],
    [{ ...written, sets: [] }, 'parameters.sets: expected 1 to 512 sets, got 0'],
    [{ ...written, sets: {} }, 'parameters.sets: expected 1 to 512 sets, got {}'],
    [{ ...written, sets: [paced, paced] }, 'each class of a kind once, got compute/paced twice'],
    [
      { ...written, sets: [paced, { ...paced, labels: 81 }] },
      'each class of a kind once, got compute/paced twice',
    ],
    [{ ...written, sets: [1] }, 'sets[0]: expected an object, got 1'],
    [
      { ...written, sets: [{ ...paced, kind: 'comptue' }] },
      /^sets\[0\]\.kind: expected one of .*compute.*, got "comptue"; did you mean compute\?$/,
    ],
    [{ ...written, sets: [{ ...paced, kind: '__proto__' }] }, /^sets\[0\]\.kind: expected one of .*compute/],
    [
      { ...written, sets: [paced, { ...cpu, windowMS: 1 }] },
      /^sets\[1\] \(compute\/cpu-2048\) params\.windowMS: expected one of .*; did you mean windowMs\?$/,
    ],
    [
      { ...written, sets: [{ ...cpu, n: 100 }] },
      'sets[0] (compute/cpu-2048) params.n: expected a power of two in 16..16384, got 100',
    ],
  ])('refuses %j', (value, message) => {
    expect(() => parse(value)).toThrow(message);
  });

  test('of any bytes is a file or an error that names what is wrong, and a large one is not read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => readParameterFile(bytes, kinds)).toThrow(/^parameters/);
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          parse(value);
        } catch (error) {
          expect(isAssayError(error, 'invalid-input')).toBe(true);
        }
      }),
    );
    expect(() => parametersJson(new Uint8Array(PARAMETER_FILE_BYTES + 1))).toThrow(
      `parameters: at most ${PARAMETER_FILE_BYTES} bytes`,
    );
  });

  test('takes the place of a build’s table, and two of them stand side by side', () => {
    const mine = parse({ ...written, sets: [{ ...cpu, windowMs: 4000 }] });
    const table = (files: Parameters<typeof withTables>[1]) => withTables(kinds, files).compute!.table;
    expect([...table([mine]).keys()]).toEqual([mine.sets[0]!.id]);
    expect([...table([mine, parse(written)]).keys()]).toEqual([
      mine.sets[0]!.id,
      ...parse(written).sets.map(({ id }) => id),
    ]);
    expect(withTables(kinds, [mine])['constructor']).toBeUndefined();
    for (const kind of Object.values(withTables(kinds, [mine])))
      if (kind!.kind !== 'compute') expect(kind!.table.size).toBe(0);
  });

  test('is named by 64 hex digits, with 0x or without', () => {
    expect(toHex(toDigest(`0x${policy}`))).toBe(policy);
    expect(() => toDigest('abc')).toThrow('digest: expected 64 hex digits, got "abc"');
  });
});
