// Owns: JSON-RPC to a running localnet, as the commands that steer one need it. Does not own: the chain client
// (chain/subtensor), which knows no `dev_` methods.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { invalid } from '../invalid-input.js';

export interface NodeRpc {
  readonly url: string;
  /** @throws AssayError `refused` with the node's own words, `unsupported`, `unreachable`, `timeout` */
  call(method: string, params?: readonly unknown[]): Promise<unknown>;
}

const TIMEOUT_MS = 30_000;
const METHOD_NOT_FOUND = -32601;

interface Reply {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}
interface Waiting {
  resolve(reply: Reply): void;
  reject(error: AssayError): void;
}

/** Connects, runs `body` and disconnects. @throws AssayError `unreachable`, `invalid-input` for a node of another kind */
export async function withNode<T>(
  parts: { readonly clock: Clock; readonly signal: AbortSignal },
  url: string,
  body: (node: NodeRpc) => Promise<T>,
): Promise<T> {
  const socket = await connect(parts.clock, url);
  const end = (): void => socket.terminate();
  parts.signal.addEventListener('abort', end, { once: true });
  try {
    const node = nodeOn(socket, url, parts.clock);
    const name = await node.call('system_name');
    if (name !== 'Assay Localnet Node')
      throw invalid(`--network ${url}`, 'a localnet of assay', `another node: ${String(name).slice(0, 80)}`);
    return await body(node);
  } catch (error) {
    parts.signal.throwIfAborted(); // whatever it was then: the connection was taken away
    throw error;
  } finally {
    parts.signal.removeEventListener('abort', end);
    socket.close();
  }
}

async function connect(clock: Clock, url: string): Promise<WebSocket> {
  const address = url;
  const socket = new WebSocket(url, { maxPayload: 256 << 20, perMessageDeflate: false });
  socket.on('error', () => {}); // told by the call that waits
  try {
    await withTimeout(
      clock,
      TIMEOUT_MS,
      once(socket, 'open'),
      () => new AssayError('timeout', `${url}: no answer`, { what: url, afterMs: TIMEOUT_MS }),
    );
    return socket;
  } catch (error) {
    socket.terminate();
    if (error instanceof AssayError) throw error;
    throw new AssayError(
      'unreachable',
      `no localnet at ${url}: start one with assay localnet start`,
      { address },
      { cause: error },
    );
  }
}

function nodeOn(socket: WebSocket, url: string, clock: Clock): NodeRpc {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  socket.on('message', (data) => {
    const reply = parse(String(data));
    const id = typeof reply?.id === 'number' ? reply.id : undefined;
    if (id === undefined) return; // a notification, or nonsense
    waiting.get(id)?.resolve(reply!);
    waiting.delete(id);
  });
  socket.on('close', () => {
    for (const { reject } of waiting.values())
      reject(new AssayError('unreachable', `${url}: the connection ended`, { address: url }));
    waiting.clear();
  });
  return {
    url,
    async call(method, params = []) {
      const id = ++lastId;
      const answered = new Promise<Reply>((resolve, reject) => waiting.set(id, { resolve, reject }));
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      const late = () =>
        new AssayError('timeout', `${url}: no answer to ${method}`, { what: method, afterMs: TIMEOUT_MS });
      const { error, result } = await withTimeout(clock, TIMEOUT_MS, answered, late);
      if (error === undefined) return result;
      if (error.code === METHOD_NOT_FOUND && method.startsWith('dev_')) throw noDevMethods(url, method);
      const data = typeof error.data === 'string' ? `: ${error.data}` : '';
      throw new AssayError('refused', `${url}: ${error.message}${data}`, { reason: error.message });
    },
  };
}

function parse(text: string): Reply | undefined {
  try {
    return JSON.parse(text) as Reply; // read with care
  } catch {
    return undefined;
  }
}

function noDevMethods(url: string, method: string): AssayError {
  const why = 'it was started without --faults or --manual, or listens beyond loopback';
  return new AssayError('unsupported', `${url} does not serve ${method}: ${why}`, { what: method, why });
}
