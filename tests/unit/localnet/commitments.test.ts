// What a hotkey publishes on a subnet (subtensor pallets/commitments/src/{lib,types}.rs).
import { describe, expect, it } from 'vitest';
import { commitments } from '../../../src/chain/codec/pallets/commitments.js';
import { type RuntimeCall, runtime, runtimeCall } from '../../../src/chain/codec/runtime.js';
import { decode, encode, type FieldsValue } from '../../../src/chain/codec/scale.js';
import { createLocalBeacon, roundAt, sealTimelocked } from '../../../src/chain/codec/timelock.js';
import { storageIndex } from '../../../src/chain/codec/weight-commits.js';
import { toHex, utf8 } from '../../../src/model/bytes.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { admin, type BlockWorld, createSubnetWorld } from '../../support/block-world.js';
import fc from '../../support/properties.js';

const S = runtime.SubtensorModule.storage;
const C = commitments.storage;
type Fields = FieldsValue<typeof commitments.calls.set_commitment.fields>['info']['fields'];

const commit = (fields: Fields, netuid = 1): RuntimeCall => ({
  pallet: 'Commitments',
  name: 'set_commitment',
  args: { netuid, info: { fields } },
});
const raw = (length: number): Fields[number] => ({
  type: `Raw${length}`,
  value: [new Uint8Array(length).fill(7)],
});
const stored = (world: BlockWorld) => world.state.get(C.CommitmentOf, 1, world.address('owner-hotkey'));

describe('a field of a commitment', () => {
  it.each([
    [{ type: 'None', value: [] }, '00'],
    [{ type: 'Raw0', value: [new Uint8Array()] }, '01'],
    [{ type: 'Raw2', value: [Uint8Array.of(0xab, 0xcd)] }, '03abcd'],
    [{ type: 'Sha256', value: [new Uint8Array(32).fill(1)] }, `83${'01'.repeat(32)}`],
    [
      { type: 'TimelockEncrypted', value: { encrypted: Uint8Array.of(9), reveal_round: 5n } },
      '8604090500000000000000',
    ],
    [{ type: 'ResetBondsFlag', value: [] }, '87'],
    [{ type: 'BigRaw', value: [Uint8Array.of(1, 2)] }, '88080102'],
  ] as const)('is written as the chain writes it: %o', (field, hex) => {
    // 18: the pallet, 0: the call, 0100: netuid 1, 04: one field
    expect(toHex(encode(runtimeCall, commit([field as Fields[number]])))).toBe(`1200010004${hex}`);
  });

  it('comes back as it was, at any length', () => {
    const field = fc.oneof(
      fc.integer({ min: 0, max: 128 }).map(raw),
      fc.uint8Array({ maxLength: 512 }).map((bytes): Fields[number] => ({ type: 'BigRaw', value: [bytes] })),
      fc
        .tuple(fc.uint8Array({ maxLength: 1024 }), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }))
        .map(([encrypted, reveal_round]): Fields[number] => ({
          type: 'TimelockEncrypted',
          value: { encrypted, reveal_round },
        })),
    );
    fc.assert(
      fc.property(fc.array(field, { maxLength: 3 }), (fields) => {
        const call = commit(fields);
        expect(decode(runtimeCall, encode(runtimeCall, call))).toEqual(call);
      }),
    );
  });

  it('too long, or one too many, or of an unknown tag is no call', () => {
    const tooMany = `12000100${(4 * 4).toString(16)}00000000`;
    for (const hex of [tooMany, '120001000489', `120001000488${'0508'}${'00'.repeat(513)}`])
      expect(() => decode(runtimeCall, Buffer.from(hex, 'hex'))).toThrow(RangeError);
  });
});

describe('a commitment', () => {
  it('is a registered hotkey’s, replaces the one before, and is told', async () => {
    const world = await createSubnetWorld();
    const who = world.address('owner-hotkey');
    expect(world.land('owner', commit([raw(3)])).error).toBe('Commitments.AccountNotAllowedCommit');
    world.land('owner-hotkey', commit([raw(3), raw(4)]));
    const { error, events } = world.land('owner-hotkey', commit([raw(5)]));
    expect(error).toBeUndefined();
    expect(events).toEqual([{ pallet: 'Commitments', name: 'Commitment', data: { netuid: 1, who } }]);
    expect(stored(world)).toEqual({ deposit: 0n, block: world.block(), info: { fields: [raw(5)] } });
    expect(world.state.get(C.LastCommitment, 1, who)).toBe(world.block());
  });

  it('takes at least 100 of 3100 bytes, given anew with each epoch', async () => {
    const world = await createSubnetWorld();
    world.asRoot(admin('sudo_set_tempo', { netuid: 1, tempo: 20 }));
    const who = world.address('owner-hotkey');
    const big: Fields[number] = { type: 'BigRaw', value: [new Uint8Array(500)] };
    expect(world.land('owner-hotkey', commit([])).error).toBeUndefined();
    expect(world.land('owner-hotkey', commit([big, big, big])).error).toBeUndefined();
    expect(world.land('owner-hotkey', commit([big, big, raw(128)])).error).toBeUndefined();
    const epoch = BigInt(world.state.get(S.SubnetEpochIndex, 1));
    const used = { last_epoch: epoch, used_space: 2728n };
    expect(world.state.get(C.UsedSpaceOf, 1, who)).toEqual(used);
    const before = stored(world);
    expect(world.land('owner-hotkey', commit([big])).error).toBe('Commitments.SpaceLimitExceeded');
    expect(stored(world)).toEqual(before);
    world.pass(world.state.get(S.LastEpochBlock, 1) + 20 - world.block());
    expect(world.land('owner-hotkey', commit([big])).error).toBeUndefined();
    const anew = { last_epoch: epoch + 1n, used_space: 500n };
    expect(world.state.get(C.UsedSpaceOf, 1, who)).toEqual(anew);
  });

  it('has the space that root gives', async () => {
    const world = await createSubnetWorld();
    const space: RuntimeCall = { pallet: 'Commitments', name: 'set_max_space', args: { new_limit: 99 } };
    expect(world.land('owner', space).error).toBe('BadOrigin');
    expect(world.asRoot(space).error).toBeUndefined();
    expect(world.land('owner-hotkey', commit([])).error).toBe('Commitments.SpaceLimitExceeded');
  });

  it('with the flag clears everybody’s bonds towards its hotkey, of every mechanism, where the subnet allows it', async () => {
    const world = await createSubnetWorld();
    const { state } = world;
    const rows = [
      [0, 5],
      [1, 6],
    ] as const;
    state.put(S.MechanismCountCurrent, [1], 2);
    const second = storageIndex(1, 1);
    for (const index of [1, second]) state.put(S.Bonds, [index, 3], rows);
    const flag = commit([{ type: 'ResetBondsFlag', value: [] }]);
    expect(world.land('owner-hotkey', flag).error).toBeUndefined();
    expect(state.get(S.Bonds, 1, 3)).toEqual(rows);
    expect(state.get(C.LastBondsReset, 1, world.address('owner-hotkey'))).toBe(world.block());
    world.asRoot(admin('sudo_set_bonds_reset_enabled', { netuid: 1, enabled: true }));
    world.land('owner-hotkey', flag);
    expect([state.get(S.Bonds, 1, 3), state.get(S.Bonds, second, 3)]).toEqual([[[1, 6]], [[1, 6]]]);
  });
});

describe('a time-locked commitment', () => {
  const beacon = createLocalBeacon('blocks');
  /** The round that the beacon publishes this many blocks from now, one a block. */
  const roundIn = (world: BlockWorld, blocks: number): number => {
    const { genesis_time, period } = world.state.get(runtime.Drand.storage.BeaconConfig);
    const now = Number(world.state.get(runtime.Timestamp.storage.Now));
    return roundAt({ genesisSeconds: genesis_time, periodSeconds: period }, now + blocks * 12_000);
  };
  const sealed = (text: string, round: number): Fields[number] => ({
    type: 'TimelockEncrypted',
    value: {
      encrypted: sealTimelocked(utf8(text), round, beacon.publicKey, createSeededRandom(text)),
      reveal_round: BigInt(round),
    },
  });

  it('is opened in the block after its round, and its other fields stay', async () => {
    const world = await createSubnetWorld();
    const who = world.address('owner-hotkey');
    const round = roundIn(world, 3);
    const { events } = world.land('owner-hotkey', commit([sealed('later', round), raw(2)]));
    const data = { netuid: 1, who, reveal_round: BigInt(round) };
    expect(events).toEqual([{ pallet: 'Commitments', name: 'TimelockCommitment', data }]);
    expect(world.state.get(C.TimelockedIndex)).toEqual([[1, who]]);
    world.pass(2);
    expect(world.state.get(C.RevealedCommitments, 1, who)).toBeUndefined();
    const revealed = world.pass(1);
    expect(revealed).toContainEqual({
      pallet: 'Commitments',
      name: 'CommitmentRevealed',
      data: { netuid: 1, who },
    });
    expect(world.state.get(C.RevealedCommitments, 1, who)).toEqual([[utf8('later'), BigInt(world.block())]]);
    expect(stored(world)?.info.fields).toEqual([raw(2)]);
    expect(world.state.get(C.TimelockedIndex)).toEqual([]);
  });

  it.each([
    ['junk', (bytes: Uint8Array) => bytes.fill(5)],
    // in place of U
    ['the point at infinity', (bytes: Uint8Array) => bytes.fill(0, 1, 96).fill(0xc0, 0, 1)],
  ])(
    'that does not open, for it is %s, is gone without a word, the empty commitment with it',
    async (_, spoil) => {
      const world = await createSubnetWorld();
      const who = world.address('owner-hotkey');
      const round = roundIn(world, 2);
      const spoilt = sealed('spoilt', round);
      if (spoilt.type === 'TimelockEncrypted') spoil(spoilt.value.encrypted);
      world.land('owner-hotkey', commit([spoilt]));
      world.pass(3);
      expect(stored(world)).toBeUndefined();
      expect(world.state.get(C.RevealedCommitments, 1, who)).toBeUndefined();
      expect(world.state.get(C.TimelockedIndex)).toEqual([]);
    },
  );

  it('is opened field by field, and the last ten reveals are kept', async () => {
    const world = await createSubnetWorld();
    const who = world.address('owner-hotkey');
    const old = Array.from({ length: 9 }, (_, i) => [Uint8Array.of(i), 1n] as const);
    world.state.put(C.RevealedCommitments, [1, who], old);
    const [first, second] = [roundIn(world, 2), roundIn(world, 5)];
    world.land('owner-hotkey', commit([sealed('one', first), sealed('two', second)]));
    world.pass(3);
    expect(stored(world)?.info.fields).toHaveLength(1);
    expect(world.state.get(C.TimelockedIndex)).toEqual([[1, who]]);
    world.pass(3);
    const reveals = world.state.get(C.RevealedCommitments, 1, who)!;
    expect(reveals).toHaveLength(10);
    expect(reveals.slice(-2).map(([opened]) => opened)).toEqual([utf8('one'), utf8('two')]);
    expect(reveals[0]?.[0]).toEqual(Uint8Array.of(1));
  });

  it('replaced by an open one leaves the index', async () => {
    const world = await createSubnetWorld();
    world.land('owner-hotkey', commit([sealed('never', 1_000_000)]));
    world.land('owner-hotkey', commit([raw(1)]));
    expect(world.state.get(C.TimelockedIndex)).toEqual([]);
  });
});
