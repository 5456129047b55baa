// Owns: this subnet's validator. Does not own: what it checks (hash-cells/verify.ts), what it pays (policy.ts).
import { join } from 'node:path';
import { createValidator, type EventPlan, type ValidatorStatus } from 'assay';
import { systemRandom } from 'assay/model';
import { openLedger, openWeightsBook, publicationsOf } from 'assay/validator';
import { openShelf } from './data.js';
import { runRole } from './role.js';
import { files, kinds } from './subnet.js';

/** Of epochs in which no policy of the owner's counts yet. */
const PLAN: EventPlan = { eventsPerEpoch: 2, leadBlocks: 4, eventBlocks: 20, publishLeadBlocks: 8 };

await runRole('validator', async ({ settings, chain, keypair, log, signal }) => {
  const { netuid, data } = settings;
  const { genesisHash } = await chain.info();
  const { number: head } = await chain.head();
  const ledger = await openLedger({
    dir: join(data, 'ledger'),
    log,
    random: systemRandom,
    genesisHash,
    netuid,
    keypair,
  });
  try {
    const book = await openWeightsBook(
      { log },
      { folder: join(data, 'weights'), genesisHash, hotkey: keypair.address, head },
    );
    try {
      const parameters = {
        source: publicationsOf(chain),
        shelf: openShelf(join(data, 'parameters'), files),
        given: files,
      };
      const validator = createValidator(
        { chain, keypair, ledger, book, proofs: kinds, parameters, log },
        { netuid, plan: PLAN },
      );
      console.log(`validator ${keypair.address}`);
      await validator.run(signal, tellNews());
    } finally {
      await book.close();
    }
  } finally {
    await ledger.close();
  }
});

/** One line for each event, and one for each row of weights. */
function tellNews(): (status: ValidatorStatus) => void {
  let event: number | undefined;
  let weights: number | undefined;
  return ({ lastEvent, lastWeights }) => {
    if (lastEvent && lastEvent.block !== event) {
      event = lastEvent.block;
      const { accepted, rejected, inconclusive } = lastEvent;
      console.log(
        `event at block ${event}: ${accepted} accepted, ${rejected} rejected, ${inconclusive} inconclusive`,
      );
    }
    if (lastWeights && lastWeights.block !== weights) {
      weights = lastWeights.block;
      console.log(`weights set at block ${weights}: ${JSON.stringify(lastWeights.row)}`);
    }
  };
}
