// Owns: `assay validator preview`: the chain's next epoch with the weights about to be set, beside what it is without them.
// Does not own: pay (scoring), the epoch (emissions), setting weights.
import { z } from 'zod';
import type { Subnet, WeightRow } from '../../chain/chain.js';
import { toWeightRow } from '../../chain/weights.js';
import type { EpochOutput } from '../../emissions/epoch.js';
import { runEpochInDoubles } from '../../emissions/epoch-in-doubles.js';
import { readyKeys } from '../../keys/keypair.js';
import { equals } from '../../model/bytes.js';
import { type Hotkey, toNetuid } from '../../model/ids.js';
import {
  createScoringState,
  DEFAULT_POLICY,
  type Facts,
  readPolicy,
  restoreScoringState,
} from '../../scoring/index.js';
import { readHold, withoutEvents } from '../../validator/breaker.js';
import type { LedgerReader } from '../../validator/ledger/ledger.js';
import { factsOf, scoreState } from '../../validator/score.js';
import { NO_POLICY, readParameterFile } from '../../verification/parameter-file.js';
import { BUILT_IN, inForce, publicationIn } from '../../verification/publication.js';
import { dataPaths } from '../assemble.js';
import { loadFlags } from '../config.js';
import { factLines, shareText, shortAddress } from '../facts.js';
import { invalid } from '../invalid-input.js';
import { classesIn, withLedger } from '../ledgers.js';
import { type ChainClient, networkFlags, withChain } from '../networks.js';
import { type ChainNow, nextEpoch, withRow } from '../next-epoch.js';
import { EXIT, print, printJson } from '../output.js';
import { openShelf } from '../parameter-files.js';
import { burnedText, type PayDocument, payTable, toPayDocument } from '../pay-rows.js';
import { type NamedPolicy, namedPolicy, readNamedPolicy } from '../policy-files.js';
import { sayWhile } from '../progress.js';
import { type Known, moduleFlag, openKnown } from '../subnet-module.js';
import { Table } from '../table.js';
import { readUsage } from '../usage-receipts.js';
import { mechanismFlag, minedNetuidFlag } from './chain/flags.js';

const path = z.string().min(1).max(4096);
const schema = z.strictObject({
  ...networkFlags,
  ...moduleFlag,
  data: path,
  netuid: minedNetuidFlag.optional(),
  mechanism: mechanismFlag,
  policy: path.optional(),
  receipts: path.optional(),
});
type Options = z.infer<typeof schema>;

export async function previewEpoch(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  await readyKeys();
  const known = await openKnown(options.module);
  const given = options.policy === undefined ? undefined : await readNamedPolicy(options.policy, known);
  return withLedger(
    options.data,
    (ledger) =>
      withChain(options, signal, async (chain) => {
        const preview = await sayWhile("running the chain's next epoch", () =>
          previewOf({ chain, ledger, given, known, options }, signal),
        );
        if (!preview) {
          process.stderr.write(
            'nothing was judged that this epoch could be paid by: weights stay as they are\n',
          );
          return EXIT.failed;
        }
        if (options.json) printJson(preview);
        else print(textOf(preview));
        return EXIT.ok;
      }),
    { netuid: options.netuid },
  );
}

interface Preview {
  readonly netuid: number;
  readonly mechanism: number;
  readonly block: number;
  /** paid by these weights */
  readonly epoch: number;
  /** in which the chain runs it */
  readonly epochBlock: number;
  readonly policy: string;
  readonly uid: number;
  readonly hotkey: Hotkey;
  /** about to be set, and what stands there now */
  readonly row: WeightRow;
  readonly standing: WeightRow;
  /** sealed at first: it counts when it is revealed, and is shown as if it were */
  readonly commitReveal: boolean;
  readonly unknown: {
    /** validators whose next row is committed and not revealed */
    readonly committed: readonly number[];
    /** whose stake is known without fractions of a rao */
    readonly roundedStakes: readonly number[];
    /** rollout credit is that of this epoch's or an earlier pay */
    readonly rolloutsFromEpoch: number | undefined;
  };
  readonly neurons: readonly {
    readonly uid: number;
    readonly hotkey: Hotkey;
    readonly with: Outcome;
    readonly without: Outcome;
  }[];
  readonly pay: PayDocument;
}

/** u16 of 65535, but for alpha. */
interface Outcome {
  readonly consensus: number;
  readonly incentive: number;
  readonly dividends: number;
  readonly validatorTrust: number;
  readonly permit: boolean;
  /** rao, of what was set aside by now */
  readonly emissionRao: bigint;
}

const outcomeOf = (output: EpochOutput, uid: number): Outcome => ({
  consensus: output.consensus[uid]!,
  incentive: output.incentive[uid]!,
  dividends: output.dividends[uid]!,
  validatorTrust: output.validatorTrust[uid]!,
  permit: output.newPermits[uid]!,
  emissionRao: output.emission[uid]!,
});

interface PreviewParts {
  readonly chain: ChainClient;
  readonly ledger: LedgerReader;
  readonly given: NamedPolicy | undefined;
  readonly known: Known;
  readonly options: Options;
}

async function previewOf(parts: PreviewParts, signal: AbortSignal): Promise<Preview | undefined> {
  const { chain, ledger, known, options } = parts;
  const { mechanism } = options;
  const owner = ledger.owner!; // a reader has one
  const { genesisHash } = await chain.info();
  if (!equals(genesisHash, owner.genesisHash))
    throw invalid(`--data ${options.data}`, 'a ledger of this chain', 'one of another');
  const now = await lookAt(chain, owner.netuid, mechanism);
  const { subnet } = now;
  const uid = subnet.neurons.find(({ hotkey }) => hotkey === owner.hotkey)?.uid;
  if (uid === undefined)
    throw invalid(`--data ${options.data}`, `a ledger of a hotkey of subnet ${owner.netuid}`, owner.hotkey);
  const policy = parts.given ?? (await publishedPolicy(chain, subnet, { known, data: options.data }));
  const paid = await payOf({ ledger, policy, subnet, known, receipts: options.receipts }, signal);
  if (!paid) return undefined;

  const { input, roundedStakes } = nextEpoch(now);
  const standing = input.weights[uid]!;
  const { row } = toWeightRow({ scores: paid.pay.u16, subnet, earlier: standing });
  const without = runEpochInDoubles(input);
  const output = runEpochInDoubles(withRow(input, { uid, row, block: subnet.block + 1 }));
  return {
    netuid: subnet.netuid,
    mechanism,
    block: subnet.block,
    epoch: subnet.epochIndex,
    epochBlock: input.block,
    policy: policy.digest,
    uid,
    hotkey: owner.hotkey,
    row,
    standing,
    commitReveal: subnet.commitRevealEnabled,
    unknown: {
      committed: subnet.neurons
        .filter((neuron) => neuron.uid !== uid && now.pending[neuron.uid]!.length > 0)
        .map((neuron) => neuron.uid),
      roundedStakes,
      rolloutsFromEpoch: paid.rolloutsFromEpoch,
    },
    neurons: subnet.neurons.map((neuron) => ({
      uid: neuron.uid,
      hotkey: neuron.hotkey,
      with: outcomeOf(output, neuron.uid),
      without: outcomeOf(without, neuron.uid),
    })),
    pay: toPayDocument(paid.pay),
  };
}

async function lookAt(chain: ChainClient, netuid: number, mechanism: number): Promise<ChainNow> {
  const { hash } = await chain.head();
  const id = toNetuid(netuid);
  const [subnet, snapshot] = await Promise.all([chain.subnet(id, hash, mechanism), chain.snapshot(id, hash)]);
  const pending = await Promise.all(
    subnet.neurons.map(({ hotkey, validatorPermit, uid }) =>
      // nobody else's row would count
      validatorPermit || uid === subnet.ownerUid ? chain.pendingCommits(id, hotkey, hash, mechanism) : [],
    ),
  );
  return { subnet, snapshot, mechanism, pending };
}

/** The one that the epoch is paid by, as this validator keeps it. */
async function publishedPolicy(
  chain: ChainClient,
  subnet: Subnet,
  { known, data }: { readonly known: Known; readonly data: string },
): Promise<NamedPolicy> {
  const commitment = await chain.commitmentOf(subnet.netuid, subnet.ownerHotkey);
  // of two files that count, the older one pays
  const source = inForce(publicationIn(commitment?.fields ?? []), subnet.epochIndex).at(-1)!; // there is always one
  if (source === BUILT_IN) return namedPolicy(DEFAULT_POLICY);
  const shelf = openShelf(dataPaths.parameters(data));
  const missing = (what: string, digest: string) =>
    invalid('--policy', `a file, where ${data} has no ${what} ${digest.slice(0, 16)}`, 'none');
  const file = await shelf.read(source);
  if (!file) throw missing('parameters', source);
  const { policy: digest } = readParameterFile(file, known.kinds);
  if (digest === NO_POLICY) return namedPolicy(DEFAULT_POLICY);
  const bytes = await shelf.read(digest);
  if (!bytes) throw missing('policy', digest);
  return namedPolicy(readPolicy(bytes, undefined, known.rules));
}

async function payOf(
  of: {
    readonly ledger: LedgerReader;
    readonly policy: NamedPolicy;
    readonly subnet: Subnet;
    readonly known: Known;
    readonly receipts: string | undefined;
  },
  signal: AbortSignal,
) {
  const { ledger, subnet, known, receipts } = of;
  const { policy, digest } = of.policy;
  const chainFacts = factsOf(subnet);
  const usage =
    receipts === undefined ? undefined : await readUsage(receipts, policy, subnet, chainFacts.neurons);
  const parts = { classOf: await classesIn(ledger, known.kinds, signal), rules: known.rules };
  const compacted = ledger.compacted();
  const state =
    compacted?.policy === digest
      ? restoreScoringState(policy, compacted.state, parts)
      : createScoringState(policy, parts);
  let rollouts: { readonly epoch: number; readonly credit: Facts['rollouts'] } | undefined;
  const { voided } = await readHold(ledger, signal);
  await ledger.fold(
    {
      ...withoutEvents(state, voided),
      scored({ epoch, facts }) {
        if (facts.rollouts) rollouts = { epoch, credit: facts.rollouts };
      },
    },
    {},
    signal,
  );
  const pay = scoreState(state, subnet.epochIndex)?.pay({ ...chainFacts, rollouts: rollouts?.credit, usage });
  return pay && { pay, rolloutsFromEpoch: rollouts?.epoch };
}

const arrow = (before: number, after: number): string =>
  before === after ? shareText(after) : `${shareText(before)} -> ${shareText(after)}`;

function textOf(preview: Preview): string {
  const { uid, row, neurons, unknown, pay } = preview;
  const weights = new Map(row);
  const table = new Table({
    head: ['uid', 'hotkey', 'our weight', 'consensus', 'incentive', 'trust', 'dividends'],
  });
  for (const { uid: of, hotkey, with: then, without } of neurons)
    table.push([
      of === uid ? `${of} (we)` : of,
      shortAddress(hotkey),
      weights.get(of) ?? '-',
      arrow(without.consensus, then.consensus),
      arrow(without.incentive, then.incentive),
      arrow(without.validatorTrust, then.validatorTrust),
      arrow(without.dividends, then.dividends),
    ]);
  const own = neurons[uid]!;
  return [
    payTable(pay),
    burnedText(pay),
    table.toString(),
    'without the row -> with it; one figure where nothing changes',
    factLines([
      ['subnet', `${preview.netuid}, mechanism ${preview.mechanism}`],
      ['seen at block', preview.block],
      ['the chain’s epoch', `in block ${preview.epochBlock}`],
      ['policy', preview.policy],
      ['our trust', arrow(own.without.validatorTrust, own.with.validatorTrust)],
      ['our dividends', arrow(own.without.dividends, own.with.dividends)],
      [
        'weights are sealed',
        preview.commitReveal ? 'shown as if they were revealed by then, which they are later' : undefined,
      ],
      [
        'not known',
        unknown.committed.length === 0
          ? undefined
          : `rows that are committed and not revealed, of uid ${unknown.committed.join(', ')}: shown as they stand`,
      ],
      [
        'in whole rao',
        unknown.roundedStakes.length === 0
          ? undefined
          : `stakes of uid ${unknown.roundedStakes.join(', ')}, which lend or borrow some`,
      ],
      [
        'rollout credit',
        unknown.rolloutsFromEpoch === undefined ? undefined : `of epoch ${unknown.rolloutsFromEpoch}`,
      ],
    ]),
  ].join('\n');
}
