// Owns: the seam of a proof kind. Does not own: sessions, sockets, time (validator and miner rooms).
import type { Devices } from '../compute/compute.js';
import type { Credit } from '../model/credit.js';
import type { Random } from '../model/prng.js';
import type { Verdict } from '../model/verdict.js';

/**
 * The kind whose slot has the index of another one: it says that this one is there when it is asked between events. All other
 * kinds have an index each.
 */
export const LIVENESS = 'liveness';

/** What both ends of a session know before any work is done. */
export interface Challenge<Params> {
  readonly params: Params;
  /** 32 bytes: hash of the block that began the chain's epoch; public operands derive from it */
  readonly basis: Uint8Array;
  /** 32 bytes: binds beacon, included nonces, hotkey, worker, slot and event (seed.ts) */
  readonly seed: Uint8Array;
  /** 32 bytes: names hotkey, worker and slot alone (seed.ts, slotPlace), for kinds whose work outlives an event */
  readonly place?: Uint8Array | undefined;
  /** what the validator told this slot at the Go, for kinds in which slots work with one another (`Round`) */
  readonly brief?: Uint8Array | undefined;
}

/**
 * A step of a session in which the miner owes one Commit. Steps come one after the other; those of the Pass last.
 * A Commit counts when it arrives within the time of its step, on the validator's clock from its own frame.
 */
export interface Phase {
  /** our own Go, or the Pass: one instant for all slots of the event, that nobody knows before it comes */
  readonly from: 'go' | 'pass';
  /** counted from that frame, not from the step before */
  readonly withinMs: number;
}

/** How long the prover has, by its own clock: the miner counts from the frame's arrival and keeps a reserve for the way back. */
export interface Pace {
  /** ms until the Commit of this step should leave; negative when it is late, Infinity where nobody waits */
  leftMs(): number;
}

/** Nobody waits: as much work as the parameters allow. */
export const UNHURRIED: Pace = { leftMs: () => Number.POSITIVE_INFINITY };

/** A finished first step on the prover's side; holds the work until released. */
export interface Proving {
  /** kind-specific body of the first Commit frame */
  readonly commit: Uint8Array;
  /**
   * Body of the next Commit. Called once for each further phase, in order, by kinds that have them.
   * @param step.pass 32 bytes, for a phase that begins with the Pass: what its randomness is (seed.ts, passSeed)
   */
  next?(step: Pace & { readonly pass: Uint8Array | undefined }, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * Kind-specific opening for a request body.
   * @throws AssayError `invalid-input` when the request is malformed or out of range
   */
  open(request: Uint8Array): Promise<Uint8Array>;
  release(): void;
}

/** The signed content of a session, as it is stored; enough, with the challenge, to judge again. */
export interface Evidence {
  /** one for each phase */
  readonly commits: readonly Uint8Array[];
  /** 32 bytes where a phase begins with the Pass */
  readonly pass?: Uint8Array | undefined;
  readonly request: Uint8Array;
  readonly opening: Uint8Array;
}

/** What a session needs to know of a parameter set, whatever its kind. */
export interface ParamsFacts {
  /** e.g. `paced`, `gpu-4096` */
  readonly className: string;
  /** at least one; the first is from `go`, and is the event's window: one length for all slots of a parameter set */
  readonly phases: readonly [Phase, ...Phase[]];
  /** what a device of the class is expected to be credited: a slot that is, counts one */
  readonly nominal: Credit;
  /** a validator that comes to its Go later than this after it saw the beacon does not send it: that is its own lateness */
  readonly goLeadMs: number;
  /** from Open to the last piece of the opening; not scored, but anything later is a bad opening */
  readonly openingMs: number;
  /** simulated devices: earns on development chains only */
  readonly localnetOnly: boolean;
}

/** A slot that takes part in a round, as the validator knows it when its Go is due. */
export interface Participant {
  /** 32 bytes each */
  readonly hotkey: Uint8Array;
  readonly coldkey: Uint8Array;
  readonly slot: number;
  /** textual address of its axon */
  readonly address: string;
  /** what its Ready said */
  readonly offer: Uint8Array;
  /** collateral or stake, where the subnet goes by it */
  readonly weight?: number;
}

/** One that the validator runs itself: it gives and takes as slots do, and nobody is paid for it. */
export interface AnchorParticipant extends Participant {
  /** what it may give in all, and take. @default no bound */
  readonly bytesPerS?: number | undefined;
}

/** An anchor at work until its round is over. */
export interface AnchorWork {
  /** of what it may give and take, so much is spoken for */
  readonly bytesPerS: number;
  /** What came so far, as the Commits of a slot would say it; undefined where it takes nothing. */
  commits(): readonly Uint8Array[] | undefined;
}

/** What one slot is told, and what the validator keeps of it for Open: never sent before. */
export interface Briefing {
  readonly told: Uint8Array;
  readonly kept: Uint8Array;
}

/** What one slot of a round came to: `commits` are undefined unless it was accepted. */
export interface Report {
  readonly hotkey: Uint8Array;
  readonly slot: number;
  readonly told: Uint8Array;
  readonly commits: readonly Uint8Array[] | undefined;
}

/** For kinds in which slots work with one another: who meets whom is drawn from the beacon, and each is told at its Go. */
export interface Round<Params> {
  /** Body of Ready. @throws AssayError `unsupported` when a device is missing */
  offer(devices: Devices, params: Params): Uint8Array;
  /** Whether such a body offers anything: a slot that says nothing of use is not there. @default any bytes do */
  isOffer?(bytes: Uint8Array): boolean;
  /** One for each participant, in their order; undefined where its offer is none or nobody is left to meet it. Pure. */
  brief(
    params: Params,
    event: {
      readonly eventId: Uint8Array;
      readonly beacon: Uint8Array;
      /** 32-byte hotkey of the validator whose round it is */
      readonly validator: Uint8Array;
      readonly participants: readonly Participant[];
      /** run by the validator itself */
      readonly anchors?: readonly AnchorParticipant[];
    },
    random: Random,
  ): {
    readonly participants: readonly (Briefing | undefined)[];
    readonly anchors: readonly (Uint8Array | undefined)[];
  };
  /** The port at which others will call the slot with this offer; undefined where it names none. @default none is called */
  port?(offer: Uint8Array): number | undefined;
  /** What a validator's own device does with the brief of an anchor, for as long as `pace` says; returns at once. */
  anchor?(
    devices: Devices & Pace,
    params: Params,
    told: Uint8Array,
    signal: AbortSignal,
  ): AnchorWork | undefined;
  /** What the whole round shows of each slot beyond its own commits; in the order of `reports`. Pure. */
  settle(params: Params, reports: readonly Report[]): readonly Credit[];
}

/**
 * One proof kind: `codec issue prove verify` in a folder of its own.
 * `Secret` is the verifier's private randomness of one event: never sent, logged or stored.
 */
export interface ProofKind<Params, Secret> {
  readonly kind: string;
  /** Every parameter set this build knows, by content address (lower-case hex of the 32-byte paramsId). */
  readonly table: ReadonlyMap<string, Params>;
  facts(params: Params): ParamsFacts;
  /** Canonical parameters from a parsed JSON value. @throws AssayError `invalid-input` naming the key */
  parseParams(value: unknown): Params;
  /** Upper bounds for the bytes a peer may send: of any one commit, and of the opening. */
  limits(params: Params): { readonly commitBytes: number; readonly openingBytes: number };
  /**
   * What accepted evidence with these commits proves; undefined when they are none for `params`. Asked with the commits
   * there are so far, too: a first commit that is none ends its session at once.
   */
  credit(params: Params, commits: readonly Uint8Array[]): Credit | undefined;
  /**
   * Body of the Open frame: samples drawn after the last commit arrived.
   * @param kept what `round.brief` kept for this slot
   */
  issue(params: Params, commits: readonly Uint8Array[], random: Random, kept?: Uint8Array): Uint8Array;
  /** Of kinds in which slots work with one another; at each event one validator runs a round of its own. */
  readonly round?: Round<Params>;
  /** Drawn after the last commit of the event, shared by all its slots with the same params and basis. */
  drawSecret(params: Params, basis: Uint8Array, random: Random): Secret;
  /**
   * What a secret is drawn for: parameter sets of this name, of whatever kind, share one in an event.
   * @default one for each kind and parameter set
   */
  secretName?(params: Params): string;
  /**
   * What can be done as soon as params and basis are known (at Arm), so that it does not eat into the window:
   * the public operand is the epoch's, not the event's. Doing without costs time, never correctness.
   */
  prepare?(devices: Devices, params: Params, basis: Uint8Array): Promise<void>;
  /**
   * The first step. What a device can do in its time decides how much is committed to, where the kind lets work vary.
   * @throws AssayError `unsupported` when a device is missing; the signal's reason when it aborts
   */
  prove(devices: Devices & Pace, challenge: Challenge<Params>, signal: AbortSignal): Promise<Proving>;
  /** Total: never throws on any evidence bytes. */
  verify(challenge: Challenge<Params>, evidence: Evidence, secret: Secret): Verdict;
}

/** The event's window: what all slots of the event wait for before anything is opened. */
export const windowMs = ({ phases }: Pick<ParamsFacts, 'phases'>): number => phases[0].withinMs;

/** What secrets of one event are held under. */
export const secretKey = (kind: ProofKind<unknown, unknown>, paramsId: string, params: unknown): string =>
  kind.secretName?.(params) ?? `${kind.kind}/${paramsId}`;

/** Checks a kind's shape once, where it is defined, and keeps its types. */
export function defineProof<Params, Secret>(kind: ProofKind<Params, Secret>): ProofKind<Params, Secret> {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(kind.kind))
    throw new TypeError(`kind: expected lower-case kebab of at most 32 characters, got ${kind.kind}`);
  for (const params of kind.table.values()) assertPhases(kind.kind, kind.facts(params));
  return kind;
}

function assertPhases(kind: string, { className, phases }: ParamsFacts): void {
  const order = phases.map(({ from }) => from);
  const sorted = order.every((from, i) => from === 'go' || order.slice(i).every((rest) => rest === 'pass'));
  if (order[0] !== 'go' || !sorted)
    throw new TypeError(`${kind}/${className}: expected phases of go, then of pass, got ${order.join(', ')}`);
}
