// A validator's port for files: real signatures, the loopback transport.
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Axon, Subnet } from '../../../src/chain/chain.js';
import { devKeypair, type Keypair, readyKeys } from '../../../src/keys/keypair.js';
import { toHex } from '../../../src/model/bytes.js';
import { systemClock } from '../../../src/model/clock.js';
import { AssayError } from '../../../src/model/errors.js';
import { sha256 } from '../../../src/model/hash.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { systemRandom } from '../../../src/model/prng.js';
import { dial } from '../../../src/protocol/dial.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import { openFileDoor } from '../../../src/validator/file-door.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

beforeAll(readyKeys);

const FILE = Uint8Array.of(1, 2, 3);
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A validator with a port, another one, a miner; somebody who is none of the subnet's. */
async function scene({
  isRead = true,
  announce = async () => {},
  wire = createLoopback({ clock: systemClock }),
  sleep = systemClock.sleep,
}: {
  readonly isRead?: boolean;
  readonly announce?: () => Promise<void>;
  readonly wire?: ReturnType<typeof createLoopback>;
  /** of the port alone */
  readonly sleep?: typeof systemClock.sleep;
} = {}) {
  const [own, other, miner, stranger] = ['own', 'other', 'miner', 'stranger'].map(
    (name): Keypair => devKeypair(name),
  ) as [Keypair, Keypair, Keypair, Keypair];
  const state: Subnet = subnet([
    neuron(0, { hotkey: toHotkey(own.address), validatorPermit: true }),
    neuron(1, { hotkey: toHotkey(other.address), validatorPermit: true }),
    neuron(2, { hotkey: toHotkey(miner.address) }),
  ]);
  const announced: Axon[] = [];
  const stop = new AbortController();
  const parts = {
    wire,
    clock: systemClock,
    log: silentLog,
    random: systemRandom,
  };
  const served = await openFileDoor(
    {
      ...parts,
      clock: {
        ...systemClock,
        sleep: (ms, signal) => (ms >= 600_000 ? sleep(ms, signal) : systemClock.sleep(ms, signal)),
      },
      keypair: own,
      reader: { subnet: async () => state },
      door: {
        host: '127.16.0.9',
        port: 7000,
        writer: {
          async serveAxon(_hotkey, _netuid, axon) {
            await announce();
            announced.push(axon);
            return { block: 1, blockHash: new Uint8Array(32), extrinsicHash: new Uint8Array(32) };
          },
        },
      },
      content: (digest) => (toHex(digest) === toHex(sha256(FILE)) ? FILE : undefined),
      subnet: () => (isRead ? state : undefined),
    },
    { netuid: NETUID },
    stop.signal,
  );
  cleanups.push(async () => {
    stop.abort();
    await served.closed;
  });
  const as = (keypair: Keypair) => {
    const address = { host: served.host, port: served.port };
    const peer = dial({ ...parts, keypair }, { address, hotkey: toHotkey(own.address), netuid: NETUID });
    cleanups.push(() => peer.close());
    return peer;
  };
  return { as, other, miner, stranger, announced, port: served.port };
}

describe('a validator’s port for files', () => {
  const denied = { code: 'permission-denied' };

  test('is announced, and gives files to whoever is on the subnet, a miner too', async () => {
    const { as, other, miner, stranger, announced, port } = await scene();
    expect(announced).toEqual([{ ip: '127.16.0.9', port }]);
    for (const keypair of [other, miner]) {
      expect(await as(keypair).content(sha256(FILE))).toEqual(FILE);
      expect(await as(keypair).content(sha256(Uint8Array.of(9)))).toBeUndefined();
    }
    await expect(as(stranger).content(sha256(FILE))).rejects.toMatchObject(denied);
  });

  test('claims nothing to validators, and takes no session of anybody', async () => {
    const { as, other, miner } = await scene();
    expect(await as(other).describe()).toMatchObject({ kinds: [], slots: [] });
    await expect(as(miner).describe()).rejects.toMatchObject(denied);
    for (const keypair of [other, miner]) {
      const session = as(keypair).prove();
      await session.send({ case: 'arm', value: {} }).catch(() => {}); // refused while it is written
      await expect(session.receive()).rejects.toMatchObject(denied);
    }
  });

  test('is open where the chain refuses the announcement, which is tried again until it is taken', async () => {
    const waits: (() => void)[] = [];
    const sleep = (ms: number): Promise<void> => {
      expect(ms).toBe(600_000);
      return new Promise((wake) => waits.push(wake));
    };
    let refusals = 2;
    const announce = async () => {
      if (refusals-- <= 0) return;
      const [call, error] = ['serve_axon', 'ServingRateLimitExceeded'];
      throw new AssayError('chain-rejected', `${call}: ${error}`, { call, error });
    };
    const { as, miner, announced, port } = await scene({ announce, sleep });
    expect(await as(miner).content(sha256(FILE))).toEqual(FILE);
    for (const left of [1, 0]) {
      expect([announced, refusals]).toEqual([[], left]);
      waits.shift()!();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(announced).toEqual([{ ip: '127.16.0.9', port }]);
  });

  test('is closed again where the chain cannot be asked', async () => {
    const wire = createLoopback({ clock: systemClock });
    const refused = async () => {
      throw new Error('too early');
    };
    await expect(scene({ wire, announce: refused })).rejects.toThrow('too early');
    const { as, miner } = await scene({ wire });
    expect(await as(miner).content(sha256(FILE))).toEqual(FILE);
  });

  test('knows nobody before the chain was read', async () => {
    const { as, miner } = await scene({ isRead: false });
    await expect(as(miner).content(sha256(FILE))).rejects.toMatchObject(denied);
  });
});
