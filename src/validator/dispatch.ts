// Owns: one session as the validator plays it: Arm, Go, Commit, Open, Opening, on its own clock.
// Does not own: what the content is worth (judge.ts), when the event is (schedule.ts).
import { compare, equals, fromHex } from '../model/bytes.js';
import { type Clock, withTimeout } from '../model/clock.js';
import { AssayError, isAssayError } from '../model/errors.js';
import type { Random } from '../model/prng.js';
import { inconclusive, type Rejection, rejected, type Verdict } from '../model/verdict.js';
import { isRefusal } from '../protocol/errors.js';
import { OPENING_PIECE_BYTES, SESSION_LIMITS } from '../protocol/limits.js';
import type { FrameBody, MinerPeer, ProofSession, Received, Sent } from '../protocol/session.js';
import { windowMs as windowOf } from '../verification/proof.js';
import { nonceCommitment } from '../verification/seed.js';
import type { Task } from './assign.js';
import { FRAME_KINDS, type SessionFrame } from './ledger/entries.js';
import type { OpeningGate } from './opening-gate.js';
import type { OwnDelay } from './own-delay.js';

export interface EventFrame {
  /** 32 bytes */
  readonly id: Uint8Array;
  readonly block: number;
  readonly basis: Uint8Array;
  /** names the event within its epoch, e.g. `17.1`: what a seeded run repeats */
  readonly ordinal: string;
  /** nonces that a Commit may list: as many as there are permits */
  readonly maxNonces: number;
  /** resolves when the event's block is seen; rejects when it was missed */
  readonly go: Promise<Beacon>;
}

export interface Beacon {
  /** 32 bytes: hash of the event's block */
  readonly hash: Uint8Array;
  /** monotonic ms at which this validator saw it */
  readonly seenAt: number;
}

/** Everything that travelled and when; `end` says how far it came. */
export interface Played {
  readonly task: Task;
  readonly nonce: Uint8Array;
  readonly salt: Uint8Array;
  readonly session: ProofSession;
  /** in the order they were sent and arrived, as they travelled; those of the miner up to the verdict */
  readonly frames: readonly SessionFrame[];
  /** code of the error with which our door ended the session, where a frame of the miner's did that */
  readonly refused: string | undefined;
  /** monotonic ms at which we saw the event's block */
  readonly seenAt: number | undefined;
  readonly go: Sent | undefined;
  readonly commit: Received | undefined;
  /** nonces of the Commit, ascending and distinct */
  readonly nonces: readonly Uint8Array[];
  readonly open: Sent | undefined;
  readonly request: Uint8Array;
  /** monotonic ms from which the opening was taken: its deadline counts from here */
  readonly takenFrom: number | undefined;
  /** monotonic ms at which the last piece arrived */
  readonly openedAt: number | undefined;
  readonly opening: Uint8Array;
  readonly measuredMs: number | undefined;
  /** stalls of our own event loop while the window was open: nothing that a peer can bring about by reading slowly */
  readonly ownDelayMs: number;
  /** undefined: complete, the content decides */
  readonly end: Verdict | undefined;
  /** reads what the miner still sends, until it ends: the one reader of the session after `play` */
  drain(): Promise<void>;
  /** gives back the room that the opening took */
  release(): void;
  /** lets go of all bytes: what is needed of them is in the journal */
  forget(): void;
}

/** Our own delay is credited up to this share of the window: a hundredth changes no honest verdict and pays no liar. */
export const CREDITED_DELAY = 0.01;
/** A stall of our own beyond this share of the window makes a missed window doubtful; round.ts decides for the event. */
const OWN_STALL = 0.25;
/** The process may be behind in reading what arrived in time; verdicts use arrival stamps, this only delays giving up. */
export const READ_GRACE_MS = 100;

/**
 * @param parts.windowOver resolves when the common window of the whole event is over: until then no Open goes out, so
 *   that nobody's opening competes with what is still being timed
 */
export async function play(
  parts: {
    peer: MinerPeer;
    clock: Clock;
    random: Random;
    ownDelay: OwnDelay;
    gate: OpeningGate;
    /** every session in play, from its first moment */
    sessions: Set<ProofSession>;
    /** told when our Go was handed over, monotonic ms */
    onGo: (at: number) => void;
    windowOver: Promise<void>;
  },
  event: EventFrame,
  task: Task,
): Promise<Played> {
  const { clock } = parts;
  const random = parts.random.fork(`${event.ordinal}/${task.neuron.hotkey}/${task.claim.index}`);
  const nonce = random.bytes(16);
  const salt = random.bytes(16);
  const session = parts.peer.prove();
  const played = {
    task,
    nonce,
    salt,
    session,
    frames: [] as SessionFrame[],
    refused: undefined as string | undefined,
    seenAt: undefined as number | undefined,
    go: undefined as Sent | undefined,
    commit: undefined as Received | undefined,
    nonces: [] as readonly Uint8Array[],
    open: undefined as Sent | undefined,
    request: new Uint8Array() as Uint8Array,
    takenFrom: undefined as number | undefined,
    openedAt: undefined as number | undefined,
    opening: new Uint8Array() as Uint8Array,
    measuredMs: undefined as number | undefined,
    ownDelayMs: 0,
    end: undefined as Verdict | undefined,
    async drain() {
      while (await next());
    },
    release: () => {},
    forget() {
      played.frames = [];
      played.opening = new Uint8Array();
    },
  };
  parts.sessions.add(session);
  /** a session has one reader at a time, and a deadline leaves this one behind */
  let reading: Promise<Received | undefined> | undefined;
  /** how far we came: whatever breaks from here on is judged by it */
  let phase: 'armed' | 'gone' | 'opened' = 'armed';
  const { openingMs, goLeadMs } = task.facts;
  const windowMs = windowOf(task.facts);
  const limits = task.kind.limits(task.params);

  try {
    const ready = prepare();
    const beacon = await event.go.catch(() => undefined);
    if (!beacon) {
      session.cancel(); // nobody will come back to it, and the miner's slot waits for our Go
      return own();
    }
    played.seenAt = beacon.seenAt;
    const goAt = clock.monotonic();
    // when we call is ours alone; when the bytes leave, the peer has a hand in
    if (goAt - beacon.seenAt > goLeadMs) {
      session.cancel();
      return own();
    }
    if ((await Promise.race([ready, Promise.resolve('not yet')])) !== true) return over('window');

    phase = 'gone';
    parts.onGo(goAt);
    const endObservation = parts.ownDelay.observe();
    try {
      const value = { nonce, salt, beacon: beacon.hash };
      played.go = await send({ case: 'go', value }, windowMs);
      await awaitCommit(played.go);
    } finally {
      played.ownDelayMs = endObservation();
    }
    const missed = () => (played.ownDelayMs > OWN_STALL * windowMs ? own() : over('window'));
    if (!played.commit) return missed();
    const { nonces, body } = played.commit.frame.body.value as { nonces: Uint8Array[]; body: Uint8Array };
    played.measuredMs = played.commit.at - played.go.at;
    if (played.measuredMs - Math.min(played.ownDelayMs, CREDITED_DELAY * windowMs) > windowMs)
      return missed();
    if (!isNonceSet(nonces, event.maxNonces) || body.length > limits.commitBytes) return over('protocol');
    played.nonces = nonces;
    if (!nonces.some((included) => equals(included, nonce))) return over('left-out');
    if (task.kind.credit(task.params, [body]) === undefined) return over('protocol');

    await parts.windowOver;
    phase = 'opened';
    played.request = task.kind.issue(task.params, [body], random);
    played.open = await send({ case: 'open', value: { body: played.request } }, openingMs);
    // the miner answers from its own memory and frees the slot; its bytes wait for room here, and its time with them
    played.release = await parts.gate.enter(task.neuron.hotkey, limits.openingBytes);
    played.takenFrom = clock.monotonic();
    const faulty = await awaitOpening(played.takenFrom);
    return faulty ? over(faulty) : played;
  } catch (error) {
    return endOf(error);
  }

  async function prepare(): Promise<boolean> {
    const { claim } = task;
    try {
      await send({
        case: 'arm',
        value: {
          eventId: event.id,
          eventBlock: BigInt(event.block),
          slot: claim.index,
          kind: claim.kind,
          paramsId: fromHex(claim.paramsId),
          basis: event.basis,
          nonceCommitment: nonceCommitment(nonce, salt),
        },
      });
      return (await receive())?.frame.body.case === 'ready';
    } catch {
      return false; // unreachable, refused or broken: the slot is not there
    }
  }

  async function awaitCommit(go: Sent): Promise<void> {
    const received = await receiveBefore(go.at + windowMs * (1 + CREDITED_DELAY) + READ_GRACE_MS);
    if (received?.frame.body.case === 'commit') played.commit = received;
  }

  async function awaitOpening(from: number): Promise<Rejection | undefined> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for (let piece = 0; ; piece++) {
      const received = await receiveBefore(from + openingMs + READ_GRACE_MS);
      if (!received) return 'opening-timeout';
      if (received.frame.body.case !== 'opening') return 'malformed';
      const { piece: index, last, data } = received.frame.body.value;
      bytes += data.length;
      if (index !== piece || bytes > limits.openingBytes || !isPiece(data, last)) return 'malformed';
      chunks.push(data);
      if (!last) continue;
      played.openedAt = received.at;
      played.opening = Buffer.concat(chunks);
      return received.at - from > openingMs ? 'opening-timeout' : undefined;
    }
  }

  /** A peer that does not read holds up its own session only, and not for longer than `withinMs`. */
  async function send(body: FrameBody, withinMs?: number): Promise<Sent> {
    const sending = session.send(body);
    const late = () =>
      new AssayError('timeout', 'the frame was not taken', { what: 'frame', afterMs: withinMs ?? 0 });
    sending.catch(() => {}); // after the deadline nobody waits for it
    const sent = await (withinMs === undefined ? sending : withTimeout(clock, withinMs, sending, late));
    played.frames.push({ from: 'validator', kind: frameKind(body.case), ...sent.signed });
    return sent;
  }

  async function receive(): Promise<Received | undefined> {
    const received = await next();
    const kind = received?.frame.body.case;
    if (!received || !kind) return received;
    const { length } = received.signed.body;
    if (kind !== 'opening' && length > SESSION_LIMITS.frameBytes) {
      const limit = SESSION_LIMITS.frameBytes;
      throw new AssayError('limit-exceeded', `${kind}: ${length} bytes, at most ${limit} are taken`, {
        what: kind,
        limit,
        got: length,
      });
    }
    // what comes after the verdict is no evidence for it
    if (!played.end) played.frames.push({ from: 'miner', kind, ...received.signed });
    return received;
  }

  function next(): Promise<Received | undefined> {
    reading ??= session.receive().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  /** The next frame, or undefined when none came by `deadline` or the miner ended. */
  async function receiveBefore(deadline: number): Promise<Received | undefined> {
    const leftMs = deadline - clock.monotonic();
    const late = () => new AssayError('timeout', 'no frame in time', { what: 'frame', afterMs: leftMs });
    try {
      return await withTimeout(clock, Math.max(0, leftMs), receive(), late);
    } catch (error) {
      if (isAssayError(error, 'timeout') || isAssayError(error, 'unreachable')) return undefined;
      throw error;
    }
  }

  /** A broken envelope or sequence is the peer's doing; anything that is not an AssayError is ours. */
  function endOf(error: unknown): Played {
    if (!(error instanceof AssayError)) {
      played.end = inconclusive('validator-fault');
      return played;
    }
    if (isFault(error)) played.refused = error.code;
    if (phase === 'opened') return over(isFault(error) ? 'malformed' : 'opening-timeout');
    if (phase === 'gone') return over(isFault(error) ? 'protocol' : 'window');
    return over('window'); // also where the miner's end timed out: or it could choose when to be judged
  }

  function over(reason: Rejection): Played {
    played.end = rejected(reason);
    return played;
  }

  function own(): Played {
    played.end = inconclusive('validator-late');
    return played;
  }
}

/** Our door refused a frame; that the miner refused one of ours is no frame of its own. */
const isFault = (error: AssayError): boolean =>
  !isRefusal(error) &&
  (isAssayError(error, 'unauthenticated') ||
    isAssayError(error, 'invalid-input') ||
    isAssayError(error, 'limit-exceeded'));

function frameKind(name: FrameBody['case']): SessionFrame['kind'] {
  const kind = FRAME_KINDS.find((known) => known === name);
  if (!kind) throw new TypeError(`frame: expected one of ${FRAME_KINDS.join(', ')}, got ${String(name)}`);
  return kind;
}

/** Full pieces but for the last: each costs a signature and a place in the journal, so there must be few. */
export const isPiece = (data: Uint8Array, last: boolean): boolean =>
  last ? data.length <= OPENING_PIECE_BYTES : data.length === OPENING_PIECE_BYTES;

/** 16 bytes each, ascending, distinct. */
export function isNonceSet(
  nonces: readonly Uint8Array[],
  max: number = SESSION_LIMITS.validatorsPerEvent,
): boolean {
  return (
    nonces.length <= Math.min(max, SESSION_LIMITS.validatorsPerEvent) &&
    nonces.every((nonce, i) => nonce.length === 16 && (i === 0 || compare(nonces[i - 1]!, nonce) < 0))
  );
}
