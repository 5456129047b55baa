// Owns: which policy a subnet pays by, as far as this host can know it. Does not own: the rule (verification/publication.ts), what a
// policy says (scoring).
import type { Subnet } from '../../chain/chain.js';
import type { SubtensorReader } from '../../chain/operator-reads.js';
import { toHex } from '../../model/bytes.js';
import { isAssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import {
  DEFAULT_POLICY,
  POLICIES,
  policyDigest,
  readPolicy,
  type ScoringPolicy,
} from '../../scoring/index.js';
import { NO_POLICY } from '../../verification/parameter-file.js';
import { publicationIn } from '../../verification/publication.js';
import { dataPaths } from '../assemble.js';
import { openShelf } from '../parameter-files.js';
import { readNamedPolicy } from '../policy-files.js';
import type { Known } from '../subnet-module.js';
import { type Check, ok, unknown, warning } from './check.js';

export interface FoundPolicy {
  readonly policy: ScoringPolicy;
  readonly digest: string;
}

/**
 * @param of.named file or name that the operator gave: counted with, whatever is published
 * @param of.data of a miner, whose shelf may have the file
 * @throws AssayError for a named file that is none
 */
export async function policyInForce(
  chain: Pick<SubtensorReader, 'commitmentOf'>,
  { subnet, hash }: { readonly subnet: Subnet; readonly hash: Uint8Array },
  of: {
    readonly named: string | undefined;
    readonly data: string | undefined;
    readonly known: Pick<Known, 'rules'>;
  },
): Promise<{ readonly found: FoundPolicy | undefined; readonly check: Check }> {
  const published = await publishedBy(chain, subnet, hash);
  const named = of.named === undefined ? undefined : await readNamedPolicy(of.named, of.known);
  const wanted = published?.digest ?? policyDigest(DEFAULT_POLICY);
  const short = wanted.slice(0, 12);
  const isLater = published !== undefined && subnet.epochIndex <= published.firstEpoch;
  if (named) {
    const said = `${named.policy.name}, as you named it`;
    if (named.digest === wanted)
      return { found: named, check: ok('policy', `${said}; it is the one that counts`) };
    return {
      found: named,
      check: warning(
        'policy',
        `${said}: another counts on this subnet (${published ? short : 'compute, of this build'})`,
        'leave --policy out, or name the one that is published, to see what is paid there now',
      ),
    };
  }
  if (!published)
    return {
      found: { policy: DEFAULT_POLICY, digest: wanted },
      check: ok('policy', 'compute, of this build: the owner published none'),
    };
  let found: FoundPolicy | undefined;
  try {
    found = await keptPolicy(wanted, of);
  } catch (error) {
    if (!isAssayError(error, 'unsupported') && !isAssayError(error, 'invalid-input')) throw error;
    const fix =
      "name the subnet's own module with --module, the newest that there is, or install a newer assay";
    return {
      found: undefined,
      check: unknown('policy', `the owner's policy ${short}: ${error.message}`, fix),
    };
  }
  if (!found)
    return {
      found: undefined,
      check: unknown(
        'policy',
        `the owner published the policy ${short}, and its file is not here`,
        'name it with --policy, or the data folder of a miner of this subnet with --data: miners fetch it',
      ),
    };
  const said = `${found.policy.name} (${short}), published by the owner`;
  if (isLater)
    return {
      found,
      check: warning(
        'policy',
        `${said}; it counts after epoch ${published.firstEpoch}, this one is ${subnet.epochIndex}`,
        'until then the one before it is paid by: look again later',
      ),
    };
  return { found, check: ok('policy', said) };
}

/** Undefined where the owner has no policy of its own. */
async function publishedBy(
  chain: Pick<SubtensorReader, 'commitmentOf'>,
  { netuid, ownerHotkey }: Subnet,
  hash: Uint8Array,
): Promise<{ readonly digest: string; readonly firstEpoch: number } | undefined> {
  try {
    const commitment = await chain.commitmentOf(netuid, ownerHotkey, hash);
    const publication = commitment && publicationIn(commitment.fields);
    if (!publication) return undefined;
    const digest = toHex(publication.policy);
    return digest === NO_POLICY ? undefined : { digest, firstEpoch: publication.firstEpoch };
  } catch (error) {
    if (isAssayError(error, 'unsupported')) return undefined; // a chain without commitments has no policies on it
    throw error;
  }
}

async function keptPolicy(
  digest: string,
  { data, known }: { readonly data: string | undefined; readonly known: Pick<Known, 'rules'> },
): Promise<FoundPolicy | undefined> {
  for (const policy of Object.values(POLICIES))
    if (policyDigest(policy) === digest) return { policy, digest };
  const bytes = data === undefined ? undefined : await openShelf(dataPaths.parameters(data)).read(digest);
  // what a disk gives back is looked at as what a peer gives
  if (!bytes || toHex(sha256(bytes)) !== digest) return undefined;
  return { policy: readPolicy(bytes, undefined, known.rules), digest };
}
