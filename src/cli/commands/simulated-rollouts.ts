// Owns: the hidden roles of `assay demo --rollouts` as processes of their own: miners of every kind, and validators.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { setCommitment } from '../../chain/subtensor/operations/commitments.js';
import { nodeDisk } from '../../inference/checkpoint/disk.js';
import { openStore } from '../../inference/checkpoint/store.js';
import type { LanguageModel } from '../../inference/language-model.js';
import { policyDigest } from '../../inference/spec/policy.js';
import { fromAddress, keypairFromUri, readyKeys } from '../../keys/index.js';
import { verifySignature } from '../../keys/keypair.js';
import { toHex } from '../../model/bytes.js';
import { toHotkey, toNetuid } from '../../model/ids.js';
import { createChainBeacon } from '../../rollouts/beacon.js';
import { fetchFile } from '../../rollouts/fetch.js';
import { manifestName, openShelf } from '../../rollouts/shelf.js';
import { committedDigest, deadlineBlock, startBlock } from '../../rollouts/windows.js';
import { quantised } from '../../testing/rollouts/liars/altered.js';
import { ROLLOUT_MINERS, workOf } from '../../testing/rollouts/miners.js';
import { DEMO_PLAN } from '../../testing/world.js';
import { decodeFile, rolloutsOf } from '../../verification/rollouts/file.js';
import { MAX_MANIFEST_BYTES } from '../../verification/rollouts/limits.js';
import { openManifest, type SignedManifest } from '../../verification/rollouts/manifest.js';
import { dataPaths, systemParts } from '../assemble.js';
import { EXIT, stderrLog } from '../output.js';
import { tellParent } from '../parent.js';
import { createRolloutModels } from '../rollout-models.js';
import { rowsOf } from '../rollout-rows.js';
import { parseRolloutSubnet, SUBNET_FILE } from '../rollout-subnet.js';

const shared = {
  chain: z.string(),
  netuid: z.number().int(),
  hotkeyUri: z.string(),
  host: z.string(),
  data: z.string(),
  subnet: z.unknown(),
  /** address of whoever commits to checkpoints, and the folder that it publishes into */
  trainer: z.string(),
  published: z.string(),
  plan: z.strictObject({
    firstBlock: z.number().int(),
    everyBlocks: z.number().int(),
    workBlocks: z.number().int(),
    beaconDelayMs: z.number(),
    headLeadBlocks: z.number().int(),
  }),
};
export const rolloutMinerSchema = z.strictObject({
  ...shared,
  kind: z.enum(ROLLOUT_MINERS),
  /** copies: whom */
  victim: z.string().optional(),
});
export const rolloutValidatorSchema = z.strictObject(shared);

type Shared = z.infer<typeof rolloutValidatorSchema>;

/** Blocks before D at which work ends: a busy machine of two cores takes some to get a commitment into one. */
const MARGIN_BLOCKS = 8;

async function assemble(options: Shared, signal: AbortSignal) {
  await readyKeys();
  const [{ connectSubtensor }, { createGrpcWire }] = await Promise.all([
    import('../../chain/subtensor/connect.js'),
    import('../../protocol/grpc/wire.js'),
  ]);
  const { clock, random } = systemParts;
  const netuid = toNetuid(options.netuid);
  const log = stderrLog('info', { netuid });
  const keypair = keypairFromUri(options.hotkeyUri);
  const subnet = parseRolloutSubnet(options.subnet, 'subnet of the demo');
  const chain = await connectSubtensor({ url: options.chain, log, clock, signal });
  const beacon = await createChainBeacon('dev-chain', chain);
  const wire = createGrpcWire({ clock });
  const trainer = toHotkey(options.trainer);
  const models = createRolloutModels(
    { log },
    {
      subnet,
      folder: join(options.data, 'checkpoints'),
      from: openStore(nodeDisk, options.published),
      trainer: fromAddress(trainer),
    },
  );
  const shelf = await openShelf(join(options.data, 'files'));
  const { plan } = options;
  const rules = { netuid, plan, policyDigest: policyDigest(subnet.policy), trainer };
  const session = { wire, keypair, clock, log, random };
  return { chain, beacon, clock, log, keypair, subnet, models, shelf, rules, session, netuid };
}

export async function rolloutMiner(
  options: z.infer<typeof rolloutMinerSchema>,
  signal: AbortSignal,
): Promise<number> {
  const parts = await assemble(options, signal);
  const { chain, keypair, subnet, models, shelf, rules, session, netuid, clock, log } = parts;
  const [{ runMiner }, { noReceipts }, { runRolloutMiner }, { createHolders }] = await Promise.all([
    import('../../miner/miner.js'),
    import('../../miner/receipts.js'),
    import('../../miner/rollouts/run.js'),
    import('../../validator/rollouts/holders.js'),
  ]);
  const { policy, environment, quota } = subnet;
  const holders = createHolders(session, { netuid, self: toHotkey(keypair.address) });
  const older = async (digest: Uint8Array) => {
    const parent = await models.parentOf(digest, signal);
    return models.modelOf(parent ?? digest, signal);
  };
  let int8: { readonly of: string; readonly model: LanguageModel } | undefined;
  const rounded = async (digest: Uint8Array): Promise<LanguageModel> => {
    if (int8?.of === toHex(digest)) return int8.model;
    await int8?.model.close();
    const master = await models.masterOf(digest, signal);
    const { weights } = quantised(master, 8);
    int8 = { of: toHex(digest), model: await models.openModel({ ...master, weights }) };
    return int8.model;
  };
  const work = workOf(
    options.kind,
    {
      modelOf: models.modelOf,
      staleModel: older,
      int8Model: rounded,
      environment,
      keypair,
      clock,
      log,
      victims: async (window) => {
        const victim = toHotkey(options.victim!); // the demo names one for each that copies
        const after = startBlock(options.plan, window);
        const upTo = deadlineBlock(options.plan, window);
        const digest = committedDigest(await chain.commitmentOf(netuid, victim), { after, upTo });
        if (!digest) return undefined;
        let signed: SignedManifest | undefined;
        const isIt = (bytes: Uint8Array) => {
          const opened = openManifest(bytes, verifySignature);
          if (opened.kind === 'ok') signed = opened.value;
          return signed !== undefined;
        };
        const asked = holders.of(victim, await chain.subnet(netuid)).slice(0, 1);
        const wanted = { digest: manifestName(digest), maxBytes: MAX_MANIFEST_BYTES, isIt };
        await fetchFile({ log }, { wanted, holders: asked }, signal);
        if (!signed) return undefined;
        const { manifest } = signed;
        const { fileSha256, fileBytes } = manifest;
        const file = await fetchFile(
          { log },
          { wanted: { digest: fileSha256, maxBytes: fileBytes }, holders: asked },
          signal,
        );
        const read = file && decodeFile(file, { ...manifest, maxTokens: policy.maxTokens });
        return read?.kind === 'ok' ? [...rolloutsOf(read.value)] : undefined;
      },
    },
    { policy, quota, batch: 32 },
  );
  const common = { ...parts, ...session, reader: chain, writer: chain };
  let ready: Promise<void> | undefined;
  try {
    await runMiner(
      { ...common, receipts: noReceipts, slots: [], piece: shelf.piece },
      { netuid, host: options.host, port: 0 },
      signal,
      (address) => {
        ready = runRolloutMiner(
          {
            ...common,
            work,
            shelf,
            commit: (digest) =>
              chain.submit(keypair, setCommitment(netuid, [{ kind: 'sha2-256', hash: digest }])),
            onStatus: (status) => tellParent({ window: status }),
          },
          { ...rules, marginBlocks: MARGIN_BLOCKS },
          signal,
        );
        tellParent({ ready: address });
      },
    );
    await ready;
  } finally {
    holders.close();
    await Promise.all([int8?.model.close(), models.close(), chain.close()]);
  }
  return EXIT.ok;
}

export async function rolloutValidator(options: Shared, signal: AbortSignal): Promise<number> {
  const parts = await assemble(options, signal);
  const { chain, keypair, subnet, models, shelf, rules, session, netuid, log } = parts;
  const [
    { createHolders },
    { createWindowJudge },
    { openRolloutLedger },
    { createRolloutValidator },
    { runValidator },
    { openLedger },
    { openWeightsBook },
    { noDelay },
  ] = await Promise.all([
    import('../../validator/rollouts/holders.js'),
    import('../../validator/rollouts/judge.js'),
    import('../../validator/rollouts/ledger.js'),
    import('../../validator/rollouts/run.js'),
    import('../../validator/validator.js'),
    import('../../validator/ledger/ledger.js'),
    import('../../validator/weights/book.js'),
    import('../../validator/own-delay.js'),
  ]);
  const { policy, environment, quota } = subnet;
  await mkdir(options.data, { recursive: true });
  await writeFile(join(options.data, SUBNET_FILE), `${subnet.text}\n`);
  const holders = createHolders(session, { netuid, self: toHotkey(keypair.address) });
  const windows = await openRolloutLedger({ dir: join(options.data, 'windows'), log });
  const judge = createWindowJudge(
    { modelOf: models.modelOf, environment, keypair, log },
    { policy, rules: subnet.rules, quota },
  );
  const validator = createRolloutValidator(
    {
      ...parts,
      ledger: windows,
      judge,
      holdersOf: holders.of,
      onStatus: (status) => {
        const rows =
          status.is === 'judged' ? rowsOf(windows.entries(), status.window, judge.standings()) : [];
        tellParent({ judged: { ...status, rows } });
      },
    },
    { ...rules, policy, vocabulary: subnet.config.vocabulary, quota },
  );
  const [info, head] = await Promise.all([chain.info(), chain.head()]);
  const whose = { genesisHash: info.genesisHash, netuid, keypair };
  const ledger = await openLedger({ ...systemParts, ...whose, dir: dataPaths.ledger(options.data), log });
  const at = { genesisHash: info.genesisHash, hotkey: keypair.address, head: head.number };
  const book = await openWeightsBook({ log }, { folder: dataPaths.weights(options.data), ...at });
  try {
    const running = validator.run(signal);
    tellParent({ ready: {} });
    await Promise.all([
      running,
      runValidator(
        {
          ...session,
          reader: chain,
          writer: chain,
          book,
          kinds: {},
          ledger,
          ownDelay: noDelay,
          scoreOf: validator.scoreOf,
          files: { writer: chain, host: options.host, port: 0, piece: shelf.piece },
        },
        { netuid, plan: DEMO_PLAN.events },
        signal,
        ({ lastWeights }) => {
          if (lastWeights) tellParent({ weights: lastWeights });
        },
      ),
    ]);
  } finally {
    holders.close();
    await Promise.all([models.close(), windows.close(), ledger.close(), chain.close()]);
  }
  return EXIT.ok;
}
