import { describe, expect, it } from 'vitest';
import { type CommitmentField, setCommitment } from '../../../src/chain/subtensor/operations/commitments.js';
import { increaseTake } from '../../../src/chain/subtensor/operations/delegation.js';
import type { Operation, Refusal, State } from '../../../src/chain/subtensor/operations/operation.js';

const COLD = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const HOT = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';

/** Items by name and keys, as a runtime of its time keeps them; what is not named has its default 0. */
function stateOf(items: Record<string, bigint>, constants: Record<string, unknown> = {}): State {
  const at = (item: string, keys: readonly unknown[]) => items[`${item} ${JSON.stringify(keys)}`];
  return {
    signer: COLD,
    byRoot: false,
    block: 1_000,
    has: (item) => Object.keys(items).some((key) => key.startsWith(`${item} `)),
    get: async (item, ...keys) => at(item, keys),
    stored: async (item, ...keys) => at(item, keys),
    integer: async (item, ...keys) => at(item, keys) ?? 0n,
    flag: async () => false,
    account: async () => COLD,
    api: async () => undefined,
    constant: (pallet, name) => constants[`${pallet}.${name}`],
  };
}

async function refusalOf(operation: Operation, state: State): Promise<Refusal | undefined> {
  const found = await Promise.all(operation.checks.map((check) => check(state)));
  return found.find((refusal) => refusal !== undefined);
}

describe('checks on older runtimes', () => {
  const take = { [`Delegates ["${HOT}"]`]: 6_000n, 'MaxDelegateTake []': 11_796n };
  const limit = { 'TxDelegateTakeRateLimit []': 216_000n };

  // seen on the runtime of spec 218: LastTxBlockDelegateTake of the coldkey, nothing under the hotkey
  it.each([
    ['the coldkey', COLD],
    ['the hotkey', HOT],
  ])('finds when a take was raised, where the runtime noted it under %s', async (_, key) => {
    const state = stateOf({ ...take, ...limit, [`LastTxBlockDelegateTake ["${key}"]`]: 900n });
    expect(await refusalOf(increaseTake(HOT, 7_000), state)).toMatchObject({
      error: 'DelegateTxRateLimitExceeded',
      // one block longer than other limits
      atBlock: 900 + 216_000 + 1,
    });
  });

  it('reads LastRateLimitedBlock alone where the runtime has it', async () => {
    const items = { [`LastRateLimitedBlock [{"LastTxBlockDelegateTake":"${HOT}"}]`]: 0n };
    const older = { [`LastTxBlockDelegateTake ["${HOT}"]`]: 900n };
    const state = stateOf({ ...take, ...limit, ...older, ...items });
    expect(await refusalOf(increaseTake(HOT, 7_000), state)).toBeUndefined();
  });

  const raw: CommitmentField = { kind: 'raw', bytes: Uint8Array.of(1) };
  const registered = { [`Uids [7,"${COLD}"]`]: 3n };

  it.each([
    [1, { error: 'TooManyFieldsInCommitmentInfo', detail: '2 fields, this chain takes 1' }],
    [3, undefined],
    [undefined, undefined],
  ])('holds commitments to the runtime’s MaxFields (%s)', async (most, refusal) => {
    const state = stateOf(registered, { 'Commitments.MaxFields': most });
    expect(await refusalOf(setCommitment(7, [raw, raw]), state)).toEqual(refusal);
  });
});
