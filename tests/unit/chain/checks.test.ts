import { describe, expect, it } from 'vitest';
import { canPay, holdsAnyStake } from '../../../src/chain/subtensor/operations/checks.js';
import type { Operation, State } from '../../../src/chain/subtensor/operations/operation.js';
import { addStake, addStakeLimit } from '../../../src/chain/subtensor/operations/staking.js';

const COLD = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const HOT = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';

/** Whoever signs has this account; everything else is as a call wants it. */
const stateOf = (
  data: { free: number; reserved: number; frozen: number },
  apis: Record<string, unknown> = {},
): State => ({
  signer: COLD,
  byRoot: false,
  block: 1_000,
  has: () => true,
  get: async (item) => (item === 'System.Account' ? { data } : undefined),
  stored: async () => undefined,
  integer: async () => 0n,
  flag: async () => true,
  account: async () => COLD,
  api: async (name) => apis[name],
  constant: (_pallet, name) => ({ ExistentialDeposit: 500, InitialMinStake: 2_000 })[name],
});

describe('what an account can pay', () => {
  // reducible_balance of pallet_balances/src/impl_fungible.rs, Polite:
  // free - max(frozen - reserved, the existential deposit where the account must stay)
  it.each([
    [{ free: 10_000, reserved: 0, frozen: 0 }, false, 10_000n],
    [{ free: 10_000, reserved: 0, frozen: 0 }, true, 9_500n],
    [{ free: 10_000, reserved: 0, frozen: 4_000 }, true, 6_000n],
    [{ free: 10_000, reserved: 3_000, frozen: 4_000 }, false, 9_000n],
    [{ free: 10_000, reserved: 5_000, frozen: 4_000 }, false, 10_000n],
    [{ free: 10_000, reserved: 5_000, frozen: 4_000 }, true, 9_500n],
    [{ free: 100, reserved: 0, frozen: 4_000 }, false, 0n],
  ])('of %j, to be kept alive: %s, is %d', async (data, keepAlive, most) => {
    const state = stateOf(data);
    expect(await canPay(most, 'Short', keepAlive)(state)).toBeUndefined();
    expect(await canPay(most + 1n, 'Short', keepAlive)(state)).toMatchObject({ error: 'Short' });
  });
});

describe('what a stake needs', () => {
  const refusalsOf = async ({ checks }: Operation, state: State) =>
    (await Promise.all(checks.map((check) => check(state)))).flatMap((refusal) => refusal?.error ?? []);
  const poor = stateOf({ free: 3_000, reserved: 0, frozen: 0 });
  const limitPriceRao = 1n;

  it('is all of it, but where a price limit may leave a part: then the least stake', async () => {
    expect(await refusalsOf(addStake(7, HOT, 5_000n), poor)).toEqual(['NotEnoughBalanceToStake']);
    expect(await refusalsOf(addStakeLimit(7, HOT, 5_000n, { limitPriceRao }), poor)).toEqual([
      'NotEnoughBalanceToStake',
    ]);
    const partial = addStakeLimit(7, HOT, 5_000n, { limitPriceRao, allowPartial: true });
    expect(await refusalsOf(partial, poor)).toEqual([]);
    const poorer = stateOf({ free: 1_999, reserved: 0, frozen: 0 });
    expect(await refusalsOf(partial, poorer)).toEqual(['NotEnoughBalanceToStake']);
  });
});

describe('stake behind a hotkey', () => {
  const held = (...infos: readonly object[]) =>
    stateOf({ free: 0, reserved: 0, frozen: 0 }, { StakeInfoRuntimeApi_get_stake_info_for_coldkey: infos });
  const onRoot = { hotkey: HOT, netuid: 0, stake: 5 };

  it('counts where it is asked for, and behind this hotkey alone', async () => {
    const anywhere = holdsAnyStake(HOT, () => true);
    const alpha = holdsAnyStake(HOT, (netuid) => netuid !== 0);
    expect(await anywhere(held(onRoot))).toBeUndefined();
    expect(await alpha(held(onRoot))).toMatchObject({ error: 'NotEnoughStakeToWithdraw' });
    expect(await alpha(held(onRoot, { ...onRoot, netuid: 7 }))).toBeUndefined();
    expect(await anywhere(held({ ...onRoot, hotkey: COLD }))).toBeDefined();
    expect(await anywhere(held({ ...onRoot, stake: 0 }))).toBeDefined();
  });

  it('is not asked about where the chain does not tell', async () => {
    const silent = stateOf({ free: 0, reserved: 0, frozen: 0 });
    expect(await holdsAnyStake(HOT, () => true)(silent)).toBeUndefined();
  });
});
