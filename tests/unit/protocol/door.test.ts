// What the door looks at first, and whose name a refusal is under: a flood must cost who sends it more than us.
import { beforeAll, describe, expect, test } from 'vitest';
import { readyKeys } from '../../../src/keys/keypair.js';
import { isAssayError } from '../../../src/model/errors.js';
import { silentLog } from '../../../src/model/log.js';
import { systemRandom } from '../../../src/model/prng.js';
import { PLAINTEXT_CHANNEL } from '../../../src/protocol/certificate.js';
import { Door } from '../../../src/protocol/door.js';
import type { Signed } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { toLimits } from '../../../src/protocol/limits.js';
import type { Admission } from '../../../src/protocol/session.js';
import { cast, clockAt, envelope, keyOf, NOW } from './builders.js';

beforeAll(readyKeys);

function standing(admits: Record<string, Admission> = {}) {
  const { miner, validator } = cast();
  const clock = clockAt();
  const admit = (hotkey: string): Admission =>
    hotkey === validator.address ? true : (admits[hotkey] ?? false);
  const door = new Door(
    { keypair: miner, clock, log: silentLog, random: systemRandom, admit },
    7,
    toLimits({ certificatesPerSecondPerAddress: 4, certificatesPerSecondOfStrangers: 8 }),
  );
  const originOf = (address: string) => ({ address, channel: PLAINTEXT_CHANNEL, admitted: () => {} });
  /** What it was refused for, and under whose name; `in` where it came in. */
  const knock = async (
    message: Signed,
    at = 0,
    from = '203.0.113.1',
  ): Promise<[reason: string, signedBy: string | undefined]> => {
    let by: string | undefined;
    const named = (hotkey: string) => {
      by = hotkey;
    };
    try {
      await door.enter({ message, at }, 'describe', originOf(from), named);
      return ['in', by];
    } catch (error) {
      if (isAssayError(error, 'unauthenticated') || isAssayError(error, 'permission-denied'))
        return [error.data.reason, by];
      if (isAssayError(error, 'limit-exceeded')) return [error.data.what, by];
      throw error;
    }
  };
  return { door, clock, knock };
}

const rubbish = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 1);

describe('the door', () => {
  test('looks at freshness before any signature', async () => {
    const { knock } = standing();
    const { validator, miner } = cast();
    const old = envelope({ from: validator, to: miner, header: { sentAt: NOW - 31_000 } });
    expect(await knock({ ...old, signature: rubbish(old.signature) })).toEqual(['skew', undefined]);
  });

  test('verifies nothing of who may not come in, whatever they present', async () => {
    const { knock } = standing();
    const { stranger, miner } = cast();
    const call = envelope({ from: stranger, to: miner });
    expect(await knock(call)).toEqual(['not-admitted', undefined]);
    // and takes none of the checks that its address has
    const certificate = rubbish(call.certificate);
    certificate.set(call.certificate.subarray(0, 154)); // its signature alone is wrong
    for (let i = 0; i < 60; i++) expect((await knock({ ...call, certificate }))[0]).toBe('not-admitted');
  });

  test("verifies what comes in a validator's name, so many a second from one address", async () => {
    const { knock } = standing();
    const { validator, miner } = cast();
    const reasons = new Map<string, number>();
    for (let i = 0; i < 30; i++) {
      const call = envelope({
        from: validator,
        to: miner,
        key: keyOf(validator, miner, { seed: `forged ${i}` }),
      });
      const certificate = call.certificate.slice();
      certificate[217]! ^= 1;
      const [reason, by] = await knock({ ...call, certificate });
      expect(by).toBeUndefined();
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    expect([...reasons]).toEqual([
      ['certificate-signature', 20],
      ['certificates-per-address', 10],
    ]);
  });

  test('has so many checks for all addresses that nobody came from, and those that somebody came from do not wait', async () => {
    const { knock } = standing();
    const { validator, miner } = cast();
    const forged = (i: number): Signed => {
      const key = keyOf(validator, miner, { seed: `forged ${i}` });
      const call = envelope({ from: validator, to: miner, key });
      const certificate = call.certificate.slice();
      certificate[217]! ^= 1;
      return { ...call, certificate };
    };
    const fresh = (seed: string) =>
      envelope({ from: validator, to: miner, key: keyOf(validator, miner, { seed }) });
    expect((await knock(fresh('first'), 0, '198.51.100.1'))[0]).toBe('in');
    const one = forged(0); // what is refused is not remembered: it costs its check every time
    let checked = 0;
    while ((await knock(one, 0, `203.0.113.${Math.floor(checked / 20)}`))[0] === 'certificate-signature')
      checked++;
    expect(checked).toBe(5 * 8 - 1);
    expect((await knock(fresh('second'), 0, '198.51.100.9'))[0]).toBe('certificates-of-strangers');
    expect((await knock(fresh('third'), 0, '198.51.100.1'))[0]).toBe('in');
  });

  test('names a caller only once its signature was found good, also where it is refused then', async () => {
    const { knock } = standing();
    const { validator, miner } = cast();
    const call = envelope({ from: validator, to: miner });
    expect(await knock(call)).toEqual(['in', validator.address]);
    expect(await knock(call)).toEqual(['replayed', validator.address]);
    const forged = envelope({ from: validator, to: miner, key: keyOf(validator, miner) });
    expect(await knock({ ...forged, signature: rubbish(forged.signature) })).toEqual([
      'bad-signature',
      undefined,
    ]);
  });

  test('refuses by name who was let in before and may not come in any more', async () => {
    const admits: Record<string, Admission> = {};
    const { knock } = standing(admits);
    const { stranger, miner } = cast();
    admits[stranger.address] = true;
    const key = keyOf(stranger, miner);
    expect(await knock(envelope({ from: stranger, to: miner, key }))).toEqual(['in', stranger.address]);
    admits[stranger.address] = false;
    expect(await knock(envelope({ from: stranger, to: miner, key }))).toEqual([
      'not-admitted',
      stranger.address,
    ]);
  });
});
