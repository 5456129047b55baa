// Which policy counts in an epoch, and a validator that goes by the plan of the one that its subnet's owner published.
import { describe, expect, test } from 'vitest';
import type { Subnet } from '../../../src/chain/chain.js';
import { alreadySetThisEpoch } from '../../../src/chain/weights.js';
import { fromHex, toHex, utf8 } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { toHotkey, toNetuid, type Uid } from '../../../src/model/ids.js';
import { createParameters, type ParametersParts } from '../../../src/parameters/parameters.js';
import type { MinerPeer } from '../../../src/protocol/session.js';
import { encodePolicy, type PolicySchedule, parsePolicy } from '../../../src/scoring/policy.js';
import type { ScoringRule } from '../../../src/scoring/rules.js';
import { createMemoryLedger } from '../../../src/testing/memory-ledger.js';
import { DEMO_PLAN } from '../../../src/testing/world.js';
import type { ScoredEntry } from '../../../src/validator/ledger/entries.js';
import { replayRows } from '../../../src/validator/ledger/replay-all.js';
import { createPolicies } from '../../../src/validator/policies.js';
import type { ValidatorAlert } from '../../../src/validator/status.js';
import { paramsId } from '../../../src/verification/checked-params.js';
import {
  encodeParameterFile,
  NO_POLICY,
  parseParameterFile,
} from '../../../src/verification/parameter-file.js';
import { NO_DIGEST, type Publication } from '../../../src/verification/publication.js';
import { recordingLog } from '../../support/logs.js';
import { onSmallSubnet } from '../../support/small-subnet.js';
import { TOY_PARAMS, type ToyParams, toyKind } from '../../support/toy-kind.js';

type NamedToy = ToyParams & { readonly kind: 'toy'; readonly class: string };
const named: NamedToy = { ...TOY_PARAMS, kind: 'toy', class: 'toy', windowMs: 900 };
const SET = paramsId(named);
const kinds = {
  toy: toyKind({
    table: new Map<string, ToyParams>([[toHex(SET), named]]),
    parseParams: (value) => value as NamedToy,
  }),
};
const SCHEDULE: PolicySchedule = {
  eventsPerEpoch: 1,
  leadBlocks: 3,
  eventBlocks: 24,
  holdBlocks: { first: 14, last: 16 },
  publishLeadBlocks: 6,
};
const policyOf = (schedule: PolicySchedule | undefined): Uint8Array =>
  encodePolicy(
    parsePolicy({
      format: 'assay-scoring-policy/1',
      name: 'own',
      burn: 0,
      pools: [
        {
          name: 'all',
          share: 1,
          prices: { opsPerS: { of: 1_000_000, counts: 1 } },
          simulatedPrices: { opsPerS: { of: 1_000_000, counts: 1 } },
        },
      ],
      ...(schedule ? { schedule } : {}),
    }),
  );
const allAlike: ScoringRule = {
  name: 'all-alike',
  version: 1,
  divide: (claims) => claims.map(() => 1n),
};
const RULED = encodePolicy(
  parsePolicy(
    {
      format: 'assay-scoring-policy/1',
      name: 'own',
      burn: 0.2,
      pools: [
        {
          name: 'all',
          share: 0.8,
          simulatedPrices: { opsPerS: { of: 1_000_000, counts: 1 } },
          rule: { name: 'all-alike', version: 1 },
        },
      ],
      schedule: SCHEDULE,
    },
    undefined,
    [allAlike],
  ),
);
const fileOf = (policy: string): Uint8Array =>
  encodeParameterFile(parseParameterFile({ version: 1, policy, sets: [named] }, kinds));
const digestOf = (bytes: Uint8Array): string => toHex(sha256(bytes));

const POLICY = policyOf(SCHEDULE);
const [OLD, NEW] = [fileOf(NO_POLICY), fileOf(digestOf(POLICY))];
const publication = (change: Partial<Publication> = {}): Publication => ({
  parameters: sha256(NEW),
  previous: sha256(OLD),
  policy: sha256(POLICY),
  firstEpoch: 5,
  versionKey: 1n,
  ...change,
});

function desk(published: () => Publication | undefined) {
  const shelf = new Map<string, Uint8Array>();
  const parts: ParametersParts = {
    source: { publication: async () => published() },
    shelf: {
      read: async (digest) => shelf.get(digest),
      write: async (digest, bytes) => void shelf.set(digest, bytes),
    },
  };
  return { parts, shelf };
}

/** Has these files. */
const holder = (...files: Uint8Array[]): MinerPeer =>
  ({
    content: async (digest: Uint8Array) => files.find((file) => digestOf(file) === toHex(digest)),
  }) as unknown as MinerPeer;
const at = (epochIndex: number) => ({
  subnet: { epochIndex, ownerHotkey: toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY') } as Subnet,
  hash: new Uint8Array(32),
});
const never = new AbortController().signal;

/** A validator that looked in epoch 3, with peers that have these files. */
async function looked(files: readonly Uint8Array[], published: Publication = publication()) {
  const { parts, shelf } = desk(() => published);
  const { log } = recordingLog();
  const parameters = createParameters({ parameters: parts, kinds, log }, { netuid: toNetuid(1) });
  await parameters.look(at(3), () => [holder(...files)], never);
  await parameters.settled();
  return { parameters, policies: createPolicies(parameters, DEMO_PLAN.events), shelf };
}

describe('a policy', () => {
  test('counts from the epoch after the first of its parameters on: in that one, in which two count, the older one’s does', async () => {
    const { policies, shelf, parameters } = await looked([OLD, NEW, POLICY]);
    expect([3, 4, 5].map((epoch) => policies.in(epoch))).toEqual(Array(3).fill({ plan: DEMO_PLAN.events }));
    expect(policies.in(6)).toMatchObject({
      digest: digestOf(POLICY),
      plan: SCHEDULE,
      policy: { name: 'own' },
    });
    // kept as parameters are, and handed on
    expect(shelf.get(digestOf(POLICY))).toEqual(POLICY);
    expect(parameters.bytesOf(sha256(POLICY))).toEqual(POLICY);
  });

  test('is asked for beside its parameters, and does without those of its kind that nobody has', async () => {
    const { policies, parameters, shelf } = await looked([OLD, NEW]);
    expect(policies.in(5).whyNot).toBeUndefined();
    expect(policies.in(6)).toEqual({
      digest: digestOf(POLICY),
      plan: DEMO_PLAN.events,
      whyNot: `policy ${digestOf(POLICY).slice(0, 16)} is at none of 1 peers that were asked`,
    });
    parameters.retry(() => [holder(POLICY)], never);
    await parameters.settled();
    expect(policies.in(6)).toMatchObject({ plan: SCHEDULE });
    // and read from the shelf by who begins again
    const again = desk(() => publication());
    for (const [digest, bytes] of shelf) again.shelf.set(digest, bytes);
    const { log } = recordingLog();
    const fresh = createParameters({ parameters: again.parts, kinds, log }, { netuid: toNetuid(1) });
    await fresh.look(at(6), () => expect.fail('asked'), never);
    expect(createPolicies(fresh, DEMO_PLAN.events).in(6)).toMatchObject({ plan: SCHEDULE });
  });

  test('is not known where the parameters are not here that name it', async () => {
    const { policies } = await looked([NEW, POLICY]);
    expect(policies.in(5).whyNot).toBe(
      `what pays is not known: parameters ${digestOf(OLD).slice(0, 16)}, published from epoch 5 on, are at none of 1 peers that were asked`,
    );
    expect(policies.in(6).whyNot).toBeUndefined();
  });

  test('that says nothing about events leaves them to each validator’s own plan', async () => {
    const bytes = policyOf(undefined);
    const file = fileOf(digestOf(bytes));
    const { policies } = await looked(
      [OLD, file, bytes],
      publication({ parameters: sha256(file), policy: sha256(bytes) }),
    );
    expect(policies.in(6)).toMatchObject({
      digest: digestOf(bytes),
      plan: DEMO_PLAN.events,
      policy: { name: 'own' },
    });
  });

  test.each([
    [
      'of a newer version',
      utf8('{"format":"assay-scoring-policy/2"}'),
      'assay-scoring-policy/2 is newer than this build',
    ],
    ['that is no JSON', utf8('{'), 'policy: expected JSON in UTF-8'],
    [
      'with more events than miners have tickets for',
      policyOf({ ...SCHEDULE, eventsPerEpoch: 9 }),
      'eventsPerEpoch: expected at most 8',
    ],
    [
      'whose Pass does not fit its events',
      policyOf({ ...SCHEDULE, eventBlocks: 16 }),
      'eventBlocks: expected more than holdBlocks.last',
    ],
    [
      'with a rule of the subnet’s own that this validator does not have',
      RULED,
      'policy.pools[0] (all).rule: this process does not have the scoring rule all-alike, version 1',
    ],
  ])('%s is no use, and nothing is paid by another', async (_, bytes, why) => {
    const file = fileOf(digestOf(bytes));
    const { policies } = await looked(
      [OLD, file, bytes],
      publication({ parameters: sha256(file), policy: sha256(bytes) }),
    );
    const { whyNot, policy } = policies.in(6);
    expect(whyNot).toContain(`policy ${digestOf(bytes).slice(0, 16)} is no use: `);
    expect(whyNot).toContain(why);
    expect(policy).toBeUndefined();
  });

  test('of another digest than the one that is named is not taken', async () => {
    const { parts } = desk(() => publication());
    const { log } = recordingLog();
    const parameters = createParameters({ parameters: parts, kinds, log }, { netuid: toNetuid(1) });
    const liar = {
      content: async (digest: Uint8Array) =>
        toHex(digest) === digestOf(POLICY)
          ? policyOf(undefined)
          : [OLD, NEW].find((file) => digestOf(file) === toHex(digest)),
    } as unknown as MinerPeer;
    await parameters.look(at(3), () => [liar], never);
    await parameters.settled();
    expect(parameters.policyIn(6).bytes).toBeUndefined();
    expect(parameters.bytesOf(fromHex(digestOf(POLICY)))).toBeUndefined();
  });
});

test('a validator holds the events of the published plan, and without the policy none and sets no weights', async () => {
  await onSmallSubnet(
    async (subnet) => {
      let published: Publication | undefined;
      const { parts } = desk(() => published);
      const a = subnet.start('validator-a', { kinds, parameters: parts });
      const uid = subnet.uids.get('validator-a')!;
      const set = (now: Subnet) => alreadySetThisEpoch(now, uid);
      const announced = (epoch: number) =>
        a.lines.filter((line) => line.msg === 'event announced' && line.epoch === epoch).length;
      await subnet.until((now) => now.neurons[uid]!.validatorPermit);
      const { epochIndex } = await subnet.until(set);
      const first = epochIndex + 1;
      subnet.content.set(digestOf(NEW), NEW);
      published = publication({ previous: NO_DIGEST, firstEpoch: first });

      // both files count, and the built-in one has no policy: this validator's own plan, of two events
      await subnet.until((now) => now.epochIndex === first && set(now));
      expect([announced(first), a.status()?.policy]).toEqual([2, {}]);

      const reason = `policy ${digestOf(POLICY).slice(0, 16)} is at none of 1 peers that were asked`;
      const end = await subnet.until(
        (now) => now.epochIndex === first + 1 && now.nextEpochBlock! - now.block <= 2,
      );
      expect([set(end), announced(first + 1)]).toEqual([false, 0]);
      expect(a.status()).toMatchObject({
        policy: { digest: digestOf(POLICY), whyNot: reason },
        weightsStage: { stage: 'withheld', reason },
      });

      subnet.content.set(digestOf(POLICY), POLICY);
      await subnet.until((now) => now.epochIndex === first + 3 && set(now));
      expect([announced(first + 3), a.status()?.policy]).toEqual([1, { digest: digestOf(POLICY) }]);
    },
    { paramsId: SET },
  );
});

test('what miners proved and their credit for rollouts are paid under one policy, and its ledger gives the row again', async () => {
  const policy = parsePolicy({
    format: 'assay-scoring-policy/1',
    name: 'both',
    burn: 0.2,
    pools: [
      { name: 'toys', share: 0.4, simulatedPrices: { opsPerS: { of: 1_000_000, counts: 1 } } },
      { name: 'tokens', share: 0.4, credit: 'rollouts' },
    ],
    rollouts: { price: 1 },
    schedule: SCHEDULE,
  });
  const bytes = encodePolicy(policy);
  const file = fileOf(digestOf(bytes));
  await onSmallSubnet(
    async (subnet) => {
      const { parts, shelf } = desk(() =>
        publication({ parameters: sha256(file), policy: sha256(bytes), previous: NO_DIGEST, firstEpoch: 0 }),
      );
      for (const each of [file, bytes]) shelf.set(digestOf(each), each);
      const ledger = createMemoryLedger();
      const scores = new Map([[subnet.hotkeyOf('pauper'), 3_000_000]]);
      const a = subnet.start('validator-a', {
        kinds,
        parameters: parts,
        ledger,
        scoreOf: () => ({ scores, reasons: new Map(), withOwner: () => expect.fail('not by credit alone') }),
      });
      const uid = subnet.uids.get('validator-a')!;
      const { epochIndex } = await subnet.until((now) => now.neurons[uid]!.validatorPermit);
      const epoch = epochIndex + 1;
      const { ownerHotkey } = await subnet.until((now) => now.epochIndex === epoch + 1);
      const rows: ScoredEntry[] = [];
      await ledger.fold({ scored: (entry) => void (entry.epoch === epoch && rows.push(entry)) });
      expect(rows).toHaveLength(1);
      expect(new Map(rows[0]!.row)).toEqual(
        new Map([
          [ownerHotkey, 32768],
          [subnet.hotkeyOf('miner-1'), 65535],
          [subnet.hotkeyOf('pauper'), 65535],
        ]),
      );
      const { block, policy: digest, facts } = rows[0]!;
      expect(digest).toBe(digestOf(bytes));
      expect(facts.rollouts).toEqual(scores);
      expect(a.status()?.lastScored).toEqual({ epoch, block, policy: digest });
      const replayed = await replayRows({ ledger }, () => true);
      expect(replayed.every(({ agrees }) => agrees)).toBe(true);
    },
    { paramsId: SET },
  );
});

test('a policy that pays nothing for rollouts is paid by also where there is nothing to say of them', async () => {
  await onSmallSubnet(
    async (subnet) => {
      const { parts, shelf } = desk(() => publication({ previous: NO_DIGEST, firstEpoch: 0 }));
      for (const each of [NEW, POLICY]) shelf.set(digestOf(each), each);
      const a = subnet.start('validator-a', { kinds, parameters: parts, scoreOf: () => undefined });
      const uid = subnet.uids.get('validator-a')!;
      const { epochIndex } = await subnet.until((now) => now.neurons[uid]!.validatorPermit);
      await subnet.until((now) => now.epochIndex === epochIndex + 2);
      expect(a.status()?.lastScored).toMatchObject({ epoch: epochIndex + 1, policy: digestOf(POLICY) });
    },
    { paramsId: SET },
  );
});

test('by a rule of the subnet’s own weights are set where the rule is and does its work, and nowhere else', async () => {
  const file = fileOf(digestOf(RULED));
  await onSmallSubnet(
    async (subnet) => {
      const { parts, shelf } = desk(() =>
        publication({ parameters: sha256(file), policy: sha256(RULED), previous: NO_DIGEST, firstEpoch: 0 }),
      );
      for (const each of [file, RULED]) shelf.set(digestOf(each), each);
      let isBroken = true;
      const rules = [
        { ...allAlike, divide: (claims: readonly unknown[]) => claims.map(() => (isBroken ? -1n : 1n)) },
      ];
      const ledger = createMemoryLedger();
      const alerts: ValidatorAlert[] = [];
      const a = subnet.start('validator-a', { kinds, parameters: parts });
      const alert = (each: ValidatorAlert) => void alerts.push(each);
      const b = subnet.start('validator-b', { kinds, parameters: parts, ledger, rules, alert });
      const [uidA, uidB] = ['validator-a', 'validator-b'].map((name) => subnet.uids.get(name)!) as [Uid, Uid];
      const withPermit = await subnet.until((now) => now.neurons[uidB]!.validatorPermit);
      const first = withPermit.epochIndex + 1;
      const end = await subnet.until(
        (now) => now.epochIndex === first && now.nextEpochBlock! - now.block <= 2,
      );
      expect([alreadySetThisEpoch(end, uidA), alreadySetThisEpoch(end, uidB)]).toEqual([false, false]);
      expect(a.status()?.weightsStage).toMatchObject({
        stage: 'withheld',
        reason: expect.stringContaining('does not have the scoring rule all-alike, version 1'),
      });
      const reason =
        'scoring rule all-alike, version 1: expected as many bigints as claims, none negative, at least one above 0; ' +
        'got -1n for claim 0 of 1';
      expect(b.status()?.weightsStage).toEqual({ epoch: first, stage: 'withheld', reason });
      const told = alerts.filter(({ epoch }) => epoch === first);
      // once, however many blocks it is tried at
      expect(told.map((each) => [each.kind, 'reason' in each && each.reason])).toEqual([
        ['weights-withheld', reason],
      ]);

      isBroken = false;
      const set = await subnet.until((now) => now.epochIndex > first && alreadySetThisEpoch(now, uidB));
      expect(alreadySetThisEpoch(set, uidA)).toBe(false);
      const rows: ScoredEntry[] = [];
      await ledger.fold({ scored: (entry) => void rows.push(entry) });
      expect(new Map(rows[0]!.row)).toEqual(
        new Map([
          [set.ownerHotkey, 16384],
          [subnet.hotkeyOf('miner-1'), 65535],
        ]),
      );
      const replayed = await replayRows({ ledger, rules: [allAlike] }, () => true);
      expect(replayed.map(({ agrees }) => agrees)).toContain(true);
      expect(replayed.every(({ agrees }) => agrees)).toBe(true);
    },
    { paramsId: SET },
  );
});
