// Owns: a session as the miner sees it: Arm, Ready, Go, Commit, Open, Opening, Receipt. Does not own: who may call
// (admit.ts), the joint start (joint-go.ts), the work (slot.ts).
import { create } from '@bufbuild/protobuf';
import { equals } from '../model/bytes.js';
import { type Clock, withTimeout } from '../model/clock.js';
import { AssayError, isAssayError } from '../model/errors.js';
import type { Netuid } from '../model/ids.js';
import type { Log } from '../model/log.js';
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
import { eventId, nonceCommitment } from '../verification/seed.js';
import type { EventCheck } from './event-check.js';
import { type Bay, createBay, type JoinRefusal, type Membership } from './joint-go.js';
import type { ReceiptStore } from './receipts.js';
import { findSlot, type Slot } from './slot.js';

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

/**
 * @param parts.hotkey 32-byte public key of this miner
 * @returns the handler of one proof session; it resolves when the session is over, whatever its end
 */
export function createAnswer(
  parts: {
    slots: readonly Slot[];
    hotkey: Uint8Array;
    netuid: Netuid;
    events: EventCheck;
    clock: Clock;
    log: Log;
    receipts: ReceiptStore;
  },
  signal: AbortSignal,
): (session: ProofSession) => Promise<void> {
  const { slots, hotkey, netuid, events, clock, log, receipts } = parts;
  const bays = new Map<Slot, Bay>(slots.map((slot) => [slot, createBay({ slot, clock, hotkey }, signal)]));

  return async (session) => {
    let membership: Membership | undefined;
    try {
      const arm = (await expect(session, 'arm', SESSION_LIMITS.goWaitMs)).body;
      const slot = findSlot(slots, arm.slot, arm.kind, arm.paramsId);
      if (!slot) throw new Refused(RefusalCode.UNKNOWN_SLOT, `slot ${arm.slot}: not claimed here`);
      assertArm(arm);
      const block = Number(arm.eventBlock);
      const { basis } = arm;
      const named = equals(arm.eventId, eventId({ netuid, block, basis }));
      if (!named || !(await events.isPlausible({ block, basis })))
        throw new Refused(RefusalCode.DISAGREES, `event at block ${block}: not one of this chain`);
      const joined = bays.get(slot)!.arm(arm, session.peer);
      if (typeof joined === 'string') throw new Refused(REFUSALS[joined], `slot ${arm.slot}: ${joined}`);
      membership = joined;
      await session.send({ case: 'ready', value: create(ReadySchema) });

      const go = (await expect(session, 'go', SESSION_LIMITS.goWaitMs)).body;
      if (go.nonce.length !== 16 || go.salt.length !== 16 || go.beacon.length !== 32)
        throw new Refused(RefusalCode.OUT_OF_ORDER, 'go: wrong field lengths');
      if (!equals(nonceCommitment(go.nonce, go.salt), arm.nonceCommitment))
        throw new Refused(RefusalCode.NONCE_MISMATCH, 'go: the nonce is not the one that Arm committed to');
      if (!(await events.confirms(block, go.beacon)))
        throw new Refused(RefusalCode.DISAGREES, `event at block ${block}: the beacon is not its hash`);
      const going = membership.go(go.nonce, go.beacon);
      if (typeof going === 'string') throw new Refused(REFUSALS[going], `slot ${arm.slot}: ${going}`);
      // read meanwhile: a validator that left frees the slot, one that gave up sends its receipt
      const arriving = session.receive();
      const working = going.catch(failedSlot);
      const done = await Promise.race([working, arriving.then(() => undefined)]);
      if (done) {
        const commit = create(CommitSchema, { nonces: [...done.nonces], body: done.proving.commit });
        await session.send({ case: 'commit', value: commit });
      }
      const wanted = done ? (['open', 'receipt'] as const) : (['receipt'] as const);
      const next = await expectOneOf(session, wanted, SESSION_LIMITS.openWaitMs, arriving);
      if (!done || next.frame.body.case === 'receipt') return await keep(session, next, arm);
      const open = next.frame.body.value as BodyOf<'open'>;
      const opening = await done.proving.open(open.body).catch(failedSlot);
      membership.leave(); // the slot is free: what is left are bytes, and the validator may be slow to take them
      const { openingSendMs } = SESSION_LIMITS;
      const slow = () =>
        new AssayError('timeout', 'the opening was not taken', { what: 'opening', afterMs: openingSendMs });
      await withTimeout(clock, openingSendMs, sendOpening(session, opening), slow);
      await keep(session, (await expect(session, 'receipt', SESSION_LIMITS.receiptWaitMs)).received, arm);
    } catch (error) {
      await refuse(session, error);
    } finally {
      membership?.leave();
      session.end();
    }
  };

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

  async function refuse(session: ProofSession, error: unknown): Promise<void> {
    const refused = error instanceof Refused;
    const gone = isAssayError(error, 'unreachable') || isAssayError(error, 'timeout') || signal.aborted;
    log[refused || gone ? 'debug' : 'warn']('session ended early', { validator: session.peer, error });
    if (isAssayError(error, 'unreachable')) return;
    const malformed = isAssayError(error, 'invalid-input');
    const code = refused ? error.refusal : malformed ? RefusalCode.OUT_OF_ORDER : RefusalCode.INTERNAL;
    const detail = refused || malformed ? error.message.slice(0, 200) : 'the miner could not finish';
    const value = create(RefusalSchema, { code, detail });
    // the peer may be gone: then there is nobody left to tell
    await session.send({ case: 'refusal', value }).catch(() => {});
  }
}

/** A device out of reach is this miner's own failure and must not pass for a session that broke. */
function failedSlot(error: unknown): never {
  if (isAssayError(error, 'unreachable') || isAssayError(error, 'timeout'))
    throw new AssayError('internal', 'the slot failed', { what: 'slot' }, { cause: error });
  throw error;
}

function assertArm(arm: Arm): void {
  for (const [name, bytes] of [
    ['event_id', arm.eventId],
    ['basis', arm.basis],
    ['nonce_commitment', arm.nonceCommitment],
  ] as const)
    if (bytes.length !== 32)
      throw new Refused(
        RefusalCode.OUT_OF_ORDER,
        `${ArmSchema.name}.${name}: expected 32 bytes, got ${bytes.length}`,
      );
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
