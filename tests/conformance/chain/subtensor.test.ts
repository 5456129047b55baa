import { describe, it } from 'vitest';
import { connectSubtensor } from '../../../src/chain/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { chainConformance } from '../../../src/testing/conformance/chain.js';
import { startLocalnet } from '../../integration/chain/localnet-node.js';

describe('chain: subtensor client on the embedded localnet', () => {
  const cases = chainConformance(async () => {
    const node = await startLocalnet();
    const chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
    return {
      chain,
      root: node.root,
      nextBlock: async () => {
        node.localnet.produceBlock();
      },
      async close() {
        await chain.close();
        await node.goDown();
      },
    };
  });
  for (const { name, run } of cases) it(name, run);
});
