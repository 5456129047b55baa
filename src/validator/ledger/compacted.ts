// Owns: the file of what is left of epochs whose outcomes are gone: their signed heads, and the state that they were folded into.
// Does not own: the state itself (scoring), folding (retention.ts).
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fromHex, toHex, utf8 } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { toHotkey } from '../../model/ids.js';
import { syncFolder } from './folder.js';
import {
  isSignedOver,
  type LedgerHead,
  type LedgerOwner,
  type LedgerWriter,
  type SignedHead,
  signOver,
} from './signed.js';

export const COMPACTED = 'compacted.json';
const DOMAIN = 'assay/ledger/compacted/1';
/** Heads of a hundred thousand epochs and the state of 4,096 hotkeys are some 50 MB. */
const MAX_BYTES = 512 * 2 ** 20;

export interface Compacted {
  readonly owner: LedgerOwner;
  /** where the ledger goes on from */
  readonly head: LedgerHead;
  /** hex SHA-256 of the policy that `state` is under */
  readonly policy: string;
  /** the scoring state behind the last of these epochs */
  readonly state: string;
  /** of each epoch that is gone, as the hotkey signed it */
  readonly heads: readonly SignedHead[];
}

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const count = z.int().min(0);
const HEAD = z.strictObject({ epoch: count, records: count, link: hex(32) });
const FILE = z.strictObject({
  assay: z.literal('ledger-compacted'),
  version: z.literal(1),
  genesis: hex(32),
  netuid: count.max(0xffff),
  hotkey: z.string(),
  head: HEAD,
  policy: hex(32),
  state: z.string(),
  heads: z.array(HEAD.extend({ signature: hex(64) })),
});
const SIGNED = FILE.extend({ signature: hex(64) });

/** @throws AssayError `corrupt` where it is not what its hotkey signed */
export async function readCompacted(dir: string): Promise<Compacted | undefined> {
  const path = join(dir, COMPACTED);
  const corrupt = (why: string, cause?: unknown) =>
    new AssayError('corrupt', `${path}: ${why}`, { path, why }, { cause });
  const file = await open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return undefined;
  try {
    if ((await file.stat()).size > MAX_BYTES) throw corrupt(`more than ${MAX_BYTES} bytes`);
    const text = await file.readFile('utf8');
    let value: z.infer<typeof SIGNED>;
    try {
      value = SIGNED.parse(JSON.parse(text));
    } catch (cause) {
      throw corrupt('not what is left of a ledger', cause);
    }
    const { signature, ...signed } = value;
    const owner = {
      genesisHash: fromHex(value.genesis),
      netuid: value.netuid,
      hotkey: toHotkey(value.hotkey),
    };
    if (!isSignedOver(owner, DOMAIN, digestOf(signed), fromHex(signature)))
      throw corrupt(`not signed by ${owner.hotkey}`);
    const headFrom = (head: z.infer<typeof HEAD>): LedgerHead => ({ ...head, link: fromHex(head.link) });
    return {
      owner,
      head: headFrom(value.head),
      policy: value.policy,
      state: value.state,
      heads: value.heads.map(({ signature: of, ...head }) => ({ ...headFrom(head), signature: fromHex(of) })),
    };
  } finally {
    await file.close();
  }
}

const digestOf = (signed: z.infer<typeof FILE>): Uint8Array => sha256(utf8(canonicalJson(signed)));

/** The one before it stands until this one does. */
export async function writeCompacted(
  { dir, writer }: { readonly dir: string; readonly writer: LedgerWriter },
  { owner, head, policy, state, heads }: Compacted,
): Promise<void> {
  const json = ({ epoch, records, link }: LedgerHead) => ({ epoch, records, link: toHex(link) });
  const left: z.infer<typeof FILE> = {
    assay: 'ledger-compacted',
    version: 1,
    genesis: toHex(owner.genesisHash),
    netuid: owner.netuid,
    hotkey: owner.hotkey,
    head: json(head),
    policy,
    state,
    heads: heads.map(({ signature, ...each }) => ({ ...json(each), signature: toHex(signature) })),
  };
  const signature = toHex(signOver(writer, DOMAIN, digestOf(left)));
  const path = join(dir, COMPACTED);
  const file = await open(`${path}.tmp`, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify({ ...left, signature }));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
  await syncFolder(dir);
}
