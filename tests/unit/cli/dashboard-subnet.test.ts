import { expect, test } from 'vitest';
import type { WeightRow } from '../../../src/chain/chain.js';
import { createSubnetSource, type SubnetChain } from '../../../src/cli/dashboard/subnet-source.js';
import { AssayError } from '../../../src/model/errors.js';
import { toNetuid } from '../../../src/model/ids.js';
import { neuronOf, subnetOf } from '../../support/dashboard-values.js';

const clock = { now: () => 0, sleep: async () => {} };
const unsupported = async (): Promise<never> => {
  throw new AssayError('unsupported', 'not on this node', { what: 'node', why: 'old' });
};

/** A chain whose validator has committed in block 900 of the epoch, and whose row is opened in block 910. */
function chainOf(commitRevealEnabled: boolean) {
  const at = { block: 905, reads: 0 };
  const neurons = [
    neuronOf(0, { validatorPermit: true, consensusStakeRao: 1n, lastUpdate: 900 }),
    neuronOf(1),
  ];
  const matrix = (): WeightRow[] => [at.block >= 910 || !commitRevealEnabled ? [[1, 65_535]] : [], []];
  const chain: SubnetChain = {
    info: async () => ({ name: 'values', blockTimeMs: 12_000 }) as never, // nothing else of it is asked
    head: async () => ({ number: at.block, hash: new Uint8Array(32) }) as never,
    subnet: async () => subnetOf(neurons, { block: at.block, commitRevealEnabled }),
    weightsMatrix: async () => {
      at.reads++;
      return matrix();
    },
    hyperparameters: unsupported,
    subnets: unsupported,
    prices: unsupported,
    rateLimits: unsupported,
    freezeWindow: unsupported,
  };
  const source = createSubnetSource({ chain, netuid: toNetuid(2), clock });
  const weightsAt = async (block: number) => {
    at.block = block;
    await source.read();
    const { weights, weightsBlock } = (await source.current()).view!.reading;
    return { given: weights![0]!.length, weightsBlock, reads: at.reads };
  };
  return { weightsAt };
}

test('rows that were opened are seen, though the chain says of no block that something was set', async () => {
  const { weightsAt } = chainOf(true);
  expect(await weightsAt(905)).toEqual({ given: 0, weightsBlock: 905, reads: 1 });
  expect(await weightsAt(929)).toEqual({ given: 0, weightsBlock: 905, reads: 1 });
  expect(await weightsAt(930)).toEqual({ given: 1, weightsBlock: 930, reads: 2 });
});

test('rows in the open are read again when somebody sets one, and not before', async () => {
  const { weightsAt } = chainOf(false);
  expect(await weightsAt(905)).toEqual({ given: 1, weightsBlock: 905, reads: 1 });
  expect(await weightsAt(999)).toEqual({ given: 1, weightsBlock: 999, reads: 1 });
});
