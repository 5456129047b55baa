// What is signed with a last block ends there or before, on a young chain and where finality lags.
import { describe, expect, it } from 'vitest';
import type { ChainWriter } from '../../../src/chain/chain.js';
import { connectSubtensor } from '../../../src/chain/subtensor/connect.js';
import { transfer } from '../../../src/chain/subtensor/operations/balances.js';
import { devKeypair } from '../../../src/keys/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { startLocalnet } from './localnet-node.js';

describe('a signature with a last block', () => {
  // of the block wanted and the last one signed for; the figures of chain/era.ts
  it.each([
    [2, 5, [12, 11], [20, 19], [60, 35]],
    [2, 70, [75, 75], [120, 120], [140, 132]],
    [20, 70, [90, 90], [120, 114], [140, 134]],
  ])('where finality is %i blocks behind block %i ends there or before', async (lag, head, ...ends) => {
    const node = await startLocalnet({ finalityLagBlocks: lag });
    const chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
    while (node.localnet.head().number < head) node.localnet.produceBlock();
    const signed: [number, number | undefined][] = [];
    for (const [deathBlock] of ends as number[][]) {
      const stopped = new Error('signed');
      let death: number | undefined;
      const sending = chain.submit(node.root, transfer(devKeypair('to').address, 1_000_000n), {
        check: false,
        deathBlock: deathBlock!,
        onSigned: async (extrinsic) => {
          death = extrinsic.deathBlock;
          throw stopped;
        },
      });
      await expect(sending).rejects.toBe(stopped);
      signed.push([deathBlock!, death]);
    }
    expect(signed).toEqual(ends);
    await chain.close();
    await node.goDown();
  });
});

describe('bytes signed before', () => {
  it('are not waited for without end where no node can be asked for them', async () => {
    const node = await startLocalnet();
    const limits = { readRetryForMs: 100, reconnectMinMs: 1, reconnectMaxMs: 20 };
    const chain = await connectSubtensor({
      url: node.url,
      log: silentLog,
      clock: systemClock,
      limits,
    });
    const bytes: Parameters<ChainWriter['resend']>[0][] = [];
    await chain
      .submit(node.root, transfer(devKeypair('to').address, 1_000_000n), {
        check: false,
        onSigned: async (signed) => {
          bytes.push(signed);
          throw new Error('signed');
        },
      })
      .catch(() => {});
    await node.goDown();
    while (chain.status().state !== 'away') await new Promise((resolve) => setImmediate(resolve));
    await expect(chain.resend(bytes[0]!)).rejects.toMatchObject({ code: 'unreachable' });
    await chain.close();
  });
});
