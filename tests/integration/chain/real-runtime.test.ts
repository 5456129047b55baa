import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Features } from '../../../src/chain/index.js';
import { type ChainFixture, chainConformance } from '../../../src/testing/conformance/chain.js';
import { isAssayError } from '../../../src/model/errors.js';
import { openRuntimeNode, type RuntimeChain, type RuntimeNode } from './runtime-node.js';

// `assay localnet start --runtime SPEC --manual` serves one (docs/decisions/0008-real-runtime.md)
const url = process.env.ASSAY_TEST_RUNTIME_URL;
if (!url) console.warn('skipped: no real Subtensor runtime; ASSAY_TEST_RUNTIME_URL names its node');

const TAO = 1_000_000_000n;
const cases = () => chainConformance(async () => fixtureOf(node));
let node: RuntimeNode;
const fixtureOf = async (on: RuntimeNode): Promise<ChainFixture> => {
  await on.rewind();
  const chain = await on.connect();
  return { chain: withOlderWays(chain, on), root: on.root, nextBlock: () => on.newBlocks(1), close: chain.close };
};

/** What this runtime has not, needs no switching off and no starting. */
function withOlderWays(chain: RuntimeChain, on: RuntimeNode): RuntimeChain {
  const optional = new Set(['sudo_set_yuma3_enabled', 'sudo_set_admin_freeze_window']);
  return {
    ...chain,
    async registerNetwork(...args) {
      const landed = await chain.registerNetwork(...args);
      const pool = [[[landed.netuid], (1000n * TAO).toString()]];
      await on.set({ SubtensorModule: { SubnetTAO: pool, SubnetAlphaIn: pool } });
      return landed;
    },
    async startCall(...args) {
      try {
        return await chain.startCall(...args);
      } catch (error) {
        if (isAssayError(error, 'unsupported')) return undefined as never;
        throw error;
      }
    },
    async sudo(root, call) {
      try {
        return await chain.sudo(root, call);
      } catch (error) {
        if (optional.has(call.call) && isAssayError(error, 'chain-unknown')) return undefined as never;
        throw error;
      }
    },
  };
}

describe.skipIf(!url)('the chain’s conformance on a real runtime', () => {
  beforeAll(async () => {
    node = await openRuntimeNode(url!);
  });
  for (const { name, run } of cases()) it(name, run);
});
