import { describe, expect, test } from 'vitest';
import { latePairs } from '../../../src/dashboard/suspicions/late-pairs.js';
import { createObservations, KEPT_EVENTS } from '../../../src/dashboard/suspicions/observations.js';
import { createSuspicionsPage } from '../../../src/dashboard/suspicions/page.js';
import { createRarest, MOST_KEPT } from '../../../src/dashboard/suspicions/rarest.js';
import {
  coincidence,
  isBeyondChance,
  oddsText,
  rareCorrelation,
} from '../../../src/dashboard/suspicions/rarity.js';
import { suspicions } from '../../../src/dashboard/suspicions/suspicions.js';
import type { Slot } from '../../../src/miner/slot.js';
import { toColdkey, toHotkey } from '../../../src/model/ids.js';
import type { Outcome } from '../../../src/model/outcome.js';
import { withTurns } from '../../../src/testing/devices/turns.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import { ask, pageRequest } from '../../support/dashboard.js';
import {
  finished,
  honestOutcomes,
  hotkeysOf,
  LATE,
  neuronOf,
  outcomeOf,
} from '../../support/dashboard-values.js';

const observed = (outcomes: readonly Outcome[]) => {
  const observations = createObservations();
  for (const outcome of outcomes) observations.outcome(outcome);
  return observations;
};
const analysed = (outcomes: readonly Outcome[]) => finished(suspicions(undefined, observed(outcomes)));

describe('two hotkeys on one device', () => {
  /** The sharer of the attacks: jobs never interleave, whoever is second is past the window. */
  async function sharedDevice(events: number): Promise<Outcome[]> {
    const clock = createVirtualClock();
    const windowMs = 1500;
    const slotOf = (name: string): Slot => ({
      claim: { index: 0, worker: name, kind: 'compute', paramsId: new Uint8Array(32) },
      async start(_job, signal) {
        await clock.sleep(1000, signal);
        return { commit: new Uint8Array(), open: async (request) => request, release: () => {} };
      },
    });
    const names = ['sybil-a', 'sybil-b'];
    const slots = withTurns(names.map(slotOf), clock);
    const job = { eventId: new Uint8Array(32), basis: new Uint8Array(32), seed: new Uint8Array(32) };
    const outcomes: Outcome[] = [];
    await clock.runUntil(
      (async () => {
        for (let event = 0; event < events; event++) {
          const goneAt = clock.monotonic();
          await Promise.all(
            slots.map(async (slot, i) => {
              await slot.start(job, new AbortController().signal);
              const measuredMs = clock.monotonic() - goneAt;
              const own = measuredMs > windowMs ? LATE : { measuredMs };
              outcomes.push(outcomeOf(names[i]!, event, own));
            }),
          );
        }
      })(),
    );
    return outcomes;
  }

  test('are late in turns, and named with the odds of that', async () => {
    // of 24 events two were bad ones for a quarter of all
    const honest = honestOutcomes(hotkeysOf(20), { events: 24, seed: 'honest' });
    const { findings } = analysed([...(await sharedDevice(24)), ...honest]);
    expect(findings.map(({ what, strength, hotkeys }) => ({ what, strength, hotkeys }))).toEqual([
      { what: 'late-in-turns', strength: 'strong', hotkeys: ['sybil-a', 'sybil-b'] },
    ]);
    expect(findings[0]!.evidence).toContainEqual(['late', '11 the one, 11 the other, 0 both']);
    expect(findings[0]!.evidence).toContainEqual(['expected both', '5.5']);
    expect(findings[0]!.evidence[4]![1]).toContain('1 in 705,432 for these two');
    expect(findings[0]!.outcomes).toHaveLength(6);
    expect(findings[0]!.doesNotProve).toContain('two machines that alternate by plan');
  });

  test('are named later where more parameter sets are looked at: each is a chance for chance', async () => {
    const pair = [
      ...(await sharedDevice(20)),
      ...honestOutcomes(hotkeysOf(6), { events: 20, seed: 'few', lateShare: 0 }),
    ];
    const others = ['ba', 'bb', 'bc', 'bd'].flatMap((set) =>
      honestOutcomes(hotkeysOf(6), { events: 20, seed: set, lateShare: 0 }).map((outcome) => ({
        ...outcome,
        paramsId: set.repeat(32),
      })),
    );
    // the one pair's odds are 1 in 184,756; one in 3,000 is asked of it, and one in 15,000
    expect(analysed(pair).findings).toHaveLength(1);
    expect(analysed([...pair, ...others]).findings).toHaveLength(1);
    // of 62 classes one in 186,000
    const many = Array.from({ length: 61 }, (_, i) =>
      honestOutcomes(['honest-0'], { events: 20, seed: `${i}`, lateShare: 0 }).map((outcome) => ({
        ...outcome,
        paramsId: `${i}`.padStart(2, '0').repeat(32),
      })),
    ).flat();
    expect(analysed([...pair, ...many]).findings).toEqual([]);
  });

  test('are not named while there are too few events to tell', async () => {
    const honest = honestOutcomes(hotkeysOf(20), { events: 11, seed: 'honest' });
    expect(analysed([...(await sharedDevice(11)), ...honest]).findings).toEqual([]);
  });
});

describe('honest hotkeys', () => {
  test('are not named, however many there are', () => {
    for (const seed of ['one', 'two', 'three', 'four']) {
      const { findings, comparedPairs } = analysed(
        honestOutcomes(hotkeysOf(128), { events: 64, seed, lateShare: 0.15 }),
      );
      expect(findings).toEqual([]);
      expect(comparedPairs).toBe((128 * 127) / 2);
    }
  });

  test('that were all late in the same bad events are not named for it', () => {
    const hotkeys = hotkeysOf(30);
    const outcomes = honestOutcomes(hotkeys, { events: 40, seed: 'outage', lateShare: 0.1 }).map((outcome) =>
      Number(outcome.event.slice(6)) % 5 === 0 && outcome.miner.endsWith('1') === false
        ? { ...outcome, ...LATE }
        : outcome,
    );
    expect(analysed(outcomes).findings).toEqual([]);
  });

  test('that declined or met a fault of ours leave no mark', () => {
    const observations = observed([
      outcomeOf('a', 0, { verdict: { kind: 'inconclusive', cause: 'maintenance' } }),
      outcomeOf('a', 1, { verdict: { kind: 'inconclusive', cause: 'validator-late' } }),
    ]);
    expect(observations.classes()).toEqual([]);
    expect(observations.seen()).toBe(2);
  });
});

describe('timing', () => {
  /** The second passes calls on to the first: whatever holds the first up holds up both. */
  const relayed = (events: number): Outcome[] =>
    honestOutcomes(['victim', 'relay'], { events, seed: 'relay', lateShare: 0 }).map((outcome, _, all) => {
      if (outcome.miner !== 'relay') return outcome;
      const { measuredMs } = all.find(({ miner, event }) => miner === 'victim' && event === outcome.event)!;
      return { ...outcome, measuredMs: measuredMs! + 14 + (outcome.measuredMs! % 1) };
    });
  const crowd = (events: number) => honestOutcomes(hotkeysOf(40), { events, seed: 'crowd', lateShare: 0.05 });

  test('of a hotkey that passes calls on follows that of whom it passes them to', () => {
    const { findings } = analysed([...relayed(64), ...crowd(64)]);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ what: 'timing', strength: 'hint', hotkeys: ['relay', 'victim'] });
    expect(findings[0]!.evidence).toContainEqual(['mean difference', '14.5 ms']);
    expect(findings[0]!.doesNotProve).toContain('neighbours in one data centre remain');
  });

  test('is not compared where fewer than six answered often enough', () => {
    const { findings, comparedPairs } = analysed(relayed(64));
    expect(findings).toEqual([]);
    expect(comparedPairs).toBe(0);
  });

  test('that one hiccup moved for two of them links nobody', () => {
    const outcomes = crowd(64).map((outcome) =>
      outcome.event === 'event-9' && ['honest-3', 'honest-4'].includes(outcome.miner)
        ? { ...outcome, verdict: { kind: 'accepted' } as const, measuredMs: 60_000 }
        : outcome,
    );
    expect(analysed(outcomes).findings).toEqual([]);
  });
});

describe('what hotkeys share', () => {
  const key = (first: number) => ({ algorithm: 4, publicKey: new Uint8Array([first, 2, 3]) });

  test('is named with what it does not prove, by the chain and by ports', () => {
    const neurons = [
      neuronOf(1, { coldkey: toColdkey('cold') }),
      neuronOf(2, { coldkey: toColdkey('cold'), axon: { ip: '203.0.113.9', port: 8091 } }),
      neuronOf(3, { axon: { ip: '203.0.113.9', port: 8091, serverKey: key(1) } }),
      neuronOf(4, { axon: { ip: '198.51.100.4', port: 9000, serverKey: key(1) } }),
      neuronOf(5, { axon: { ip: '2001:db8::5', port: 1 } }),
      neuronOf(6, { axon: { ip: '2001:db8:0:0:ffff::6', port: 1 } }),
      neuronOf(7, { axon: { ip: '0.0.0.0', port: 1 } }),
      neuronOf(8, { axon: { ip: '0.0.0.0', port: 1 } }),
    ];
    const observations = createObservations();
    for (const uid of [4, 5])
      observations.sight({
        hotkey: toHotkey(`hot-${uid}`),
        ip: '198.51.100.4',
        port: 7000,
        answered: true,
        outcome: `outcome-${uid}`,
      });
    observations.sight({
      hotkey: toHotkey('hot-6'),
      ip: '198.51.100.4',
      port: 7000,
      answered: false,
      outcome: 'x',
    });
    const { findings, named, leftOut } = finished(suspicions(neurons, observations));
    expect(findings.map(({ what, hotkeys, evidence }) => ({ what, hotkeys, evidence }))).toEqual([
      {
        what: 'certificate',
        hotkeys: ['hot-3', 'hot-4'],
        evidence: [
          ['TLS key', '4:010203'],
          ['owners', '2 different coldkeys'],
        ],
      },
      {
        what: 'port',
        hotkeys: ['hot-4', 'hot-5'],
        evidence: [
          ['port that answered', '198.51.100.4 port 7000'],
          ['owners', '2 different coldkeys'],
        ],
      },
      {
        what: 'endpoint',
        hotkeys: ['hot-2', 'hot-3'],
        evidence: [
          ['endpoint', '203.0.113.9 port 8091'],
          ['owners', '2 different coldkeys'],
        ],
      },
      { what: 'coldkey', hotkeys: ['hot-1', 'hot-2'], evidence: [['coldkey', 'cold']] },
      {
        what: 'address',
        hotkeys: ['hot-2', 'hot-3'],
        evidence: [
          ['address', '203.0.113.9'],
          ['owners', '2 different coldkeys'],
        ],
      },
      {
        what: 'network',
        hotkeys: ['hot-5', 'hot-6'],
        evidence: [
          ['network', '2001:db8:0:0::/64'],
          ['owners', '2 different coldkeys'],
        ],
      },
    ]);
    expect(findings.every(({ doesNotProve }) => doesNotProve.length > 20)).toBe(true);
    expect(findings[1]!.outcomes).toEqual(['outcome-4', 'outcome-5']);
    expect(named).toEqual([
      { hotkey: 'hot-2', whats: ['endpoint', 'coldkey', 'address'] },
      { hotkey: 'hot-3', whats: ['certificate', 'endpoint', 'address'] },
      { hotkey: 'hot-4', whats: ['certificate', 'port'] },
      { hotkey: 'hot-5', whats: ['port', 'network'] },
    ]);
    expect(leftOut).toEqual([]);
  });

  test('of hotkeys that have left the subnet is not named', async () => {
    const outcomes = Array.from({ length: 24 }, (_, event) => [
      outcomeOf('gone-a', event, event % 2 === 0 ? LATE : {}),
      outcomeOf('gone-b', event, event % 2 === 1 ? LATE : {}),
    ]).flat();
    expect(analysed(outcomes).findings).toHaveLength(1);
    expect(finished(suspicions([neuronOf(1)], observed(outcomes))).findings).toEqual([]);
  });

  test('of two that are there is named however many have left that acted as one', () => {
    const late = (hotkey: string, event: number, inTurn: number) =>
      outcomeOf(hotkey, event, event % 2 === inTurn ? LATE : {});
    const outcomes = Array.from({ length: 40 }, (_, event) => [
      ...hotkeysOf(64, 'gone').map((hotkey, i) => late(hotkey, event, i % 2)),
      ...(event < 24 ? [late('hot-1', event, 0), late('hot-2', event, 1)] : []),
      ...hotkeysOf(140).map((hotkey) => outcomeOf(hotkey, event)),
    ]).flat();
    const { findings, leftOut } = finished(suspicions([neuronOf(1), neuronOf(2)], observed(outcomes)));
    expect(findings.map(({ what, hotkeys }) => ({ what, hotkeys }))).toEqual([
      { what: 'late-in-turns', hotkeys: ['hot-1', 'hot-2'] },
    ]);
    expect(leftOut).toEqual([]);
  });
});

describe('observations', () => {
  test('keep the newest events of a parameter set, and one cell for all slots of a hotkey', () => {
    const observations = observed([
      ...Array.from({ length: KEPT_EVENTS + 2 }, (_, event) => outcomeOf('a', event)),
      outcomeOf('a', KEPT_EVENTS + 1, { id: 'second', slot: 1, measuredMs: 900 }),
      outcomeOf('a', KEPT_EVENTS + 1, { id: 'third', slot: 2, ...LATE }),
    ]);
    const [of] = observations.classes();
    expect(of!.events).toHaveLength(KEPT_EVENTS);
    expect(of!.events[0]).toBe('event-2');
    expect(of!.cells.get(toHotkey('a'))!.size).toBe(KEPT_EVENTS);
    expect(of!.cells.get(toHotkey('a'))!.get(`event-${KEPT_EVENTS + 1}`)).toEqual({
      late: true,
      ms: 900,
      outcome: 'third',
    });
  });

  test('of whom there was nothing but the event that goes begin anew', () => {
    const [of] = observed([
      outcomeOf('once', 0),
      ...Array.from({ length: KEPT_EVENTS - 1 }, (_, i) => outcomeOf('a', i + 1)),
      outcomeOf('once', KEPT_EVENTS),
      outcomeOf('new', KEPT_EVENTS + 1),
    ]).classes();
    expect([...of!.cells.get(toHotkey('once'))!.keys()]).toEqual([`event-${KEPT_EVENTS}`]);
    expect([...of!.cells.get(toHotkey('new'))!.keys()]).toEqual([`event-${KEPT_EVENTS + 1}`]);
  });

  test('count an event once, also where a verdict of it comes much later', () => {
    const events = Array.from({ length: 20 }, (_, event) => outcomeOf('a', event));
    const [of] = observed([...events, outcomeOf('b', 0)]).classes();
    expect(of!.events).toEqual(events.map(({ event }) => event));
  });

  test('of many hotkeys that act as one keep the rarest pairs, and count the others', () => {
    // 64 pairs of the two halves, and those within a half: 32 x 32 in turns, 2 x 32 x 31 / 2 together
    const crew = hotkeysOf(64, 'crew');
    const outcomes = [
      ...Array.from({ length: 40 }, (_, event) =>
        crew.map((hotkey, i) => outcomeOf(hotkey, event, event % 2 === i % 2 ? LATE : {})),
      ).flat(),
      ...honestOutcomes(hotkeysOf(140), { events: 40, seed: 'crew', lateShare: 0 }),
    ];
    const [of] = observed(outcomes).classes();
    const { pairs, found } = finished(latePairs(of!, 1));
    expect(found).toBe(1024 + 992);
    expect(pairs.filter(({ how }) => how === 'in-turns')).toHaveLength(MOST_KEPT);
    expect(pairs.filter(({ how }) => how === 'together')).toHaveLength(MOST_KEPT);
    const { findings, leftOut } = analysed(outcomes);
    expect(findings).toHaveLength(500);
    expect(new Set(findings.map(({ strength }) => strength))).toEqual(new Set(['strong']));
    expect(leftOut).toContain('1516 findings beyond the first 500');
  });

  test('of 512 hotkeys that were late are compared, and the others are said to be left out', () => {
    const outcomes = honestOutcomes(hotkeysOf(520), { events: 16, seed: 'late', lateShare: 0 }).map((each) =>
      Number(each.event.slice(6)) % 4 === Number(each.miner.slice(7)) % 4 ? { ...each, ...LATE } : each,
    );
    const [of] = observed(outcomes).classes();
    expect(finished(latePairs(of!, 1))).toMatchObject({ compared: 512, leftOut: 8 });
    expect(analysed(outcomes).leftOut).toContain(
      'who was late with compute, parameters abababababab: 8 of 520 hotkeys, those that were it least',
    );
  });

  test('may go on while they are looked at: what went meanwhile is named no more', () => {
    const [x, y] = hotkeysOf(8);
    const outcomes = honestOutcomes(hotkeysOf(8), { events: 40, seed: 'on', lateShare: 0 });
    const asOne = outcomes.map((each, i) => {
      if (each.miner === x && i % 16 < 8) return { ...each, ...LATE };
      return each.miner === y && i % 16 >= 8 ? { ...each, ...LATE } : each;
    });
    const relay = asOne.map((each, i) =>
      each.miner === 'honest-7' ? { ...each, measuredMs: outcomes[i - 1]!.measuredMs! + 5 } : each,
    );
    const whats = (after: number) => {
      const observations = observed(relay);
      const running = suspicions(undefined, observations);
      for (let i = 0; i < after; i++) running.next();
      for (let event = 40; event < 40 + KEPT_EVENTS; event++) observations.outcome(outcomeOf('new', event));
      return finished(running).findings.map(({ what, outcomes }) => [what, outcomes.length]);
    };
    const steps = [...suspicions(undefined, observed(relay))].length;
    expect(whats(0)).toEqual([]);
    expect(whats(1)).toEqual([['late-in-turns', 0]]);
    expect(whats(steps)).toEqual([
      ['late-in-turns', 6],
      ['timing', 0],
    ]);
  });

  test('of 1,024 hotkeys are compared in steps that leave others their turn', () => {
    const outcomes = honestOutcomes(hotkeysOf(1100), { events: 24, seed: 'many', lateShare: 0 });
    let steps = 0;
    const running = suspicions(undefined, observed(outcomes));
    let step = running.next();
    for (; !step.done; step = running.next()) steps++;
    expect(step.value.leftOut).toEqual([
      'coldkeys, addresses and certificates: no chain was asked',
      'timing of compute, parameters abababababab: 76 of 1100 hotkeys, those that answered least',
    ]);
    expect(step.value.findings).toEqual([]);
    expect(steps).toBeGreaterThan(1024);
  });
});

test('the heaviest are kept, whenever they came', () => {
  const kept = createRarest<string>(2);
  for (const [each, weight] of [
    ['a', 1],
    ['b', 5],
    ['c', 2],
    ['d', 4],
    ['e', 5],
    ['f', 0],
  ] as const)
    kept.add(each, weight);
  expect(kept.kept()).toEqual(['b', 'e']);
  expect(kept.count()).toBe(6);
});

describe('chance', () => {
  test('is counted exactly', () => {
    // C(12,0) C(12,12) / C(24,12)
    expect(coincidence({ events: 24, a: 12, b: 12, both: 0 }, 'fewer')).toEqual([1n, 2_704_156n]);
    expect(coincidence({ events: 4, a: 2, b: 2, both: 2 }, 'more')).toEqual([1n, 6n]);
    expect(coincidence({ events: 4, a: 2, b: 2, both: 0 }, 'more')).toEqual([6n, 6n]);
    expect(() => coincidence({ events: 4, a: 2, b: 2, both: 3 }, 'more')).toThrow(RangeError);
  });

  test('is told from more than chance over all pairs together', () => {
    expect(isBeyondChance([1n, 2_704_156n], 231)).toBe(true);
    expect(isBeyondChance([1n, 2_704_156n], 3000)).toBe(false);
    expect(oddsText([1n, 184_756n])).toBe('1 in 184,756');
    expect(oddsText([1n, 2_704_156n])).toBe('1 in 2.7e6');
    expect(rareCorrelation(64, 820)).toBeCloseTo(0.5838, 4);
    expect(rareCorrelation(3, 1)).toBe(1);
  });

  test('names no pair that was late always or never', () => {
    const [of] = observed(
      Array.from({ length: 30 }, (_, event) => [
        outcomeOf('never', event),
        outcomeOf('always', event, LATE),
      ]).flat(),
    ).classes();
    expect(finished(latePairs(of!, 1))).toMatchObject({ pairs: [], found: 0, compared: 0 });
  });
});

describe('the page', () => {
  const neurons = [
    neuronOf(1, { hotkey: toHotkey('<b>one</b>'), axon: { ip: '203.0.113.9', port: 1 } }),
    neuronOf(2, { coldkey: toColdkey('<script>cold</script>'), axon: { ip: '203.0.113.9', port: 1 } }),
    neuronOf(3, { coldkey: toColdkey('<script>cold</script>') }),
  ];
  const page = createSuspicionsPage({
    current: async () => ({ analysis: finished(suspicions(neurons, createObservations())), madeMs: 0 }),
  });

  test('is its owner’s alone, and says of each finding what it does not prove', async () => {
    expect(page.isPrivate).toBe(true);
    const { body } = await ask(page);
    // an endpoint, and a table of each kind of fact: coldkeys, addresses
    expect(body.text.match(/What it does not prove/g)).toHaveLength(3);
    expect(body.text).toContain('2 hotkeys announce one address and port');
    expect(body.text).toContain('Shared: coldkey');
    expect(body.text).toContain('Shared: address');
    expect(body.text).toContain('assay validator replay');
  });

  test('shows strangers’ strings as text', async () => {
    const { text } = (await ask(page)).body;
    expect(text).not.toMatch(/<b>one|<script>/);
    expect(text).toContain('&lt;script&gt;cold');
  });

  test('shows what is asked for, and refuses what cannot be', async () => {
    const { text } = (await ask(page, pageRequest({ query: 'what=coldkey' }))).body;
    expect(text.match(/What it does not prove/g)).toHaveLength(1);
    await expect(ask(page, pageRequest({ query: 'what=nonsense' }))).rejects.toThrow('what');
    await expect(ask(page, pageRequest({ query: 'page=0' }))).rejects.toThrow('page');
    const none = (await ask(page, pageRequest({ query: 'hotkey=nobody' }))).body.text;
    expect(none).toContain('No finding is of this kind.');
  });

  test('says how much must be seen before anything can be told from chance', async () => {
    const observations = observed([outcomeOf('a', 1)]);
    const one = createSuspicionsPage({
      current: async () => ({ analysis: finished(suspicions([], observations)), madeMs: 0 }),
    });
    expect((await ask(one)).body.text).toContain('need 12 events that asked both, timing 24');
  });

  test('of nothing says that nothing was seen', async () => {
    const bare = createSuspicionsPage({
      current: async () => ({ analysis: finished(suspicions([], createObservations())), madeMs: 0 }),
    });
    expect((await ask(bare)).body.text).toContain('No verdict was seen yet');
  });
});
