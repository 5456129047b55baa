// Owns: JSON-RPC over WebSocket: framing, batches, limits. Does not own: methods (rpc.ts).
import { once } from 'node:events';
import { type AddressInfo, isIPv4 } from 'node:net';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { AssayError } from '../model/errors.js';
import { NO_ANSWER } from './faults.js';
import { LIMITS } from './limits.js';
import { type Localnet, nodeOf } from './node.js';
import { createRpc, type Rpc, type Session } from './rpc.js';
import { RpcError } from './validity.js';

export interface ServeOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** Lets others than this machine connect: there is no authentication. @default false */
  readonly allowRemote?: boolean;
  /** 0: any free one @default 9944 */
  readonly port?: number;
  /** Called once the port is bound. */
  readonly onListening?: (address: { readonly url: string; readonly port: number }) => void;
}

/**
 * Serves `localnet` until aborted; it makes no blocks by itself (`localnet.run` does). A browser is served only for pages
 * that come from this machine; what sends no Origin is none.
 *
 * @returns once it is closed
 * @throws AssayError `insecure-address` for a host beyond loopback without `allowRemote`, `unreachable` when the port
 * cannot be bound
 */
export async function serveLocalnet(
  localnet: Localnet,
  options: ServeOptions,
  signal: AbortSignal,
): Promise<void> {
  const node = nodeOf(localnet);
  const { host = '127.0.0.1', port = 9944, allowRemote = false, onListening } = options;
  const isLocal = isLoopback(host);
  if (!isLocal && !allowRemote)
    throw new AssayError('insecure-address', `${host} is not loopback: anyone who reaches it could connect`, {
      address: host,
    });
  if (signal.aborted) return;
  const server = new WebSocketServer({
    host,
    port,
    maxPayload: LIMITS.payloadBytes,
    // many small JSON messages on loopback: compressing them costs more than it saves
    perMessageDeflate: false,
    // a page in somebody's browser reaches loopback too, and would rule this chain
    verifyClient: ({ origin }: { readonly origin: string | undefined }, accept) =>
      isOwnOrigin(origin) ? accept(true) : accept(false, 403, 'Forbidden'),
  });
  // whoever can call the dev methods rules the chain: nobody from elsewhere
  const rpc = createRpc(node, { dev: node.options.faults && isLocal });
  let refusedUntilMs = 0;
  const stopDropping = node.onDrop((refuseMs) => {
    refusedUntilMs = node.clock.monotonic() + refuseMs;
    for (const socket of server.clients) socket.terminate();
  });
  server.on('connection', (socket) => {
    if (node.clock.monotonic() < refusedUntilMs) {
      socket.terminate();
      return;
    }
    if (server.clients.size > LIMITS.connections) {
      socket.close(1013, 'too many connections');
      return;
    }
    serveConnection(socket, rpc, (error) => node.log.error('rpc failed', { error }));
  });
  try {
    await once(server, 'listening');
  } catch (error) {
    const address = `ws://${host}:${port}`;
    throw new AssayError('unreachable', `cannot listen on ${address}`, { address }, { cause: error });
  }
  server.on('error', (error) => node.log.error('server failed', { error }));
  const bound = server.address() as AddressInfo; // a TCP server that listens has one
  const url = `ws://${host.includes(':') ? `[${host}]` : host}:${bound.port}`;
  node.log.info('localnet listening', { url });
  onListening?.({ url, port: bound.port });

  if (!signal.aborted) await once(signal, 'abort');
  stopDropping();
  for (const socket of server.clients) socket.terminate();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

function serveConnection(socket: WebSocket, rpc: Rpc, onError: (error: unknown) => void): void {
  const send = (message: string): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > LIMITS.bufferedBytes) socket.terminate();
    else socket.send(message);
  };
  // notifications wait for the response that tells the subscription's id, or the client could not tell whose they are
  let answering = false;
  const held: string[] = [];
  const session: Session = {
    notify(method, subscription, result) {
      const message = JSON.stringify({ jsonrpc: '2.0', method, params: { subscription, result } });
      if (answering) held.push(message);
      else send(message);
    },
  };
  socket.on('message', (data) => {
    answering = true;
    const response = answer(data, rpc, session, onError);
    if (response !== undefined) send(response);
    answering = false;
    for (const message of held.splice(0)) send(message);
  });
  socket.on('close', () => rpc.close(session));
  // a frame over the limit or a broken peer: ws closes the connection, nothing else is touched
  socket.on('error', () => {});
}

/** As literals: a name could resolve to anything. */
const isLoopback = (host: string): boolean => (isIPv4(host) && host.startsWith('127.')) || host === '::1';

/** @param origin header of that name, which browsers send and pages cannot forge */
function isOwnOrigin(origin: string | undefined): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false; // `null`: a file, a sandbox
  const { hostname } = new URL(origin);
  return hostname === 'localhost' || isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'));
}

type Id = string | number | null;
type Response = { readonly id: Id } & Readonly<Record<string, unknown>>;

function answer(
  data: RawData,
  rpc: Rpc,
  session: Session,
  onError: (error: unknown) => void,
): string | undefined {
  let message: unknown;
  try {
    message = JSON.parse(String(data));
  } catch {
    return JSON.stringify(failure(null, -32700, 'Parse error'));
  }
  const respond = (one: unknown): string | undefined => bounded(answerOne(one, rpc, session, onError));
  if (!Array.isArray(message)) return respond(message);
  if (message.length === 0) return JSON.stringify(failure(null, -32600, 'Invalid request: an empty batch'));
  if (message.length > LIMITS.batchCalls)
    return JSON.stringify(
      failure(null, -32010, `The batch request was too large: at most ${LIMITS.batchCalls}`),
    );
  const responses: string[] = [];
  let bytes = 0;
  for (const one of message) {
    const response = respond(one);
    if (response === undefined) continue;
    bytes += Buffer.byteLength(response) + 1;
    // what is left of the batch is not carried out either: nobody would hear of it
    if (bytes > LIMITS.responseBytes)
      return JSON.stringify(failure(null, -32011, 'The batch response was too large', EXCEEDED));
    responses.push(response);
  }
  return responses.length > 0 ? `[${responses.join()}]` : undefined;
}

const EXCEEDED = `Exceeded max limit of ${LIMITS.responseBytes}`;

function bounded(response: Response | undefined): string | undefined {
  if (response === undefined) return undefined;
  const text = JSON.stringify(response);
  if (Buffer.byteLength(text) <= LIMITS.responseBytes) return text;
  return JSON.stringify(failure(response.id, -32008, 'Response is too big', EXCEEDED));
}

function answerOne(
  request: unknown,
  rpc: Rpc,
  session: Session,
  onError: (error: unknown) => void,
): Response | undefined {
  if (typeof request !== 'object' || request === null) return failure(null, -32600, 'Invalid request');
  const { id, method, params = [] } = request as Readonly<Record<string, unknown>>; // an object: read with care
  const replyTo = typeof id === 'string' || typeof id === 'number' ? id : null;
  if (typeof method !== 'string' || !Array.isArray(params))
    return failure(replyTo, -32600, 'Invalid request: expected a method and positional params');
  const respond = (response: Response): Response | undefined => (id === undefined ? undefined : response);
  try {
    const result = rpc.call(method, params, session) ?? null;
    return result === NO_ANSWER ? undefined : respond({ jsonrpc: '2.0', id: replyTo, result });
  } catch (error) {
    if (error instanceof RpcError) return respond(failure(replyTo, error.code, error.message, error.data));
    onError(error); // ours, not the caller's: the node lives on
    return respond(failure(replyTo, -32603, 'Internal error'));
  }
}

const failure = (id: Id, code: number, message: string, data?: string): Response => ({
  jsonrpc: '2.0',
  id,
  error: { code, message, ...(data === undefined ? {} : { data }) },
});
