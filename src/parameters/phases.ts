// Owns: how long the sets of a table may make a session: what every peer must be able to wait for. Pure.
// Does not own: what a phase is (verification/proof.ts), the bounds (protocol/limits.ts).
import { SESSION_LIMITS } from '../protocol/limits.js';
import type { KindsByName } from '../verification/parameter-file.js';
import { type ParamsFacts, type Phase, windowMs } from '../verification/proof.js';

/** @throws RangeError when a parameter set's phases are longer than miners of other sets keep their slots for */
export function assertPhases(kinds: KindsByName): void {
  const { windowMs: longestWindowMs, goPhasesMs, passPhasesMs, phases: most } = SESSION_LIMITS;
  for (const kind of Object.values(kinds))
    for (const params of kind?.table.values() ?? []) {
      const facts = kind!.facts(params);
      const check = (what: string, atMost: number, got: number) => {
        if (got > atMost)
          throw new RangeError(
            `${kind!.kind}/${facts.className}: expected ${what} of at most ${atMost}, got ${got}`,
          );
      };
      check('a window in ms', longestWindowMs, windowMs(facts));
      check('phases from Go in ms', goPhasesMs, phasesMs(facts, 'go'));
      check('phases from the Pass in ms', passPhasesMs, phasesMs(facts, 'pass'));
      check('a number of phases', most, facts.phases.length);
    }
}

/** ms after its frame at which the last phase that begins with it is over; 0 without one. */
export const phasesMs = ({ phases }: ParamsFacts, from: Phase['from']): number =>
  Math.max(0, ...phases.filter((phase) => phase.from === from).map(({ withinMs }) => withinMs));
