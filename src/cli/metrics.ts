// Owns: what Prometheus may ask of a running role, and the loopback address where it asks. Does not own: what is measured.
import { createServer } from 'node:http';
import { Counter, Gauge, Registry } from 'prom-client';
import type { ChainObserver } from '../chain/chain.js';
import { AssayError } from '../model/errors.js';
import type { ValidatorStatus } from '../validator/status.js';

const HOST = '127.0.0.1';

export interface Metrics {
  readonly port: number;
  /** beside the webhook: each message counts under its kind */
  readonly alert: (message: Readonly<Record<string, unknown>>) => void;
  readonly status: (status: ValidatorStatus) => void;
  close(): Promise<void>;
}

/**
 * Serves `GET /metrics` until closed. What the chain's connection says is asked for when somebody comes.
 * @param port 0 picks a free one
 * @throws AssayError `unreachable` when the port cannot be bound
 */
export async function serveMetrics(chain: ChainObserver, port: number): Promise<Metrics> {
  const register = new Registry();
  const registers = [register];
  const gauge = (name: string, help: string, collect?: (self: Gauge) => void) =>
    new Gauge({
      name,
      help,
      registers,
      ...(collect
        ? {
            collect() {
              collect(this);
            },
          }
        : {}),
    });
  gauge('assay_chain_connected', '1 while a node of the right chain answers', (self) =>
    self.set(chain.status().state === 'connected' ? 1 : 0),
  );
  gauge('assay_chain_since_timestamp_seconds', 'since when the connection is as it is', (self) =>
    self.set(chain.status().sinceMs / 1000),
  );
  gauge(
    'assay_chain_sick',
    '1 while the node in use stalls, lags or finalises nothing, and none is better',
    (self) => self.set(chain.status().sickness === undefined ? 0 : 1),
  );
  gauge('assay_chain_head_block', 'best block of the node in use', (self) => {
    const { head } = chain.status();
    if (head) self.set(head.number);
  });
  gauge('assay_chain_finalized_block', 'newest block that any node called final', (self) => {
    const { finalized } = chain.status();
    if (finalized) self.set(finalized.number);
  });
  const epoch = gauge('assay_validator_epoch', "the chain's index of the present epoch");
  const permit = gauge('assay_validator_permit', '1 while the hotkey has a validator permit');
  const weights = new Gauge({
    name: 'assay_weights_epoch',
    help: 'newest epoch whose weights reached a stage',
    labelNames: ['stage'] as const,
    registers,
  });
  const questions = new Gauge({
    name: 'assay_verifier_unanswered',
    help: 'evidence that a verifier thread left unanswered since the start, by what became of it',
    labelNames: ['end'] as const,
    registers,
  });
  const alerts = new Counter({
    name: 'assay_alerts_total',
    help: 'what an operator was told, by kind',
    labelNames: ['kind'] as const,
    registers,
  });

  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end('GET /metrics\n');
      return;
    }
    register.metrics().then(
      (text) => response.writeHead(200, { 'content-type': register.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const address = `${HOST}:${port}`;
      reject(new AssayError('unreachable', `cannot listen on ${address}`, { address }, { cause }));
    });
    server.listen(port, HOST, resolve);
  });
  const bound = server.address();

  return {
    port: typeof bound === 'object' && bound ? bound.port : port,
    alert: ({ kind }) => alerts.inc({ kind: String(kind) }),
    status(now) {
      epoch.set(now.epoch);
      permit.set(now.permit ? 1 : 0);
      if (now.lastWeights) weights.set({ stage: 'on-chain' }, now.lastWeights.epoch);
      const { answered, poison, unjudged } = now.verifiers ?? { answered: 0, poison: 0, unjudged: 0 };
      for (const [end, count] of Object.entries({ answered, poison, unjudged }))
        questions.set({ end }, count);
      const stage = now.weightsStage;
      if (stage && KEPT.has(stage.stage)) weights.set({ stage: stage.stage }, stage.epoch);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Stages with a series of their own: few, and never text of a node's. */
const KEPT: ReadonlySet<string> = new Set(['revealed', 'applied', 'failed']);
