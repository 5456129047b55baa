// Owns: what this validator's own dial-out saw of the ports that slots offer to others, and what follows for them. Does not
// own: the echo itself (protocol/echo), which port that is (the kind's `round`).
import type { Clock } from '../model/clock.js';
import type { Hotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Rejection } from '../model/verdict.js';
import { SESSION_LIMITS } from '../protocol/limits.js';

/** A port that a hotkey offers to its peers, at the address that the chain names. */
export interface OfferedPort {
  readonly hotkey: Hotkey;
  readonly ip: string;
  readonly port: number;
}

/** What one echo came to; it never rejects. */
export interface Echo {
  /** signed by the hotkey, over a nonce of ours, from that port */
  readonly answered: boolean;
  /** where its call back came from; undefined where none came, or none was asked for */
  readonly calledFrom: string | undefined;
}

export interface ReachParts {
  readonly ask: (port: OfferedPort, signal: AbortSignal) => Promise<Echo>;
  /** Whether we may call such an address at all: of others no port is asked, and none answers. */
  readonly mayCall: (ip: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** What was seen of a port by the time its round was drawn: in the journal, and in the receipt. */
export interface Sight extends Omit<OfferedPort, 'hotkey'> {
  readonly answered: boolean;
  readonly calledFrom?: string | undefined;
  /** whether we listen for call backs, and have just heard one of whomsoever */
  readonly mustCall: boolean;
}

/** Of one validator, for as long as it runs. */
export interface Reach {
  /** Asks the port, unless that was just done. Returns at once. */
  look(port: OfferedPort): void;
  /** What is known by now; undefined where we did not come to ask at once, and know nothing yet. */
  sightOf(port: OfferedPort): Sight | undefined;
}

/** A port is asked once for all slots of a hotkey that offer it in an event. */
const FRESH_MS = 5_000;
/** Dials under way at once: each ends after 3 s at the latest, so that all ports of a subnet are seen within a block. */
const DIALS = 128;
/**
 * A call back says for so long that others can reach us: as long as the ports of one event are asked before its Go. Our own port may be
 * closed at any time, and that is no miner's fault.
 */
const HEARD_MS = SESSION_LIMITS.goWaitMs;
/** Ports remembered: more than a subnet's hotkeys can offer. */
const PORTS = 4096;

/**
 * Whose fault it is that a slot cannot meet others. Who does not answer is told to open the port; who calls from elsewhere is not
 * where it says, or has somebody stand there for it.
 */
export function faultOf({ ip, answered, calledFrom, mustCall }: Sight): Rejection | undefined {
  if (!answered) return 'unreachable';
  return mustCall && calledFrom !== ip ? 'elsewhere' : undefined;
}

export function createReach(parts: ReachParts, signal: AbortSignal): Reach {
  const { ask, mayCall, clock, log } = parts;
  interface Known {
    state: 'waiting' | 'asking' | 'asked';
    /** its question waited for those of others: that it has no answer yet says nothing of it */
    isLate: boolean;
    /** monotonic ms of the last question */
    at: number;
    echo: Echo | undefined;
  }
  const book = new Map<string, Known>();
  const line: { port: OfferedPort; known: Known }[] = [];
  let dials = 0;
  let heardAt = Number.NEGATIVE_INFINITY;

  async function work({ port, known }: { port: OfferedPort; known: Known }): Promise<void> {
    dials++;
    known.state = 'asking';
    try {
      const echo = mayCall(port.ip) ? await ask(port, signal) : { answered: false, calledFrom: undefined };
      known.echo = echo;
      if (echo.calledFrom !== undefined) heardAt = clock.monotonic();
      if (!echo.answered) log.info('offered port did not answer', { ...port });
    } finally {
      known.state = 'asked';
      dials--;
      const next = line.shift();
      if (next) void work(next);
    }
  }

  return {
    look(port) {
      if (signal.aborted) return;
      const key = nameOf(port);
      const before = book.get(key);
      const now = clock.monotonic();
      if (before && (before.state !== 'asked' || now - before.at < FRESH_MS)) return;
      // what a port said before stands until it has said something else: our question may be on its way when it is needed
      const isLate = dials >= DIALS;
      const known: Known = { state: 'waiting', isLate, at: now, echo: before?.echo };
      book.delete(key);
      book.set(key, known);
      if (book.size > PORTS) for (const oldest of [...book.keys()].slice(0, 1)) book.delete(oldest);
      if (isLate) line.push({ port, known });
      else void work({ port, known });
    },
    sightOf(port) {
      const known = book.get(nameOf(port));
      if (!known || (known.isLate && !known.echo)) return undefined;
      const { answered, calledFrom } = known.echo ?? { answered: false, calledFrom: undefined };
      const mustCall = clock.monotonic() - heardAt <= HEARD_MS;
      return { ip: port.ip, port: port.port, answered, calledFrom, mustCall };
    },
  };
}

const nameOf = ({ hotkey, ip, port }: OfferedPort): string => `${hotkey} ${ip} ${port}`;
