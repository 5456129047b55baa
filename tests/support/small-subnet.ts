// Owns: a subnet of two validators and one honest miner on an embedded chain, all under one clock that jumps.
import { setMaxListeners } from 'node:events';
import type { ChainReader, ChainWriter, Subnet } from '../../src/chain/chain.js';
import { createReferenceCompute } from '../../src/compute/cpu/reference.js';
import { keypairFromUri, readyKeys } from '../../src/keys/index.js';
import { createLocalnet } from '../../src/localnet/localnet.js';
import { runMiner } from '../../src/miner/miner.js';
import { noReceipts } from '../../src/miner/receipts.js';
import { createLocalSlot, type Slot } from '../../src/miner/slot.js';
import { toHex } from '../../src/model/bytes.js';
import { type Hotkey, type Netuid, toHotkey, type Uid } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { createLoopback } from '../../src/protocol/loopback.js';
import { createEmbeddedChain } from '../../src/testing/embedded-chain.js';
import { createMemoryLedger, type MemoryLedger } from '../../src/testing/memory-ledger.js';
import { setUp } from '../../src/testing/setup.js';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.js';
import { DEMO_PLAN, type World } from '../../src/testing/world.js';
import { noDelay } from '../../src/validator/own-delay.js';
import type { EventPlan } from '../../src/validator/schedule.js';
import type { ValidatorStatus } from '../../src/validator/status.js';
import { runValidator, type ValidatorParts } from '../../src/validator/validator.js';
import { memoryWeightsBook, type WeightsBook } from '../../src/validator/weights/book.js';
import { type Line, recordingLog } from './logs.js';
import { TOY_PARAMS, TOY_PARAMS_ID, type ToyParams, toyKind } from './toy-kind.js';

const key = (name: string) => ({ hotkeyUri: `//test//${name}//hot`, coldkeyUri: `//test//${name}//cold` });
const TAO = 1_000_000_000n;

/** `pauper` is registered as the others are and has no stake. */
const WORLD: World = {
  seed: 'small',
  owner: key('owner'),
  validators: [
    { name: 'validator-a', ...key('validator-a'), stakeRao: 120n * TAO },
    { name: 'validator-b', ...key('validator-b'), stakeRao: 80n * TAO },
  ],
  miners: [
    { name: 'miner-1', behaviour: 'honest-small', ...key('miner-1'), host: '127.16.0.1' },
    { name: 'pauper', behaviour: 'silent', ...key('pauper'), host: '127.17.0.1' },
  ],
  registration: ['miner-1', 'validator-a', 'pauper', 'validator-b'],
};

export interface RunningValidator {
  readonly lines: readonly Line[];
  readonly status: () => ValidatorStatus | undefined;
  /** what `runValidator` gave */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export interface ValidatorSetting {
  readonly ledger?: MemoryLedger;
  readonly reader?: ChainReader;
  /** of a validator that ran before */
  readonly book?: WeightsBook;
  readonly writer?: ValidatorParts['writer'];
  readonly plan?: EventPlan;
  readonly kinds?: ValidatorParts['kinds'];
  readonly rules?: ValidatorParts['rules'];
  readonly parameters?: ValidatorParts['parameters'];
  readonly scoreOf?: ValidatorParts['scoreOf'];
  readonly alert?: ValidatorParts['alert'];
  readonly verifiers?: ValidatorParts['verifiers'];
  readonly decisions?: ValidatorParts['decisions'];
}

export interface SmallSubnet {
  /** files that the miner has, by digest in hex */
  readonly content: Map<string, Uint8Array>;
  readonly clock: VirtualClock;
  readonly chain: ChainReader & ChainWriter;
  readonly netuid: Netuid;
  readonly uids: ReadonlyMap<string, Uid>;
  hotkeyOf(name: string): Hotkey;
  /** Registers a hotkey, of pauper's coldkey, in the place of miner-1, which is pruned, and lets it serve. */
  replace(name: string): Promise<Hotkey>;
  start(name: 'validator-a' | 'validator-b' | 'pauper', setting?: ValidatorSetting): RunningValidator;
  /** Resolves after the first block in which `holds`, with the subnet of that block; rejects after ten epochs without one. */
  until(holds: (subnet: Subnet) => boolean): Promise<Subnet>;
}

/** Runs `body` on a subnet whose epochs have 48 blocks of 250 ms, with the demo's plan of events. */
export async function onSmallSubnet<T>(
  body: (subnet: SmallSubnet) => Promise<T>,
  {
    params = TOY_PARAMS,
    paramsId = TOY_PARAMS_ID,
    more = () => [],
  }: {
    readonly params?: ToyParams;
    readonly paramsId?: Uint8Array;
    /** slots beside the one of the toy kind */
    readonly more?: (clock: VirtualClock) => readonly Slot[];
  } = {},
): Promise<T> {
  await readyKeys();
  const clock = createVirtualClock();
  return clock.runUntil(run());

  async function run(): Promise<T> {
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const root = keypairFromUri('//Alice');
    const coldkeys = [WORLD.owner, ...WORLD.validators, ...WORLD.miners].map(({ coldkeyUri }) => coldkeyUri);
    const localnet = await createLocalnet({
      sudo: root.address,
      balances: coldkeys.map((uri) => [keypairFromUri(uri).address, 10_000n * TAO] as const),
      blockTimeMs: DEMO_PLAN.blockTimeMs,
      clock,
    });
    const chain = createEmbeddedChain(localnet);
    const roles: Promise<unknown>[] = [localnet.run(stop.signal)];
    const { netuid, uids } = await setUp({ chain, root, say: () => {} }, WORLD);
    const wire = createLoopback({ clock });
    const kind = toyKind();
    const content = new Map<string, Uint8Array>();
    const compute = createReferenceCompute();
    const keyOf = (name: string) => keypairFromUri(key(name).hotkeyUri);
    const serve = (name: string, host: string) =>
      new Promise<void>((resolve, reject) => {
        const place = { index: 0, worker: 'host-1' };
        const slot = createLocalSlot({ compute, kind, params, paramsId, clock }, place);
        const running = runMiner(
          {
            reader: chain,
            writer: chain,
            wire,
            keypair: keyOf(name),
            clock,
            random: createSeededRandom(name),
            log: silentLog,
            receipts: noReceipts,
            slots: [slot, ...more(clock)],
            content: (digest) => content.get(toHex(digest)),
          },
          { netuid, host, port: 0 },
          stop.signal,
          () => resolve(),
        );
        running.catch(reject);
        roles.push(running);
      });
    await serve('miner-1', '127.16.0.1');

    const subnet: SmallSubnet = {
      content,
      clock,
      chain,
      netuid,
      uids,
      hotkeyOf: (name) => toHotkey(keyOf(name).address),
      async replace(name) {
        const hotkey = toHotkey(keyOf(name).address);
        const { registeredAt, uid } = (await chain.subnet(netuid)).neurons[uids.get('miner-1')!]!;
        const sudo = (call: string, value: number) => chain.sudo(root, { call, args: [netuid, value] });
        await Promise.all([sudo('sudo_set_min_non_immune_uids', 0), sudo('sudo_set_min_allowed_uids', 1)]);
        // registered before all others, it alone is not immune: at the block of the registration, the next but one
        await sudo('sudo_set_max_allowed_uids', (await chain.subnet(netuid)).neurons.length);
        await sudo('sudo_set_immunity_period', localnet.head().number + 2 - registeredAt);
        const registered = await chain.burnedRegister(
          keypairFromUri(key('pauper').coldkeyUri),
          netuid,
          hotkey,
        );
        if (registered.uid !== uid) throw new Error(`uid ${registered.uid} was replaced, not ${uid}`);
        await serve(name, '127.18.0.1');
        return hotkey;
      },
      start(
        name,
        {
          ledger = createMemoryLedger(),
          book = memoryWeightsBook(),
          reader = chain,
          writer = chain,
          plan,
          kinds = { toy: kind },
          rules,
          parameters,
          scoreOf,
          alert,
          verifiers,
          decisions,
        } = {},
      ) {
        const own = new AbortController();
        const { log, lines } = recordingLog();
        let status: ValidatorStatus | undefined;
        const running = runValidator(
          {
            reader,
            writer,
            wire,
            keypair: keyOf(name),
            kinds,
            rules,
            parameters,
            scoreOf,
            ...(alert ? { alert } : {}),
            verifiers,
            decisions,
            ledger,
            clock,
            random: createSeededRandom(`${name} at ${clock.monotonic()}`),
            book,
            ownDelay: noDelay,
            log,
          },
          { netuid, plan: plan ?? DEMO_PLAN.events },
          AbortSignal.any([stop.signal, own.signal]),
          (now) => {
            status = now;
          },
        );
        roles.push(running.catch(() => {})); // `ended` tells
        return {
          lines,
          ended: running,
          status: () => status,
          stop() {
            own.abort();
            return running;
          },
        };
      },
      until: (holds) =>
        new Promise((resolve, reject) => {
          const last = localnet.head().number + 10 * DEMO_PLAN.tempo;
          const off = localnet.onBlock(({ number, hash }) => {
            if (number > last) reject(new Error('what was waited for did not come within ten epochs'));
            chain.subnet(netuid, hash).then((now) => {
              if (!holds(now)) return;
              off();
              resolve(now);
            }, reject);
          });
        }),
    };
    try {
      return await body(subnet);
    } finally {
      stop.abort();
      await Promise.all(roles);
    }
  }
}
