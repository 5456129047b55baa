// Owns: what others test with: conformance suites of the seams, liars, twins without a network, the whole walk in one process.
// Does not own: tests of our own (tests/), anything that a running subnet needs.
import { unsupported } from '../model/errors.js';
import type { MakeWire } from './conformance/wire.js';

export { type Attack, type Attempt, defineAttack, type Run } from './attacks/attack.js';
export { type AttackRow, runAttack, runWithoutRule, summarise } from './attacks/run.js';
export { playRound, type RoundHost, type RoundResult } from './bandwidth-round.js';
export { type ChainFixture, chainConformance } from './conformance/chain.js';
export { type DiskSubject, diskConformance, missingPlots } from './conformance/disk.js';
export { type EnvironmentSubject, environmentConformance } from './conformance/environment.js';
export { jobQueueConformance, type QueueFixture, type QueueSubject } from './conformance/job-queue.js';
export { type LanguageModelSubject, languageModelConformance } from './conformance/language-model.js';
export { type ConformanceCase, type Liar, type ProofSubject, proofConformance } from './conformance/proof.js';
export { type RuleSubject, ruleConformance } from './conformance/rule.js';
export type { MakeWire } from './conformance/wire.js';
export { createVirtualNetwork, type HostLink, type Pipe, type VirtualNetwork } from './devices/links.js';
export { createPacedDevice } from './devices/paced.js';
export { withTurns } from './devices/turns.js';
export { createEmbeddedChain } from './embedded-chain.js';
export { type BandwidthLiar, bandwidthLiars, instantRound } from './liars/bandwidth.js';
export { type ComputeLiar, computeLiars } from './liars/compute.js';
export { type HostMemoryLiar, hostMemoryLiars } from './liars/host-memory.js';
export { type LivenessLiar, livenessLiars } from './liars/liveness.js';
export {
  createRelayingSlot,
  createReplayingSlot,
  type Leak,
  silentAnswer,
  withForwarding,
  withLeak,
} from './liars/sessions.js';
export { type StorageLiar, storageLiars } from './liars/storage.js';
export { createMemoryLedger, type MemoryLedger } from './memory-ledger.js';
export type { Check, DemoReport, MinerReport, ValidatorReport } from './report.js';
export {
  type CalibrationJournal,
  type CalibrationParts,
  type CalibrationPlan,
  type CalibrationStep,
  calibrate,
} from './rollouts/calibrate.js';
export type { Finding, RolloutLiar } from './rollouts/liars/liar.js';
export { type Judge, type Met, measure, meet, type Rates } from './rollouts/liars/meet.js';
export { honestMiner, rolloutLiars } from './rollouts/liars/rollout-liars.js';
export type { HandedIn, Mining } from './rollouts/liars/window.js';
export { type Simulation, simulate } from './simulation.js';
export { createVirtualClock, type VirtualClock } from './virtual-clock.js';
export { BEHAVIOURS, type Behaviour, type World } from './world.js';

/**
 * The cases of every transport, as vitest tests: `await wireConformance('mine', createMine)` at the top of a test file.
 * vitest is loaded here and by nothing else of this room.
 * @throws AssayError `unsupported` where the project has no vitest
 */
export async function wireConformance(name: string, makeWire: MakeWire): Promise<void> {
  const suite = await import('./conformance/wire.js').catch((cause: unknown) => {
    throw unsupported('wireConformance', 'its cases are tests of vitest: npm install --save-dev vitest', {
      cause,
    });
  });
  suite.wireConformance(name, makeWire);
}
