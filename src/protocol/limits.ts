// Owns: every bound of the wire, each with its reason; docs/limits.md lists them. Does not own: what a proof kind may send.

/** Opening data travels in pieces of at most this: large enough to amortise a signature, small enough to interleave slots. */
export const OPENING_PIECE_BYTES = 256 * 1024;

/** Files travel in pieces of exactly this, the last one shorter: one answer each, so that any holder can go on where another ended. */
export const FILE_PIECE_BYTES = 256 * 1024;
/** The largest file that is asked for in pieces: a window's rollouts, 5,000 of 512 tokens are some 8 MB. */
export const PIECED_FILE_BYTES = 64 * 1024 * 1024;

export interface Limits {
  /** One message to a miner: Arm, Go, Open and Receipt are small, and a server's unread queue holds up to 20 of them. */
  readonly requestBytes: number;
  /** One message from a miner: an opening piece and its envelope, or the description of some thousand slots. */
  readonly responseBytes: number;
  /** Messages that arrived and nobody took; then the transport stops reading, so that a peer fills its own memory. */
  readonly unreadMessages: number;
  /** Connections without an admitted call; for one more, the oldest of the address with most goes. With `connections` below 1024 descriptors, the usual limit of a process. */
  readonly strangerConnections: number;
  /** The same from one address (IPv6: one /64): some validators may share a host. */
  readonly strangerConnectionsPerAddress: number;
  /** A connection that brought no admitted call within this is dropped: longer than `firstFrameMs`, so that a refusal arrives. Time in which our own event loop stood still does not count. */
  readonly strangerMs: number;
  /** Streams on connections without an admitted call; for one more, the oldest of the address with most ends. 512 let seven flooding addresses and a validator's whole event stand side by side. */
  readonly strangerStreams: number;
  /** The same from one address, and ever on one such connection: a validator that reconnects opens all slots of one hotkey (`slotsPerMiner`, 64) at once, and is known with the first. */
  readonly strangerStreamsPerAddress: number;
  /** New connections from one address, bursts of 5 s: some validators that share a host and reconnect; over it they are dropped at once: an HTTP/2 session costs us more than it costs them. */
  readonly strangerConnectionsPerSecondPerAddress: number;
  /** Calls on connections without an admitted call, from one address, bursts of 5 s; over it their connection is dropped. */
  readonly strangerCallsPerSecondPerAddress: number;
  /** Bytes that connections without an admitted call may bring from one address, bursts of 5 s; over it such a connection is dropped. The first frames of all slots are 64 KiB; pings and window updates, which no other limit counts, are a microsecond of ours for each dozen bytes. */
  readonly strangerBytesPerSecondPerAddress: number;
  /** Connections that carried an admitted call: strangers cannot take one of these. */
  readonly connections: number;
  /** The same of one verified hotkey, which needs one, and a second while it reconnects; for one more its oldest goes. */
  readonly connectionsPerPeer: number;
  /** Streams open at once on connections of admitted peers, those whose frame is still to come included. */
  readonly streams: number;
  /** The same of one verified hotkey: one session is one slot, and this many slots fit one hotkey. */
  readonly streamsPerPeer: number;
  /** Calls (describe, and opening a stream) from one address, before a signature is looked at; bursts of 5 s. */
  readonly callsPerSecondPerAddress: number;
  /** Calls of one verified hotkey; bursts of 5 s, so that all its sessions of one event open at once. */
  readonly callsPerSecondPerPeer: number;
  /** Files that one verified hotkey may take, bursts of 5 s: each is up to `responseBytes` for a request of a few hundred. */
  readonly contentsPerSecondPerPeer: number;
  /** The same of a hotkey that is admitted for files alone, bursts of two: 256 of them together take 26 MB/s, and each what is published now and was before. */
  readonly contentsPerSecondPerNeuron: number;
  /** Pieces of files (`FILE_PIECE_BYTES`) that one verified hotkey may take, bursts of 5 s: 8 MiB a second, and a whole file of usual size at once. */
  readonly piecesPerSecondPerPeer: number;
  /** The same of a hotkey that is admitted for files alone: 1 MiB a second. */
  readonly piecesPerSecondPerNeuron: number;
  /** sr25519 checks of certificates not seen before (0.3 ms each) from one address; bursts of 5 s. */
  readonly certificatesPerSecondPerAddress: number;
  /** The same from all addresses together that never had a call admitted; bursts of 5 s: a tenth of a core, however many flood us. Who was admitted before does not wait behind them. */
  readonly certificatesPerSecondOfStrangers: number;
  /** One describe call, connecting included. */
  readonly describeDeadlineMs: number;
  /** From opening a stream until its first frame left: a black-holed address would hang for minutes. */
  readonly connectMs: number;
  /** From an accepted stream to its first frame, and from an accepted unary call to its message. */
  readonly firstFrameMs: number;
  /** No frame sent or taken on a stream: longer than any wait of `SESSION_LIMITS`. An ended stream that its peer does not drain for as long takes its connection with it. */
  readonly streamIdleMs: number;
  /** One stream altogether; must not exceed `certificateRenewMs`, or its certificate could expire under it. */
  readonly streamMs: number;
  /** Ping after this much silence on a connection: a dead peer is found within this plus `keepaliveTimeoutMs`. */
  readonly keepaliveMs: number;
  /** Without an answer to the ping the connection is dropped: longer than an honest miner's CPU backend may hold its event loop. */
  readonly keepaliveTimeoutMs: number;
  /** A connection without streams is closed; the next call opens another. */
  readonly connectionIdleMs: number;
  /** Longest pause between attempts to reconnect: a restarted miner must make the next event. */
  readonly reconnectMs: number;
  /** When a server ends: for its handlers to return, and for what was written to leave. */
  readonly closeMs: number;
  /** Clocks may differ by this; a refusal tells the measured offset. */
  readonly skewMs: number;
  /** From sent-at to expiry of one envelope. */
  readonly envelopeMs: number;
  /** Life of a session key's certificate: at most an hour, because nothing revokes it. */
  readonly certificateMs: number;
  /** A key with less than this left signs no new call or stream. */
  readonly certificateRenewMs: number;
  /** Verified certificates remembered, least recently used dropped: a miss costs one sr25519 check. */
  readonly certificateCache: number;
  /** Call ids of one peer within twice `skewMs`; full means refused, for an id forgotten early could be replayed. */
  readonly noncesPerPeer: number;
  /** Admitted hotkeys with state at once: more than a subnet has neurons. */
  readonly peers: number;
}

export const DEFAULT_LIMITS: Limits = {
  requestBytes: 64 * 1024,
  responseBytes: OPENING_PIECE_BYTES + 32 * 1024,
  unreadMessages: 4,
  strangerConnections: 256,
  strangerConnectionsPerAddress: 32,
  strangerMs: 15_000,
  strangerStreams: 512,
  strangerStreamsPerAddress: 80,
  strangerConnectionsPerSecondPerAddress: 8,
  strangerCallsPerSecondPerAddress: 100,
  strangerBytesPerSecondPerAddress: 128 * 1024,
  connections: 512,
  connectionsPerPeer: 8,
  streams: 1024,
  streamsPerPeer: 256,
  callsPerSecondPerAddress: 500,
  callsPerSecondPerPeer: 100,
  contentsPerSecondPerPeer: 1,
  contentsPerSecondPerNeuron: 0.4,
  piecesPerSecondPerPeer: 32,
  piecesPerSecondPerNeuron: 4,
  certificatesPerSecondPerAddress: 50,
  certificatesPerSecondOfStrangers: 300,
  describeDeadlineMs: 10_000,
  connectMs: 10_000,
  firstFrameMs: 10_000,
  streamIdleMs: 240_000,
  streamMs: 15 * 60_000,
  keepaliveMs: 10_000,
  keepaliveTimeoutMs: 20_000,
  connectionIdleMs: 10 * 60_000,
  reconnectMs: 2_000,
  closeMs: 5_000,
  skewMs: 30_000,
  envelopeMs: 30_000,
  certificateMs: 60 * 60_000,
  certificateRenewMs: 20 * 60_000,
  certificateCache: 4096,
  noncesPerPeer: 8192,
  peers: 8192,
};

/** No certificate lives longer, whatever the options say: peers refuse it. */
export const CERTIFICATE_MAX_MS = 60 * 60_000;

/** @throws RangeError when two limits contradict each other */
export function toLimits(overrides: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS, ...overrides };
  for (const [key, value] of Object.entries(limits))
    if (!Number.isFinite(value) || value <= 0)
      throw new RangeError(`limits.${key}: expected a positive number, got ${value}`);
  if (limits.certificateMs > CERTIFICATE_MAX_MS)
    throw new RangeError(
      `limits.certificateMs: expected at most ${CERTIFICATE_MAX_MS}, got ${limits.certificateMs}`,
    );
  if (limits.certificateRenewMs >= limits.certificateMs)
    throw new RangeError('limits.certificateRenewMs: expected less than certificateMs');
  if (limits.streamMs > limits.certificateRenewMs)
    throw new RangeError('limits.streamMs: expected at most certificateRenewMs');
  return limits;
}

/** Bounds of what the frames of a proof session may say, whatever their bytes. */
export const SESSION_LIMITS = {
  /** Slots of one hotkey that are challenged; what Describe claims beyond them is ignored. */
  slotsPerMiner: 64,
  /** Of them those that work with other slots, by kind: who meets whom is drawn at the Go, over all of them at once, while everybody's Go waits. */
  meetingSlotsPerMiner: 2,
  /** Nonces that a Commit may list: more than a subnet has validators. */
  validatorsPerEvent: 256,
  /** One frame other than Opening, unknown fields included: they are kept for ever. */
  frameBytes: 8 * 1024,
  /** Openings that a validator has asked for and not judged yet: what it may have to hold at once. */
  openingBytesInFlight: 1024 * 1024 * 1024,
  /** The same of one hotkey, at most; less where equal shares are smaller, so that no miner makes others wait. */
  openingBytesPerMiner: 64 * 1024 * 1024,
  /** Length of a proof kind's name. */
  kindChars: 32,
  /** Length of a worker tag. */
  workerTagChars: 64,
  /** Declarations of maintenance that Describe may show: some in force or to come, and some that were ended earlier. */
  declarations: 8,
  /** Workers that one of them may name: beyond, one is for the whole hotkey. */
  maintenanceWorkers: 16,
  /** One of them: its fixed part, its signature and the tags of so many workers. */
  maintenanceBytes: 87 + 64 + 16 * 65,
  /** Longest window of a parameter set: the first phase, in which rates are measured. */
  windowMs: 10_000,
  /** All phases from Go: filling the memory of a large host takes most of it. All slots of an event wait for the longest. */
  goPhasesMs: 60_000,
  /** All phases from the Pass. */
  passPhasesMs: 20_000,
  /** Phases of a session: each is a Commit, signed and kept for ever. */
  phases: 8,
  /** The Pass is at most so many blocks after the event's: slots are kept until then. */
  holdBlocks: 120,
  /** Events that a plan may have in an epoch: what miners give every validator tickets for (miner/tickets.ts). */
  eventsPerEpoch: 8,
  /** Light checks of a slot between events in an epoch: tickets of their own, of which events take none. */
  livenessPerEpoch: 64,
  /** From Ready to Go: the event's block is at most a few blocks of 12 s away. */
  goWaitMs: 60_000,
  /** From the last Commit from Go to the Pass: the hold of `DEFAULT_HOLD`, 96 s, and blocks that are late. */
  passWaitMs: 150_000,
  /** From the last Commit to Open: it comes when the last phase of all slots is over, so that a slot without a Pass waits for those that have one. Until then the slot is kept. */
  openWaitMs: 170_000,
  /** An opening must be taken by its validator within this: the slot is free already, the bytes are not. */
  openingSendMs: 120_000,
  /**
   * From Open to the end of an opening, its turn at the validator included: no honest one comes later than it is offered and half a
   * minute to read it from a disk. Or slots that never open, one after the other, would keep an event from being judged.
   */
  openingTakeMs: 150_000,
  /** From Opening to Receipt: receipts leave when the whole event is judged, so that it is longer than `openingTakeMs` of whoever is slowest. */
  receiptWaitMs: 180_000,
} as const;
