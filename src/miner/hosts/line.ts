// Owns: whether a host is there, and how long the way to it takes. Does not own: frames (channel.ts), what follows from it (hosts.ts).
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { HOST_LIMITS } from './limits.js';

export interface Line {
  pong(id: number): void;
  /** ms there and back, which a quarter of the latest times exceeded: stalls of either process do not speak for the line. Undefined until measured. */
  wayMs(): number | undefined;
  /** monotonic ms at which the host was last heard */
  heardAt(): number;
  /** Whether it answers a question that is put to it now. */
  probe(): Promise<boolean>;
  /** Measures until aborted, or until nothing comes any more: then it resolves with why. */
  run(signal: AbortSignal): Promise<string>;
}

/** @param parts.isBusy whether large things are on their way: a time measured beside them is theirs */
export function createLine(parts: {
  readonly clock: Clock;
  readonly ping: (id: number) => void;
  readonly isBusy?: () => boolean;
  /** called when enough is measured, and after each time */
  readonly onMeasured?: () => void;
}): Line {
  const { clock, ping, isBusy = () => false, onMeasured = () => {} } = parts;
  const times: number[] = [];
  const asked = new Map<number, () => void>();
  let heardAt = clock.monotonic();
  let nextId = 1;

  async function measure(withinMs: number): Promise<boolean> {
    const id = nextId++;
    const at = clock.monotonic();
    const wasBusy = isBusy();
    const answered = new Promise<void>((resolve) => asked.set(id, resolve));
    try {
      ping(id);
      const late = () =>
        new AssayError('timeout', 'no answer to a ping', { what: 'ping', afterMs: withinMs });
      await withTimeout(clock, withinMs, answered, late);
    } catch {
      return false; // withTimeout's alone: that nothing came is the answer
    } finally {
      asked.delete(id);
    }
    if (!wasBusy && !isBusy()) times.push(clock.monotonic() - at);
    if (times.length > HOST_LIMITS.samples) times.shift();
    return true;
  }

  return {
    pong(id) {
      heardAt = clock.monotonic();
      asked.get(id)?.();
    },
    wayMs() {
      if (times.length < HOST_LIMITS.firstSamples) return undefined;
      return [...times].sort((a, b) => b - a)[Math.floor(times.length / 4)];
    },
    heardAt: () => heardAt,
    probe: () => measure(HOST_LIMITS.probeMs),
    async run(signal) {
      while (!signal.aborted) {
        if (!(await measure(HOST_LIMITS.silenceMs))) return `nothing came for ${HOST_LIMITS.silenceMs} ms`;
        if (signal.aborted) break;
        onMeasured();
        if (times.length >= HOST_LIMITS.firstSamples) await clock.sleep(HOST_LIMITS.pingMs, signal);
      }
      return 'stopped';
    },
  };
}
