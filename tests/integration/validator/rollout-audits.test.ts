// Windows judged by the real audit: honest miners and liars over a model of tables, two validators, verdicts that replay.
import { expect, test } from 'vitest';
import { toleranceUnits } from '../../../src/inference/spec/race.js';
import { verifySignature } from '../../../src/keys/keypair.js';
import { createWork } from '../../../src/miner/rollouts/work.js';
import type { Hotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { manifestName } from '../../../src/rollouts/shelf.js';
import { workOf } from '../../../src/testing/rollouts/miners.js';
import { createTableModel } from '../../../src/testing/rollouts/table-model.js';
import { type AuditJudge, createWindowJudge } from '../../../src/validator/rollouts/judge.js';
import { replayLedger } from '../../../src/validator/rollouts/replay.js';
import { createArithmetic } from '../../../src/verification/environments/arithmetic.js';
import { byteTokenizer } from '../../../src/verification/environments/tokenizer.js';
import { statisticMillis } from '../../../src/verification/rollouts/detector.js';
import { decodeFile, rolloutsOf } from '../../../src/verification/rollouts/file.js';
import { openManifest } from '../../../src/verification/rollouts/manifest.js';
import { FP32_BOUND_PPB, FP32_DELTA } from '../../../src/verification/rollouts/rules.js';
import { decodeVerdict } from '../../../src/verification/rollouts/verdict.js';
import { onRolloutWorld, POLICY } from '../../support/rollout-world.js';

const environment = createArithmetic(
  { operators: '+', digits: 2, form: 'equation' },
  { tokenizer: byteTokenizer },
);
const policy = {
  ...POLICY,
  maxTokens: 16,
  candidates: 64,
  rolloutsPerGroup: 4,
  environmentDigest: environment.digest,
};
const rules = {
  draw: { rollouts: 6, deep: 6, positions: 32 },
  tolerance: toleranceUnits(FP32_DELTA),
  bounds: [{ upTo: policy.maxTokens, ppb: FP32_BOUND_PPB }],
  promptMillis: 200,
};
const tables = (seed: string) =>
  createTableModel({ seed, vocabulary: 258, stopIds: [256], stopLogit: -2, exponent: 1.1 });
const NAMES = ['honest', 'second', 'best-of-n', 'stale', 'copies'] as const;
const QUOTA = 128;

test('honest miners are paid, liars are not, and every verdict replays to the byte', () =>
  onRolloutWorld(
    NAMES,
    async (world) => {
      const model = tables('checkpoint 1');
      const modelOf = async () => model;
      const { clock } = world;
      const victim: { shelf?: ReturnType<typeof world.miner>['shelf'] } = {};
      const start = (name: (typeof NAMES)[number]) => {
        const parts = { modelOf, environment, keypair: world.keypairOf(name), clock, log: silentLog };
        const lies = {
          ...parts,
          staleModel: async () => tables('checkpoint 0'),
          int8Model: modelOf,
          victims: async (window: number) => {
            const commitment = await world.chain.commitmentOf(world.netuid, world.hotkeyOf('honest'));
            const [field] = commitment?.fields ?? [];
            const bytes =
              field?.kind === 'hash' ? await victim.shelf?.read(manifestName(field.digest)) : undefined;
            const opened = bytes && openManifest(bytes, verifySignature);
            if (opened?.kind !== 'ok' || opened.value.manifest.window !== window) return undefined;
            const { manifest } = opened.value;
            const file = await victim.shelf!.read(manifest.fileSha256);
            const read = decodeFile(file!, { ...manifest, maxTokens: policy.maxTokens });
            return read.kind === 'ok' ? [...rolloutsOf(read.value)] : undefined;
          },
        };
        const kind = name === 'second' ? 'honest' : name;
        return world.miner(name, workOf(kind, lies, { policy, quota: QUOTA }));
      };
      victim.shelf = start('honest').shelf;
      for (const name of NAMES.slice(1)) start(name);
      const judgeFor = (name: string): AuditJudge =>
        createWindowJudge(
          { modelOf, environment, keypair: world.keypairOf(name), log: silentLog },
          { policy, rules, quota: QUOTA },
        );
      const judges = [judgeFor('validator-a'), judgeFor('validator-b')] as const;
      const a = world.validator('validator-a', judges[0]);
      const b = world.validator('validator-b', judges[1]);
      const windows = (of: typeof a) => of.statuses.filter(({ is }) => is === 'judged').length;
      await world.until(() => windows(a) >= 2 && windows(b) >= 2);
      const name = (hotkey: Hotkey) => NAMES.find((each) => world.hotkeyOf(each) === hotkey)!;

      for (const judge of judges) {
        const standings = new Map([...judge.standings()].map(([hotkey, value]) => [name(hotkey), value]));
        expect([...standings.keys()].sort()).toEqual([...NAMES].sort());
        for (const honest of ['honest', 'second'] as const) {
          const { detector, conviction } = standings.get(honest)!;
          expect(conviction).toBeUndefined();
          expect(statisticMillis(detector)).toBeLessThanOrEqual(1000n);
        }
        for (const liar of ['best-of-n', 'stale', 'copies'] as const)
          expect(standings.get(liar)?.conviction, liar).toBeDefined();
        const credit = new Map([...judge.credit()].map(([hotkey, value]) => [name(hotkey), value]));
        expect(credit.get('honest')).toBeGreaterThan(0);
        expect(credit.get('second')).toBeGreaterThan(0);
        for (const liar of ['best-of-n', 'stale', 'copies'] as const) expect(credit.get(liar)).toBe(0);
      }

      // the public half is the same at both, the private one is each one's own
      const records = (of: typeof a, miner: Hotkey) =>
        of.ledger
          .entries()
          .flatMap((entry) =>
            entry.type === 'verdict' && entry.miner === miner ? [decodeVerdict(entry.record)] : [],
          );
      const half = (of: typeof a, which: 'public' | 'private') =>
        records(of, world.hotkeyOf('honest'))[0]!
          .picks.filter((pick) => pick.half === which)
          .map(({ place }) => place);
      expect(half(a, 'public')).toEqual(half(b, 'public'));
      expect(half(a, 'private')).not.toEqual(half(b, 'private'));

      const parts = { modelOf, environment, read: (digest: Uint8Array) => a.shelf.read(digest) };
      const { signal } = new AbortController();
      const options = { policy, rules, quota: QUOTA };
      const replayed = [];
      for await (const each of replayLedger(parts, a.ledger.entries(), options, signal)) replayed.push(each);
      expect(replayed.length).toBeGreaterThanOrEqual(10);
      expect(replayed.filter(({ is }) => is !== 'same')).toEqual([]);

      // one byte of a verdict, or another model, and it is seen
      const entries = a.ledger.entries().map((entry) => {
        if (entry.type !== 'verdict' || entry.miner !== world.hotkeyOf('stale')) return entry;
        const record = entry.record.slice();
        record[record.length - 1]! ^= 1;
        return { ...entry, record };
      });
      const verdicts = new Set<string>();
      for await (const each of replayLedger(parts, entries, options, signal))
        if (each.miner === world.hotkeyOf('stale')) verdicts.add(each.is);
      expect(verdicts.has('same')).toBe(false);
      const other = { ...parts, modelOf: async () => tables('checkpoint 0') };
      const found = [];
      for await (const each of replayLedger(other, a.ledger.entries(), options, signal)) found.push(each.is);
      expect(found[0]).not.toBe('same');

      const scored = a.validator.scoreOf()!.withOwner(world.hotkeyOf('owner'));
      expect(
        [...scored]
          .filter(([, score]) => score > 0)
          .map(([hotkey]) => name(hotkey))
          .sort(),
      ).toEqual(['honest', 'second']);
    },
    { policy },
  ));

test('a miner does as many groups as there is time for, and never half of one', async () => {
  await onRolloutWorld(
    ['honest'],
    async (world) => {
      const { clock } = world;
      const model = tables('checkpoint 1');
      const slow = {
        ...model,
        open: async (...args: Parameters<typeof model.open>) => {
          await clock.sleep(800);
          const decoding = await model.open(...args);
          return {
            ...decoding,
            advance: async (...step: Parameters<typeof decoding.advance>) => {
              await clock.sleep(50);
              await decoding.advance(...step);
            },
          };
        },
      };
      const work = createWork(
        { modelOf: async () => slow, environment, keypair: world.keypairOf('honest'), clock, log: silentLog },
        { policy, quota: 10_000, batch: 8 },
      );
      const miner = world.miner('honest', work);
      await world.until(() => miner.statuses.length > 0);
      const [first] = miner.statuses;
      expect(first?.is).toBe('committed');
      expect(first!.rollouts! % policy.rolloutsPerGroup).toBe(0);
      expect(first!.rollouts!).toBeLessThan(100);
    },
    { policy },
  );
});
