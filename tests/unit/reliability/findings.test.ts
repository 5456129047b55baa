// What a soak says of what it found: a claim that does not hold must be seen.
import { describe, expect, test } from 'vitest';
import { HOSTILE, liarsBy } from '../../../reliability/crowd/hostile.js';
import { type CrowdSeen, judgeCrowd } from '../../../reliability/crowd/judge.js';
import { crowdParams } from '../../../reliability/crowd/params.js';
import { createDowns } from '../../../reliability/kills/downs.js';
import { type JudgeSeen, judge, type MinerSeen, type Seen } from '../../../reliability/kills/judge.js';
import { planKills } from '../../../reliability/kills/plan.js';
import { emptyPage, renderSection, replaceSection } from '../../../reliability/section.js';
import { settingsOf } from '../../../reliability/soak.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted, rejected, type Verdict } from '../../../src/model/verdict.js';

const HOTKEYS = { validator: 'validator', honest: 'honest', liar: 'liar' } as const;
type Outcome = JudgeSeen['outcomes'][number];

const outcome = (id: string, eventBlock: number, verdict: Verdict, miner: string = HOTKEYS.honest) =>
  ({
    id,
    event: `e${eventBlock}`,
    eventBlock,
    epoch: 1,
    miner,
    validator: HOTKEYS.validator,
    verdict,
  }) as Outcome;
const event = (block: number) => ({ event: `e${block}`, block, epoch: 1 }) as JudgeSeen['started'][number];

/** One validator and its epoch of two events, blocks of a second from 100 on. */
function seen(
  change: { judge?: Partial<JudgeSeen>; miner?: Partial<MinerSeen>; all?: Partial<Seen> } = {},
): Seen {
  const outcomes = [outcome('a', 110, accepted), outcome('b', 130, accepted)];
  return {
    judges: [
      {
        name: 'validator-a',
        hotkey: HOTKEYS.validator,
        outcomes,
        started: [event(110), event(130)],
        completed: [event(110), event(130)],
        scored: [{ epoch: 1, row: [[HOTKEYS.honest, 65_535]] } as unknown as JudgeSeen['scored'][number]],
        replayed: { outcomes: outcomes.length, agreeing: 2, disagreeing: [], rows: [] } as never,
        words: { missed: new Map(), dropped: new Map() },
        jobs: ['a', 'b'],
        setAside: [],
        leansOn: () => false,
        ...change.judge,
      },
    ],
    miners: [
      {
        name: 'miner-1',
        hotkey: HOTKEYS.honest,
        honest: true,
        earnsNothing: false,
        receipts: [],
        ...change.miner,
      },
      { name: 'miner-2', hotkey: HOTKEYS.liar, honest: false, earnsNothing: true, receipts: [] },
    ],
    watched: {
      epochs: () => [
        {
          epoch: 1,
          first: 100,
          last: 160,
          sets: new Map([['validator-a', [150]]]),
          permitted: new Set(['validator-a']),
        },
      ],
      seenAt: (block) => block * 1000,
    },
    downs: createDowns(),
    eventMs: { before: 2000, after: 6000 },
    ownDeaths: [],
    left: [],
    undrained: [],
    handles: [{ name: 'validator-a', open: 37 }],
    ...change.all,
  };
}

const broken = (of: Seen) =>
  judge(of)
    .claims.filter(({ holds }) => !holds)
    .map(({ what }) => what);
/** `process` was away from one second to another */
const away = (process: string, victim: 'validator' | 'miner' | 'localnet', from: number, to: number) => {
  const downs = createDowns();
  downs.killed(process, victim, from * 1000);
  downs.back(process, to * 1000);
  return downs;
};

describe('the judge of the kills', () => {
  test('finds nothing wrong where nothing is', () => {
    expect(broken(seen())).toEqual([]);
  });

  test.each<[string, Parameters<typeof seen>[0], RegExp]>([
    [
      'a doubled outcome',
      { judge: { outcomes: [outcome('a', 110, accepted), outcome('a', 110, accepted)], jobs: [] } },
      /doubled/,
    ],
    [
      'a session that was taken down and has no outcome',
      { judge: { jobs: ['a', 'b', 'c'] } },
      /no session is lost/,
    ],
    [
      'a receipt of an outcome that is not there',
      { miner: { receipts: [{ validator: HOTKEYS.validator, outcome: 'z', verdict: 'accepted' } as never] } },
      /no outcome is lost/,
    ],
    ['a job that was left', { all: { undrained: ['a'] } }, /drained/],
    [
      'a process that ended by itself',
      { all: { ownDeaths: ['validator-a exit code 1'] } },
      /no process ended/,
    ],
    [
      'a process that keeps sockets of others',
      { all: { handles: [{ name: 'validator-a', open: 101 }] } },
      /no process keeps what others left/,
    ],
    ['a process that is left', { all: { left: [4711] } }, /no process is left/],
    ['an event without a reason', { judge: { completed: [event(110)] } }, /counts for nobody/],
    [
      'weights that were set twice',
      {
        all: {
          watched: {
            ...seen().watched,
            epochs: () => [{ ...seen().watched.epochs()[0]!, sets: new Map([['validator-a', [150, 152]]]) }],
          },
        },
      },
      /set twice/,
    ],
    [
      'an epoch without weights and without a kill',
      {
        all: {
          watched: { ...seen().watched, epochs: () => [{ ...seen().watched.epochs()[0]!, sets: new Map() }] },
        },
      },
      /explained by a kill/,
    ],
    [
      'an honest miner rejected for content',
      { judge: { outcomes: [outcome('a', 110, rejected('projection')), outcome('b', 130, accepted)] } },
      /for content/,
    ],
    [
      "a window lost to the validator's death",
      {
        judge: { outcomes: [outcome('a', 110, rejected('window')), outcome('b', 130, accepted)] },
        all: { downs: away('validator-b', 'validator', 111, 112) },
      },
      /lost a window/,
    ],
    [
      'an honest miner without weight',
      { judge: { scored: [{ epoch: 1, row: [] } as never] } },
      /has its weight/,
    ],
    [
      'a liar that was paid',
      {
        judge: {
          scored: [
            {
              epoch: 1,
              row: [
                [HOTKEYS.honest, 9],
                [HOTKEYS.liar, 1],
              ],
            } as never,
          ],
        },
      },
      /no liar/,
    ],
  ])('sees %s', (_what, change, claim) => {
    const found = broken(seen(change));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(claim);
  });

  test('a window is no fault of ours where the miner itself was away', () => {
    const lost = { outcomes: [outcome('a', 110, rejected('window')), outcome('b', 130, accepted)] };
    expect(broken(seen({ judge: lost, all: { downs: away('miner-1', 'miner', 105, 109) } }))).toEqual([]);
  });

  test('an event is given up for a kill of the validator or of the chain, and for no other', () => {
    const given = { completed: [event(110)] };
    expect(
      broken(seen({ judge: given, all: { downs: away('validator-a', 'validator', 131, 133) } })),
    ).toEqual([]);
    expect(broken(seen({ judge: given, all: { downs: away('localnet', 'localnet', 131, 133) } }))).toEqual(
      [],
    );
    expect(broken(seen({ judge: given, all: { downs: away('miner-1', 'miner', 131, 133) } }))).toHaveLength(
      1,
    );
  });
});

describe('a plan of kills', () => {
  const victims = { validator: ['a', 'b'], worker: [], miner: ['m'], redis: ['r'], localnet: ['l'] };

  test('is its seed alone, in order, within the time, and names nobody who is not there', () => {
    const plan = planKills('x', { kills: 50, ms: 10_000, victims });
    expect(planKills('x', { kills: 50, ms: 10_000, victims })).toEqual(plan);
    expect(planKills('y', { kills: 50, ms: 10_000, victims })).not.toEqual(plan);
    expect(plan.map(({ atMs }) => atMs)).toEqual([...plan.map(({ atMs }) => atMs)].sort((a, b) => a - b));
    expect(plan.at(-1)!.atMs).toBeLessThan(10_000);
    expect(new Set(plan.map(({ process }) => process))).toEqual(new Set(['a', 'b', 'm', 'r', 'l']));
  });
});

describe('the page', () => {
  const circumstances = {
    name: 'kills',
    seed: 's',
    commit: 'c',
    date: 'd',
    seconds: 61,
    machine: 'm',
    settings: { kills: 2 },
  };
  const section = (holds: boolean) =>
    renderSection({ title: 'T', about: 'A' }, circumstances, {
      claims: [{ what: 'w', holds, found: 'f' }],
      figures: [],
    });

  test('says of a claim that does not hold that it does not', () => {
    expect(section(true)).toContain('Every claim holds.');
    expect(section(false)).toContain('**1 of 1 claims do not hold.**');
    expect(section(false)).toContain('| w | **no** | f |');
  });

  test('has one section of a name, and leaves the others alone', () => {
    const other = renderSection(
      { title: 'O', about: 'B' },
      { ...circumstances, name: 'crowd' },
      { claims: [], figures: [] },
    );
    const both = replaceSection(replaceSection(emptyPage(), 'kills', section(false)), 'crowd', other);
    const again = replaceSection(both, 'kills', section(true));
    expect(again).toContain(other);
    expect(again).not.toContain('**no**');
    expect(again.match(/## T/g)).toHaveLength(1);
  });
});

test('settings that there are not are told, with those that there are', () => {
  const soak = { settings: { kills: { is: 200, what: 'how many' } } };
  expect(settingsOf(soak, { kills: '3' })).toEqual({ kills: 3 });
  expect(settingsOf(soak, { kill: '3' })).toContain('kills=200  how many');
  expect(settingsOf(soak, { kills: 'many' })).toContain('expected a number');
});

test('a liar of the crowd is accepted less than once in a million sessions, whatever it is asked', () => {
  const random = createSeededRandom('crowd');
  const params = crowdParams({ windowMs: 10_000 });
  const liars = liarsBy(random);
  expect(new Set(HOSTILE).size).toBe(HOSTILE.length);
  expect(HOSTILE.length).toBeGreaterThan(20);
  for (let k = 0; k < 300; k++) {
    const challenge = { params, basis: random.bytes(32), seed: random.bytes(32) };
    for (const { name, acceptance } of liars) expect(acceptance(challenge), name).toBeLessThan(1e-6);
  }
});

describe('the judge of the crowd', () => {
  const second = 1000;
  const samplesOf = (rss: readonly number[]) => rss.map((rssMiB, k) => ({ at: k * second, rssMiB, cpuS: k }));
  /** three events of one honest and one lying miner */
  function crowd(change: Partial<CrowdSeen> = {}): CrowdSeen {
    const blocks = [110, 130, 150];
    return {
      crowd: [
        { name: 'miner-1', hotkey: HOTKEYS.honest, hostile: undefined },
        { name: 'miner-2', hotkey: HOTKEYS.liar, hostile: 'silent' },
      ],
      events: blocks.map((block) => ({
        ...{ block, accepted: 1, rejected: 1, inconclusive: 0, ownDelayMs: 0 },
        beganAt: block * second,
        at: (block + 5) * second,
      })),
      samples: samplesOf([100, 200, 210, 205, 208, 209]),
      deaths: [],
      replayed: { rows: [{ agrees: true }], disagreeing: [], agreeing: 6 } as never,
      outcomes: blocks.flatMap((block) => [
        outcome(`a${block}`, block, accepted),
        outcome(`b${block}`, block, rejected('window'), HOTKEYS.liar),
      ]),
      started: blocks.map(event),
      completed: blocks.map(event),
      scored: [{ epoch: 1, row: [[HOTKEYS.honest, 65_535]] } as never],
      ...change,
    };
  }
  const wrong = (of: CrowdSeen) => judgeCrowd(of).claims.flatMap(({ holds, what }) => (holds ? [] : [what]));

  test('finds nothing wrong where nothing is', () => {
    expect(wrong(crowd())).toEqual([]);
  });

  test.each<[string, Partial<CrowdSeen>, RegExp]>([
    ['memory that goes on rising', { samples: samplesOf([100, 110, 200, 210, 300, 310]) }, /memory is flat/],
    ['a process that died', { deaths: ['validator exit code 1'] }, /nothing died/],
    ['an event that was given up', { completed: [110, 150].map(event) }, /every event/],
    [
      'a liar that was paid',
      { scored: [{ epoch: 1, row: [[HOTKEYS.liar, 1]] } as never] },
      /no hostile miner was paid/,
    ],
    [
      'a liar that was accepted',
      { outcomes: [...crowd().outcomes, outcome('c', 150, accepted, HOTKEYS.liar)] },
      /was accepted/,
    ],
    [
      'an honest one that was lost',
      { outcomes: [...crowd().outcomes, outcome('c', 150, rejected('window'))] },
      /were lost/,
    ],
    [
      'a row that does not follow',
      { replayed: { rows: [{ agrees: false }], disagreeing: [] } as never },
      /same rows/,
    ],
    [
      'events that take longer and longer',
      { events: crowd().events.map((each, k) => ({ ...each, at: each.at + k * 10_000 })) },
      /throughput/,
    ],
  ])('sees %s', (_what, change, claim) => {
    const found = wrong(crowd(change));
    expect(found.filter((what) => claim.test(what))).toHaveLength(1);
  });
});
