// Each fault alone, on a chain in this process.
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeExtra, encodeSigned, mortalEra, signingPayload } from '../../../src/chain/codec/extrinsic.js';
import { type RuntimeCall, runtime, runtimeCall, runtimeVersion } from '../../../src/chain/codec/runtime.js';
import { encode } from '../../../src/chain/codec/scale.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { NO_ANSWER, NO_FAULTS, nonsenseOf, rejectionOf } from '../../../src/localnet/faults.js';
import { createLocalnet, type Localnet, type LocalnetOptions } from '../../../src/localnet/localnet.js';
import { nodeOf } from '../../../src/localnet/node.js';
import type { PoolStatus } from '../../../src/localnet/pool.js';
import { createRpc } from '../../../src/localnet/rpc.js';
import { fromHex, toHex } from '../../../src/model/bytes.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';

const TAO = 1_000_000_000n;
beforeAll(readyKeys);

async function chainOf(options: Partial<LocalnetOptions> = {}): Promise<Localnet> {
  const alice = devKeypair('alice').address;
  return createLocalnet({ sudo: alice, balances: [[alice, 1000n * TAO]], manual: true, ...options });
}
const blocks = (chain: Localnet, count: number): void => {
  for (let made = 0; made < count; made++) chain.produceBlock();
};
const remark: RuntimeCall = { pallet: 'System', name: 'remark', args: { remark: Uint8Array.of(1) } };
const setWeights: RuntimeCall = {
  pallet: 'SubtensorModule',
  name: 'set_weights',
  args: { netuid: 1, dests: [0], weights: [1], version_key: 0n },
};
const hashAt = (chain: Localnet, number: number): Promise<unknown> =>
  chain.rpc('chain_getBlockHash', [number]);

/** An extrinsic of Alice as a client signs it. */
async function signed(chain: Localnet, call: RuntimeCall, options: { spec?: number; period?: number } = {}) {
  const alice = devKeypair('alice');
  const { number, hash } = chain.head();
  const { period } = options;
  const era = period === undefined ? ({ type: 'immortal' } as const) : mortalEra(number, period);
  const nonce = (await chain.rpc('system_accountNextIndex', [alice.address])) as number;
  const extraBytes = encodeExtra({ era, nonce, tip: 0n, mode: 0 });
  const callBytes = encode(runtimeCall, call);
  const payload = signingPayload(callBytes, extraBytes, {
    specVersion: options.spec ?? runtimeVersion.spec_version,
    transactionVersion: runtimeVersion.transaction_version,
    genesisHash: chain.blockHash(0),
    eraHash: period === undefined ? chain.blockHash(0) : hash,
  });
  const signature = { type: 'Sr25519', value: [alice.sign(payload)] } as const;
  return encodeSigned({ address: { type: 'Id', value: [alice.address] }, signature, callBytes, extraBytes });
}

describe('stall', () => {
  it('makes no blocks by the clock until resumed', async () => {
    const clock = createVirtualClock();
    const chain = await chainOf({ manual: false, faults: true, blockTimeMs: 100, clock });
    const stop = new AbortController();
    await clock.runUntil(
      (async () => {
        const running = chain.run(stop.signal);
        await clock.sleep(250);
        expect(chain.head().number).toBe(2);
        await chain.rpc('dev_stall');
        await clock.sleep(1000);
        expect(chain.head().number).toBe(2);
        await chain.rpc('dev_resume');
        await clock.sleep(200);
        expect(chain.head().number).toBe(4);
        stop.abort();
        await running;
      })(),
    );
  });
});

describe('delayed inclusion', () => {
  it('lets so many blocks pass', async () => {
    const chain = await chainOf();
    await chain.rpc('dev_delayInclusion', [2]);
    const receipt = chain.submit(remark, devKeypair('alice').address);
    blocks(chain, 2);
    expect(await chain.rpc('author_pendingExtrinsics')).toHaveLength(1);
    blocks(chain, 1);
    expect((await receipt).block).toBe(3);
  });
});

describe('rejection', () => {
  it('is by name, with the code that was asked for, and ends when cleared', async () => {
    const chain = await chainOf();
    await chain.rpc('dev_reject', ['*.remark', 1012]);
    const bytes = await signed(chain, remark);
    expect(() => nodeOf(chain).submitBytes(bytes)).toThrow('Transaction is temporarily banned');
    await expect(chain.submit(remark, devKeypair('alice').address)).rejects.toThrow('1012');
    await chain.rpc('dev_clear');
    expect(nodeOf(chain).submitBytes(bytes).ready).toBe(true);
  });

  it('matches a * with any text, and otherwise exactly', () => {
    const call = { pallet: 'SubtensorModule', name: 'commit_timelocked_weights' };
    const refused = (pattern: string) =>
      rejectionOf({ rejections: [{ pattern, code: 1010, custom: 7 }] }, call) !== undefined;
    const matching = [
      '*',
      'SubtensorModule.*',
      '*.commit_*_weights',
      'SubtensorModule.commit_timelocked_weights',
    ];
    expect(matching.filter((pattern) => !refused(pattern))).toEqual([]);
    const others = ['commit_timelocked_weights', 'Subtensor', '*weights*weights', '*.set_*', '', 'System.*'];
    expect(others.filter(refused)).toEqual([]);
    const [rejection] = [rejectionOf({ rejections: [{ pattern: '*', code: 1010, custom: 7 }] }, call)];
    expect([rejection?.code, rejection?.message, rejection?.data]).toEqual([
      1010,
      'Invalid Transaction',
      'Custom error: 7',
    ]);
  });
});

describe('reorganisation', () => {
  it('replaces the last blocks by a longer branch with other hashes, and takes back what they did', async () => {
    const chain = await chainOf({ finalityLagBlocks: 4 });
    const bob = devKeypair('bob').address;
    const transfer: RuntimeCall = {
      pallet: 'Balances',
      name: 'transfer_keep_alive',
      args: { dest: { type: 'Id', value: [bob] }, value: TAO },
    };
    blocks(chain, 6);
    const receipt = chain.submit(transfer, devKeypair('alice').address);
    blocks(chain, 3);
    expect((await receipt).block).toBe(7);
    const before = await Promise.all([6, 7, 8, 9].map((number) => hashAt(chain, number)));
    expect(chain.finalized().number).toBe(5);

    await chain.rpc('dev_reorg', [3]);
    expect([chain.head().number, chain.finalized().number]).toEqual([10, 6]);
    const after = await Promise.all([6, 7, 8, 9].map((number) => hashAt(chain, number)));
    expect(after[0]).toBe(before[0]);
    for (const height of [1, 2, 3]) expect(after[height]).not.toBe(before[height]);
    expect(chain.query('System', 'Account', bob).data.free).toBe(0n);
    // the old block is known still, its state is not
    expect(await chain.rpc('chain_getHeader', [before[1]])).toMatchObject({ number: '0x7' });
    await expect(chain.rpc('state_getStorage', ['0x1234', before[1]])).rejects.toThrow('already discarded');

    chain.produceBlock();
    expect(chain.query('System', 'Account', bob).data.free).toBe(TAO);
  });

  it('never touches what is final', async () => {
    const chain = await chainOf({ finalityLagBlocks: 2 });
    await expect(chain.rpc('dev_reorg', [1])).rejects.toThrow('a block after the finalized one');
    blocks(chain, 5);
    await expect(chain.rpc('dev_reorg', [3])).rejects.toThrow('1 to 2 blocks');
    const final = chain.finalized();
    for (let round = 0; round < 5; round++) {
      await chain.rpc('dev_reorg', [2]);
      expect(chain.blockHash(final.number)).toEqual(final.hash);
    }
    expect(chain.head().number).toBe(10);
  });

  it('tells who watches an extrinsic that its block was retracted, and in which it is now', async () => {
    const chain = await chainOf();
    blocks(chain, 3);
    const statuses: PoolStatus['type'][] = [];
    nodeOf(chain).submitBytes(await signed(chain, remark), ({ type }) => void statuses.push(type));
    blocks(chain, 1);
    await chain.rpc('dev_reorg', [1]);
    blocks(chain, 1);
    expect(statuses).toEqual(['included', 'retracted', 'included']);
  });

  it('leaves nothing to watch of an extrinsic that is final or invalid', async () => {
    const chain = await chainOf();
    const { call } = createRpc(nodeOf(chain), { dev: false });
    const told: unknown[] = [];
    const session = { notify: (_: string, __: string, status: unknown) => void told.push(status) };
    const watch = async (options: { period?: number } = {}) => {
      const bytes = `0x${toHex(await signed(chain, remark, options))}`;
      return call('author_submitAndWatchExtrinsic', [bytes], session);
    };
    const [final, waiting] = [await watch(), call('chain_subscribeFinalizedHeads', [], session)];
    blocks(chain, 3);
    expect(told).toContainEqual({ finalized: `0x${toHex(chain.blockHash(1))}` });
    expect(call('author_unwatchExtrinsic', [final], session)).toBe(false);
    expect(call('chain_unsubscribeFinalizedHeads', [waiting], session)).toBe(true);
    await chain.rpc('dev_delayInclusion', [10]);
    const invalid = await watch({ period: 4 });
    blocks(chain, 4);
    expect(told.at(-1)).toBe('invalid');
    expect(call('author_unwatchExtrinsic', [invalid], session)).toBe(false);
  });

  it('invalidates what was signed over a block that is gone', async () => {
    const chain = await chainOf({ finalityLagBlocks: 5 });
    blocks(chain, 9);
    const statuses: PoolStatus['type'][] = [];
    const bytes = await signed(chain, remark, { period: 8 });
    nodeOf(chain).submitBytes(bytes, ({ type }) => void statuses.push(type));
    await chain.rpc('dev_reorg', [1]); // block 9 is the birth block: 8 is the largest multiple of the period
    expect(statuses).toEqual(['invalid']);
  });

  it('forgets what the old branch did, and does it on the new one', async () => {
    const chain = await chainOf({ finalityLagBlocks: 10 });
    const alice = devKeypair('alice').address;
    const register: RuntimeCall = {
      pallet: 'SubtensorModule',
      name: 'register_network',
      args: { hotkey: devKeypair('owner').address },
    };
    blocks(chain, 2);
    void chain.submit(register, alice);
    blocks(chain, 3);
    await chain.rpc('dev_reorg', [3]);
    expect(chain.query('SubtensorModule', 'TotalNetworks')).toBe(1);
    expect(chain.state().keys(runtime.SubtensorModule.storage.NetworksAdded)).toEqual([[0]]);
    chain.produceBlock();
    expect(chain.query('SubtensorModule', 'TotalNetworks')).toBe(2);
    expect(chain.query('SubtensorModule', 'SubnetOwner', 1)).toBe(alice);
  });
});

describe('an upgrade of the runtime', () => {
  it('raises the version from its block on, and moves a call', async () => {
    const chain = await chainOf();
    blocks(chain, 2);
    const old = await chain.rpc('state_getMetadata');
    expect(await chain.rpc('dev_upgradeRuntime')).toBe(runtimeVersion.spec_version + 1);
    blocks(chain, 1);
    const versionAt = async (number: number) =>
      ((await chain.rpc('state_getRuntimeVersion', [await hashAt(chain, number)])) as { specVersion: number })
        .specVersion;
    expect(await versionAt(2)).toBe(runtimeVersion.spec_version);
    expect(await versionAt(3)).toBe(runtimeVersion.spec_version + 1);
    expect(await chain.rpc('state_getMetadata', [await hashAt(chain, 2)])).toBe(old);
    const fresh = (await chain.rpc('state_getMetadata')) as string;
    expect(fresh).toContain(Buffer.from('LocalnetUpgradedAt').toString('hex'));
    expect(chain.events(3).map(({ event }) => event.name)).toContain('CodeUpdated');
  });

  it('refuses what was signed for the version before, and drops what waits', async () => {
    const chain = await chainOf();
    const statuses: PoolStatus['type'][] = [];
    await chain.rpc('dev_delayInclusion', [10]);
    nodeOf(chain).submitBytes(await signed(chain, remark), ({ type }) => void statuses.push(type));
    await chain.rpc('dev_clear');
    await chain.rpc('dev_delayInclusion', [10]);
    await chain.rpc('dev_upgradeRuntime');
    blocks(chain, 1);
    expect(statuses).toEqual(['invalid']);
    const stale = await signed(chain, remark);
    expect(() => nodeOf(chain).submitBytes(stale)).toThrow('Invalid Transaction');
    const fresh = await signed(chain, remark, { spec: runtimeVersion.spec_version + 1 });
    expect(nodeOf(chain).submitBytes(fresh).ready).toBe(true);
  });

  it('reads the calls of a client that kept the old metadata as others, or not at all', async () => {
    const chain = await chainOf();
    await chain.rpc('dev_upgradeRuntime');
    blocks(chain, 1);
    const spec = runtimeVersion.spec_version + 1;
    const stale = await signed(chain, setWeights, { spec });
    expect(() => nodeOf(chain).submitBytes(stale)).toThrow('Extrinsic has invalid format');
    const inside: RuntimeCall = { pallet: 'Sudo', name: 'sudo', args: { call: setWeights } };
    const nested = await signed(chain, inside, { spec });
    expect(() => nodeOf(chain).submitBytes(nested)).toThrow('Extrinsic has invalid format');
    // in this process nobody encodes: the same call is understood, and fails on its own merits
    const receipt = chain.submit({ ...inside }, devKeypair('alice').address);
    blocks(chain, 1);
    expect((await receipt).error).toBe('SubtensorModule.CommitRevealEnabled');
  });
});

describe('lag', () => {
  it('serves an old head that follows at a distance and never goes back', async () => {
    const chain = await chainOf();
    blocks(chain, 5);
    const served = async () => Number(((await chain.rpc('chain_getHeader')) as { number: string }).number);
    await chain.rpc('dev_lag', [3]);
    expect(await served()).toBe(5);
    const seen: number[] = [];
    for (let made = 0; made < 5; made++) {
      blocks(chain, 1);
      seen.push(await served());
    }
    expect(seen).toEqual([5, 5, 5, 6, 7]);
    expect(chain.head().number).toBe(10);
    expect(await hashAt(chain, 9)).toBeNull();
    expect(await chain.rpc('chain_getFinalizedHead')).toBe(await hashAt(chain, 7));
    await chain.rpc('dev_lag', [0]);
    expect(await served()).toBe(10);
  });
});

describe('nonsense', () => {
  it('is of the kind that was asked for', () => {
    const answer = (value: unknown) => () => value;
    expect(nonsenseOf('wrong-type', answer('0x1234'))).toEqual({ nonsense: true });
    expect(nonsenseOf('wrong-type', answer({ number: 1 }))).toBe('nonsense');
    expect(nonsenseOf('null', answer('0x1234'))).toBeNull();
    expect(nonsenseOf('truncated', answer('0x123456'))).toBe('0x12');
    expect(nonsenseOf('truncated', answer([1, 2, 3]))).toEqual([1]);
    expect(nonsenseOf('truncated', answer({ a: 1, b: 2 }))).toEqual({ a: 1 });
    expect(nonsenseOf('silence', answer('0x1234'))).toBe(NO_ANSWER);
    expect(() => nonsenseOf('error', answer(1))).toThrow('Internal error');
  });

  it('is answered by the method that was named, and by no dev method', async () => {
    const chain = await chainOf();
    await chain.rpc('dev_nonsense', ['chain_getHeader', 'null']);
    expect(await chain.rpc('chain_getHeader')).toBeNull();
    expect(await chain.rpc('system_chain')).toBe('Assay Localnet');
    await expect(chain.rpc('dev_nonsense', ['dev_clear'])).rejects.toThrow('no such method');
    await expect(chain.rpc('dev_nonsense', ['no_such'])).rejects.toThrow('no such method');
    await chain.rpc('dev_clear');
    expect(await chain.rpc('dev_faults')).toEqual(NO_FAULTS);
    expect(await chain.rpc('chain_getHeader')).toMatchObject({ number: '0x0' });
  });
});

describe('the dev methods', () => {
  it('are served when the localnet was told so, and in manual mode', async () => {
    const plain = await chainOf({ manual: false });
    await expect(plain.rpc('dev_stall')).rejects.toThrow('Method not found');
    const faulty = await chainOf({ manual: false, faults: true });
    expect(await faulty.rpc('dev_faults')).toEqual(NO_FAULTS);
    await expect(faulty.rpc('dev_newBlock')).rejects.toThrow('Method not found');
  });

  it('give TAO, each what was asked for', async () => {
    const chain = await chainOf();
    const bob = devKeypair('bob').address;
    await chain.rpc('dev_faucet', [bob, '5000000000']);
    await chain.rpc('dev_faucet', [bob, '7']);
    expect(chain.query('System', 'Account', bob).data.free).toBe(0n);
    blocks(chain, 1);
    expect(chain.query('System', 'Account', bob).data.free).toBe(5_000_000_007n);
    await expect(chain.rpc('dev_faucet', [bob, '0'])).rejects.toThrow('Invalid params');
    await expect(chain.rpc('dev_faucet', ['nobody', '1'])).rejects.toThrow('Invalid params');
  });

  it('make as many blocks as asked', async () => {
    const chain = await chainOf();
    const hash = await chain.rpc('dev_newBlock', [7]);
    expect(chain.head()).toEqual({ number: 7, hash: fromHex(hash as string) });
  });
});
