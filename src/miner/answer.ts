// Owns: a session as the miner sees it: Arm, Ready, Go, Commits, Pass, Open, Opening, Receipt. Does not own: who may call
// (admit.ts), and how often (tickets.ts), the joint start (joint-go.ts), the work (slot.ts).
import { create } from '@bufbuild/protobuf';
import { equals } from '../model/bytes.js';
import { type Clock, withTimeout } from '../model/clock.js';
import { AssayError, isAssayError } from '../model/errors.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Declined } from '../model/verdict.js';
import {
  type Arm,
  ArmSchema,
  CommitSchema,
  type Frame,
  OpeningSchema,
  ReadySchema,
  RefusalCode,
  RefusalSchema,
} from '../protocol/gen/assay/v1/miner_pb.js';
import { OPENING_PIECE_BYTES, SESSION_LIMITS } from '../protocol/limits.js';
import type { ProofSession, Received } from '../protocol/session.js';
import { type Hold, isHold } from '../verification/draw.js';
import { LIVENESS, type Proving } from '../verification/proof.js';
import { eventId, nonceCommitment, passCommitment } from '../verification/seed.js';
import type { EventCheck } from './event-check.js';
import { type Bay, createBay, type JoinRefusal, type JointCommit, type Membership } from './joint-go.js';
import type { ReceiptStore } from './receipts.js';
import type { SessionTrack, SessionWatch } from './sessions.js';
import { doorOf, findSlot, type Slot } from './slot.js';
import type { Tickets } from './tickets.js';

type Body = Frame['body'];
type BodyOf<C extends Body['case']> = Extract<Body, { case: C }>['value'];

class Refused extends Error {
  constructor(
    readonly refusal: RefusalCode,
    readonly detail: string,
  ) {
    super(detail);
  }
}

const REFUSALS: Record<JoinRefusal, RefusalCode> = {
  busy: RefusalCode.BUSY,
  disagrees: RefusalCode.DISAGREES,
};

const DECLINES: Record<Declined, RefusalCode> = {
  maintenance: RefusalCode.MAINTENANCE,
  capped: RefusalCode.CAPPED,
};

/**
 * @param parts.hotkey 32-byte public key of this miner
 * @returns the handler of one proof session; it resolves when the session is over, whatever its end
 */
export function createAnswer(
  parts: {
    /** those that it answers for now, each index and parameter set once */
    slots: () => readonly Slot[];
    hotkey: Uint8Array;
    netuid: Netuid;
    events: EventCheck;
    tickets: Tickets;
    /** a caller's part of the stake of all that hold a permit. @default nobody has more than another */
    shareOf?: (validator: Hotkey) => number;
    clock: Clock;
    log: Log;
    receipts: ReceiptStore;
    /** told how each session goes. @default nobody */
    watch?: SessionWatch;
    /** whether this miner is about to end: no slot is armed any more. @default never */
    isEnding?: () => boolean;
  },
  signal: AbortSignal,
): (session: ProofSession) => Promise<void> {
  const { slots, hotkey, netuid, events, tickets, shareOf = () => 0, clock, log, receipts } = parts;
  const { watch = UNWATCHED, isEnding = () => false } = parts;
  const bays = new Map<string, Bay>();
  const bayOf = ({ claim }: Slot): Bay => {
    const door = doorOf(claim);
    const bay = bays.get(door) ?? createBay({ clock, hotkey, shareOf }, signal);
    bays.set(door, bay);
    return bay;
  };

  return async (session) => {
    let membership: Membership | undefined;
    const track = watch.begin(session.peer);
    try {
      const arm = (await expect(session, 'arm', SESSION_LIMITS.goWaitMs)).body;
      if (isEnding()) throw new Refused(RefusalCode.ENDING, `slot ${arm.slot}: this miner is about to end`);
      const slot = findSlot(slots(), arm.slot, arm.kind, arm.paramsId);
      if (!slot) throw new Refused(RefusalCode.UNKNOWN_SLOT, `slot ${arm.slot}: not claimed here`);
      if (slot.claim.kind !== LIVENESS && slot.isLeased?.())
        throw new Refused(RefusalCode.BUSY, `slot ${arm.slot}: leased`); // since the validator asked what is claimed
      const hold = assertArm(arm, slot);
      const block = Number(arm.eventBlock);
      const { basis } = arm;
      const named = equals(arm.eventId, eventId({ netuid, block, basis }));
      if (!named || !(await events.isPlausible({ block, basis })))
        throw new Refused(RefusalCode.DISAGREES, `event at block ${block}: not one of this chain`);
      const spend = tickets.find(session.peer, slot.claim.index, slot.claim.kind === LIVENESS);
      if (!spend) throw new Refused(RefusalCode.TICKETS, `slot ${arm.slot}: no ticket left in this epoch`);
      const declined = slot.declines?.(block);
      if (declined) {
        spend();
        return await decline(session, arm, declined, track);
      }
      const { eventId: id } = arm;
      const offer = await slot.offer?.().catch(failedSlot);
      const joined = bayOf(slot).arm(slot, { eventId: id, basis, hold }, session.peer);
      if (typeof joined === 'string') throw new Refused(REFUSALS[joined], `slot ${arm.slot}: ${joined}`);
      membership = joined;
      spend();
      track.armed(slot.claim);
      await session.send({ case: 'ready', value: create(ReadySchema, offer ? { body: offer } : {}) });

      const gone = await goOrReceipt(session, slot, membership);
      if (gone.frame.body.case === 'receipt') return await keep(session, gone, arm);
      const go = gone.frame.body.value as BodyOf<'go'>;
      assertStart('go', go, nonceCommitment(go.nonce, go.salt), arm.nonceCommitment);
      if (!(await events.confirms(block, go.beacon)))
        throw new Refused(RefusalCode.DISAGREES, `event at block ${block}: the beacon is not its hash`);
      const brief = go.body.length > 0 ? { brief: go.body } : {};
      const going = membership.go({ nonce: go.nonce, beacon: go.beacon, at: gone.at, ...brief });
      if (typeof going === 'string') throw new Refused(REFUSALS[going], `slot ${arm.slot}: ${going}`);
      track.went();
      let startedAt = gone.at;

      const work: { proving?: Proving } = {};
      const first = going.then(({ nonces, proving }): JointCommit => {
        work.proving = proving;
        return { nonces, body: proving.commit };
      });
      // read meanwhile: a validator that left frees the slot, one that gave up sends its receipt
      let arriving = session.receive();
      const phases = slot.phases ?? [{ from: 'go' }];
      for (const [phase, { from }] of phases.entries()) {
        if (from === 'pass' && phases[phase - 1]?.from === 'go') {
          const passed = await expectOneOf(session, ['pass', 'receipt'], SESSION_LIMITS.passWaitMs, arriving);
          if (passed.frame.body.case === 'receipt') return await keep(session, passed, arm);
          await joinPass(membership, passed, { arm, block, hold: hold! }); // checked: a slot with a Pass is armed with a hold
          startedAt = passed.at;
          arriving = session.receive();
        }
        const working = (phase === 0 ? first : membership.commit(phase)).catch(failedSlot);
        const done = await Promise.race([working, arriving.then(() => undefined)]);
        if (!done) {
          working.catch(() => {}); // nobody waits for it any more
          const early = await expectOneOf(session, ['receipt'], SESSION_LIMITS.openWaitMs, arriving);
          return await keep(session, early, arm);
        }
        track.committed(clock.monotonic() - startedAt);
        const commit = create(CommitSchema, { nonces: [...done.nonces], body: done.body, phase });
        await session.send({ case: 'commit', value: commit });
      }
      const next = await expectOneOf(session, ['open', 'receipt'], SESSION_LIMITS.openWaitMs, arriving);
      if (next.frame.body.case === 'receipt') return await keep(session, next, arm);
      const open = next.frame.body.value as BodyOf<'open'>;
      const opening = await work.proving!.open(open.body).catch(failedSlot); // set before the first Commit was sent
      membership.leave(); // the slot is free: what is left are bytes, and the validator may be slow to take them
      const { openingSendMs } = SESSION_LIMITS;
      const slow = () =>
        new AssayError('timeout', 'the opening was not taken', { what: 'opening', afterMs: openingSendMs });
      await withTimeout(clock, openingSendMs, sendOpening(session, opening), slow);
      await keep(session, (await expect(session, 'receipt', SESSION_LIMITS.receiptWaitMs)).received, arm);
    } catch (error) {
      await refuse(session, error, track);
    } finally {
      track.ended('receipt'); // but where `refuse` said otherwise
      membership?.leave();
      session.end();
    }
  };

  /**
   * Who was told nothing gets its receipt, and with it the reason, when the whole event is judged: long after a Go could
   * have come. The slot does not wait for that.
   */
  async function goOrReceipt(session: ProofSession, slot: Slot, membership: Membership): Promise<Received> {
    const arriving = session.receive();
    try {
      return await expectOneOf(session, ['go', 'receipt'], SESSION_LIMITS.goWaitMs, arriving);
    } catch (error) {
      if (!slot.offer || !isAssayError(error, 'timeout')) throw error;
      membership.leave();
      return expectOneOf(session, ['receipt'], SESSION_LIMITS.openWaitMs, arriving);
    }
  }

  /** What the validator makes of it comes in its receipt, when the event is judged: nothing is kept busy until then. */
  async function decline(session: ProofSession, arm: Arm, why: Declined, track: SessionTrack): Promise<void> {
    track.ended('refused', why);
    const value = create(RefusalSchema, { code: DECLINES[why], detail: `slot ${arm.slot}: ${why}` });
    await session.send({ case: 'refusal', value });
    await keep(session, await expectOneOf(session, ['receipt'], SESSION_LIMITS.openWaitMs), arm);
  }

  async function joinPass(
    membership: Membership,
    { frame, at }: Received,
    { arm, block, hold }: { arm: Arm; block: number; hold: Hold },
  ): Promise<void> {
    const pass = frame.body.value as BodyOf<'pass'>;
    assertStart('pass', pass, passCommitment(pass.nonce, pass.salt), arm.passCommitment);
    if (!(await events.confirmsPass({ block, hold }, pass.beacon)))
      throw new Refused(RefusalCode.DISAGREES, `event at block ${block}: not the beacon of its Pass`);
    const refused = membership.pass({ nonce: pass.nonce, beacon: pass.beacon, at });
    if (refused) throw new Refused(REFUSALS[refused], `slot ${arm.slot}: ${refused}`);
  }

  async function expect<C extends 'arm' | 'go' | 'open' | 'receipt'>(
    session: ProofSession,
    frame: C,
    waitMs: number,
  ): Promise<{ body: BodyOf<C>; received: Received }> {
    const received = await expectOneOf(session, [frame], waitMs);
    return { body: received.frame.body.value as BodyOf<C>, received };
  }

  async function expectOneOf(
    session: ProofSession,
    wanted: readonly Body['case'][],
    waitMs: number,
    arriving = session.receive(),
  ): Promise<Received> {
    const what = wanted.join(' or ');
    const received = await withTimeout(
      clock,
      waitMs,
      arriving,
      () => new AssayError('timeout', `no ${what} within ${waitMs} ms`, { what, afterMs: waitMs }),
    );
    if (!received)
      throw new AssayError('unreachable', `session ended before ${what}`, { address: session.peer });
    const got = received.frame.body.case;
    if (!wanted.includes(got))
      throw new Refused(RefusalCode.OUT_OF_ORDER, `expected ${what}, got ${got ?? 'an empty frame'}`);
    return received;
  }

  async function keep(session: ProofSession, received: Received, arm: Arm): Promise<void> {
    const receipt = received.frame.body.value as BodyOf<'receipt'>;
    const ours =
      receipt.slot === arm.slot &&
      receipt.eventBlock === arm.eventBlock &&
      equals(receipt.paramsId, arm.paramsId);
    if (!ours) throw new Refused(RefusalCode.OUT_OF_ORDER, 'receipt: not of this session');
    await receipts.append({
      at: clock.now(),
      validator: session.peer,
      eventId: arm.eventId,
      receipt,
      signed: received.signed,
      certificate: session.peerCertificate() ?? new Uint8Array(),
    });
  }

  async function refuse(session: ProofSession, error: unknown, track: SessionTrack): Promise<void> {
    const refused = error instanceof Refused;
    const gone = isAssayError(error, 'unreachable') || isAssayError(error, 'timeout') || signal.aborted;
    log[refused || gone ? 'debug' : 'warn']('session ended early', { validator: session.peer, error });
    const malformed = isAssayError(error, 'invalid-input');
    const code = refused ? error.refusal : malformed ? RefusalCode.OUT_OF_ORDER : RefusalCode.INTERNAL;
    const isOurs = !refused && !malformed;
    if (isOurs) track.ended(isAssayError(error, 'timeout') ? 'late' : gone ? 'gone' : 'failed');
    else track.ended('refused', RefusalCode[code].toLowerCase());
    if (isAssayError(error, 'unreachable')) return;
    const detail = refused || malformed ? error.message.slice(0, 200) : 'the miner could not finish';
    const value = create(RefusalSchema, { code, detail });
    // the peer may be gone: then there is nobody left to tell
    await session.send({ case: 'refusal', value }).catch(() => {});
  }
}

const UNWATCHED: SessionWatch = {
  begin: () => ({ armed: () => {}, went: () => {}, committed: () => {}, ended: () => {} }),
};

/** A device out of reach is this miner's own failure and must not pass for a session that broke. */
function failedSlot(error: unknown): never {
  if (isAssayError(error, 'unreachable') || isAssayError(error, 'timeout'))
    throw new AssayError('internal', 'the slot failed', { what: 'slot' }, { cause: error });
  throw error;
}

/** @returns where the Pass of the event is drawn, for a slot that has one */
function assertArm(arm: Arm, slot: Slot): Hold | undefined {
  const hasPass = slot.phases?.some(({ from }) => from === 'pass') ?? false;
  for (const [name, bytes, length] of [
    ['event_id', arm.eventId, 32],
    ['basis', arm.basis, 32],
    ['nonce_commitment', arm.nonceCommitment, 32],
    ['pass_commitment', arm.passCommitment, hasPass ? 32 : 0],
  ] as const)
    if (bytes.length !== length)
      throw new Refused(
        RefusalCode.OUT_OF_ORDER,
        `${ArmSchema.name}.${name}: expected ${length} bytes, got ${bytes.length}`,
      );
  if (!hasPass) return undefined;
  const hold = { first: arm.holdFirst, last: arm.holdLast };
  if (!isHold(hold, SESSION_LIMITS.holdBlocks))
    throw new Refused(
      RefusalCode.OUT_OF_ORDER,
      `${ArmSchema.name}.hold: expected 1..${SESSION_LIMITS.holdBlocks}, got ${hold.first}..${hold.last}`,
    );
  return hold;
}

function assertStart(
  name: 'go' | 'pass',
  { nonce, salt, beacon }: { nonce: Uint8Array; salt: Uint8Array; beacon: Uint8Array },
  commitment: Uint8Array,
  armed: Uint8Array,
): void {
  if (nonce.length !== 16 || salt.length !== 16 || beacon.length !== 32)
    throw new Refused(RefusalCode.OUT_OF_ORDER, `${name}: wrong field lengths`);
  if (!equals(commitment, armed))
    throw new Refused(RefusalCode.NONCE_MISMATCH, `${name}: the nonce is not the one that Arm committed to`);
}

async function sendOpening(session: ProofSession, opening: Uint8Array): Promise<void> {
  const size = OPENING_PIECE_BYTES;
  const pieces = Math.max(1, Math.ceil(opening.length / size));
  for (let piece = 0; piece < pieces; piece++) {
    const data = opening.subarray(piece * size, (piece + 1) * size);
    const value = create(OpeningSchema, { piece, last: piece === pieces - 1, data });
    await session.send({ case: 'opening', value });
  }
}
