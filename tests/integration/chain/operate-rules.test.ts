// What an operation is judged by beforehand and afterwards, on a chain where others act too.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Signed } from '../../../src/chain/chain.js';
import type { ChainOperator, ChainReader, ChainWriter, SubtensorReader } from '../../../src/chain/index.js';
import * as chainDoor from '../../../src/chain/index.js';
import { devKeypair } from '../../../src/keys/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { type Netuid, toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { type LocalnetNode, startLocalnet } from './localnet-node.js';

const {
  addStake,
  asSudo,
  associateHotkey,
  batch,
  connectSubtensor,
  decreaseTake,
  increaseTake,
  removeStake,
  setChainParameter,
  startCall,
  transfer,
  unstakeAll,
  unstakeAllAlpha,
} = chainDoor;

const TAO = 1_000_000_000n;
let node: LocalnetNode;
let chain: ChainReader & SubtensorReader & ChainWriter & ChainOperator;
let netuid: Netuid;
const owner = devKeypair('owner-hot');
const nominator = devKeypair('nominator');

beforeAll(async () => {
  node = await startLocalnet();
  chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
  ({ netuid } = await node.land(chain.registerNetwork(node.root, toHotkey(owner.address))));
  await node.land(chain.submit(node.root, asSudo(setChainParameter('admin_freeze_window', 0n))));
  await node.land(chain.submit(node.root, startCall(netuid)));
  await node.land(chain.submit(node.root, transfer(nominator.address, 1000n * TAO)));
});
afterAll(async () => {
  await chain?.close();
  await node?.goDown();
});

describe('stake', () => {
  it('is there though another nominator takes away more in the same block', async () => {
    await node.land(chain.submit(nominator, addStake(netuid, owner.address, 100n * TAO)));
    const [held] = await chain.stakesOf(nominator.address);
    const total = await chain.alphaRao(toHotkey(owner.address), netuid);
    const [added, removed] = await node.land(
      Promise.all([
        chain.submit(node.root, addStake(netuid, owner.address, TAO)),
        chain.submit(nominator, removeStake(netuid, owner.address, held!.alphaRao / 2n)),
      ]),
      2,
    );
    expect(added.block).toBe(removed.block);
    expect(await chain.alphaRao(toHotkey(owner.address), netuid)).toBeLessThan(total);
  });

  it('of which there is none is not taken away', async () => {
    const nobody = devKeypair('no-nominator');
    await node.land(chain.submit(node.root, transfer(nobody.address, TAO)));
    for (const operation of [unstakeAll(owner.address), unstakeAllAlpha(owner.address)])
      await expect(node.land(chain.submit(nobody, operation))).rejects.toMatchObject({
        code: 'chain-rejected',
        data: { error: 'NotEnoughStakeToWithdraw', unsent: true },
      });
    await node.land(chain.submit(nominator, unstakeAll(owner.address)));
    expect((await chain.stakesOf(nominator.address)).filter(({ alphaRao }) => alphaRao > 0n)).toEqual([]);
  });
});

describe('a take', () => {
  // do_increase_take compares with Delegates::try_get alone; the default is the maximum, 11796
  it('may be set for the first time in either direction, and then only its own way', async () => {
    await node.land(chain.submit(node.root, increaseTake(owner.address, 5000)));
    await expect(node.land(chain.submit(node.root, increaseTake(owner.address, 5000)))).rejects.toMatchObject(
      {
        data: { error: 'DelegateTakeTooLow', unsent: true },
      },
    );
    await expect(node.land(chain.submit(node.root, decreaseTake(owner.address, 5000)))).rejects.toMatchObject(
      {
        data: { error: 'DelegateTakeTooLow', unsent: true },
      },
    );
  });
});

describe('a batch', () => {
  it('may use what its own earlier calls make possible', async () => {
    const fresh = devKeypair('fresh-hot').address;
    const parts = [associateHotkey(fresh), addStake(netuid, fresh, TAO)];
    await node.land(chain.submit(node.root, batch(parts, 'all')));
    expect(await chain.alphaRao(toHotkey(fresh), netuid)).toBeGreaterThan(0n);
  });

  it('is refused for its first call, and for what no state could change', async () => {
    const fresh = devKeypair('other-hot').address;
    const stake = addStake(netuid, fresh, TAO);
    await expect(
      node.land(chain.submit(node.root, batch([stake, stake], 'interrupt'))),
    ).rejects.toMatchObject({
      data: { error: 'HotKeyAccountNotExists', unsent: true },
    });
    const nothing = removeStake(netuid, owner.address, 0n);
    const parts = [transfer(fresh, TAO), nothing];
    await expect(node.land(chain.submit(node.root, batch(parts, 'all')))).rejects.toMatchObject({
      data: { error: 'AmountTooLow', unsent: true },
    });
  });

  it('by force is sent whatever speaks against its parts', async () => {
    const to = devKeypair('forced').address;
    const parts = [addStake(netuid, devKeypair('never').address, TAO), transfer(to, TAO)];
    const done = await node.land(chain.submit(node.root, batch(parts, 'force')));
    expect(done.items).toMatchObject([{ ok: false }, { ok: true }]);
    expect(await chain.balanceRao(to)).toBe(TAO);
  });
});

describe('what was signed', () => {
  it('says what a search needs, so that its bytes need not decode', async () => {
    const kept: Signed[] = [];
    const { number } = await chain.finalizedHead();
    const onSigned = async (signed: Signed) => void kept.push(signed);
    await node.land(chain.submit(node.root, transfer(nominator.address, TAO), { onSigned }));
    expect(kept).toMatchObject([{ birthBlock: number, call: 'Balances.transfer_keep_alive' }]);

    // as of a runtime whose types are gone; its era ended at block 3
    const { birthBlock: _, call: __, ...older } = kept[0]!;
    const past = { ...older, bytes: Uint8Array.of(4, 1, 2), deathBlock: 3 };
    await expect(chain.resend({ ...past, birthBlock: 1, call: 'Balances.transfer' })).rejects.toMatchObject({
      code: 'chain-rejected',
      data: { call: 'Balances.transfer', error: 'AncientBirthBlock' },
    });
    await expect(chain.resend(past)).rejects.toMatchObject({ code: 'invalid-input' });
  });
});
