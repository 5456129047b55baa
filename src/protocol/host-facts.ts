// Owns: the form of what a miner says of its hosts, signed by its hotkey, and reading it. Nothing of it is proven. Does not own: how it
// is collected, and what can be seen of it from outside (cli).
import { z } from 'zod';
import { type Keypair, verifySignature } from '../keys/keypair.js';
import { concat, fromHex, toHex, utf8 } from '../model/bytes.js';
import { canonicalJson } from '../model/canonical-json.js';
import { TAG } from './envelope.js';
import { invalidInput, limitExceeded, unauthenticated } from './errors.js';
import { SESSION_LIMITS } from './limits.js';

export const HOST_FACTS_FORMAT = 'assay-host-facts/1';
/** Of some dozen hosts; one is about 1 KB. */
export const HOST_FACTS_BYTES = 64 * 1024;
/** Named in one file. */
export const HOST_FACTS_HOSTS = 64;
const LAYOUT = 20;

/** What is shown on somebody else's terminal: printable ASCII, and short. */
const text = z.string().regex(/^[\x20-\x7e]{1,200}$/, 'expected at most 200 characters of printable ASCII');
const amount = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const port = z.int().min(1).max(65_535);

/** Of one host. */
export const HOST_FACTS = z.strictObject({
  /** unix ms at which they were collected */
  at: amount,
  system: text.optional(),
  kernel: text.optional(),
  cpu: text.optional(),
  cpus: amount.optional(),
  memoryBytes: amount.optional(),
  /** of the volume of the data folder */
  diskBytes: amount.optional(),
  diskFreeBytes: amount.optional(),
  /** e.g. kvm, docker, none */
  virtualisation: text.optional(),
  containerRuntimes: z.array(text).max(8).optional(),
  drivers: z.array(text).max(32).optional(),
  /** TCP, listening on an address other than loopback; all of them unless there were more */
  openPorts: z.array(port).max(256).optional(),
  pendingSecurityUpdates: amount.optional(),
  /** unix ms: how old what is known of updates is */
  updatesCheckedAt: amount.optional(),
});
/** What could not be found out is absent. */
export type HostFacts = z.infer<typeof HOST_FACTS>;

const STATEMENT = z.strictObject({
  format: z.literal(HOST_FACTS_FORMAT),
  genesis: z.string().regex(/^[0-9a-f]{64}$/),
  netuid: z.int().min(0).max(0xffff),
  hotkey: z.string().regex(/^[0-9a-f]{64}$/),
  /** newest block that the miner had seen */
  block: amount,
  hosts: z
    .array(z.strictObject({ worker: text.max(SESSION_LIMITS.workerTagChars), facts: HOST_FACTS }))
    .max(HOST_FACTS_HOSTS),
});
export type HostFactsStatement = z.infer<typeof STATEMENT>;

const FILE = z.strictObject({ statement: z.string(), signature: z.string().regex(/^[0-9a-f]{128}$/) });

const messageOf = (statement: string): Uint8Array => concat(TAG, Uint8Array.of(LAYOUT), utf8(statement));

/** The file that other ends have by its SHA-256. @throws AssayError `invalid-input` for facts that nobody would read */
export function signHostFacts(
  keypair: Keypair,
  of: { readonly genesis: Uint8Array } & Pick<HostFactsStatement, 'netuid' | 'block' | 'hosts'>,
): Uint8Array {
  const { genesis, netuid, block, hosts } = of;
  const statement = canonicalJson({
    format: HOST_FACTS_FORMAT,
    genesis: toHex(genesis),
    netuid,
    hotkey: toHex(keypair.publicKey),
    block,
    hosts,
  });
  const signature = toHex(keypair.sign(messageOf(statement)));
  const file = utf8(canonicalJson({ statement, signature }));
  readHostFacts(file, { genesis, netuid, hotkey: keypair.publicKey });
  return file;
}

/** @throws AssayError `limit-exceeded`, `invalid-input`, `unauthenticated` for another's signature */
export function readHostFacts(
  file: Uint8Array,
  expect: { readonly genesis: Uint8Array; readonly netuid: number; readonly hotkey: Uint8Array },
): HostFactsStatement {
  if (file.length > HOST_FACTS_BYTES) throw limitExceeded('host facts', HOST_FACTS_BYTES, file.length);
  const { statement, signature } = parsed(FILE, file);
  // whose it is, before what it says
  if (!verifySignature(fromHex(signature), messageOf(statement), expect.hotkey))
    throw unauthenticated('bad-signature');
  const of = parsed(STATEMENT, utf8(statement));
  if (
    of.hotkey !== toHex(expect.hotkey) ||
    of.genesis !== toHex(expect.genesis) ||
    of.netuid !== expect.netuid
  )
    throw invalidInput('host facts', 'those of this hotkey, chain and subnet', 'others');
  return of;
}

/** Of one host, as it came from there. @throws AssayError `invalid-input` */
export function parseHostFacts(text: string): HostFacts {
  return parsed(HOST_FACTS, utf8(text));
}

function parsed<T>(schema: z.ZodType<T>, bytes: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalidInput('host facts', 'JSON in UTF-8', `${bytes.length} bytes that are none`);
  }
  const result = schema.safeParse(value);
  if (!result.success)
    throw invalidInput(
      'host facts',
      HOST_FACTS_FORMAT,
      `at ${result.error.issues[0]!.path.join('.').slice(0, 64)}`,
    );
  return result.data;
}
