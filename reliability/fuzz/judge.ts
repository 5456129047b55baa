// Owns: what came of each changed input, the memory beside it, and what must hold of both. Does not own: inputs, readers.
import { readdirSync } from 'node:fs';
import { AssayError, type ErrorCode } from '../../src/model/errors.js';
import type { Claim, Figure, Findings } from '../soak.js';
import { heldMemory } from '../usage.js';
import type { Reader } from './decoders.js';

/** What a stranger's bytes may be refused with: `internal` and the rest would be our own failure. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['invalid-input', 'invalid-config', 'limit-exceeded', 'unauthenticated', 'permission-denied'] as const),
  ...(['unsupported', 'corrupt', 'refused', 'timeout', 'unreachable'] as const),
]);

export interface Tally {
  readonly name: string;
  taken: number;
  refused: number;
  /** CPU time of one input that came over no socket, collections that fell into it included */
  longestMs: number;
}

interface Fault {
  readonly name: string;
  readonly error: string;
  /** where in our code it came from, if it did */
  readonly place: string;
  /** the first bytes of it */
  readonly hex: string;
}

export interface Sample {
  readonly inputs: number;
  readonly heapMiB: number;
  readonly rssMiB: number;
  /** open files and sockets; undefined where the system does not say */
  readonly files: number | undefined;
}

export interface Seen {
  readonly tallies: readonly Tally[];
  readonly faults: readonly Fault[];
  /** how many, of which some are shown */
  readonly faulty: number;
  readonly samples: readonly Sample[];
  /** ports that do not answer what is asked well any more */
  readonly unwell: readonly string[];
  readonly wanted: number;
}

const FAULTS_KEPT = 20;
const HEX_KEPT = 400;

/** What readers did, as they do it. */
export function createWitness(now: () => number) {
  const tallies = new Map<string, Tally>();
  const faults: Fault[] = [];
  let faulty = 0;
  let current: { readonly name: string; readonly bytes: Uint8Array } = {
    name: 'nothing',
    bytes: new Uint8Array(),
  };
  const fault = (error: unknown) => {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const at =
      error instanceof Error ? (error.stack?.split('\n').find((line) => /\/src\//.test(line)) ?? '') : '';
    const place = at.replace(/^.*\/(src\/[^)]*)\)?$/, '$1');
    faulty++;
    // one of each place is enough to find it by
    if (faults.length >= FAULTS_KEPT || faults.some((f) => f.name === current.name && f.place === place))
      return;
    faults.push({
      name: current.name,
      place,
      error: `${text.slice(0, 200)} ${place}`,
      hex: Buffer.from(current.bytes.subarray(0, HEX_KEPT)).toString('hex'),
    });
  };
  const loose = (error: unknown) => fault(error);
  process.on('unhandledRejection', loose);
  process.on('uncaughtException', loose);

  return {
    fault,
    seen: () => ({ tallies: [...tallies.values()], faults, faulty }),
    /** Never rejects. */
    async hear(
      { name, isPort = false, read }: Pick<Reader, 'name' | 'isPort' | 'read'>,
      bytes: Uint8Array,
    ): Promise<void> {
      let tally = tallies.get(name);
      if (!tally) {
        tally = { name, taken: 0, refused: 0, longestMs: 0 };
        tallies.set(name, tally);
      }
      current = { name, bytes };
      const began = now();
      try {
        const reading = read(bytes);
        if (reading instanceof Promise) await reading;
        tally.taken++;
      } catch (error) {
        if (error instanceof AssayError && REFUSALS.has(error.code)) tally.refused++;
        else fault(error);
      }
      if (!isPort) tally.longestMs = Math.max(tally.longestMs, now() - began);
    },
    end() {
      process.off('unhandledRejection', loose);
      process.off('uncaughtException', loose);
    },
  };
}

/** The heap after all that nobody holds any more is gone. */
export function sampleHeap(inputs: number): Sample {
  const { heapUsed, rss } = heldMemory();
  return { inputs, heapMiB: heapUsed / 2 ** 20, rssMiB: rss / 2 ** 20, files: openFiles() };
}

function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

/** MiB that the heap may differ by from the second tenth to the end: code that was compiled meanwhile, caches that filled. */
const GROWTH_MIB = 8;
/** Connections that wait to be dropped. */
const MORE_FILES = 64;
const SLOW_MS = 1000;

export function judgeFuzz({ tallies, faults, faulty, samples, unwell, wanted }: Seen): Findings {
  const sum = (of: (tally: Tally) => number) => tallies.reduce((all, tally) => all + of(tally), 0);
  const taken = sum((tally) => tally.taken);
  const refused = sum((tally) => tally.refused);
  const [first, last] = [samples[1] ?? samples[0]!, samples.at(-1)!];
  const growth = last.heapMiB - first.heapMiB;
  const perMillion = last.inputs > first.inputs ? (growth * 1e6) / (last.inputs - first.inputs) : 0;
  const slowest = [...tallies].sort((a, b) => b.longestMs - a.longestMs)[0]!;
  const claims: Claim[] = [
    {
      what: 'nothing crashed, nothing was left unhandled, and every refusal is an error of ours with a code that blames the bytes',
      holds: faulty === 0,
      found:
        faulty === 0
          ? `${taken} taken, ${refused} refused`
          : faults.map(({ name, error, hex }) => `${name}: ${error} (${hex.slice(0, 80)})`).join('; '),
    },
    {
      what: 'every port answers what is asked well, afterwards as before',
      holds: unwell.length === 0,
      found: unwell.length === 0 ? 'all of them' : unwell.join('; '),
    },
    {
      what: 'as many as were wanted, within the time',
      holds: taken + refused + faulty >= 0.99 * wanted,
      found: `${taken + refused + faulty}, to ${tallies.length} readers`,
      timing: true,
    },
    {
      what: `what is held grows by less than ${GROWTH_MIB} MiB from the second tenth of the inputs to the last`,
      holds: growth < GROWTH_MIB,
      found: `${first.heapMiB.toFixed(1)} MiB, then ${last.heapMiB.toFixed(1)} MiB`,
    },
    {
      what: `fewer than ${MORE_FILES} files and sockets more are open at the end than then`,
      holds: (last.files ?? 0) - (first.files ?? 0) < MORE_FILES,
      found: `${first.files ?? 'not known'}, then ${last.files ?? 'not known'}`,
    },
    {
      what: `no input takes its reader ${SLOW_MS} ms of CPU`,
      holds: slowest.longestMs < SLOW_MS,
      found: `${slowest.longestMs.toFixed(0)} ms: ${slowest.name}`,
      timing: true,
    },
  ];
  const figures: Figure[] = [
    { what: 'inputs', value: taken + refused + faulty, unit: '' },
    { what: 'heap after collection, per million inputs', value: perMillion, unit: 'MiB' },
    { what: 'resident memory at the end', value: last.rssMiB, unit: 'MiB' },
    ...tallies.map(({ name, taken, refused }) => ({
      what: `${name}: refused, of ${taken + refused}`,
      value: refused,
      unit: '',
    })),
  ];
  return { claims, figures };
}
