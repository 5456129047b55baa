// A node of `assay localnet start --runtime SPEC --manual`: blocks on request, and each test from the same block.
import { connectSubtensor, type SubtensorOptions } from '../../../src/chain/index.js';
import { keypairFromUri, readyKeys } from '../../../src/keys/index.js';
import type { Keypair } from '../../../src/keys/keypair.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';

export type RuntimeChain = Awaited<ReturnType<typeof connectSubtensor>>;

export interface RuntimeNode {
  /** sudo, with 1,000,000 TAO */
  readonly root: Keypair;
  connect(options?: Partial<SubtensorOptions>): Promise<RuntimeChain>;
  /** @param pauseMs after each of them @default 0 */
  newBlocks(count: number, pauseMs?: number): Promise<void>;
  /** Makes blocks until `call` is decided. */
  land<T>(chain: RuntimeChain, call: Promise<T>): Promise<T>;
  /** Storage on top of the head, by the runtime's own names. */
  set(storage: object): Promise<void>;
  /** Back to the state that all tests start from. */
  rewind(): Promise<void>;
}

/** Until networks may be registered: 10 blocks in runtimes with short limits. */
const FIRST_BLOCKS = 12;
/** Nothing here needs so many blocks: something hangs. */
const MAX_BLOCKS = 80;
/** Between two blocks, so that what is on its way to the node arrives: it goes by another connection. */
const GAP_MS = 10;

export async function openRuntimeNode(url: string): Promise<RuntimeNode> {
  await readyKeys();
  const root = keypairFromUri('//Alice');
  const http = url.replace(/^ws/, 'http');

  async function request(method: string, params: readonly unknown[]): Promise<unknown> {
    const response = await fetch(http, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }
  const newBlocks = async (count: number, pauseMs = 0): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await request('dev_newBlock', [{ count: 1 }]);
      await systemClock.sleep(pauseMs);
    }
  };

  await newBlocks(FIRST_BLOCKS);
  const base = await request('chain_getBlockHash', []);

  return {
    root,
    newBlocks,
    connect: (options) =>
      connectSubtensor({ url, log: silentLog, clock: systemClock, limits: { fatePollMs: 100 }, ...options }),
    async land(chain, call) {
      let decided = false;
      const mark = () => {
        decided = true;
      };
      call.then(mark, mark);
      for (let blocks = 0; !decided; blocks++) {
        if (blocks > MAX_BLOCKS) throw new Error(`nothing happened within ${MAX_BLOCKS} blocks`);
        await newBlocks(1, GAP_MS);
        await chain.head();
      }
      return call;
    },
    async set(storage) {
      await request('dev_setStorage', [storage]);
    },
    async rewind() {
      await request('dev_setHead', [base]);
    },
  };
}
