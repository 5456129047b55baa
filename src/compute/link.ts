// Owns: the seam of a host's link to its peers. Does not own: what travels (spec/link.ts), who meets whom (verification).

/** What this host says of its link before a round. */
export interface LinkOffer {
  readonly port: number;
  /** ed25519, 32 bytes: what its segments are signed with */
  readonly linkKey: Uint8Array;
}

/** One receiver that may pull from us, once. */
export interface ServeTicket {
  /** 32 bytes each */
  readonly ticket: Uint8Array;
  readonly pass: Uint8Array;
  readonly key: Uint8Array;
}

/** One source that we may pull from, once. */
export interface PullTicket {
  /** 32 bytes each */
  readonly ticket: Uint8Array;
  readonly pass: Uint8Array;
  /** ed25519 key of the source */
  readonly linkKey: Uint8Array;
  /** textual address */
  readonly host: string;
  readonly port: number;
}

/** Bounds of one ticket. */
export interface StreamShape {
  /** leaves of a segment: a power of two */
  readonly segmentLeaves: number;
  /** the cap of the whole round */
  readonly maxSegments: number;
}

export interface ServeShape extends StreamShape {
  /** no ticket is served faster */
  readonly capBytesPerS: number;
  /** from now until the ticket is void */
  readonly forMs: number;
}

/** A segment that came whole and carries its source's signature: 32 bytes a leaf, 64 of the signature. */
export interface Segment {
  readonly digests: Uint8Array;
  readonly signature: Uint8Array;
}

export type PullEnd =
  /** all segments of the ticket */
  | 'complete'
  /** the time was over, or the caller aborted */
  | 'over'
  | 'unreachable'
  /** the source did not take the ticket: unknown, used, void, or not ours */
  | 'refused'
  /** the source ended early */
  | 'ended'
  /** the source's signature is not over what came: nothing from here on was counted */
  | 'bad-signature';

/** A host's link. What sources and receivers do wrong ends their own ticket only: neither method throws for it. */
export interface Link {
  readonly name: string;
  readonly offer: LinkOffer;
  /** Lets the receivers of `tickets` pull until `shape.forMs` are over or `signal` aborts; returns at once. */
  serve(tickets: readonly ServeTicket[], shape: ServeShape, signal: AbortSignal): void;
  /**
   * Pulls until everything came, `pace.leftMs()` is used up, or `signal` aborts.
   * @param onSegment called for each segment in order; what is not whole by the end is lost. Until the promise that it may give
   *   is kept, the source is not asked for one more
   */
  pull(
    ticket: PullTicket,
    shape: StreamShape,
    pace: { leftMs(): number },
    onSegment: (segment: Segment) => Promise<void> | undefined,
    signal: AbortSignal,
  ): Promise<PullEnd>;
}
