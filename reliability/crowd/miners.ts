// Owns: a process of many miners: real servers, real proofs, one connection to the chain between them. Does not own: who they are (plan.ts).
import { setMaxListeners } from 'node:events';
import type { ChainReader, Head, Subnet } from '../../src/chain/chain.js';
import { connectSubtensor } from '../../src/chain/subtensor/connect.js';
import { createPackedCompute } from '../../src/compute/cpu/packed.js';
import { keypairFromUri, readyKeys } from '../../src/keys/index.js';
import { type MinerParts, runMiner } from '../../src/miner/miner.js';
import { noReceipts } from '../../src/miner/receipts.js';
import { createLocalSlot, type Slot } from '../../src/miner/slot.js';
import { toHex } from '../../src/model/bytes.js';
import { systemClock } from '../../src/model/clock.js';
import { type Netuid, toNetuid } from '../../src/model/ids.js';
import { createLog, silentLog } from '../../src/model/log.js';
import { createSeededRandom, systemRandom } from '../../src/model/prng.js';
import { createGrpcWire } from '../../src/protocol/grpc/wire.js';
import { ownersFiles } from '../../src/testing/demo-policy.js';
import { createRelayingSlot, type Leak, silentAnswer, withLeak } from '../../src/testing/liars/sessions.js';
import { paramsId as idOf } from '../../src/verification/checked-params.js';
import { computeProof } from '../../src/verification/kinds/index.js';
import { heldMemory } from '../usage.js';
import { hostileSlot } from './hostile.js';
import { crowdParams } from './params.js';
import { type CrowdMiner, type CrowdPlan, crowdOf, crowdTiming, HELD, PORT } from './plan.js';

export interface MinersInput {
  readonly plan: CrowdPlan;
  readonly url: string;
  readonly netuid: number;
  /** those of the crowd with k % parts === part */
  readonly part: number;
  readonly parts: number;
}

const input = JSON.parse(process.argv[2] ?? '') as MinersInput; // written by soak.ts
const stop = new AbortController();
setMaxListeners(0, stop.signal);
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort());
process.on('disconnect', () => stop.abort()); // nobody is left to end us
process.on('message', (asked) => {
  if (asked !== HELD) return;
  const { heapUsed, external } = heldMemory();
  process.send?.({ heldMiB: (heapUsed + external) / 2 ** 20 });
});
await run(input, stop.signal);
process.exit();

async function run({ plan, url, part, parts, ...at }: MinersInput, signal: AbortSignal): Promise<void> {
  await readyKeys();
  const clock = systemClock;
  const chain = await connectSubtensor({ url, log: silentLog, clock, signal });
  const netuid = toNetuid(at.netuid);
  const reader = shared(chain, netuid, signal);
  const wire = createGrpcWire({ clock });
  const compute = createPackedCompute();
  const params = crowdParams(plan);
  const paramsId = idOf(params);
  const { files } = ownersFiles(crowdTiming(plan).policy, [params]);
  const content = (digest: Uint8Array) => files.get(toHex(digest));
  const log = createLog((line) => process.stderr.write(`${line}\n`), { level: 'warn' });
  const own = crowdOf(plan).filter((_, k) => k % parts === part);
  /** who relays is in one process with whom it relays from */
  const leaks: ((leak: Leak) => void)[] = [];

  const slotOf = async ({ hostile, name }: CrowdMiner): Promise<Slot> => {
    const claim = { index: 0, worker: 'host-1', kind: computeProof.kind, paramsId };
    if (hostile === undefined)
      return createLocalSlot({ compute, kind: computeProof, params, paramsId, reserve: 0.25 }, claim);
    if (hostile === 'relays') {
      const slot = createRelayingSlot(claim);
      leaks.push((leak) => slot.leaked(leak));
      return slot;
    }
    const random = createSeededRandom(`${plan.seed}/${name}`);
    return hostileSlot(hostile, { compute, params, paramsId, claim, random });
  };
  const answerOf = ({ hostile }: CrowdMiner, isFirst: boolean): MinerParts['answer'] => {
    if (hostile === 'silent') return () => silentAnswer;
    if (!isFirst) return (honest) => honest;
    const leak = (each: Leak) => {
      for (const to of leaks) to(each);
    };
    return (honest) => (session) => honest(withLeak(session, leak));
  };
  const first = own.find(({ hostile }) => hostile === undefined);
  let ready = 0;
  const running = own.map(async (miner) => {
    const answer = answerOf(miner, miner === first);
    await runMiner(
      {
        reader,
        writer: chain,
        wire,
        clock,
        log: log.child({ miner: miner.name }),
        keypair: keypairFromUri(miner.hotkeyUri),
        random: systemRandom,
        receipts: noReceipts,
        slots: [await slotOf(miner)],
        content,
        ...(answer ? { answer } : {}),
      },
      { netuid, host: miner.host, port: PORT },
      signal,
      () => {
        ready++;
        if (ready === own.length) process.send?.({ ready: own.length });
      },
    );
  });
  try {
    await Promise.all(running);
  } finally {
    await chain.close();
  }
}

/** One reading of the chain in an epoch for all of a process: a host with hundreds of miners would not ask hundreds of times either. */
function shared(chain: ChainReader, netuid: Netuid, signal: AbortSignal): ChainReader {
  const listeners = new Set<(head: Head) => void>();
  let newest: Head | undefined;
  let read: { readonly subnet: Promise<Subnet>; until: number } | undefined;
  const hashes = new Map<number, Promise<Uint8Array>>();
  void chain
    .watchHeads((head) => {
      newest = head;
      for (const listener of listeners) listener(head);
    }, signal)
    .catch(() => {}); // the chain is gone: so is the soak
  return {
    ...chain,
    head: async () => newest ?? chain.head(),
    subnet(id, at, mechanism) {
      if (at || mechanism !== undefined || id !== netuid) return chain.subnet(id, at, mechanism);
      if (!read || (newest?.number ?? 0) >= read.until) {
        const subnet = chain.subnet(id);
        const own = { subnet, until: Number.POSITIVE_INFINITY };
        subnet.then(
          ({ nextEpochBlock = 0 }) => {
            own.until = nextEpochBlock;
          },
          () => {
            own.until = 0;
          },
        );
        read = own;
      }
      return read.subnet;
    },
    blockHash(number) {
      const known = hashes.get(number) ?? chain.blockHash(number);
      hashes.set(number, known);
      known.catch(() => hashes.delete(number));
      hashes.delete(number - 4096);
      return known;
    },
    watchHeads: (onHead, until) =>
      new Promise((resolve) => {
        listeners.add(onHead);
        const end = () => {
          listeners.delete(onHead);
          resolve();
        };
        if (until.aborted) end();
        until.addEventListener('abort', end, { once: true });
      }),
  };
}
