// Owns: which class a kind is proven under on this host, or why none. Does not own: the classes (verification), the proving.
import type { Devices } from '../../compute/compute.js';
import type { HostMemory } from '../../compute/host.js';
import { DEFAULT_RESERVE } from '../../miner/slot.js';
import { systemRandom } from '../../model/prng.js';
import type { CatalogueCard } from '../../verification/cards.js';
import { cardOf, expectationOf } from '../../verification/catalogue.js';
import { BY_SIZE, DERIVED, FILL, MIN_LABELS } from '../../verification/classes.js';
import type { HostMemoryParams } from '../../verification/kinds/host-memory/params.js';
import { gibibytes, scaled } from '../facts.js';
import type { Card } from '../one-device.js';
import type { Choice, Finding, Host } from './finding.js';

/** The class of a plot that is made in memory. */
export const SMALL_STORAGE = 'small';

interface Subject {
  /** real classes, by what the host has */
  full(host: Host, signal: AbortSignal): Choice | Promise<Choice>;
  /** some seconds at most, on any host: says that it works, not what it earns */
  readonly small: string;
  /** a host without one may be too slow for it, and nothing is wrong with it then */
  readonly isForCards?: boolean;
}

export const SUBJECTS: Readonly<Record<string, Subject>> = {
  compute: {
    full: ({ card, devices, catalogue }) =>
      card ? cardClass(card, sideOf(devices), catalogue) : { class: 'cpu-2048' },
    small: 'paced',
  },
  memory: {
    full: ({ card, devices, catalogue }) => (card ? cardMemory(card, sideOf(devices), catalogue) : NO_CARD),
    small: 'paced-memory',
  },
  'host-memory': {
    full: ({ devices }, signal) => hostMemoryClass(devices.host!, signal), // given below
    small: 'host-small',
  },
  storage: {
    full: ({ plot }) =>
      plot ?? {
        why: 'no plot',
        fix: MAKE_A_PLOT,
      },
    small: SMALL_STORAGE,
  },
  bandwidth: {
    full: bandwidthClass,
    small: 'paced',
  },
  liveness: {
    full: ({ findings }) => livenessClass(findings),
    small: 'live-small',
    isForCards: true,
  },
};

const NO_CARD: Choice = {
  why: 'the CPUs have no memory of their own: what they use is proven as host-memory',
  fix: 'a card is named with --device (assay miner devices)',
};

/** The largest side of labels that the device takes. */
const sideOf = ({ compute }: Devices): number => compute.supports?.maxSide ?? Number.POSITIVE_INFINITY;

const isTooLarge = (name: string, maxSide: number): boolean =>
  DERIVED.some((each) => each.class === name && each.n > maxSide);

/** What its entry in the catalogue expects, where its class does not say so. */
function expected(entry: CatalogueCard, resource: 'opsPerS' | 'deviceBytesPerS'): string {
  const amount = expectationOf(entry).derived.nominal[resource] ?? 0;
  return `by its figures in the catalogue (${entry.name}) ${scaled(amount)}${resource === 'opsPerS' ? 'op/s' : 'B/s'} are expected`;
}

/** By its entry, else the largest side of which enough labels fit; where nobody knows how much memory there is the smallest. */
function cardClass(card: Card, maxSide: number, catalogue: readonly CatalogueCard[]): Choice {
  const { memoryBytes = 0 } = card;
  const entry = cardOf(card.name, card.memoryBytes, catalogue);
  const note =
    entry && !DERIVED.some((each) => each.class === entry.name) ? expected(entry, 'opsPerS') : undefined;
  const noted = note === undefined ? {} : { note };
  if (entry?.class !== undefined && !isTooLarge(entry.class, maxSide))
    return { class: entry.class, ...noted };
  const side = [16_384, 8192].find((n) => n <= maxSide && FILL * memoryBytes >= MIN_LABELS * n * n);
  return { class: `${BY_SIZE}${side ?? 4096}`, ...noted };
}

/** There is no set by size for memory: what could stand in for it hangs on how fast the card is, which its figures say. */
function cardMemory(card: Card, maxSide: number, catalogue: readonly CatalogueCard[]): Choice {
  const entry = cardOf(card.name, card.memoryBytes, catalogue);
  // an entry may name a class by size, which memory has none of
  const named = DERIVED.some((each) => each.class === entry?.class) ? entry?.class : undefined;
  const its = named ?? (entry ? expectationOf(entry).meets : undefined);
  if (its !== undefined && isTooLarge(its, maxSide))
    return {
      why: `labels of ${its} are larger than side ${maxSide}, the most that this backend takes`,
      fix: 'name another --class, or the card by another backend (assay miner devices)',
    };
  if (its !== undefined)
    return entry && named === undefined
      ? { class: its, note: `its figures meet ${its}; ${expected(entry, 'deviceBytesPerS')}` }
      : { class: its };
  return {
    why: `no class is named after ${card.name}`,
    fix: 'prove compute first; then --kind memory --class with the class that it is expected to be, or its figures in a --catalogue',
  };
}

export const MAKE_A_PLOT =
  'make one (assay miner plot --help) and name its folder with --plots; --small proves a tiny one in memory';

export const OVER_LOOPBACK =
  'over loopback, with ends in this process: what this host can make, digest, send and take. What its line carries, and which class that is, only peers of a subnet can show';

/** How much is filled to know how fast it goes. */
const PROBED_LABELS = 4096;

const PROBE_MS = 500;

async function hostMemoryClass(host: HostMemory, signal: AbortSignal): Promise<Choice> {
  const { HOST_MEMORY_PARAMS } = await import('../../verification/kinds/host-memory/params.js');
  const room = host.bytes();
  const { lanes } = host;
  const { labelBytes, infoBytes } = HOST_MEMORY_PARAMS.at(-1)!; // all real ones have this shape
  if (room < lanes * PROBED_LABELS * labelBytes)
    return fillableClass(HOST_MEMORY_PARAMS, { room, bytesPerS: 0, lanes });
  const seed = systemRandom.bytes(32);
  const shape = { seed, labelBytes, infoBytes, lanes, capacity: PROBED_LABELS, maxLeaves: 1 };
  const open = await host.openLanes(shape, signal);
  try {
    const from = performance.now();
    const labels = await open.fill(1, () => performance.now() - from < PROBE_MS, signal);
    const bytesPerS = (labels * lanes * labelBytes * 1000) / (performance.now() - from);
    return fillableClass(HOST_MEMORY_PARAMS, { room, bytesPerS, lanes });
  } finally {
    open.release();
  }
}

/**
 * The largest class of which the host fills at least half of what counts one, else the smallest that it fills at all: what there is
 * room for and is not filled in time is no commit.
 */
export function fillableClass(
  all: readonly HostMemoryParams[],
  { room, bytesPerS, lanes }: { readonly room: number; readonly bytesPerS: number; readonly lanes: number },
): Choice {
  const real = all.filter(({ localnetOnly }) => !localnetOnly);
  const filled = ({ fillMs }: HostMemoryParams) =>
    Math.min(room, (bytesPerS * fillMs * (1 - DEFAULT_RESERVE)) / 1000);
  const fitting = real.filter((each) => each.minBytes <= filled(each));
  const chosen = fitting.filter((each) => each.nominalBytes / 2 <= filled(each)).at(-1) ?? fitting[0];
  if (chosen) {
    const { class: name, nominalLanes } = chosen;
    if (lanes >= nominalLanes) return { class: name };
    return {
      class: name,
      note: `${name} is for hosts of ${nominalLanes} cores, and takes off what so many could make again: little or nothing is left to one with ${lanes}`,
    };
  }
  const [first] = real;
  if (!first) return { why: 'no class of host memory in this build' };
  const begins = gibibytes(first.minBytes);
  if (room < first.minBytes)
    return {
      why: `${gibibytes(room)} free, the smallest class begins at ${begins}`,
      fix: `free ${begins} or more`,
    };
  return {
    why: `its threads fill ${gibibytes(filled(first))} in ${first.fillMs / 1000} s, the smallest class begins at ${begins}`,
    fix: 'end what else runs here, or give it more --threads',
  };
}

const PROBED_LINK_MS = 500;

/** Both ways at once, each a quarter above what counts one, and the other ends are in this process too. */
const LINK_ROOM = 3;

/** Which class its line has nobody can tell here: the largest that the host itself keeps up with. */
async function bandwidthClass({ devices, meets }: Host, signal: AbortSignal): Promise<Choice> {
  const [{ BANDWIDTH_PARAMS }, { measureLink }] = await Promise.all([
    import('../../verification/kinds/bandwidth/params.js'),
    import('../../verification/calibration/bandwidth.js'),
  ]);
  const real = BANDWIDTH_PARAMS.filter(({ localnetOnly }) => !localnetOnly);
  const [first] = real;
  const end = meets?.ends[0];
  const { link } = devices;
  if (!first || !end?.devices.link || !link) return { why: 'no class of links in this build' };
  const [probed] = await measureLink(
    {
      link,
      source: end.devices.link,
      address: end.address,
      random: systemRandom,
      now: () => performance.now(),
    },
    { params: { ...first, windowMs: PROBED_LINK_MS }, runs: 1 },
    signal,
  );
  const { streamBytesPerS } = probed!; // one run
  const keptUp = real.filter(({ nominalBytesPerS }) => LINK_ROOM * nominalBytesPerS <= streamBytesPerS);
  return { class: (keptUp.at(-1) ?? first).class, note: OVER_LOOPBACK };
}

/** Made for cards: a host whose CPUs did less in a whole window cannot do it in a part of one. */
async function livenessClass(findings: readonly Finding[]): Promise<Choice> {
  const { livenessParamsByClass } = await import('../../verification/kinds/liveness/params.js');
  const live = livenessParamsByClass('live');
  const opsPerS = findings.find(({ kind }) => kind === 'compute')?.credit.opsPerS;
  if (!live || opsPerS === undefined) return { class: 'live' };
  const takesMs = (2 * live.n ** 3 * live.labels * 1000) / opsPerS;
  if (takesMs <= live.windowMs) return { class: 'live' }; // smaller labels take longer: it may be late all the same
  return {
    why: `takes these CPUs some ${Math.round(takesMs)} ms, ${live.windowMs} there are: it is for cards, and earns nothing`,
  };
}
