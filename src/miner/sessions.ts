// Owns: which sessions are under way, how those before ended, and waiting until none is. Does not own: sessions (answer.ts).
import type { Clock } from '../model/clock.js';
import type { Hotkey } from '../model/ids.js';
import { doorOf, type SlotClaim } from './slot.js';
import { SESSION_ENDS, type SessionEnd, type SessionTally, type SlotPhase } from './status.js';

/** One session, as its answerer tells of it. */
export interface SessionTrack {
  armed(slot: SlotClaim): void;
  went(): void;
  /** a step was committed to, so long after the frame that it counts from */
  committed(ms: number): void;
  /** @param refusal our own word for it, where we refused */
  ended(how: SessionEnd, refusal?: string): void;
}

/** Told by answer.ts. */
export interface SessionWatch {
  begin(validator: Hotkey): SessionTrack;
}

export interface Sessions extends SessionWatch {
  tally(): SessionTally;
  /** of what is armed or at work through this slot's door */
  phaseOf(slot: Pick<SlotClaim, 'index' | 'kind'>): Exclude<SlotPhase, 'resting'>;
  /** Resolves when no armed session is left, or after `ms`. */
  idle(ms: number, clock: Clock): Promise<void>;
}

/** @param onEnd told of every session's end, for who counts callers */
export function createSessions(
  onEnd: (validator: Hotkey, how: SessionEnd, stage: SessionStage, refusal?: string) => void = () => {},
): Sessions {
  const open = new Set<{ door?: string; stage: SessionStage }>();
  const ended = Object.fromEntries(SESSION_ENDS.map((end) => [end, 0])) as Record<SessionEnd, number>;
  const waiting = new Set<() => void>();
  let steps = 0;
  let stepSeconds = 0;
  const isIdle = () => ![...open].some(({ door }) => door !== undefined);
  return {
    begin(validator) {
      const session: { door?: string; stage: SessionStage } = { stage: 'begun' };
      open.add(session);
      return {
        armed(slot) {
          session.door = doorOf(slot);
          session.stage = 'armed';
        },
        went() {
          session.stage = 'working';
        },
        committed(ms) {
          steps++;
          stepSeconds += ms / 1000;
        },
        ended(how, refusal) {
          if (!open.delete(session)) return;
          ended[how]++;
          onEnd(validator, how, session.stage, refusal);
          if (isIdle()) for (const wake of [...waiting]) wake();
        },
      };
    },
    tally: () => ({ open: open.size, ended: { ...ended }, steps, stepSeconds }),
    phaseOf(slot) {
      const door = doorOf(slot);
      const here = [...open].filter((session) => session.door === door);
      if (here.some(({ stage }) => stage === 'working')) return 'working';
      return here.length > 0 ? 'armed' : 'idle';
    },
    async idle(ms, clock) {
      if (isIdle()) return;
      const over = new AbortController();
      const quiet = new Promise<void>((resolve) => {
        const wake = () => {
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
      });
      await Promise.race([quiet, clock.sleep(ms, over.signal)]);
      over.abort();
    },
  };
}

/** How far a session came. */
export type SessionStage = 'begun' | 'armed' | 'working';
