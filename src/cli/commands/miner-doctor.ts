// Owns: `assay miner doctor`: the proofs on this very host, what each would be credited, and what to do where one fails.
// Does not own: sessions with validators; what a credit earns (scoring).
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import Table from 'cli-table3';
import type { Devices } from '../../compute/compute.js';
import { DEFAULT_RESERVE } from '../../miner/slot.js';
import type { Credit, Resource } from '../../model/credit.js';
import { isAssayError } from '../../model/errors.js';
import { systemRandom } from '../../model/prng.js';
import { verdictToString } from '../../model/verdict.js';
import { BY_SIZE, classOf, DERIVED } from '../../verification/classes.js';
import type { ProofKind } from '../../verification/proof.js';
import { type RehearsedStep, rehearse } from '../../verification/rehearse.js';
import { dataPaths } from '../assemble.js';
import { scaled } from '../facts.js';
import { invalid } from '../invalid-input.js';
import { EXIT, PLAIN, print, printJson, stderrLog } from '../output.js';
import { sayWhile } from '../progress.js';
import { type LastSight, noteSight, sightLines } from '../sights.js';

export interface DoctorFlags {
  readonly kind?: string[];
  readonly class?: string;
  readonly small?: boolean;
  readonly threads?: number;
  /** of the miner: what validators told it */
  readonly data?: string;
  readonly json?: boolean;
}

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
  readonly credit: Credit;
  /** of one nominal slot of the class */
  readonly share: number;
  readonly steps: readonly RehearsedStep[];
  readonly openingBytes: number;
  readonly prepareMs: number;
  readonly openMs: number;
  /** what it costs a validator */
  readonly verifyMs: number;
}

/** Which class a kind is proven under here, or why it is not. */
type Choice = { readonly class: string } | { readonly why: string; readonly fix?: string };

interface Subject {
  /** real classes, by what the host has */
  full(devices: Devices): Choice;
  /** some seconds at most, on any host: says that it works, not what it earns */
  readonly small: string | undefined;
}

export async function doctor(flags: DoctorFlags, signal: AbortSignal): Promise<number> {
  const log = stderrLog('warn');
  const [{ kinds }, { openCpu }, { createThreadedHost }, { createMemoryDisk }, { HOST_MEMORY_PARAMS }] =
    await Promise.all([
      import('../../verification/kinds/index.js'),
      import('../../compute/probe.js'),
      import('../../compute/host/threads.js'),
      import('../../compute/disk/memory.js'),
      import('../../verification/kinds/host-memory/params.js'),
    ]);
  const { storageParamsByClass } = await import('../../verification/kinds/storage/params.js');
  const subjects: Readonly<Record<string, Subject>> = {
    compute: { full: () => ({ class: 'cpu-2048' }), small: 'paced' },
    memory: {
      full: () => ({ why: 'no device with memory of its own: what the CPU uses is proven as host-memory' }),
      small: 'paced-memory',
    },
    'host-memory': {
      full({ host }) {
        const bytes = host!.bytes(); // given below
        const fitting = HOST_MEMORY_PARAMS.filter((each) => !each.localnetOnly && each.minBytes <= bytes);
        const largest = fitting.at(-1);
        if (largest) return { class: largest.class };
        return {
          why: `${gibibytes(bytes)} free`,
          fix: 'free 1 GiB or more: the smallest class begins there',
        };
      },
      small: 'host-small',
    },
    storage: {
      full: () => ({
        why: 'no plot',
        fix: 'storage is proven from a plot; --small proves a tiny one in memory',
      }),
      small: 'small',
    },
    bandwidth: { full: () => ({ why: 'proven with peers only, in a round of a subnet' }), small: undefined },
    liveness: { full: () => ({ class: 'live' }), small: 'live-small' },
  };
  const names = wanted(flags, Object.keys(subjects), kinds);

  const compute = await openCpu({ log, threads: flags.threads ?? 0 });
  const smallPlot = storageParamsByClass('small');
  const devices: Devices = {
    compute,
    host: createThreadedHost(flags.threads ? { lanes: flags.threads } : {}),
    ...(smallPlot ? { disk: createMemoryDisk({ sectors: smallPlot.nominalSectors }) } : {}),
  };
  const findings: Finding[] = [];
  try {
    for (const name of names) {
      signal.throwIfAborted();
      const kind = kinds[name]!; // `wanted` has looked
      findings.push(await examine(kind, subjects[name], devices, flags, signal));
      if (flags.json) printJson(findings.at(-1));
    }
  } finally {
    await compute.close?.();
  }
  if (!flags.json) show(findings, compute.name, flags);
  if (flags.data !== undefined) await showSights(flags.data, flags.json === true);
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
  { kind: asked, class: named }: DoctorFlags,
  order: readonly string[],
  kinds: Readonly<Record<string, unknown>>,
): string[] {
  const known = [
    ...order.filter((name) => kinds[name]),
    ...Object.keys(kinds).filter((k) => !order.includes(k)),
  ];
  const unknown = asked?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid('--kind', `one of ${known.join(', ')}`, unknown);
  if (named !== undefined && asked?.length !== 1)
    throw invalid('--class', 'exactly one --kind beside it', `${asked?.length ?? 0}`);
  return asked ?? known;
}

async function examine(
  kind: ProofKind<unknown, unknown>,
  subject: Subject | undefined,
  devices: Devices,
  flags: DoctorFlags,
  signal: AbortSignal,
): Promise<Finding> {
  const choice = choose(kind, subject, devices, flags);
  const nothing = { credit: {}, share: 0, steps: [], openingBytes: 0, prepareMs: 0, openMs: 0, verifyMs: 0 };
  if ('why' in choice) {
    const { why, fix } = choice;
    return { kind: kind.kind, class: undefined, state: 'skipped', said: why, fix, ...nothing };
  }
  const params = [...kind.table.values()].find((each) => kind.facts(each).className === choice.class);
  if (params === undefined) {
    const classes = [...kind.table.values()].map((each) => kind.facts(each).className);
    throw invalid('--class', `one of ${classes.join(', ')}`, choice.class);
  }
  const about = { kind: kind.kind, class: choice.class };
  try {
    const run = () =>
      rehearse(
        { kind, devices, random: systemRandom, now: () => performance.now(), reserve: DEFAULT_RESERVE },
        params,
        signal,
      );
    const { verdict, credit, share, steps, evidence, prepareMs, openMs, verifyMs } = await sayWhile(
      `${kind.kind}, class ${choice.class}`,
      run,
    );
    const proven = verdict.kind === 'accepted';
    const late = steps.find(({ tookMs, withinMs }) => tookMs > withinMs);
    return {
      ...about,
      state: proven ? 'proven' : 'failed',
      said: verdictToString(verdict),
      fix: proven
        ? undefined
        : late
          ? lateFix(late)
          : 'the proof is wrong on this host: check memory and clocking',
      credit,
      share,
      steps,
      openingBytes: evidence.opening.length,
      prepareMs,
      openMs,
      verifyMs,
    };
  } catch (error) {
    if (!isAssayError(error, 'unsupported')) throw error;
    const { message: said } = error;
    return {
      ...about,
      state: 'failed',
      said,
      fix: 'name another --class, or make room for this one',
      ...nothing,
    };
  }
}

function choose(
  kind: ProofKind<unknown, unknown>,
  subject: Subject | undefined,
  devices: Devices,
  { class: named, small }: DoctorFlags,
): Choice {
  if (named !== undefined) return { class: named };
  if (!subject) return { why: `${kind.kind} is not part of this command` };
  if (!small) return subject.full(devices);
  return subject.small === undefined ? subject.full(devices) : { class: subject.small };
}

const lateFix = ({ from, tookMs, withinMs }: RehearsedStep): string =>
  `${Math.round(tookMs)} ms from ${from === 'go' ? 'Go' : 'Pass'}, ${withinMs} ms there are: end what else runs here, or take a smaller --class`;

function show(findings: readonly Finding[], backend: string, { small }: DoctorFlags): void {
  const [cpu] = cpus();
  print(
    `host: ${availableParallelism()} CPUs (${cpu?.model.trim() ?? 'unknown'}), ${gibibytes(totalmem())} of memory`,
  );
  print(`products: ${backend}`);
  const table = new Table({
    head: ['kind', 'class', 'result', 'would be credited', 'share', 'commits at, ms', 'opening', 'verify ms'],
    style: PLAIN,
  });
  for (const { kind, class: name, state, said, credit, share, steps, openingBytes, verifyMs } of findings) {
    const ran = state !== 'skipped' && steps.length > 0;
    table.push([
      kind,
      name ?? '-',
      state === 'proven' ? 'proven' : `${state}: ${said}`,
      creditLines(credit).join('\n') || (state === 'proven' ? 'nothing: it only shows life' : '-'),
      state === 'proven' ? share.toFixed(2) : '-',
      steps.map(({ from, tookMs, withinMs }) => `${from} ${Math.round(tookMs)} of ${withinMs}`).join('\n') ||
        '-',
      ran ? `${(openingBytes / 1e6).toFixed(2)} MB` : '-',
      ran ? verifyMs.toFixed(1) : '-',
    ]);
  }
  print(table.toString());
  for (const { kind, fix } of findings) if (fix) print(`${kind}: ${fix}`);
  for (const { kind, class: name, credit } of findings) {
    const advice = name === undefined ? undefined : classAdvice(name, credit);
    if (advice) print(`${kind}: ${advice}`);
  }
  const proven = findings.filter(({ state }) => state === 'proven').length;
  const failed = findings.filter(({ state }) => state === 'failed').length;
  print(`${proven} proven, ${failed} failed, ${findings.length - proven - failed} not for this host`);
  if (small)
    print('small classes are for simulated devices: they show that proofs work here, not what they earn');
}

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

/** `223 Gop/s`, one line a resource. */
export function creditLines(credit: Credit): string[] {
  return Object.entries(credit).map(([resource, amount]) => {
    const unit = UNITS[resource as Resource];
    return `${scaled(amount)}${unit}`;
  });
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
