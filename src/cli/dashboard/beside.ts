// Owns: a dashboard beside a running validator: it shows what the validator writes and says, and nothing of it goes back. Does not own:
// pages (join.ts), the validator.
import { join } from 'node:path';
import { isLoopback, serveDashboard } from '../../dashboard/server.js';
import type { Clock } from '../../model/clock.js';
import { toNetuid } from '../../model/ids.js';
import type { Log } from '../../model/log.js';
import type { Random } from '../../model/prng.js';
import type { Tracer } from '../../model/trace.js';
import type { ValidatorStatus } from '../../validator/status.js';
import { parseAddress, tokenFor } from './address.js';
import { type JoinOptions, joinDashboard } from './join.js';

export interface BesideOptions {
  readonly data: string;
  readonly netuid: number;
  readonly mechanism: number;
  /** as `--dashboard` has it */
  readonly dashboard: string;
  readonly dashboardTokenFile?: string | undefined;
  readonly dashboardNames: readonly string[];
  readonly dashboardOwner: boolean;
}

export interface Beside {
  /** The same tracer; its spans are seen. */
  traced(tracer: Tracer): Tracer;
  status(status: ValidatorStatus): void;
  close(): Promise<void>;
}

/**
 * Serves until closed. What fails in it later is logged: a validator never ends for its pages.
 * @throws AssayError `unreachable` when the address cannot be bound; `invalid-input` for an address or a token file that is none
 */
export async function startBeside(
  parts: {
    readonly chain: NonNullable<JoinOptions['chain']>['client'];
    readonly clock: Clock;
    readonly log: Log;
    readonly random: Pick<Random, 'bytes'>;
  },
  { data, netuid, mechanism, dashboard: address, ...options }: BesideOptions,
): Promise<Beside> {
  const { log, clock, chain } = parts;
  const at = parseAddress(address);
  const tokenFile =
    options.dashboardTokenFile ?? (isLoopback(at.host) ? undefined : join(data, 'dashboard-token'));
  const token = await tokenFor(at, tokenFile, parts.random);
  const joined = joinDashboard({
    clock,
    log,
    validator: data,
    chain: { client: chain, netuid: toNetuid(netuid), mechanism },
    isInside: true,
    isOwner: options.dashboardOwner,
    hasLab: false, // simulations take a core, which verification has a use for
  });
  const server = await serveDashboard(joined, { ...at, token, hosts: options.dashboardNames });
  // the token is a secret, and logs are not
  log.info('dashboard', {
    url: server.url.replace(/\?.*$/, ''),
    ...(token === undefined ? {} : { tokenFile }),
  });
  const stop = new AbortController();
  const work = async (): Promise<void> => {
    // what cannot be read now is tried again as it goes on
    await joined.read(stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) log.warn('dashboard: not read yet', { error });
    });
    await joined.run(stop.signal);
  };
  const done = work().catch((error: unknown) => {
    if (!stop.signal.aborted) log.error('dashboard: stands still', { error });
  });
  return {
    traced: (tracer) => joined.rounds?.traced(tracer) ?? tracer,
    status: (status) => joined.rounds?.status(status),
    async close() {
      stop.abort();
      await server.close();
      await done;
    },
  };
}
