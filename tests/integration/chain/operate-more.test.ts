// Each call of an operator once, on the localnet: what the chain then holds was read back by the operation itself.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChainOperator, ChainReader, ChainWriter, Operation } from '../../../src/chain/index.js';
import {
  addStake,
  addStakeBurn,
  asSudo,
  associateHotkey,
  batchCommitWeights,
  burnedRegister,
  connectSubtensor,
  decreaseTake,
  increaseTake,
  moveStake,
  registerNetwork,
  removeAllStake,
  removeStakeLimit,
  rootRegister,
  servePrometheus,
  setActivityCutoffFactor,
  setAutoStakeHotkey,
  setChainParameter,
  setChildkeyTake,
  setChildren,
  setCommitment,
  setHyperparameter,
  setIdentity,
  setMechanismCount,
  setMechanismEmissionSplit,
  setOwnerHotkey,
  setSubnetIdentity,
  setTempo,
  startCall,
  swapStake,
  transferAll,
  transferAllowingDeath,
  transferStake,
  triggerEpoch,
  trimUids,
  unstakeAll,
  unstakeAllAlpha,
} from '../../../src/chain/index.js';
import { commitTimelockedWeights, setWeights } from '../../../src/chain/subtensor/operations/weights.js';
import { devKeypair, type Keypair } from '../../../src/keys/keypair.js';
import { utf8 } from '../../../src/model/bytes.js';
import { systemClock } from '../../../src/model/clock.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { type LocalnetNode, startLocalnet } from './localnet-node.js';

const TAO = 1_000_000_000n;
let node: LocalnetNode;
let chain: ChainReader & ChainWriter & ChainOperator;
let netuid: number;
let second: number;
const owner = devKeypair('owner-hot');
const miner = devKeypair('miner');
const cold = devKeypair('cold');
const other = devKeypair('other');

const send = (signer: Keypair, operation: Operation) => node.land(chain.submit(signer, operation));
const founded = async (hotkey: string): Promise<number> => {
  const { events } = await send(node.root, registerNetwork(hotkey));
  return Number(events.find(({ name }) => name === 'NetworkAdded')?.data[0]);
};
const set = (name: string, value: bigint | boolean | string) =>
  send(node.root, asSudo(setHyperparameter(netuid, name, value)));

beforeAll(async () => {
  node = await startLocalnet();
  chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
  await send(node.root, asSudo(setChainParameter('network_rate_limit', 0n)));
  await send(node.root, asSudo(setChainParameter('admin_freeze_window', 0n)));
  await send(node.root, asSudo(setChainParameter('owner_hparam_rate_limit', 0n)));
  netuid = await founded(owner.address);
  second = await founded(devKeypair('second-owner').address);
  await send(node.root, startCall(netuid));
  await send(node.root, startCall(second));
  await set('weights_set_rate_limit', 0n);
  await set('serving_rate_limit', 0n);
  await node.land(chain.transfer(node.root, cold.address, 10_000n * TAO));
  await send(cold, burnedRegister(netuid, miner.address));
  await send(cold, burnedRegister(second, miner.address));
});
afterAll(async () => {
  await chain?.close();
  await node?.goDown();
});

describe('stake', () => {
  it('moves, swaps, changes hands, and is bought to be burned', async () => {
    await send(cold, addStake(netuid, miner.address, 500n * TAO));
    const move = { hotkey: miner.address, fromNetuid: netuid, toNetuid: second, alphaRao: 5n * TAO };
    await send(cold, swapStake(move));
    await send(cold, swapStake(move, { limitPriceRao: 1n, allowPartial: true }));
    await send(cold, moveStake({ ...move, toHotkey: owner.address }));
    await send(cold, transferStake({ ...move, toColdkey: other.address }));
    await send(cold, removeStakeLimit(netuid, miner.address, TAO, { limitPriceRao: 1n }));
    await send(cold, addStakeBurn(netuid, miner.address, TAO));
    await send(cold, removeAllStake(netuid, miner.address));
    await send(cold, unstakeAllAlpha(miner.address));
    await send(cold, addStake(netuid, miner.address, 50n * TAO));
    await send(cold, unstakeAll(miner.address));
  });

  it('that is not there is not moved', async () => {
    const move = { hotkey: miner.address, fromNetuid: netuid, toNetuid: second, alphaRao: 10n ** 15n };
    await expect(chain.submit(cold, swapStake(move))).rejects.toMatchObject({
      data: { error: 'NotEnoughStakeToWithdraw', unsent: true },
    });
    await expect(chain.submit(cold, swapStake({ ...move, toNetuid: netuid }))).rejects.toMatchObject({
      data: { error: 'SameNetuid', unsent: true },
    });
  });
});

describe('keys', () => {
  it('join root, have takes, children and an identity', async () => {
    await send(cold, addStake(0, miner.address, 10n * TAO));
    await send(cold, rootRegister(miner.address));
    await send(cold, decreaseTake(miner.address, 5000));
    await expect(chain.submit(cold, increaseTake(miner.address, 6000))).rejects.toMatchObject({
      data: { error: 'DelegateTxRateLimitExceeded', unsent: true },
    });
    await send(node.root, asSudo(setChainParameter('tx_delegate_take_rate_limit', 0n)));
    await send(cold, increaseTake(miner.address, 6000));
    await expect(chain.submit(cold, decreaseTake(miner.address, 7000))).rejects.toMatchObject({
      data: { error: 'DelegateTakeTooLow', unsent: true },
    });
    await send(cold, setChildkeyTake(netuid, miner.address, 1000));
    await send(cold, setChildren(netuid, miner.address, [{ hotkey: other.address, proportion: 2n ** 62n }]));
    await expect(chain.submit(cold, setChildren(netuid, miner.address, []))).rejects.toMatchObject({
      data: { error: 'TxRateLimitExceeded', unsent: true, atBlock: expect.any(Number) },
    });
    await send(cold, setIdentity({ name: 'ä 0x00', url: 'https://a.test' }));
    await send(cold, setAutoStakeHotkey(netuid, miner.address));
    await send(cold, associateHotkey(devKeypair('associated').address));
  });

  it('publish endpoints and commitments', async () => {
    await send(miner, servePrometheus(netuid, { ip: '10.0.0.1', port: 9090 }));
    await send(miner, setCommitment(netuid, [{ kind: 'raw', bytes: utf8('0x41') }, { kind: 'none' }]));
    await send(miner, setCommitment(netuid, [{ kind: 'sha2-256', hash: new Uint8Array(32).fill(7) }]));
    await send(miner, setCommitment(netuid, [{ kind: 'raw', bytes: new Uint8Array(300).fill(7) }]));
    await send(
      miner,
      setCommitment(netuid, [{ kind: 'timelocked', encrypted: new Uint8Array(99), revealRound: 10 ** 9 }]),
    );
  });
});

describe('balances', () => {
  it('go as far as they may', async () => {
    const purse = devKeypair('purse');
    await node.land(chain.transfer(node.root, purse.address, 3n * TAO));
    await send(purse, transferAllowingDeath(cold.address, TAO));
    await expect(chain.submit(purse, transferAllowingDeath(cold.address, 9n * TAO))).rejects.toMatchObject({
      data: { error: 'Token.FundsUnavailable', unsent: true },
    });
    await send(purse, transferAll(cold.address));
  });
});

describe('an owner', () => {
  it('sets schedule, identity, mechanisms', async () => {
    await send(node.root, setTempo(netuid, 360));
    await expect(chain.submit(node.root, setTempo(netuid, 400))).rejects.toMatchObject({
      data: { error: 'TxRateLimitExceeded', unsent: true },
    });
    await expect(chain.submit(node.root, setTempo(netuid, 5))).rejects.toMatchObject({
      data: { error: 'TempoOutOfBounds', unsent: true },
    });
    await send(node.root, setActivityCutoffFactor(netuid, 5000));
    await send(node.root, setSubnetIdentity(netuid, { name: 'one', logoUrl: 'https://a.test/logo' }));
    await set('max_allowed_uids', 64n);
    await send(node.root, setMechanismCount(netuid, 2));
    await send(node.root, setMechanismEmissionSplit(netuid, [60_000, 5535]));
    await expect(chain.submit(node.root, setMechanismCount(netuid, 9))).rejects.toMatchObject({
      data: { error: expect.any(String), unsent: true },
    });
    await send(node.root, setOwnerHotkey(netuid, owner.address));
    await expect(chain.submit(node.root, triggerEpoch(netuid))).rejects.toMatchObject({
      data: { error: 'DynamicTempoBlockedByCommitReveal', unsent: true },
    });
    await expect(chain.submit(miner, trimUids(netuid, 64))).rejects.toMatchObject({
      data: { error: 'BadOrigin' },
    });
  });

  it('sets hyperparameters, each read back', async () => {
    for (const [name, value] of [
      ['immunity_period', 100n],
      ['min_allowed_weights', 1n],
      ['rho', 11n],
      ['max_burn', 5n * TAO],
      ['min_burn', TAO / 10n],
      ['bonds_moving_average', 900_001n],
      ['bonds_penalty', 1n],
      ['commit_reveal_weights_interval', 2n],
      ['liquid_alpha_enabled', true],
      ['yuma3_enabled', true],
      ['toggle_transfer', false],
      ['recycle_or_burn', 'Recycle'],
      ['owner_immune_neuron_limit', 2n],
      ['burn_half_life', 100n],
      ['burn_increase_mult', 2n ** 64n],
      ['owner_cut_enabled', false],
      ['weights_version_key', 3n],
    ] as const)
      await send(node.root, setHyperparameter(netuid, name, value));
  });

  it('triggers an epoch, after which everything is frozen', async () => {
    await send(node.root, asSudo(setChainParameter('admin_freeze_window', 10n)));
    await send(node.root, setHyperparameter(netuid, 'commit_reveal_weights_enabled', false));
    await send(node.root, triggerEpoch(netuid));
    await expect(chain.submit(node.root, setHyperparameter(netuid, 'rho', 12n))).rejects.toMatchObject({
      data: { error: 'AdminActionProhibitedDuringWeightsWindow', unsent: true, atBlock: expect.any(Number) },
    });
    await send(node.root, asSudo(setChainParameter('admin_freeze_window', 0n)));
    for (let i = 0; i < 12; i++) node.localnet.produceBlock();
  });
});

describe('weights', () => {
  it('of a second mechanism are set, committed and sealed under its own index', async () => {
    const weights = [
      [0, 1],
      [1, 2],
    ] as const;
    await send(owner, setWeights({ netuid, mechanism: 1, weights, versionKey: 3n }));
    await set('commit_reveal_weights_enabled', true);
    await node.land(chain.commitWeights(owner, toNetuid(), new Uint8Array(32).fill(1), 1));
    const sealed = { bytes: new Uint8Array(700).fill(7), revealRound: 10 ** 9, version: 4 };
    await send(owner, commitTimelockedWeights({ netuid, mechanism: 1, ...sealed }));
    await send(owner, commitTimelockedWeights({ netuid, ...sealed }));
    expect(await chain.pendingCommits(toNetuid(), toHotkey(owner.address), undefined, 1)).toMatchObject([
      { kind: 'plain' },
      { kind: 'timelocked', revealRound: 10 ** 9 },
    ]);
    await expect(
      chain.submit(owner, commitTimelockedWeights({ netuid, ...sealed, version: 3 })),
    ).rejects.toMatchObject({ data: { error: 'IncorrectCommitRevealVersion', unsent: true } });
    await expect(chain.submit(owner, setWeights({ netuid, weights, versionKey: 3n }))).rejects.toMatchObject({
      data: { error: 'CommitRevealEnabled', unsent: true },
    });
  });

  it('committed for several subnets say where they failed', async () => {
    const hash = new Uint8Array(32).fill(2);
    const done = await send(
      owner,
      batchCommitWeights([
        { netuid, hash },
        { netuid: second, hash },
      ]),
    );
    expect(done.items).toMatchObject([{ ok: true }, { ok: false, error: 'HotKeyNotRegisteredInSubNet' }]);
  });

  const toNetuid = () => netuid as Parameters<typeof chain.commitWeights>[1]; // a u16 that the chain gave
});
