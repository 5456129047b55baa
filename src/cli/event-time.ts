// Owns: whether a policy's plan keeps as many blocks for an event as its openings may take, in numbers and in words. Does not own: the plan
// (validator/schedule.ts), what a policy or a parameter file says.
import type { ScoringPolicy } from '../scoring/index.js';
import { openingsOverMs } from '../validator/schedule.js';
import type { KindsByName, ParameterSet } from '../verification/parameter-file.js';
import { LIVENESS } from '../verification/proof.js';
import { invalid } from './invalid-input.js';

export interface EventTime {
  /** what the plan keeps */
  readonly eventBlocks: number;
  /** the fewest that the last opening of an event cannot outlast */
  readonly needed: number;
  /** from an event's block until its last opening is over, whatever its slots do */
  readonly lastOpeningMs: number;
  readonly blockTimeMs: number;
}

/**
 * @param sets that events ask for; checks have blocks of their own
 * @returns undefined for a policy that leaves events to validators, and where nothing is asked
 * @throws AssayError `invalid-input` for a plan that validators refuse
 */
export function eventTime(
  { schedule }: Pick<ScoringPolicy, 'schedule'>,
  { kinds, sets }: { readonly kinds: KindsByName; readonly sets: readonly ParameterSet[] },
  blockTimeMs: number,
): EventTime | undefined {
  if (!schedule) return undefined;
  const asked = sets.filter(({ kind }) => kind !== LIVENESS);
  const facts = asked.flatMap(({ kind, params }) => kinds[kind]?.facts(params) ?? []);
  try {
    const lastOpeningMs = openingsOverMs(schedule, facts, blockTimeMs);
    if (facts.length === 0) return undefined;
    const { eventBlocks } = schedule;
    return { eventBlocks, needed: Math.ceil(lastOpeningMs / blockTimeMs), lastOpeningMs, blockTimeMs };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid('policy.schedule', 'a plan that validators follow', error.message);
  }
}

/** Of all sets those that a pool pays for: what a subnet is taken to ask for whose parameter file is not named. */
export const paidSets = ({ pools }: ScoringPolicy, sets: readonly ParameterSet[]): readonly ParameterSet[] =>
  sets.filter(({ kind, className }) =>
    pools.some(
      ({ credit = 'outcomes', match }) =>
        credit === 'outcomes' &&
        (match?.kinds?.includes(kind) ?? true) &&
        (match?.classes?.includes(className) ?? true),
    ),
  );

/** @returns undefined for a plan that is long enough */
export function tooShort({ eventBlocks, needed, lastOpeningMs, blockTimeMs }: EventTime): string | undefined {
  if (eventBlocks >= needed) return undefined;
  const seconds = (ms: number) => `${Number((ms / 1000).toFixed(1))} s`;
  return [
    `schedule.eventBlocks: ${eventBlocks} blocks of ${seconds(blockTimeMs)} are ${seconds(eventBlocks * blockTimeMs)}, and openings of an event`,
    `may come until ${seconds(lastOpeningMs)} after its block. The next event can begin while they are still coming: honest slots miss windows then.`,
    `Make it ${needed} or more.`,
  ].join(' ');
}
