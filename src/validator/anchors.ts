// Owns: a validator's own ends in the rounds of one event: what they may still give and take, their work, what they saw.
// Does not own: whom they meet (verification), who runs them (cli).
import type { Devices } from '../compute/compute.js';
import type { Clock } from '../model/clock.js';
import type { AnchorParticipant, AnchorWork, Report } from '../verification/proof.js';
import { windowMs } from '../verification/proof.js';
import type { Task } from './assign.js';

/** An end of the validator's own in every round that it holds: it gives and takes as slots do. */
export interface Anchor {
  /** textual address that hosts reach it at */
  readonly address: string;
  readonly devices: Devices;
  /** what it may give in all rounds of an event together, and take. @default no bound */
  readonly bytesPerS?: number | undefined;
}

export interface Anchors {
  /** As the draw of a round of `of` knows them: with what they have left. */
  participants(of: Task): readonly AnchorParticipant[];
  /** Begins the work of a round that was drawn. @param told one for each participant */
  begin(of: Task, told: readonly (Uint8Array | undefined)[]): void;
  /** What those that took something in rounds of `of` would have committed to by now. */
  reports(of: Task): readonly Report[];
}

/** @param parts.self 32-byte public key of this validator */
export function createAnchors(
  parts: { clock: Clock; self: Uint8Array; anchors?: readonly Anchor[] | undefined },
  signal: AbortSignal,
): Anchors {
  const { clock, self } = parts;
  const left = (parts.anchors ?? []).map((anchor) => ({ anchor, bytesPerS: anchor.bytesPerS }));
  const working = new Map<string, { slot: number; told: Uint8Array; work: AnchorWork }[]>();
  return {
    participants({ kind: { round }, params }) {
      if (!round?.anchor) return [];
      return left.map(({ anchor: { address, devices }, bytesPerS }, slot) => {
        const offer = round.offer(devices, params);
        return { hotkey: self, coldkey: self, slot, address, offer, bytesPerS };
      });
    },
    begin(of, told) {
      const until = clock.monotonic() + windowMs(of.facts);
      const leftMs = () => until - clock.monotonic();
      for (const [slot, own] of left.entries()) {
        const brief = told[slot];
        const devices = { ...own.anchor.devices, leftMs };
        const work = brief && of.kind.round?.anchor?.(devices, of.params, brief, signal);
        if (!brief || !work) continue;
        if (own.bytesPerS !== undefined) own.bytesPerS -= work.bytesPerS;
        working.set(keyOf(of), [...(working.get(keyOf(of)) ?? []), { slot, told: brief, work }]);
      }
    },
    reports: (of) =>
      (working.get(keyOf(of)) ?? []).flatMap(({ slot, told, work }): Report[] => {
        const commits = work.commits();
        return commits ? [{ hotkey: self, slot, told, commits }] : [];
      }),
  };
}

/** Slots of one name measure with one another. */
export const keyOf = ({ claim }: Task): string => `${claim.kind}/${claim.paramsId}`;
