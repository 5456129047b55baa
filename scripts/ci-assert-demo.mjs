#!/usr/bin/env node
// What every run of the demo must show whatever the machine's load: content and chain, never timing.
// Usage: node scripts/ci-assert-demo.mjs DOCUMENT EXIT_CODE     DOCUMENT: what `assay demo --json` printed
import { readFileSync } from 'node:fs';

const TOO_BUSY = 3;
const EARN_NOTHING = ['fabricates-rows', 'replays', 'relays', 'silent'];
const CONTENT_REASON = { 'fabricates-rows': 'projection', replays: 'seed', relays: 'seed' };

const [path, exit] = process.argv.slice(2);
const failures = [];
expect(
  exit === '0' || exit === String(TOO_BUSY),
  `demo ended with exit code ${exit}, expected 0 or ${TOO_BUSY}`,
);
if (exit === String(TOO_BUSY))
  console.log('demo: this machine is too busy to time proofs; content and chain are checked');

const { miners = [], validators = [] } = parse(path) ?? {};
for (const behaviour of EARN_NOTHING) {
  const matching = miners.filter((miner) => miner.behaviour === behaviour);
  expect(matching.length > 0, `no miner with behaviour ${behaviour}`);
  for (const { uid, alphaEarned, reasons } of matching) {
    expect(alphaEarned === '0', `${behaviour} (uid ${uid}) earned ${alphaEarned} rao of alpha, expected 0`);
    const reason = CONTENT_REASON[behaviour];
    if (reason)
      expect(
        reasons?.[reason] > 0,
        `${behaviour} (uid ${uid}) was never refused for '${reason}': ${JSON.stringify(reasons)}`,
      );
  }
}
expect(validators.length === 2, `${validators.length} validators, expected 2`);
for (const { uid, weightsOnChain } of validators)
  expect(weightsOnChain === true, `validator uid ${uid} has no weights on the chain`);

for (const failure of failures) console.log(`demo: ${failure}`);
if (failures.length === 0)
  console.log('demo: liars earned nothing, for the right reasons; both validators set weights');
process.exitCode = failures.length > 0 ? 1 : 0;

function expect(holds, message) {
  if (!holds) failures.push(message);
}

function parse(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    failures.push(`no JSON document: ${error.message}`);
    return undefined;
  }
}
