// Owns: the soak's processes: how each is started and started again. Does not own: when one is killed (soak.ts), what they do.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Processes } from '../../src/cli/demo/processes.js';
import type { Netuid } from '../../src/model/ids.js';
import type { OwnersFiles } from '../../src/testing/demo-policy.js';
import type { ProverName } from '../../src/testing/demo-provers.js';
import { funds } from '../../src/testing/setup.js';
import { type Behaviour, DEMO_PLAN, FACTS, type World } from '../../src/testing/world.js';
import { unitsMalloc } from '../malloc.js';

const HEAP = { chain: 512, validator: 384, worker: 256, miner: 160, device: 64 } as const;
/** Devices by behaviour; who replays needs none. */
const DEVICES: Readonly<Partial<Record<Behaviour, number>>> = {
  'honest-large': 2,
  'honest-small': 1,
  'honest-memory': 1,
  'fabricates-rows': 1,
};

export interface CastParts {
  readonly processes: Processes;
  readonly world: World;
  readonly dir: string;
}

export const CHAIN = 'localnet';

/** Its folder keeps what is final, so that it comes back as the same chain, at the same port. */
export async function startChain({ processes, world, dir }: CastParts, blockTimeMs: number): Promise<string> {
  const { ready } = await processes.start({
    name: CHAIN,
    args: (_attempt, first) => [
      ...['localnet', 'start', '--port', String(first.port ?? 0), '--block-time-ms', String(blockTimeMs)],
      ...['--base-path', join(dir, 'chain'), '--log-level', 'warn', '--fund', ...funds(world)],
    ],
    heapMiB: HEAP.chain,
  });
  return String(ready.url);
}

type Devices = ReadonlyMap<Behaviour, readonly { readonly port: number; readonly slot: number }[]>;

export async function startDevices({ processes, world }: CastParts): Promise<Devices> {
  const device = async (name: string, prover: ProverName) => {
    const { ready } = await processes.start({
      name,
      args: (_attempt, { port }) => [
        ...['simulated', 'device'],
        JSON.stringify({ prover, slots: 1, turns: false, seed: `${world.seed}/${name}`, port: port ?? 0 }),
      ],
      heapMiB: HEAP.device,
    });
    return { port: Number(ready.port), slot: 0 };
  };
  const of = async ({ behaviour }: World['miners'][number]) => {
    const count = DEVICES[behaviour] ?? 0;
    const own = Array.from({ length: count }, (_, k) =>
      device(`device-${behaviour}-${k}`, FACTS[behaviour].prover),
    );
    return [behaviour, await Promise.all(own)] as const;
  };
  return new Map(await Promise.all(world.miners.map(of)));
}

export interface OnChain {
  readonly url: string;
  readonly netuid: Netuid;
}

/** The files of the owner are handed out by all honest miners: one alone could be the one that is away. */
export async function startMiners(
  { processes, world, dir }: CastParts,
  { url, netuid }: OnChain,
  devices: Devices,
  { files }: OwnersFiles,
): Promise<void> {
  const folder = join(dir, 'owner');
  await mkdir(folder, { recursive: true });
  const paths = await Promise.all(
    [...files].map(async ([digest, bytes]) => {
      const path = join(folder, `${digest}.json`);
      await writeFile(path, bytes);
      return path;
    }),
  );
  await Promise.all(
    world.miners.map(({ name, behaviour, hotkeyUri, host }) =>
      processes.start({
        name,
        args: () => [
          ...['simulated', 'miner'],
          JSON.stringify({
            ...{ behaviour, chain: url, netuid, hotkeyUri, host, port: 0, leakPort: 0 },
            link: false,
            worker: DEMO_PLAN.worker,
            devices: devices.get(behaviour) ?? [],
            data: join(dir, name),
            files: FACTS[behaviour].honest ? paths : [],
            seed: `${world.seed}/${name}`,
          }),
        ],
        heapMiB: HEAP.miner,
        env: unitsMalloc('miner'),
      }),
    ),
  );
}

export async function startValidators(
  { processes, world, dir }: CastParts,
  { url, netuid }: OnChain,
  extra: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  await Promise.all(
    world.validators.map(({ name, hotkeyUri }) =>
      processes.start({
        name,
        args: () => [
          ...['validator', 'start', '--chain', url, '--netuid', String(netuid), '--hotkey', hotkeyUri],
          ...['--data', join(dir, name), '--admin-port', '-1', '--keep-accepted', '1'],
          ...(extra[name] ?? []),
        ],
        heapMiB: HEAP.validator,
        env: unitsMalloc('validator'),
      }),
    ),
  );
}

export const startWorker = (
  { processes }: CastParts,
  name: string,
  flags: readonly string[],
): Promise<unknown> =>
  processes.start({ name, args: () => ['validator', 'worker', ...flags], heapMiB: HEAP.worker });
