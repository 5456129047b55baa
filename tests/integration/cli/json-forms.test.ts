// What commands print with --json, held against docs/json: nothing that is not there, nothing that is there and is missing.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createProgram } from '../../../src/cli/program.js';
import { documentedCommand, formProblems } from '../../support/json-forms.js';
import { seedLedger } from '../../support/seeded-ledger.js';
import { type LocalnetNode, startLocalnet } from '../chain/localnet-node.js';

// a command ends the process; here it says how it ended
let ended: Promise<number> | undefined;
let stop = new AbortController();
vi.mock('../../../src/cli/run.js', () => ({
  run: (work: (signal: AbortSignal) => Promise<number>) => {
    ended = work(stop.signal);
    return ended.then(
      () => {},
      () => {},
    );
  },
}));
vi.mock('../../../src/cli/wallet-io.js', async (original) => {
  const actual = await original<typeof import('../../../src/cli/wallet-io.js')>();
  return {
    ...actual,
    terminalIo: (signal: AbortSignal) => ({ ...actual.terminalIo(signal), note: () => {} }),
  };
});

let folder: string;
let node: LocalnetNode;
let stopBlocks: () => Promise<void>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-json-'));
  node = await startLocalnet();
  stopBlocks = node.pump();
});
afterAll(async () => {
  await stopBlocks?.();
  await node.goDown();
  rmSync(folder, { recursive: true, force: true });
});

async function printed(
  args: readonly string[],
  { untilItSpeaks = false } = {},
): Promise<{ code: number; out: string }> {
  let out = '';
  stop = new AbortController();
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    if (untilItSpeaks) stop.abort();
    return true;
  });
  const note = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  ended = undefined;
  try {
    const program = createProgram();
    program.exitOverride();
    await program.parseAsync(['node', 'assay', ...args]);
    return { code: await ended!, out };
  } finally {
    write.mockRestore();
    note.mockRestore();
  }
}

/** In this order: later ones use what earlier ones wrote. FOLDER is the test's own. */
const LINES: readonly string[] = [
  'version',
  'errors',
  'config init --role miner --out FOLDER/miner.json',
  'config check FOLDER/miner.json',
  'config explain --role miner',
  'config explain netuid --role miner --config FOLDER/good.json',
  'verification params list --kind compute',
  'verification params show cpu-2048',
  'verification params export --class cpu-2048 --out FOLDER/params.json',
  'verification params check FOLDER/params.json',
  'verification attack --list --kind compute',
  'verification attack --kind liveness --runs 20',
  'verification honest --kind liveness --runs 5',
  'verification transcript --list --kind compute',
  'verification transcript --kind liveness --out FOLDER/session.json',
  'verification check FOLDER/session.json',
  'scoring init compute --out FOLDER/policy.json',
  'scoring check FOLDER/policy.json',
  'emissions scenarios',
  'emissions simulate burn-share --epochs 3',
  'emissions sweep burn-share --epochs 2 --vary owner.burnShare=0:0.5:0.5 --threads 1',
  'emissions search burn-share --epochs 2 --vary owner.burnShare --from 0 --to 1 --samples 2 --largest --threads 1 --target costly.profitTao>=-1e9',
  'emissions report burn-share --epochs 2 --out FOLDER/report.html',
  'emissions schedule',
  'emissions schedule bitcoin --days 10',
  'emissions epoch tests/vectors/yuma-cases.json',
  'model build-tiny FOLDER/model --size miniature',
  'model show FOLDER/model',
  'wallet create --wallet-path FOLDER/wallets --wallet mine --no-password --show-mnemonic',
  'wallet list --wallet-path FOLDER/wallets',
  'wallet show --wallet-path FOLDER/wallets --wallet mine',
  'wallet sign --wallet-path FOLDER/wallets --wallet mine --message hello',
  'wallet regen-pub --wallet-path FOLDER/wallets --wallet mine',
  'miner host-key --key FOLDER/host.key',
  'miner lease 0 --data FOLDER',
  'miner release 0 --data FOLDER',
  'miner maintenance list --data FOLDER',
  'validator outcomes --data FOLDER/validator --last 3',
  'validator replay --all --data FOLDER/validator',
  'validator compare FOLDER/validator FOLDER/validator',
  'scoring preview compute --data FOLDER/validator --against rollouts',
  'rollouts init --seeded miniature --trainer 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY --calibration none-localnet-only --first-block 60 --engine plain --prompt-millis 100 --out FOLDER/rollouts.json',
  'subnet create --wallet //Alice --start --network NODE',
  'subnet info --netuid 1 --network NODE',
  'subnet set --list --network NODE',
  'subnet set weights_set_rate_limit 0 --netuid 1 --wallet //Alice --sudo --network NODE',
  'subnet set commit_reveal_weights_enabled false --netuid 1 --wallet //Alice --sudo --network NODE',
  'chain status --network NODE',
  'chain metagraph --netuid 1 --network NODE',
  'chain hyperparams --netuid 1 --network NODE',
  'chain snapshot FOLDER/subnet.json --netuid 1 --network NODE',
  'chain register --netuid 1 --wallet //Alice --hotkey //Bob --network NODE',
  'chain register --netuid 1 --wallet //Charlie --dry-run --network NODE',
  'chain stake 10 --netuid 1 --wallet //Alice --network NODE',
  'chain unstake 1 --netuid 1 --wallet //Alice --network NODE',
  'chain weights set --netuid 1 --wallet //Alice --weights 0:1 --network NODE',
  'chain weights show --netuid 1 --network NODE',
  'verification params published --netuid 1 --network NODE',
  'dashboard export FOLDER/site --data FOLDER/validator',
  `wallet verify 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY ${'00'.repeat(64)} --message hello`,
  'miner devices',
  'validator breaker status --data FOLDER/validator',
  'validator breaker release --data FOLDER/validator',
  'localnet advance 2 --network NODE',
  'localnet faucet //Bob 1 --network NODE',
  'localnet fault show --network NODE',
  'localnet fault lag 1 --network NODE',
  'localnet fault delay-inclusion 1 --network NODE',
  'localnet fault reject Balances.transfer_allow_death --network NODE',
  'localnet fault nonsense chain_getBlockHash --network NODE',
  'localnet fault clear --network NODE',
  'localnet fault drop-connections --network NODE',
  'localnet fault reorg 1 --network NODE',
  'localnet fault stall --network NODE',
  'localnet fault resume --network NODE',
  'localnet snapshot FOLDER/chain.saved --network NODE',
];

/** These run until they are stopped: as soon as they have said something. */
const RUNNING: readonly string[] = [
  'dashboard --data FOLDER/validator --port 0',
  'miner vantage --port 0',
  'chain watch --network NODE',
];

test('is what docs/json says of it', async () => {
  mkdirSync(join(folder, 'wallets'));
  await seedLedger(join(folder, 'validator'), { miners: 12, epochs: 2 });
  writeFileSync(
    join(folder, 'good.json'),
    '{ "role": "miner", "netuid": 7, "hotkey": "//Alice", "data": "x" }',
  );
  const wrong: unknown[] = [];
  for (const line of [...LINES, ...RUNNING]) {
    const args = line.split(' ').map((word) => word.replace('FOLDER', folder).replace('NODE', node.url));
    const untilItSpeaks = RUNNING.includes(line);
    const { code, out } = await printed([...args, '--json'], { untilItSpeaks }).catch((error: unknown) => ({
      code: -1,
      out: String(error),
    }));
    const command = documentedCommand(args);
    // done, or the answer is no, or nothing is left to recompute: whatever it is, it is said in that form
    if (command === undefined || ![0, 1, 4, ...(untilItSpeaks ? [130] : [])].includes(code))
      wrong.push({ line, code, out: out.slice(0, 500) });
    else for (const problem of formProblems(command, out)) wrong.push({ line, problem });
  }
  expect(wrong).toEqual([]);
}, 120_000);
