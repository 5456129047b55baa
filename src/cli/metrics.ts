// Owns: the loopback address where Prometheus and probes ask a running role, and the series that every role has. Does not own: a
// role's own series (validator-metrics.ts, miner-metrics.ts), what its health is made of.
import { createServer, type ServerResponse } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ChainObserver } from '../chain/chain.js';
import { AssayError } from '../model/errors.js';
import { createHealth, type Health, type Probe } from './health.js';

const HOST = '127.0.0.1';
/** Probes and scrapes are a few a minute: whoever asks for more waits, or goes. */
const MAX_CONNECTIONS = 32;
const REQUEST_MS = 10_000;

export interface Metrics {
  readonly port: number;
  /** where a role adds series of its own; `GET /metrics` has them */
  readonly register: Registry;
  /** what `GET /healthz` and `GET /readyz` answer */
  readonly health: Health;
  /** beside the webhook: each message counts under its kind */
  readonly alert: (message: Readonly<Record<string, unknown>>) => void;
  close(): Promise<void>;
}

/** A gauge; what `collect` sets is asked for when somebody comes. */
export function gauge(
  register: Registry,
  name: string,
  help: string,
  collect?: (self: Gauge) => void | Promise<void>,
): Gauge {
  return new Gauge({
    name,
    help,
    registers: [register],
    ...(collect
      ? {
          collect() {
            return collect(this);
          },
        }
      : {}),
  });
}

/** Series that every role has: of its process, its connection to the chain where it has one, what its operator was told. */
export function commonSeries(
  register: Registry,
  chain: ChainObserver | undefined,
): { readonly alerts: Counter<'kind'> } {
  collectDefaultMetrics({ register });
  if (chain) chainSeries(register, chain);
  const alerts = new Counter({
    name: 'assay_alerts_total',
    help: 'what an operator was told, by kind',
    labelNames: ['kind'] as const,
    registers: [register],
  });
  // what was never counted is no series, and its first one would be no increase
  for (const kind of ALERTS) alerts.inc({ kind }, 0);
  return { alerts };
}

/** What rules ask for. */
const ALERTS = [
  'chain-away',
  'chain-sick',
  'weights-failed',
  'weights-late',
  'weights-withheld',
  'mass-failure',
];

function chainSeries(register: Registry, chain: ChainObserver): void {
  gauge(register, 'assay_chain_connected', '1 while a node of the right chain answers', (self) =>
    self.set(chain.status().state === 'connected' ? 1 : 0),
  );
  gauge(register, 'assay_chain_since_timestamp_seconds', 'since when the connection is as it is', (self) =>
    self.set(chain.status().sinceMs / 1000),
  );
  gauge(
    register,
    'assay_chain_sick',
    '1 while the node in use stalls, lags or finalises nothing, and none is better',
    (self) => self.set(chain.status().sickness === undefined ? 0 : 1),
  );
  gauge(register, 'assay_chain_head_block', 'best block of the node in use', (self) => {
    const { head } = chain.status();
    if (head) self.set(head.number);
  });
  gauge(register, 'assay_chain_finalized_block', 'newest block that any node called final', (self) => {
    const { finalized } = chain.status();
    if (finalized) self.set(finalized.number);
  });
}

/**
 * Serves `GET /metrics`, `GET /healthz` and `GET /readyz` until closed.
 * @param port 0 picks a free one
 * @throws AssayError `unreachable` when the port cannot be bound
 */
export async function serveMetrics(chain: ChainObserver | undefined, port: number): Promise<Metrics> {
  const register = new Registry();
  const health = createHealth();
  const { alerts } = commonSeries(register, chain);
  health.add('live', 'event-loop', () => undefined); // to answer at all is the proof
  if (chain)
    health.add('ready', 'chain', () => {
      const { state, sickness } = chain.status();
      return state === 'connected' ? sickness && `the node is ${sickness}` : 'no node answers';
    });

  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      const answer =
        request.method === 'GET' && Object.hasOwn(ANSWERS, request.url!) && ANSWERS[request.url!];
      if (!answer) response.writeHead(404).end('GET /metrics, /healthz or /readyz\n');
      else answer({ register, health }, response);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const address = `${HOST}:${port}`;
      reject(new AssayError('unreachable', `cannot listen on ${address}`, { address }, { cause }));
    });
    server.listen(port, HOST, resolve);
  });
  server.on('error', () => {}); // of one connection that the system would not give: nobody else's ends by it
  const bound = server.address();

  return {
    port: typeof bound === 'object' && bound ? bound.port : port,
    register,
    health,
    alert: ({ kind }) => alerts.inc({ kind: String(kind) }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Asked = Pick<Metrics, 'register' | 'health'>;

const ANSWERS: Readonly<Record<string, (asked: Asked, response: ServerResponse) => void>> = {
  '/metrics': ({ register }, response) =>
    register.metrics().then(
      (text) => response.writeHead(200, { 'content-type': register.contentType }).end(text),
      () => response.writeHead(500).end(),
    ),
  '/healthz': ({ health }, response) => probe(health, 'live', response),
  '/readyz': ({ health }, response) => probe(health, 'ready', response),
};

function probe(health: Health, kind: Probe, response: ServerResponse): void {
  const report = health.report(kind);
  response
    .writeHead(report.ok ? 200 : 503, { 'content-type': 'application/json' })
    .end(`${JSON.stringify(report)}\n`);
}
