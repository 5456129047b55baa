// Owns: scoring policies on this host's disk, and those that come with this build, by path or name; the classes that a policy may
// name. Does not own: what a policy says (scoring), parameter files (parameter-files.ts).
import { toHex } from '../model/bytes.js';
import { isAssayError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import type { ParameterShelf } from '../parameters/parameters.js';
import {
  encodePolicy,
  type KnownClasses,
  POLICIES,
  POLICY_BYTES,
  POLICY_FORMAT,
  type PolicyName,
  policyDigest,
  readPolicy,
  type ScoringPolicy,
} from '../scoring/index.js';
import type { ParameterFile } from '../verification/parameter-file.js';
import type { Publication } from '../verification/publication.js';
import { readInputBytes } from './input-text.js';
import { invalid } from './invalid-input.js';
import { shelve } from './parameter-files.js';
import type { Known } from './subnet-module.js';

/** A policy as somebody wrote it. */
export interface NamedPolicy {
  readonly policy: ScoringPolicy;
  /** the one spelling */
  readonly bytes: Uint8Array;
  /** lower-case hex: what a parameter file names */
  readonly digest: string;
}

export const POLICY_NAMES = Object.keys(POLICIES) as readonly PolicyName[];

export const isPolicyName = (text: string): text is PolicyName => Object.hasOwn(POLICIES, text);

export const namedPolicy = (policy: ScoringPolicy): NamedPolicy => ({
  policy,
  bytes: encodePolicy(policy),
  digest: policyDigest(policy),
});

/**
 * @param path of a file, `-` for standard input, or the name of a policy of this build
 * @param known whose rules a policy may name
 * @param classes a policy that names another kind or class is refused. @default any name
 * @throws AssayError `invalid-input` naming the file and its key; `unsupported` for a rule that is not known here
 */
export async function readNamedPolicy(
  path: string,
  { rules }: Pick<Known, 'rules'>,
  classes?: KnownClasses,
): Promise<NamedPolicy> {
  if (isPolicyName(path)) return namedPolicy(POLICIES[path]);
  const bytes = await readInputBytes(path, { maxBytes: POLICY_BYTES, names: () => POLICY_NAMES });
  try {
    return namedPolicy(readPolicy(bytes, classes, rules));
  } catch (error) {
    // a file that is of no use here is wrong usage, whichever build would read it; a rule is missed until its module is named
    if (isAssayError(error, 'unsupported') && !error.data.what.startsWith('policy.'))
      throw invalid(path, `a policy of ${POLICY_FORMAT}`, `${error.data.what}, of a newer version`, error);
    if (isAssayError(error, 'invalid-input') && error.data.what.endsWith('.match.kinds')) {
      const { what, expected, got } = error.data;
      throw invalid(what, `${expected} (or, with --module, of the subnet's own)`, got, error);
    }
    throw error;
  }
}

/** What these parameters have: a policy that pays for a class which nobody can claim is a mistake. */
export function knownClasses({ sets }: Pick<ParameterFile, 'sets'>): KnownClasses {
  const known: Record<string, string[]> = Object.create(null);
  for (const { kind, className } of sets) known[kind] = [...(known[kind] ?? []), className];
  return known;
}

/**
 * Puts the files on a role's shelf that its operator named.
 * @returns them by digest
 * @throws AssayError as `readNamedFile` and `readNamedPolicy`
 */
export async function shelveGiven(
  shelf: ParameterShelf,
  { params, policy }: { readonly params: readonly string[]; readonly policy: readonly string[] },
  known: Pick<Known, 'kinds' | 'rules'>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = await shelve(shelf, params, known.kinds);
  const policies = await Promise.all(policy.map((path) => readNamedPolicy(path, known)));
  for (const { digest, bytes } of policies) await shelf.write(digest, bytes);
  return new Map([...files, ...policies.map(({ digest, bytes }) => [digest, bytes] as const)]);
}

/** Whoever names a policy may think that it counts: what does is on the chain. */
export function warnUnpublished(
  log: Log,
  given: ReadonlyMap<string, Uint8Array>,
  publication: Publication | undefined,
): void {
  const published = publication && [publication.parameters, publication.previous, publication.policy];
  const digests = published?.map(toHex) ?? [];
  for (const digest of given.keys())
    if (!digests.includes(digest))
      log.warn('this file is not published on this subnet: handed to whoever asks, and nothing goes by it', {
        digest,
      });
}
