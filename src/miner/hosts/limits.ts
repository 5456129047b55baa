// Owns: every bound between a miner and the hosts behind it, each with its reason; docs/hosts.md lists them. Does not own: what a
// validator may send (protocol/limits.ts).
import { SESSION_LIMITS } from '../../protocol/limits.js';

export const HOST_LIMITS = {
  /** Hosts of one hotkey: of all their slots together `SESSION_LIMITS.slotsPerMiner` are challenged. */
  hosts: 64,
  /** Slots of one host, checks among them. */
  slotsPerHost: 64,
  /** Slots that ever had an index, those of hosts that went among them: an index is not given twice. */
  indices: 4096,
  /** Parameter sets of one slot that a host keeps: what is published, what was before, and what is built in. */
  setsPerSlot: 8,
  /** One frame before the other end is known: Hello with all slots of a host. */
  strangerFrameBytes: 16 * 1024,
  /** One frame: a piece of an opening, and parameters of the longest kind several times over. */
  frameBytes: 260 * 1024,
  /** An opening travels in pieces of at most this, so that a ping waits for one and not for all of it. */
  pieceBytes: 128 * 1024,
  /** Bytes handed to a socket that its peer does not read; then it is over. Four pieces, and the small frames of all slots. */
  unreadBytes: 2 * 1024 * 1024,
  /** Calls of one host that wait for an answer: each slot has an opening, a step and an offer under way at most. */
  calls: 256,
  /** Pieces of work of one host: the sessions of a slot end before the next ones, some overlap. */
  jobs: 256,
  /** What a host says of itself: of one about 1 KB, with every port and driver that fits into the form 10 KB. */
  factsChars: 16 * 1024,
  /** A reason that is shown or logged. */
  reasonChars: 300,
  /** Connections that have not been welcomed; for one more, the oldest of the address with most goes. */
  strangers: 64,
  /** The same from one address: all hosts of a rack behind one router come back at once. */
  strangersPerAddress: 16,
  /** New connections from one address, bursts of five seconds: a handshake costs us about a millisecond. */
  connectionsPerSecondPerAddress: 4,
  /** From an accepted connection to Hello, handshake included. */
  helloMs: 5_000,
  /** From Hello to Welcome, as the host waits for it: who is connected already is asked first whether it is there. */
  welcomeMs: 15_000,
  /** How often the line is measured, and by how many of its latest times it is judged. */
  pingMs: 2_000,
  samples: 16,
  /** Measured before the first slot is claimed. */
  firstSamples: 4,
  /** Without an answer the line is dead: longer than a host may hold its event loop. */
  silenceMs: 15_000,
  /** How long one that is connected has to answer when another comes with its key. */
  probeMs: 5_000,
  /** A host that went is claimed for so long: a line that breaks for a moment costs the event it breaks in, not the next. */
  graceMs: 60_000,
  /** Share of a slot's shortest step that the way to its host may take, there and back; a tenth more is kept for the validator's. */
  wayShare: 0.1,
  /** An answer of a host to Fit and Offer. */
  answerMs: 10_000,
  /** Once the miner was told that a slot has had its day: what it armed before has gone by then, and whatever comes is not begun. */
  cappedMs: 2 * SESSION_LIMITS.goWaitMs,
  /** What is at work on a host has so long once it is asked to end: with closing, it ends within 10 s. */
  drainMs: 8_000,
  /** Pauses of a host that comes again: the first, the longest, and after a rejection that somebody must see to. */
  backOffMs: 500,
  backOffMostMs: 30_000,
  rejectedMs: 60_000,
} as const;
