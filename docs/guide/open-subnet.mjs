// Opens a subnet on a fresh localnet: Alice owns it, Bob validates, Charlie mines.
// Usage: node docs/guide/open-subnet.mjs [ws://127.0.0.1:9944]
import { connectSubtensor } from 'assay/chain';
import { keypairFromUri, readyKeys } from 'assay/keys';
import { silentLog, systemClock } from 'assay/model';

const [url = 'ws://127.0.0.1:9944'] = process.argv.slice(2);
const TAO = 1_000_000_000n;

await readyKeys();
const chain = await connectSubtensor({ url, log: silentLog, clock: systemClock });
const [alice, bob, charlie] = ['//Alice', '//Bob', '//Charlie'].map(keypairFromUri);
const hotkey = (uri) => keypairFromUri(uri).address;

const { netuid } = await chain.registerNetwork(alice, hotkey('//Alice//owner'));
await chain.startCall(alice, netuid);

// a subnet starts as the chain starts it; these suit epochs of half a minute
const calls = [
  ['sudo_set_tempo', 120],
  ['sudo_set_subnet_emission_enabled', true],
  ['sudo_set_yuma3_enabled', false],
  ['sudo_set_commit_reveal_weights_enabled', false],
  ['sudo_set_weights_set_rate_limit', 0],
  ['sudo_set_serving_rate_limit', 0],
];
for (const [call, value] of calls) await chain.sudo(alice, { call, args: [netuid, value] });

const validator = await chain.burnedRegister(bob, netuid, hotkey('//Bob//validator'));
await chain.addStake(bob, netuid, hotkey('//Bob//validator'), 1000n * TAO);
const miner = await chain.burnedRegister(charlie, netuid, hotkey('//Charlie//miner'));

const { tempo, nextEpochBlock, block } = await chain.subnet(netuid);
console.log(`subnet ${netuid}: validator uid ${validator.uid}, miner uid ${miner.uid}`);
console.log(`block ${block}; epochs every ${tempo} blocks, the next one at block ${nextEpochBlock}`);
await chain.close();
