// Owns: frames at random, for either end of a session. Does not own: what must come of them.
import type { Random } from '../../src/model/prng.js';
import type { FrameBody, ProofSession } from '../../src/protocol/session.js';

/** A session whose `at`th frame (from 0) is replaced, doubled, dropped, or put off; what follows is as it was. */
export function withOneOddFrame(
  session: ProofSession,
  random: Random,
  parts: { at: number; sleep: (ms: number) => Promise<void> },
): ProofSession {
  let sent = 0;
  return {
    id: session.id,
    peer: session.peer,
    ownCertificate: session.ownCertificate,
    peerCertificate: () => session.peerCertificate(),
    receive: () => session.receive(),
    end: () => session.end(),
    cancel: () => session.cancel(),
    async send(body) {
      if (sent++ !== parts.at) return session.send(body);
      switch (random.below(6)) {
        case 0:
          await session.send(body);
          return session.send(body);
        case 1:
          await parts.sleep(random.below(8000));
          return session.send(body);
        case 2:
          await session.send(anyFrame(random));
          return session.send(body);
        case 3:
          session.end();
          return session.send(body);
        case 4:
          return session.send(changed(body, random));
        default:
          return session.send(anyFrame(random));
      }
    },
  };
}

const someBytes = (random: Random): Uint8Array =>
  random.bytes([0, 4, 15, 16, 17, 31, 32, 33, 200, 9000][random.below(10)]!);
const count = (random: Random): number => [0, 1, 2, 3, 7, 120, 2 ** 31 - 1, 2 ** 32 - 1][random.below(8)]!;

/** Any frame of the protocol, of either end, with fields of any length. */
export function anyFrame(random: Random): FrameBody {
  const bytes = () => someBytes(random);
  const start = () => ({ nonce: bytes(), salt: bytes(), beacon: bytes(), body: bytes() });
  const frames: (() => FrameBody)[] = [
    () => ({ case: 'ready', value: { body: bytes() } }),
    () => ({ case: 'go', value: start() }),
    () => ({ case: 'pass', value: start() }),
    () => ({
      case: 'commit',
      value: {
        nonces: Array.from({ length: random.below(5) }, bytes),
        body: bytes(),
        phase: count(random),
      },
    }),
    () => ({ case: 'open', value: { body: bytes() } }),
    () => ({ case: 'opening', value: { piece: count(random), last: random.below(2) === 1, data: bytes() } }),
    () => ({ case: 'refusal', value: { code: random.below(9), detail: 'x'.repeat(random.below(300)) } }),
    () => ({ case: 'receipt', value: { outcomeId: 'y'.repeat(random.below(40)), slot: count(random) } }),
    () => ({
      case: 'arm',
      value: {
        eventId: bytes(),
        eventBlock: BigInt(count(random)),
        slot: count(random),
        kind: 'toy',
        paramsId: bytes(),
        basis: bytes(),
        nonceCommitment: bytes(),
        passCommitment: bytes(),
        holdFirst: count(random),
        holdLast: count(random),
      },
    }),
  ];
  return frames[random.below(frames.length)]!();
}

/** The same frame with one field of another value. */
function changed(body: FrameBody, random: Random): FrameBody {
  const value = { ...(body.value as Record<string, unknown>) };
  const names = Object.keys(value).filter((name) => !name.startsWith('$'));
  const name = names[random.below(Math.max(1, names.length))];
  if (name === undefined) return anyFrame(random);
  const before = value[name];
  if (before instanceof Uint8Array) value[name] = someBytes(random);
  else if (typeof before === 'number') value[name] = count(random);
  else if (typeof before === 'bigint') value[name] = BigInt(count(random));
  else if (Array.isArray(before)) value[name] = [someBytes(random), ...before];
  else if (typeof before === 'boolean') value[name] = !before;
  return { case: body.case, value } as FrameBody;
}
