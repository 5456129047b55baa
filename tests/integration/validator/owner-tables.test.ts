import { expect, test } from 'vitest';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted, rejected } from '../../../src/model/verdict.js';
import { createVerifierPool, ownBytes } from '../../../src/validator/verifiers.js';
import { type ComputeParams, paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import { type AnyProofKind, computeProof, kinds } from '../../../src/verification/kinds/index.js';
import { NO_POLICY, parseParameterFile, withTables } from '../../../src/verification/parameter-file.js';
import { UNHURRIED } from '../../../src/verification/proof.js';

const random = createSeededRandom('owner');
const basis = random.bytes(32);

/** A class by its built-in name, with numbers of the owner's: side, capacity and projections are others. */
const OWNERS: ComputeParams = {
  ...paramsByClass('paced')!,
  n: 64,
  labels: 12,
  nominalLabels: 12,
  samples: 16,
  projections: 3,
};

/** The owner's kinds, as a validator has them; whoever drew a secret with them would be this thread. */
function ownersCompute(): { kind: AnyProofKind; paramsId: string; params: ComputeParams } {
  const file = parseParameterFile({ version: 1, policy: NO_POLICY, sets: [OWNERS] }, kinds);
  const kind = withTables(kinds, [file]).compute!;
  const [[paramsId, params]] = [...kind.table] as [[string, ComputeParams]];
  const drawSecret = () => {
    throw new Error('verified on the thread that asked');
  };
  return { kind: { ...kind, drawSecret }, paramsId, params };
}

test('a set that an owner published is verified by threads, under its own numbers', async () => {
  const { kind, paramsId, params } = ownersCompute();
  const proveAs = async (of: ComputeParams) => {
    const challenge = { params: of, basis, seed: random.bytes(32) };
    const compute = createPackedCompute();
    const proving = await computeProof.prove(
      { compute, ...UNHURRIED },
      challenge,
      new AbortController().signal,
    );
    const commits = [proving.commit];
    const request = computeProof.issue(of, commits, random);
    const evidence = { commits, request, opening: ownBytes(await proving.open(request)) };
    proving.release();
    return { challenge, evidence };
  };
  const stop = new AbortController();
  const pool = createVerifierPool({ clock: systemClock, log: silentLog, threads: 1 }, stop.signal);
  try {
    const verifier = pool.forEvent({ basis, random });
    const ask = async ({ challenge, evidence }: Awaited<ReturnType<typeof proveAs>>) => {
      const question = { kind, paramsId, challenge: { ...challenge, params }, evidence };
      return (await verifier.verify(question)).verdict;
    };
    expect(await ask(await proveAs(params))).toEqual(accepted);
    // what the same class of this build asks for is another shape
    expect(await ask(await proveAs(paramsByClass('paced')!))).toEqual(rejected('malformed'));
  } finally {
    await pool.close();
  }
});

test('every kind keeps its check when it is given a table: threads know it by that', () => {
  const sets = Object.values(kinds).flatMap((kind) => [...kind!.table.values()].slice(0, 1));
  const own = withTables(kinds, [parseParameterFile({ version: 1, policy: NO_POLICY, sets }, kinds)]);
  for (const [name, kind] of Object.entries(kinds)) expect(own[name]!.verify).toBe(kind!.verify);
});
