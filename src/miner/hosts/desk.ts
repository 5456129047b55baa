// Owns: the end that asks: calls to one connected host, each with its answer, and what becomes of them when it goes.
// Does not own: frames' form (channel.ts), which slot is asked when (remote-slot.ts), whether the line is alive (line.ts).
import { concat } from '../../model/bytes.js';
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import type { Body, BodyInit, BodyOf, Channel } from './channel.js';
import { HOST_LIMITS } from './limits.js';

type Asked = 'fit' | 'offer' | 'start' | 'next' | 'open';
type InitOf<C extends BodyInit['case']> = Extract<BodyInit, { case: C }>['value'];

export interface AskOptions {
  /** at most, of all that the answer holds */
  readonly answerBytes: number;
  readonly withinMs: number;
  /** the question is moot then */
  readonly signal?: AbortSignal;
}

/** One connection, from its first call to its last. */
export interface Desk {
  /** Names work within this connection. */
  newJob(): number;
  /** @throws AssayError `unreachable` with what the host says, or because it went; `timeout`; the signal's reason */
  ask<C extends Asked>(
    name: C,
    value: Omit<InitOf<C>, 'call' | '$typeName'>,
    options: AskOptions,
  ): Promise<Uint8Array>;
  tell(body: BodyInit): void;
  /** @returns whether it was an answer. @throws where it answers what nobody asked, or says too much, or nothing */
  take(body: Body): boolean;
  /** Openings on their way: what else is on the line then takes longer than it does. */
  isBusy(): boolean;
  /** Whoever waits is told. */
  end(why: string): void;
}

interface Waiting {
  readonly answerBytes: number;
  readonly pieces: Uint8Array[];
  bytes: number;
  resolve(body: Uint8Array): void;
  reject(error: Error): void;
}

/** @param parts.name of the host, for errors */
export function createDesk(parts: {
  readonly channel: () => Pick<Channel, 'send'>;
  readonly clock: Clock;
  readonly name: string;
  readonly address: string;
}): Desk {
  const { channel, clock, name, address } = parts;
  const waiting = new Map<number, Waiting>();
  let nextCall = 0;
  let nextJob = 0;
  let gone: string | undefined;

  const unreachable = (why: string) => new AssayError('unreachable', `${name}: ${why}`, { address });

  /** Nothing where nobody waits any more. What was given up is not kept: a device that hangs never answers, for months. */
  function answered(call: number): Waiting | undefined {
    if (call >= nextCall) throw new Error(`an answer to call ${call}, which nobody made`);
    return waiting.get(call);
  }

  function add(found: Waiting, data: Uint8Array): void {
    found.bytes += data.length;
    if (found.bytes > found.answerBytes)
      throw new Error(`an answer of ${found.bytes} bytes and more, at most ${found.answerBytes} may come`);
    found.pieces.push(data);
  }

  function takePiece({ call, data, last }: BodyOf<'piece'>): void {
    // an answer is bounded in bytes: pieces without any would come for ever
    if (data.length === 0 && !last) throw new Error(`a piece of an answer to call ${call} without a byte`);
    const found = answered(call);
    if (found) add(found, data);
    if (last) waiting.delete(call);
    if (last) found?.resolve(concat(...found.pieces));
  }

  function takeDone({ call, body }: BodyOf<'done'>): void {
    const found = answered(call);
    if (found) add(found, body);
    waiting.delete(call);
    found?.resolve(body);
  }

  return {
    newJob: () => nextJob++,
    async ask(asked, value, { answerBytes, withinMs, signal }) {
      if (gone !== undefined) throw unreachable(gone);
      signal?.throwIfAborted();
      if (waiting.size >= HOST_LIMITS.calls)
        throw unreachable(`${HOST_LIMITS.calls} calls wait for an answer`);
      const call = nextCall++;
      let abort = () => {};
      const answer = new Promise<Uint8Array>((resolve, reject) => {
        waiting.set(call, { answerBytes, pieces: [], bytes: 0, resolve, reject });
        abort = () => reject(signal!.reason as Error);
        signal?.addEventListener('abort', abort, { once: true });
      });
      // what was asked is a call of this name: the union of calls cannot be told so
      channel().send({ case: asked, value: { ...value, call } } as BodyInit);
      const late = () =>
        new AssayError('timeout', `${name}: no answer to ${asked} within ${withinMs} ms`, {
          what: `${asked} of ${name}`,
          afterMs: withinMs,
        });
      try {
        return await withTimeout(clock, withinMs, answer, late);
      } finally {
        signal?.removeEventListener('abort', abort);
        waiting.delete(call);
      }
    },
    tell: (body) => channel().send(body),
    take(body) {
      switch (body.case) {
        case 'done':
          takeDone(body.value);
          return true;
        case 'piece':
          takePiece(body.value);
          return true;
        case 'failed': {
          const { call, why } = body.value;
          const found = answered(call);
          waiting.delete(call);
          found?.reject(unreachable(readable(why)));
          return true;
        }
        default:
          return false;
      }
    },
    isBusy: () => [...waiting.values()].some(({ pieces }) => pieces.length > 0),
    end(why) {
      gone = why;
      for (const { reject } of waiting.values()) reject(unreachable(why));
      waiting.clear();
    },
  };
}

/** A peer's words go to logs: bounded, and without what would move a cursor. */
export const readable = (text: string): string =>
  text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, HOST_LIMITS.reasonChars);
