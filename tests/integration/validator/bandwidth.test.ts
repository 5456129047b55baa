// A round of the bandwidth proof from door to door: real sessions over the loopback, virtual links, a clock that jumps.
import { setMaxListeners } from 'node:events';
import { beforeAll, expect, test } from 'vitest';
import type { Head } from '../../../src/chain/chain.js';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { fromAddress } from '../../../src/keys/ss58.js';
import { createEventCheck } from '../../../src/miner/event-check.js';
import { createLocalSlot } from '../../../src/miner/slot.js';
import { toColdkey, toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { verdictToString } from '../../../src/model/verdict.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import type { MinerPeer } from '../../../src/protocol/session.js';
import { createVirtualNetwork } from '../../../src/testing/devices/links.js';
import { createVirtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.js';
import type { OutcomeEntry } from '../../../src/validator/ledger/entries.js';
import { runEvent } from '../../../src/validator/round.js';
import { paramsId } from '../../../src/verification/checked-params.js';
import { paramsByClass } from '../../../src/verification/kinds/bandwidth/params.js';
import { bandwidthProof } from '../../../src/verification/kinds/index.js';
import { eventAt, keptLedger, servedMiner } from '../../support/one-event.js';
import { bytes32 } from '../../support/sessions.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

beforeAll(readyKeys);

const params = paramsByClass('paced')!;
const EPOCH_BLOCK = 100;
const EVENT_BLOCK = 104;
const hashOf = (block: number) => bytes32(`the block ${block}`);

test('a round of five hosts credits each its link, both ways, and what one session cannot show alone', async () => {
  const clock = createVirtualClock();
  const { outcomes, entries } = await clock.runUntil(round(clock, { miners: 5, anchors: 0 }));
  expect(outcomes.map(({ verdict }) => verdictToString(verdict))).toEqual(new Array(5).fill('accepted'));
  for (const { credit, share } of outcomes) {
    // a tenth of the window is the reserve for the way back
    expect(credit.downBytesPerS).toBeGreaterThan(0.8 * 2e6);
    expect(credit.downBytesPerS).toBeLessThanOrEqual(2e6);
    expect(credit.upBytesPerS).toBeGreaterThan(0.8 * 2e6);
    expect(credit.upBytesPerS).toBeLessThanOrEqual(2e6);
    expect(share).toBeGreaterThan(0.8);
  }
  const kinds = entries[0].session.frames.map(({ from, kind }) => `${from} ${kind}`);
  expect(kinds).toEqual([
    'validator arm',
    'miner ready',
    'validator go',
    'miner commit',
    'validator open',
    'miner opening',
  ]);
});

test("a validator's own sources make a round of hosts that are too few by themselves", async () => {
  const clock = createVirtualClock();
  const { outcomes } = await clock.runUntil(round(clock, { miners: 2, anchors: 2 }));
  expect(outcomes.map(({ verdict }) => verdictToString(verdict))).toEqual(['accepted', 'accepted']);
  for (const { credit } of outcomes) {
    expect(credit.downBytesPerS).toBeGreaterThan(0.8 * 2e6);
    expect(credit.upBytesPerS).toBeUndefined(); // one receiver each says nothing
  }
});

async function round(clock: VirtualClock, { miners, anchors }: { miners: number; anchors: number }) {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // five miners in one process
  const wire = createLoopback({ clock });
  const network = createVirtualNetwork({ clock });
  const reader = {
    subnet: async () => subnet([], { lastEpochBlock: EPOCH_BLOCK }),
    blockHash: async (block: number) => hashOf(block),
  };
  const events = createEventCheck({ reader, clock, log: silentLog }, { netuid: NETUID });
  const peers = new Map<string, MinerPeer>();
  const validator = devKeypair('validator');
  const neurons = [neuron(0)];
  for (let i = 1; i <= miners; i++) {
    const link = network.host({ address: '127.0.0.1', upBytesPerS: 2e6, downBytesPerS: 2e6, latencyMs: 5 });
    const slot = createLocalSlot(
      {
        compute: createReferenceCompute(),
        link,
        kind: bandwidthProof,
        params,
        paramsId: paramsId(params),
        clock,
      },
      { index: 0, worker: 'host-1' },
    );
    const name = `miner-${i}`;
    const miner = await servedMiner(
      { slots: [slot], netuid: NETUID, events, clock, wire, name },
      stop.signal,
    );
    peers.set(miner.hotkey, miner.peer(validator));
    const axon = { ip: miner.address.host, port: miner.address.port };
    neurons.push(
      neuron(i, { hotkey: miner.hotkey, coldkey: toColdkey(devKeypair(`coldkey-${i}`).address), axon }),
    );
  }
  const { entries, ledger } = keptLedger();
  const basis = hashOf(EPOCH_BLOCK);
  const go = (async () => {
    for (let number = EPOCH_BLOCK; ; number++) {
      const head = { number, hash: hashOf(number) } as Head;
      events.onHead(head);
      if (number === EVENT_BLOCK) return { hash: head.hash, seenAt: clock.monotonic() };
      await clock.sleep(250);
    }
  })();
  const outcomes = await runEvent(
    {
      peerOf: ({ hotkey }) => peers.get(hotkey)!,
      publicKeyOf: fromAddress,
      kinds: { bandwidth: bandwidthProof },
      claims: new Map(),
      ledger,
      clock,
      random: createSeededRandom('validator'),
      ownDelay: { observe: () => () => 0 },
      anchors: Array.from({ length: anchors }, () => ({
        address: '127.0.0.9',
        devices: {
          compute: createReferenceCompute(),
          link: network.host({ address: '127.0.0.9', upBytesPerS: 9e6, downBytesPerS: 9e6 }),
        },
      })),
      log: silentLog,
    },
    {
      event: eventAt({
        netuid: NETUID,
        block: EVENT_BLOCK,
        basis,
        hold: { first: 14, last: 16 },
        go,
        pass: new Promise(() => {}),
      }),
      subnet: subnet(neurons),
      chain: { type: 'development', blockTimeMs: 250 },
      self: toHotkey(validator.address),
    },
    stop.signal,
  );
  for (const peer of peers.values()) peer.close();
  stop.abort();
  const recorded = entries.filter((entry): entry is OutcomeEntry => entry.type === 'outcome');
  return { outcomes, entries: recorded };
}
