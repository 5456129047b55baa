import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isAssayError } from '../../../src/model/errors.js';
import {
  DEFAULT_POLICY,
  encodePolicy,
  POLICIES,
  POLICY_BYTES,
  parsePolicy,
  policyDigest,
  policySchema,
  readPolicy,
} from '../../../src/scoring/index.js';
import { policyOf, poolOf } from '../../support/scoring.js';

const KNOWN = { compute: ['h100-sxm', 'cpu-2048'], memory: ['h100-sxm'] };
const text = (of: object) => new TextEncoder().encode(JSON.stringify(of));
const base = policyOf();

describe('a policy', () => {
  test.each([
    ['pays more than there is', { burn: 0.5 }, /burn and shares of at most 1/],
    [
      'has a negative price',
      { pools: [poolOf({ prices: { opsPerS: { of: 1, counts: -1 } } })] },
      /prices\.opsPerS\.counts.*-1/,
    ],
    ['prices by nothing', { pools: [poolOf({ prices: { opsPerS: { of: 0, counts: 1 } } })] }, /opsPerS\.of/],
    [
      'has a resource that is none',
      { pools: [poolOf({ prices: { opPerS: { of: 1, counts: 1 } } })] },
      /did you mean opsPerS/,
    ],
    [
      'names a class that is none',
      { pools: [poolOf({ match: { classes: ['h100-smx'] } })] },
      /did you mean h100-sxm/,
    ],
    [
      'names a kind that is none',
      { pools: [poolOf({ match: { kinds: ['comput'] } })] },
      /did you mean compute/,
    ],
    ['is of a newer version', { format: 'assay-scoring-policy/2' }, /newer than this build/],
    ['is of another format', { format: 'policy' }, /policy\.format/],
    ['has a curve between quarters', { pay: { exponent: 0.3 } }, /quarters/],
    ['has a curve beyond them', { pay: { exponent: 5 } }, /policy\.pay/],
    ['has a share of 7 places', { burn: 0.0000001 }, /6 decimal places/],
    ['has a key that is none', { memory: { retained: 0.5 } }, /did you mean retain\?/],
    ['has a pool of the same name', { pools: [poolOf({ share: 0.5 }), poolOf({ share: 0.5 })] }, /all twice/],
    [
      'has a pool that nothing reaches',
      { pools: [poolOf({ share: 0.5 }), poolOf({ share: 0.5, name: 'b' })] },
      /matched by all before it/,
    ],
    [
      'pays for rollouts at no price',
      { pools: [{ name: 'r', share: 1, credit: 'rollouts' }] },
      /policy\.rollouts/,
    ],
    [
      'pays for use that nobody may sign',
      { pools: [{ name: 'r', share: 1, credit: 'usage' }] },
      /policy\.rented/,
    ],
    ['quarantines for no reason', { quarantine: { reasons: ['sed'], epochs: 1 } }, /reasons\[0\]/],
    ['has a level that never moves', { uptime: { rise: 0, fall: 1, floor: 0 } }, /never moves/],
  ])('that %s is refused, and says why', (_, change, says) => {
    expect(() => parsePolicy({ ...base, ...change }, KNOWN)).toThrow(says);
  });

  test('too long, or no JSON, is refused before it is looked at', () => {
    expect(() => readPolicy(new Uint8Array(POLICY_BYTES + 1))).toThrow(/at most/);
    expect(() => readPolicy(Uint8Array.of(0xff))).toThrow(/JSON in UTF-8/);
    expect(() => parsePolicy(null)).toThrow(/an object/);
  });

  test('has one digest, however it is spelled, and another one for another number', () => {
    const turned = Object.fromEntries(Object.entries(base).reverse());
    expect(policyDigest(readPolicy(text(turned)))).toBe(policyDigest(base));
    expect(policyDigest(readPolicy(encodePolicy(base)))).toBe(policyDigest(base));
    expect(policyDigest(parsePolicy({ ...base, burn: 0, memory: { retain: 0.1 } }))).not.toBe(
      policyDigest(base),
    );
  });

  test('a newer one is told apart from a wrong one by its code', () => {
    try {
      parsePolicy({ ...base, format: 'assay-scoring-policy/12' });
      expect.unreachable();
    } catch (error) {
      expect(isAssayError(error, 'unsupported')).toBe(true);
    }
  });

  test.each(Object.entries(POLICIES))('%s is a file as it ships, under its own name', (name, policy) => {
    expect(readPolicy(encodePolicy(policy))).toEqual(policy);
    expect(policy.name).toBe(name);
  });

  test('the default is the one that docs/scoring.md gives the digest of', () => {
    expect(readFileSync('docs/scoring.md', 'utf8')).toContain(policyDigest(DEFAULT_POLICY));
  });

  test('the schema beside the guide is the one of this build', () => {
    expect(JSON.parse(readFileSync('docs/guide/scoring-policy.schema.json', 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(policySchema())),
    );
  });

  test('the schema asks for no multiples but those that doubles tell: an editor would underline what is right', () => {
    const asked = [...JSON.stringify(policySchema()).matchAll(/"multipleOf":([^,}]+)/g)].map(([, of]) =>
      Number(of),
    );
    expect(asked).toEqual([0.25]);
  });

  test('every policy in the guide is one', () => {
    const guide = readFileSync('docs/guide/policy.md', 'utf8');
    const blocks = [...guide.matchAll(/```json\n([\s\S]*?)```/g)].map(
      ([, block]) => JSON.parse(block!) as object,
    );
    expect(blocks.length).toBeGreaterThan(8);
    for (const block of blocks) parsePolicy('format' in block ? block : { ...POLICIES.mixed, ...block });
  });
});
