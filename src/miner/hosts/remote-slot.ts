// Owns: a slot whose device is on a host behind this miner: what of `Slot` is asked there, and how much time the way takes from it.
// Does not own: connections (hosts.ts), answers (desk.ts), the work (work.ts).
import type { Clock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { SESSION_LIMITS } from '../../protocol/limits.js';
import type { Slot, SlotClaim } from '../slot.js';
import type { Desk } from './desk.js';
import { HOST_LIMITS } from './limits.js';

/** Of the steps after the first: the longest that a session waits for any of them. */
const STEP_MS = SESSION_LIMITS.goPhasesMs + SESSION_LIMITS.passWaitMs + SESSION_LIMITS.passPhasesMs;

/**
 * @param parts.desk the host as it is connected now. @throws AssayError `unreachable`
 * @param parts.wayMs what the way to the host takes, there and back: it comes off every step
 * @param of.number what the host calls the slot, whose index in `claim` is the hotkey's affair
 * @param of.meets whether slots of its kind meet others: the host says what it offers. @default false
 */
export function createRemoteSlot(
  parts: {
    readonly desk: () => Desk;
    readonly clock: Pick<Clock, 'monotonic'>;
    readonly wayMs?: () => number;
  },
  of: {
    readonly claim: SlotClaim;
    readonly number: number;
    readonly meets?: boolean;
    readonly limits?: { readonly commitBytes: number; readonly openingBytes: number };
  } & Pick<Slot, 'phases' | 'rests' | 'declines'>,
): Slot {
  const { desk, clock, wayMs = () => 0 } = parts;
  const { claim, number: slot, phases, rests, declines, meets = false } = of;
  const { paramsId } = claim;
  const { commitBytes, openingBytes } = of.limits ?? {
    commitBytes: SESSION_LIMITS.frameBytes,
    openingBytes: SESSION_LIMITS.openingBytesPerMiner,
  };
  return {
    claim,
    ...(phases ? { phases } : {}),
    ...(rests ? { rests } : {}),
    ...(declines ? { declines } : {}),
    ...(meets
      ? {
          offer: () =>
            desk().ask(
              'offer',
              { slot, paramsId },
              { answerBytes: SESSION_LIMITS.frameBytes, withinMs: HOST_LIMITS.answerMs },
            ),
        }
      : {}),
    async prepare(basis) {
      desk().tell({ case: 'prepare', value: { slot, paramsId, basis } });
    },
    async start({ eventId, basis, seed, place, brief, goneAt }, signal) {
      const host = desk();
      const job = host.newJob();
      const stop = new AbortController();
      const end = () => {
        if (stop.signal.aborted) return;
        signal.removeEventListener('abort', end);
        host.tell({ case: 'end', value: { job } });
        stop.abort(
          new AssayError('unreachable', `${claim.worker}: the work was released`, { address: claim.worker }),
        );
      };
      signal.throwIfAborted();
      signal.addEventListener('abort', end, { once: true });
      const commit = { answerBytes: commitBytes, withinMs: STEP_MS, signal: stop.signal };
      const gone = goneAt === undefined ? {} : { goneMs: clock.monotonic() - goneAt + wayMs() };
      const known = { ...(place ? { place } : {}), ...(brief ? { brief } : {}), ...gone };
      try {
        const first = await host.ask(
          'start',
          { job, slot, paramsId, eventId, basis, seed, ...known },
          commit,
        );
        return {
          commit: first,
          next: ({ pass, leftMs }) =>
            host.ask('next', { job, ...(pass ? { pass } : {}), leftMs: leftMs() - wayMs() }, commit),
          // a session waits for its opening whatever happens: a host that hangs must not keep it, and the slot, for ever
          open: (request) =>
            host.ask(
              'open',
              { job, request },
              { answerBytes: openingBytes, withinMs: SESSION_LIMITS.openingSendMs, signal: stop.signal },
            ),
          release: end,
        };
      } catch (error) {
        end();
        throw error;
      }
    },
  };
}
