// A round of the bandwidth proof from door to door: real sessions over the loopback, virtual links, a clock that jumps.
import { setMaxListeners } from 'node:events';
import { fromBinary } from '@bufbuild/protobuf';
import { beforeAll, describe, expect, test } from 'vitest';
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
import { FrameSchema, type Go } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import type { MinerPeer } from '../../../src/protocol/session.js';
import { createVirtualNetwork } from '../../../src/testing/devices/links.js';
import { createVirtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.js';
import type { OutcomeEntry } from '../../../src/validator/ledger/entries.js';
import { createReach, type Echo } from '../../../src/validator/reach.js';
import { toReceipt } from '../../../src/validator/record.js';
import { runEvent } from '../../../src/validator/round.js';
import { paramsId } from '../../../src/verification/checked-params.js';
import { decodeBrief } from '../../../src/verification/kinds/bandwidth/codec.js';
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

test("a validator's own ends make a round of hosts that are too few by themselves, both ways", async () => {
  const clock = createVirtualClock();
  const { outcomes } = await clock.runUntil(round(clock, { miners: 1, anchors: 2 }));
  expect(outcomes.map(({ verdict }) => verdictToString(verdict))).toEqual(['accepted']);
  const [{ credit }] = outcomes;
  // of two sources of at most 5/12 of the link each, three quarters of it
  expect(credit.downBytesPerS).toBeGreaterThan(0.7 * 2e6);
  expect(credit.downBytesPerS).toBeLessThanOrEqual((2 * 1.25 * 2e6) / 3 + 16_384);
  expect(credit.upBytesPerS).toBeGreaterThan(0.7 * 2e6);
  expect(credit.upBytesPerS).toBeLessThanOrEqual((2 * 1.25 * 2e6) / 3 + 16_384);
});

test('of ends that have less to give than one share, nobody is told', async () => {
  const clock = createVirtualClock();
  const { outcomes } = await clock.runUntil(round(clock, { miners: 1, anchors: 2, bytesPerS: 800_000 }));
  expect(outcomes.map(({ verdict }) => verdictToString(verdict))).toEqual(['inconclusive:nobody-to-meet']);
});

describe('a slot whose port', () => {
  test('did not answer us is met by nobody, and told so in the journal and the receipt', async () => {
    const clock = createVirtualClock();
    const { outcomes, entries } = await clock.runUntil(
      round(clock, { miners: 4, anchors: 0, echo: (i) => ({ answered: i !== 2, calledFrom: undefined }) }),
    );
    const verdicts = outcomes.map(({ verdict }) => verdictToString(verdict));
    expect(verdicts.filter((verdict) => verdict === 'accepted')).toHaveLength(3);
    const at = verdicts.indexOf('rejected:unreachable');
    const unreachable = entries[at]!;
    expect(unreachable.session.sight).toMatchObject({ answered: false, mustCall: false });
    expect(unreachable.session.frames.map(({ kind }) => kind)).toEqual(['arm', 'ready']);
    const { ip, port } = unreachable.session.sight!;
    for (const { session } of entries.filter((_, i) => i !== at)) {
      expect(session.sight).toMatchObject({ ip, answered: true });
      const go = fromBinary(FrameSchema, session.frames.find(({ kind }) => kind === 'go')!.body).body;
      const { pulls } = decodeBrief(params, (go.value as Go).body)!;
      expect(pulls).toHaveLength(2);
      expect(pulls.map((pull) => pull.port)).not.toContain(port);
    }
    expect(toReceipt(unreachable).value).toMatchObject({
      reason: 'unreachable',
      sight: { ip: '127.0.0.1', port: expect.any(Number), answered: false, calledFrom: '' },
    });
  });

  test('answers, and that calls from elsewhere, is met by nobody either', async () => {
    const clock = createVirtualClock();
    const echo = (i: number) => ({ answered: true, calledFrom: i === 2 ? '127.9.9.9' : '127.0.0.1' });
    const { outcomes, entries } = await clock.runUntil(round(clock, { miners: 4, anchors: 0, echo }));
    const verdicts = outcomes.map(({ verdict }) => verdictToString(verdict));
    expect(verdicts.filter((verdict) => verdict === 'accepted')).toHaveLength(3);
    const [{ session }] = entries.filter(({ outcome }) => outcome.verdict.kind === 'rejected');
    expect(verdicts).toContain('rejected:elsewhere');
    expect(session.sight).toMatchObject({ answered: true, calledFrom: '127.9.9.9', mustCall: true });
  });
});

interface Setting {
  readonly miners: number;
  readonly anchors: number;
  /** of each anchor. @default no bound */
  readonly bytesPerS?: number;
  /** what the validator's dial-out sees of the i-th miner's port. @default it does not look */
  readonly echo?: (i: number) => Echo;
}

async function round(clock: VirtualClock, { miners, anchors, bytesPerS, echo }: Setting) {
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
  const ports: number[] = [];
  for (let i = 1; i <= miners; i++) {
    const link = network.host({ address: '127.0.0.1', upBytesPerS: 2e6, downBytesPerS: 2e6, latencyMs: 5 });
    ports[i] = link.offer.port;
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
        bytesPerS,
        devices: {
          compute: createReferenceCompute(),
          link: network.host({ address: '127.0.0.9', upBytesPerS: 9e6, downBytesPerS: 9e6 }),
        },
      })),
      reach:
        echo &&
        createReach(
          { ask: async ({ port }) => echo(ports.indexOf(port)), mayCall: () => true, clock, log: silentLog },
          stop.signal,
        ),
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
