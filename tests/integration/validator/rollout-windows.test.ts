// Windows of rollouts on the embedded chain, with stand-ins for what is generated and judged.
import { expect, test } from 'vitest';
import { verifySignature } from '../../../src/keys/keypair.js';
import { equals } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { createMemoryShelf, manifestName } from '../../../src/rollouts/shelf.js';
import { memoryRolloutLedger, type RolloutEntry } from '../../../src/validator/rollouts/ledger.js';
import { checkEquivocation } from '../../../src/verification/rollouts/equivocation.js';
import { openManifest, signManifest } from '../../../src/verification/rollouts/manifest.js';
import type { Submission } from '../../../src/verification/rollouts/submission.js';
import { countingJudge, onRolloutWorld, plainSubmission, plainWork } from '../../support/rollout-world.js';

const collectedOf = (entries: readonly RolloutEntry[], window: number) =>
  entries.find((entry) => entry.type === 'collected' && entry.window === window);

test('what each miner hands in is fetched before the audit, and what one does wrong is its own', () =>
  onRolloutWorld(['honest', 'stranger', 'forger', 'absent', 'late'], async (world) => {
    const { hotkeyOf } = world;
    world.miner('honest', plainWork('honest'));
    // commits to what nobody has
    world.miner('stranger', async () => undefined);
    // hands in its work of another window each time
    world.miner('forger', async ({ context }) =>
      plainSubmission('forger', { ...context, window: context.window + 1 }),
    );
    const late = world.miner('late', async ({ context }, until, signal) => {
      await world.clock.sleep(until + 2000 - world.clock.now(), signal);
      return plainSubmission('late', context);
    });
    const [a, b] = [countingJudge(), countingJudge()];
    const first = world.validator('validator-a', a);
    const second = world.validator('validator-b', b);
    await world.until(() => late.statuses.length > 0);
    while ((await world.chain.head()).number <= world.firstBlock + 60) await world.clock.sleep(250);
    await world.commit('stranger', new Uint8Array(32).fill(1));
    await world.until(() => first.statuses.filter(({ is }) => is === 'judged').length >= 2);
    await world.until(() => second.statuses.filter(({ is }) => is === 'judged').length >= 2);

    for (const { ledger, statuses } of [first, second]) {
      expect(statuses.slice(0, 2)).toMatchObject([
        { window: 0, is: 'collected' },
        { window: 0, is: 'judged' },
      ]);
      const collected = collectedOf(ledger.entries(), 0);
      const is = collected?.type === 'collected' ? collected.deliveries : [];
      const { genesisHash } = await world.chain.info();
      expect(collected).toMatchObject({ context: { genesis: genesisHash } });
      expect(Object.fromEntries(is.map((each) => [each.miner, each.is]))).toEqual({
        [hotkeyOf('honest')]: 'complete',
        [hotkeyOf('forger')]: 'refused',
      });
      expect(is.find(({ miner }) => miner === hotkeyOf('forger'))).toMatchObject({ reason: 'other-window' });
      const next = collectedOf(ledger.entries(), 1);
      expect(
        next?.type === 'collected' && next.deliveries.find(({ miner }) => miner === hotkeyOf('stranger')),
      ).toMatchObject({ is: 'missing', what: 'manifest' });
    }
    expect(late.statuses[0]).toMatchObject({ is: 'late' });
    expect([...a.credit()]).toEqual([[hotkeyOf('honest'), 2]]);
    expect([...b.credit()]).toEqual([[hotkeyOf('honest'), 2]]);
    // a window is another one in its stream: what is handed in differs
    const roots = first.ledger
      .entries()
      .flatMap((entry) =>
        entry.type === 'collected' ? [Buffer.from(entry.context.beacon.signature).toString('hex')] : [],
      );
    expect(new Set(roots).size).toBe(2);
  }));

test('a validator has from another what a miner does not give it', () =>
  onRolloutWorld(['honest'], async (world) => {
    world.miner('honest', plainWork('honest'));
    const [a, b] = [countingJudge(), countingJudge()];
    world.validator('validator-a', a);
    const starved = world.validator('validator-b', b, { starvedBy: ['honest'] });
    await world.until(() => a.judged.length > 0 && b.judged.length > 0);
    expect(b.judged[0]).toBe(a.judged[0]);
    expect(collectedOf(starved.ledger.entries(), 0)).toMatchObject({ deliveries: [{ is: 'complete' }] });
  }));

test('without a checkpoint or a round a window does not take place', () =>
  onRolloutWorld(
    ['honest'],
    async (world) => {
      const worked: number[] = [];
      world.miner('honest', async ({ context }) => {
        worked.push(context.window);
        return plainSubmission('honest', context);
      });
      const judge = countingJudge();
      const a = world.validator('validator-a', judge);
      // no checkpoint for window 0; for window 1 there is one, and no round; window 2 has both
      const head = async () => (await world.chain.head()).number;
      await world.until(() => world.log.some(({ msg }) => /without a checkpoint/.test(msg)));
      await world.commit('owner', new Uint8Array(32).fill(7));
      const start = world.firstBlock + 60;
      while ((await head()) < start) await world.clock.sleep(250);
      const time = (await world.chain.beacon(await world.chain.blockHash(start))).blockTimestampMs;
      world.withheld.add(world.beacon.roundFrom(time + 3000));
      await world.until(() => judge.judged.length > 0);
      expect(worked[0]).toBe(2);
      expect(judge.judged).toEqual([`2 ${world.hotkeyOf('honest')}`]);
      expect(a.ledger.entries().slice(0, 2)).toMatchObject([
        { type: 'collected', window: 2 },
        { type: 'verdict', window: 2 },
      ]);
    },
    { headCommitted: false },
  ));

test('an audit waits for its round, is done with the same one later, and lapses unpaid', () =>
  onRolloutWorld(['honest'], async (world) => {
    world.miner('honest', plainWork('honest'));
    const judge = countingJudge();
    const a = world.validator('validator-a', judge);
    await world.until(() => a.statuses.length > 0);
    const collected = collectedOf(a.ledger.entries(), 0);
    const round = collected?.type === 'collected' ? collected.round : 0n;
    world.withheld.add(round);
    await world.until(() => a.statuses.filter(({ is }) => is === 'collected').length >= 2);
    expect(judge.judged).toEqual([]);
    world.withheld.delete(round);
    await world.until(() => judge.judged.length >= 2);
    expect(judge.judged.map((each) => each.split(' ')[0])).toEqual(['0', '1']);

    await world.until(() => a.statuses.filter(({ is }) => is === 'collected').length >= 3);
    const third = collectedOf(a.ledger.entries(), 2);
    world.withheld.add(third?.type === 'collected' ? third.round : 0n);
    await world.until(() => a.statuses.some(({ is }) => is === 'lapsed'));
    expect(a.statuses.find(({ is }) => is === 'lapsed')).toMatchObject({ window: 2 });
    await world.until(() => judge.judged.length >= 3);
    expect(judge.judged[2]).toMatch(/^3 /);
  }));

test('a window that this validator cannot judge holds up the next ones for a while, and lapses', () =>
  onRolloutWorld(['honest'], async (world) => {
    world.miner('honest', plainWork('honest'));
    const judge = countingJudge();
    judge.fail = new Error('the session is gone');
    const a = world.validator('validator-a', judge);
    await world.until(() => a.statuses.some(({ is }) => is === 'lapsed'));
    judge.fail = undefined;
    expect(a.statuses.find(({ is }) => is === 'pending')).toMatchObject({ why: 'the session is gone' });
    expect(a.statuses.find(({ is }) => is === 'lapsed')).toMatchObject({ window: 0 });
    await world.until(() => judge.judged.length > 0);
    expect(judge.judged[0]).toBe(`1 ${world.hotkeyOf('honest')}`);
  }));

test('what a crash left half-judged is judged to its end, and what is judged stays as it was', () =>
  onRolloutWorld(['one', 'two'], async (world) => {
    world.miner('one', plainWork('one'));
    world.miner('two', plainWork('two'));
    const entries: RolloutEntry[] = [];
    const shelf = createMemoryShelf();
    const dying = countingJudge();
    const judge = dying.judge;
    dying.judge = async function* (window, signal) {
      for await (const verdict of judge(window, signal)) {
        yield verdict;
        throw new Error('the disk is full');
      }
    };
    const before = world.validator('validator-a', dying, { ledger: memoryRolloutLedger(entries), shelf });
    await world.until(() => before.statuses.some(({ is }) => is === 'pending'));
    await before.stop();
    expect(entries.map(({ type }) => type)).toEqual(['collected', 'verdict']);
    const [, first] = entries;

    const again = countingJudge();
    const after = world.validator('validator-a', again, { ledger: memoryRolloutLedger(entries), shelf });
    await world.until(() => after.statuses.some(({ is }) => is === 'judged'));
    expect(entries.slice(0, 4).map(({ type }) => type)).toEqual([
      'collected',
      'verdict',
      'verdict',
      'judged',
    ]);
    expect(entries[1]).toBe(first);
    expect(again.judged[0]).toBe(`0 ${world.hotkeyOf('two')}`);
    expect([...again.credit().values()].slice(0, 2)).toEqual([1, 1]);

    // and once more, from the ledger alone
    await after.stop();
    const third = countingJudge();
    const resumed = world.validator('validator-a', third, { ledger: memoryRolloutLedger(entries), shelf });
    const judgedWindows = entries.filter(({ type }) => type === 'judged').length;
    expect([...third.credit().values()]).toEqual([judgedWindows, judgedWindows]);
    expect(resumed.validator.scoreOf()?.withOwner(world.hotkeyOf('owner')).size).toBe(2);
  }));

test('a miner hands in once for a window, what it signed before a restart', () =>
  onRolloutWorld(['honest'], async (world) => {
    let asked = 0;
    const miner = world.miner('honest', async ({ context }) => {
      asked++;
      return plainSubmission('honest', context, asked);
    });
    await world.until(() => miner.statuses.length === 2);
    expect(miner.statuses).toMatchObject([
      { window: 0, is: 'committed', rollouts: 2 },
      { window: 1, is: 'committed', rollouts: 4 },
    ]);
    expect(asked).toBe(2);
  }));

test('a miner that shows two manifests of a window has no credit for it, and the proof is kept', () =>
  onRolloutWorld(['honest', 'two-faced'], async (world) => {
    world.miner('honest', plainWork('honest'));
    const b = world.validator('validator-b', countingJudge());
    const a = world.validator('validator-a', countingJudge());
    const liar = world.miner('two-faced', async ({ context }) => {
      const [shown, other] = [2, 3].map((groups) => plainSubmission('two-faced', context, groups));
      // validators that ask it are given the other one, those that ask validator-b what it committed to
      await b.shelf.put(context.window, shown!.signed.bytes, manifestName(shown!.signed.digest));
      await b.shelf.put(context.window, shown!.file);
      void world
        .until(() => liar.statuses.length > 0)
        .then(() => liar.shelf.put(context.window, other!.signed.bytes, manifestName(shown!.signed.digest)));
      return shown;
    });
    await world.until(() => a.statuses.some(({ is }) => is === 'judged'));
    const collected = collectedOf(a.ledger.entries(), 0);
    const deliveries = collected?.type === 'collected' ? collected.deliveries : [];
    const of = (name: string) => deliveries.find(({ miner }) => miner === world.hotkeyOf(name));
    expect(of('honest')?.is).toBe('complete');
    const found = of('two-faced');
    expect(found).toMatchObject({ is: 'refused', reason: 'equivocation' });
    const proof = found?.is === 'refused' ? found.proof : undefined;
    expect(checkEquivocation(proof!, verifySignature)).toMatchObject({ kind: 'ok', value: { window: 0 } });
  }));

test('a miner that names what others handed in as its own file, or a length that it has not, costs only itself', () =>
  onRolloutWorld(['honest', 'misnames', 'squats'], async (world) => {
    let handed: Submission | undefined;
    world.miner('honest', async ({ context }) => {
      handed = plainSubmission('honest', context);
      return handed;
    });
    const named = (name: string, file: (of: Submission) => Uint8Array, longer: number) => {
      const shelf = world.miner(name, async ({ context }) => {
        while (!handed) await world.clock.sleep(10);
        const bytes = file(handed);
        const { manifest } = plainSubmission(name, context).signed;
        const lie = { ...manifest, fileSha256: sha256(bytes), fileBytes: bytes.length + longer };
        // given away before its owner's are fetched
        await shelf.put(context.window, bytes);
        return { file: bytes, signed: signManifest(lie, world.keypairOf(name).sign) };
      }).shelf;
    };
    named('misnames', ({ file }) => file, 1);
    // the body of the other's manifest, whose SHA-256 is the digest on the chain
    named('squats', ({ signed: { bytes } }) => bytes.subarray(0, bytes.length - 64), 0);
    const judge = countingJudge();
    const a = world.validator('validator-a', judge);
    await world.until(
      () =>
        judge.judged.some((each) => each.startsWith('0 ')) && a.statuses.some(({ is }) => is === 'judged'),
    );
    const collected = collectedOf(a.ledger.entries(), 0);
    const deliveries = collected?.type === 'collected' ? collected.deliveries : [];
    const of = (name: string) => deliveries.find(({ miner }) => miner === world.hotkeyOf(name));
    expect(of('misnames')).toMatchObject({ is: 'missing', what: 'file' });
    for (const name of ['honest', 'squats']) {
      const found = of(name);
      expect(found?.is).toBe('complete');
      if (found?.is !== 'complete') continue;
      const manifest = await a.shelf.read(manifestName(found.manifest));
      expect(openManifest(manifest!, verifySignature)).toMatchObject({ kind: 'ok' });
      expect(equals(sha256((await a.shelf.read(found.file))!), found.file)).toBe(true);
    }
  }));
