// Owns: what a miner with hosts behind it keeps and reads on disk: their file, their indices, leases, how they fare. Does not own: hosts
// (miner/hosts), keys (host-keys.ts), commands.
import { z } from 'zod';
import type { FollowedSlots, SlotsUnder } from '../miner/follow.js';
import { createHosts, type Hosts, type HostsStatus } from '../miner/hosts/hosts.js';
import { type HostEntry, parseHostsFile } from '../miner/hosts/hosts-file.js';
import type { IndexEntry, IndexStore } from '../miner/hosts/indices.js';
import { serveHosts } from '../miner/hosts/tls.js';
import { createLeases, type Lease, parseLeases } from '../miner/leases.js';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import { HOST_FACTS } from '../protocol/host-facts.js';
import type { KindsByName, ParameterSet } from '../verification/parameter-file.js';
import { dataPaths } from './assemble.js';
import { openHostKey } from './host-keys.js';
import { invalid } from './invalid-input.js';
import { readSmallFile } from './small-file.js';
import { openWholeFile } from './whole-file.js';

/** What 64 hosts with 64 slots each say. */
const STATUS_BYTES = 4 << 20;
/** How often the miner says how its hosts fare. */
export const HOSTS_STATUS_MS = 5_000;

const indexFile = z.strictObject({
  slots: z.array(
    z.strictObject({
      worker: z.string().max(64),
      number: z.number().int().min(0),
      index: z.number().int().min(0),
    }),
  ),
});

const count = z.number().min(0);
const text = z.string().max(4096);
const statusFile = z.object({
  writtenMs: count,
  hosts: z.array(
    z.object({
      worker: text,
      isConnected: z.boolean(),
      isRevoked: z.boolean(),
      address: text.optional(),
      version: text.optional(),
      seenMs: count.optional(),
      wayMs: count.optional(),
      isDraining: z.boolean().default(false),
      facts: HOST_FACTS.optional().catch(undefined), // of a newer build they may be others
      slots: z.array(
        z.object({
          index: count,
          number: count,
          kind: text,
          class: text,
          isCapped: z.boolean().default(false),
          why: text.optional(),
        }),
      ),
    }),
  ),
  rejected: z.array(z.object({ address: text, key: text, reason: text, times: count, lastMs: count })),
});

export interface MinerHosts {
  /** The slots of this host and of all others, each heeding its lease. */
  join(own: (sets: readonly ParameterSet[]) => SlotsUnder): Pick<FollowedSlots, 'under' | 'revision'>;
  /** What hosts say of themselves. */
  facts(): ReturnType<Hosts['facts']>;
  close(): Promise<void>;
}

/**
 * Listens for hosts where there is a port for them, and follows leases.
 * @throws AssayError `invalid-config`, `invalid-input`, `unreachable`
 */
export async function openMinerHosts(
  parts: { readonly clock: Clock; readonly log: Log; readonly kinds: KindsByName },
  config: {
    readonly data: string;
    readonly worker: string;
    readonly host: string;
    readonly hostsHost?: string | undefined;
    readonly hostsPort?: number | undefined;
    readonly hostsFile?: string | undefined;
  },
  signal: AbortSignal,
): Promise<MinerHosts> {
  const { clock, log, kinds } = parts;
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  const leases = await createLeases({ clock, log, read: () => readLeases(dataPaths.leases(config.data)) });
  const running: Promise<unknown>[] = [leases.run(over)];
  let hosts: Hosts | undefined;
  try {
    if (config.hostsPort !== undefined) {
      const { hostsFile, hostsPort: port, hostsHost = config.host, worker: own } = config;
      if (hostsFile === undefined) {
        const problem = 'hostsFile: is needed with hostsPort, it says which key is which worker';
        throw new AssayError('invalid-config', problem, { source: 'configuration', problems: [problem] });
      }
      const identity = await openHostKey(dataPaths.hostsKey(config.data));
      const indices = openIndexStore(dataPaths.hostSlots(config.data));
      const readHosts = () => readHostsFile(hostsFile, own);
      hosts = await createHosts({ clock, log, kinds, indices, readHosts });
      const door = await serveHosts({ hosts, clock, identity }, { host: hostsHost, port }, over);
      log.info('hosts dial in here', { host: hostsHost, port: door.port });
      running.push(hosts.run(over), door.closed, keepStatus(parts, hosts, config.data, over));
    }
  } catch (error) {
    stop.abort();
    throw error;
  }
  return {
    join(ownUnder) {
      const known = hosts;
      const revision = known ? { revision: known.revision } : {};
      return {
        ...revision,
        under(sets) {
          const all = [ownUnder(sets), ...(known ? [known.under(sets)] : [])];
          return {
            slots: all.flatMap(({ slots }) => slots).map(leases.heed),
            resting: all.flatMap(({ resting }) => resting),
          };
        },
      };
    },
    facts: () => hosts?.facts() ?? [],
    async close() {
      stop.abort();
      await Promise.all(running);
    },
  };
}

/** @throws AssayError `invalid-input` */
async function readHostsFile(path: string, own: string): Promise<HostEntry[]> {
  const json = await readSmall(path);
  if (json === undefined)
    throw new AssayError('invalid-input', `${path}: no such file`, {
      what: path,
      expected: 'a hosts file',
      got: 'none',
    });
  return parseHostsFile(json, { what: path, own });
}

/** None where there is no file. @throws AssayError `invalid-input` */
export const readLeases = async (path: string): Promise<readonly Lease[]> => {
  const json = await readSmall(path);
  return json === undefined ? [] : parseLeases(json, path);
};

export async function writeLeases(path: string, leases: readonly Lease[]): Promise<void> {
  const whole = await openWholeFile(path, path, 0o600);
  await whole.write(`${JSON.stringify({ leases })}\n`);
}

/** An index is for ever: a file that cannot be read is not begun anew. */
function openIndexStore(path: string): IndexStore {
  return {
    async read(): Promise<readonly IndexEntry[]> {
      const json = await readSmall(path);
      if (json === undefined) return [];
      const parsed = indexFile.safeParse(json);
      if (parsed.success) return parsed.data.slots;
      const why = 'not the indices of hosts; without them slots would come by those of others';
      throw new AssayError('corrupt', `${path}: ${why}`, { path, why });
    },
    async write(slots) {
      const whole = await openWholeFile(path, path, 0o600);
      await whole.write(`${JSON.stringify({ slots })}\n`);
    },
  };
}

export type SaidOfHosts = HostsStatus & { readonly writtenMs: number };

/** What the miner said last. @throws AssayError `invalid-input` where it never said anything, `corrupt` */
export async function readHostsStatus(path: string): Promise<SaidOfHosts> {
  const json = await readSmall(path, STATUS_BYTES);
  if (json === undefined)
    throw invalid(path, 'what a miner with --hosts-port writes while it runs', 'none there');
  const parsed = statusFile.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new AssayError('corrupt', `${path}: not what a miner writes`, {
    path,
    why: 'not what a miner writes',
  });
}

/** For people: a disk that takes nothing stops nothing. */
async function keepStatus(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  hosts: Hosts,
  data: string,
  signal: AbortSignal,
): Promise<void> {
  let said = '';
  const path = dataPaths.hostsStatus(data);
  for (;;) {
    try {
      const whole = await openWholeFile(path, path, 0o600);
      await whole.write(`${JSON.stringify({ writtenMs: clock.now(), ...hosts.status() })}\n`);
      said = '';
    } catch (error) {
      if (String(error) !== said) log.warn('how hosts fare is not written', { error });
      said = String(error);
    }
    if (signal.aborted) return; // what was said last stays
    await clock.sleep(HOSTS_STATUS_MS, signal);
  }
}

/** Undefined where there is no file. @throws AssayError `invalid-input` for what is no JSON or cannot be read, `limit-exceeded` */
async function readSmall(path: string, mostBytes?: number): Promise<unknown> {
  const content = await readSmallFile(path, mostBytes);
  if (content === undefined) return undefined;
  try {
    return JSON.parse(content);
  } catch {
    throw new AssayError('invalid-input', `${path}: not JSON`, {
      what: path,
      expected: 'JSON',
      got: 'something else',
    });
  }
}
