#!/usr/bin/env node
// What every run of the demo must show whatever the machine's load: content and chain, never timing.
// Usage: node scripts/ci-assert-demo.mjs DOCUMENT LOG EXIT_CODE
//   DOCUMENT: what `assay demo --json` printed; LOG: what it said on standard error
import { readFileSync } from 'node:fs';

const ENDINGS = {
  0: 'every condition held',
  1: 'a condition did not hold (below); those that hang on timing do not count here',
  3: 'this machine is too busy to time proofs',
};
const EARN_NOTHING = ['fabricates-rows', 'replays', 'relays', 'silent', 'invents-digests', 'invents-leaves'];
const CONTENT_REASON = {
  'fabricates-rows': 'projection',
  replays: 'seed',
  relays: 'seed',
  'invents-digests': 'digest',
  'invents-leaves': 'path',
};
const CONTENT = ['malformed', 'seed', 'path', 'range', 'projection', 'fold', 'agreement', 'digest'];
/** Conditions of the demo that hang on how fast this machine is right now. */
const TIMING = [
  /^both honest miners earned/,
  /^honest-memory earned/,
  /^honest-large earned between/,
  /^two sharers together/,
];

const [documentPath, logPath, exit] = process.argv.slice(2);
const failures = [];
expect(exit in ENDINGS, `ended with exit code ${exit}, expected one of ${Object.keys(ENDINGS).join(', ')}`);
console.log(`demo: ${ENDINGS[exit] ?? 'crashed'}`);

for (const condition of broken(readFileSync(logPath, 'utf8'))) {
  const timing = TIMING.some((pattern) => pattern.test(condition));
  if (timing) console.log(`demo: not so, by this machine's timing: ${condition}`);
  else failures.push(`not so: ${condition}`);
}

const { miners = [], validators = [] } = parse(documentPath) ?? {};
for (const { behaviour, checks } of miners) expect(checks > 0, `${behaviour} was never challenged`);
for (const behaviour of EARN_NOTHING) {
  const matching = miners.filter((miner) => miner.behaviour === behaviour);
  expect(matching.length === 1, `${matching.length} miners with behaviour ${behaviour}, expected 1`);
  for (const { alphaEarned, accepted, checks, reasons } of matching) {
    expect(alphaEarned === '0', `${behaviour} earned ${alphaEarned} rao of alpha, expected 0`);
    expect(accepted === 0, `${behaviour} was accepted ${accepted} times, expected never`);
    const about = Object.keys(reasons).filter((reason) => CONTENT.includes(reason));
    const wanted = CONTENT_REASON[behaviour];
    // on a machine too slow for any of its sessions to be opened, all of them missed the window
    const judged = about.length > 0 || !wanted || reasons.window === checks;
    expect(
      about.every((reason) => reason === wanted) && judged,
      `${behaviour} was refused for ${JSON.stringify(reasons)}, expected ${wanted ?? 'nothing about content'}`,
    );
  }
}
for (const { behaviour, reasons } of miners)
  if (behaviour.startsWith('honest'))
    for (const reason of CONTENT)
      expect(!(reason in reasons), `${behaviour} was rejected for ${reason}: a false verdict about content`);
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

/** `NOT SO: <condition>` lines of the log. */
function broken(log) {
  return [...log.matchAll(/NOT SO: (.*)$/gm)].map(([, condition]) => condition);
}

function parse(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    failures.push(`no JSON document: ${error.message}`);
    return undefined;
  }
}
