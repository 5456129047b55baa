// Owns: the thread's side of a verifier pool: projections by event, verdicts under them. Does not own: the pool (verifiers.ts).
import type { MessagePort } from 'node:worker_threads';
import { toHex } from '../model/bytes.js';
import { createSeededRandom } from '../model/prng.js';
import type { AnyProofKind } from '../verification/kinds/index.js';
import type { ThreadOrder, ThreadReply } from './examiner.js';
import { ownBytes } from './verifiers.js';

/** Answers every `verify` with one message, in order. */
export function serveVerdicts(
  port: Pick<MessagePort, 'on' | 'postMessage'>,
  kinds: Readonly<Record<string, AnyProofKind | undefined>>,
): void {
  const held = new Map<number, () => unknown>();

  port.on('message', (order: ThreadOrder) => {
    if ('forget' in order) for (const id of order.forget) held.delete(id);
    else if ('draw' in order)
      held.set(
        order.draw,
        once(() => draw(order)),
      );
    else {
      const reply = answer(order);
      port.postMessage(reply, 'opening' in reply ? [reply.opening.buffer as ArrayBuffer] : []);
    }
  });

  function draw({ kind: name, params, basis, entropy }: Extract<ThreadOrder, { draw: number }>): unknown {
    const kind = kinds[name]!; // the pool asks only for kinds that this module knows
    const secret = kind.drawSecret(params, basis, createSeededRandom(toHex(entropy)));
    entropy.fill(0);
    return secret;
  }

  function answer({
    verify,
    kind,
    challenge,
    evidence,
  }: Extract<ThreadOrder, { verify: number }>): ThreadReply {
    try {
      const secret = held.get(verify)!(); // introduced before the first question
      const verdict = kinds[kind]!.verify(challenge, evidence, secret); // the pool asks only for kinds that we know
      return { verdict, opening: ownBytes(evidence.opening) };
    } catch (error) {
      return { error };
    }
  }
}

/** At the first question, so that a draw that fails is that question's answer. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
