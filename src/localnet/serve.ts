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
 * Serves `localnet` until aborted; it makes no blocks by itself (`localnet.run` does).
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
  const send = (message: unknown): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > LIMITS.bufferedBytes) socket.terminate();
    else socket.send(JSON.stringify(message));
  };
  // notifications wait for the response that tells the subscription's id, or the client could not tell whose they are
  let answering = false;
  const held: unknown[] = [];
  const session: Session = {
    notify(method, subscription, result) {
      const message = { jsonrpc: '2.0', method, params: { subscription, result } };
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

type Response = Readonly<Record<string, unknown>>;

function answer(
  data: RawData,
  rpc: Rpc,
  session: Session,
  onError: (error: unknown) => void,
): Response | Response[] | undefined {
  let message: unknown;
  try {
    message = JSON.parse(String(data));
  } catch {
    return failure(null, -32700, 'Parse error');
  }
  if (!Array.isArray(message)) return answerOne(message, rpc, session, onError);
  if (message.length === 0) return failure(null, -32600, 'Invalid request: an empty batch');
  if (message.length > LIMITS.batchCalls)
    return failure(null, -32010, `The batch request was too large: at most ${LIMITS.batchCalls}`);
  const responses = message.map((one) => answerOne(one, rpc, session, onError));
  const known = responses.filter((response) => response !== undefined);
  return known.length > 0 ? known : undefined;
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

const failure = (id: string | number | null, code: number, message: string, data?: string): Response => ({
  jsonrpc: '2.0',
  id,
  error: { code, message, ...(data === undefined ? {} : { data }) },
});
