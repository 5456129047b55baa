// Owns: rounds of a public beacon: which one a moment means, and having it, verified. Does not own: whose moments (windows.ts),
// the arithmetic of signatures (chain/codec/timelock.ts), what a round decides.
import type { ChainReader } from '../chain/chain.js';
import { createLocalBeacon, QUICKNET, verifyRound } from '../chain/codec/timelock.js';
import type { SubtensorReader } from '../chain/operator-reads.js';
import type { BeaconKind, BeaconRound } from '../inference/spec/window.js';
import { equals } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';

export interface Beacon {
  readonly kind: BeaconKind;
  /** The first round that comes out at or after a moment, unix ms. */
  roundFrom(unixMs: number): bigint;
  /** When a round comes out, unix ms. */
  timeOf(round: bigint): number;
  /**
   * Verified; undefined while it is not to be had. A round stays valid for ever, so that asking again later gives the same.
   * @throws AssayError when whoever is asked cannot be, or answers with another round's signature (`corrupt`)
   */
  fetch(round: bigint, signal: AbortSignal): Promise<BeaconRound | undefined>;
}

/** Where signatures of quicknet's rounds come from: 48 bytes as published, of anybody, for they are verified here. */
export type AskRound = (round: bigint, signal: AbortSignal) => Promise<Uint8Array | undefined>;

/** drand's quicknet by whatever brings its rounds. */
export const createQuicknetBeacon = (ask: AskRound): Beacon =>
  createSignedBeacon('drand-quicknet', QUICKNET, ask, (signature) => signature);

/**
 * The rounds that the chain keeps. `drand-pallet`: those of quicknet, which the main network's chain follows. `dev-chain`: those of
 * a localnet's own beacon, whose key everybody can know, and which therefore is a beacon for loopback alone.
 * @throws AssayError `unsupported` where the chain follows another beacon than asked for, or a live one a development beacon
 */
export async function createChainBeacon(
  kind: Exclude<BeaconKind, 'drand-quicknet'>,
  chain: Pick<ChainReader, 'beacon' | 'info'> & Pick<SubtensorReader, 'pulse'>,
): Promise<Beacon> {
  const [config, info] = await Promise.all([chain.beacon(), chain.info()]);
  const isQuicknet = equals(config.publicKey, QUICKNET.publicKey);
  if (kind === 'drand-pallet' && !isQuicknet)
    throw unsupported(kind, 'the chain follows a beacon of its own; on a localnet it is dev-chain');
  if (kind === 'dev-chain' && (info.type === 'live' || isQuicknet))
    throw unsupported(kind, 'whoever knows its key knows all rounds in advance: it is for localnets alone');
  return createSignedBeacon(
    kind,
    config,
    (round) => chain.pulse(round),
    kind === 'dev-chain' ? sha256 : (signature) => signature,
  );
}

function createSignedBeacon(
  kind: BeaconKind,
  config: {
    readonly publicKey: Uint8Array;
    readonly periodSeconds: number;
    readonly genesisSeconds: number;
  },
  ask: AskRound,
  shown: (signature: Uint8Array) => Uint8Array,
): Beacon {
  const { publicKey, periodSeconds, genesisSeconds } = config;
  return {
    kind,
    roundFrom(unixMs) {
      const periods = Math.ceil((unixMs / 1000 - genesisSeconds) / periodSeconds);
      return BigInt(Math.max(0, periods)) + 1n;
    },
    timeOf: (round) => (genesisSeconds + (Number(round) - 1) * periodSeconds) * 1000,
    async fetch(round, signal) {
      const signature = await ask(round, signal);
      if (signature === undefined) return undefined;
      // rounds of today fit a double exactly, and those that do not are refused by verifyRound's own check
      if (!verifyRound(Number(round), signature, publicKey)) {
        const path = `round ${round} of ${kind}`;
        const why = "not the beacon's signature";
        throw new AssayError('corrupt', `${path}: ${why}`, { path, why });
      }
      return { kind, round, signature: shown(signature) };
    },
  };
}

/**
 * Whether a round of a record is the beacon's: with nothing but its bytes, so that records replay anywhere.
 * @param devSeed of the localnet's beacon. @default that which a localnet has unless told otherwise
 */
export function isRound({ kind, round, signature }: BeaconRound, devSeed = 'assay localnet'): boolean {
  if (round < 1n || round > BigInt(Number.MAX_SAFE_INTEGER)) return false;
  if (kind === 'dev-chain') return equals(signature, sha256(createLocalBeacon(devSeed).sign(Number(round))));
  return verifyRound(Number(round), signature, QUICKNET.publicKey);
}

const unsupported = (kind: BeaconKind, why: string): AssayError<'unsupported'> =>
  new AssayError('unsupported', `beacon ${kind}: ${why}`, { what: kind, why });
