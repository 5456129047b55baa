// Owns: liars that lie by what they send, not by what they compute. Each does the best it can within its lie.

import type { Slot, SlotClaim, SlotJob } from '../../miner/slot.js';
import { concat, toHex } from '../../model/bytes.js';
import { type AssayError, isAssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import type { FrameBody, ProofSession, Received } from '../../protocol/session.js';
import type { Wire } from '../../protocol/wire.js';
import type { Proving } from '../../verification/proof.js';

type Answer = (session: ProofSession) => Promise<void>;

/** Accepts the stream and never answers. */
export const silentAnswer: Answer = async (session) => {
  for (;;) if (!(await session.receive())) return;
};

/** Answers every challenge with one valid transcript, made beforehand for a challenge of its own. */
export function createReplayingSlot(
  claim: SlotClaim,
  transcript: { commit: Uint8Array; opening: Uint8Array },
): Slot {
  return {
    claim,
    start: async (): Promise<Proving> => ({
      commit: transcript.commit,
      open: async () => transcript.opening,
      release: () => {},
    }),
  };
}

/** What one miner sent for one slot in one event: given to another over a side channel. */
export interface Leak {
  readonly eventId: Uint8Array;
  readonly slot: number;
  readonly commit?: Uint8Array;
  readonly opening?: Uint8Array;
}

/** The same session; what it sends as Commit and Opening also goes to `leak`. */
export function withLeak(session: ProofSession, leak: (leak: Leak) => void): ProofSession {
  let place: { eventId: Uint8Array; slot: number } | undefined;
  const pieces: Uint8Array[] = [];
  return {
    id: session.id,
    peer: session.peer,
    ownCertificate: session.ownCertificate,
    peerCertificate: () => session.peerCertificate(),
    end: () => session.end(),
    cancel: () => session.cancel(),
    async receive() {
      const received = await session.receive();
      const body = received?.frame.body;
      if (body?.case === 'arm') place = { eventId: body.value.eventId, slot: body.value.slot };
      return received;
    },
    send(body: FrameBody) {
      if (place && body.case === 'commit' && body.value.body) leak({ ...place, commit: body.value.body });
      if (place && body.case === 'opening' && body.value.data) {
        pieces.push(body.value.data);
        if (body.value.last) leak({ ...place, opening: concat(...pieces) });
      }
      return session.send(body);
    },
  };
}

/** Sends, as its own and re-signed, what a neighbour sends in the same event. */
export function createRelayingSlot(claim: SlotClaim): Slot & { leaked(leak: Leak): void } {
  const known = new Map<string, { commit?: Uint8Array; opening?: Uint8Array }>();
  const waiting = new Set<() => void>();

  async function until<T>(read: () => T | undefined, signal: AbortSignal): Promise<T> {
    for (;;) {
      const value = read();
      if (value !== undefined) return value;
      signal.throwIfAborted(); // an 'abort' that was is not told again
      await new Promise<void>((resolve, reject) => {
        const wake = () => {
          waiting.delete(wake);
          signal.removeEventListener('abort', stop);
          resolve();
        };
        const stop = () => {
          waiting.delete(wake);
          reject(signal.reason);
        };
        waiting.add(wake);
        signal.addEventListener('abort', stop, { once: true });
      });
    }
  }

  return {
    claim,
    leaked({ eventId, slot, commit, opening }) {
      if (slot !== claim.index) return; // another kind of work
      const key = toHex(eventId);
      const entry = known.get(key) ?? {};
      known.set(key, { ...entry, ...(commit ? { commit } : {}), ...(opening ? { opening } : {}) });
      if (known.size > 8) known.delete(known.keys().next().value!); // events long over
      for (const wake of [...waiting]) wake();
    },
    async start(job: SlotJob, signal: AbortSignal): Promise<Proving> {
      const key = toHex(job.eventId);
      const commit = await until(() => known.get(key)?.commit, signal);
      return {
        commit,
        open: () => until(() => known.get(key)?.opening, signal),
        release: () => {},
      };
    },
  };
}

/**
 * Answers as `answer` does, and meanwhile passes the validator's own Arm and Go on to a neighbour, as they came.
 * @param parts.neighbour where the neighbour listens, as the chain has it
 * @param parts.onRefused what the neighbour said
 */
export function withForwarding(
  answer: Answer,
  parts: {
    wire: Wire;
    neighbour: () => Promise<{ host: string; port: number } | undefined>;
    onRefused: (refusal: AssayError) => void;
    log: Log;
  },
): Answer {
  return async (session) => {
    const frames: Received[] = [];
    await answer({
      id: session.id,
      peer: session.peer,
      ownCertificate: session.ownCertificate,
      peerCertificate: () => session.peerCertificate(),
      end: () => session.end(),
      cancel: () => session.cancel(),
      send: (body) => session.send(body),
      async receive() {
        const received = await session.receive();
        if (received && frames.length < 2) frames.push(received);
        if (received?.frame.body.case === 'go') void forward(session, frames);
        return received;
      },
    });
  };

  async function forward(session: ProofSession, frames: readonly Received[]): Promise<void> {
    const address = await parts.neighbour().catch((error: unknown) => {
      parts.log.warn('forwarding failed', { error });
      return undefined;
    });
    if (!address) return;
    const channel = parts.wire.connect(address);
    const stream = channel.prove();
    try {
      for (const [i, { signed }] of frames.entries())
        await stream.send({
          $typeName: 'assay.v1.Signed',
          ...signed,
          certificate: i === 0 ? (session.peerCertificate() ?? new Uint8Array()) : new Uint8Array(),
        });
      const answered = await stream.receive();
      parts.log.warn('a neighbour took a forwarded Go', { answered: answered !== undefined });
    } catch (error) {
      if (isAssayError(error, 'unauthenticated')) parts.onRefused(error);
      else parts.log.warn('forwarding failed', { error });
    } finally {
      stream.cancel();
      channel.close();
    }
  }
}
