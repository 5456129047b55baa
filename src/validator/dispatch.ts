// Owns: one session as the validator plays it: Arm, Go, Commits, Pass, Open, Opening, on its own clock.
// Does not own: what the content is worth (judge.ts), when the event is (schedule.ts).
import { compare, equals, fromHex } from '../model/bytes.js';
import { type Clock, withTimeout } from '../model/clock.js';
import { AssayError, isAssayError } from '../model/errors.js';
import type { Random } from '../model/prng.js';
import { type Declined, inconclusive, type Rejection, rejected, type Verdict } from '../model/verdict.js';
import { isRefusal } from '../protocol/errors.js';
import { type Frame, RefusalCode } from '../protocol/gen/assay/v1/miner_pb.js';
import { OPENING_PIECE_BYTES, SESSION_LIMITS } from '../protocol/limits.js';
import type { FrameBody, MinerPeer, ProofSession, Received, Sent } from '../protocol/session.js';
import type { Hold } from '../verification/draw.js';
import { type Briefing, LIVENESS, type Phase } from '../verification/proof.js';
import { nonceCommitment, passCommitment } from '../verification/seed.js';
import type { Task } from './assign.js';
import { FRAME_KINDS, type SessionFrame } from './ledger/entries.js';
import type { Line } from './line-up.js';
import type { OpeningGate } from './opening-gate.js';
import type { OwnDelay } from './own-delay.js';
import type { Sight } from './reach.js';

export interface EventFrame {
  /** 32 bytes */
  readonly id: Uint8Array;
  readonly block: number;
  readonly basis: Uint8Array;
  /** names the event within its epoch, e.g. `17.1`: what a seeded run repeats */
  readonly ordinal: string;
  /** nonces that a Commit may list: as many as there are permits */
  readonly maxNonces: number;
  /** where the Pass is drawn */
  readonly hold: Hold;
  /** resolves when the event's block is seen; rejects when it was missed */
  readonly go: Promise<Beacon>;
  /** the same of the block of the Pass; rejects with `go`, too */
  readonly pass: Promise<Beacon>;
  /** of the trace that it is in, and of a session its own */
  readonly traceparent?: string | undefined;
}

export interface Beacon {
  /** 32 bytes: hash of the event's block */
  readonly hash: Uint8Array;
  /** monotonic ms at which this validator saw it */
  readonly seenAt: number;
  /** in which the frames that wait for it leave; undefined for a session that is in none */
  readonly line?: Line | undefined;
}

/** Of one event; knows only tasks of kinds that have a `round`. */
export interface Meetings {
  /** Notes what a slot that is ready offers to the others. */
  ready(task: Task, offer: Uint8Array): void;
  /**
   * Asked at the Go: drawn then for all that are ready, once for each parameter set.
   * @returns undefined for a kind whose slots meet nobody
   */
  briefing(task: Task, beacon: Uint8Array): Briefing | 'no-offer' | 'alone' | Rejection | undefined;
  /** What this validator had seen of the slot's port when it was drawn; undefined where it did not look. */
  sightOf?(task: Task): Sight | undefined;
}

/** A Commit as it arrived, whether or not it counted. */
export interface HeardCommit {
  /** monotonic ms of arrival */
  readonly at: number;
  /** since our frame that its phase counts from */
  readonly measuredMs: number;
  /** ascending and distinct; none where they were not */
  readonly nonces: readonly Uint8Array[];
  readonly body: Uint8Array;
  /** the longest stall of our own event loop since the frame that its phase counts from */
  readonly ownDelayMs: number;
}

/** Our own Pass of a session whose kind has one. */
export interface PlayedPass {
  /** 16 bytes each: Arm commits to them, Pass reveals them */
  readonly nonce: Uint8Array;
  readonly salt: Uint8Array;
  /** undefined until its block was seen */
  readonly seen: Beacon | undefined;
  readonly sent: Sent | undefined;
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
  /** what our Go told this slot, of kinds whose slots work with one another */
  readonly brief: Uint8Array | undefined;
  /** what we saw of the port that it offers the others, of such kinds */
  readonly sight?: Sight | undefined;
  /** in the order of the phases */
  readonly commits: readonly HeardCommit[];
  readonly pass: PlayedPass | undefined;
  /** the frame whose phases it had come to */
  readonly reached: Phase['from'];
  /** Frames of ours alone, before its own in the line, made it late: no peer has a hand in that, and it says nothing about the miner. */
  readonly queued: boolean;
  /** The Commit that left our nonce out answers a line so long that it may have been ours to answer for: round.ts decides for the event. */
  readonly behindLine: boolean;
  readonly open: Sent | undefined;
  readonly request: Uint8Array;
  /** monotonic ms from which the opening was taken: its deadline counts from here */
  readonly takenFrom: number | undefined;
  /** monotonic ms at which the last piece arrived */
  readonly openedAt: number | undefined;
  readonly opening: Uint8Array;
  /** the opening where it is kept: as it came, without a copy */
  readonly pieces: readonly Uint8Array[];
  /** from Go to the first Commit */
  readonly measuredMs: number | undefined;
  /** the longest stall of our own event loop while a phase was open: nothing that a peer can bring about by reading slowly */
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

/** Our own delay is credited up to this share of a phase: a hundredth changes no honest verdict and pays no liar. */
export const CREDITED_DELAY = 0.01;
/** A stall of our own beyond this share of a phase makes a missed one doubtful; round.ts decides for the event. */
const OWN_STALL = 0.25;
/**
 * Behind a line of ours of so many ms our Go or Pass may miss the 300 ms for which a miner waits for the frames of all
 * validators; the rest of them is for what networks differ by.
 */
const JOINT_LINE_MS = 150;
/** The process may be behind in reading what arrived in time; verdicts use arrival stamps, this only delays giving up. */
export const READ_GRACE_MS = 100;

export const hasPass = ({ phases }: { readonly phases: readonly Phase[] }): boolean =>
  phases.some(({ from }) => from === 'pass');

/**
 * @param parts.windowOver resolves when the last phase of every slot of the event is over: until then no Open goes out, so
 *   that nobody's opening competes with what is still being timed
 */
export async function play(
  parts: {
    peer: MinerPeer;
    clock: Clock;
    random: Random;
    ownDelay: OwnDelay;
    gate: OpeningGate;
    meetings: Meetings;
    /** every session in play, from its first moment */
    sessions: Set<ProofSession>;
    /** told when our Go, or our Pass, was handed over, monotonic ms */
    onSent: (frame: Phase['from'], at: number) => void;
    windowOver: Promise<void>;
  },
  event: EventFrame,
  task: Task,
): Promise<Played> {
  const { clock, meetings } = parts;
  const name = `${event.ordinal}/${task.neuron.hotkey}/${task.claim.index}`;
  const random = parts.random.fork(name);
  const nonce = random.bytes(16);
  const salt = random.bytes(16);
  const session = parts.peer.prove(event.traceparent);
  const played = {
    task,
    nonce,
    salt,
    session,
    frames: [] as SessionFrame[],
    refused: undefined as string | undefined,
    seenAt: undefined as number | undefined,
    go: undefined as Sent | undefined,
    brief: undefined as Uint8Array | undefined,
    sight: undefined as Sight | undefined,
    commits: [] as HeardCommit[],
    pass: undefined as PlayedPass | undefined,
    reached: 'go' as Phase['from'],
    queued: false,
    behindLine: false,
    open: undefined as Sent | undefined,
    request: new Uint8Array() as Uint8Array,
    takenFrom: undefined as number | undefined,
    openedAt: undefined as number | undefined,
    opening: new Uint8Array() as Uint8Array,
    pieces: [] as readonly Uint8Array[],
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
      played.pieces = [];
    },
  };
  parts.sessions.add(session);
  /** a session has one reader at a time, and a deadline leaves this one behind */
  let reading: Promise<Received | undefined> | undefined;
  /** a frame that was looked out for while none was due */
  let arriving: Promise<Received | undefined> | undefined;
  let observation: ReturnType<OwnDelay['observe']> | undefined;
  /** in which our frames left */
  const lines: Partial<Record<Phase['from'], Line>> = {};
  /** how far we came: whatever breaks from here on is judged by it */
  let stage: 'armed' | 'gone' | 'committed' = 'armed';
  const { openingMs, goLeadMs, phases } = task.facts;
  const limits = task.kind.limits(task.params);
  if (hasPass(task.facts)) {
    const own = parts.random.fork(`${name}/pass`);
    played.pass = { nonce: own.bytes(16), salt: own.bytes(16), seen: undefined, sent: undefined };
  }

  try {
    const ready = prepare();
    const beacon = await event.go.catch(() => undefined);
    if (!beacon) {
      session.cancel(); // nobody will come back to it, and the miner's slot waits for our Go
      return own();
    }
    played.seenAt = beacon.seenAt;
    // before our own lateness, which would be excused and carried
    if (task.declared) return declined('maintenance');
    const early = lateness(beacon);
    if (early) return early;
    const answered = await Promise.race([ready, Promise.resolve('not yet' as const)]);
    if (answered === 'capped') return declined('capped');
    if (answered !== 'ready') return over('window');
    const briefing = meetings.briefing(task, beacon.hash);
    played.sight = meetings.sightOf?.(task);
    if (briefing === 'alone') return alone();
    if (typeof briefing === 'string') return over(briefing === 'no-offer' ? 'window' : briefing);
    played.brief = briefing?.told;
    // all come this far before the first of the line hands its frame over: only here it shows how long that took us
    const late = lateness(beacon);
    if (late) return late;

    stage = 'gone';
    parts.onSent('go', clock.monotonic());
    observation = parts.ownDelay.observe();
    const value = { nonce, salt, beacon: beacon.hash, ...(briefing ? { body: briefing.told } : {}) };
    played.go = await sendInLine({ case: 'go', value }, phases[0].withinMs, beacon);
    for (const [index, phase] of phases.entries()) {
      const ended = (await start(phase)) ?? (await takeCommit(index, phase));
      if (ended) return ended;
    }

    stage = 'committed';
    const unasked = await quietUntil(parts.windowOver);
    if (unasked) return over(unasked.frame ? 'malformed' : 'opening-timeout');
    const commits = played.commits.map(({ body }) => body);
    played.request = task.kind.issue(task.params, commits, random, briefing?.kept);
    played.open = await send({ case: 'open', value: { body: played.request } }, openingMs);
    // the miner answers from its own memory and frees the slot; its bytes wait for room here, and its time with them
    const { openingTakeMs } = SESSION_LIMITS;
    const overAt = played.open.at + openingTakeMs;
    const room = parts.gate.enter(task.neuron.hotkey, limits.openingBytes);
    played.release = () => void room.then((giveBack) => giveBack());
    const full = () =>
      new AssayError('timeout', 'no room for the opening', { what: 'opening', afterMs: openingTakeMs });
    await withTimeout(clock, Math.max(0, overAt - clock.monotonic()), room, full);
    played.takenFrom = clock.monotonic();
    const faulty = await awaitOpening(played.takenFrom, Math.min(played.takenFrom + openingMs, overAt));
    return faulty ? over(faulty) : played;
  } catch (error) {
    return endOf(error);
  } finally {
    observation?.();
  }

  /** When we call is ours alone; when the bytes leave, the peer has a hand in. A session that we are late for is let go. */
  function lateness({ seenAt, line }: Beacon): Played | undefined {
    const now = clock.monotonic();
    if (now - seenAt <= goLeadMs) return undefined;
    session.cancel();
    return line && now - line.beganAt > goLeadMs ? queued() : own();
  }

  /** Its bytes leave when the whole line has been handed over: a session at the head of it is not measured from before. */
  async function sendInLine(
    body: Extract<FrameBody, { case: Phase['from'] }>,
    withinMs: number,
    { line }: Beacon,
  ): Promise<Sent> {
    const sending = send(body, withinMs);
    if (!line) return sending;
    line.handedOver();
    lines[body.case] = line;
    const sent = await sending;
    return { ...sent, at: Math.max(sent.at, line.lastAt) };
  }

  /** Sends the Pass before the first phase that begins with it. */
  async function start({ from, withinMs }: Phase): Promise<Played | undefined> {
    if (from === 'go' || !played.pass || played.pass.sent) return undefined;
    const { nonce: passNonce, salt: passSalt } = played.pass;
    played.reached = 'pass';
    const early = await quietUntil(event.pass.catch(() => {})); // its failure is looked at below
    // a refusal, or an end, is the miner's own failure; anything else is out of turn
    if (early) return over(!early.frame || early.frame.body.case === 'refusal' ? 'window' : 'protocol');
    const seen = await event.pass.catch(() => undefined);
    if (!seen) {
      session.cancel();
      return own();
    }
    played.pass = { ...played.pass, seen };
    const late = lateness(seen);
    if (late) return late;
    parts.onSent('pass', clock.monotonic());
    observation = parts.ownDelay.observe();
    const value = { nonce: passNonce, salt: passSalt, beacon: seen.hash };
    played.pass = { ...played.pass, sent: await sendInLine({ case: 'pass', value }, withinMs, seen) };
    return undefined;
  }

  /** A missing one ends the whole session: the phases prove one thing together, and there is no half of it. */
  async function takeCommit(index: number, { from, withinMs }: Phase): Promise<Played | undefined> {
    const startedAt = (from === 'go' ? played.go : played.pass?.sent)!.at; // sent by now, or we would not be here
    const received = await receiveBefore(startedAt + withinMs * (1 + CREDITED_DELAY) + READ_GRACE_MS);
    const ownDelayMs = observation?.(phases[index + 1]?.from === from) ?? 0;
    played.ownDelayMs = Math.max(played.ownDelayMs, ownDelayMs);
    const missed = () => (ownDelayMs > OWN_STALL * withinMs ? own() : over('window'));
    if (received?.frame.body.case !== 'commit') return missed();
    const { nonces, body, phase: named } = received.frame.body.value;
    const measuredMs = received.at - startedAt;
    const isSet = isNonceSet(nonces, event.maxNonces);
    played.commits.push({ at: received.at, measuredMs, nonces: isSet ? nonces : [], body, ownDelayMs });
    played.measuredMs ??= measuredMs;
    if (measuredMs < 0) return over('protocol');
    if (isOverdue(measuredMs, ownDelayMs, withinMs)) return missed();
    if (named !== index || !isSet || body.length > limits.commitBytes) return over('protocol');
    const before = phases[index - 1]?.from === from ? played.commits[index - 1] : undefined;
    if (before && !isSameSet(before.nonces, nonces)) return over('protocol');
    const included = from === 'go' ? nonce : played.pass!.nonce;
    if (!nonces.some((each) => equals(each, included))) {
      const { beganAt, lastAt } = lines[from] ?? { beganAt: 0, lastAt: 0 };
      played.behindLine = lastAt - beganAt > JOINT_LINE_MS;
      return over('left-out');
    }
    const bodies = played.commits.map((commit) => commit.body);
    return task.kind.credit(task.params, bodies) === undefined ? over('protocol') : undefined;
  }

  /** Nothing is due from the miner until `due`: what comes all the same must not pile up unread. */
  async function quietUntil(
    due: Promise<unknown>,
  ): Promise<{ frame: Received['frame'] | undefined } | undefined> {
    arriving ??= receive();
    const early = arriving.then((received) => ({ frame: received?.frame }));
    return Promise.race([due.then(() => undefined), early]);
  }

  async function prepare(): Promise<'ready' | 'capped' | 'not there'> {
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
          ...(played.pass && {
            passCommitment: passCommitment(played.pass.nonce, played.pass.salt),
            holdFirst: event.hold.first,
            holdLast: event.hold.last,
          }),
        },
      });
      const answer = (await receive())?.frame.body;
      if (isCap(answer, claim)) return 'capped';
      if (answer?.case !== 'ready') return 'not there';
      if (!task.declared) meetings.ready(task, answer.value.body); // nobody is to meet it
      return 'ready';
    } catch {
      return 'not there'; // unreachable, refused or broken: the slot is not there
    }
  }

  async function awaitOpening(from: number, overAt: number): Promise<Rejection | undefined> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for (let piece = 0; ; piece++) {
      const received = await receiveBefore(overAt + READ_GRACE_MS);
      if (!received) return 'opening-timeout';
      if (received.frame.body.case !== 'opening') return 'malformed';
      const { piece: index, last, data } = received.frame.body.value;
      bytes += data.length;
      if (index !== piece || bytes > limits.openingBytes || !isPiece(data, last)) return 'malformed';
      chunks.push(data);
      if (!last) continue;
      played.openedAt = received.at;
      played.opening = Buffer.concat(chunks);
      played.pieces = chunks;
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
      const received = arriving ?? receive();
      arriving = undefined;
      return await withTimeout(clock, Math.max(0, leftMs), received, late);
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
    if (stage === 'committed') return over(isFault(error) ? 'malformed' : 'opening-timeout');
    if (stage === 'gone') return over(isFault(error) ? 'protocol' : 'window');
    return over('window'); // also where the miner's end timed out: or it could choose when to be judged
  }

  function over(reason: Rejection): Played {
    played.end = rejected(reason);
    return played;
  }

  /** Nobody is there to work with, which is nobody's fault. */
  function alone(): Played {
    session.cancel();
    played.end = inconclusive('nobody-to-meet');
    return played;
  }

  /** By the miner's own word, and nothing was drawn yet. It gets its receipt as any other. */
  function declined(cause: Declined): Played {
    played.end = inconclusive(cause);
    return played;
  }

  function queued(): Played {
    played.queued = true;
    return own();
  }

  function own(): Played {
    played.end = inconclusive('validator-late');
    return played;
  }
}

/** A check is next to no work: to have done enough is no reason to leave one out. */
export const isCap = (answer: Frame['body'] | undefined, { kind }: { readonly kind: string }): boolean =>
  answer?.case === 'refusal' && answer.value.code === RefusalCode.CAPPED && kind !== LIVENESS;

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

/** Of the time of a phase our own delay is given back, up to a hundredth. */
export const isOverdue = (measuredMs: number, ownDelayMs: number, withinMs: number): boolean =>
  measuredMs - Math.min(ownDelayMs, CREDITED_DELAY * withinMs) > withinMs;

/** Two sets in order: what was included at a frame does not change with the phases that begin with it. */
export const isSameSet = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean =>
  a.length === b.length && a.every((nonce, i) => equals(nonce, b[i]!));

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
