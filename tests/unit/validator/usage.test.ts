import { expect, test } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { toHex } from '../../../src/model/bytes.js';
import { type Hotkey, toHotkey } from '../../../src/model/ids.js';
import { receiptMessage } from '../../../src/scoring/index.js';
import { factsOf } from '../../../src/validator/score.js';
import { usageOf } from '../../../src/validator/usage.js';
import { recordingLog } from '../../support/logs.js';
import { policyOf } from '../../support/scoring.js';
import { neuron, subnet } from '../../support/subnets.js';

await readyKeys();
const market = devKeypair('market');
const policy = policyOf({ rented: { signers: [market.address], idle: 0 } });
const now = subnet([neuron(0), neuron(1)]);
const { neurons } = factsOf(now);
const miner = 'hotkey-1';

function line(change: object = {}): string {
  const plain = {
    format: 'assay-usage-receipt/1' as const,
    netuid: 7,
    epoch: 5,
    miner,
    slot: 2,
    fromBlock: 100,
    toBlock: 112,
    signer: market.address,
    ...change,
  };
  return JSON.stringify({ ...plain, signature: toHex(market.sign(receiptMessage(plain))) });
}

test('used time is what listed signers signed of this epoch; what does not count is counted by its reason, and costs nobody else', async () => {
  const { log, lines } = recordingLog();
  const altered = line({ slot: 3 }).replace('"toBlock":112', '"toBlock":148');
  const receipts = async () => [
    line(),
    line({ epoch: 4 }), // of a file of many epochs
    line(), // again
    altered,
    line({ miner: 'stranger' }),
    '{',
    `${' '.repeat(5000)}1`,
  ];
  const usage = await usageOf({ receipts, log }, policy, now, neurons);
  // a quarter of the 48 blocks
  expect(usage).toEqual(new Map<Hotkey, Map<number, number>>([[toHotkey(miner), new Map([[2, 250_000]])]]));
  expect(lines).toMatchObject([
    {
      msg: 'usage receipts that do not count',
      epoch: 5,
      twice: 1,
      signature: 1,
      'not-registered': 1,
      malformed: 2,
    },
  ]);
});

test('a policy that pays nothing for used time asks for no receipts', async () => {
  const { log } = recordingLog();
  const receipts = async () => expect.fail('asked');
  expect(await usageOf({ receipts, log }, policyOf({}), now, neurons)).toBeUndefined();
});
