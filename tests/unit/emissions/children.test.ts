import { describe, expect, it } from 'vitest';
import {
  familyDividends,
  inheritedStake,
  NO_RELATIONS,
  type Parent,
} from '../../../src/emissions/children.js';
import { distributeEmission, NO_PENDING, type Payee } from '../../../src/emissions/coinbase.js';
import { U96F32 } from '../../../src/emissions/fixed.js';
import { consensusStake } from '../../../src/emissions/stake.js';
import fc from '../../support/properties.js';

const ALL = (1n << 64n) - 1n;
const own = (alphaRao: bigint, rootTaoRao = 0n) => ({ alphaRao, rootTaoRao });
const parent = (hotkey: string, proportion: bigint, change: Partial<Parent> = {}): Parent => ({
  hotkey,
  coldkey: 'cold',
  proportion,
  alphaRao: 0n,
  rootTaoRao: 0n,
  ...change,
});

describe('inheritedStake', () => {
  it('moves a proportion from parent to child, of alpha and of root TAO', () => {
    const half = ALL / 2n;
    const lender = inheritedStake(own(1_000n, 500n), { childProportions: [half], parents: [] });
    const child = inheritedStake(own(10n), {
      childProportions: [],
      parents: [parent('p', half, own(1_000n, 500n))],
    });
    // half of 2^64−1 is just below a half, and cut at 32 fraction bits
    expect(lender).toEqual({ alphaRao: 500n, rootTaoRao: 250n });
    expect(child).toEqual({ alphaRao: 509n, rootTaoRao: 249n });
  });

  it('leaves nothing to who lends all, and lends all of it', () => {
    expect(inheritedStake(own(7n, 9n), { childProportions: [ALL], parents: [] })).toEqual(own(0n, 0n));
    expect(
      inheritedStake(own(0n), { childProportions: [], parents: [parent('p', ALL, own(7n, 9n))] }),
    ).toEqual(own(7n, 9n));
    expect(inheritedStake(own(7n, 9n), NO_RELATIONS)).toEqual(own(7n, 9n));
  });

  it('creates no stake: a family has at most what it had', () => {
    const rao = fc.bigInt({ min: 0n, max: 10n ** 16n });
    fc.assert(
      fc.property(rao, rao, fc.bigInt({ min: 0n, max: ALL }), (lends, has, proportion) => {
        const left = inheritedStake(own(lends), { childProportions: [proportion], parents: [] }).alphaRao;
        const got = inheritedStake(own(has), {
          childProportions: [],
          parents: [parent('p', proportion, own(lends))],
        }).alphaRao;
        expect(left + got).toBeLessThanOrEqual(lends + has);
        expect(lends + has - left - got).toBeLessThanOrEqual(1n);
      }),
    );
  });

  it('counts in consensus stake', () => {
    const relations = { childProportions: [], parents: [parent('p', ALL, own(100n, 100n))] };
    expect(consensusStake({ ...own(5n, 1n), taoWeight: ALL }, relations)).toEqual({
      rao: 206n,
      fraction: 0n,
    });
    expect(consensusStake({ ...own(5n, 1n), taoWeight: ALL })).toEqual({ rao: 6n, fraction: 0n });
  });
});

const family = (change: Partial<Parameters<typeof familyDividends>[0]>) =>
  familyDividends({
    dividendRao: 1_000_000_000n,
    coldkey: 'cold',
    own: own(0n),
    relations: NO_RELATIONS,
    childkeyTake: 0,
    ckBurn: 0n,
    taoWeight: 0n,
    ...change,
  });

describe('familyDividends', () => {
  it('keeps all without parents', () => {
    expect(family({ own: own(5n) })).toEqual({ toParents: [], toSelfRao: 1_000_000_000n, recycledRao: 0n });
    expect(family({})).toEqual({ toParents: [], toSelfRao: 1_000_000_000n, recycledRao: 0n });
  });

  it("takes 10 % of another owner's parent, and nothing of its own (test_drain_alpha_childkey_parentkey)", () => {
    const childkeyTake = Math.floor(65_535 / 10);
    const lender = parent('p', ALL, { ...own(1_000_000_000n), coldkey: 'other' });
    const taken = family({ childkeyTake, relations: { childProportions: [], parents: [lender] } });
    // 6553/65535 cut at 32 fraction bits, to the rao
    expect(taken).toEqual({ toParents: [900_007_629n], toSelfRao: 99_992_370n, recycledRao: 0n });
    const kin = { ...lender, coldkey: 'cold' };
    expect(family({ childkeyTake, relations: { childProportions: [], parents: [kin] } })).toEqual({
      toParents: [1_000_000_000n],
      toSelfRao: 0n,
      recycledRao: 0n,
    });
  });

  it("recycles CKBurn of another owner's part (test_drain_alpha_childkey_parentkey_with_burn)", () => {
    const lender = parent('p', ALL, { ...own(1_000_000_000n), coldkey: 'other' });
    const shared = family({ ckBurn: ALL / 100n, relations: { childProportions: [], parents: [lender] } });
    expect(shared.toParents[0]! + shared.recycledRao).toBe(999_999_999n);
    expect(Number(shared.recycledRao)).toBeCloseTo(10_000_000, -1);
  });

  it('divides by what each has lent: alpha, and root by its weight', () => {
    const parents = [
      parent('alpha', ALL, own(300n)),
      parent('root', ALL, own(0n, 400n)),
      parent('half', ALL / 2n + 1n, own(200n)),
    ];
    const shared = family({
      own: own(100n, 200n),
      taoWeight: U96F32.one / 2n,
      relations: { childProportions: [], parents },
    });
    // 300, 200, 100 and 200 of its own, of 800
    expect(shared.toParents).toEqual([375_000_000n, 250_000_000n, 125_000_000n]);
    expect(shared.toSelfRao).toBe(250_000_000n);
  });

  it('hands on no more than the dividend', () => {
    const rao = fc.bigInt({ min: 0n, max: 10n ** 13n });
    const u64 = fc.bigInt({ min: 0n, max: ALL });
    const anyParent = fc.record({
      hotkey: fc.constant('p'),
      coldkey: fc.constantFrom('cold', 'other'),
      proportion: u64,
      alphaRao: rao,
      rootTaoRao: rao,
    });
    fc.assert(
      fc.property(
        rao,
        rao,
        fc.array(anyParent, { maxLength: 5 }),
        fc.integer({ min: 0, max: 11_796 }),
        fc.bigInt({ min: 0n, max: ALL / 5n }),
        (dividendRao, alphaRao, parents, childkeyTake, ckBurn) => {
          const relations = { childProportions: [], parents };
          const shared = family({ dividendRao, own: own(alphaRao), relations, childkeyTake, ckBurn });
          const given = shared.toParents.reduce(
            (sum, part) => sum + part,
            shared.toSelfRao + shared.recycledRao,
          );
          expect(given).toBeLessThanOrEqual(dividendRao);
          expect(dividendRao - given).toBeLessThan(BigInt(2 * parents.length + 1));
        },
      ),
    );
  });
});

describe('distributeEmission with child keys', () => {
  const payee = (hotkey: string, change: Partial<Payee>): Payee => ({
    hotkey,
    coldkey: `${hotkey}-cold`,
    serverEmissionRao: 0n,
    validatorEmissionRao: 0n,
    alphaStakeRao: 0n,
    rootStakeRao: 0n,
    take: 0,
    ...change,
  });
  const lent = { coldkey: 'parent-cold', alphaRao: 1_000_000_000n };
  const base = {
    pending: { ...NO_PENDING, validatorRao: 1_000_000_000n },
    owner: { hotkey: 'o', coldkey: 'oc' },
    recycleOrBurn: 'burn' as const,
    taoWeight: 0n,
  };
  const child = (childkeyTake: number) =>
    payee('child', {
      validatorEmissionRao: 1_000_000_000n,
      alphaStakeRao: 1n,
      family: { childkeyTake, childProportions: [], parents: [parent('parent', ALL, lent)] },
    });
  const outsider = {
    hotkey: 'parent',
    coldkey: 'parent-cold',
    alphaStakeRao: 1_000_000_000n,
    rootStakeRao: 0n,
    take: 0,
  };

  it('pays a parent that has no uid', () => {
    const payout = distributeEmission({ ...base, payees: [child(6_553)], outsiders: [outsider] });
    expect(payout.outsiderAlphaDividendsRao[0]).toBe(900_007_628n);
    expect(payout.alphaDividendsRao).toEqual([99_992_370n]);
    expect(payout.credits.map(({ hotkey, reason }) => [hotkey, reason])).toEqual([
      ['child', 'dividend'],
      ['parent', 'dividend'],
    ]);
    expect(payout.recycledOfParentsRao).toBe(0n);
  });

  it('pays a parent that is a neuron as well on top of its own', () => {
    const neuron = payee('parent', { validatorEmissionRao: 1_000_000_000n, alphaStakeRao: 1_000_000_000n });
    const payout = distributeEmission({ ...base, payees: [child(0), neuron] });
    expect(payout.alphaDividendsRao[0]).toBeLessThan(2n);
    expect(payout.alphaDividendsRao[1]).toBeGreaterThan(999_999_997n);
  });

  it('names a parent that nobody told about', () => {
    expect(() => distributeEmission({ ...base, payees: [child(0)] })).toThrow('parent parent of child');
  });
});
