// Owns: what an owner may look into: findings about hotkeys that seem to be one, each with its evidence and what it does not prove.
// Does not own: the single looks (shared.ts, timing.ts, late-pairs.ts), what a finding costs anybody: nothing.
import type { Neuron } from '../../chain/chain.js';
import type { Hotkey } from '../../model/ids.js';
import { LEAST_EVENTS as LATE_EVENTS, type LatePair, latePairs } from './late-pairs.js';
import type { Observations } from './observations.js';
import { MOST_KEPT } from './rarest.js';
import { type SharedThing, sharedBySight, sharedOnChain } from './shared.js';
import { type TimingPair, timingPairs } from './timing.js';

/** `fact`: so it is, and honest owners have it too. `hint`: chance does not explain it. `strong`: one host or one device does. */
export const STRENGTHS = ['strong', 'hint', 'fact'] as const;
export type Strength = (typeof STRENGTHS)[number];

export interface Finding {
  readonly strength: Strength;
  readonly what: SharedThing['what'] | 'late-in-turns' | 'late-together' | 'timing';
  /** one line */
  readonly title: string;
  readonly hotkeys: readonly Hotkey[];
  /** each a line: a name and what was seen */
  readonly evidence: readonly (readonly [name: string, seen: string])[];
  /** ids that `assay validator replay` takes */
  readonly outcomes: readonly string[];
  readonly doesNotProve: string;
}

export interface Analysis {
  readonly findings: readonly Finding[];
  /** hotkeys that several kinds of findings name, the most named first */
  readonly named: readonly { readonly hotkey: Hotkey; readonly whats: readonly Finding['what'][] }[];
  readonly hotkeys: number;
  readonly outcomes: number;
  /** pairs of hotkeys whose timing was compared, of all classes */
  readonly comparedPairs: number;
  /** what was left out, and why; empty where all was looked at */
  readonly leftOut: readonly string[];
}

/** More than these would be read by nobody; the strongest stay. */
const MOST_FINDINGS = MOST_KEPT;
/** At each class: late in turns, late together, sooner and later together. */
const LOOKS = 3;

/**
 * Pure; in steps, so that a validator beside it goes on. The same arguments give the same findings.
 * @param neurons whose the subnet is now; undefined where no chain can be asked, and then only what was measured is looked at
 */
export function* suspicions(
  neurons: readonly Neuron[] | undefined,
  observations: Observations,
): Generator<void, Analysis> {
  const findings: Finding[] = [];
  const leftOut: string[] = [];
  let comparedPairs = 0;
  /** that were found and are not among the findings: their classes have more telling ones */
  let beyond = 0;
  const onSubnet = neurons && new Set(neurons.map(({ hotkey }) => hotkey));
  const isHere = (hotkey: Hotkey): boolean => onSubnet?.has(hotkey) ?? true;
  const coldkeyOf = new Map(neurons?.map(({ hotkey, coldkey }) => [hotkey, coldkey]));
  const owners = (hotkeys: readonly Hotkey[]): readonly [string, string] | undefined => {
    if (!neurons) return undefined;
    const count = new Set(hotkeys.map((hotkey) => coldkeyOf.get(hotkey))).size;
    return ['owners', count === 1 ? 'one coldkey has them all' : `${count} different coldkeys`];
  };

  if (neurons)
    for (const thing of sharedOnChain(neurons)) findings.push(ofShared(thing, owners(thing.hotkeys)));
  else leftOut.push('coldkeys, addresses and certificates: no chain was asked');
  for (const thing of sharedBySight(observations.sights()))
    if (thing.hotkeys.every(isHere)) findings.push(ofShared(thing, owners(thing.hotkeys)));
  const classes = observations.classes();
  const looks = LOOKS * classes.filter(({ events }) => events.length >= LATE_EVENTS).length;
  for (const of of classes) {
    if (of.leftOut > 0)
      leftOut.push(`${proofText(of)}: ${of.leftOut} hotkeys beyond the first ${of.cells.size}`);
    const late = yield* latePairs(of, looks, isHere);
    if (late.leftOut > 0)
      leftOut.push(
        `who was late with ${proofText(of)}: ${late.leftOut} of ${late.compared + late.leftOut} hotkeys, those that were it least`,
      );
    for (const pair of late.pairs) findings.push(ofLate(pair, owners(pair.hotkeys)));
    const { pairs, found, compared, leftOut: uncompared } = yield* timingPairs(of, looks, isHere);
    beyond += late.found - late.pairs.length + found - pairs.length;
    comparedPairs += (compared * (compared - 1)) / 2;
    if (compared > 0 && uncompared > 0)
      leftOut.push(
        `timing of ${proofText(of)}: ${uncompared} of ${compared + uncompared} hotkeys, those that answered least`,
      );
    for (const pair of pairs) findings.push(ofTiming(pair, owners(pair.hotkeys)));
  }
  findings.sort((x, y) => STRENGTHS.indexOf(x.strength) - STRENGTHS.indexOf(y.strength));
  beyond += Math.max(0, findings.length - MOST_FINDINGS);
  if (beyond > 0) leftOut.push(`${beyond} findings beyond the first ${MOST_FINDINGS}`);
  return {
    findings: findings.slice(0, MOST_FINDINGS),
    named: namedOf(findings),
    hotkeys: neurons?.length ?? new Set(classes.flatMap(({ cells }) => [...cells.keys()])).size,
    outcomes: observations.seen(),
    comparedPairs,
    leftOut,
  };
}

function namedOf(findings: readonly Finding[]): Analysis['named'] {
  const whats = new Map<Hotkey, Set<Finding['what']>>();
  for (const { hotkeys, what } of findings)
    for (const hotkey of hotkeys) whats.set(hotkey, (whats.get(hotkey) ?? new Set()).add(what));
  return [...whats]
    .filter(([, each]) => each.size > 1)
    .map(([hotkey, each]) => ({ hotkey, whats: [...each] }))
    .sort((x, y) => y.whats.length - x.whats.length || (x.hotkey < y.hotkey ? -1 : 1))
    .slice(0, MOST_FINDINGS);
}

const proofText = ({ kind, paramsId }: Pick<LatePair, 'kind' | 'paramsId'>): string =>
  `${kind}, parameters ${paramsId.slice(0, 12)}`;

const SHARED: Readonly<
  Record<
    SharedThing['what'],
    {
      readonly strength: Strength;
      title(count: number): string;
      readonly name: string;
      readonly doesNotProve: string;
    }
  >
> = {
  coldkey: {
    strength: 'fact',
    name: 'coldkey',
    title: (count) => `${count} hotkeys of one coldkey`,
    doesNotProve:
      'An owner with several machines has a hotkey for each. It says whose they are, not that two are one machine.',
  },
  address: {
    strength: 'fact',
    name: 'address',
    title: (count) => `${count} hotkeys announce one address`,
    doesNotProve:
      'Machines behind one router, and tenants of one provider, share an address. Proofs in one event tell whether there is more than one device.',
  },
  network: {
    strength: 'fact',
    name: 'network',
    title: (count) => `${count} hotkeys in one IPv6 network`,
    doesNotProve: 'A /64 is usually one site, which may have many machines.',
  },
  endpoint: {
    strength: 'hint',
    name: 'endpoint',
    title: (count) => `${count} hotkeys announce one address and port`,
    doesNotProve:
      'One listener takes the calls of all of them. It may be a proxy before several machines, or what one of them announced of another.',
  },
  certificate: {
    strength: 'strong',
    name: 'TLS key',
    title: (count) => `${count} hotkeys announce one TLS key`,
    doesNotProve:
      'Anybody can announce a public key that the chain shows; who cannot answer with it does not serve. If all of them answer, whoever holds the key answers for all: that is one operator, not yet one device.',
  },
  port: {
    strength: 'strong',
    name: 'port that answered',
    title: (count) => `one port answered for ${count} hotkeys`,
    doesNotProve:
      'Each answer was signed by its own hotkey, so one host had all these keys, or passed calls on to who has them. It may stand before several devices.',
  },
  'call-back': {
    strength: 'hint',
    name: 'called back from',
    title: (count) => `${count} hotkeys called back from one other address`,
    doesNotProve:
      'Networks with one way out call from one address. It was not the address that any of them announces.',
  },
};

function ofShared(
  { what, value, hotkeys, outcomes }: SharedThing,
  owners: readonly [string, string] | undefined,
): Finding {
  const { strength, title, name, doesNotProve } = SHARED[what];
  const evidence = [[name, value] as const, ...(owners && what !== 'coldkey' ? [owners] : [])];
  return { strength, what, title: title(hotkeys.length), hotkeys, evidence, outcomes, doesNotProve };
}

function ofLate(
  { how, kind, paramsId, hotkeys, events, lateA, lateB, lateBoth, odds, outcomes }: LatePair,
  owners: readonly [string, string] | undefined,
): Finding {
  const isInTurns = how === 'in-turns';
  return {
    strength: isInTurns ? 'strong' : 'hint',
    what: isInTurns ? 'late-in-turns' : 'late-together',
    title: isInTurns ? 'two hotkeys are late in turns' : 'two hotkeys are late together',
    hotkeys,
    evidence: [
      ['proof', proofText({ kind, paramsId })],
      ['events', `${events} that asked both`],
      ['late', `${lateA} the one, ${lateB} the other, ${lateBoth} both`],
      ['expected both', ((lateA * lateB) / events).toFixed(1)],
      ['by chance', `${odds} for these two; counted as beyond it over all pairs at once`],
      ...(owners ? [owners] : []),
    ],
    outcomes,
    doesNotProve: isInTurns
      ? 'One device under two hotkeys gives this. So do two machines that alternate by plan, and a line that carries one answer at a time. Who is late is not paid for that event already.'
      : 'A common host, line or provider gives this, and honest neighbours have one. Events in which a quarter of all were late are left out.',
  };
}

const ofTiming = (
  { kind, paramsId, hotkeys, events, correlation, needed, apartMs, outcomes }: TimingPair,
  owners: readonly [string, string] | undefined,
): Finding => ({
  strength: 'hint',
  what: 'timing',
  title: 'two hotkeys answer sooner and later together',
  hotkeys,
  evidence: [
    ['proof', proofText({ kind, paramsId })],
    ['events', `${events} that both answered`],
    [
      'rank correlation',
      `${correlation.toFixed(3)}; chance alone exceeds ${needed.toFixed(3)} in one of a thousand analyses at most`,
    ],
    ['mean difference', `${apartMs.toFixed(1)} ms`],
    ...(owners ? [owners] : []),
  ],
  outcomes,
  doesNotProve:
    'What both wait for may be a common line, switch or host as well as a common device. What moved the whole class is taken off beforehand; neighbours in one data centre remain.',
});
