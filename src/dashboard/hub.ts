// Owns: events for open pages: topics, one serialisation for all who listen, the newest of each for those who come back, and who is
// too slow. Does not own: HTTP (server.ts), what is told.

export interface HubEvent {
  readonly id: number;
  readonly topic: string;
  /** as it travels in `text/event-stream` */
  readonly bytes: Buffer;
}

/** Where events go; `write` says false when the other side takes in less than it is sent. */
export interface Listener {
  write(bytes: Buffer): boolean;
  /** it was too slow, or the hub ends */
  drop(): void;
}

export interface HubOptions {
  /** Streams at once; more are refused. @default 256 */
  readonly maxListeners?: number;
  /** Writes in a row that a listener may leave untaken. @default 8 */
  readonly patience?: number;
}

export interface Hub {
  /** `data` is JSON once, for everybody. An event says all of its topic: whoever comes back needs no more than the newest. */
  publish(topic: string, data: unknown): void;
  /**
   * @param after number of the last event that it has; one that is still to come here is another process's, and says nothing
   * @returns ends it; undefined where there are too many
   */
  listen(topics: ReadonlySet<string>, listener: Listener, after?: number): (() => void) | undefined;
  /** the listener takes in again what it is sent */
  drained(listener: Listener): void;
  listeners(): number;
  /** A comment to all, so that proxies and sockets stay open. */
  heartbeat(): void;
  close(): void;
}

/** The largest event: what is more belongs on a page that is asked for. */
const MAX_EVENT_BYTES = 64 * 1024;
const HEARTBEAT = Buffer.from(':\n\n');

export function createHub({ maxListeners = 256, patience = 8 }: HubOptions = {}): Hub {
  const listening = new Map<Listener, { topics: ReadonlySet<string>; untaken: number }>();
  const newest = new Map<string, HubEvent>();
  let last = 0;

  function send(listener: Listener, bytes: Buffer): void {
    const state = listening.get(listener);
    if (!state) return;
    if (listener.write(bytes)) {
      state.untaken = 0;
      return;
    }
    if (++state.untaken <= patience) return;
    listening.delete(listener);
    listener.drop();
  }

  return {
    publish(topic, data) {
      const json = JSON.stringify(data, (_key, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      );
      last++;
      const bytes = Buffer.from(`id: ${last}\nevent: ${topic}\ndata: ${json}\n\n`);
      if (bytes.length > MAX_EVENT_BYTES)
        throw new RangeError(
          `event ${topic}: expected at most ${MAX_EVENT_BYTES} bytes, got ${bytes.length}`,
        );
      newest.delete(topic);
      newest.set(topic, { id: last, topic, bytes });
      for (const [listener, { topics }] of [...listening]) if (topics.has(topic)) send(listener, bytes);
    },
    listen(topics, listener, after) {
      if (listening.size >= maxListeners) return undefined;
      listening.set(listener, { topics, untaken: 0 });
      if (after !== undefined)
        for (const event of newest.values())
          if ((event.id > after || after > last) && topics.has(event.topic)) send(listener, event.bytes);
      return () => void listening.delete(listener);
    },
    drained(listener) {
      const state = listening.get(listener);
      if (state) state.untaken = 0;
    },
    listeners: () => listening.size,
    heartbeat() {
      for (const listener of [...listening.keys()]) send(listener, HEARTBEAT);
    },
    close() {
      for (const listener of [...listening.keys()]) listener.drop();
      listening.clear();
    },
  };
}
