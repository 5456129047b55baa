// Owns: the demo's world as a value: who is there, under which keys, in which order. Does not own: running it.

import { createSeededRandom, shuffled } from '../model/prng.js';
import type { Rejection } from '../model/verdict.js';
import type { LinkName, ProverName } from './demo-provers.js';

export const BEHAVIOURS = [
  'honest-large',
  'honest-small',
  'fabricates-rows',
  'replays',
  'relays',
  'shares-device-a',
  'shares-device-b',
  'silent',
  'honest-memory',
  'invents-digests',
  'invents-leaves',
] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

export interface BehaviourFacts {
  /** slots it claims */
  readonly slots: number;
  /** rejections about content that each of its sessions must end in; undefined when content is not what refuses it */
  readonly content: Rejection | undefined;
  readonly honest: boolean;
  /** must end with exactly nothing */
  readonly earnsNothing: boolean;
  /** what its devices prove with, or would */
  readonly prover: ProverName;
  /** what stands behind the slot that is its link to peers; undefined without one */
  readonly link: LinkName | undefined;
  readonly what: string;
}

export const FACTS: Readonly<Record<Behaviour, BehaviourFacts>> = {
  'honest-large': fact(3, undefined, true, false, 'two devices and a link, three slots', { link: 'honest' }),
  'honest-small': fact(2, undefined, true, false, 'one device and a link, two slots', { link: 'honest' }),
  'fabricates-rows': fact(
    1,
    'projection',
    false,
    true,
    'fills a quarter of the rows of every label with random bytes',
    { prover: 'fabricates-rows' },
  ),
  replays: fact(1, 'seed', false, true, 'answers every challenge with one valid transcript made before'),
  relays: fact(1, 'seed', false, true, "sends honest-small's frames as its own and forwards its Go to it"),
  'shares-device-a': fact(1, undefined, false, false, 'one of two hotkeys on one device, one slot each'),
  'shares-device-b': fact(1, undefined, false, false, 'the other one'),
  silent: fact(1, undefined, false, true, 'accepts the stream and never answers'),
  'honest-memory': fact(2, undefined, true, false, 'one device, proven with its memory, and a link', {
    prover: 'honest-memory',
    link: 'honest',
  }),
  'invents-digests': fact(
    1,
    'digest',
    false,
    true,
    'has half of the memory it claims, and makes up what it would read from the rest',
    { prover: 'invents-digests' },
  ),
  'invents-leaves': fact(1, 'path', false, true, 'makes up a quarter of what its peers would have sent', {
    link: 'invents-leaves',
  }),
};

function fact(
  slots: number,
  content: Rejection | undefined,
  honest: boolean,
  earnsNothing: boolean,
  what: string,
  { prover = 'honest', link }: { prover?: ProverName; link?: LinkName } = {},
): BehaviourFacts {
  return { slots, content, honest, earnsNothing, prover, link, what };
}

export interface WorldMiner {
  /** miner-1, miner-2, ...: says nothing about its behaviour */
  readonly name: string;
  readonly behaviour: Behaviour;
  readonly hotkeyUri: string;
  readonly coldkeyUri: string;
  /** the simulated host's own loopback address */
  readonly host: string;
}

export interface WorldValidator {
  readonly name: 'validator-a' | 'validator-b';
  readonly hotkeyUri: string;
  readonly coldkeyUri: string;
  readonly stakeRao: bigint;
}

export interface World {
  readonly seed: string;
  readonly owner: { readonly hotkeyUri: string; readonly coldkeyUri: string };
  readonly validators: readonly WorldValidator[];
  readonly miners: readonly WorldMiner[];
  /** names of validators and miners in the order in which they register */
  readonly registration: readonly string[];
}

const TAO = 1_000_000_000n;

/** Everything that `--seed` fixes before a process starts. Behaviours are dealt to miners in an order of the seed's. */
export function createWorld(seed: string, cast: readonly Behaviour[] = BEHAVIOURS): World {
  const random = createSeededRandom(`assay/demo/${seed}`);
  const uri = (name: string, key: 'hot' | 'cold') =>
    `//assay-demo//${Buffer.from(seed).toString('hex') || '0'}//${name}//${key}`;
  const keys = (name: string) => ({ hotkeyUri: uri(name, 'hot'), coldkeyUri: uri(name, 'cold') });
  const behaviours = shuffled(cast, random);
  const miners = behaviours.map((behaviour, k) => ({
    name: `miner-${k + 1}`,
    behaviour,
    ...keys(`miner-${k + 1}`),
    host: `127.${16 + k}.0.1`,
  }));
  const validators = [
    { name: 'validator-a', ...keys('validator-a'), stakeRao: 120n * TAO },
    { name: 'validator-b', ...keys('validator-b'), stakeRao: 80n * TAO },
  ] as const;
  const registration = shuffled(
    [...miners, ...validators].map(({ name }) => name),
    random,
  );
  return { seed, owner: keys('owner'), validators, miners, registration };
}

/** What the whole demo runs on: epochs, events and the owner's sudo calls. */
export const DEMO_PLAN = {
  tempo: 66,
  paidEpochs: 3,
  events: {
    eventsPerEpoch: 2,
    leadBlocks: 2,
    // phases of Go are over for all after 3.4 s, those of the Pass 0.75 s after it
    eventBlocks: 24,
    holdBlocks: { first: 14, last: 16 },
    publishLeadBlocks: 5,
    minLeadMs: 150,
  },
  blockTimeMs: 250,
  worker: 'host-1',
} as const;
