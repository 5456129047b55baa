// Owns: which parameter sets count in an epoch, as a validator or a miner knows it, and where their files come from: our own
// shelf, then any peer that has them. Does not own: the rule (verification/publication.ts), what a file may say
// (verification/parameter-file.ts), reading the chain, what a role does with the sets.
import type { Subnet } from '../chain/chain.js';
import type { SubtensorReader } from '../chain/operator-reads.js';
import { equals, fromHex, toHex } from '../model/bytes.js';
import { isAssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import type { Log } from '../model/log.js';
import {
  builtInFile,
  type KindsByName,
  NO_POLICY,
  type ParameterFile,
  type ParameterSet,
  readParameterFile,
  withTables,
} from '../verification/parameter-file.js';
import {
  BUILT_IN,
  inForce,
  type Publication,
  publicationIn,
  type Source,
  standingOf,
  toSource,
  wanted,
} from '../verification/publication.js';
import { type FilePeer, fetchFile } from './fetch.js';
import { assertPhases } from './phases.js';

/** A file that no peer had is asked for again after so many blocks: a minute. */
export const RETRY_BLOCKS = 5;

/** What owners publish, as far as a role needs it of the chain. */
export interface PublicationSource {
  /** @param at block hash. Undefined where the owner published none */
  publication(netuid: Netuid, owner: Hotkey, at?: Uint8Array): Promise<Publication | undefined>;
}

/** Files by digest (lower-case hex), kept over restarts. */
export interface ParameterShelf {
  read(digest: string): Promise<Uint8Array | undefined>;
  write(digest: string, bytes: Uint8Array): Promise<void>;
}

export interface ParametersParts {
  readonly source: PublicationSource;
  readonly shelf: ParameterShelf;
  /** Files that the operator named, by digest in lower-case hex: handed out before anybody published them. @default none */
  readonly given?: ReadonlyMap<string, Uint8Array>;
}

/** What an operator is told of an epoch's parameters. */
export interface ParametersStatus {
  /** `built-in` or digests of files, newest first: what we judge by */
  readonly held: readonly Source[];
  /** digests of files that count and are not here */
  readonly missing: readonly Source[];
  /** nothing is judged and no weights are set, and this is why */
  readonly whyNot?: string;
}

/** The owner's policy of an epoch, as far as it is known here. */
export interface PolicyFile {
  /** lower-case hex; undefined where the owner has none, or where that is not known */
  readonly digest?: string | undefined;
  /** the file: bytes of that digest, whatever they say */
  readonly bytes?: Uint8Array | undefined;
  /** why there is no telling, or no file */
  readonly whyNot?: string | undefined;
}

export interface Parameters {
  /**
   * Reads what is published. Files that are missing are asked for beside the caller, of each peer at most once a call.
   * A chain that cannot be asked leaves what it said last.
   * @throws AssayError when it never could
   */
  look(
    at: { readonly subnet: Subnet; readonly hash: Uint8Array },
    peers: () => readonly FilePeer[],
    signal: AbortSignal,
  ): Promise<void>;
  /** Asks once more for what is missing; nothing where all is here. */
  retry(peers: () => readonly FilePeer[], signal: AbortSignal): void;
  /** With the tables that count. Undefined: nothing may be judged in this epoch, and `status` says why. */
  kindsOf(epoch: number): KindsByName | undefined;
  /** What counts in an epoch, newest first, whether or not it is here. */
  counting(epoch: number): readonly Source[];
  /**
   * The policy that the oldest parameters name which count in the epoch: one, where two files count, and one that everybody had
   * time to come by.
   */
  policyIn(epoch: number): PolicyFile;
  /** Undefined where it is not here, or of no use. */
  setsOf(source: Source): readonly ParameterSet[] | undefined;
  /** A file to hand out: one that is published and here, of use to this build or not, or one that the operator named. */
  bytesOf(digest: Uint8Array): Uint8Array | undefined;
  status(epoch: number): ParametersStatus;
  /** Resolves when nothing is being fetched. */
  settled(): Promise<void>;
}

/** What `connectSubtensor` of `assay/chain` reads. */
export const publicationsOf = (chain: Pick<SubtensorReader, 'commitmentOf'>): PublicationSource => ({
  async publication(netuid, owner, at) {
    const commitment = await chain.commitmentOf(netuid, owner, at);
    return commitment && publicationIn(commitment.fields);
  },
});

export function createParameters(
  parts: {
    readonly parameters?: ParametersParts | undefined;
    readonly kinds: KindsByName;
    readonly log: Log;
  },
  { netuid }: { readonly netuid: Netuid },
): Parameters {
  const { parameters, kinds, log } = parts;
  const files = new Map<Source, ParameterFile>();
  /** what came with the right digest and is of no use to this build, and why */
  const unusable = new Map<Source, string>();
  const bytesBy = new Map<Source, Uint8Array>();
  /** how many peers were asked for it in the last round */
  const asked = new Map<Source, number>();
  let publication: Publication | undefined;
  let wasRead = parameters === undefined;
  let wantedNow: readonly Source[] = [];
  let fetching: Promise<void> | undefined;

  const isHeld = (source: Source) => files.has(source);
  const lacking = () => wantedNow.filter((source) => !isHeld(source) && !unusable.has(source));
  /** policies that known files name, and the one that the chain does: it may be here before its parameters are */
  const policies = (): readonly string[] => {
    const named = [...files.values()].map(({ policy }) => policy);
    const published = publication ? [toHex(publication.policy)] : [];
    return [...new Set([...named, ...published])].filter((digest) => digest !== NO_POLICY);
  };
  const lackingPolicies = () => policies().filter((digest) => !bytesBy.has(digest));

  /** @returns whether the bytes are the file; what no build of ours reads is not asked for again */
  function take(source: Source, bytes: Uint8Array): boolean {
    if (!equals(sha256(bytes), fromHex(source))) return false;
    bytesBy.set(source, bytes);
    try {
      const file = readParameterFile(bytes, kinds);
      assertPhases(withTables(kinds, [file]));
      files.set(source, file);
      log.info('parameters are here', { digest: source, sets: file.sets.length });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      unusable.set(source, why);
      log.error('published parameters are of no use to this build', { digest: source, error });
    }
    return true;
  }

  /** What it says is for whoever goes by it to read. */
  function takePolicy(digest: string, bytes: Uint8Array): boolean {
    if (!equals(sha256(bytes), fromHex(digest))) return false;
    bytesBy.set(digest, bytes);
    log.info('the policy is here', { digest });
    return true;
  }

  async function fromShelf(source: Source, taken = take): Promise<void> {
    const bytes = await parameters!.shelf.read(source).catch((error: unknown) => {
      log.warn('kept parameters cannot be read', { digest: source, error });
      return undefined;
    });
    if (bytes && !taken(source, bytes)) log.warn('kept parameters are damaged', { digest: source });
  }

  async function fetch(
    source: Source,
    peers: readonly FilePeer[],
    signal: AbortSignal,
    taken = take,
  ): Promise<void> {
    const bytes = await fetchFile({ log }, { digest: fromHex(source), peers }, signal);
    if (signal.aborted) return;
    asked.set(source, peers.length);
    if (!bytes)
      return log.warn('no peer has the published parameters', { digest: source, asked: peers.length });
    taken(source, bytes);
    await parameters!.shelf.write(source, bytes).catch((error: unknown) => {
      log.warn('parameters are here, and cannot be kept', { digest: source, error });
    });
  }

  async function fetchAll(peers: () => readonly FilePeer[], signal: AbortSignal): Promise<void> {
    for (const source of lacking()) await fetch(source, peers(), signal);
    for (const digest of lackingPolicies()) await fetch(digest, peers(), signal, takePolicy);
  }

  const retry = (peers: () => readonly FilePeer[], signal: AbortSignal): void => {
    if (lacking().length === 0 && lackingPolicies().length === 0) return;
    fetching ??= fetchAll(peers, signal).finally(() => {
      fetching = undefined;
    });
  };

  const filesOf = (epoch: number) => standingOf(publication, epoch, isHeld);

  function whyNot(epoch: number): string | undefined {
    const { held, missing } = filesOf(epoch);
    if (held.length > 0) return undefined;
    // the newest is what must come
    return absence(missing[0]!); // nothing held, and something counts
  }

  function absence(source: Source): string {
    const name = `parameters ${source.slice(0, 16)}, published from epoch ${publication!.firstEpoch} on,`;
    const why = unusable.get(source);
    return why === undefined ? `${name} are ${notHere(source)}` : `${name} are no use: ${why}`;
  }

  function notHere(digest: string): string {
    const count = asked.get(digest);
    if (count === undefined) return 'not here yet';
    return count === 0
      ? 'not here, and there is no peer to ask'
      : `at none of ${count} peers that were asked`;
  }

  /** Of what neither counts any more nor will: an owner may publish in every epoch. */
  function forget(): void {
    const known = publication ? [toSource(publication.parameters), toSource(publication.previous)] : [];
    for (const map of [files, unusable])
      for (const source of map.keys()) if (!known.includes(source)) map.delete(source);
    const kept = [...known, ...policies()];
    for (const map of [bytesBy, asked])
      for (const digest of map.keys()) if (!kept.includes(digest)) map.delete(digest);
  }

  return {
    retry,
    async look({ subnet, hash }, peers, signal) {
      if (!parameters) return;
      const before = publication;
      try {
        publication = await parameters.source.publication(netuid, subnet.ownerHotkey, hash);
        wasRead = true;
      } catch (error) {
        // a chain out of reach has published nothing new; one that keeps no commitments never will
        if (!wasRead && !isAssayError(error, 'unsupported')) throw error;
        log.warn('what the owner published could not be read', { error });
      }
      forget();
      wantedNow = wanted(publication, subnet.epochIndex);
      if (publication && publication.parameters.join() !== before?.parameters.join())
        log.info('parameters are published', { digests: wantedNow, firstEpoch: publication.firstEpoch });
      for (const source of lacking()) await fromShelf(source);
      for (const digest of lackingPolicies()) await fromShelf(digest, takePolicy);
      retry(peers, signal);
    },
    kindsOf(epoch) {
      const { held } = filesOf(epoch);
      if (held.length === 0) return undefined;
      if (held.length === 1 && held[0] === BUILT_IN) return kinds;
      return withTables(
        kinds,
        held.map((source) => (source === BUILT_IN ? builtInFile(kinds) : files.get(source)!)), // held: here
      );
    },
    counting: (epoch) => inForce(publication, epoch),
    policyIn(epoch) {
      const source = inForce(publication, epoch).at(-1)!; // something counts in every epoch
      if (source === BUILT_IN) return {};
      const file = files.get(source);
      if (!file) return { whyNot: `what pays is not known: ${absence(source)}` };
      const { policy: digest } = file;
      if (digest === NO_POLICY) return {};
      const bytes = bytesBy.get(digest);
      if (bytes) return { digest, bytes };
      return { digest, whyNot: `policy ${digest.slice(0, 16)} is ${notHere(digest)}` };
    },
    setsOf: (source) => (source === BUILT_IN ? builtInFile(kinds) : files.get(source))?.sets,
    bytesOf(digest) {
      const source = toHex(digest);
      return bytesBy.get(source) ?? parameters?.given?.get(source);
    },
    status(epoch) {
      const why = whyNot(epoch);
      return { ...filesOf(epoch), ...(why === undefined ? {} : { whyNot: why }) };
    },
    settled: async () => fetching,
  };
}
