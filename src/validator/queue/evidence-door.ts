// Owns: handing evidence to workers of this deployment, by its SHA-256, in bounded connections, bytes and time. Does not own: where it
// is kept (evidence-store.ts), what a request says (evidence-request.ts).
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import { EVIDENCE_PATH, whyRefused } from './evidence-request.js';
import type { QueueKey } from './queue-key.js';

/** Of all workers together. Beyond, a connection is closed at once. */
const CONNECTIONS = 256;
/** A request has one line and one header: who has not said them by then never will. */
const REQUEST_MS = 5_000;
/** Idle in the middle of an answer: a worker that reads nothing holds memory. */
const STILL_MS = 20_000;
/** One answer in all: the largest opening at a tenth of a gigabit line is there in half of it. */
const ANSWER_MS = 60_000;
const HEADER_BYTES = 4096;
/** Of evidence that is on its way; whoever comes beyond that is told to come again. */
const BUDGET_BYTES = 256 * 2 ** 20;

/** What the door needs of a store. */
export interface EvidenceReader {
  /** @returns undefined when it is not, or no longer, there */
  read(digest: string): Promise<Uint8Array | undefined>;
}

export interface EvidenceDoor {
  readonly host: string;
  readonly port: number;
  /** answers since it was opened: given, not there, refused */
  tally(): { readonly given: number; readonly gone: number; readonly refused: number };
  close(): Promise<void>;
}

/**
 * Plain HTTP: what is served is checked by its digest, asked for by those alone who have the queue key, and worth nothing to
 * others. Whoever wants it hidden puts TLS before it.
 * @param at.port 0 picks a free one
 * @throws AssayError `unreachable` when the address cannot be bound
 */
export async function openEvidenceDoor(
  {
    store,
    key,
    clock,
    log,
    budgetBytes = BUDGET_BYTES,
    requestMs = REQUEST_MS,
  }: {
    readonly store: EvidenceReader;
    readonly key: QueueKey;
    readonly clock: Clock;
    readonly log: Log;
    /** @default 256 MiB */
    readonly budgetBytes?: number;
    /** @default 5000 */
    readonly requestMs?: number;
  },
  at: { readonly host: string; readonly port: number },
): Promise<EvidenceDoor> {
  const tally = { given: 0, gone: 0, refused: 0 };
  let onTheirWay = 0;
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      // or Node looks every half minute, and 256 that trickle keep everybody out for as long
      connectionsCheckingInterval: requestMs / 5,
      keepAlive: true,
    },
    (request, response) => {
      void answer(request, response).catch((error: unknown) => {
        log.error('evidence could not be given', { error });
        if (response.headersSent) response.destroy();
        else refuse(response, 500, 'the store failed');
      });
    },
  );
  server.maxConnections = CONNECTIONS;
  server.setTimeout(STILL_MS, (socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const address = `${at.host}:${at.port}`;
      reject(
        new AssayError('unreachable', `evidence cannot be served at ${address}`, { address }, { cause }),
      );
    });
    server.listen(at.port, at.host, resolve);
  });
  // of one connection that the system would not give: nobody else's ends by it
  server.on('error', (error) => log.warn('a connection for evidence was not taken', { error }));
  const { address: host, port } = server.address() as AddressInfo;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume(); // a body is none of ours; requestTimeout ends an endless one
    const path = request.url ?? '';
    const digest = /^[0-9a-f]{64}$/.exec(path.slice(EVIDENCE_PATH.length))?.[0];
    if (request.method !== 'GET' || !path.startsWith(EVIDENCE_PATH) || digest === undefined)
      return refuse(response, 404, 'expected GET /evidence/<SHA-256 in lower-case hex>');
    const { authorization } = request.headers;
    const why = whyRefused(key, { path, authorization, nowMs: clock.now() });
    if (why !== undefined) return refuse(response, 403, why);
    if (onTheirWay >= budgetBytes) {
      response.setHeader('retry-after', '1');
      return refuse(response, 503, 'too much evidence is on its way');
    }
    const bytes = await store.read(digest);
    if (bytes === undefined) {
      tally.gone++;
      return end(response, 410, 'this evidence is not kept here');
    }
    onTheirWay += bytes.length;
    const late = setTimeout(() => response.destroy(), ANSWER_MS);
    response.once('close', () => {
      onTheirWay -= bytes.length;
      clearTimeout(late);
    });
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
    response.end(bytes, () => tally.given++);
  }

  function refuse(response: ServerResponse, status: number, why: string): void {
    tally.refused++;
    end(response, status, why);
  }

  return {
    host,
    port,
    tally: () => ({ ...tally }),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function end(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end(`${why}\n`);
}
