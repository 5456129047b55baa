// Owns: which requests a miner answers, and how often. Does not own: sockets (net.ts), bytes (codec.ts).
import type { Keypair } from '../../keys/keypair.js';
import { toAddress } from '../../keys/ss58.js';
import { equals, toHex } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import { isAssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import { toNetwork } from '../address.js';
import { Bucket, Buckets } from '../rate.js';
import {
  decodeEchoRequest,
  type EchoRequest,
  encodeAnswer,
  isSignedRequest,
  REQUEST_BYTES,
  type Transport,
} from './codec.js';

/** Bounds of what anybody can make an echo port do; a rate allows bursts of five seconds of itself. */
export const ECHO_LIMITS = {
  /** requests from one address whose signature is checked: a validator asks a port once an event, and some share an address */
  perSecondPerAddress: 4,
  /** the same over TCP of all addresses to which no answer was ever owed: 0.3 ms each. Junk of many keeps only strangers waiting */
  perSecond: 200,
  /** datagrams, whose source anybody can write, whose signature is checked */
  datagramsPerSecond: 20,
  /** answers to one hotkey, and calls back to it */
  perSecondPerHotkey: 4,
  /** addresses and hotkeys whose rate is remembered */
  callers: 4096,
  /** addresses with a rate of their own alone, since an answer was owed to one of theirs: more than a subnet has validators */
  knownAddresses: 512,
  /** connections open at once on one port */
  connections: 16,
  /** from accepting to a whole request, and for calling back */
  waitMs: 3_000,
  /** clocks may differ by this */
  skewMs: 30_000,
  /** a request's expiry may be this far ahead */
  lifeMs: 30_000,
  /** requests remembered, so that one is answered once: an older one that is answered again tells nobody anything new */
  requests: 4096,
} as const;

export interface EchoParts {
  readonly keypair: Keypair;
  readonly clock: Clock;
  /** which validators are answered */
  readonly admit: (validator: Hotkey) => Promise<boolean> | boolean;
}

/** Where a request arrived. */
export interface Arrival {
  readonly transport: Transport;
  readonly port: number;
  /** as the socket tells it */
  readonly from: string;
}

export interface EchoAnswers {
  /** The echo and, where one is asked for, the port to call back; undefined where nothing is owed. */
  answer(
    bytes: Uint8Array,
    arrival: Arrival,
  ): Promise<{ readonly echo: Uint8Array; readonly callbackPort: number } | undefined>;
  /** Signed, for the call back to `request`. */
  egress(request: Uint8Array): Uint8Array;
}

/** What all ports of one miner share. Anybody can knock: silence is the answer to whatever is no good. */
export function createEchoAnswers(
  { keypair, clock, admit }: EchoParts,
  { netuid }: { readonly netuid: number },
): EchoAnswers {
  const addresses = new Buckets(ECHO_LIMITS.perSecondPerAddress, ECHO_LIMITS.callers);
  const hotkeys = new Buckets(ECHO_LIMITS.perSecondPerHotkey, ECHO_LIMITS.callers);
  const all: Record<Transport, Bucket> = {
    tcp: new Bucket(ECHO_LIMITS.perSecond, clock.monotonic()),
    udp: new Bucket(ECHO_LIMITS.datagramsPerSecond, clock.monotonic()),
  };
  const seen = new Set<string>();
  /** the longest unheard first */
  const known = new Set<string>();

  /** What can be told without a signature's check; all of it is public, so it only keeps noise away from the rates. */
  function isPlausible(request: EchoRequest, { transport, port }: Arrival): boolean {
    const leftMs = request.expiresAt - clock.now();
    return (
      request.netuid === netuid &&
      request.transport === transport &&
      request.port === port &&
      equals(request.miner, keypair.publicKey) &&
      leftMs > -ECHO_LIMITS.skewMs &&
      leftMs <= ECHO_LIMITS.lifeMs + ECHO_LIMITS.skewMs
    );
  }

  function isWithinRates(take: (now: number) => void): boolean {
    try {
      take(clock.monotonic());
      return true;
    } catch (error) {
      if (isAssayError(error, 'limit-exceeded')) return false;
      throw error;
    }
  }

  /** Not to know is no admission. */
  async function isAdmitted(validator: Hotkey): Promise<boolean> {
    try {
      return await admit(validator);
    } catch {
      return false;
    }
  }

  return {
    async answer(bytes, arrival) {
      const request = requestIn(bytes);
      if (!request || !isPlausible(request, arrival)) return undefined;
      const validator = toHotkey(toAddress(request.validator));
      if (!(await isAdmitted(validator))) return undefined;
      // from here on at once: the same request may have arrived twice
      const id = toHex(sha256(bytes));
      if (seen.has(id)) return undefined;
      const { transport } = arrival;
      const from = toNetwork(arrival.from);
      const mayCheck = isWithinRates((now) => {
        // of a datagram the address says nothing, and would spend the rate of whoever is named in it
        if (transport === 'tcp') addresses.take(from, 'echoes of an address', now);
        if (transport === 'udp' || !known.has(from)) all[transport].take('echoes', now);
      });
      if (!mayCheck || !isSignedRequest(bytes)) return undefined;
      if (!isWithinRates((now) => hotkeys.take(validator, 'echoes of a hotkey', now))) return undefined;
      remember(seen, id, ECHO_LIMITS.requests);
      if (transport === 'tcp') remember(known, from, ECHO_LIMITS.knownAddresses);
      // never for a datagram: whoever wrote its source would choose whom we call
      const callbackPort = transport === 'tcp' ? request.callbackPort : 0;
      return { echo: encodeAnswer(keypair, 'echo', bytes), callbackPort };
    },
    egress: (request) => encodeAnswer(keypair, 'egress', request),
  };
}

/** As the newest of at most `limit`. */
function remember(names: Set<string>, name: string, limit: number): void {
  names.delete(name);
  names.add(name);
  if (names.size <= limit) return;
  for (const oldest of names) {
    names.delete(oldest);
    return;
  }
}

function requestIn(bytes: Uint8Array): EchoRequest | undefined {
  if (bytes.length !== REQUEST_BYTES) return undefined;
  try {
    return decodeEchoRequest(bytes);
  } catch {
    return undefined; // nothing is owed to what is no request
  }
}
