// Owns: the scenarios that ship, by name. What each shows, with numbers: docs/guide/scenarios.md.
import { parseScenario, type Scenario, type ScenarioFile } from '../scenario.js';
import { burnShare } from './burn-share.js';
import { cabal40 } from './cabal-40.js';
import { cabal51 } from './cabal-51.js';
import { firstFinderClassic, firstFinderYuma3 } from './first-finder.js';
import { firstMonth } from './first-month.js';
import { flowRule } from './flow-rule.js';
import { ownMiner } from './own-miner.js';
import { payForCapacity, payIfRented } from './pay-rule.js';
import { priceCrash } from './price-crash.js';
import { sellPressure } from './sell-pressure.js';
import { sybilDetected, sybilUndetected } from './sybil.js';
import { twoMechanisms } from './two-mechanisms.js';
import { weightCopier, weightCopierCommitReveal } from './weight-copier.js';

export const scenarios: readonly ScenarioFile[] = [
  burnShare,
  cabal51,
  cabal40,
  weightCopier,
  weightCopierCommitReveal,
  firstFinderClassic,
  firstFinderYuma3,
  payForCapacity,
  payIfRented,
  sellPressure,
  flowRule,
  twoMechanisms,
  firstMonth,
  ownMiner,
  sybilUndetected,
  sybilDetected,
  priceCrash,
];

/** With its defaults filled in; undefined when there is none of that name. */
export function scenarioNamed(name: string): Scenario | undefined {
  const file = scenarios.find((scenario) => scenario.name === name);
  return file === undefined ? undefined : parseScenario(file, name);
}
