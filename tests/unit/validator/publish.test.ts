import { beforeAll, describe, expect, test } from 'vitest';
import type { Neuron, Subnet, WeightRow } from '../../../src/chain/chain.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { AssayError } from '../../../src/model/errors.js';
import { type Hotkey, toHotkey, toUid } from '../../../src/model/ids.js';
import { ownUid, publish } from '../../../src/validator/publish.js';
import { recordingLog } from '../../support/logs.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

beforeAll(readyKeys);

const self = toHotkey('hotkey-2');
const SCORES = new Map<Hotkey, number>([
  [toHotkey('hotkey-0'), 0.5],
  [toHotkey('hotkey-3'), 2],
  [toHotkey('hotkey-4'), 0],
  [toHotkey('hotkey-5'), 1],
]);

/** Owner 0, validators 1 and 2 (ourselves), miners 3 to 6; the head is 140, the epoch goes from 100 to 148. */
function chain(
  setting: {
    own?: Partial<Neuron>;
    state?: Partial<Subnet>;
    earlier?: WeightRow;
    head?: number;
    send?: () => Promise<never>;
  } = {},
) {
  const own = { validatorPermit: true, ...setting.own };
  const state = subnet(
    [
      neuron(0),
      neuron(1, { validatorPermit: true }),
      neuron(2, own),
      ...[3, 4, 5, 6].map((uid) => neuron(uid)),
    ],
    setting.state,
  );
  const sent: { row: WeightRow; versionKey: bigint }[] = [];
  const { log, lines } = recordingLog();
  const landed = { block: 142, blockHash: new Uint8Array(32), extrinsicHash: new Uint8Array(32) };
  const parts = {
    reader: {
      subnet: async () => state,
      weights: async () => setting.earlier ?? [],
      head: async () => ({ number: setting.head ?? 140, hash: new Uint8Array(32) }),
    },
    writer: {
      setWeights: async (_key: unknown, netuid: number, row: WeightRow, versionKey: bigint) => {
        expect(netuid).toBe(NETUID);
        sent.push({ row, versionKey });
        return setting.send ? setting.send() : landed;
      },
    },
    keypair: devKeypair('validator'),
    log,
  };
  const run = (scores: ReadonlyMap<Hotkey, number> = SCORES) =>
    publish(parts, { netuid: NETUID, self, epoch: 5, scores: () => scores });
  return { run, sent, lines, landed };
}

describe('publish', () => {
  test('sends one row, the largest score at 65535, under the version key of the chain', async () => {
    const { run, sent, landed } = chain();
    const row = [
      [0, 16384],
      [3, 65535],
      [5, 32768],
    ];
    expect(await run()).toEqual({ done: 'set', landed, row });
    expect(sent).toEqual([{ row, versionKey: 3n }]);
  });

  test('gives an explicit zero to whom it weighted before', async () => {
    const { run, sent } = chain({
      earlier: [
        [4, 65535],
        [6, 100],
      ],
    });
    await run();
    expect(sent[0]!.row).toEqual([
      [0, 16384],
      [3, 65535],
      [4, 0],
      [5, 32768],
      [6, 0],
    ]);
  });

  test('sends nothing when this epoch has weights of ours already', async () => {
    for (const lastUpdate of [100, 120]) {
      const { run, sent } = chain({ own: { lastUpdate } });
      expect(await run()).toEqual({ done: 'already-set' });
      expect(sent).toEqual([]);
    }
  });

  test('sends when the last ones were of the epoch before, or when LastUpdate is the registration', async () => {
    expect((await chain({ own: { lastUpdate: 99 } }).run()).done).toBe('set');
    expect((await chain({ own: { lastUpdate: 110, registeredAt: 110 } }).run()).done).toBe('set');
  });

  test.each([
    ['no permit', { own: { validatorPermit: false } }, { reason: 'no-permit', atBlock: 148 }],
    [
      'the rate limit',
      { own: { lastUpdate: 90 }, state: { weightsRateLimit: 100 } },
      { reason: 'rate-limit', atBlock: 190 },
    ],
    ['commit-reveal', { state: { commitRevealEnabled: true } }, { reason: 'commit-reveal-unsupported' }],
  ])('with %s it is not possible now, and nothing is sent', async (_what, setting, why) => {
    const { run, sent } = chain(setting);
    expect(await run()).toEqual({ done: 'not-possible', ...why });
    expect(sent).toEqual([]);
  });

  test('the rate limit is asked for the block that would carry the row', async () => {
    const limited = { own: { lastUpdate: 90 }, state: { weightsRateLimit: 51 } };
    expect((await chain(limited).run()).done).toBe('set');
    expect((await chain({ ...limited, head: 139, state: { weightsRateLimit: 52 } }).run()).done).toBe(
      'not-possible',
    );
  });

  test('weights of an epoch that has passed meanwhile are not sent as those of the next', async () => {
    const { run, sent } = chain({ state: { epochIndex: 6 } });
    expect(await run()).toEqual({ done: 'not-possible', reason: 'epoch-passed' });
    expect(sent).toEqual([]);
  });

  test('with nobody to weight it is not possible, rather than a vote for nothing', async () => {
    const { run, sent } = chain();
    expect(await run(new Map([[toHotkey('hotkey-3'), 0]]))).toMatchObject({ done: 'not-possible' });
    expect(await run(new Map([[toHotkey('gone'), 3]]))).toMatchObject({ done: 'not-possible' });
    expect(sent).toEqual([]);
  });

  test('drops scores of hotkeys that the subnet no longer knows, and says so', async () => {
    const { run, sent, lines } = chain();
    await run(new Map([...SCORES, [toHotkey('gone'), 9]]));
    expect(sent[0]!.row.map(([uid]) => uid)).toEqual([0, 3, 5]);
    expect(lines).toMatchObject([
      { msg: 'scores of hotkeys that are no longer registered', dropped: ['gone'] },
    ]);
  });

  test('a send that failed is thrown as it is, and the next call decides anew', async () => {
    const lost = new AssayError('unreachable', 'lost', { address: 'ws://127.0.0.1:9944' });
    const { run, sent } = chain({ send: () => Promise.reject(lost) });
    await expect(run()).rejects.toBe(lost);
    await expect(run()).rejects.toBe(lost);
    expect(sent).toHaveLength(2);
  });

  test('a hotkey that is not registered is an error that names it', async () => {
    const state = subnet([neuron(0)]);
    expect(() => ownUid(state, self)).toThrowError(
      expect.objectContaining({
        code: 'chain-unknown',
        message: 'neuron hotkey-2 on subnet 7: not registered',
      }),
    );
    expect(ownUid(subnet([neuron(0), neuron(2)]), self)).toBe(toUid(2));
  });
});
