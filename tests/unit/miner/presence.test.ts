// Whether the chain has this miner where it answers, reading by reading.
import { beforeAll, describe, expect, test } from 'vitest';
import type { Axon } from '../../../src/chain/chain.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createPresence } from '../../../src/miner/presence.js';
import type { MinerAlert } from '../../../src/miner/status.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

beforeAll(readyKeys);

const OURS: Axon = { ip: '203.0.113.5', port: 8091 };
const THEIRS: Axon = { ip: '203.0.113.9', port: 9000 };

function present(fails: (error: number) => unknown = () => undefined) {
  const keypair = devKeypair('miner');
  const hotkey = toHotkey(keypair.address);
  const alerts: MinerAlert[] = [];
  const gone: number[] = [];
  const sent: { axon: Axon; block: number }[] = [];
  let named: Axon | undefined;
  let block = 100;
  let isThere = true;
  const now = () => ({
    ...subnet([neuron(0), ...(isThere ? [neuron(3, { hotkey, axon: named })] : [])]),
    block,
  });
  const presence = createPresence(
    {
      keypair,
      log: silentLog,
      reader: { subnet: async () => now() },
      writer: {
        async serveAxon(_key, _netuid, axon) {
          sent.push({ axon, block });
          const error = fails(sent.length);
          if (error) throw error;
          named = axon;
          return { block, blockHash: new Uint8Array(32), extrinsicHash: new Uint8Array(32) };
        },
      },
      tell: (alert) => alerts.push(alert),
      onGone: (at) => gone.push(at),
    },
    { netuid: NETUID, axon: OURS },
  );
  return {
    presence,
    alerts,
    gone,
    sent,
    name(axon: Axon | undefined) {
      named = axon;
    },
    leave() {
      isThere = false;
    },
    come() {
      isThere = true;
    },
    /** Reads the chain at `at`, and waits for what that sends. */
    async seenAt(at: number) {
      block = at;
      const again = presence.seen(now());
      await presence.settled();
      return again;
    },
  };
}

const tooSoon = (atBlock?: number) =>
  new AssayError('chain-rejected', 'too soon', {
    call: 'serve_axon',
    error: 'ServingRateLimitExceeded',
    ...(atBlock === undefined ? {} : { atBlock }),
  });

describe('the presence of a miner on the chain', () => {
  test('is announced once, and never again while the chain names it', async () => {
    const { presence, sent, alerts, seenAt } = present();
    await presence.announce();
    for (let block = 101; block < 400; block += 10) await seenAt(block);
    expect(sent).toEqual([{ axon: OURS, block: 100 }]);
    expect(alerts).toEqual([]);
    expect(presence.status()).toMatchObject({ uid: 3, isOnChain: true });
  });

  test('is announced again where the chain forgot it: a chain that was reset, an axon that was taken back', async () => {
    const { presence, sent, alerts, seenAt, name } = present();
    await presence.announce();
    await seenAt(110);
    name(undefined);
    await seenAt(160);
    expect(sent.map(({ block }) => block)).toEqual([100, 160]);
    expect(alerts).toEqual([expect.objectContaining({ kind: 'axon-changed', times: 1 })]);
    expect(presence.status().isOnChain).toBe(false);
    await seenAt(161);
    expect(presence.status().isOnChain).toBe(true);
  });

  test('against another process of the hotkey is announced ever more slowly: nobody fights for ever', async () => {
    const { presence, sent, alerts, seenAt, name } = present();
    await presence.announce();
    let last = 0;
    for (let block = 101; block < 20_000; block++) {
      await seenAt(block);
      if (sent.length > last && block > 101) {
        last = sent.length;
        await seenAt(++block);
        name(THEIRS);
      } else if (block === 101) name(THEIRS);
    }
    const pauses = sent.slice(1).map(({ block }, i) => block - sent[i]!.block);
    expect(sent.length).toBeLessThan(14);
    expect(pauses.slice(2, 6).every((pause, i) => i === 0 || pause > 1.8 * pauses[i + 1]!)).toBe(true);
    expect(alerts.at(-1)).toMatchObject({ kind: 'axon-changed', ip: THEIRS.ip, port: THEIRS.port });
  });

  test.each([
    ['when the chain says when', 140, 140],
    ['by its usual limit where it does not', undefined, 150],
  ])('that comes too soon waits, %s, and its miner serves meanwhile', async (_name, atBlock, expected) => {
    const { presence, sent, seenAt } = present((nth) => (nth <= 2 ? tooSoon(atBlock) : undefined));
    await presence.announce();
    for (let block = 101; block <= 200; block++) await seenAt(block);
    const [, second, third] = sent.map(({ block }) => block);
    expect(second === 101 || second === 140).toBe(true);
    expect(third ?? second).toBeGreaterThanOrEqual(expected);
    expect(presence.status().isOnChain).toBe(true);
  });

  test('refuses at the start what the chain will never take', async () => {
    const { presence } = present(
      () => new AssayError('chain-rejected', 'no', { call: 'serve_axon', error: 'InvalidPort' }),
    );
    await expect(presence.announce()).rejects.toMatchObject({ code: 'chain-rejected' });
  });

  test('is lost only after two readings without it, of which one may be of a fork', async () => {
    const { presence, gone, alerts, seenAt, leave, come } = present();
    await presence.announce();
    await seenAt(110);
    leave();
    expect(await seenAt(120)).toBe(true);
    come();
    expect(await seenAt(121)).toBe(false);
    leave();
    await seenAt(130);
    expect(gone).toEqual([]);
    await seenAt(134);
    await seenAt(138);
    expect(gone).toEqual([134]);
    expect(alerts.filter(({ kind }) => kind === 'deregistered')).toHaveLength(1);
    expect(presence.status().uid).toBeUndefined();
  });

  test('follows a move at once: a new TLS key, another address', async () => {
    const { presence, sent, alerts, seenAt } = present();
    await presence.announce();
    await seenAt(101);
    presence.move({ ...OURS, port: 8092 });
    await seenAt(102);
    expect(sent.at(-1)).toEqual({ axon: { ...OURS, port: 8092 }, block: 102 });
    expect(alerts).toEqual([]);
  });
});
