// Between client and node: passes everything on, except what it was told to answer otherwise.
import { WebSocket, WebSocketServer } from 'ws';

export interface Request {
  readonly method: string;
  readonly params: readonly unknown[];
}

export interface TamperingProxy {
  readonly url: string;
  /** Given a request and the node's result, the result to hand on. */
  tamper: (request: Request, result: unknown) => unknown;
  close(): Promise<void>;
}

export async function serveTampering(target: string): Promise<TamperingProxy> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  const upstreams = new Set<WebSocket>();
  server.on('connection', (client) => {
    const requests = new Map<number, Request>();
    const node = new WebSocket(target);
    upstreams.add(node);
    const early: string[] = [];
    client.on('message', (data) => {
      const text = String(data);
      const { id, method, params } = JSON.parse(text) as Request & { id: number };
      requests.set(id, { method, params });
      if (node.readyState === WebSocket.OPEN) node.send(text);
      else early.push(text);
    });
    node.on('open', () => {
      for (const text of early) node.send(text);
    });
    node.on('message', (data) => {
      const message = JSON.parse(String(data)) as { id?: number; result?: unknown };
      const request = message.id === undefined ? undefined : requests.get(message.id);
      if (request && 'result' in message) message.result = proxy.tamper(request, message.result);
      client.send(JSON.stringify(message));
    });
    client.on('close', () => node.close());
  });
  const address = server.address();
  const proxy: TamperingProxy = {
    url: `ws://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    tamper: (_request, result) => result,
    async close() {
      for (const node of upstreams) node.terminate();
      for (const client of server.clients) client.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}
