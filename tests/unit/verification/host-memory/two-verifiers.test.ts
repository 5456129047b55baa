import { expect, test } from 'vitest';
import { createReferenceCompute } from '../../../../src/compute/cpu/reference.js';
import { createPlainHost } from '../../../../src/compute/host/plain.js';
import { toHex } from '../../../../src/model/bytes.js';
import { createSeededRandom, type Random } from '../../../../src/model/prng.js';
import { verdictToString } from '../../../../src/model/verdict.js';
import type { Liar } from '../../../../src/testing/conformance/proof.js';
import { hostMemoryLiars } from '../../../../src/testing/liars/host-memory.js';
import { hostMemoryProof } from '../../../../src/verification/kinds/host-memory/index.js';
import {
  type HostMemoryParams,
  hostMemoryParamsByClass,
} from '../../../../src/verification/kinds/host-memory/params.js';
import { type Evidence, UNHURRIED } from '../../../../src/verification/proof.js';
import { naiveVerify } from './naive-verify.js';

const params: HostMemoryParams = {
  ...hostMemoryParamsByClass('host-small')!,
  labelBytes: 256,
  infoBytes: 84,
  minBytes: 2 ** 12,
  maxBytes: 3 * 300 * 256,
  maxRounds: 3,
  maxLeaves: 11,
  labelSamples: 3,
  digestSamples: 3,
  stepSamples: 3,
};
const { signal } = new AbortController();
const host = createPlainHost({ lanes: 3 });

async function evidenceOf(random: Random, prove: Liar<HostMemoryParams>['prove']) {
  const given = { params, basis: random.bytes(32), seed: random.bytes(32) };
  const proving = await prove({ compute: createReferenceCompute(), host, ...UNHURRIED }, given, signal);
  const pass = random.bytes(32);
  const commits = [proving.commit];
  for (const each of [undefined, pass, pass])
    commits.push(await proving.next!({ pass: each, ...UNHURRIED }, signal));
  if (!hostMemoryProof.credit(params, commits)) return undefined;
  const request = hostMemoryProof.issue(params, commits, random);
  const evidence: Evidence = { commits, pass, request, opening: await proving.open(request) };
  return { given, evidence };
}

test('two verifiers, one of them written from the page alone, reach the same verdicts', async () => {
  const seen = new Set<string>();
  const random = createSeededRandom('two');
  const provers = [
    hostMemoryProof.prove,
    ...hostMemoryLiars(random, host).map((liar) => liar.prove.bind(liar)),
  ];
  for (const [p, prove] of provers.entries()) {
    const shown = await evidenceOf(createSeededRandom(`two/${p}`), prove);
    if (!shown) continue;
    const { given, evidence } = shown;
    const verdict = verdictToString(hostMemoryProof.verify(given, evidence, {} as never));
    expect(naiveVerify(params, given.seed, evidence), `prover ${p}`).toBe(verdict);
    seen.add(verdict);
    if (p > 0) continue;
    expect(verdict).toBe('accepted');
    for (let i = 0; i < 300; i++) {
      const part = (['request', 'opening'] as const)[i % 2];
      const bytes = evidence[part].slice();
      bytes[random.below(bytes.length)] ^= 1 << random.below(8);
      const other = { ...evidence, [part]: bytes };
      const again = verdictToString(hostMemoryProof.verify(given, other, {} as never));
      expect(naiveVerify(params, given.seed, other), `${part} ${i}`).toBe(again);
      seen.add(again);
    }
    // and the transcript itself has not changed
    expect(evidence.commits.map((commit) => toHex(commit).slice(-16))).toEqual(GOLDEN);
  }
  expect([...seen].sort()).toEqual([
    'accepted',
    'rejected:digest',
    'rejected:label',
    'rejected:malformed',
    'rejected:path',
    'rejected:seed',
    'rejected:walk',
  ]);
});

/** Ends of the four commits of the first transcript. */
const GOLDEN = ['0803', 'bbf7b5bb0b3ce1e2', 'eecb94485e404bd9', '3bdb963c42c681ad'];
