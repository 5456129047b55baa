// How a miner ends that sessions are under way at, over the whole of its own walk.
import { beforeAll, describe, expect, test } from 'vitest';
import type { Axon, Head } from '../../../src/chain/chain.js';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createCallers } from '../../../src/miner/callers.js';
import {
  type MinerEnd,
  type MinerOptions,
  type MinerParts,
  runMiner,
  type Serving,
} from '../../../src/miner/miner.js';
import { noReceipts } from '../../../src/miner/receipts.js';
import { createSessions } from '../../../src/miner/sessions.js';
import { createLocalSlot, type Slot } from '../../../src/miner/slot.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { dial } from '../../../src/protocol/dial.js';
import { RefusalCode } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import {
  createServerIdentity,
  type ServerIdentity,
  type ServerKey,
} from '../../../src/protocol/server-key.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import { armOf, bytes16, bytes32, goOf, take } from '../../support/sessions.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';
import { TOY_PARAMS, TOY_PARAMS_ID, toyKind } from '../../support/toy-kind.js';

beforeAll(readyKeys);

const DRAIN_MS = 8000;
const EVENT_BLOCK = 141n;

async function serving({
  rests,
  identities,
  renewIdentities,
}: Pick<Slot, 'rests'> & Pick<MinerOptions, 'identities'> & Pick<MinerParts, 'renewIdentities'> = {}) {
  const clock = createVirtualClock();
  const wire = createLoopback({ clock });
  const keypair = devKeypair('miner');
  const validator = devKeypair('validator');
  const stop = new AbortController();
  const callers = createCallers({ clock, tell: () => {} });
  const sessions = createSessions(callers.ended);
  const slot: Slot = {
    ...createLocalSlot(
      {
        compute: createReferenceCompute(),
        kind: toyKind(),
        params: TOY_PARAMS,
        paramsId: TOY_PARAMS_ID,
        clock,
      },
      { index: 0, worker: 'host-1' },
    ),
    ...(rests ? { rests } : {}),
  };
  const state = { isRegistered: true, block: 140, axon: undefined as Axon | undefined };
  let onHead: (head: Head) => void = () => {};
  let serving: Serving | undefined;
  let ended: { readonly how: MinerEnd; readonly at: number } | undefined;
  const running = runMiner(
    {
      reader: {
        subnet: async () => ({
          ...subnet([
            neuron(1, { hotkey: toHotkey(validator.address), validatorPermit: true, consensusStakeRao: 1n }),
            ...(state.isRegistered
              ? [neuron(2, { hotkey: toHotkey(keypair.address), axon: state.axon })]
              : []),
          ]),
          block: state.block,
        }),
        head: async () => ({ number: 140, hash: bytes32('140') }),
        blockHash: async () => bytes32('basis'),
        watchHeads: (on: typeof onHead, signal: AbortSignal) =>
          new Promise<void>((resolve) => {
            onHead = on;
            signal.addEventListener('abort', () => resolve(), { once: true });
          }),
      } as never, // what a miner asks of a chain
      writer: {
        async serveAxon(_key, _netuid, axon) {
          state.axon = axon;
          return { block: state.block, blockHash: new Uint8Array(32), extrinsicHash: new Uint8Array(32) };
        },
      },
      wire,
      keypair,
      clock,
      random: createSeededRandom('miner'),
      log: silentLog,
      receipts: noReceipts,
      slots: [slot],
      callers,
      sessions,
      renewIdentities,
    },
    {
      netuid: NETUID,
      host: '127.0.0.1',
      port: 8091,
      drainMs: DRAIN_MS,
      ...(identities ? { identities } : {}),
    },
    stop.signal,
    (_address, now) => {
      serving = now;
    },
  ).then((how) => {
    ended = { how, at: clock.monotonic() };
  });
  const turns = (ms = 1) => clock.runUntil(clock.sleep(ms));
  await turns();
  const caller = { wire, keypair: validator, clock, log: silentLog, random: createSeededRandom('caller') };
  const address = { host: '127.0.0.1', port: 8091 };
  const peerAt = (serverKey?: ServerKey) =>
    dial(caller, { address: { ...address, serverKey }, hotkey: toHotkey(keypair.address), netuid: NETUID });
  const peer = peerAt();
  const nonce = bytes16('a');
  return {
    clock,
    turns,
    running,
    callers,
    sessions,
    peer,
    peerAt,
    axon: () => state.axon,
    serving: () => serving!,
    ended: () => ended,
    stop: () => stop.abort(),
    async begin() {
      const session = peer.prove();
      await session.send(armOf(nonce, { eventBlock: EVENT_BLOCK }));
      await take(session, 'ready');
      return session;
    },
    async go(session: Awaited<ReturnType<typeof peer.prove>>) {
      onHead({ number: Number(EVENT_BLOCK), hash: bytes32('beacon') });
      await session.send(goOf(nonce));
      return take(session, 'commit');
    },
    head(number: number) {
      state.block = number;
      onHead({ number, hash: bytes32(`${number}`) });
    },
    deregister() {
      state.isRegistered = false;
    },
  };
}

describe('a miner that is asked to end', () => {
  test('ends at once where nothing is under way', async () => {
    const { stop, turns, ended, clock } = await serving();
    const from = clock.monotonic();
    stop();
    await turns();
    expect(ended()?.how).toBe('asked');
    expect(ended()!.at - from).toBeLessThan(2);
  });

  test('claims and arms nothing more, while what is under way goes on to its receipt, and then ends', async () => {
    const { clock, begin, go, stop, peer, ended, turns, serving: now, sessions } = await serving();
    await clock.runUntil(
      (async () => {
        const session = await begin();
        expect(now().slots()).toMatchObject([{ index: 0, phase: 'armed' }]);
        await go(session);
        expect(now().slots()).toMatchObject([{ index: 0, phase: 'working' }]);
        stop();
        expect((await peer.describe()).slots).toEqual([]);
        const late = peer.prove();
        await late.send(armOf(bytes16('b'), { eventBlock: EVENT_BLOCK }));
        const refusal = await take(late, 'refusal');
        expect(RefusalCode[refusal.code]).toBe('ENDING');
        expect(refusal.detail).toBe('slot 0: this miner is about to end');
        expect(ended()).toBeUndefined();
        await session.send({ case: 'open', value: { body: new Uint8Array(4) } });
        await take(session, 'opening');
        const receipt = { slot: 0, paramsId: TOY_PARAMS_ID, eventBlock: EVENT_BLOCK };
        await session.send({ case: 'receipt', value: receipt });
        await session.receive();
      })(),
    );
    await turns();
    expect(ended()?.how).toBe('asked');
    expect(sessions.tally()).toMatchObject({ open: 0, ended: { receipt: 1, refused: 1 }, steps: 1 });
  });

  test('does not wait for who never comes back: 8 s, and everything is closed', async () => {
    const { clock, begin, stop, ended, turns } = await serving();
    const session = await clock.runUntil(begin());
    const from = clock.monotonic();
    stop();
    await turns(DRAIN_MS - 10);
    expect(ended()).toBeUndefined();
    await turns(DRAIN_MS);
    expect(ended()!.at - from).toBeLessThan(10_000);
    await expect(session.receive()).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('ends the same way when the chain lets go of it, after two readings, and says so', async () => {
    const { clock, deregister, head, turns, ended, running } = await serving();
    deregister();
    for (let block = 141; block < 300 && !ended(); block++) {
      head(block);
      await turns();
    }
    expect(ended()?.how).toBe('deregistered');
    await clock.runUntil(running);
  });
});

test('a slot that rests is neither claimed nor armed, and the status says why', async () => {
  let why: string | undefined = 'its proof failed here';
  const { clock, peer, serving: now, stop, running, callers } = await serving({ rests: () => why });
  await clock.runUntil(
    (async () => {
      expect((await peer.describe()).slots).toEqual([]);
      expect(now().slots()).toEqual([
        { index: 0, worker: 'host-1', kind: 'toy', phase: 'resting', why: 'its proof failed here' },
      ]);
      const session = peer.prove();
      await session.send(armOf(bytes16('a'), { eventBlock: EVENT_BLOCK }));
      expect(RefusalCode[(await take(session, 'refusal')).code]).toBe('UNKNOWN_SLOT');
      why = undefined;
      expect((await peer.describe()).slots).toHaveLength(1);
      stop();
      await running;
    })(),
  );
  expect(callers.rows()).toMatchObject([{ caller: devKeypair('validator').address, calls: 3 }]);
});

test('a TLS key that is renewed while it serves is answered with at once, announced with the next reading, and the old one goes on', async () => {
  const [before, after] = [1, 2].map((byte) => createServerIdentity(new Uint8Array(32).fill(byte))) as [
    ServerIdentity,
    ServerIdentity,
  ];
  const asked: (ServerKey | undefined)[] = [];
  const { clock, turns, head, axon, peerAt, stop, running } = await serving({
    identities: [before],
    renewIdentities: async (announced) => {
      asked.push(announced);
      return [after, before];
    },
  });
  expect(axon()?.serverKey).toEqual(before.serverKey);
  for (let block = 148; block < 300; block++) {
    head(block);
    await turns();
  }
  expect(asked[0]).toEqual(before.serverKey);
  expect(axon()?.serverKey).toEqual(after.serverKey);
  for (const { serverKey } of [before, after])
    expect((await clock.runUntil(peerAt(serverKey).describe())).slots).toHaveLength(1);
  stop();
  await clock.runUntil(running);
});
