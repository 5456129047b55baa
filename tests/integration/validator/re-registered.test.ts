// A uid that somebody else has since the middle of an epoch: what its former hotkey proved is nobody's.
import { expect, test } from 'vitest';
import type { Subnet } from '../../../src/chain/chain.js';
import { createMemoryLedger } from '../../../src/testing/memory-ledger.js';
import { replayRows } from '../../../src/validator/ledger/replay-all.js';
import { onSmallSubnet } from '../../support/small-subnet.js';

test('a re-registered uid inherits nothing, and its former hotkey is paid nothing', async () => {
  await onSmallSubnet(async (subnet) => {
    const { chain, netuid, uids } = subnet;
    const ledger = createMemoryLedger();
    const a = subnet.start('validator-a', { ledger });
    subnet.start('validator-b');
    const own = uids.get('validator-a')!;
    const uid = uids.get('miner-1')!;
    const rowAfter = async (epoch: number) => {
      const { ownerUid } = await subnet.until((now: Subnet) => now.epochIndex === epoch + 1);
      const row = (await chain.weights(netuid, own)).filter(([, weight]) => weight > 0);
      return row.map(([to, weight]) => [to === ownerUid ? 'owner' : to === uid ? 'uid' : to, weight]);
    };
    const { epochIndex } = await subnet.until((now) => now.neurons[own]!.validatorPermit);
    const epoch = epochIndex + 1;
    // both events of the epoch before
    expect(await rowAfter(epoch - 1)).toEqual([['uid', 65535]]);

    await subnet.until(() => a.status()?.lastEvent?.epoch === epoch);
    const old = subnet.hotkeyOf('miner-1');
    const newcomer = await subnet.replace('newcomer');
    // of two events it was there for one: as much as it proved it missed, and that is burned
    expect(await rowAfter(epoch)).toEqual([
      ['owner', 65535],
      ['uid', 65535],
    ]);
    const proved = ledger
      .outcomes({ fromEpoch: epoch })
      .map(({ miner, epoch: of, verdict }) => [miner, of, verdict.kind]);
    expect(proved).toEqual([
      [old, epoch, 'accepted'],
      [newcomer, epoch, 'accepted'],
    ]);
    const [scores] = a.lines.filter((line) => line.msg === 'scores of the epoch' && line.epoch === epoch);
    expect((scores!.reasons as Record<string, object>)[old]).toMatchObject({ zero: 'not-registered' });
    expect(await rowAfter(epoch + 1)).toEqual([['uid', 65535]]);

    const rows = await replayRows({ ledger }, () => true);
    expect(rows.map((row) => [row.epoch, row.agrees])).toEqual([
      [epoch - 1, true],
      [epoch, true],
      [epoch + 1, true],
    ]);
  });
});
