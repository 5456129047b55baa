// Owns: `assay verification params publish | published`: an owner's commitment to a parameter file, and the version key.
// Does not own: what a publication says (verification/publication.ts), sending (sending.ts).
import { z } from 'zod';
import type { Subnet } from '../../../chain/chain.js';
import type { Commitment, CommittedField } from '../../../chain/operator-reads.js';
import { wouldReject } from '../../../chain/subtensor/errors.js';
import { type CommitmentField, setCommitment } from '../../../chain/subtensor/operations/commitments.js';
import { setHyperparameter } from '../../../chain/subtensor/operations/hyperparameters.js';
import type { Operation } from '../../../chain/subtensor/operations/operation.js';
import { equals, fromHex, toHex } from '../../../model/bytes.js';
import { toHotkey, toNetuid } from '../../../model/ids.js';
import { deterrence, type ScoringPolicy } from '../../../scoring/index.js';
import { assertFits } from '../../../validator/calendar.js';
import {
  builtInFile,
  encodeParameterFile,
  NO_POLICY,
  parameterDigest,
} from '../../../verification/parameter-file.js';
import {
  BUILT_IN,
  decodePublication,
  encodePublication,
  inForce,
  NO_DIGEST,
  nextPublication,
  type Publication,
  publicationIn,
  toSource,
} from '../../../verification/publication.js';
import { integerBetween, loadFlags } from '../../config.js';
import { type Fact, printFacts } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { type ChainClient, networkFlags, withChain } from '../../networks.js';
import { EXIT, print, printJson } from '../../output.js';
import { readNamedFile } from '../../parameter-files.js';
import { knownClasses, readNamedPolicy } from '../../policy-files.js';
import { sendingFlags, sendOperation, withoutSecret } from '../../sending.js';
import { coldkeySigner, hotkeySigner, type Signer, walletFlags } from '../../signers.js';
import { type Known, moduleFlag, moduleWords, openKnown } from '../../subnet-module.js';
import { openWholeFile } from '../../whole-file.js';
import { minedNetuidFlag } from '../chain/flags.js';
import { checkedText, checkNamed, writtenFile } from './params.js';

/** A whole epoch in which validators can fetch the file, before the one in which both count. */
const EPOCHS_AHEAD = 2;

const schema = z.strictObject({
  ...networkFlags,
  ...walletFlags,
  ...sendingFlags,
  ...moduleFlag,
  netuid: minedNetuidFlag,
  firstEpoch: integerBetween(1, Number.MAX_SAFE_INTEGER, 'an epoch').optional(),
  replace: z.boolean().default(false),
  asSuccessor: z.boolean().default(false),
  versionKey: z.boolean().default(true),
  policy: z.string().min(1).max(4096).optional(),
  out: z.string().min(1).max(4096).optional(),
});
type Options = z.infer<typeof schema>;

interface ToPublish {
  /** 32 bytes */
  readonly digest: Uint8Array;
  readonly policy: Uint8Array;
  /** that the policy has, where that is here */
  readonly schedule?: ScoringPolicy['schedule'];
  /** written before anything is sent: nobody else has it */
  readonly write?: (() => Promise<void>) | undefined;
  /** that peers have to be given */
  readonly file: string | undefined;
}

/** @param path of the file, or `built-in` to return to the table that each build brings */
export async function publishParams(
  path: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const options = loadFlags(schema, flags);
  const { netuid, json, dryRun, versionKey: raises, asSuccessor } = options;
  const wanted = await toPublish(path, options, await openKnown(options.module));
  const hotkey = await hotkeySigner(options, signal);
  const coldkey = raises && !asSuccessor ? await coldkeySigner(options, signal) : undefined;
  return withChain(options, signal, async (chain) => {
    const now = await lookAt(chain, netuid);
    const { ownerHotkey } = now.subnet;
    if (asSuccessor) return repeatAs(hotkey, { chain, now, wanted, options }, signal);
    if (hotkey.address !== ownerHotkey)
      throw invalid(
        '--hotkey',
        `the owner's, ${ownerHotkey}; or --as-successor, of the one that will be`,
        hotkey.address,
      );
    const { publication: present, subnet } = now;
    const isThere = present !== undefined && equals(present.parameters, wanted.digest);
    if (!isThere) await assertSchedule(chain, subnet, wanted);
    const next = isThere ? present : following(now, wanted, options);
    const raise =
      raises && subnet.weightsVersionKey < next.versionKey
        ? setHyperparameter(netuid, 'weights_version_key', next.versionKey)
        : undefined;
    // what would fail afterwards is found before anything is sent
    if (raise && coldkey && !dryRun) await assertPossible(chain, coldkey.address, raise);
    if (!dryRun) await wanted.write?.();
    if (!isThere) {
      const facts: readonly Fact[] = [
        ['parameters', toSource(next.parameters)],
        ['in place of', toSource(next.previous)],
        ['policy', policyText(next)],
        ['from epoch', `${next.firstEpoch}, in which both count; it is ${subnet.epochIndex} now`],
      ];
      const sent = await sendOperation(
        {
          chain,
          signer: hotkey,
          operation: setCommitment(netuid, fieldsWith(now.commitment, next)),
          what: `publish parameters ${toSource(next.parameters).slice(0, 16)} of subnet ${netuid}`,
          facts,
          data: dataOf(netuid, next),
          renew: async () => {
            const then = await lookAt(chain, netuid);
            return setCommitment(netuid, fieldsWith(then.commitment, following(then, wanted, options)));
          },
          flags: options,
        },
        signal,
      );
      if (sent.is === 'not-sent' && !dryRun) return sent.code;
      if (sent.is === 'not-sent' && sent.code !== EXIT.ok) return sent.code;
      if (sent.is === 'sent' && !json) print(`published, in block ${sent.done.block}`);
    }
    if (raise && coldkey) {
      const sent = await sendOperation(
        {
          chain,
          signer: coldkey,
          operation: raise,
          what: `raise the weights version key of subnet ${netuid} to ${next.versionKey}`,
          facts: [['version key', `${next.versionKey}; ${subnet.weightsVersionKey} now`]],
          data: { netuid, versionKey: next.versionKey },
          flags: options,
        },
        signal,
      );
      if (sent.is === 'not-sent') return sent.code;
      if (!json) print(`version key ${next.versionKey}, in block ${sent.done.block}`);
    }
    if (dryRun) return EXIT.ok;
    const after = await lookAt(chain, netuid);
    if (json)
      printJson({
        ...dataOf(netuid, next),
        wasThere: isThere,
        weightsVersionKey: after.subnet.weightsVersionKey,
      });
    else
      print(
        [
          isThere ? 'it was published before' : 'it is on the chain',
          ...(wanted.file === undefined
            ? []
            : [
                `peers have it from one another; the first must be given it: assay validator start --params ${wanted.file}${options.policy === undefined ? '' : ` --policy ${options.policy}`}${moduleWords(options.module)} ...`,
              ]),
        ].join('\n'),
      );
    return EXIT.ok;
  });
}

/**
 * What the owner's hotkey says, said by the one that is about to take its place: what counts is looked up under whichever is
 * the owner's at that block, so that a change without it is a return to the built-in table at once.
 */
async function repeatAs(
  hotkey: Signer,
  about: {
    readonly chain: ChainClient;
    readonly now: Now;
    readonly wanted: ToPublish;
    readonly options: Options;
  },
  signal: AbortSignal,
): Promise<number> {
  const { chain, now, wanted, options } = about;
  const { netuid, json } = options;
  const { publication: present, subnet } = now;
  if (hotkey.address === subnet.ownerHotkey)
    throw invalid('--as-successor', "a hotkey that is not the owner's yet", hotkey.address);
  if (present === undefined || !equals(present.parameters, wanted.digest))
    throw invalid(
      'file',
      present ? `the one that is published, ${toSource(present.parameters)}` : 'one that is published',
      toSource(wanted.digest),
    );
  const own = await chain.commitmentOf(toNetuid(netuid), toHotkey(hotkey.address));
  const sent = await sendOperation(
    {
      chain,
      signer: hotkey,
      operation: setCommitment(netuid, fieldsWith(own, present)),
      what: `repeat what the owner of subnet ${netuid} published`,
      facts: [
        ['parameters', toSource(present.parameters)],
        ['from epoch', String(present.firstEpoch)],
      ],
      data: dataOf(netuid, present),
      flags: options,
    },
    signal,
  );
  if (sent.is === 'not-sent') return sent.code;
  if (json) printJson({ ...dataOf(netuid, present), asSuccessor: hotkey.address });
  else
    print(
      `said, in block ${sent.done.block}: now make this hotkey the owner's (assay subnet set owner_hotkey)`,
    );
  return EXIT.ok;
}

async function toPublish(path: string, options: Options, known: Known): Promise<ToPublish> {
  const { json, policy, out } = options;
  if (policy !== undefined) return withPolicy(path, policy, options, known);
  if (out !== undefined) throw invalid('--out', '--policy with it', 'a file that is published as it is');
  if (path === BUILT_IN) return { digest: NO_DIGEST, policy: fromHex(NO_POLICY), file: undefined };
  const named = await readNamedFile(path, known.kinds);
  if (!json) print(checkedText(checkNamed(named, known)));
  return { digest: fromHex(named.digest), policy: fromHex(named.file.policy), file: path };
}

/** A parameter file that names the policy: the one that was given, or another, which has to be kept. */
async function withPolicy(
  path: string,
  policy: string,
  { json, out, module }: Options,
  known: Known,
): Promise<ToPublish> {
  const { kinds } = known;
  const given = path === BUILT_IN ? builtInFile(kinds) : (await readNamedFile(path, kinds)).file;
  const { policy: its, digest: policyDigest } = await readNamedPolicy(policy, known, knownClasses(given));
  const file = { ...given, policy: policyDigest };
  const bytes = encodeParameterFile(file);
  const digest = parameterDigest(file);
  const isOther = given.policy !== policyDigest || path === BUILT_IN;
  if (isOther && out === undefined)
    throw invalid('--out', 'where to write the parameter file that names this policy', 'nothing');
  const place = out === undefined ? undefined : await openWholeFile(out, `--out ${out}`);
  if (!json) {
    print(checkedText(checkNamed({ file, bytes, digest: toHex(digest) }, known)));
    if (!deterrence(its, known.rules).holds)
      print(
        `warning: lies, or names alone, pay under this policy: assay scoring check ${policy}${moduleWords(module)}`,
      );
  }
  return {
    digest,
    policy: fromHex(policyDigest),
    schedule: its.schedule,
    write: place && (() => place.write(writtenFile(file))),
    file: place?.target ?? path,
  };
}

const policyText = ({ policy }: Publication): string =>
  toHex(policy) === NO_POLICY ? 'none: the one that each build brings' : toHex(policy);

interface Now {
  readonly subnet: Subnet;
  readonly commitment: Commitment | undefined;
  readonly publication: Publication | undefined;
}

async function lookAt(chain: ChainClient, netuid: number): Promise<Now> {
  const { hash } = await chain.head();
  const subnet = await chain.subnet(toNetuid(netuid), hash);
  const commitment = await chain.commitmentOf(toNetuid(netuid), subnet.ownerHotkey, hash);
  return { subnet, commitment, publication: publicationIn(commitment?.fields ?? []) };
}

/** By one that does not fit every validator of the subnet would ask nobody. */
async function assertSchedule(chain: ChainClient, subnet: Subnet, { schedule }: ToPublish): Promise<void> {
  if (!schedule || subnet.nextEpochBlock === undefined) return;
  const { blockTimeMs } = await chain.info();
  try {
    assertFits(schedule, { length: subnet.nextEpochBlock - subnet.lastEpochBlock, blockTimeMs });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid('--policy', `a schedule that fits epochs of subnet ${subnet.netuid}`, error.message);
  }
}

const following = (
  { subnet, publication }: Now,
  { digest, policy }: ToPublish,
  { firstEpoch, replace }: Options,
): Publication =>
  nextPublication(publication, {
    parameters: digest,
    policy,
    now: subnet.epochIndex,
    firstEpoch: firstEpoch ?? subnet.epochIndex + EPOCHS_AHEAD,
    // one that waits has raised it already, or is about to
    versionKey:
      publication && publication.firstEpoch > subnet.epochIndex
        ? publication.versionKey
        : subnet.weightsVersionKey + 1n,
    replace,
  });

async function assertPossible(chain: ChainClient, signer: string, operation: Operation): Promise<void> {
  const { call, refusals } = await chain.preview(withoutSecret(signer), operation);
  if (refusals[0]) throw wouldReject(call, refusals[0]);
}

const KINDS_OF_HASH: Readonly<Record<string, 'blake2-256' | 'sha2-256' | 'keccak-256' | 'sha3-256'>> = {
  BlakeTwo256: 'blake2-256',
  Sha256: 'sha2-256',
  Keccak256: 'keccak-256',
  ShaThree256: 'sha3-256',
};

/** A commitment is replaced whole: what else the hotkey said in it is said again. */
function fieldsWith(
  commitment: Commitment | undefined,
  publication: Publication,
): readonly CommitmentField[] {
  const others = (commitment?.fields ?? []).flatMap(again);
  return [{ kind: 'raw', bytes: encodePublication(publication) }, ...others];
}

function again(field: CommittedField): readonly CommitmentField[] {
  switch (field.kind) {
    case 'raw':
      return decodePublication(field.bytes) ? [] : [field];
    case 'hash':
      return [{ kind: KINDS_OF_HASH[field.algorithm]!, hash: field.digest }];
    case 'timelocked':
      return [{ kind: 'timelocked', encrypted: field.bytes, revealRound: field.revealRound }];
    // dropping bonds is done once; nothing is nothing
    case 'reset-bonds':
    case 'none':
      return [];
    case 'unknown':
      throw invalid("the hotkey's commitment", 'fields that this build can say again', field.variant);
  }
}

const dataOf = (netuid: number, publication: Publication) => ({
  netuid,
  parameters: toSource(publication.parameters),
  previous: toSource(publication.previous),
  policy: toHex(publication.policy),
  firstEpoch: publication.firstEpoch,
  versionKey: publication.versionKey,
});

const publishedSchema = z.strictObject({ ...networkFlags, netuid: minedNetuidFlag });

export async function publishedParams(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(publishedSchema, flags);
  const { netuid, json } = options;
  return withChain(options, signal, async (chain) => {
    const { subnet, publication, commitment } = await lookAt(chain, netuid);
    const { epochIndex: epoch, ownerHotkey, weightsVersionKey } = subnet;
    const counts = inForce(publication, epoch);
    const published = publication && { ...dataOf(netuid, publication), block: commitment!.block };
    if (json) printJson({ netuid, epoch, counts, weightsVersionKey, published: published ?? null });
    else
      printFacts([
        ['subnet', netuid],
        ['owner hotkey', ownerHotkey],
        ['epoch', epoch],
        ['counts now', counts.join(' and ')],
        ['version key', weightsVersionKey],
        ['published', published ? `in block ${published.block}` : 'nothing: each build’s own table counts'],
        ['parameters', published?.parameters],
        ['in place of', published?.previous],
        ['policy', publication && policyText(publication)],
        ['from epoch', published?.firstEpoch],
        ['raises the key to', published?.versionKey],
      ]);
    return EXIT.ok;
  });
}
