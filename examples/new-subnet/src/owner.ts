// Owns: publishing this project's files on any chain, as the subnet's owner. Does not own: how (publish.ts).
// Usage: npm run publish-files -- --config config/owner.json
import { publishFiles } from './publish.js';
import { runRole } from './role.js';

/** A whole epoch in which validators can fetch the files, before the one in which both count. */
const EPOCHS_AHEAD = 2;

await runRole('owner', async ({ settings: { netuid }, chain, keypair }) => {
  const firstEpoch = await publishFiles(chain, keypair, netuid, EPOCHS_AHEAD);
  console.log(
    `parameters and policy of subnet ${netuid} are published: they count from epoch ${firstEpoch} on`,
  );
});
