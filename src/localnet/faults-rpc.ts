// Owns: the `dev_` methods: making blocks, the faucet, and everything the node can be asked to do wrong. Does not own: what
// follows (faults.ts, localnet.ts), where they are served (serve.ts: on loopback, when the localnet was told so).
import { z } from 'zod';
import { toHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { NO_FAULTS, NONSENSE, POOL_REFUSALS, type PoolCode } from './faults.js';
import { LIMITS } from './limits.js';
import type { Node } from './node.js';
import { RpcError } from './validity.js';

type Method = (params: readonly unknown[]) => unknown;

const blockCount = z.number().int().min(0).max(1000);
const codes = Object.keys(POOL_REFUSALS).map(Number) as PoolCode[];
const rao = z.string().regex(/^[1-9]\d{0,18}$/);

/**
 * | method | does |
 * |---|---|
 * | `dev_newBlock(count?)` | makes blocks, in manual mode only; the hash of the last |
 * | `dev_faucet(address, rao)` | adds free TAO by root in the next block; the extrinsic's hash |
 * | `dev_faults()` | what is asked for now |
 * | `dev_stall()`, `dev_resume()` | the clock makes no blocks, makes them again |
 * | `dev_dropConnections(refuseMs?)` | ends all connections, and refuses new ones for so long |
 * | `dev_delayInclusion(blocks)` | extrinsics wait for so many blocks; 0 ends it |
 * | `dev_reject(pattern, code?, custom?)` | refuses calls by name with a code of the pool: 1010 (with `Custom error`), 1011, 1012, 1014, 1016 |
 * | `dev_reorg(depth)` | replaces the last blocks by another branch; the hash of its head |
 * | `dev_upgradeRuntime()` | the next block installs the next spec version, which is returned |
 * | `dev_lag(blocks)` | serves a head so many blocks behind; 0 ends it |
 * | `dev_nonsense(method, kind?)` | a method answers nonsense: wrong-type, null, truncated, error, silence |
 * | `dev_clear()` | ends all of these; upgrades and reorganisations stay |
 */
export function faultMethods(
  node: Node,
  {
    known,
    parse,
  }: {
    readonly known: (method: string) => boolean;
    readonly parse: <T>(params: readonly unknown[], schema: z.ZodType<T>) => T;
  },
): Readonly<Record<string, Method>> {
  const methods: Record<string, Method> = {
    dev_faucet: (params) => {
      const [address, amount] = parse(params, z.tuple([z.string().max(128), rao]));
      return asked(() => node.faucet(address, BigInt(amount)).hash);
    },
    dev_faults: () => node.faults,
    dev_stall: () => node.setFaults({ stalled: true }),
    dev_resume: () => node.setFaults({ stalled: false }),
    dev_dropConnections: (params) => {
      const [refuseMs = 0] = parse(params, z.tuple([z.number().int().min(0).max(LIMITS.refuseMs)]).partial());
      // whoever asked gets the answer first
      setImmediate(() => node.dropConnections(refuseMs));
    },
    dev_delayInclusion: (params) => {
      const [blocks] = parse(params, z.tuple([blockCount]));
      node.setFaults({ inclusionDelayBlocks: blocks });
    },
    dev_reject: (params) => {
      const pattern = z.string().regex(/^[A-Za-z0-9_.*]{1,128}$/);
      const code = z.literal(codes).optional();
      const custom = z.number().int().min(0).max(255).optional();
      const [call, refusal = 1010, number] = parse(params, z.tuple([pattern, code, custom]));
      const rejection = { pattern: call, code: refusal, custom: number };
      node.setFaults({ rejections: [...node.faults.rejections, rejection].slice(-LIMITS.rejections) });
    },
    dev_reorg: (params) => {
      const [depth] = parse(params, z.tuple([z.number().int()]));
      return asked(() => prefixed(node.reorganise(depth).hash));
    },
    dev_upgradeRuntime: () => node.upgradeRuntime(),
    dev_lag: (params) => {
      const [blocks] = parse(params, z.tuple([blockCount]));
      node.setFaults({ lagBlocks: blocks });
    },
    dev_nonsense: (params) => {
      const [method, kind = 'wrong-type'] = parse(
        params,
        z.tuple([z.string().max(128), z.enum(NONSENSE).optional()]),
      );
      if (!known(method) || method.startsWith('dev_'))
        throw new RpcError(-32602, 'Invalid params: no such method', method);
      node.setFaults({ nonsense: { ...node.faults.nonsense, [method]: kind } });
    },
    dev_clear: () => node.setFaults(NO_FAULTS),
  };
  if (node.options.manual)
    methods.dev_newBlock = (params) => {
      const [count = 1] = parse(params, z.tuple([z.number().int().min(1).max(LIMITS.newBlocks)]).partial());
      let { hash } = node.head();
      for (let made = 0; made < count; made++) hash = node.produceBlock().hash;
      return prefixed(hash);
    };
  return methods;
}

/** What cannot be done as asked is the caller's error. */
function asked<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof AssayError) throw new RpcError(-32602, `Invalid params: ${error.message}`);
    throw error;
  }
}

const prefixed = (bytes: Uint8Array): string => `0x${toHex(bytes)}`;
