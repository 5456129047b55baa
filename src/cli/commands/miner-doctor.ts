// Owns: `assay miner doctor`: the proofs on this very host, what each would be credited, and what to do where one fails.
// Does not own: sessions with validators; what a credit earns (scoring).
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import Table from 'cli-table3';
import { z } from 'zod';
import type { Devices } from '../../compute/compute.js';
import type { FoundDevices } from '../../compute/find-devices.js';
import type { HostMemory } from '../../compute/host.js';
import type { PlotName } from '../../compute/spec/plot.js';
import { DEFAULT_RESERVE } from '../../miner/slot.js';
import type { Credit, Resource } from '../../model/credit.js';
import { isAssayError } from '../../model/errors.js';
import { systemRandom } from '../../model/prng.js';
import { verdictToString } from '../../model/verdict.js';
import { suggestedClass } from '../../verification/catalogue.js';
import { BY_SIZE, classOf, DERIVED, FILL, MIN_LABELS } from '../../verification/classes.js';
import type { HostMemoryParams } from '../../verification/kinds/host-memory/params.js';
import type { ParamsFacts, Phase, ProofKind } from '../../verification/proof.js';
import { type Meeting, type RehearsedStep, rehearse } from '../../verification/rehearse.js';
import { dataPaths, systemParts } from '../assemble.js';
import { backendLines } from '../backend-lines.js';
import { integerBetween, loadFlags } from '../config.js';
import { scaled } from '../facts.js';
import { invalid } from '../invalid-input.js';
import { type Card, deviceOf } from '../one-device.js';
import { EXIT, PLAIN, print, printJson, stderrLog } from '../output.js';
import { sayWhile } from '../progress.js';
import { type LastSight, noteSight, sightLines } from '../sights.js';

const schema = z.strictObject({
  /** the only part so far */
  proofs: z.boolean().optional(),
  kind: z.array(z.string().max(32)).min(1).max(16).optional(),
  class: z.string().max(64).optional(),
  small: z.boolean().default(false),
  plots: z.array(z.string().min(1).max(4096)).min(1).max(64).optional(),
  threads: integerBetween(1, 256, 'threads').optional(),
  device: z.string().min(1).max(32).optional(),
  /** of the miner: what validators told it */
  data: z.string().min(1).max(4096).optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof schema>;

/** One line of the report. */
export interface Finding {
  readonly kind: string;
  readonly class: string | undefined;
  /** `skipped`: nothing on this host to prove it with, which is no failure */
  readonly state: 'proven' | 'failed' | 'skipped';
  /** a verdict, or why it was not run */
  readonly said: string;
  /** what to do, where something can be done */
  readonly fix: string | undefined;
  /** what the figures do not say */
  readonly note: string | undefined;
  readonly credit: Credit;
  /** of a slot that counts one */
  readonly nominal: Credit;
  /** of one nominal slot of the class */
  readonly share: number;
  /** from the first byte of work to the verdict */
  readonly tookMs: number;
  readonly steps: readonly RehearsedStep[];
  readonly openingBytes: number;
  readonly prepareMs: number;
  readonly openMs: number;
  /** what it costs a validator */
  readonly verifyMs: number;
}

/** Which class a kind is proven under here, or why it is not. */
type Choice =
  | { readonly class: string; readonly note?: string }
  | { readonly why: string; readonly fix?: string };

interface Host {
  readonly devices: Devices;
  /** that computes in place of the CPUs */
  readonly card: Card | undefined;
  /** undefined where nothing computes */
  readonly found: FoundDevices | undefined;
  readonly meets: Meeting | undefined;
  /** the plot of --plots that storage is proven with */
  readonly plot: { readonly name: PlotName; readonly class: string } | undefined;
  /** what was found so far */
  readonly findings: readonly Finding[];
}

interface Subject {
  /** real classes, by what the host has */
  full(host: Host, signal: AbortSignal): Choice | Promise<Choice>;
  /** some seconds at most, on any host: says that it works, not what it earns */
  readonly small: string;
  /** a host without one may be too slow for it, and nothing is wrong with it then */
  readonly isForCards?: boolean;
}

const SUBJECTS: Readonly<Record<string, Subject>> = {
  compute: {
    full: ({ card, devices }) => (card ? { class: cardClass(card, sideOf(devices)) } : { class: 'cpu-2048' }),
    small: 'paced',
  },
  memory: {
    full: ({ card, devices }) => (card ? cardMemory(card, sideOf(devices)) : NO_CARD),
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
    small: 'small',
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

const classByName = ({ name, memoryBytes }: Card): string | undefined => suggestedClass(name, memoryBytes);

/** The largest side of labels that the device takes. */
const sideOf = ({ compute }: Devices): number => compute.supports?.maxSide ?? Number.POSITIVE_INFINITY;

const isTooLarge = (name: string, maxSide: number): boolean =>
  DERIVED.some((each) => each.class === name && each.n > maxSide);

/** By its name, else the largest side of which enough labels fit; where nobody knows how much memory there is the smallest. */
function cardClass(card: Card, maxSide: number): string {
  const its = classByName(card);
  if (its !== undefined && !isTooLarge(its, maxSide)) return its;
  const { memoryBytes = 0 } = card;
  const sides = [16_384, 8192].find((n) => n <= maxSide && FILL * memoryBytes >= MIN_LABELS * n * n);
  return `${BY_SIZE}${sides ?? 4096}`;
}

/** There is no set by size for memory: what could stand in for it hangs on how fast the card is. */
function cardMemory(card: Card, maxSide: number): Choice {
  const its = classByName(card);
  if (its !== undefined && isTooLarge(its, maxSide))
    return {
      why: `labels of ${its} are larger than side ${maxSide}, the most that this backend takes`,
      fix: 'name another --class, or the card by another backend (assay miner devices)',
    };
  if (its !== undefined) return { class: its };
  return {
    why: `no class is named after ${card.name}`,
    fix: 'prove compute first; then --kind memory --class with the class that it is expected to be',
  };
}

const MAKE_A_PLOT =
  'make one (assay miner plot --help) and name its folder with --plots; --small proves a tiny one in memory';
const OVER_LOOPBACK =
  'over loopback, with ends in this process: what this host can make, digest, send and take. What its line carries, and which class that is, only peers of a subnet can show';

/**
 * Proves on this very host what there is to prove.
 * @returns 0 where nothing failed, what is not for this host left out; else 1
 * @throws AssayError `invalid-config`, `invalid-input` for flags
 */
export async function doctor(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  const began = performance.now();
  const { kinds } = await import('../../verification/kinds/index.js');
  const names = wanted(options, kinds);
  const findings: Finding[] = [];
  const opened = await openHost(options, names, signal);
  try {
    for (const name of names) {
      signal.throwIfAborted();
      const host: Host = { ...opened, findings };
      findings.push(await examine(kinds[name]!, host, options, signal)); // `wanted` has looked
      if (options.json) printJson(findings.at(-1));
    }
  } finally {
    await opened.close();
  }
  const notes = notesOf(opened, findings);
  if (!options.json) show(findings, { ...opened, notes }, options, performance.now() - began);
  else if (notes)
    printJson({ device: { id: opened.card?.id ?? 'cpu', name: opened.devices.compute.name, notes } });
  if (options.data !== undefined) await showSights(options.data, options.json);
  return findings.some(({ state }) => state === 'failed') ? EXIT.failed : EXIT.ok;
}

/** Whether others reach the link port is nothing that this host could find out by itself: what validators signed says it. */
async function showSights(data: string, asJson: boolean): Promise<void> {
  const { readReceipts } = await import('../../miner/receipts.js');
  const path = dataPaths.receipts(data);
  const last = new Map<string, LastSight>();
  // a miner that was never challenged has no such file
  if (existsSync(path)) for await (const row of readReceipts(path)) noteSight(last, row);
  if (asJson) for (const sight of last.values()) printJson({ kind: 'bandwidth', sight });
  else if (last.size === 0) print('no validator has looked for the link port of this miner yet');
  else for (const line of sightLines(last)) print(line);
}

function wanted(
  { kind: asked, class: named, plots, device }: Options,
  kinds: Readonly<Record<string, unknown>>,
): string[] {
  const known = [
    ...Object.keys(SUBJECTS).filter((name) => kinds[name]),
    ...Object.keys(kinds).filter((kind) => !SUBJECTS[kind]),
  ];
  const unknown = asked?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid('--kind', `one of ${known.join(', ')}`, unknown);
  if (named !== undefined && asked?.length !== 1)
    throw invalid('--class', 'exactly one --kind beside it', `${asked?.length ?? 0}`);
  if (plots !== undefined && asked !== undefined && !asked.includes('storage'))
    throw invalid('--plots', 'it for storage', asked.join(', '));
  if (device !== undefined && asked !== undefined && !computes(asked))
    throw invalid('--device', `it for ${ON_A_DEVICE.join(', ')}`, asked.join(', '));
  return asked ?? known;
}

const LOST =
  'look at the log of its driver (dmesg; Xid lines of NVIDIA) and prove it again: a slot loses what it was doing, and comes back';
const ON_A_DEVICE: readonly string[] = ['compute', 'memory', 'liveness'];
const computes = (names: readonly string[]): boolean => names.some((name) => ON_A_DEVICE.includes(name));

interface OpenedHost extends Omit<Host, 'findings'> {
  close(): Promise<void>;
}

/** What its backend cannot do, and why no better one was used; undefined where nothing computed. */
function notesOf({ devices, card, found }: OpenedHost, findings: readonly Finding[]): string[] | undefined {
  if (!found) return undefined;
  const products = findings.find(({ kind, state }) => kind === 'compute' && state === 'proven');
  const { compute } = devices;
  return backendLines({
    compute,
    card,
    found,
    products: products?.class === undefined ? undefined : { class: products.class, share: products.share },
  });
}

/** What the named kinds need, and nothing else: ports and plots are opened for them only. */
async function openHost(
  { threads, small, plots, class: named, device }: Options,
  names: readonly string[],
  signal: AbortSignal,
): Promise<OpenedHost> {
  const [
    { isolateDevice },
    { openCpu },
    { createThreadedHost },
    { createMemoryDisk },
    { storageParamsByClass },
  ] = await Promise.all([
    import('../../compute/process/isolate.js'),
    import('../../compute/probe.js'),
    import('../../compute/host/threads.js'),
    import('../../compute/disk/memory.js'),
    import('../../verification/kinds/storage/params.js'),
  ]);
  const closing: (() => Promise<unknown> | undefined)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(closing.map((end) => end()));
  };
  try {
    const plot = plots && !small ? await plotOf(plots, named) : undefined;
    const { findDevices } = await import('../../compute/find-devices.js');
    const found = device !== undefined || computes(names) ? await findDevices() : undefined;
    const card = await deviceOf(device, found);
    const log = stderrLog('warn');
    const opening = card
      ? isolateDevice({ choice: card.choice, log, clock: systemParts.clock })
      : openCpu({ log, threads: threads ?? 0 });
    const compute = await opening.catch((error: unknown) => {
      signal.throwIfAborted(); // a terminal's Ctrl-C ends a process that opens its device, too
      throw error;
    });
    closing.push(() => compute.close?.());
    signal.throwIfAborted();
    let devices: Devices = { compute, host: createThreadedHost(threads ? { lanes: threads } : {}) };
    if (plot && plots) {
      const { createFileDisk } = await import('../../compute/disk/file.js');
      const disk = createFileDisk({ folders: plots });
      closing.push(() => disk.close());
      // as a miner does when it starts: it takes seconds, and no session has them
      await disk.open(plot.name, signal);
      devices = { ...devices, disk };
    } else if (small || named === SUBJECTS.storage!.small) {
      const tiny = storageParamsByClass('small');
      if (tiny) devices = { ...devices, disk: createMemoryDisk({ sectors: tiny.nominalSectors }) };
    }
    if (!names.includes('bandwidth')) return { devices, card, found, plot, meets: undefined, close };
    const { link, meets, end } = await openLinks(signal);
    closing.push(end);
    return { devices: { ...devices, link }, card, found, plot, meets, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const LOOPBACK = '127.0.0.1';
/** As many ends as a class has sources, and receivers. */
const ENDS = 8;

/** This host's link, and those that it meets. */
async function openLinks(signal: AbortSignal) {
  const [{ openTcpLink }, { ed25519FromSeed }] = await Promise.all([
    import('../../compute/tcp/link.js'),
    import('../../model/ed25519.js'),
  ]);
  const { clock, random } = systemParts;
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  const open = () =>
    openTcpLink({ clock, key: ed25519FromSeed(random.bytes(32)) }, { host: LOOPBACK, port: 0 }, over);
  const [link, ...others] = await Promise.all([open(), ...Array.from({ length: ENDS }, open)]);
  const nothing = { name: 'none', loadOperand: () => Promise.reject(new TypeError('ends multiply nothing')) };
  const ends = others.map((other) => ({ address: LOOPBACK, devices: { compute: nothing, link: other } }));
  return {
    link,
    meets: { address: LOOPBACK, ends },
    async end(): Promise<void> {
      stop.abort();
      await Promise.all([link, ...others].map(({ closed }) => closed));
    },
  };
}

/** The first plot whose shape and size some class takes. @throws AssayError `invalid-input` */
async function plotOf(
  folders: readonly string[],
  named: string | undefined,
): Promise<NonNullable<Host['plot']>> {
  const [{ readHeader }, { STORAGE_PARAMS }] = await Promise.all([
    import('../../compute/disk/plot-files.js'),
    import('../../verification/kinds/storage/params.js'),
  ]);
  const found: string[] = [];
  for (const folder of folders) {
    const header = await readHeader(folder);
    if (!header) continue;
    const { name, sectors } = header;
    const fits = STORAGE_PARAMS.find(
      (each) =>
        (named === undefined || each.class === named) &&
        each.sectorBlocks === name.sectorBlocks &&
        each.leafBlocks === name.leafBlocks &&
        each.passes === name.passes &&
        each.minSectors <= sectors &&
        each.maxSectors >= sectors,
    );
    if (fits) return { name, class: fits.class };
    found.push(`${sectors} sectors of ${name.sectorBlocks} KiB in ${folder}`);
  }
  const classes = STORAGE_PARAMS.map(
    (each) => `${each.class} from ${each.minSectors} sectors of ${each.sectorBlocks} KiB`,
  );
  throw invalid(
    '--plots',
    `a folder with a plot of a class (${classes.join(', ')})`,
    found.join(', ') || 'none',
  );
}

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

async function examine(
  kind: ProofKind<unknown, unknown>,
  host: Host,
  options: Options,
  signal: AbortSignal,
): Promise<Finding> {
  const { meets } = host;
  const choice = await choose(kind, host, options, signal);
  const nothing = {
    note: undefined,
    credit: {},
    nominal: {},
    share: 0,
    tookMs: 0,
    steps: [],
    openingBytes: 0,
    prepareMs: 0,
    openMs: 0,
    verifyMs: 0,
  };
  if ('why' in choice) {
    const { why, fix } = choice;
    return { kind: kind.kind, class: undefined, state: 'skipped', said: why, fix, ...nothing };
  }
  const params = [...kind.table.values()].find((each) => kind.facts(each).className === choice.class);
  if (params === undefined) {
    const classes = [...kind.table.values()].map((each) => kind.facts(each).className);
    throw invalid('--class', `one of ${classes.join(', ')}`, choice.class);
  }
  const facts = kind.facts(params);
  const about = { kind: kind.kind, class: choice.class };
  const began = performance.now();
  try {
    const run = () =>
      rehearse(
        {
          kind,
          devices: host.devices,
          random: systemRandom,
          now: () => performance.now(),
          reserve: DEFAULT_RESERVE,
          ...(host.plot ? { place: host.plot.name.place } : {}),
          ...(meets ? { meets } : {}),
        },
        params,
        signal,
      );
    const saying = `${kind.kind}, class ${choice.class}: up to ${Math.ceil(lastsMs(facts) / 1000)} s, and the opening`;
    const { verdict, credit, share, steps, evidence, prepareMs, openMs, verifyMs } = await sayWhile(
      saying,
      run,
    );
    const proven = verdict.kind === 'accepted';
    const late = steps.find(({ tookMs, withinMs }) => tookMs > withinMs);
    const tooSlow = late !== undefined && SUBJECTS[kind.kind]?.isForCards && options.kind === undefined;
    return {
      ...about,
      state: proven ? 'proven' : tooSlow ? 'skipped' : 'failed',
      said: tooSlow
        ? `${Math.round(late.tookMs)} ms of ${late.withinMs}: it is for cards, and earns nothing`
        : verdictToString(verdict),
      fix: proven
        ? lowFix(share, facts.nominal)
        : tooSlow
          ? undefined
          : late
            ? lateFix(late)
            : 'the proof is wrong on this host: check memory and clocking',
      note: choice.note ?? (kind.round ? OVER_LOOPBACK : undefined),
      credit,
      nominal: facts.nominal,
      share,
      tookMs: performance.now() - began,
      steps,
      openingBytes: evidence.opening.length,
      prepareMs,
      openMs,
      verifyMs,
    };
  } catch (error) {
    const isLost = isAssayError(error, 'unreachable') && computes([kind.kind]);
    if (signal.aborted || !(isLost || isAssayError(error, 'unsupported'))) throw error;
    const { message: said } = error;
    if (isLost) return { ...about, state: 'failed', said, fix: LOST, ...nothing };
    return {
      ...about,
      state: 'failed',
      said,
      fix: kind.kind === 'storage' ? MAKE_A_PLOT : 'name another --class, or make room for this one',
      ...nothing,
    };
  }
}

/** Steps from Go, then those from the Pass, each no longer than it may be. */
function lastsMs({ phases }: Pick<ParamsFacts, 'phases'>): number {
  const longest = (of: Phase['from']) =>
    Math.max(0, ...phases.map(({ from, withinMs }) => (from === of ? withinMs : 0)));
  return longest('go') + longest('pass');
}

async function choose(
  kind: ProofKind<unknown, unknown>,
  host: Host,
  { class: named, small }: Options,
  signal: AbortSignal,
): Promise<Choice> {
  const subject = SUBJECTS[kind.kind];
  if (named !== undefined) return { class: named };
  if (!subject) return { why: `${kind.kind} is not part of this command` };
  return small ? { class: subject.small } : subject.full(host, signal);
}

/** Of a share that nobody with the right class has; nothing of kinds that earn nothing. */
const LOW_SHARE = 0.5;

export function lowFix(share: number, nominal: Credit): string | undefined {
  if (share >= LOW_SHARE || Object.keys(nominal).length === 0) return undefined;
  const fix = 'end what else runs here and look again, or take a smaller --class if there is one';
  return share === 0
    ? `proven, and worth nothing: it was so slow that others could have done it in its place; ${fix}`
    : `less than half of what counts one: ${fix}`;
}

const lateFix = ({ from, tookMs, withinMs }: RehearsedStep): string =>
  `${Math.round(tookMs)} ms from ${from === 'go' ? 'Go' : 'Pass'}, ${withinMs} ms there are: end what else runs here, or take a smaller --class`;

function show(
  findings: readonly Finding[],
  {
    devices,
    card,
    notes,
  }: Pick<Host, 'devices' | 'card'> & { readonly notes: readonly string[] | undefined },
  { small }: Options,
  tookMs: number,
): void {
  const [cpu] = cpus();
  print(
    `host: ${availableParallelism()} CPUs (${cpu?.model.trim() ?? 'unknown'}), ${gibibytes(totalmem())} of memory`,
  );
  print(`products: ${devices.compute.name}`);
  const table = new Table({
    head: [
      'kind',
      'class',
      'result',
      'would be credited',
      'counts one',
      'share',
      'commits, ms',
      'opening',
      'took',
    ],
    style: PLAIN,
  });
  for (const {
    kind,
    class: name,
    state,
    credit,
    nominal,
    share,
    steps,
    openingBytes,
    tookMs: took,
  } of findings) {
    const ran = steps.length > 0;
    const amounts = creditLines(state === 'proven' ? credit : {}, nominal);
    table.push([
      kind,
      name ?? '-',
      state,
      amounts.map(([credited]) => credited).join('\n') ||
        (state === 'proven' ? 'nothing: it only shows life' : '-'),
      amounts.map(([, one]) => one).join('\n') || '-',
      state === 'proven' ? share.toFixed(2) : '-',
      steps.map(({ from, tookMs: at, withinMs }) => `${from} ${Math.round(at)} of ${withinMs}`).join('\n') ||
        '-',
      ran ? `${(openingBytes / 1e6).toFixed(2)} MB` : '-',
      ran ? `${(took / 1000).toFixed(1)} s` : '-',
    ]);
  }
  print(table.toString());
  for (const { kind, class: name, state, said, fix, note, credit } of findings) {
    if (state !== 'proven') print(`${kind}: ${said}`);
    if (fix) print(`${kind}: ${fix}`);
    if (note) print(`${kind}: ${note}`);
    const advice = name === undefined ? undefined : classAdvice(name, credit);
    if (advice) print(`${kind}: ${advice}`);
  }
  for (const note of notes ?? []) print(`${card?.id ?? 'cpu'}: ${note}`);
  const proven = findings.filter(({ state }) => state === 'proven');
  const failed = findings.filter(({ state }) => state === 'failed').length;
  print(
    `${proven.length} proven, ${failed} failed, ${findings.length - proven.length - failed} not for this host; ${Math.round(tookMs / 1000)} s`,
  );
  if (small)
    print('small classes are for simulated devices: they show that proofs work here, not what they earn');
  else if (proven.length > 0) {
    print(
      `share: of a slot that counts one in its class. Each was proven by itself: slots of one host share its cores${card ? ', those of a card the card' : ''}`,
    );
    const slots = proven
      .filter(({ kind }) => SERVED.has(kind))
      .map(({ kind, class: name }) => `${kind}:${name}${card && computes([kind]) ? `@${card.id}` : ''}`);
    if (slots.length > 0) print(`to serve them: assay miner start --slots ${slots.join(' ')} --help`);
  }
}

/** What needs nothing but this host to be served; a plot, a port and a class of the line are said there. */
const SERVED: ReadonlySet<string> = new Set(['compute', 'memory', 'host-memory', 'storage']);

/** What a card is, by what it proved: whatever it is called, and whichever class it was proven under. */
export function classAdvice(claimed: string, credit: Credit): string | undefined {
  const isCard = DERIVED.some((each) => each.class === claimed) || claimed.startsWith(BY_SIZE);
  if (!isCard || credit.opsPerS === undefined) return undefined;
  if (credit.deviceBytes === undefined) return 'products alone give no class: the memory of the card does';
  const its = classOf(credit)?.class;
  if (its === undefined) return `less than any class is expected to: ${claimed} pays what was proven of it`;
  return its === claimed ? `what ${claimed} is expected to` : `what ${its} is expected to: claim that`;
}

const UNITS: Readonly<Record<Resource, string>> = {
  opsPerS: 'op/s',
  hashBytesPerS: 'B/s hashed in the same work',
  deviceBytes: 'B of device memory',
  deviceBytesPerS: 'B/s read from it',
  hostBytes: 'B of host memory',
  hostBytesPerS: 'B/s read from it',
  storageBytes: 'B of storage',
  storageBytesPerS: 'B/s read from it',
  downBytesPerS: 'B/s from peers',
  upBytesPerS: 'B/s to peers',
};

/** `223 Gop/s` and what counts one, a line for each resource of either; `-` where one of them has none of it. */
function creditLines(credit: Credit, nominal: Credit): (readonly [credited: string, one: string])[] {
  const text = (amount: number | undefined, resource: Resource): string =>
    amount === undefined ? '-' : `${scaled(amount)}${UNITS[resource]}`;
  const resources = [...new Set([...Object.keys(credit), ...Object.keys(nominal)])] as Resource[];
  return resources.map((resource) => [
    text(credit[resource], resource),
    text(nominal[resource], resource).split(' ').slice(0, 2).join(' '),
  ]);
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
