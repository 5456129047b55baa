// The miner's walk on an embedded chain: listen, announce, admit, and leave nothing behind.
import { beforeAll, describe, expect, test } from 'vitest';
import type { Axon } from '../../../src/chain/chain.js';
import { devKeypair, type Keypair, readyKeys } from '../../../src/keys/keypair.js';
import { runMiner } from '../../../src/miner/miner.js';
import { noReceipts } from '../../../src/miner/receipts.js';
import type { Slot } from '../../../src/miner/slot.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { VERSION } from '../../../src/model/version.js';
import { dial } from '../../../src/protocol/dial.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';
import { TOY_PARAMS_ID } from '../../support/toy-kind.js';

beforeAll(readyKeys);

const idle = (index: number): Slot => ({
  claim: { index, worker: 'host-1', kind: 'toy', paramsId: TOY_PARAMS_ID },
  start: () => new Promise(() => {}),
});

async function mining(setting: { registered?: boolean; slots?: readonly Slot[]; listed?: boolean }) {
  const { registered = true, slots = [idle(0), idle(1)], listed = false } = setting;
  const clock = createVirtualClock();
  const stop = new AbortController();
  const wire = createLoopback({ clock });
  const keypair = devKeypair('miner');
  const validator = devKeypair('validator');
  const stranger = devKeypair('stranger');
  const served: Axon[] = [];
  const state = subnet([
    neuron(0),
    neuron(1, { hotkey: toHotkey(validator.address), validatorPermit: true }),
    ...(registered ? [neuron(2, { hotkey: toHotkey(keypair.address) })] : []),
  ]);
  let address: { host: string; port: number } | undefined;
  const running = runMiner(
    {
      reader: {
        subnet: async () => state,
        head: async () => ({ number: 140, hash: new Uint8Array(32) }),
        watchHeads: (_onHead: unknown, signal: AbortSignal) =>
          new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
      } as never, // what a miner asks of a chain
      writer: {
        async serveAxon(_hotkey, _netuid, axon) {
          served.push(axon);
          return { block: 141, blockHash: new Uint8Array(32), extrinsicHash: new Uint8Array(32) };
        },
      },
      wire,
      keypair,
      clock,
      random: createSeededRandom('miner'),
      log: silentLog,
      receipts: noReceipts,
      slots,
    },
    {
      netuid: NETUID,
      host: '127.0.0.1',
      port: 8091,
      announceIp: '127.16.0.1',
      ...(listed ? { listed: new Set([toHotkey(stranger.address)]) } : {}),
    },
    stop.signal,
    (at) => {
      address = at;
    },
  );
  const describeAs = (caller: Keypair) => {
    const parts = { wire, keypair: caller, clock, log: silentLog, random: createSeededRandom('caller') };
    const at = { host: '127.0.0.1', port: 8091 };
    return dial(parts, { address: at, hotkey: toHotkey(keypair.address), netuid: NETUID }).describe();
  };
  const turns = () => clock.runUntil(clock.sleep(1));
  return { running, stop, clock, served, describeAs, validator, stranger, turns, address: () => address };
}

describe('a miner', () => {
  test('announces where it listens, says what it claims to whom the chain permits, and ends when told', async () => {
    const { running, stop, clock, served, describeAs, validator, stranger, turns, address } = await mining(
      {},
    );
    await turns();
    expect(address()).toMatchObject({ host: '127.0.0.1', port: 8091 });
    expect(served).toEqual([{ ip: '127.16.0.1', port: 8091 }]);
    const { version, kinds, slots } = await clock.runUntil(describeAs(validator));
    expect([version, kinds, slots.map(({ index }) => index)]).toEqual([VERSION, ['toy'], [0, 1]]);
    await expect(clock.runUntil(describeAs(stranger))).rejects.toMatchObject({ code: 'permission-denied' });
    stop.abort();
    await clock.runUntil(running);
    await expect(clock.runUntil(describeAs(validator))).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('admits whom the operator listed', async () => {
    const { running, stop, clock, describeAs, stranger, turns } = await mining({ listed: true });
    await turns();
    expect((await clock.runUntil(describeAs(stranger))).slots).toHaveLength(2);
    stop.abort();
    await clock.runUntil(running);
  });

  test('that is not registered rejects, and its port is closed by then', async () => {
    const { running, clock, describeAs, validator } = await mining({ registered: false });
    await expect(clock.runUntil(running)).rejects.toMatchObject({ code: 'chain-unknown' });
    await expect(clock.runUntil(describeAs(validator))).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('with two slots of one index is refused before it listens', async () => {
    const { running, clock, describeAs, validator } = await mining({ slots: [idle(3), idle(3)] });
    await expect(running).rejects.toMatchObject({
      code: 'invalid-input',
      data: { what: 'slot index', expected: 'each index once', got: '3 (11111111)' },
    });
    await expect(clock.runUntil(describeAs(validator))).rejects.toMatchObject({ code: 'unreachable' });
  });
});
