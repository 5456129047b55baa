// Owns: opening this subnet on a fresh localnet, with development keys: Alice owns it, Bob validates, Charlie mines.
// Does not own: the chain (assay localnet start), a subnet on a real one (assay subnet create, README.md).
// Usage: node dist/src/open-localnet.js [ws://127.0.0.1:9944]
import { connectSubtensor } from 'assay/chain';
import { keypairFromUri, readyKeys } from 'assay/keys';
import { silentLog, systemClock, toHotkey } from 'assay/model';
import { publishFiles } from './publish.js';

const TAO = 1_000_000_000n;
const [url = 'ws://127.0.0.1:9944'] = process.argv.slice(2);

await readyKeys();
const chain = await connectSubtensor({ url, log: silentLog, clock: systemClock });
try {
  if ((await chain.info()).type === 'live')
    throw new Error(`${url} is a live chain: development keys open nothing there`);
  await open();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await chain.close();
}

async function open(): Promise<void> {
  const [alice, bob, charlie] = [
    keypairFromUri('//Alice'),
    keypairFromUri('//Bob'),
    keypairFromUri('//Charlie'),
  ];
  const ownerHotkey = keypairFromUri('//Alice//owner');
  const validator = toHotkey(keypairFromUri('//Bob//validator').address);
  const miner = toHotkey(keypairFromUri('//Charlie//miner').address);

  const { netuid } = await chain.registerNetwork(alice, toHotkey(ownerHotkey.address));
  await chain.startCall(alice, netuid);
  // a subnet starts as the chain starts it; these suit epochs of a quarter of a minute
  const calls: readonly (readonly [call: string, value: number | boolean])[] = [
    ['sudo_set_tempo', 60],
    ['sudo_set_subnet_emission_enabled', true],
    ['sudo_set_yuma3_enabled', false],
    ['sudo_set_commit_reveal_weights_enabled', false],
    ['sudo_set_weights_set_rate_limit', 0],
    ['sudo_set_serving_rate_limit', 0],
  ];
  for (const [call, value] of calls) await chain.sudo(alice, { call, args: [netuid, value] });

  const firstEpoch = await publishFiles(chain, ownerHotkey, netuid, 0);
  const { uid: validatorUid } = await chain.burnedRegister(bob, netuid, validator);
  await chain.addStake(bob, netuid, validator, 1000n * TAO);
  const { uid: minerUid } = await chain.burnedRegister(charlie, netuid, miner);
  const { tempo, nextEpochBlock, block } = await chain.subnet(netuid);
  console.log(`subnet ${netuid}: validator uid ${validatorUid}, miner uid ${minerUid}`);
  console.log(`parameters and policy are published: they count from epoch ${firstEpoch} on`);
  console.log(`block ${block}; epochs every ${tempo} blocks, the next one at block ${nextEpochBlock}`);
}
