import { beforeAll, expect, test } from 'vitest';
import type { Neuron, Subnet } from '../../../src/chain/chain.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import type { SessionParts } from '../../../src/protocol/session.js';
import { createHolders } from '../../../src/rollouts/holders.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';

beforeAll(readyKeys);

const neuron = (name: string, port: number, validatorPermit = false) =>
  ({
    hotkey: toHotkey(devKeypair(name).address),
    validatorPermit,
    axon: { ip: '127.0.0.1', port },
  }) as Neuron; // no more of it is looked at
const subnetOf = (...neurons: Neuron[]) => ({ neurons }) as unknown as Subnet;

test('a connection ends with its neuron’s registration, or address, and serves from window to window till then', () => {
  const [opened, closed]: [number[], number[]] = [[], []];
  const wire = {
    connect: ({ port }: { port: number }) => {
      opened.push(port);
      return { close: () => closed.push(port) };
    },
  } as unknown as SessionParts['wire'];
  const parts = { wire, keypair: devKeypair('self'), clock: createVirtualClock(), log: silentLog };
  const self = toHotkey(devKeypair('self').address);
  const holders = createHolders(
    { ...parts, random: createSeededRandom('holders') },
    { netuid: 1 as never, self },
  );
  const [miner, other, validator] = [neuron('miner', 1), neuron('other', 2), neuron('validator', 3, true)];
  const first = holders.of(miner.hotkey, subnetOf(neuron('self', 9), miner, other, validator));
  expect(opened).toEqual([1, 3, 2]);
  expect(holders.of(miner.hotkey, subnetOf(miner, other, validator))[0]).toBe(first[0]);
  expect(closed).toEqual([]);
  const { axon: _, ...silent } = validator;
  holders.of(miner.hotkey, subnetOf(miner, silent as Neuron));
  expect(closed.sort()).toEqual([2, 3]);
  holders.of(miner.hotkey, subnetOf(neuron('miner', 4)));
  expect(closed.sort()).toEqual([1, 2, 3]);
  holders.close();
  expect(closed.sort()).toEqual([1, 2, 3, 4]);
  expect(opened).toEqual([1, 3, 2, 4]);
});
