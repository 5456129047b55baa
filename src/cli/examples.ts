// Owns: one example for each command whose group has not more to say. Does not own: longer ones, which stand beside their command.
import type { Command } from 'commander';
import type { AssayCommand } from './command.js';

/** By the words behind `assay`. Help of a group shows those of its first commands. */
const EXAMPLES: Readonly<Record<string, string>> = {
  demo: 'assay demo --seed mine --json > report.json',
  'localnet advance': 'assay localnet advance 20',
  'localnet faucet': 'assay localnet faucet //Bob 1000',
  'localnet snapshot': 'assay localnet snapshot chain.json',
  'localnet fault show': 'assay localnet fault show --json',
  'localnet fault stall': 'assay localnet fault stall',
  'localnet fault resume': 'assay localnet fault resume',
  'localnet fault drop-connections': 'assay localnet fault drop-connections --for-ms 5000',
  'localnet fault delay-inclusion': 'assay localnet fault delay-inclusion 3',
  'localnet fault reject': 'assay localnet fault reject SubtensorModule.set_weights --code 1010 --custom 6',
  'localnet fault reorg': 'assay localnet fault reorg 2',
  'localnet fault upgrade-metadata': 'assay localnet fault upgrade-metadata',
  'localnet fault lag': 'assay localnet fault lag 5',
  'localnet fault nonsense': 'assay localnet fault nonsense chain_getHeader --kind null',
  'localnet fault clear': 'assay localnet fault clear',
  'chain status': 'assay chain status --network finney',
  'chain metagraph': 'assay chain metagraph --netuid 4 --network finney --sort stake',
  'chain hyperparams': 'assay chain hyperparams --netuid 4 --network finney',
  'chain watch': 'assay chain watch --netuid 4 --network finney --blocks 10',
  'chain snapshot': 'assay chain snapshot subnet4.json --netuid 4 --network finney',
  'chain register': 'assay chain register --netuid 1 --wallet mine --price-limit 0.5 --dry-run',
  'chain stake': 'assay chain stake 10 --netuid 1 --wallet mine --tolerance 1',
  'chain unstake': 'assay chain unstake --all --netuid 1 --wallet mine --dry-run',
  'chain serve': 'assay chain serve --netuid 1 --wallet mine --ip 203.0.113.7 --port 8091',
  'chain weights set':
    'assay chain weights set --netuid 1 --weights 3:1,7:0.5 --wallet mine --hotkey default --preview',
  'chain weights show': 'assay chain weights show --netuid 1 --uid 3',
  'chain weights commit':
    'assay chain weights commit --netuid 1 --weights 3:1,7:0.5 --wallet mine --salt-file row.json',
  'chain weights reveal': 'assay chain weights reveal row.json --wallet mine',
  'subnet create': 'assay subnet create --wallet //Alice --name "a subnet" --start',
  'subnet start': 'assay subnet start --netuid 1 --wallet mine',
  'subnet info': 'assay subnet info --netuid 4 --network finney',
  'checkpoint pull': 'assay checkpoint pull --from /mnt/trainer --store checkpoints',
  'checkpoint verify': 'assay checkpoint verify --store checkpoints --window 12',
  'checkpoint diff': 'assay checkpoint diff before.safetensors after.safetensors',
  'validator start': 'assay validator start --config validator.json --log-format pretty',
  'validator worker': 'assay validator worker --redis /etc/assay/redis --queue-key queue.key',
  'validator outcomes': 'assay validator outcomes --data .assay/validator --last 20',
  'validator hosts': 'assay validator hosts --netuid 1 --wallet mine --hotkey default',
  'validator breaker status': 'assay validator breaker status --data .assay/validator',
  'validator breaker release': 'assay validator breaker release --data .assay/validator',
  'validator breaker accept': 'assay validator breaker accept --data .assay/validator',
  'validator queue': 'assay validator queue --data .assay/validator',
  'validator queue list': 'assay validator queue list --data .assay/validator',
  'validator queue retry': 'assay validator queue retry 5f0c --data .assay/validator',
  'validator queue forget': 'assay validator queue forget 5f0c --data .assay/validator',
  'validator replay': 'assay validator replay --all --epoch 40.. --data .assay/validator',
  'validator export': 'assay validator export --data .assay/validator --out ledger.assay --wallet mine',
  'validator import': 'assay validator import ledger.assay --data .assay/copy',
  'validator compare': 'assay validator compare .assay/validator theirs.assay --epoch 40..',
  'validator preview': 'assay validator preview --data .assay/validator --network finney',
  'miner start': 'assay miner start --config miner.json --log-format pretty',
  'miner status': 'assay miner status --data .assay/miner',
  'miner callers': 'assay miner callers --data .assay/miner --json',
  'miner host': 'assay miner host --config host.json',
  'miner host-key': 'assay miner host-key --data .assay/miner',
  'miner hosts': 'assay miner hosts --data .assay/miner',
  'miner lease': 'assay miner lease 0 --data .assay/miner --until 2030-01-31T12:00:00Z',
  'miner release': 'assay miner release 0 --data .assay/miner',
  'miner maintenance cancel':
    'assay miner maintenance cancel 2 --data .assay/miner --hotkey //Alice --netuid 1',
  'miner maintenance list': 'assay miner maintenance list --data .assay/miner',
  'miner devices': 'assay miner devices',
  'miner history': 'assay miner history --data .assay/miner --last 20',
  'miner plot': 'assay miner plot --folder /disk/plot --hotkey 5F... --sectors 4096',
  'miner vantage': 'assay miner vantage --listen 0.0.0.0 --port 8099',
  dashboard: 'assay dashboard --data .assay/validator --network finney',
  'dashboard export': 'assay dashboard export site --data .assay/validator',
  'config check': 'assay config check validator.json',
  'config explain': 'assay config explain netuid --role miner --config miner.json',
  'config init': 'assay config init --role miner --out miner.json',
  params: 'assay verification params list --kind compute',
  'verification params list': 'assay verification params list --kind compute',
  'verification params show': 'assay verification params show compute/cpu-2048',
  'verification params check': 'assay verification params check params.json',
  'verification params export': 'assay verification params export --class cpu-2048 --out params.json',
  'verification params published': 'assay verification params published --netuid 1',
  'verification honest': 'assay verification honest --kind compute --runs 1000',
  'verification check': 'assay verification check session.json',
  emissions: 'assay emissions simulate cabal-40 --epochs 200',
  'scoring init': 'assay scoring init compute --out policy.json',
  'scoring schema': 'assay scoring schema > policy.schema.json',
  'scoring check': 'assay scoring check policy.json --params params.json',
  'model show': 'assay model show models/tiny',
  'rollouts show': 'assay rollouts show --data validator --window 12',
  'rollouts replay': 'assay rollouts replay --data validator',
  'rollouts consume': 'assay rollouts consume --data trainer --window 12 --out train.jsonl --proofs proofs',
  'rollouts confirm': 'assay rollouts confirm proofs/a.proof --data validator --enter',
  'wallet list': 'assay wallet list',
  'wallet show': 'assay wallet show --wallet mine',
  'wallet verify': 'assay wallet verify 5F... 0x... --message "I own this wallet"',
  'wallet regen-pub': 'assay wallet regen-pub --wallet mine --key coldkey',
  version: 'assay version --json',
  errors: 'assay errors unreachable',
};

/** Of a group's help: enough to see how its commands are said. */
const OF_A_GROUP = 3;

export function addExamples(program: Command): void {
  for (const command of program.commands) addTo(command, command.name());
}

function addTo(command: Command, path: string): void {
  const example = EXAMPLES[path];
  if (example !== undefined) command.addHelpText('after', `\nExample:\n  ${example}`);
  else if (command.commands.length > 0 && !(command as AssayCommand).hasHelpText) addOfGroup(command, path);
  for (const each of command.commands) addTo(each, `${path} ${each.name()}`);
}

function addOfGroup(command: Command, path: string): void {
  const own = Object.entries(EXAMPLES).filter(([name]) => name.startsWith(`${path} `));
  const lines = own.slice(0, OF_A_GROUP).map(([, example]) => `  ${example}`);
  if (lines.length > 0) command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
