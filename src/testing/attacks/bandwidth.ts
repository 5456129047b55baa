// Owns: attacks on `bandwidth`: liars of content, who shares a line, who owns the sources. Does not own: the provers
// (liars/bandwidth.ts), virtual links (devices/links.ts), one round (bandwidth-round.ts).
import { createReferenceCompute } from '../../compute/cpu/reference.js';
import type { Random } from '../../model/prng.js';
import type { Cause } from '../../model/verdict.js';
import { downRate } from '../../verification/kinds/bandwidth/credit.js';
import { bandwidthProof } from '../../verification/kinds/bandwidth/index.js';
import { matchRound } from '../../verification/kinds/bandwidth/match.js';
import {
  type BandwidthParams,
  paramsByClass,
  segmentBytes,
} from '../../verification/kinds/bandwidth/params.js';
import { playRound } from '../bandwidth-round.js';
import { createVirtualNetwork, type HostLink } from '../devices/links.js';
import {
  type BandwidthLiar,
  caches,
  countsTwice,
  instantRound,
  inventsLeaves,
  regenerates,
  replaysRound,
} from '../liars/bandwidth.js';
import { createVirtualClock } from '../virtual-clock.js';
import { type Attack, type Attempt, defineAttack } from './attack.js';
import { honestRun, lyingRun } from './content.js';
import { type SlotResult, scoreOf } from './scored.js';
import type { Subject } from './session.js';

const compute = createReferenceCompute();

const SMALL: BandwidthParams = {
  ...paramsByClass('link-100m')!,
  sources: 2,
  minSources: 2,
  segmentLeaves: 16,
  maxSegments: 2,
  samples: 16,
};

export const bandwidthSubject: Subject<BandwidthParams, unknown> = {
  kind: bandwidthProof,
  params: SMALL,
  devices: { compute },
  round: instantRound,
};

const content = (
  attack: Omit<Attack, 'kind' | 'bounds' | 'run'> & {
    liar: (strength: number, random: Random) => BandwidthLiar;
  },
): Attack => {
  const { liar, ...rest } = attack;
  return defineAttack({
    kind: 'bandwidth',
    bounds: 'acceptance',
    ...rest,
    run: lyingRun(bandwidthSubject, liar),
  });
};

const honestSession = honestRun(bandwidthSubject);

const missed = (share: number): number => (1 - share) ** SMALL.samples;

// ---------------------------------------------------------------- lines

/** A megabyte a second: enough for ratios, and little to hash. */
const RATE = 1_000_000;
const LINK: BandwidthParams = {
  ...paramsByClass('link-100m')!,
  segmentLeaves: 2,
  maxSegments: 30,
  windowMs: 1000,
  samples: 32,
  nominalBytesPerS: RATE,
};
const PEERS = 9;

/** Down and up of the first `count` hosts of one common round, each way over the rate of one line, the larger of both ways. */
async function lines(count: number, random: Random, of: (i: number) => Partial<HostLink>): Promise<number> {
  const clock = createVirtualClock();
  const network = createVirtualNetwork({ clock });
  const hosts = Array.from({ length: count + PEERS }, (_, i) => {
    const address = `10.${i}.0.1`;
    const link = network.host({
      address,
      upBytesPerS: RATE,
      downBytesPerS: RATE,
      ...(i < count ? of(i) : {}),
    });
    return { link, address };
  });
  // nobody keeps a reserve for a way that takes no time: the best that a sharer can do
  const results = await clock.runUntil(
    playRound({ clock, random, compute }, { params: LINK, hosts, reserve: 0 }),
  );
  const own = results.slice(0, count);
  const way = (resource: 'downBytesPerS' | 'upBytesPerS'): number =>
    own.reduce((sum, { credit }) => sum + (credit[resource] ?? 0), 0) / RATE;
  return Math.max(way('downBytesPerS'), way('upBytesPerS'));
}

const attempt = (credit: number, own: number): Attempt => ({ accepted: credit > own * (1 + 1e-9), credit });

const throughOne = (): Partial<HostLink> => {
  const line = { bytesPerS: RATE };
  const back = { bytesPerS: RATE };
  return { upThrough: [line], downThrough: [back] };
};

/** What of a line one host alone is credited: segments that are not whole at the end are lost. */
const ALONE = 0.97;

// ---------------------------------------------------------------- sources

const HOSTS = 60;

/** One round's draw for a host whose owner has `share` of all others; every source that is its own says what it likes. */
async function withAccomplices(share: number, random: Random): Promise<number[]> {
  const accomplices = Math.round(share * (HOSTS - 1));
  const hosts = Array.from({ length: HOSTS }, (_, i) => ({
    id: `${i}`,
    coldkey: `${i}`,
    address: `10.${i}.0.1`,
  }));
  const { sources, maxSegments } = LINK;
  const drawn = matchRound(random.bytes(32), hosts, { sources, distinctNetworks: true })[0]!;
  // it has no line at all: nothing comes from those that are not its own
  return drawn.map((source) => (source <= accomplices ? maxSegments : 0));
}

/** Chance that at least `least` of the drawn sources are accomplices: each set of sources is as likely as any other. */
function drawsAtLeast(least: number, share: number): number {
  const accomplices = Math.round(share * (HOSTS - 1));
  const { sources } = LINK;
  const choose = (n: number, k: number): number => {
    if (k < 0 || k > n) return 0;
    let ways = 1;
    for (let i = 0; i < k; i++) ways = (ways * (n - i)) / (i + 1);
    return ways;
  };
  let chance = 0;
  for (let i = least; i <= sources; i++)
    chance +=
      (choose(accomplices, i) * choose(HOSTS - 1 - accomplices, sources - i)) / choose(HOSTS - 1, sources);
  return chance;
}

/** MiB of an encoded sector that a core makes in a second: what the first design's content was. */
const SECTOR_PER_CORE_S = 1 << 20;
const FAST = paramsByClass('link-100m')!;

/** As many events as hotkeys: each has the line to itself in one, and meets nobody in the others. */
const byTurns = (hotkeys: number, alone: Cause): SlotResult[][] =>
  Array.from({ length: hotkeys }, (_, event) =>
    Array.from({ length: hotkeys }, (_, i) => ({
      hotkey: `miner-${i}`,
      share: i === event ? 1 : 0,
      ...(i === event ? {} : { voided: alone }),
    })),
  );

export const bandwidthAttacks: readonly Attack[] = [
  content({
    name: 'invented-leaves',
    what: 'makes up leaves that never came, or says a rate that it never had',
    origin: 'skipped work; a speed test run by the one it measures',
    strength: 'share of the leaves of every segment',
    strengths: [1 / 16, 2 / 16, 4 / 16],
    bound: missed,
    tight: true,
    own: (share) => 1 - share,
    liar: (share, random) => inventsLeaves({ share, random }),
    stoppedBy: 'sampled leaves, which the validator makes again from the keys',
  }),
  content({
    name: 'framing',
    what: 'makes up leaves and shows them as if their source had sent them',
    origin: 'blame that anybody can make up',
    strength: 'share of the leaves of every segment',
    strengths: [1 / 16, 4 / 16],
    bound: missed,
    tight: true,
    own: (share) => 1 - share,
    liar: (share, random) => inventsLeaves({ share, random, as: 'framing' }),
    stoppedBy: 'blame that needs the signature of the source over the very segment',
  }),
  content({
    name: 'counts-twice',
    what: 'receives half of what it names and shows it twice',
    origin: 'one stream counted twice',
    strength: 'times that each segment is shown',
    strengths: [2],
    bound: () => 0.5 ** SMALL.samples,
    own: (times) => 1 / times,
    liar: () => countsTwice,
    stoppedBy: 'leaves that have one place each in the key stream',
    without: { rule: 'each segment begins its content anew', run: honestSession },
  }),
  content({
    name: 'content-cache',
    what: 'shows what the same sources sent in an event before',
    origin: 'content that can be kept',
    strength: 'share of the content kept',
    strengths: [1],
    bound: () => 0,
    own: () => 0,
    liar: (_, random) => caches({ random }),
    stoppedBy: 'a key of its own for each pair of hosts and event',
    without: { rule: 'plots that stay the same from event to event', run: honestSession },
  }),
  content({
    name: 'replayed-round',
    what: 'answers with what it received under another seed',
    origin: 'replay',
    strength: 'sessions answered so, of one',
    strengths: [1],
    bound: () => 0,
    own: () => 0,
    liar: (_, random) => replaysRound({ random }),
    stoppedBy: 'a root that binds the seed',
    without: { rule: "the seed is the sender's word", run: honestSession },
  }),
  content({
    name: 'plot-regenerator',
    what: 'makes the content itself, from all that it was told, instead of receiving it',
    origin: 'content that can be made again',
    strength: 'cores',
    strengths: [1, 12, 125],
    bound: () => 0,
    own: () => 0,
    liar: (cores) => regenerates({ from: cores === 1 ? 'ticket' : cores === 12 ? 'pass' : 'keyCommitment' }),
    stoppedBy: 'content under a key that only its source is told',
    without: {
      rule: 'sectors of plots with public seeds, 1 MiB a core-second, at 100 Mbit/s',
      run: async (cores) => attempt(Math.min(1, (cores * SECTOR_PER_CORE_S) / FAST.nominalBytesPerS), 0),
    },
  }),
  defineAttack({
    kind: 'bandwidth',
    name: 'line-sharer',
    what: 'runs several hotkeys behind one line',
    origin: 'one line behind many hotkeys',
    strength: 'hotkeys behind one line',
    strengths: [2, 4],
    bounds: 'credit',
    bound: () => 1,
    own: () => ALONE,
    async run(hotkeys, random) {
      const shared = throughOne();
      return attempt(await lines(hotkeys, random, () => shared), ALONE);
    },
    stoppedBy: 'one round for all hosts of the subnet',
    without: {
      rule: 'each host is measured at a time of its own',
      async run(hotkeys, random) {
        let sum = 0;
        for (let i = 0; i < hotkeys; i++) sum += await lines(1, random.fork(`${i}`), throughOne);
        return attempt(sum, ALONE);
      },
    },
    atMostRuns: 20,
  }),
  defineAttack({
    kind: 'bandwidth',
    name: 'colluding-sources',
    what: 'has no line, and accomplices among the hosts who confirm what was never sent',
    origin: 'peers in league',
    strength: 'share of all other hosts that are its accomplices',
    strengths: [0.1, 0.2, 0.5, 0.7, 0.9],
    bounds: 'acceptance',
    bound: (share) => drawsAtLeast(LINK.sources - 1, share),
    tight: true,
    own: () => 0,
    async run(share, random) {
      const credit = downRate(LINK, await withAccomplices(share, random)) / LINK.nominalBytesPerS;
      return attempt(Math.min(1, credit), 0);
    },
    stoppedBy: 'sources drawn from the beacon, and the second-lowest of their rates',
    without: {
      rule: "the mean of the sources' rates",
      async run(share, random) {
        const segments = await withAccomplices(share, random);
        const mean = segments.reduce((sum, count) => sum + count, 0);
        const rate = (mean * segmentBytes(LINK) * 1000) / LINK.windowMs;
        return attempt(Math.min(1, rate / LINK.nominalBytesPerS), 0);
      },
    },
  }),
  defineAttack({
    kind: 'bandwidth',
    name: 'alone-by-turns',
    what: 'runs several hotkeys behind one line, and lets all but one of them claim what nobody else claims, another one each time',
    origin: 'peers that are not there',
    strength: 'hotkeys behind one line',
    strengths: [2, 4, 8],
    bounds: 'credit',
    bound: () => 1,
    tight: true,
    own: () => 1,
    run: async (hotkeys) => attempt(scoreOf(byTurns(hotkeys, 'nobody-to-meet')), 1),
    stoppedBy: 'the mean over all events, those among them in which there was nobody to meet',
    without: {
      rule: 'an event in which there was nobody to meet leaves the mean',
      run: async (hotkeys) => attempt(scoreOf(byTurns(hotkeys, 'validator-fault')), 1),
    },
  }),
];
