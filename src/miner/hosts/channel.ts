// Owns: frames over a stream: their length, their bounds, how a stream ends. Does not own: what frames mean, who is at the other end.
import type { Duplex } from 'node:stream';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { u32le } from '../../model/bytes.js';
import { type HostFrame, HostFrameSchema } from '../../protocol/gen/assay/v1/hosts_pb.js';
import { HOST_LIMITS } from './limits.js';

export type Body = Exclude<HostFrame['body'], { case: undefined }>;
export type BodyOf<C extends Body['case']> = Extract<Body, { case: C }>['value'];

export type BodyInit = NonNullable<MessageInitShape<typeof HostFrameSchema>['body']>;

/** Both ends of a connection are one each. */
export interface Channel {
  /** Never waits; a peer that does not read what it is sent ends the channel. After its end nothing happens. */
  send(body: BodyInit): void;
  /** Resolves when the stream takes more, or is over. */
  drained(): Promise<void>;
  /** What was sent still leaves. @param why for the log of this end */
  end(why: string): void;
  /** Frames of the other end may be this large from now on. */
  widen(frameBytes: number): void;
  readonly isOver: boolean;
}

export interface ChannelEvents {
  /** Its throwing ends the channel: the frame was none that may come. */
  frame(body: Body): void;
  /** Once, whoever ended it. */
  over(why: string): void;
}

const HEADER_BYTES = 4;
/** For the last frame to arrive. */
const CLOSE_MS = 2_000;

/** @param frameBytes at most, of a frame that comes */
export function openChannel(stream: Duplex, frameBytes: number, events: ChannelEvents): Channel {
  let isOver = false;
  let most = frameBytes;
  const header = new Uint8Array(HEADER_BYTES);
  let frame: Uint8Array | undefined;
  let filled = 0;
  const draining = new Set<() => void>();
  const wake = () => {
    for (const resolve of draining) resolve();
    draining.clear();
  };

  const finish = (why: string, close: () => void) => {
    if (isOver) return;
    isOver = true;
    wake();
    close();
    events.over(why);
  };
  const broken = (why: string) => finish(why, () => stream.destroy());

  /** Of the length that it says and no longer: what comes in drops costs no more than its bytes. */
  const take = (chunk: Uint8Array) => {
    for (let at = 0; at < chunk.length && !isOver; ) {
      const into = frame ?? header;
      const part = chunk.subarray(at, at + into.length - filled);
      into.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < into.length) continue;
      filled = 0;
      if (frame) {
        const whole = frame;
        frame = undefined;
        deliver(whole);
      } else {
        const length = new DataView(header.buffer).getUint32(0, true);
        if (length === 0 || length > most)
          return broken(`a frame of ${length} bytes, at most ${most} may come`);
        frame = new Uint8Array(length);
      }
    }
  };
  const deliver = (bytes: Uint8Array) => {
    try {
      const { body } = fromBinary(HostFrameSchema, bytes, { readUnknownFields: false });
      if (body.case !== undefined) events.frame(body); // of a newer build, which knows that it may not be understood
    } catch (error) {
      broken(`a frame that is none: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  stream.on('data', take);
  stream.on('drain', wake);
  stream.on('error', (error) => broken(error.message));
  stream.on('end', () => broken('the other end closed it'));
  stream.on('close', () => broken('the connection broke'));

  return {
    get isOver() {
      return isOver;
    },
    send(body) {
      if (isOver) return;
      const bytes = toBinary(HostFrameSchema, create(HostFrameSchema, { body }));
      stream.cork();
      stream.write(u32le(bytes.length));
      stream.write(bytes);
      stream.uncork();
      if (stream.writableLength > HOST_LIMITS.unreadBytes)
        broken(`${stream.writableLength} bytes that the other end did not read`);
    },
    drained() {
      if (isOver || !stream.writableNeedDrain) return Promise.resolve();
      return new Promise((resolve) => draining.add(resolve));
    },
    end(why) {
      finish(why, () => {
        stream.end();
        // at once would take back what was just sent; for ever would let a peer that closes nothing hold a socket
        setTimeout(() => stream.destroy(), CLOSE_MS).unref();
      });
    },
    widen(bytes) {
      most = bytes;
    },
  };
}
