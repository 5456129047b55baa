// Owns: a session over a bad line, both ends in one process: delay, jitter, loss, rate, and a receiver that is behind. No
// signatures: they are the transport's (protocol). Does not own: what is said (validator, miner).
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Clock } from '../../model/clock.js';
import type { Hotkey } from '../../model/ids.js';
import type { Random } from '../../model/prng.js';
import { FrameSchema } from '../../protocol/gen/assay/v1/miner_pb.js';
import type { FrameBody, ProofSession, Received, Sent } from '../../protocol/session.js';

export interface LineModel {
  readonly name: string;
  readonly what: string;
  /** there and back, drawn for each line */
  readonly rttMs: readonly [least: number, most: number];
  /** each frame takes up to so much longer */
  readonly jitterMs: number;
  /** share of frames that are sent again, after one more round trip */
  readonly loss: number;
  readonly bytesPerS: number;
  /** chance, and most, of a stall of the validator when a frame arrives */
  readonly stalls: { readonly chance: number; readonly mostMs: number };
  /** the miner's clock runs so much faster or slower, at most */
  readonly drift: number;
}

export interface Line {
  readonly validator: ProofSession;
  readonly miner: ProofSession;
}

const EMPTY = new Uint8Array(0);
/** header and signature of an envelope, about */
const ENVELOPE_BYTES = 200;

/** Numbers between 0 and 1. */
export const uniform = (random: Random): number => random.below(2 ** 32) / 2 ** 32;

/**
 * @param parts.clock the validator's; the miner's stamps are of its own
 * @param parts.onStall told how long the validator was behind when a frame came
 */
export function createLine(parts: {
  clock: Clock;
  minerClock: Clock;
  random: Random;
  model: LineModel;
  validator: Hotkey;
  miner: Hotkey;
  onStall: (ms: number) => void;
}): Line {
  const { clock, minerClock, random, model } = parts;
  const [least, most] = model.rttMs;
  const oneWayMs = (least + uniform(random) * (most - least)) / 2;
  const id = random.bytes(16);

  const toMiner = createWay(minerClock, () => 0);
  const { chance, mostMs } = model.stalls;
  const toValidator = createWay(clock, () => (uniform(random) < chance ? uniform(random) * mostMs : 0));
  return {
    validator: end(parts.miner, toMiner, toValidator, clock),
    miner: end(parts.validator, toValidator, toMiner, minerClock),
  };

  function createWay(stamps: Clock, drawStall: () => number) {
    const arrived: (Received | undefined)[] = [];
    const waiting: ((received: Received | undefined) => void)[] = [];
    let freeAt = 0;
    let lastAt = 0;
    let handedAt = 0;
    const hand = (received: Received | undefined): void => {
      const next = waiting.shift();
      if (next) next(received);
      else arrived.push(received);
    };
    const carry = (bytes: number, what: () => Received | undefined): void => {
      const now = clock.monotonic();
      freeAt = Math.max(now, freeAt) + (bytes * 1000) / model.bytesPerS;
      let delay = oneWayMs + uniform(random) * model.jitterMs;
      while (uniform(random) < model.loss) delay += 2 * oneWayMs + model.jitterMs;
      // a stream: nothing overtakes, not even in a receiver that is behind
      lastAt = Math.max(lastAt, freeAt + delay);
      const stallMs = drawStall();
      handedAt = Math.max(handedAt, lastAt + stallMs);
      void clock.sleep(handedAt - now).then(() => {
        if (stallMs > 0) parts.onStall(stallMs);
        hand(what());
      });
    };
    return {
      put(frame: Received['frame'], body: Uint8Array): void {
        const signed = { header: EMPTY, signature: EMPTY, body };
        carry(body.length + ENVELOPE_BYTES, () => ({ frame, signed, at: stamps.monotonic() }));
      },
      end: () => carry(0, () => undefined),
      take(): Promise<Received | undefined> {
        if (arrived.length > 0) return Promise.resolve(arrived.shift());
        return new Promise((resolve) => waiting.push(resolve));
      },
    };
  }

  function end(
    peer: Hotkey,
    out: ReturnType<typeof createWay>,
    into: ReturnType<typeof createWay>,
    own: Clock,
  ): ProofSession {
    return {
      id,
      peer,
      ownCertificate: EMPTY,
      peerCertificate: () => EMPTY,
      async send(body: FrameBody): Promise<Sent> {
        const bytes = toBinary(FrameSchema, create(FrameSchema, { body }));
        out.put(fromBinary(FrameSchema, bytes), bytes);
        return { signed: { header: EMPTY, signature: EMPTY, body: bytes }, at: own.monotonic(), flushMs: 0 };
      },
      receive: () => into.take(),
      end: () => out.end(),
      cancel: () => out.end(),
    };
  }
}
