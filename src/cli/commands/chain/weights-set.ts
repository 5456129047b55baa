// Owns: `assay chain weights set`, `assay chain commit`. Does not own: revealing (weights-reveal.ts).
import { z } from 'zod';
import type { Subnet, WeightRow } from '../../../chain/chain.js';
import { type CanSetWeights, canSetWeights, toWeightRow } from '../../../chain/weights.js';
import { toNetuid } from '../../../model/ids.js';
import { systemParts } from '../../assemble.js';
import { type KeptCommit, openCommitFile } from '../../commit-file.js';
import { loadFlags } from '../../config.js';
import { type Fact, hashText } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { type ChainClient, networkFlags, withChain } from '../../networks.js';
import { EXIT } from '../../output.js';
import { parseScores, readScores, type Scores, scoresByHotkey } from '../../scores.js';
import { printDone, sendingFlags, sendOperation } from '../../sending.js';
import { hotkeySigner, walletFlags } from '../../signers.js';
import { mechanismFlag, minedNetuidFlag } from './flags.js';
import { toPlainCommit, toWeightsForm, type WeightsForm } from './weights-form.js';

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

async function sendWeights(
  options: Options,
  signal: AbortSignal,
  toForm: typeof toWeightsForm,
): Promise<number> {
  const { netuid, mechanism, json, dryRun, saltFile } = options;
  const scores = await scoresOf(options);
  const keep = saltFile === undefined || dryRun ? undefined : await openCommitFile(saltFile);
  const signer = await hotkeySigner(options, signal);
  return withChain(options, signal, async (chain) => {
    const { number, hash } = await chain.head();
    const subnet = await chain.subnet(toNetuid(netuid), hash, mechanism);
    const neuron = subnet.neurons.find(({ hotkey }) => hotkey === signer.address);
    if (!neuron)
      throw invalid(
        'the hotkey',
        `one registered in subnet ${netuid} (assay chain register)`,
        signer.address,
      );
    const row = await rowOf(chain, subnet, { scores, uid: neuron.uid, mechanism });
    const versionKey =
      options.versionKey === undefined ? subnet.weightsVersionKey : BigInt(options.versionKey);
    const form = await toForm(
      { chain, ...systemParts },
      { hotkey: signer.address, subnet, mechanism, row, versionKey },
    );
    if (form.form === 'plain' && !keep && !dryRun)
      throw invalid(
        '--salt-file',
        'a file: this subnet takes a hash now and the row later, which cannot be revealed without its salt',
        'none',
      );
    const possible = canSetWeights({ subnet, uid: neuron.uid, block: number + 1 });
    const kept = form.form === 'plain' ? await keptOf(chain, form.kept) : undefined;
    const sent = await sendOperation(
      {
        chain,
        signer,
        operation: form.operation,
        what: `${WORDS[form.form]} of uid ${neuron.uid} in subnet ${netuid}`,
        facts: factsOf(subnet, { uid: neuron.uid, row, form, possible, mechanism }),
        data: { netuid, mechanism, uid: neuron.uid, row, versionKey, ...formData(form), possible },
        ...(keep && kept ? { keep: () => keep(kept) } : {}),
        flags: options,
      },
      signal,
    );
    if (sent.is === 'not-sent') return sent.code;
    const data = { netuid, mechanism, uid: neuron.uid, row, ...formData(form) };
    printDone(sent.done, json, DONE[form.form](saltFile), data);
    return EXIT.ok;
  });
}

const WORDS = {
  set: 'set the weights',
  plain: 'commit to weights (their hash)',
  timelocked: 'commit the sealed weights',
} as const;

const DONE = {
  set: () => 'weights set',
  plain: (file: string | undefined) => `weights committed (in their epoch: assay chain reveal ${file})`,
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
  { scores, uid, mechanism }: { scores: Scores; uid: number; mechanism: number },
): Promise<WeightRow> {
  const own = subnet.neurons[uid]!; // by uid, found there before
  const earlier = await chain.weights(subnet.netuid, own.uid, undefined, mechanism);
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
