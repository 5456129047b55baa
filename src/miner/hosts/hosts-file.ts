// Owns: what the operator says of the hosts behind a miner: whose key is whose tag, and whose is not good any more. Does not own:
// reading files (cli), who is connected (hosts.ts).
import { z } from 'zod';
import { fromHex, toHex } from '../../model/bytes.js';
import { isSigningKey } from '../../model/ed25519.js';
import { invalid } from '../../model/invalid-input.js';
import { HOST_LIMITS } from './limits.js';

export interface HostEntry {
  readonly worker: string;
  /** ed25519 public key, lower-case hex */
  readonly key: string;
  readonly revoked: boolean;
}

export const WORKER_TAG = /^[A-Za-z0-9_.-]{1,64}$/;

const schema = z.strictObject({
  hosts: z
    .array(
      z.strictObject({
        worker: z.string().regex(WORKER_TAG, 'expected 1 to 64 letters, digits, dots, dashes'),
        key: z
          .string()
          .regex(/^[0-9a-f]{64}$/, {
            error: 'expected 64 hex digits, as `assay miner host-key` prints them',
            abort: true,
          })
          .refine((hex) => isSigningKey(fromHex(hex)), 'nobody, or everybody, can sign with this key'),
        /** of a key that was lost, or a machine that went: refused with that reason, rather than as unknown */
        revoked: z.boolean().default(false),
      }),
    )
    .max(HOST_LIMITS.hosts),
});

/**
 * @param own the tag of the miner's own host, which no other may have
 * @throws AssayError `invalid-input` naming the entry
 */
export function parseHostsFile(value: unknown, { what, own }: { what: string; own: string }): HostEntry[] {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(
      what,
      `{ "hosts": [{ "worker", "key", "revoked"? }] }`,
      `at ${issue!.path.join('.') || 'the top'}: ${issue!.message}`,
    );
  }
  const { hosts } = parsed.data;
  const keys = new Set<string>();
  const workers = new Set<string>([own]);
  for (const { worker, key, revoked } of hosts) {
    if (keys.has(key)) throw invalid(what, 'each key once', `the key of ${worker} twice`);
    keys.add(key);
    if (revoked) continue; // a new key for the same host stands beside the one that is not good any more
    if (worker === own)
      throw invalid(what, `other workers than ${own}, which is the miner's own host`, worker);
    if (workers.has(worker)) throw invalid(what, 'each worker once, revoked keys aside', `${worker} twice`);
    workers.add(worker);
  }
  return hosts;
}

export const entryOf = (hosts: readonly HostEntry[], key: Uint8Array): HostEntry | undefined => {
  const hex = toHex(key);
  return hosts.find((host) => host.key === hex);
};
