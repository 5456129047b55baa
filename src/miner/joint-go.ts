// Owns: how the validators of one event start one piece of work together, and go on with it: sound for each whatever the
// others do. Does not own: frames (answer.ts), the work (slot.ts).
import { equals, toHex } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import type { Hotkey } from '../model/ids.js';
import type { Hold } from '../verification/draw.js';
import type { Proving } from '../verification/proof.js';
import { passSeed, slotPlace, slotSeed } from '../verification/seed.js';
import { paceOf, type Slot } from './slot.js';

/** After the first Go, and after the first Pass, the others are waited for until all have sent their own, or this long. */
export const JOINT_GO_WAIT_MS = 300;

/** A Go, or a Pass, as one validator sent it. */
export interface Start {
  readonly nonce: Uint8Array;
  /** 32 bytes, confirmed by our own node */
  readonly beacon: Uint8Array;
  /** monotonic ms of its arrival */
  readonly at: number;
  /** what the validator told this slot, of a Go to a slot that meets others */
  readonly brief?: Uint8Array;
}

/** What a Commit says, the same to all. */
export interface JointCommit {
  /** ascending: those of the Go, or those of the Pass where the phase begins with it */
  readonly nonces: readonly Uint8Array[];
  readonly body: Uint8Array;
}

export interface JointResult {
  /** ascending; the first Commit lists them */
  readonly nonces: readonly Uint8Array[];
  readonly proving: Proving;
}

export type JoinRefusal = 'busy' | 'disagrees';

/** One validator's place in an event's work on one slot. */
export interface Membership {
  /** Adds this validator's nonce; resolves for all when the first step is done, rejects when it failed. */
  go(start: Start): Promise<JointResult> | JoinRefusal;
  /** Adds its nonce of the Pass; the steps that begin with it follow for all. */
  pass(start: Start): JoinRefusal | undefined;
  /** A further step: of those from Go at any time after `go`, of those from the Pass after `pass`. */
  commit(phase: number): Promise<JointCommit>;
  /** Must be called, and may be again; the last one to leave releases the work. */
  leave(): void;
}

/** The door of one index: one event runs at a time, whoever asks, and under whichever parameters. */
export interface Bay {
  /**
   * A validator arms one event at a time. The first event that goes has the slot, until one goes behind which more of the stake
   * stands: or a single validator with a permit could keep a slot from everybody's event, by one of its own a moment before.
   */
  arm(slot: Slot, event: JointEvent, validator: Hotkey): Membership | JoinRefusal;
}

export interface JointEvent {
  readonly eventId: Uint8Array;
  readonly basis: Uint8Array;
  /** where its Pass is drawn, of a slot that has one: validators that say otherwise mean another event */
  readonly hold?: Hold | undefined;
}

/** One frame of all validators of an event: open to further nonces from the first on, for as long as somebody is missing. */
class Gathering {
  /** resolves when the set is complete, or given up on */
  readonly closed: Promise<void>;
  readonly #clock: Clock;
  readonly #isComplete: () => boolean;
  readonly #nonces = new Map<string, Uint8Array>();
  readonly #waited = new AbortController();
  #first: Start | undefined;
  #isOpen = true;
  #close: () => void = () => {};

  /** @param isComplete whether nobody is missing; told to look by `look` */
  constructor(clock: Clock, isComplete: () => boolean) {
    this.#clock = clock;
    this.#isComplete = isComplete;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  get first(): Start | undefined {
    return this.#first;
  }

  get nonces(): Uint8Array[] {
    const inOrder = [...this.#nonces.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    return inOrder.map(([, nonce]) => nonce);
  }

  /** @returns whether the nonce is in the set: a validator that is late sees itself left out of the Commit */
  add(start: Start): boolean | 'disagrees' {
    if (this.#first && !equals(this.#first.beacon, start.beacon)) return 'disagrees';
    if (this.#isOpen) this.#nonces.set(toHex(start.nonce), start.nonce);
    if (!this.#first) {
      this.#first = start;
      this.#clock.sleep(JOINT_GO_WAIT_MS, this.#waited.signal).then(() => this.close());
    } else if (this.#isOpen && start.at < this.#first.at)
      // confirmed later, sent earlier: its validator counts from there
      this.#first = { ...this.#first, at: start.at };
    return this.#isOpen;
  }

  look(): void {
    if (this.#first && this.#isComplete()) this.close();
  }

  close(): void {
    this.#isOpen = false;
    this.#waited.abort();
    this.#close();
  }
}

/** @param parts.shareOf a validator's part of the stake of all that hold a permit. @default nobody has more than another */
export function createBay(
  parts: { clock: Clock; hotkey: Uint8Array; shareOf?: (validator: Hotkey) => number },
  signal: AbortSignal,
): Bay {
  const { clock, hotkey, shareOf = () => 0 } = parts;
  const armed = new Map<string, Group>();
  /** validators with an event armed here that has not gone yet */
  const arming = new Set<Hotkey>();
  let running: Group | undefined;

  class Group {
    readonly #armed = new Set<object>();
    readonly #inside = new Set<object>();
    /** whose Go is included and whose Pass is still to come */
    readonly #passing = new Set<object>();
    readonly #behind = new Set<Hotkey>();
    readonly #stop = new AbortController();
    readonly #go = new Gathering(clock, () => this.#armed.size === 0);
    readonly #pass = new Gathering(clock, () => this.#passing.size === 0);
    #seed: Uint8Array | undefined;
    #result: Promise<JointResult> | undefined;
    /** of further phases, by number */
    readonly #commits = new Map<number, Promise<JointCommit>>();
    #begun = false;
    #over = false;
    /** stake behind this event: of all that ever armed it, so that it does not fade as they finish */
    #weight = 0;

    constructor(
      readonly id: string,
      readonly slot: Slot,
      readonly event: JointEvent,
    ) {
      signal.addEventListener('abort', this.#abort, { once: true });
    }

    readonly #abort = () => {
      this.#stop.abort();
      this.#pass.close(); // or the steps behind it would wait for ever
    };

    /** @param onArmedNoMore called when this member goes or leaves; may be called twice */
    join(validator: Hotkey, onArmedNoMore: () => void): Membership {
      const member = {};
      if (!this.#behind.has(validator)) this.#weight += shareOf(validator);
      this.#behind.add(validator);
      this.#armed.add(member);
      this.#inside.add(member);
      return {
        go: (start) => {
          onArmedNoMore();
          return this.#goneBy(member, start);
        },
        pass: (start) => this.#passedBy(member, start),
        commit: (phase) => {
          const commit = this.#commits.get(phase);
          if (!commit) throw new RangeError(`phase: expected one that has begun, got ${phase}`);
          return commit;
        },
        leave: () => {
          if (this.#inside.has(member)) onArmedNoMore();
          this.#leave(member);
        },
      };
    }

    #goneBy(member: object, start: Start): Promise<JointResult> | JoinRefusal {
      if (this.#over) return 'busy';
      if (running && running !== this) {
        if (this.#weight <= running.#weight) return 'busy';
        running.#end();
      }
      const included = this.#go.add(start);
      if (included === 'disagrees') return included;
      this.#armed.delete(member);
      if (included) this.#passing.add(member);
      if (!this.#result) {
        running = this;
        armed.delete(this.id);
        this.#result = this.#begin();
        this.#result.catch(() => {}); // members that already left must not turn a failure into a crash
        this.#runSteps('go');
      }
      this.#go.look();
      return this.#result;
    }

    #passedBy(member: object, start: Start): JoinRefusal | undefined {
      if (this.#over) return 'busy';
      const isFirst = this.#pass.first === undefined;
      if (this.#pass.add(start) === 'disagrees') return 'disagrees';
      this.#passing.delete(member);
      if (isFirst) this.#runSteps('pass');
      this.#pass.look();
      return undefined;
    }

    async #begin(): Promise<JointResult> {
      await this.#go.closed;
      this.#begun = true;
      this.#releaseUnlessHeld(); // those whose Go it was may have left by now
      const { eventId, basis } = this.event;
      const { worker, index, paramsId } = this.slot.claim;
      const place = slotPlace({ hotkey, worker, slot: index });
      const { beacon, at: goneAt, brief } = this.#go.first!; // closed by the first, or after it
      const { nonces } = this.#go;
      const seed = slotSeed({ beacon, nonces, hotkey, worker, slot: index, eventId, paramsId });
      this.#seed = seed;
      const job = { eventId, basis, seed, place, goneAt, ...(brief ? { brief } : {}) };
      return { nonces, proving: await this.slot.start(job, this.#stop.signal) };
    }

    /** Each once, one after the other, whether or not somebody waits for it already. */
    #runSteps(from: 'go' | 'pass'): void {
      for (const [phase, facts] of (this.slot.phases ?? []).entries()) {
        if (phase === 0 || facts.from !== from) continue;
        const before = this.#commits.get(phase - 1) ?? this.#result!;
        const step = before.then(() => this.#step(phase));
        step.catch(() => {}); // as above
        this.#commits.set(phase, step);
      }
    }

    async #step(phase: number): Promise<JointCommit> {
      const { claim, reserve, phases = [] } = this.slot;
      const { from } = phases[phase]!;
      const gathering = from === 'go' ? this.#go : this.#pass;
      await gathering.closed;
      this.#stop.signal.throwIfAborted();
      const { proving } = await this.#result!;
      if (!proving.next)
        throw new AssayError('unsupported', `slot ${claim.index}: no further steps`, {
          what: `slot ${claim.index}`,
          why: `its kind has ${phases.length} phases, and its device does one`,
        });
      const { nonces } = gathering;
      const { beacon, at } = gathering.first!;
      const pass = from === 'pass' ? passSeed({ seed: this.#seed!, beacon, nonces }) : undefined;
      const pace = paceOf(phases[phase]!, at, clock, reserve);
      return { nonces, body: await proving.next({ ...pace, pass }, this.#stop.signal) };
    }

    #leave(member: object): void {
      this.#armed.delete(member);
      this.#passing.delete(member);
      if (!this.#inside.delete(member)) return;
      this.#go.look();
      this.#pass.look();
      this.#releaseUnlessHeld();
    }

    /** Until the start everybody inside holds the group; then only those that went: an Arm alone must not block the slot. */
    #releaseUnlessHeld(): void {
      if (this.#over || this.#inside.size > (this.#begun ? this.#armed.size : 0)) return;
      this.#end();
    }

    /** Whoever is still inside sees the work fail. */
    #end(): void {
      this.#over = true;
      armed.delete(this.id);
      signal.removeEventListener('abort', this.#abort);
      this.#abort();
      const release = async () => {
        await Promise.allSettled(this.#commits.values()); // a step that looks at the work must not find it gone
        (await this.#result)?.proving.release();
      };
      release().catch(() => {}); // work that failed has released itself
      if (running === this) running = undefined;
    }
  }

  return {
    arm(slot, event, validator) {
      const { hold } = event;
      const set = toHex(slot.claim.paramsId);
      const own = slot.offer ? `/${validator}` : ''; // what meets others does so for one validator
      const id = `${toHex(event.eventId)}/${set}/${hold?.first}-${hold?.last}${own}`;
      if (arming.has(validator)) return 'busy'; // what runs now may be over by the Go
      const known = armed.get(id);
      if (known && !equals(known.event.basis, event.basis)) return 'disagrees';
      const group = known ?? new Group(id, slot, event);
      if (!known) {
        armed.set(id, group);
        void slot.prepare?.(event.basis).catch(() => {}); // start() does what this could not, or says why not
      }
      arming.add(validator);
      return group.join(validator, () => arming.delete(validator));
    },
  };
}
