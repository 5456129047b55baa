// Owns: what the owner of a subnet of ours publishes: a policy, the parameters that name it, their digests. Does not own: publishing
// (setup.ts), the plan of events as such (world.ts).
import { toHex } from '../model/bytes.js';
import { sha256 } from '../model/hash.js';
import { encodePolicy, parsePolicy, policyDigest, type ScoringPolicy } from '../scoring/index.js';
import { SIMULATED_PRICES } from '../scoring/prices.js';
import { kinds } from '../verification/kinds/index.js';
import { builtInFile, encodeParameterFile, parseParameterFile } from '../verification/parameter-file.js';
import { NO_DIGEST, type Publication } from '../verification/publication.js';
import { DEMO_PLAN } from './world.js';

/** Devices and links are bought apart: however many links there are, devices have their share. */
export const DEMO_POLICY: ScoringPolicy = parsePolicy({
  format: 'assay-scoring-policy/1',
  name: 'demo',
  burn: 0.02,
  pools: [
    {
      name: 'devices',
      share: 0.83,
      match: { kinds: ['compute', 'memory'] },
      simulatedPrices: SIMULATED_PRICES,
    },
    { name: 'links', share: 0.15, match: { kinds: ['bandwidth'] }, simulatedPrices: SIMULATED_PRICES },
  ],
  quarantine: { reasons: ['projection', 'seed', 'digest', 'path'], epochs: 2 },
  schedule: DEMO_PLAN.events,
});

export interface OwnersFiles {
  /** by digest in lower-case hex: whoever has these can be asked for them */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly policyDigest: string;
  /** @param firstEpoch in it the old parameters count too, and with them no policy */
  publication(firstEpoch: number): Publication;
}

/** A policy, and the sets of this build with those of the owner's own. */
export function ownersFiles(scoring: ScoringPolicy = DEMO_POLICY, own: readonly object[] = []): OwnersFiles {
  const policy = encodePolicy(scoring);
  const { sets, ...file } = builtInFile(kinds, policyDigest(scoring));
  const all = { version: 1, ...file, sets: [...sets.map(({ params }) => params), ...own] };
  const parameters = encodeParameterFile(parseParameterFile(all, kinds));
  return {
    files: new Map([policy, parameters].map((bytes) => [toHex(sha256(bytes)), bytes])),
    policyDigest: policyDigest(scoring),
    publication: (firstEpoch) => ({
      parameters: sha256(parameters),
      previous: NO_DIGEST,
      policy: sha256(policy),
      firstEpoch,
      versionKey: 0n,
    }),
  };
}
