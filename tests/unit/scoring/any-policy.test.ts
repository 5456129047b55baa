import { expect, test } from 'vitest';
import { RESOURCES } from '../../../src/model/credit.js';
import { AssayError } from '../../../src/model/errors.js';
import { toColdkey, toHotkey } from '../../../src/model/ids.js';
import { accepted, REJECTIONS, rejected } from '../../../src/model/verdict.js';
import {
  createScoringState,
  deterrence,
  encodePolicy,
  type Facts,
  parsePolicy,
  payOf,
  readPolicy,
} from '../../../src/scoring/index.js';
import fc from '../../support/properties.js';

const SIGNER = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const HOTKEYS = ['a', 'b', 'c', 'd'].map(toHotkey);

/** Ends of a range and what is between, in millionths. */
const decimal = (min: number, max: number) =>
  fc
    .oneof(
      fc.constantFrom(min, max),
      fc.integer({ min: Math.round(min * 1e6), max: Math.round(max * 1e6) }).map((n) => n / 1e6),
    )
    .map((value) => value + 0);
const share = decimal(0, 1);
const part = decimal(0.000001, 1);
const prices = fc.dictionary(
  fc.constantFrom(...RESOURCES),
  fc.record({ of: fc.constantFrom(1, 1000, Number.MAX_SAFE_INTEGER), counts: decimal(0, 1e6) }),
  { minKeys: 1 },
);
const pools = fc
  .record({
    shares: fc.array(decimal(0, 0.3), { minLength: 3, maxLength: 3 }),
    proven: fc.record(
      {
        prices,
        simulatedPrices: prices,
        target: decimal(0.000001, 1e9),
        unfilled: fc.constantFrom('burn', 'spread'),
      },
      { requiredKeys: ['prices'] },
    ),
    others: fc.array(
      fc.record(
        { target: decimal(0.000001, 1e9), unfilled: fc.constantFrom('burn', 'spread') },
        { requiredKeys: [] },
      ),
      { minLength: 2, maxLength: 2 },
    ),
  })
  .map(({ shares, proven, others }) => [
    { name: 'proven', share: shares[0], ...proven },
    { name: 'tokens', share: shares[1], credit: 'rollouts', ...others[0] },
    { name: 'used', share: shares[2], credit: 'usage', ...others[1] },
  ]);
const boost = fc.record({ full: decimal(0.000001, 1e9), most: decimal(0, 10) });
const policies = fc.record(
  {
    format: fc.constant('assay-scoring-policy/1'),
    name: fc.constant('any'),
    burn: decimal(0, 0.1),
    pools,
    rented: fc.record({ signers: fc.constant([SIGNER]), idle: share }),
    rollouts: fc.record({ price: decimal(0, 1e6) }),
    memory: fc.record(
      {
        retain: decimal(0, 0.999),
        carryEpochs: fc.integer({ min: 0, max: 32 }),
        turnEpochs: fc.integer({ min: 0, max: 1024 }),
      },
      { requiredKeys: [] },
    ),
    pay: fc.oneof(
      fc.constant('linear'),
      fc.record({ exponent: fc.integer({ min: 1, max: 16 }).map((n) => n / 4) }),
    ),
    caps: fc.record(
      { slot: decimal(0, 1e9), hotkey: decimal(0, 1e9), coldkey: decimal(0, 1e9) },
      { requiredKeys: [] },
    ),
    uptime: fc.record({ rise: part, fall: part, floor: share }),
    probation: fc.record({ epochs: fc.integer({ min: 1, max: 4096 }), start: share }),
    quarantine: fc.record({
      reasons: fc.constant([REJECTIONS[0]!]),
      epochs: fc.integer({ min: 1, max: 4096 }),
    }),
    boost: fc.record({ stake: boost, collateral: boost }, { requiredKeys: [] }),
    audit: fc.record(
      {
        unitsPerWindow: fc.integer({ min: 1, max: 1e6 }),
        windows: part,
        vestedWindows: fc.integer({ min: 1, max: 4096 }),
        restartWindows: decimal(0, 4096),
      },
      { requiredKeys: ['unitsPerWindow'] },
    ),
  },
  { requiredKeys: ['format', 'name', 'burn', 'pools', 'rented', 'rollouts'] },
);
const amount = fc.oneof(
  fc.constantFrom(0, 1, Number.MAX_VALUE, 5e-324),
  fc.double({ min: 0, max: 1e16, noNaN: true }),
);
const outcomes = fc.array(
  fc.record({
    epoch: fc.integer({ min: 1, max: 4 }),
    miner: fc.constantFrom(...HOTKEYS),
    slot: fc.constantFrom(0, 1, 0xffff_ffff),
    isGood: fc.boolean(),
    simulated: fc.boolean(),
    byTurn: fc.boolean(),
    share: fc.oneof(fc.constantFrom(0, 2 ** -32, 1), fc.double({ min: 0, max: 10, noNaN: true })),
    credit: fc.dictionary(fc.constantFrom(...RESOURCES), amount),
  }),
  { maxLength: 12 },
);
const rao = fc.bigInt({ min: -1n, max: 21n * 10n ** 15n });
const facts = fc
  .array(
    fc.record({
      coldkey: fc.constantFrom('x', 'y'),
      registeredEpoch: fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined }),
      stakeRao: fc.option(rao, { nil: undefined }),
      collateralRao: fc.option(rao, { nil: undefined }),
      tokens: fc.constantFrom(0, 1, -1, 0.5, 1e9, Number.MAX_SAFE_INTEGER),
      used: fc.constantFrom(0, 1, 500_000, 1_000_000, 2_000_000, -1),
    }),
    { minLength: 4, maxLength: 4 },
  )
  .map(
    (all): Facts => ({
      owner: HOTKEYS[0]!,
      neurons: new Map(
        all.map(({ coldkey, tokens: _, used: __, ...rest }, i) => [
          HOTKEYS[i]!,
          { coldkey: toColdkey(coldkey), ...rest },
        ]),
      ),
      rollouts: new Map(all.map(({ tokens }, i) => [HOTKEYS[i]!, tokens])),
      usage: new Map(all.map(({ used }, i) => [HOTKEYS[i]!, new Map([[0, used]])])),
    }),
  );

test('any policy that is read pays any state: all of it and no more, and says whether lying pays', () => {
  fc.assert(
    fc.property(policies, outcomes, facts, (given, told, known) => {
      const policy = parsePolicy(given);
      expect(readPolicy(encodePolicy(policy))).toEqual(policy);
      const state = createScoringState(policy);
      for (const epoch of [1, 2, 4]) {
        for (const { isGood, credit, ...one } of told)
          if (one.epoch === epoch)
            state.outcome({
              ...one,
              event: `${epoch}`,
              kind: 'compute',
              paramsId: '00',
              verdict: isGood ? accepted : rejected(REJECTIONS[0]!),
              credit: isGood ? credit : {},
            });
        state.completed({ event: `${epoch}`, epoch });
        const { shares, burned, total, u16, pools: paid } = payOf(state, { epoch, facts: known });
        const parts = [...shares.values(), burned.explicit, burned.unfilled, burned.unproven];
        for (const each of parts) expect(each >= 0n).toBe(true);
        expect(parts.reduce((sum, each) => sum + each, 0n)).toBe(total);
        expect(Math.max(...u16.values())).toBe(65_535);
        for (const pool of paid)
          expect([pool.worth, pool.missed, pool.dilution].every(Number.isFinite)).toBe(true);
      }
      for (const { margin } of deterrence(policy).behaviours) expect(margin).not.toBeNaN();
    }),
    { numRuns: 80 },
  );
});

test('whatever JSON it is, a policy is read or refused, and nothing else', () => {
  const text = {
    format: 'assay-scoring-policy/1',
    name: 'any',
    burn: 0,
    pools: [{ name: 'all', share: 1, prices: { opsPerS: { of: 1, counts: 1 } } }],
  };
  const keys = fc.constantFrom(
    'burn',
    'pools',
    'memory',
    'pay',
    'caps',
    'uptime',
    'probation',
    'quarantine',
    'boost',
    'rented',
    'rollouts',
    'schedule',
    'audit',
    'name',
    '__proto__',
    'constructor',
  );
  fc.assert(
    fc.property(
      keys,
      fc.oneof(
        fc.jsonValue(),
        fc.array(
          fc.dictionary(fc.constantFrom('name', 'share', 'match', 'prices', 'toString'), fc.jsonValue()),
        ),
      ),
      (key, value) => {
        try {
          parsePolicy(JSON.parse(JSON.stringify({ ...text, [key]: value })));
        } catch (error) {
          expect(error).toBeInstanceOf(AssayError);
        }
      },
    ),
    { numRuns: 300 },
  );
});
