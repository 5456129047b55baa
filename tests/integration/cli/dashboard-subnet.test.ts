import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ChainReader, connectSubtensor, type SubtensorReader } from '../../../src/chain/index.js';
import { createSubnetSource } from '../../../src/cli/dashboard/subnet-source.js';
import { createSubnetPage } from '../../../src/dashboard/subnet/page.js';
import { devKeypair } from '../../../src/keys/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { toNetuid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { ask } from '../../support/dashboard.js';
import { type LocalnetNode, startLocalnet } from '../chain/localnet-node.js';

const TAO = 1_000_000_000n;
const netuid = toNetuid(1);
const owner = devKeypair('owner-hot');
const validator = devKeypair('validator');

let node: LocalnetNode;
let chain: ChainReader & SubtensorReader;

async function land(
  name: string,
  args: Record<string, unknown>,
  pallet = 'SubtensorModule',
  signer = node.root.address,
) {
  // names and arguments are this file's own
  const receipt = node.localnet.submit({ pallet, name, args } as never, signer);
  node.localnet.produceBlock();
  const { error } = await receipt;
  if (error !== undefined) throw new Error(error);
}

beforeAll(async () => {
  node = await startLocalnet();
  chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
  await land('register_network', { hotkey: owner.address });
  await land('start_call', { netuid });
  await land('burned_register', { netuid, hotkey: validator.address });
  await land('add_stake', { hotkey: validator.address, netuid, amount_staked: 500n * TAO });
});
afterAll(async () => {
  await chain?.close();
  await node?.goDown();
});

test('the page of a subnet is what a chain says, with changes that come while it is watched', async () => {
  const source = createSubnetSource({ chain, netuid, clock: systemClock });
  await expect(ask(createSubnetPage(source))).resolves.toMatchObject({ status: 503 });
  await source.read();
  const before = source.version();
  const { view } = await source.current();
  const { subnet, hyperparameters } = view!.reading;
  expect(subnet.neurons).toHaveLength(2);
  expect(view!.reading.prices?.registrationRao).toBeGreaterThan(0n);
  expect(view!.reading.summary?.taoInRao).toBeGreaterThan(0n);
  expect(view!.agreement?.rows.size).toBe(0);
  expect(hyperparameters.find(({ entry }) => entry.name === 'tempo')?.entry).toMatchObject({ value: 360n });

  await land(
    'sudo',
    { call: { pallet: 'AdminUtils', name: 'sudo_set_tempo', args: { netuid, tempo: 123 } } },
    'Sudo',
  );
  await source.read();
  expect(source.version()).not.toBe(before);
  const after = (await source.current()).view!;
  // the cutoff is counted in tempos
  expect(after.changes).toEqual([
    { name: 'activity_cutoff', from: '5000', to: '1708', afterBlock: subnet.block, block: subnet.block + 1 },
    { name: 'tempo', from: '360', to: '123', afterBlock: subnet.block, block: subnet.block + 1 },
  ]);
  const { body } = await ask(createSubnetPage(source));
  expect(body.text).toContain('<code>tempo</code>');
  expect(body.text).toContain('2 changes seen since block');
});
