// Owns: `assay chain weights set`, `assay chain weights commit`. Does not own: revealing (weights-reveal.ts).
import { z } from 'zod';
import type { Neuron, Subnet, WeightRow } from '../../../chain/chain.js';
import type { Refusal } from '../../../chain/subtensor/operations/operation.js';
import { type CanSetWeights, canSetWeights, toWeightRow } from '../../../chain/weights.js';
import { AssayError, isAssayError } from '../../../model/errors.js';
import { toHotkey, toNetuid, type Uid } from '../../../model/ids.js';
import { systemParts } from '../../assemble.js';
import { type KeptCommit, openCommitFile } from '../../commit-file.js';
import { loadFlags } from '../../config.js';
import { type Fact, hashText } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { type ChainClient, networkFlags, withChain } from '../../networks.js';
import { EXIT } from '../../output.js';
import { parseScores, readScores, type Scores, scoresByHotkey } from '../../scores.js';
import { printDone, sendingFlags, sendOperation } from '../../sending.js';
import { hotkeySigner, type Signer, walletFlags } from '../../signers.js';
import { mechanismFlag, minedNetuidFlag } from './flags.js';
import {
  type Counts,
  countsAfter,
  type RowToSend,
  toPlainCommit,
  toWeightsForm,
  type WeightsForm,
} from './weights-form.js';

const schema = z.strictObject({
  ...networkFlags,
  ...walletFlags,
  ...sendingFlags,
  netuid: minedNetuidFlag,
  mechanism: mechanismFlag,
  weights: z
    .string()
    .max(1 << 18)
    .optional(),
  file: z.string().min(1).max(4096).optional(),
  versionKey: z
    .string()
    .regex(/^\d{1,20}$/, 'expected an integer of 64 bits')
    .refine((digits) => BigInt(digits) < 1n << 64n, 'expected an integer of 64 bits')
    .optional(),
  saltFile: z.string().min(1).max(4096).optional(),
});
type Options = z.infer<typeof schema>;

/** In whichever form the subnet takes now. */
export const setChainWeights = (flags: Record<string, unknown>, signal: AbortSignal): Promise<number> =>
  sendWeights(loadFlags(schema, flags), signal, toWeightsForm);

/** The hash alone, whatever the chain would rather have. */
export const commitChainWeights = (flags: Record<string, unknown>, signal: AbortSignal): Promise<number> =>
  sendWeights(loadFlags(schema, flags), signal, async ({ random }, sending) =>
    toPlainCommit(random, sending),
  );

type ToForm = typeof toWeightsForm;

async function sendWeights(options: Options, signal: AbortSignal, toForm: ToForm): Promise<number> {
  const { saltFile, dryRun } = options;
  const scores = await scoresOf(options);
  const keep = saltFile === undefined || dryRun ? undefined : await openCommitFile(saltFile);
  const signer = unlockedOnce(await hotkeySigner(options, signal));
  return withChain(options, signal, async (chain) => {
    const parts: Parts = { chain, signer, scores, keep, toForm };
    try {
      return await attempt(parts, options, signal);
    } catch (error) {
      // the last blocks of an epoch leave too little time: a moment later it may be the next one's turn
      if (!isTooLate(error)) throw error;
      const yes = options.yes || error.data.unsent !== true; // it was asked about already
      try {
        return await attempt(parts, { ...options, yes }, signal);
      } catch (again) {
        throw isTooLate(again) ? await epochEnds(chain, options, again) : again;
      }
    }
  });
}

interface Parts {
  readonly chain: ChainClient;
  readonly signer: Signer;
  readonly scores: Scores;
  readonly keep: ((commit: KeptCommit) => Promise<void>) | undefined;
  readonly toForm: ToForm;
}

async function attempt(parts: Parts, options: Options, signal: AbortSignal): Promise<number> {
  const { chain, signer, keep } = parts;
  const { netuid, mechanism, json, dryRun, saltFile } = options;
  const seen = await lookAtSubnet(parts, options);
  const { subnet, uid, row, versionKey } = seen;
  const form = await parts.toForm({ chain, random: systemParts.random }, seen);
  if (form.form === 'plain' && !keep && !dryRun)
    throw invalid(
      '--salt-file',
      'a file: this subnet takes a hash now and the row later, which cannot be revealed without its salt',
      'none',
    );
  const possible = canSetRow(subnet, uid, row);
  const kept = form.form === 'plain' ? await keptOf(chain, form.kept) : undefined;
  const sent = await sendOperation(
    {
      chain,
      signer,
      operation: form.operation,
      what: `${WORDS[form.form]} of uid ${uid} in subnet ${netuid}`,
      facts: factsOf(subnet, { uid, row, form, possible, mechanism }),
      data: { netuid, mechanism, uid, row, versionKey, ...formData(form), possible },
      refusals: possible.ok ? [] : [refusalOf(possible, form.form)],
      renew: async () => {
        const now = await lookAtSubnet(parts, options);
        assertSame(seen, now);
        // a seal is for a round, and rounds pass; the other forms say the same at any time
        if (form.form !== 'timelocked') return form.operation;
        return (await parts.toForm({ chain, random: systemParts.random }, now)).operation;
      },
      ...(keep && kept ? { keep: () => keep(kept) } : {}),
      flags: options,
    },
    signal,
  );
  if (sent.is === 'not-sent') return sent.code;
  const landed = await landedIn(parts, options, sent.done.blockHash, form);
  const { epoch, ...counts } = landed;
  const data = { netuid, mechanism, uid, row, ...formData(form), ...(epoch === undefined ? {} : { epoch }) };
  const text = `${DONE[form.form](saltFile)}${countsText(form, counts)}`;
  printDone(sent.done, json, text, { ...data, counts });
  // the file is there since it was signed; now it is known when it can be revealed
  if (keep && kept)
    await keep({ ...kept, epoch, revealFrom: counts.revealedFrom, revealUntil: counts.epochBlock });
  return EXIT.ok;
}

interface SeenRow extends RowToSend {
  readonly uid: Uid;
}

/** The signer's row as of the head. */
async function lookAtSubnet({ chain, signer, scores }: Parts, options: Options): Promise<SeenRow> {
  const { netuid, mechanism } = options;
  const { hash: at } = await chain.head();
  const subnet = await chain.subnet(toNetuid(netuid), at, mechanism);
  const neuron = subnet.neurons.find(({ hotkey }) => hotkey === signer.address);
  if (!neuron)
    throw invalid('the hotkey', `one registered in subnet ${netuid} (assay chain register)`, signer.address);
  const { uid } = neuron;
  const row = await rowOf(chain, subnet, { scores, uid, mechanism, at });
  const versionKey = options.versionKey === undefined ? subnet.weightsVersionKey : BigInt(options.versionKey);
  return { hotkey: signer.address, subnet, at, mechanism, row, versionKey, uid };
}

/**
 * A row names uids, and a uid may be somebody else's by the time that the question is answered.
 * @throws AssayError `refused` when what was asked about is not what would be signed
 */
export function assertSame(
  asked: Pick<SeenRow, 'row' | 'subnet' | 'uid'>,
  now: Pick<SeenRow, 'row' | 'subnet' | 'uid'>,
): void {
  const taken = asked.row
    .map(([uid]) => uid)
    .filter((uid) => asked.subnet.neurons[uid]?.hotkey !== now.subnet.neurons[uid]?.hotkey);
  const formOf = ({ commitRevealEnabled, timelockVersion }: Subnet) =>
    commitRevealEnabled ? `commits, time-lock ${timelockVersion ?? 'none'}` : 'set in the open';
  const changes = [
    ...(asked.uid === now.uid ? [] : [`the hotkey had uid ${asked.uid} and has ${now.uid}`]),
    ...taken.map(
      (uid) =>
        `uid ${uid} was ${asked.subnet.neurons[uid]?.hotkey ?? 'nobody'} and is ${now.subnet.neurons[uid]?.hotkey ?? 'nobody'}`,
    ),
    ...(formOf(asked.subnet) === formOf(now.subnet)
      ? []
      : [`weights were ${formOf(asked.subnet)} and are ${formOf(now.subnet)}`]),
  ];
  if (changes.length === 0 && JSON.stringify(asked.row) !== JSON.stringify(now.row))
    changes.push('the row that the scores make is another');
  if (changes.length === 0) return;
  const reason = `${changes.join('; ')} (block ${asked.subnet.block} to ${now.subnet.block})`;
  throw new AssayError(
    'refused',
    `nothing was signed, for the subnet changed meanwhile: ${reason}; run it again`,
    {
      reason,
    },
  );
}

const isSelfWeight = (row: WeightRow, uid: number): boolean => row.length === 1 && row[0]![0] === uid;

/** For itself alone a neuron needs no permit (subnets/weights.rs `check_validator_permit`). */
function canSetRow(subnet: Subnet, uid: Uid, row: WeightRow): CanSetWeights {
  const permitted = (neuron: Neuron) => (neuron.uid === uid ? { ...neuron, validatorPermit: true } : neuron);
  const asked = isSelfWeight(row, uid) ? { ...subnet, neurons: subnet.neurons.map(permitted) } : subnet;
  return canSetWeights({ subnet: asked, uid, block: subnet.block + 1 });
}

/** The chain's names for what `canSetWeights` found. */
export function refusalOf(
  { reason, atBlock }: Extract<CanSetWeights, { ok: false }>,
  form: WeightsForm['form'],
): Refusal {
  const names = {
    'not-registered': ['HotKeyNotRegisteredInSubNet', 'the hotkey has no uid'],
    'stake-too-low': ['NotEnoughStakeToSetWeights', 'its consensus stake is below the chain’s threshold'],
    'no-permit': ['NeuronNoValidatorPermit', 'it has no validator permit'],
    'rate-limit': [
      form === 'set' ? 'SettingWeightsTooFast' : 'CommittingWeightsTooFast',
      'it wrote too short a time ago',
    ],
  } as const;
  const [error, detail] = names[reason];
  return { error, detail, ...(atBlock === undefined ? {} : { atBlock }) };
}

/** Asks for a password once, however often it signs. */
function unlockedOnce({ address, unlock }: Signer): Signer {
  let open: ReturnType<typeof unlock> | undefined;
  return { address, unlock: () => (open ??= unlock()) };
}

const isTooLate = (error: unknown): error is AssayError<'chain-rejected'> =>
  isAssayError(error, 'chain-rejected') && error.data.error === 'InvalidRevealRound';

async function epochEnds(
  chain: ChainClient,
  { netuid }: Options,
  cause: AssayError<'chain-rejected'>,
): Promise<AssayError> {
  const { nextEpochBlock } = await chain.subnet(toNetuid(netuid));
  if (nextEpochBlock === undefined) return cause;
  const remedy = `The epoch is about to end: try again after block ${nextEpochBlock}.`;
  const data = { ...cause.data, remedy, atBlock: nextEpochBlock + 1 };
  return new AssayError('chain-rejected', cause.message, data, { cause: cause.cause });
}

/** By the epoch that the chain filed a commit under, which need not be the one that it was signed in. */
async function landedIn(
  { chain, signer }: Parts,
  { netuid, mechanism }: Options,
  at: Uint8Array,
  form: WeightsForm,
): Promise<Counts & { readonly epoch?: number }> {
  const subnet = await chain.subnet(toNetuid(netuid), at, mechanism);
  if (form.form === 'set') return { epochBlock: subnet.nextEpochBlock };
  const pending = await chain.pendingCommits(subnet.netuid, toHotkey(signer.address), at, mechanism);
  const epoch = pending.findLast(({ block }) => block === subnet.block)?.epoch ?? subnet.epochIndex;
  const counts = countsAfter(subnet, epoch);
  return form.form === 'plain'
    ? { ...counts, epoch }
    : { ...counts, epoch, revealedFrom: form.counts.revealedFrom };
}

function countsText({ form }: WeightsForm, { revealedFrom, epochBlock }: Counts): string {
  if (form !== 'plain' || revealedFrom === undefined || epochBlock === undefined) return '';
  return `; to be revealed in blocks ${revealedFrom} to ${epochBlock - 1}`;
}

const WORDS = {
  set: 'set the weights',
  plain: 'commit to weights (their hash)',
  timelocked: 'commit the sealed weights',
} as const;

const DONE = {
  set: () => 'weights set',
  plain: (file: string | undefined) =>
    `weights committed (in their epoch: assay chain weights reveal ${file})`,
  timelocked: () => 'weights committed (the chain opens them by itself)',
} as const;

async function scoresOf({ weights, file }: Options): Promise<Scores> {
  if (weights !== undefined && file === undefined) return parseScores(weights);
  if (file !== undefined && weights === undefined) return readScores(file);
  throw invalid(
    '--weights',
    'uid:score,... or --file with a JSON file',
    file === undefined ? 'neither' : 'both',
  );
}

/** @throws AssayError `invalid-input` where nobody would get anything: it would erase the row that is there */
async function rowOf(
  chain: ChainClient,
  subnet: Subnet,
  {
    scores,
    uid,
    mechanism,
    at,
  }: {
    readonly scores: Scores;
    readonly uid: Uid;
    readonly mechanism: number;
    readonly at: Uint8Array;
  },
): Promise<WeightRow> {
  const earlier = await chain.weights(subnet.netuid, uid, at, mechanism);
  const { row } = toWeightRow({ scores: scoresByHotkey(scores, subnet), subnet, earlier });
  if (row.length === 0) throw invalid('weights', 'a score above 0', 'zeros alone');
  return row;
}

const keptOf = async (chain: ChainClient, kept: Omit<KeptCommit, 'genesisHash'>): Promise<KeptCommit> => ({
  genesisHash: hashText((await chain.info()).genesisHash),
  ...kept,
});

const formData = (form: WeightsForm) => ({
  form: form.form,
  ...(form.form === 'timelocked' ? { revealRound: form.revealRound } : {}),
  ...(form.form === 'plain' ? { hash: form.kept.hash } : {}),
  counts: form.counts,
});

const FORMS = {
  set: 'set_weights: in the open at once',
  plain: 'plain commit: a hash now, to be revealed by hand',
  timelocked: 'time-locked commit: sealed for a round of the beacon, revealed by the chain',
} as const;

function factsOf(
  subnet: Subnet,
  about: {
    readonly uid: number;
    readonly row: WeightRow;
    readonly form: WeightsForm;
    readonly possible: CanSetWeights;
    readonly mechanism: number;
  },
): readonly Fact[] {
  const { uid, row, form, possible, mechanism } = about;
  const { revealedFrom, epochBlock } = form.counts;
  return [
    ['subnet', `${subnet.netuid}, mechanism ${mechanism}, epoch ${subnet.epochIndex}, block ${subnet.block}`],
    ['uid', uid],
    ['row', row.map(([to, value]) => `${to}:${value}`).join(' ')],
    ['checks', possibleText(possible)],
    ['form', FORMS[form.form]],
    ['reveal round', form.form === 'timelocked' ? form.revealRound : undefined],
    ['commit hash', form.form === 'plain' ? form.kept.hash : undefined],
    [form.form === 'plain' ? 'to reveal from block' : 'open about block', revealedFrom],
    ['counts in', epochBlock === undefined ? 'no epoch: the tempo is 0' : `the epoch of block ${epochBlock}`],
  ];
}

function possibleText(possible: CanSetWeights): string {
  if (possible.ok) return 'registered, permit or owner, stake and rate limit as the chain wants them';
  const { reason, atBlock } = possible;
  return `NOT possible now: ${reason}${atBlock === undefined ? '' : `, from block ${atBlock}`}`;
}
