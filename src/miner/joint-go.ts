// Owns: how the validators of one event start one piece of work together: sound for each whatever the others do.
// Does not own: frames (answer.ts), the work (slot.ts).
import { equals, toHex } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import type { Hotkey } from '../model/ids.js';
import type { Proving } from '../verification/proof.js';
import { slotSeed } from '../verification/seed.js';
import type { Slot } from './slot.js';

/** After the first Go the work starts when every armed validator has sent its own, or after this long. */
export const JOINT_GO_WAIT_MS = 300;

export interface JointResult {
  /** ascending; the Commit lists them */
  readonly nonces: readonly Uint8Array[];
  readonly proving: Proving;
}

export type JoinRefusal = 'busy' | 'disagrees';

/** One validator's place in an event's work on one slot. */
export interface Membership {
  /** Adds this validator's nonce; resolves for all when the work is done, rejects when it failed. */
  go(nonce: Uint8Array, beacon: Uint8Array): Promise<JointResult> | JoinRefusal;
  /** Must be called, and may be again; the last one to leave releases the work. */
  leave(): void;
}

/** The slot's door: one event runs at a time, whoever asks. */
export interface Bay {
  /** A validator arms one event at a time; the first event that goes wins. */
  arm(event: { eventId: Uint8Array; basis: Uint8Array }, validator: Hotkey): Membership | JoinRefusal;
}

export function createBay(parts: { slot: Slot; clock: Clock; hotkey: Uint8Array }, signal: AbortSignal): Bay {
  const { slot, clock, hotkey } = parts;
  const armed = new Map<string, Group>();
  /** validators with an event armed here that has not gone yet */
  const arming = new Set<Hotkey>();
  let running: Group | undefined;

  class Group {
    readonly #armed = new Set<object>();
    readonly #inside = new Set<object>();
    readonly #nonces = new Map<string, Uint8Array>();
    readonly #stop = new AbortController();
    #beacon: Uint8Array | undefined;
    #result: Promise<JointResult> | undefined;
    #begin: (() => void) | undefined;
    #begun = false;
    #over = false;

    constructor(
      readonly id: string,
      readonly eventId: Uint8Array,
      readonly basis: Uint8Array,
    ) {
      signal.addEventListener('abort', this.#abort, { once: true });
    }

    readonly #abort = () => this.#stop.abort();

    /** @param onArmedNoMore called when this member goes or leaves; may be called twice */
    join(onArmedNoMore: () => void): Membership {
      const member = {};
      this.#armed.add(member);
      this.#inside.add(member);
      return {
        go: (nonce, beacon) => {
          onArmedNoMore();
          return this.#go(member, nonce, beacon);
        },
        leave: () => {
          if (this.#inside.has(member)) onArmedNoMore();
          this.#leave(member);
        },
      };
    }

    #go(member: object, nonce: Uint8Array, beacon: Uint8Array): Promise<JointResult> | JoinRefusal {
      if (this.#over || (running && running !== this)) return 'busy';
      if (this.#beacon && !equals(this.#beacon, beacon)) return 'disagrees';
      this.#beacon ??= beacon;
      this.#armed.delete(member);
      // after the start the set is closed: the late validator sees itself left out of the Commit
      if (!this.#begun) this.#nonces.set(toHex(nonce), nonce);
      if (!this.#result) {
        running = this;
        armed.delete(this.id);
        this.#result = this.#work(beacon, clock.monotonic());
        this.#result.catch(() => {}); // members that already left must not turn a failure into a crash
      }
      if (this.#armed.size === 0) this.#begin?.();
      return this.#result;
    }

    async #work(beacon: Uint8Array, goneAt: number): Promise<JointResult> {
      await new Promise<void>((resolve) => {
        const waited = new AbortController();
        this.#begin = () => {
          waited.abort();
          resolve();
        };
        clock.sleep(JOINT_GO_WAIT_MS, waited.signal).then(resolve);
      });
      this.#begun = true;
      this.#releaseUnlessHeld(); // those whose Go it was may have left by now
      const nonces = [...this.#nonces.entries()]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, nonce]) => nonce);
      const { worker, index, paramsId } = slot.claim;
      const seed = slotSeed({ beacon, nonces, hotkey, worker, slot: index, eventId: this.eventId, paramsId });
      const job = { eventId: this.eventId, basis: this.basis, seed, goneAt };
      return { nonces, proving: await slot.start(job, this.#stop.signal) };
    }

    #leave(member: object): void {
      this.#armed.delete(member);
      if (!this.#inside.delete(member)) return;
      if (this.#armed.size === 0 && this.#result) this.#begin?.();
      this.#releaseUnlessHeld();
    }

    /** Until the start everybody inside holds the group; then only those that went: an Arm alone must not block the slot. */
    #releaseUnlessHeld(): void {
      if (this.#over || this.#inside.size > (this.#begun ? this.#armed.size : 0)) return;
      this.#over = true;
      armed.delete(this.id);
      signal.removeEventListener('abort', this.#abort);
      this.#stop.abort();
      this.#result?.then(({ proving }) => proving.release()).catch(() => {});
      if (running === this) running = undefined;
    }
  }

  return {
    arm(event, validator) {
      const id = toHex(event.eventId);
      if (arming.has(validator)) return 'busy'; // what runs now may be over by the Go
      const known = armed.get(id);
      if (known && !equals(known.basis, event.basis)) return 'disagrees';
      const group = known ?? new Group(id, event.eventId, event.basis);
      if (!known) {
        armed.set(id, group);
        void slot.prepare?.(event.basis).catch(() => {}); // start() does what this could not, or says why not
      }
      arming.add(validator);
      return group.join(() => arming.delete(validator));
    },
  };
}
