import { beforeAll, describe, expect, test } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { createEchoAnswers, ECHO_LIMITS } from '../../../src/protocol/echo/answer.js';
import {
  ANSWER_BYTES,
  encodeEchoRequest,
  isAnswer,
  REQUEST_BYTES,
} from '../../../src/protocol/echo/codec.js';
import { createHandClock } from '../../support/hand-clock.js';

beforeAll(readyKeys);
const NETUID = 7;
const PORT = 9000;
const random = createSeededRandom('echo answers');

function answering(admit: (validator: string) => boolean | Promise<boolean> = () => true) {
  const clock = createHandClock();
  const miner = devKeypair('miner');
  const answers = createEchoAnswers({ keypair: miner, clock, admit }, { netuid: NETUID });
  const requestFrom = (name: string, of: Partial<Parameters<typeof encodeEchoRequest>[1]> = {}) =>
    encodeEchoRequest(devKeypair(name), {
      netuid: NETUID,
      miner: miner.publicKey,
      nonce: random.bytes(16),
      transport: 'tcp',
      port: PORT,
      callbackPort: 4000,
      expiresAt: Math.floor(clock.now()) + 1000,
      ...of,
    });
  const ask = (bytes: Uint8Array, from: string, transport: 'tcp' | 'udp' = 'tcp') =>
    answers.answer(bytes, { transport, port: PORT, from });
  return { clock, miner, requestFrom, ask };
}

const BURST = 5;

describe('requests of one address', () => {
  test('are answered so many a second, and another address is not kept waiting', async () => {
    const { clock, requestFrom, ask } = answering();
    const limit = ECHO_LIMITS.perSecondPerAddress * BURST;
    // keys of many validators, or the rate of a hotkey would be what is met
    for (let i = 0; i < limit; i++)
      expect(await ask(requestFrom(`v${i}`), '198.51.100.1'), `${i}`).toBeDefined();
    expect(await ask(requestFrom('one more'), '198.51.100.1')).toBeUndefined();
    expect(await ask(requestFrom('another'), '198.51.100.2')).toBeDefined();
    clock.advance(1000);
    expect(await ask(requestFrom('later'), '198.51.100.1')).toBeDefined();
  });

  test('that nobody admitted signed cost no allowance of those who are', async () => {
    const { requestFrom, ask } = answering((name) => name === devKeypair('validator').address);
    for (let i = 0; i < 1000; i++) await ask(new Uint8Array(REQUEST_BYTES), '198.51.100.1');
    for (let i = 0; i < 100; i++) await ask(requestFrom('stranger'), '198.51.100.1');
    expect(await ask(requestFrom('validator'), '198.51.100.1')).toBeDefined();
  });

  test("forged in a validator's name spend the rate of their own address, not the validator's", async () => {
    const { requestFrom, ask } = answering();
    for (let i = 0; i < 100; i++) {
      const forged = requestFrom('validator');
      forged[REQUEST_BYTES - 1]! ^= 1;
      expect(await ask(forged, '198.51.100.66')).toBeUndefined();
    }
    expect(await ask(requestFrom('validator'), '198.51.100.1')).toBeDefined();
  });
});

describe('requests of all addresses together', () => {
  test('are checked so many a second, but for addresses that were answered before', async () => {
    const { requestFrom, ask } = answering();
    expect(await ask(requestFrom('validator'), '198.51.100.1')).toBeDefined();
    const forged = requestFrom('validator');
    for (let i = 0; i < ECHO_LIMITS.perSecond * BURST; i++) {
      new DataView(forged.buffer).setUint32(74, i);
      expect(await ask(forged, `203.0.${i % 250}.${Math.floor(i / 250)}`)).toBeUndefined();
    }
    expect(await ask(requestFrom('validator'), '198.51.100.2')).toBeUndefined();
    expect(await ask(requestFrom('validator'), '198.51.100.1')).toBeDefined();
  });

  test('over UDP spare no address: anybody can write its source', async () => {
    const { requestFrom, ask } = answering();
    const udp = () => requestFrom('validator', { transport: 'udp' });
    expect(await ask(udp(), '198.51.100.1', 'udp')).toBeDefined();
    const forged = udp();
    for (let i = 0; i < ECHO_LIMITS.datagramsPerSecond * BURST; i++) {
      new DataView(forged.buffer).setUint32(74, i);
      await ask(forged, '198.51.100.1', 'udp');
    }
    expect(await ask(udp(), '198.51.100.1', 'udp')).toBeUndefined();
  });
});

test('a request is left unanswered where nobody can say whom to answer', async () => {
  const { requestFrom, ask } = answering(() => Promise.reject(new Error('the chain is out of reach')));
  expect(await ask(requestFrom('validator'), '198.51.100.1')).toBeUndefined();
});

describe('requests of one hotkey', () => {
  test('are answered so many a second, from however many addresses', async () => {
    const { clock, requestFrom, ask } = answering();
    const limit = ECHO_LIMITS.perSecondPerHotkey * BURST;
    for (let i = 0; i < limit; i++)
      expect(await ask(requestFrom('validator'), `198.51.100.${i}`)).toBeDefined();
    expect(await ask(requestFrom('validator'), '198.51.100.99')).toBeUndefined();
    expect(await ask(requestFrom('another'), '198.51.100.99')).toBeDefined();
    clock.advance(1000);
    expect(await ask(requestFrom('validator'), '198.51.100.99')).toBeDefined();
  });
});

describe('an answer', () => {
  test('is shorter than its request, and given once however often that arrives at the same time', async () => {
    const { miner, requestFrom, ask } = answering();
    const request = requestFrom('validator');
    const twice = await Promise.all([ask(request, '198.51.100.1'), ask(request, '198.51.100.1')]);
    expect(twice.filter((due) => due !== undefined)).toHaveLength(1);
    const [due] = twice;
    expect(due?.callbackPort).toBe(4000);
    expect(isAnswer(due!.echo, 'echo', request, miner.publicKey)).toBe(true);
    expect(ANSWER_BYTES).toBeLessThan(REQUEST_BYTES);
  });

  test('to a datagram calls nobody: its source is whatever somebody wrote there', async () => {
    const { requestFrom, ask } = answering();
    const due = await ask(requestFrom('validator', { transport: 'udp' }), '198.51.100.1', 'udp');
    expect(due?.callbackPort).toBe(0);
  });
});
