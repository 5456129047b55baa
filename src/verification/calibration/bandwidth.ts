// Owns: what a host's stack carries, measured without a line: content made, digested, sent and taken; which number of a class
// it stands beside. Does not own: links (compute/tcp), rounds (kinds/bandwidth): what a line carries, only peers can show.
import type { Link, ServeTicket } from '../../compute/link.js';
import { contentOf, digestLeaves, LEAF_BYTES } from '../../compute/spec/link.js';
import { AssayError } from '../../model/errors.js';
import { HASH_BYTES } from '../../model/merkle.js';
import { type BandwidthParams, segmentBytes } from '../kinds/bandwidth/params.js';
import { type Figure, type Findings, figureOf, type Measured, percent, unsteady } from './figures.js';
import { type MeasureParts, rateOf } from './parts.js';

export interface LinkParts extends MeasureParts {
  readonly link: Link;
  /** gives; at `address` as `link` reaches it */
  readonly source: Link;
  readonly address: string;
}

export interface LinkSpec {
  readonly params: BandwidthParams;
  readonly runs: number;
}

/** One thread each, but for the streams: bytes a second. */
export interface LinkRun {
  readonly contentBytesPerS: number;
  readonly digestBytesPerS: number;
  /** as many streams as a host has sources, both ends in one process */
  readonly streamBytesPerS: number;
}

const PROBED_BYTES = 1 << 26;
const CHUNK_BYTES = 1 << 18;
/** No cap of a class: what the stack does is asked, not what a ticket allows. */
const UNCAPPED = { maxSegments: 2 ** 24, capBytesPerS: Number.POSITIVE_INFINITY } as const;

/** @throws AssayError `unreachable` when nothing comes; the signal's reason when it aborts */
export async function measureLink(
  { link, source, address, random, now, onStep = () => {} }: LinkParts,
  { params, runs }: LinkSpec,
  signal: AbortSignal,
): Promise<readonly LinkRun[]> {
  const { windowMs, segmentLeaves, sources } = params;
  const done: LinkRun[] = [];
  for (let run = 0; run < runs; run++) {
    signal.throwIfAborted();
    const step = (what: string) => onStep(`run ${run + 1} of ${runs}: ${what}`);
    step('content');
    const content = contentOf(random.bytes(32));
    const contentBytesPerS = await rateOf(now, PROBED_BYTES, () => {
      for (let at = 0; at < PROBED_BYTES; at += CHUNK_BYTES) content.next(CHUNK_BYTES);
    });
    step('digests');
    const chunk = content.next(CHUNK_BYTES);
    const digests = new Uint8Array((CHUNK_BYTES / LEAF_BYTES) * HASH_BYTES);
    const digestBytesPerS = await rateOf(now, PROBED_BYTES, () => {
      for (let at = 0; at < PROBED_BYTES; at += CHUNK_BYTES) digestLeaves(chunk, digests);
    });
    step('streams');
    const shape = { segmentLeaves, ...UNCAPPED, forMs: windowMs };
    const tickets = Array.from(
      { length: sources },
      (): ServeTicket => ({ ticket: random.bytes(32), pass: random.bytes(32), key: random.bytes(32) }),
    );
    const ended = new AbortController();
    const over = AbortSignal.any([signal, ended.signal]);
    const from = now();
    const leftMs = () => from + windowMs - now();
    let segments = 0;
    try {
      source.serve(tickets, shape, over);
      const { port, linkKey } = source.offer;
      await Promise.all(
        tickets.map(({ ticket, pass }) =>
          link.pull(
            { ticket, pass, linkKey, host: address, port },
            shape,
            { leftMs },
            () => {
              segments++;
              return undefined;
            },
            over,
          ),
        ),
      );
      signal.throwIfAborted();
    } finally {
      ended.abort();
    }
    if (segments === 0)
      throw new AssayError(
        'unreachable',
        `nothing came from ${address}: is it shut off, or is the machine busy?`,
        {
          address,
        },
      );
    const streamBytesPerS = (segments * segmentBytes(params) * 1000) / Math.max(now() - from, Number.EPSILON);
    done.push({ contentBytesPerS, digestBytesPerS, streamBytesPerS });
  }
  return done;
}

export function linkFindings(runs: readonly LinkRun[], params: BandwidthParams): Findings {
  const of = (each: (run: LinkRun) => number): Figure => figureOf(runs.map(each));
  const content = of((run) => run.contentBytesPerS);
  const digests = of((run) => run.digestBytesPerS);
  const streams = of((run) => run.streamBytesPerS);
  const set = params.nominalBytesPerS;
  const parameter = { name: 'nominalBytesPerS', set, here: Math.floor(streams.median) };
  const figures: Measured[] = [
    { name: 'content made, one thread', unit: 'B/s', ...content },
    { name: 'digested, one thread', unit: 'B/s', ...digests },
    {
      name: 'sent and taken, one process',
      unit: 'B/s',
      ...streams,
      // the source makes and digests it, the receiver digests it again
      peak: {
        value: 1 / (1 / content.median + 2 / digests.median),
        of: 'content and both digests on one thread',
      },
      parameter,
    },
  ];
  const share = streams.median / set;
  const limits = [
    'over loopback: what this host can make, digest, send and take at once. It is not the rate of its line, which only peers can measure',
  ];
  const notes = [
    share < 1
      ? `of class ${params.class} this host could be credited ${percent(share)} at most, whatever its line: a smaller class is for it`
      : `this host keeps up with class ${params.class}: its line decides, and changes nominalBytesPerS or does not`,
    ...[unsteady('streams', [streams])].flatMap((why) => why ?? []),
  ];
  return { figures, advice: [], notes, limits };
}
