import { describe, expect, test } from 'vitest';
import { toHex } from '../../../../src/model/bytes.js';
import { canonicalJson } from '../../../../src/model/canonical-json.js';
import { paramsId } from '../../../../src/verification/checked-params.js';
import {
  COMPUTE_PARAMS,
  computeOps,
  findParams,
  paramsByClass,
  parseParams,
} from '../../../../src/verification/kinds/compute/params.js';
import { computeProof, kinds } from '../../../../src/verification/kinds/index.js';

const paced = paramsByClass('paced')!;

describe('compute parameters', () => {
  test('are addressed by the digest of their canonical JSON', () => {
    expect(canonicalJson({ b: [1, { d: true, c: 'x' }], a: 2 })).toBe('{"a":2,"b":[1,{"c":"x","d":true}]}');
    const reversed = Object.fromEntries(Object.entries(paced).reverse());
    expect(toHex(paramsId(reversed))).toBe(toHex(paramsId(paced)));
    expect(toHex(paramsId({ ...paced, labels: 81 }))).not.toBe(toHex(paramsId(paced)));
    // a change here is another parameter set: old evidence keeps the old one
    expect(toHex(paramsId(paced))).toBe('38c222817829e53ff507769c993cb40a3190aad43dbe5ee2fcfd145aec0a262b');
  });

  test('are found by id and class, and nothing else is', () => {
    for (const params of COMPUTE_PARAMS) {
      expect(findParams(paramsId(params))).toBe(params);
      expect(paramsByClass(params.class)).toBe(params);
      expect(computeProof.table.get(toHex(paramsId(params)))).toBe(params);
    }
    expect(new Set(COMPUTE_PARAMS.map((params) => params.class)).size).toBe(COMPUTE_PARAMS.length);
    expect(findParams(new Uint8Array(32))).toBeUndefined();
    expect(paramsByClass('h100')).toBeUndefined();
    expect(paramsByClass('h100-sxm')).toMatchObject({
      n: 16_384,
      labels: 450,
      nominalLabels: 241,
      windowMs: 2000,
    });
  });

  test('of the class paced are 1.5 s of work in a window of 2 s, on localnets only', () => {
    expect(paced).toMatchObject({ n: 128, samples: 64, windowMs: 2000, localnetOnly: true });
    expect(computeOps({ n: 128, labels: paced.nominalLabels }) / paced.paceOpsPerS).toBe(1.5);
    // memory is not full before the window ends: otherwise two slots on one device would be more than one
    expect(computeOps(paced) / paced.paceOpsPerS).toBeGreaterThan(2);
    expect(COMPUTE_PARAMS.filter((params) => params.localnetOnly)).toEqual([paced]);
  });

  test('parse to the same set whatever the order of keys', () => {
    const reversed = Object.fromEntries(Object.entries(paced).reverse());
    expect(parseParams(reversed)).toEqual(paced);
    expect(Object.keys(parseParams(reversed))).toEqual(Object.keys(parseParams(paced)));
  });

  test.each([
    [{ n: 100 }, 'params.n: expected a power of two in 16..16384, got 100'],
    [{ n: 32_768 }, 'params.n: expected a power of two in 16..16384, got 32768'],
    [{ n: '128' }, 'params.n: expected a power of two in 16..16384, got "128"'],
    [{ labels: 0 }, 'params.labels: expected an integer in 1..65536, got 0'],
    [{ labels: 1.5 }, 'params.labels: expected an integer in 1..65536, got 1.5'],
    [{ samples: undefined }, 'params.samples: expected an integer in 1..1024, got undefined'],
    [{ projections: 1 }, 'params.projections: expected an integer in 2..3, got 1'],
    [{ kind: 'memory' }, 'params.kind: expected "compute", got "memory"'],
    [{ class: 'Paced!' }, 'params.class: expected lower-case kebab of at most 32 characters, got "Paced!"'],
    [{ localnetOnly: 0 }, 'params.localnetOnly: expected true or false, got 0'],
    [{ window_ms: 2000 }, /^params\.window_ms: .*; did you mean windowMs\?$/],
    [{ theta: 0.25 }, /^params\.theta: expected one of kind, class, n, .*, got "theta"$/],
  ])('refuse %o', (change, message) => {
    expect(() => parseParams({ ...paced, ...change })).toThrow(message);
  });
});

describe('the kinds', () => {
  test('are found by name, and a name that only objects have finds nothing', () => {
    expect(kinds.compute).toBe(computeProof);
    for (const name of ['constructor', '__proto__', 'toString', '', 'Compute'])
      expect(kinds[name]).toBeUndefined();
  });
});
