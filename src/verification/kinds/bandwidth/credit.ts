// Owns: what a round's counts are worth, each way. Pure. Does not own: that they are true (verify.ts).
import type { Credit } from '../../../model/credit.js';
import type { Report } from '../../proof.js';
import { bytesOf, decodeBrief, decodeCommit } from './codec.js';
import type { BandwidthParams } from './params.js';

/** What one session alone can show: the way down. */
export function credit(params: BandwidthParams, commits: readonly Uint8Array[]): Credit | undefined {
  const commit = commits.length === 1 ? decodeCommit(params, commits[0]) : undefined;
  if (!commit) return undefined;
  const { segments } = commit;
  return { downBytesPerS: segments.length < params.minSources ? 0 : downRate(params, segments) };
}

/**
 * Sources x the second-lowest of their rates, and never more than came in all. The second-lowest makes one made-up source, or
 * several, worth nothing while two or more are real; the sum takes back what a receiver would gain by starving the lowest
 * (docs/proofs/bandwidth.md, Credit). Over the round's length, never anybody's own time.
 */
export function downRate(params: BandwidthParams, segments: readonly number[]): number {
  const ascending = [...segments].sort((a, b) => a - b);
  const all = ascending.reduce((sum, count) => sum + count, 0);
  return perSecond(params, Math.min(all, segments.length * ascending[1]));
}

/**
 * What the whole round shows: the way up. Of each source, receivers x the median of what accepted receivers got from it, and
 * never more than they got in all; nothing with fewer than `minSources` of them.
 * @param reports every slot of the round; what was not accepted counts neither way
 */
export function creditUp(params: BandwidthParams, reports: readonly Report[]): readonly Credit[] {
  const received = reports.flatMap(({ told, commits }) => {
    const commit = commits && decodeCommit(params, commits[0]);
    const pulls = decodeBrief(params, told)?.pulls;
    if (!commit || pulls?.length !== commit.segments.length) return [];
    return pulls.map(({ ticket }, s) => ({ ticket, segments: commit.segments[s] }));
  });
  const byTicket = new Map(received.map(({ ticket, segments }) => [idOf(ticket), segments]));
  return reports.map(({ told }) => {
    const serves = decodeBrief(params, told)?.serves ?? [];
    const counts = serves.flatMap(({ ticket }) => byTicket.get(idOf(ticket)) ?? []);
    return counts.length < params.minSources ? {} : { upBytesPerS: upRate(params, counts, serves.length) };
  });
}

/** @param receivers how many were told to pull, whether or not their report counts */
export function upRate(params: BandwidthParams, segments: readonly number[], receivers: number): number {
  const ascending = [...segments].sort((a, b) => a - b);
  const all = ascending.reduce((sum, count) => sum + count, 0);
  const median = ascending[(ascending.length - 1) >> 1];
  return perSecond(params, Math.min(all, receivers * median));
}

const perSecond = (params: BandwidthParams, segments: number): number =>
  Math.floor((bytesOf(params, segments) * 1000) / params.windowMs);

const idOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
