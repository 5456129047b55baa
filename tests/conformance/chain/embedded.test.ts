import { describe, it } from 'vitest';
import { keypairFromUri, readyKeys } from '../../../src/keys/index.js';
import { createLocalnet } from '../../../src/localnet/index.js';
import { chainConformance } from '../../../src/testing/conformance/chain.js';
import { createEmbeddedChain } from '../../../src/testing/embedded-chain.js';

describe('chain: embedded twin of the client, in one process', () => {
  const cases = chainConformance(async () => {
    await readyKeys();
    const root = keypairFromUri('//Alice');
    const localnet = await createLocalnet({
      sudo: root.address,
      balances: [[root.address, 10n ** 15n]],
      manual: true,
    });
    const chain = createEmbeddedChain(localnet);
    return {
      chain,
      root,
      nextBlock: async () => {
        localnet.produceBlock();
      },
      close: () => chain.close(),
    };
  });
  for (const { name, run } of cases) it(name, run);
});
