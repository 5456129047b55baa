// Owns: what a miner says of itself: a value for the command line, metrics and whoever started it. Does not own: what happens
// (life.ts, sessions.ts), who hears it (cli).
import type { Hotkey } from '../model/ids.js';

/** In the order of a miner's life; from `serving` it may go back to `waiting`. */
export const MINER_PHASES = ['starting', 'examining', 'waiting', 'serving', 'draining'] as const;
export type MinerPhase = (typeof MINER_PHASES)[number];

/** How a session ended: the validator's verdict came, we refused it, the validator was late, was gone, or we failed. */
export const SESSION_ENDS = ['receipt', 'refused', 'late', 'gone', 'failed'] as const;
export type SessionEnd = (typeof SESSION_ENDS)[number];

/** What a slot does: it waits, is armed, works, or is not claimed. */
export const SLOT_PHASES = ['idle', 'armed', 'working', 'resting'] as const;
export type SlotPhase = (typeof SLOT_PHASES)[number];

export interface SlotStatus {
  readonly index: number;
  readonly worker: string;
  readonly kind: string;
  readonly phase: SlotPhase;
  /** why it is not claimed */
  readonly why?: string;
}

/** What the doctor found of a slot before it was claimed. */
export interface SlotFinding {
  readonly index: number;
  readonly kind: string;
  readonly class: string;
  readonly state: 'proven' | 'failed' | 'skipped';
  readonly said: string;
  readonly fix?: string | undefined;
}

export interface SessionTally {
  /** under way */
  readonly open: number;
  readonly ended: Readonly<Record<SessionEnd, number>>;
  /** steps of work that were committed to, and the seconds from Go, or Pass, to the commits */
  readonly steps: number;
  readonly stepSeconds: number;
}

export interface CallerTally {
  /** callers that are remembered */
  readonly known: number;
  /** calls that came in, since the start */
  readonly admitted: number;
  /** calls that did not, by why */
  readonly refused: Readonly<Record<string, number>>;
}

export interface MinerStatus {
  readonly hotkey: Hotkey;
  readonly netuid: number;
  readonly version: string;
  readonly phase: MinerPhase;
  /** unix ms since which it is in this phase */
  readonly sinceMs: number;
  /** unix ms */
  readonly startedMs: number;
  /** what it waits for, where it waits */
  readonly why?: string | undefined;
  readonly head?: number | undefined;
  /** undefined where it is not registered, or nobody knows yet */
  readonly uid?: number | undefined;
  /** what registering costs, rao in digits; while it waits for that */
  readonly registrationRao?: string | undefined;
  readonly axon?: {
    readonly ip: string;
    readonly port: number;
    /** whether the chain names exactly this */
    readonly isOnChain: boolean;
  };
  readonly doctor: readonly SlotFinding[];
  readonly slots: readonly SlotStatus[];
  readonly sessions: SessionTally;
  readonly callers: CallerTally;
}

/** What an operator must know now. */
export type MinerAlert = { readonly netuid: number; readonly hotkey: Hotkey } & (
  | { readonly kind: 'slot-failed'; readonly slot: string; readonly why: string; readonly fix?: string }
  | { readonly kind: 'not-registered'; readonly costRao?: string }
  | { readonly kind: 'deregistered'; readonly block: number }
  /** another process of this hotkey announces, or the chain forgot: we announce again, ever more slowly */
  | { readonly kind: 'axon-changed'; readonly ip?: string; readonly port?: number; readonly times: number }
  | {
      readonly kind: 'caller-abuse';
      /** whose signature it was; undefined for what nobody signed, which the address is all there is of */
      readonly caller?: Hotkey;
      readonly address?: string;
      /** how often what was done, in the last hour */
      readonly did: Readonly<Record<string, number>>;
    }
);
