import { describe, expect, test } from 'vitest';
import type { Subnet } from '../../../src/chain/chain.js';
import { createAdmission } from '../../../src/miner/admit.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { recordingLog } from '../../support/logs.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

const [one, two, stranger] = ['hotkey-1', 'hotkey-2', 'stranger'].map(toHotkey) as [
  ReturnType<typeof toHotkey>,
  ReturnType<typeof toHotkey>,
  ReturnType<typeof toHotkey>,
];

/** A chain whose permits are `permits` and whose next epoch is at block 148. */
function scene(listed: readonly ReturnType<typeof toHotkey>[] = []) {
  const chain = { permits: [1], nextEpochBlock: 148 as number | undefined, down: false, reads: 0 };
  const { log, messages } = recordingLog();
  const reader = {
    async subnet(): Promise<Subnet> {
      chain.reads++;
      if (chain.down) throw new AssayError('unreachable', 'no chain', { address: 'ws://127.0.0.1:9944' });
      const neurons = [0, 1, 2].map((uid) => neuron(uid, { validatorPermit: chain.permits.includes(uid) }));
      return subnet(neurons, { nextEpochBlock: chain.nextEpochBlock });
    },
  };
  return {
    chain,
    messages,
    admission: createAdmission({ reader, log }, { netuid: NETUID, listed: new Set(listed) }),
  };
}

describe('admission', () => {
  test('knows nobody before the first head, except whom the operator listed', () => {
    const { admission } = scene([stranger]);
    expect([one, stranger].map((hotkey) => admission.admit(hotkey))).toEqual([false, true]);
  });

  test('is for validators with a permit; other neurons may have files, and nobody else anything', async () => {
    const { admission } = scene();
    await admission.onHead(100);
    expect([one, two, stranger].map((hotkey) => admission.admit(hotkey))).toEqual([true, 'files', false]);
  });

  test('follows the chain: permits of a new epoch hold from its first block', async () => {
    const { admission, chain } = scene();
    await admission.onHead(100);
    chain.permits = [2];
    await admission.onHead(147);
    expect(admission.admit(one)).toBe(true);
    await admission.onHead(148);
    expect([one, two].map((hotkey) => admission.admit(hotkey))).toEqual(['files', true]);
  });

  test('looks at least every 50 blocks, and not more often while nothing asks for it', async () => {
    const { admission, chain } = scene();
    chain.nextEpochBlock = undefined;
    for (let block = 100; block <= 200; block++) await admission.onHead(block);
    expect(chain.reads).toBe(3);
  });

  test('a refused caller makes it look again, but not more often than every four blocks', async () => {
    const { admission, chain } = scene();
    await admission.onHead(100);
    chain.permits = [1, 2];
    for (let block = 101; block <= 103; block++) {
      admission.admit(two);
      await admission.onHead(block);
      expect(admission.admit(two)).toBe('files');
    }
    await admission.onHead(104);
    expect(admission.admit(two)).toBe(true);
    expect(chain.reads).toBe(2);
    for (let block = 105; block <= 120; block++) {
      admission.admit(stranger);
      await admission.onHead(block);
    }
    expect(chain.reads).toBe(6);
  });

  test('keeps the last known permits through an outage, says so, and reads again when it is over', async () => {
    const { admission, chain, messages } = scene();
    await admission.onHead(100);
    chain.down = true;
    chain.permits = [2];
    await admission.onHead(148);
    expect([one, two].map((hotkey) => admission.admit(hotkey))).toEqual([true, 'files']);
    expect(messages()).toEqual(['permits not refreshed, the last known ones hold']);
    chain.down = false;
    await admission.onHead(149);
    expect([one, two].map((hotkey) => admission.admit(hotkey))).toEqual(['files', true]);
  });

  test('reads once for heads that come while it reads', async () => {
    const { admission, chain } = scene();
    await Promise.all([admission.onHead(100), admission.onHead(101), admission.onHead(102)]);
    expect(chain.reads).toBe(1);
  });
});

describe('standing', () => {
  test('is the share of the stake of all that hold a permit; others have none', async () => {
    const stakes = [5n, 30n, 10n];
    const reader = {
      subnet: async () =>
        subnet(
          stakes.map((stake, uid) => neuron(uid, { validatorPermit: uid > 0, consensusStakeRao: stake })),
          { epochIndex: 9 },
        ),
    };
    const { log } = recordingLog();
    const admission = createAdmission({ reader, log }, { netuid: NETUID, listed: new Set([stranger]) });
    expect(admission.standingOf(one)).toEqual({ epoch: 0, share: 0 });
    await admission.onHead(100);
    expect([one, two, stranger].map(admission.standingOf)).toEqual([
      { epoch: 9, share: 0.75 },
      { epoch: 9, share: 0.25 },
      { epoch: 9, share: 0 },
    ]);
  });

  test('of validators with too small a part of the stake is that of other neurons', async () => {
    const stakes = [90n, 9n, 1n];
    const neurons = stakes.map((consensusStakeRao, uid) =>
      neuron(uid, { validatorPermit: true, consensusStakeRao }),
    );
    const reader = { subnet: async () => subnet(neurons) };
    const admission = createAdmission(
      { reader, log: silentLog },
      { netuid: NETUID, listed: new Set([neurons[2]!.hotkey]), minStakeShare: 0.1 },
    );
    await admission.onHead(100);
    expect(neurons.map(({ hotkey }) => admission.admit(hotkey))).toEqual([true, 'files', true]);
    expect(admission.standingOf(neurons[0]!.hotkey).share).toBe(0.9);
  });
});
