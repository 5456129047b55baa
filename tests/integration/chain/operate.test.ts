import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Signed } from '../../../src/chain/chain.js';
import { commitHash, storageIndex } from '../../../src/chain/codec/weight-commits.js';
import type { ChainOperator, ChainReader, ChainWriter } from '../../../src/chain/index.js';
import * as chainDoor from '../../../src/chain/index.js';
import { devKeypair } from '../../../src/keys/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { type Netuid, toHotkey, toUid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { type LocalnetNode, startLocalnet } from './localnet-node.js';

const {
  addStake,
  addStakeLimit,
  asSudo,
  batch,
  batchSetWeights,
  burnAlpha,
  burnedRegister,
  commitWeights,
  connectSubtensor,
  recycleAlpha,
  registerLimit,
  registerNetwork,
  removeStake,
  serveAxon,
  setChainParameter,
  setCommitment,
  setHyperparameter,
  setWeights,
  startCall,
  transfer,
} = chainDoor;

const TAO = 1_000_000_000n;
let node: LocalnetNode;
let chain: ChainReader & ChainWriter & ChainOperator;
let netuid: Netuid;
const owner = devKeypair('owner-hot');
const miner = devKeypair('miner');

const rootly = (name: string, value: bigint | boolean) =>
  node.land(chain.submit(node.root, asSudo(setHyperparameter(netuid, name, value))));

beforeAll(async () => {
  node = await startLocalnet();
  chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
  ({ netuid } = await node.land(chain.registerNetwork(node.root, toHotkey(owner.address))));
  await node.land(chain.submit(node.root, asSudo(setChainParameter('admin_freeze_window', 0n))));
  await rootly('commit_reveal_weights_enabled', false);
  await rootly('weights_set_rate_limit', 0n);
  await rootly('serving_rate_limit', 0n);
  await node.land(chain.submit(node.root, startCall(netuid)));
  await node.land(chain.submit(node.root, burnedRegister(netuid, miner.address)));
});
afterAll(async () => {
  await chain?.close();
  await node?.goDown();
});

describe('an operation', () => {
  it('is carried out, and its effect read back', async () => {
    const other = devKeypair('other');
    const done = await node.land(chain.submit(node.root, registerLimit(netuid, other.address, 5n * TAO)));
    expect(done.events.map(({ pallet, name }) => `${pallet}.${name}`)).toContain(
      'SubtensorModule.NeuronRegistered',
    );
    expect((await chain.subnet(netuid)).neurons.map(({ hotkey }) => hotkey)).toContain(other.address);
    await node.land(chain.submit(node.root, addStake(netuid, owner.address, 50n * TAO)));
    await node.land(chain.submit(miner, serveAxon(netuid, { ip: '10.0.0.9', port: 4001 })));
    await node.land(chain.submit(owner, setWeights({ netuid, weights: [[1, 3]], versionKey: 0n })));
    expect(await chain.weights(netuid, toUid(0))).toEqual([[1, 65_535]]);
  });

  it('is refused before it is signed, with the chain’s name, what it means and what to do', async () => {
    const stranger = devKeypair('stranger');
    const { number } = await chain.head();
    const refused = [
      [stranger, addStake(netuid, owner.address, TAO), 'NotEnoughBalanceToStake'],
      [node.root, addStake(netuid, stranger.address, TAO), 'HotKeyAccountNotExists'],
      [node.root, burnedRegister(4000, stranger.address), 'SubnetNotExists'],
      [node.root, burnedRegister(netuid, miner.address), 'HotKeyAlreadyRegisteredInSubNet'],
      [node.root, burnedRegister(0, stranger.address), 'RegistrationNotPermittedOnRootSubnet'],
      [node.root, registerLimit(netuid, stranger.address, 1n), 'RegistrationPriceLimitExceeded'],
      [node.root, transfer(stranger.address, 10_000_000n * TAO), 'Token.NotExpendable'],
      [node.root, startCall(netuid), 'FirstEmissionBlockNumberAlreadySet'],
      [stranger, setHyperparameter(netuid, 'immunity_period', 5n), 'BadOrigin'],
      [node.root, setHyperparameter(netuid, 'kappa', 5n), 'BadOrigin'],
      [stranger, asSudo(setHyperparameter(netuid, 'kappa', 5n)), 'RequireSudo'],
      [node.root, setHyperparameter(netuid, 'min_burn', 2n * TAO), 'ValueNotInBounds'],
      [node.root, setHyperparameter(netuid, 'max_allowed_uids', 1n), 'MaxAllowedUidsLessThanMinAllowedUids'],
      [node.root, setHyperparameter(4000, 'rho', 1n), 'SubnetDoesNotExist'],
      [stranger, serveAxon(netuid, { ip: '10.0.0.9', port: 4001 }), 'HotKeyNotRegisteredInNetwork'],
      [miner, serveAxon(netuid, { ip: '127.0.0.1', port: 4001 }), 'InvalidIpAddress'],
      [stranger, setWeights({ netuid, weights: [[0, 1]], versionKey: 0n }), 'HotKeyNotRegisteredInSubNet'],
      [miner, setWeights({ netuid, weights: [[0, 1]], versionKey: 0n }), 'NeuronNoValidatorPermit'],
      [
        owner,
        setWeights({
          netuid,
          weights: [
            [0, 1],
            [9, 1],
          ],
          versionKey: 0n,
        }),
        'UidVecContainInvalidOne',
      ],
      [
        owner,
        setWeights({ netuid, mechanism: 3, weights: [[1, 1]], versionKey: 0n }),
        'MechanismDoesNotExist',
      ],
      [owner, setWeights({ netuid: 0, weights: [[1, 1]], versionKey: 0n }), 'CanNotSetRootNetworkWeights'],
      [owner, commitWeights({ netuid }, new Uint8Array(32)), 'CommitRevealDisabled'],
      [stranger, setCommitment(netuid, [{ kind: 'none' }]), 'AccountNotAllowedCommit'],
    ] as const;
    for (const [signer, operation, error] of refused)
      await expect(node.land(chain.submit(signer, operation)), error).rejects.toMatchObject({
        code: 'chain-rejected',
        data: { error, unsent: true, means: expect.any(String), remedy: expect.any(String) },
      });
    expect(await node.localnet.rpc('author_pendingExtrinsics')).toEqual([]);
    expect((await chain.head()).number).toBe(number);
  });

  it('without the checks gets the chain’s own word, and the same explanation', async () => {
    const write = chain.submit(node.root, addStake(netuid, devKeypair('nobody').address, TAO), {
      check: false,
    });
    await expect(node.land(write)).rejects.toMatchObject({
      code: 'chain-rejected',
      data: { means: expect.any(String), remedy: expect.any(String) },
    });
  });

  it('waits for its rate limit, and says how long', async () => {
    await rootly('weights_set_rate_limit', 1000n);
    const { block } = await node.land(chain.submit(node.root, transfer(miner.address, TAO)));
    const { lastUpdate } = (await chain.subnet(netuid)).neurons[0]!;
    expect(block).toBeGreaterThan(lastUpdate);
    await expect(
      chain.submit(owner, setWeights({ netuid, weights: [[1, 1]], versionKey: 0n })),
    ).rejects.toMatchObject({ data: { error: 'SettingWeightsTooFast', atBlock: lastUpdate + 1000 } });
    await rootly('weights_set_rate_limit', 0n);
  });

  it('that the chain has in no form is unsupported, and says what is lacking', async () => {
    const newer = addStake(netuid, owner.address, TAO);
    await expect(
      chain.submit(node.root, { ...newer, args: { ...newer.args, tip_to_author: 1n } }),
    ).rejects.toMatchObject({ code: 'unsupported', data: { what: 'SubtensorModule.add_stake' } });
    await expect(chain.submit(node.root, { ...newer, args: { netuid } })).rejects.toMatchObject({
      code: 'unsupported',
      data: { why: expect.stringContaining('hotkey, amountStaked') },
    });
    await expect(chain.submit(node.root, { ...newer, name: 'add_steak' })).rejects.toMatchObject({
      code: 'unsupported',
      data: { why: 'it has no call SubtensorModule.add_steak' },
    });
  });
});

describe('stake', () => {
  it('goes in with a limit, and out again', async () => {
    const limitPriceRao = 1000n * TAO;
    await node.land(
      chain.submit(node.root, addStakeLimit(netuid, owner.address, 2n * TAO, { limitPriceRao })),
    );
    await node.land(chain.submit(node.root, removeStake(netuid, owner.address, TAO)));
    await node.land(chain.submit(node.root, recycleAlpha(netuid, owner.address, TAO)));
    await node.land(chain.submit(node.root, burnAlpha(netuid, owner.address, TAO)));
    await expect(
      chain.submit(node.root, removeStake(netuid, owner.address, 10n ** 15n)),
    ).rejects.toMatchObject({ data: { error: 'NotEnoughStakeToWithdraw', unsent: true } });
  });
});

describe('a batch', () => {
  it('says what became of each part', async () => {
    const poor = devKeypair('poor');
    const parts = [
      transfer(poor.address, TAO),
      transfer(miner.address, 10_000_000n * TAO),
      transfer(poor.address, TAO),
    ];
    const forced = await node.land(chain.submit(node.root, batch(parts, 'force'), { check: false }));
    expect(forced.items).toMatchObject([
      { ok: true },
      { ok: false, means: expect.any(String) },
      { ok: true },
    ]);
    expect(await chain.balanceRao(poor.address)).toBe(2n * TAO);

    const interrupted = await node.land(chain.submit(node.root, batch(parts, 'interrupt'), { check: false }));
    expect(interrupted.items).toMatchObject([{ ok: true }, { ok: false }, { ok: false, error: 'NotRun' }]);
    expect(await chain.balanceRao(poor.address)).toBe(3n * TAO);

    await expect(
      node.land(chain.submit(node.root, batch(parts, 'all'), { check: false })),
    ).rejects.toMatchObject({
      code: 'chain-rejected',
    });
    expect(await chain.balanceRao(poor.address)).toBe(3n * TAO);
  });

  it('of weights names the subnet that failed', async () => {
    const { netuid: second } = await registerSecond();
    const done = await node.land(
      chain.submit(
        owner,
        batchSetWeights([
          { netuid, weights: [[1, 7]], versionKey: 0n },
          { netuid: second, weights: [[0, 7]], versionKey: 0n },
        ]),
      ),
    );
    expect(done.items).toMatchObject([
      { label: `subnet ${netuid}`, ok: true },
      { label: `subnet ${second}`, ok: false, remedy: expect.any(String) },
    ]);
  });

  async function registerSecond() {
    await node.land(chain.submit(node.root, asSudo(setChainParameter('network_rate_limit', 0n))));
    const done = await node.land(chain.submit(node.root, registerNetwork(devKeypair('second').address)));
    const added = done.events.find(({ name }) => name === 'NetworkAdded');
    return { netuid: Number(added?.data[0]) };
  }
});

describe('sudo', () => {
  it('fails with the error of the call inside', async () => {
    const write = chain.submit(node.root, asSudo(setHyperparameter(netuid, 'max_allowed_uids', 1n)), {
      check: false,
    });
    await expect(node.land(write)).rejects.toMatchObject({
      code: 'chain-rejected',
      data: { error: expect.stringContaining('MaxAllowed'), remedy: expect.any(String) },
    });
  });
});

describe('a preview', () => {
  it('shows the call, what speaks against it, and sends nothing', async () => {
    const good = await chain.preview(node.root, transfer(miner.address, TAO));
    expect(good).toMatchObject({ call: 'Balances.transfer_keep_alive', refusals: [] });
    // pallet 5, call 3, MultiAddress::Id, compact 10^9
    expect(good.encoded).toMatch(/^0x050300[0-9a-f]{64}02286bee$/);
    expect(good.dryRun.by === 'none' || good.dryRun.ok).toBe(true);
    const bad = await chain.preview(node.root, burnedRegister(netuid, miner.address));
    expect(bad.refusals).toMatchObject([
      { error: 'HotKeyAlreadyRegisteredInSubNet', remedy: expect.any(String) },
    ]);
    expect(await node.localnet.rpc('author_pendingExtrinsics')).toEqual([]);
  });
});

describe('weights that are committed', () => {
  it('are in WeightCommits, and revealed in their epoch', async () => {
    await rootly('commit_reveal_weights_enabled', true);
    await rootly('tempo', 10n);
    const weights = [[1, 65_535]] as const;
    const reveal = { weights, salt: [1, 2, 3], versionKey: 0n };
    const row = { uids: [1], values: [65_535], salt: reveal.salt, versionKey: 0n };
    const hash = commitHash(owner.address, storageIndex(netuid), row);
    await node.land(chain.commitWeights(owner, netuid, hash));
    expect(await chain.pendingCommits(netuid, toHotkey(owner.address))).toMatchObject([
      { kind: 'plain', hash },
    ]);
    const { epochIndex } = await chain.subnet(netuid);
    while ((await chain.subnet(netuid)).epochIndex === epochIndex) node.localnet.produceBlock();
    await node.land(chain.revealWeights(owner, netuid, reveal));
    expect(await chain.pendingCommits(netuid, toHotkey(owner.address))).toEqual([]);
    await rootly('commit_reveal_weights_enabled', false);
  });
});

describe('a server key', () => {
  it('is kept with the axon, as the certificate says it', async () => {
    const serverKey = { algorithm: 1, publicKey: new Uint8Array(32).fill(3) };
    await node.land(chain.serveAxon(miner, netuid, { ip: '10.0.0.9', port: 4002, serverKey }));
    const neuron = (await chain.subnet(netuid)).neurons.find(({ hotkey }) => hotkey === miner.address);
    expect(neuron?.axon).toEqual({ ip: '10.0.0.9', port: 4002, serverKey });
  });
});

describe('what was signed before', () => {
  it('is found in its block, or sent again, and has its effect once', async () => {
    const kept: Signed[] = [];
    const onSigned = async (signed: Signed) => void kept.push(signed);
    const to = devKeypair('resent').address;
    const done = await node.land(chain.submit(node.root, transfer(to, TAO), { onSigned }));
    expect(await chain.resend(kept[0]!)).toEqual({
      block: done.block,
      blockHash: done.blockHash,
      extrinsicHash: done.extrinsicHash,
    });

    const stopped = async (signed: Signed) => {
      kept.push(signed);
      throw new Error('the power went');
    };
    await expect(chain.submit(node.root, transfer(to, TAO), { onSigned: stopped })).rejects.toThrow(
      'the power went',
    );
    expect(await chain.balanceRao(to)).toBe(TAO);
    await node.land(chain.resend(kept[1]!));
    await node.land(chain.resend(kept[1]!));
    expect(await chain.balanceRao(to)).toBe(2n * TAO);
  });

  it('is Stale when another extrinsic took its nonce', async () => {
    let kept: Signed | undefined;
    const stopped = async (signed: Signed) => {
      kept = signed;
      throw new Error('the power went');
    };
    const to = devKeypair('stale').address;
    await expect(chain.submit(node.root, transfer(to, TAO), { onSigned: stopped })).rejects.toThrow(
      'the power went',
    );
    await node.land(chain.submit(node.root, transfer(to, 2n * TAO)));
    await expect(node.land(chain.resend(kept!))).rejects.toMatchObject({
      code: 'chain-rejected',
      data: { error: 'Stale', remedy: expect.any(String) },
    });
    expect(await chain.balanceRao(to)).toBe(2n * TAO);
  });
});
