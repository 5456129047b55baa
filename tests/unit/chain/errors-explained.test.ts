import { readFileSync } from 'node:fs';
import { Metadata, TypeRegistry } from '@polkadot/types';
import { describe, expect, it } from 'vitest';
import { adminUtils } from '../../../src/chain/codec/pallets/admin-utils.js';
import { subtensorErrors } from '../../../src/chain/codec/pallets/subtensor-errors.js';
import { ERRORS_EXPLAINED } from '../../../src/chain/errors-explained.js';
import { explain, explainInvalid, rejected, wouldReject } from '../../../src/chain/subtensor/errors.js';

describe('every refusal is explained', () => {
  it.each([
    ['SubtensorModule', subtensorErrors.map(([name]) => name)],
    ['AdminUtils', adminUtils.errors.map(([name]) => name)],
  ] as const)('of %s, as the localnet has it', (pallet, names) => {
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => ERRORS_EXPLAINED[pallet]?.[name] === undefined)).toEqual([]);
  });

  it('in two sentences', () => {
    for (const [pallet, table] of Object.entries(ERRORS_EXPLAINED))
      for (const [name, { means, remedy }] of Object.entries(table))
        for (const text of [means, remedy])
          expect(text, `${pallet}.${name}`).toMatch(/^[A-Z0-9a-z_].{8,}\.$/);
  });

  // metadata V16 of Subtensor's mainnet, spec 424; not part of the repository (CONTRIBUTING.md, Tests)
  const path = process.env.ASSAY_TEST_METADATA;
  if (!path) console.warn("skipped: no real chain's metadata; ASSAY_TEST_METADATA names its file");

  it.skipIf(!path)('of the main network, in the pallets that this client calls', () => {
    const registry = new TypeRegistry();
    const { asLatest } = new Metadata(registry, `0x${readFileSync(path!).toString('hex')}`);
    const missing: string[] = [];
    for (const pallet of asLatest.pallets) {
      const called = ['SubtensorModule', 'AdminUtils', 'Commitments', 'Balances', 'Swap', 'Sudo', 'Utility'];
      if (pallet.errors.isNone || !called.includes(pallet.name.toString())) continue;
      const { def } = asLatest.lookup.getSiType(pallet.errors.unwrap().type);
      for (const { name } of def.asVariant.variants)
        if (!ERRORS_EXPLAINED[pallet.name.toString()]?.[name.toString()])
          missing.push(`${pallet.name}.${name}`);
    }
    expect(missing).toEqual([]);
  });
});

describe('what a pool says', () => {
  it.each([
    // InvalidTransaction in SCALE: Payment, Stale, Custom(3), Custom(1) of a weights call, Custom(6) of a commit
    [[1], 'SubtensorModule.add_stake', 'Payment'],
    [[3], 'SubtensorModule.add_stake', 'Stale'],
    [[7, 3], 'SubtensorModule.add_stake', 'SubnetNotExists'],
    [[7, 1], 'SubtensorModule.commit_timelocked_weights', 'NotEnoughStakeToSetWeights'],
    [[7, 6], 'SubtensorModule.commit_mechanism_weights', 'CommittingWeightsTooFast'],
    [[7, 6], 'SubtensorModule.set_mechanism_weights', 'SettingWeightsTooFast'],
    [[7, 19], 'SubtensorModule.batch_commit_weights', 'HotKeyNotRegisteredInSubNet'],
    [[7, 200], 'SubtensorModule.add_stake', 'Custom(200)'],
    [[99], 'SubtensorModule.add_stake', 'InvalidTransaction(99)'],
  ])('%j to %s is %s', (bytes, call, error) => {
    expect(explainInvalid(Uint8Array.from(bytes), call).error).toBe(error);
  });

  it('every code of Subtensor’s own is explained under the name that it gets', () => {
    const names = Array.from({ length: 28 }, (_, code) =>
      explainInvalid(Uint8Array.of(7, code), 'Balances.transfer'),
    );
    expect(names.filter(({ means }) => means === undefined)).toEqual([]);
  });
});

describe('an error says what it means and what to do', () => {
  it('when the chain rejected a call', () => {
    expect(rejected('Balances.transfer_keep_alive', 'Token.FundsUnavailable')).toMatchObject({
      code: 'chain-rejected',
      message: 'the chain rejected Balances.transfer_keep_alive: Token.FundsUnavailable',
      data: {
        call: 'Balances.transfer_keep_alive',
        error: 'Token.FundsUnavailable',
        means: 'The account has too little balance.',
      },
    });
  });

  it('when nothing was signed, with the block in which it will do', () => {
    const error = wouldReject('SubtensorModule.set_weights', {
      error: 'SettingWeightsTooFast',
      detail: 'weights in subnet 7: last in block 100, once in 50 blocks',
      atBlock: 150,
    });
    expect(error.message).toBe(
      'SubtensorModule.set_weights was not sent, the chain would reject it: SettingWeightsTooFast ' +
        '(weights in subnet 7: last in block 100, once in 50 blocks; possible from block 150)',
    );
    expect(error.data).toMatchObject({ unsent: true, atBlock: 150, error: 'SettingWeightsTooFast' });
  });

  it('and nothing it does not know', () => {
    expect(explain('SomethingNew')).toEqual({ error: 'SomethingNew' });
    expect(explain('Module(9, 0x01000000)')).toEqual({ error: 'Module(9, 0x01000000)' });
  });
});
