// Owns: the hidden role of `assay demo --rollouts` that lies: miners of every dishonest kind, otherwise as `assay rollouts mine` is.
import { z } from 'zod';
import type { LanguageModel } from '../../inference/language-model.js';
import { verifySignature } from '../../keys/keypair.js';
import { toHex } from '../../model/bytes.js';
import { toHotkey } from '../../model/ids.js';
import { fetchFile } from '../../rollouts/fetch.js';
import { createHolders } from '../../rollouts/holders.js';
import { manifestName } from '../../rollouts/shelf.js';
import { committedDigest, deadlineBlock, startBlock } from '../../rollouts/windows.js';
import { quantised } from '../../testing/rollouts/liars/altered.js';
import { ROLLOUT_MINERS, workOf } from '../../testing/rollouts/miners.js';
import { decodeFile, rolloutsOf } from '../../verification/rollouts/file.js';
import { MAX_MANIFEST_BYTES } from '../../verification/rollouts/limits.js';
import { openManifest, type SignedManifest } from '../../verification/rollouts/manifest.js';
import { rolloutMinerSchema } from '../config.js';
import { EXIT } from '../output.js';
import { openRolloutRole } from '../rollout-role.js';
import { mineWith } from './rollouts/mine.js';

export const rolloutLiarSchema = rolloutMinerSchema.extend({
  kind: z.enum(ROLLOUT_MINERS),
  /** copies: whom */
  victim: z.string().optional(),
});

export async function rolloutLiar(
  { kind, victim: victimAddress, ...config }: z.infer<typeof rolloutLiarSchema>,
  signal: AbortSignal,
): Promise<number> {
  const role = await openRolloutRole(config, 'miner', signal);
  const { chain, keypair, subnet, models, session, netuid, clock, log, self } = role;
  const { policy, environment, quota, plan } = subnet;
  const holders = createHolders(session, { netuid, self });
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
    kind,
    {
      modelOf: models.modelOf,
      staleModel: older,
      int8Model: rounded,
      environment,
      keypair,
      clock,
      log,
      victims: async (window) => {
        const victim = toHotkey(victimAddress!); // the demo names one for each that copies
        const after = startBlock(plan, window);
        const upTo = deadlineBlock(plan, window);
        const digest = committedDigest(await chain.commitmentOf(netuid, victim), { after, upTo });
        if (!digest) return undefined;
        let signed: SignedManifest | undefined;
        const isIt = (bytes: Uint8Array) => {
          const opened = openManifest(bytes, verifySignature);
          if (opened.kind === 'ok') signed = opened.value;
          return signed !== undefined;
        };
        const asked = holders.of(victim, await chain.subnet(netuid)).slice(0, 1);
        const wanted = { name: manifestName(digest), maxBytes: MAX_MANIFEST_BYTES, isIt };
        await fetchFile({ log }, { wanted, holders: asked }, signal);
        if (!signed) return undefined;
        const { manifest } = signed;
        const { fileSha256, fileBytes } = manifest;
        const file = await fetchFile(
          { log },
          { wanted: { name: fileSha256, maxBytes: fileBytes }, holders: asked },
          signal,
        );
        const read = file && decodeFile(file, { ...manifest, maxTokens: policy.maxTokens });
        return read?.kind === 'ok' ? [...rolloutsOf(read.value)] : undefined;
      },
    },
    { policy, quota, batch: config.batch },
  );
  try {
    await mineWith(role, { work, marginBlocks: config.marginBlocks }, signal);
  } finally {
    holders.close();
    await int8?.model.close();
    await role.close();
  }
  return EXIT.ok;
}
