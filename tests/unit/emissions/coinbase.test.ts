import { describe, expect, it } from 'vitest';
import {
  accrueBlock,
  blockEmission,
  DEFAULT_OWNER_CUT,
  DEFAULT_TAKE,
  distributeEmission,
  epochEmission,
  NO_PENDING,
  type Payee,
  type PendingEmission,
  rootProportion,
  TOTAL_SUPPLY_RAO,
  withoutTake,
} from '../../../src/emissions/coinbase.js';
import { runEpoch } from '../../../src/emissions/epoch.js';
import { U96F32 } from '../../../src/emissions/fixed.js';
import { consensusStake } from '../../../src/emissions/stake.js';
import {
  newSubnet,
  plainBlock,
  plainEmission,
  quickBlock,
  type World,
} from '../../support/coinbase-block.js';
import fc from '../../support/properties.js';

const U64_MAX = (1n << 64n) - 1n;
const quarter = U96F32.one / 4n;

describe('blockEmission', () => {
  it('halves each time half of what was left has been issued', () => {
    expect(blockEmission(0n)).toBe(1_000_000_000n);
    expect(blockEmission(10_000_000_000_000_000n)).toBe(1_000_000_000n);
    expect(blockEmission(10_500_000_000_000_000n)).toBe(500_000_000n);
    expect(blockEmission(15_749_000_000_000_000n)).toBe(500_000_000n);
    expect(blockEmission(15_750_000_000_000_000n)).toBe(250_000_000n);
    expect(blockEmission(18_375_000_000_000_000n)).toBe(125_000_000n);
  });

  it('ends at the cap', () => {
    expect(blockEmission(TOTAL_SUPPLY_RAO)).toBe(0n);
    expect(blockEmission(TOTAL_SUPPLY_RAO + 1n)).toBe(0n);
  });

  it("is the chain's curve in its own fixed point, floored log2 and all", () => {
    const nearHalving = fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.bigInt({ min: -3n, max: 3n }))
      .map(([k, off]) => TOTAL_SUPPLY_RAO - (TOTAL_SUPPLY_RAO >> BigInt(k)) + off)
      .filter((issuance) => issuance < TOTAL_SUPPLY_RAO);
    const anywhere = fc.bigInt({ min: 0n, max: TOTAL_SUPPLY_RAO - 1n });
    fc.assert(
      fc.property(fc.oneof(nearHalving, anywhere), (issuance) => {
        expect(blockEmission(issuance)).toBe(plainEmission(issuance));
      }),
      { numRuns: 500 },
    );
  });

  it('never grows with the issuance', () => {
    const issuance = fc.bigInt({ min: 0n, max: TOTAL_SUPPLY_RAO });
    fc.assert(
      fc.property(issuance, issuance, (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(blockEmission(more)).toBeLessThanOrEqual(blockEmission(less));
      }),
    );
  });
});

describe('accrueBlock', () => {
  const alphaEmissionRao = 1_000_000_000n;

  it("splits upstream's example: no owner cut, a quarter of the validators' half to root", () => {
    const block = { alphaEmissionRao, ownerCut: 0, rootProportion: quarter, rootSell: true };
    expect(accrueBlock(NO_PENDING, block)).toEqual({
      pending: {
        serverRao: 500_000_000n,
        validatorRao: 375_000_000n,
        rootRao: 125_000_000n,
        ownerCutRao: 0n,
      },
      recycledRao: 0n,
    });
  });

  it('recycles the root part while root may not sell', () => {
    const block = { alphaEmissionRao, ownerCut: 0, rootProportion: quarter, rootSell: false };
    const { pending, recycledRao } = accrueBlock(NO_PENDING, block);
    expect(pending).toEqual({
      serverRao: 500_000_000n,
      validatorRao: 375_000_000n,
      rootRao: 0n,
      ownerCutRao: 0n,
    });
    expect(recycledRao).toBe(125_000_000n);
  });

  it('takes 17.9995 % for the owner and halves the rest, each part floored by itself', () => {
    const block = { alphaEmissionRao, ownerCut: DEFAULT_OWNER_CUT, rootProportion: 0n, rootSell: false };
    const first = accrueBlock(NO_PENDING, block).pending;
    expect(first).toEqual({
      serverRao: 410_002_288n,
      validatorRao: 410_002_288n,
      rootRao: 0n,
      ownerCutRao: 179_995_422n,
    });
    // the fractions are dropped every block, not carried
    expect(accrueBlock(first, block).pending.ownerCutRao).toBe(359_990_844n);
  });

  it('sets aside and recycles no more than was made, and loses less than a rao a part', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 1_000_000_000n }),
        fc.integer({ min: 0, max: 65535 }),
        fc.bigInt({ min: 0n, max: U96F32.one }),
        fc.boolean(),
        (alpha, ownerCut, proportion, rootSell) => {
          const block = { alphaEmissionRao: alpha, ownerCut, rootProportion: proportion, rootSell };
          const { pending, recycledRao } = accrueBlock(NO_PENDING, block);
          const lost = alpha - epochEmission(pending) - pending.ownerCutRao - recycledRao;
          expect(lost).toBeGreaterThanOrEqual(0n);
          expect(lost).toBeLessThan(4n);
        },
      ),
    );
  });
});

describe('rootProportion', () => {
  it('is weighted root TAO against itself plus the alpha issuance', () => {
    expect(rootProportion({ rootTaoRao: 1_000_000n, alphaIssuanceRao: 3_000_000n, taoWeight: U64_MAX })).toBe(
      quarter,
    );
  });

  it('is what the fixed point makes of it, step by step', () => {
    const rao = fc.bigInt({ min: 0n, max: TOTAL_SUPPLY_RAO });
    fc.assert(
      fc.property(
        rao,
        rao,
        fc.bigInt({ min: 0n, max: U64_MAX }),
        (rootTaoRao, alphaIssuanceRao, taoWeight) => {
          const weight = U96F32.div(U96F32.fromInteger(taoWeight), U96F32.fromInteger(U64_MAX));
          const root = U96F32.mul(U96F32.fromInteger(rootTaoRao), weight);
          const expected = U96F32.div(root, U96F32.add(root, U96F32.fromInteger(alphaIssuanceRao)));
          expect(rootProportion({ rootTaoRao, alphaIssuanceRao, taoWeight })).toBe(expected);
        },
      ),
    );
  });

  it('is 0 without root TAO, and without anything', () => {
    expect(rootProportion({ rootTaoRao: 0n, alphaIssuanceRao: 5n, taoWeight: U64_MAX })).toBe(0n);
    expect(rootProportion({ rootTaoRao: 0n, alphaIssuanceRao: 0n, taoWeight: 0n })).toBe(0n);
  });
});

describe('consensusStake', () => {
  it('adds root TAO by its weight and keeps the fraction', () => {
    // 0.18 as the chain stores it; its 32-bit fraction is 773094113/2^32
    const taoWeight = 3_320_413_933_267_719_290n;
    expect(consensusStake({ alphaRao: 10n, rootTaoRao: 100n, taoWeight })).toEqual({
      rao: 27n,
      fraction: ((773_094_113n * 100n) % (1n << 32n)) << 32n,
    });
  });

  it('is the alpha alone without root stake', () => {
    expect(consensusStake({ alphaRao: 7n, rootTaoRao: 0n, taoWeight: U64_MAX })).toEqual({
      rao: 7n,
      fraction: 0n,
    });
  });
});

const pending: PendingEmission = {
  serverRao: 500_000n,
  validatorRao: 500_000n,
  rootRao: 0n,
  ownerCutRao: 180_000n,
};
const owner = { hotkey: 'owner-hot', coldkey: 'owner-cold' };

function payee(hotkey: string, change: Partial<Payee> = {}): Payee {
  return {
    hotkey,
    coldkey: `${hotkey}-cold`,
    serverEmissionRao: 0n,
    validatorEmissionRao: 0n,
    alphaStakeRao: 0n,
    rootStakeRao: 0n,
    take: DEFAULT_TAKE,
    ...change,
  };
}

describe('distributeEmission', () => {
  const payees = [
    payee('owner-hot', { coldkey: 'owner-cold', serverEmissionRao: 100_000n }),
    payee('spare', { coldkey: 'owner-cold', serverEmissionRao: 25_000n }),
    payee('miner', { serverEmissionRao: 375_000n }),
    payee('large', { validatorEmissionRao: 375_000n, alphaStakeRao: 3_000n }),
    payee('small', { validatorEmissionRao: 125_000n, alphaStakeRao: 1_000n, take: 0 }),
  ];

  it("credits owner's cut, miners and validators, and burns what the owner's hotkeys mined", () => {
    const payout = distributeEmission({ pending, payees, owner, recycleOrBurn: 'burn', taoWeight: 0n });
    expect(payout.credits).toEqual([
      { reason: 'owner-cut', hotkey: 'owner-hot', coldkey: 'owner-cold', amountRao: 180_000n },
      { reason: 'incentive', hotkey: 'miner', coldkey: 'miner-cold', amountRao: 375_000n },
      { reason: 'take', hotkey: 'large', coldkey: 'large-cold', amountRao: 67_498n },
      { reason: 'dividend', hotkey: 'large', coldkey: undefined, amountRao: 307_501n },
      { reason: 'dividend', hotkey: 'small', coldkey: undefined, amountRao: 125_000n },
    ]);
    expect(payout).toMatchObject({ burnedRao: 125_000n, recycledRao: 0n, minerBurned: quarter });
    expect(payout.alphaDividendsRao).toEqual([0n, 0n, 0n, 307_501n, 125_000n]);
  });

  it('recycles instead where the subnet says so, with the same share of burnt mining', () => {
    const payout = distributeEmission({ pending, payees, owner, recycleOrBurn: 'recycle', taoWeight: 0n });
    expect(payout).toMatchObject({ burnedRao: 0n, recycledRao: 125_000n, minerBurned: quarter });
  });

  it("gives validators the miners' part when nobody mined", () => {
    const payout = distributeEmission({
      pending,
      payees: [payee('v', { validatorEmissionRao: 7n, alphaStakeRao: 1n, take: 0 })],
      owner,
      recycleOrBurn: 'burn',
      taoWeight: 0n,
    });
    expect(payout.alphaDividendsRao).toEqual([1_000_000n]);
    expect(payout.minerBurned).toBe(0n);
  });

  it('takes only proportions from consensus: the amounts are those set aside', () => {
    const dividends = (scale: bigint): readonly bigint[] =>
      distributeEmission({
        pending,
        payees: [
          payee('m', { serverEmissionRao: 1n }),
          payee('a', { validatorEmissionRao: 3n * scale, alphaStakeRao: 1n, take: 0 }),
          payee('b', { validatorEmissionRao: 1n * scale, alphaStakeRao: 9n, take: 0 }),
        ],
        owner,
        recycleOrBurn: 'burn',
        taoWeight: 0n,
      }).alphaDividendsRao;
    expect(dividends(1n)).toEqual([0n, 375_000n, 125_000n]);
    expect(dividends(1_000_000n)).toEqual(dividends(1n));
  });

  it("stakes a miner's incentive where its coldkey asked for it", () => {
    const { credits } = distributeEmission({
      pending: { ...NO_PENDING, serverRao: 5n },
      payees: [payee('m', { serverEmissionRao: 5n, autoStakeHotkey: 'elsewhere' })],
      owner,
      recycleOrBurn: 'burn',
      taoWeight: 0n,
    });
    expect(credits).toEqual([{ reason: 'incentive', hotkey: 'elsewhere', coldkey: 'm-cold', amountRao: 5n }]);
  });

  it("divides dividends by each hotkey's mix of root and alpha stake", () => {
    const payout = distributeEmission({
      pending: { ...NO_PENDING, serverRao: 1n, validatorRao: 900_000n, rootRao: 100_000n },
      payees: [
        payee('m', { serverEmissionRao: 1n }),
        payee('alpha', { validatorEmissionRao: 500n, alphaStakeRao: 10n, take: 0 }),
        payee('root', { validatorEmissionRao: 500n, rootStakeRao: 10n, take: 0 }),
      ],
      owner,
      recycleOrBurn: 'burn',
      taoWeight: U64_MAX,
    });
    expect(payout.alphaDividendsRao).toEqual([0n, 900_000n, 0n]);
    expect(payout.rootDividendsRao).toEqual([0n, 0n, 100_000n]);
  });

  it('never credits more than was set aside', () => {
    const amount = fc.bigInt({ min: 0n, max: 1_000_000_000_000n });
    const anyPayee = fc.record({
      coldkey: fc.constantFrom('owner-cold', 'a', 'b'),
      validatorEmissionRao: amount,
      alphaStakeRao: amount,
      rootStakeRao: amount,
      take: fc.integer({ min: 0, max: 11_796 }),
    });
    fc.assert(
      fc.property(
        fc.array(anyPayee, { maxLength: 6 }),
        fc.record({ serverRao: amount, validatorRao: amount, rootRao: amount, ownerCutRao: amount }),
        fc.constantFrom('burn' as const, 'recycle' as const),
        fc.bigInt({ min: 0n, max: U64_MAX }),
        (parts, set, recycleOrBurn, taoWeight) => {
          const each = parts.length === 0 ? 0n : set.serverRao / BigInt(parts.length);
          const all = parts.map((part, index) => payee(`h${index}`, { ...part, serverEmissionRao: each }));
          const payout = distributeEmission({ pending: set, payees: all, owner, recycleOrBurn, taoWeight });
          const paid = payout.credits.reduce((sum, { amountRao }) => sum + amountRao, 0n);
          const claimable = payout.rootDividendsRao.reduce((sum, rao) => sum + rao, 0n);
          expect(paid + claimable + payout.burnedRao + payout.recycledRao).toBeLessThanOrEqual(
            epochEmission(set) + set.ownerCutRao,
          );
        },
      ),
    );
  });
});

describe('a tempo from blocks to stakes', () => {
  it('pays 18 % to the owner, half of the rest to miners, half to validators, and loses less than 1 rao in 10^9', () => {
    const block = {
      alphaEmissionRao: 1_000_000_000n,
      ownerCut: DEFAULT_OWNER_CUT,
      rootProportion: 0n,
      rootSell: false,
    };
    let set = NO_PENDING;
    for (let k = 0; k < 360; k++) set = accrueBlock(set, block).pending;
    expect(set).toEqual({
      serverRao: 147_600_823_680n,
      validatorRao: 147_600_823_680n,
      rootRao: 0n,
      ownerCutRao: 64_798_351_920n,
    });
    const epoch = runEpoch({
      n: 3,
      block: 1000,
      tempo: 360,
      activityCutoff: 5000,
      lastUpdate: [900, 900, 900],
      blockAtRegistration: [1, 1, 1],
      kappa: 32767,
      bondsPenalty: 65535,
      bondsMovingAverage: 900_000,
      maxValidators: 64,
      stakeThreshold: 0n,
      stakes: [100n, 0n, 0n],
      ownerUid: undefined,
      weights: [
        [
          [1, 65535],
          [2, 32768],
        ],
        [],
        [],
      ],
      bonds: [[], [], []],
      validatorPermits: [true, false, false],
      lastMechanismStep: 640,
      commitReveal: undefined,
      yuma3On: false,
      liquidAlpha: undefined,
      raoEmission: epochEmission(set),
    });
    const payout = distributeEmission({
      pending: set,
      payees: ['validator', 'miner', 'half'].map((hotkey, uid) =>
        payee(hotkey, {
          serverEmissionRao: epoch.serverEmission[uid]!,
          validatorEmissionRao: epoch.validatorEmission[uid]!,
          alphaStakeRao: uid === 0 ? 100n : 0n,
          take: 0,
        }),
      ),
      owner,
      recycleOrBurn: 'burn',
      taoWeight: 0n,
    });
    expect(payout.credits.map(({ hotkey, amountRao }) => [hotkey, amountRao])).toEqual([
      ['owner-hot', 64_798_351_920n],
      ['miner', 98_400_048_590n],
      ['half', 49_200_775_020n],
      ['validator', 147_600_823_680n],
    ]);
  });
});

describe('withoutTake', () => {
  it('floors take and rest separately', () => {
    expect(withoutTake(U96F32.fromInteger(100), DEFAULT_TAKE)).toEqual({ takeRao: 17n, restRao: 82n });
    expect(withoutTake(U96F32.fromInteger(100), 0)).toEqual({ takeRao: 0n, restRao: 100n });
  });
});

describe('a block, as a subnet strings its parts together', () => {
  const rao = fc.bigInt({ min: 10n ** 12n, max: 10n ** 16n });
  const anyWorld: fc.Arbitrary<World> = fc.record({
    blockEmissionRao: fc.bigInt({ min: 0n, max: 1_000_000_000n }),
    rootTaoRao: fc.bigInt({ min: 0n, max: TOTAL_SUPPLY_RAO }),
    taoWeight: fc.bigInt({ min: 0n, max: U64_MAX }),
    ownerCut: fc.integer({ min: 0, max: 65_535 }),
    minerBurned: fc.bigInt({ min: 0n, max: U96F32.one }),
    movingAlpha: fc.bigInt({ min: 0n, max: U96F32.one }),
    halvingBlocks: fc.integer({ min: 0, max: 500_000 }),
    other: fc.record({
      movingPrice: fc.bigInt({ min: 0n, max: 3n * U96F32.one }),
      minerBurned: fc.bigInt({ min: 0n, max: U96F32.one }),
      emissionEnabled: fc.constant(true),
    }),
  });
  const anySubnet = fc
    .record({
      taoRao: rao,
      alphaRao: rao,
      taoWeight: fc.bigInt({ min: 2n * 10n ** 16n, max: 98n * 10n ** 16n }),
      movingPrice: fc.bigInt({ min: 1n, max: U96F32.one }),
      alphaOutRao: rao,
    })
    .map(({ taoRao, alphaRao, taoWeight, ...change }) => newSubnet({ taoRao, alphaRao, taoWeight }, change));

  it('is to the rao what the fixed point makes of the pallet line by line', () => {
    fc.assert(
      fc.property(anySubnet, anyWorld, (start, world) => {
        let quick = start;
        let plain = start;
        for (let i = 0; i < 4; i++) {
          quick = quickBlock(quick, world);
          plain = plainBlock(plain, world);
          expect(quick).toEqual(plain);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('brings no more TAO than its emission, and accounts for all alpha but the floors', () => {
    fc.assert(
      fc.property(anySubnet, anyWorld, (before, world) => {
        const after = quickBlock(before, world);
        expect(after.pool.taoRao - before.pool.taoRao).toBeLessThanOrEqual(world.blockEmissionRao);
        const minted = after.pool.alphaRao + after.alphaOutRao - before.pool.alphaRao - before.alphaOutRao;
        // at most a block's alpha for participants, and as much again injected
        expect(minted).toBeLessThanOrEqual(2_000_000_000n);
        const pendings = epochEmission(after.pending) + after.pending.ownerCutRao;
        expect(pendings).toBeLessThanOrEqual(1_000_000_000n);
      }),
    );
  });
});
