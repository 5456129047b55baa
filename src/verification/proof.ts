// Owns: the seam of a proof kind. Does not own: sessions, sockets, time (validator and miner rooms).
import type { Compute } from '../compute/compute.js';
import type { Random } from '../model/prng.js';
import type { Verdict } from '../model/verdict.js';

/** What both ends of a session know before any work is done. */
export interface Challenge<Params> {
  readonly params: Params;
  /** 32 bytes: hash of the block that began the chain's epoch; public operands derive from it */
  readonly basis: Uint8Array;
  /** 32 bytes: binds beacon, included nonces, hotkey, worker, slot and event (seed.ts) */
  readonly seed: Uint8Array;
}

/** A finished first round on the prover's side; holds the labels until released. */
export interface Proving {
  /** kind-specific body of the Commit frame */
  readonly commit: Uint8Array;
  /**
   * Kind-specific opening for a request body.
   * @throws AssayError `invalid-input` when the request is malformed or out of range
   */
  open(request: Uint8Array): Promise<Uint8Array>;
  release(): void;
}

/** The signed content of a session, as it is stored; enough, with the challenge, to judge again. */
export interface Evidence {
  readonly commit: Uint8Array;
  readonly request: Uint8Array;
  readonly opening: Uint8Array;
}

/** What a session needs to know of a parameter set, whatever its kind. */
export interface ParamsFacts {
  /** e.g. `paced`, `gpu-4096` */
  readonly className: string;
  /** all slots of an event share it: Commit counts when it arrives within it, on the validator's clock from its own Go */
  readonly windowMs: number;
  /** a validator that comes to its Go later than this after it saw the beacon does not send it: that is its own lateness */
  readonly goLeadMs: number;
  /** from Open to the last piece of the opening; not scored, but anything later is a bad opening */
  readonly openingMs: number;
  /** simulated devices: earns on development chains only */
  readonly localnetOnly: boolean;
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
  /** Upper bounds for the bytes a peer may send. */
  limits(params: Params): { readonly commitBytes: number; readonly openingBytes: number };
  /** Integer operations that an accepted commit proves; undefined when `commit` is no commit for `params`. */
  claimedOps(params: Params, commit: Uint8Array): number | undefined;
  /** Body of the Open frame: samples drawn after the commit arrived. */
  issue(params: Params, random: Random): Uint8Array;
  /** Drawn after the last commit of the event, shared by all its slots with the same params and basis. */
  drawSecret(params: Params, basis: Uint8Array, random: Random): Secret;
  /**
   * What can be done as soon as params and basis are known (at Arm), so that it does not eat into the window:
   * the public operand is the epoch's, not the event's. Doing without costs time, never correctness.
   */
  prepare?(parts: { compute: Compute }, params: Params, basis: Uint8Array): Promise<void>;
  prove(parts: { compute: Compute }, challenge: Challenge<Params>, signal: AbortSignal): Promise<Proving>;
  /** Total: never throws on any evidence bytes. */
  verify(challenge: Challenge<Params>, evidence: Evidence, secret: Secret): Verdict;
}

/** Checks a kind's shape once, where it is defined, and keeps its types. */
export function defineProof<Params, Secret>(kind: ProofKind<Params, Secret>): ProofKind<Params, Secret> {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(kind.kind))
    throw new TypeError(`kind: expected lower-case kebab of at most 32 characters, got ${kind.kind}`);
  return kind;
}
