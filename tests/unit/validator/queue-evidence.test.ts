import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { toHex } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { silentLog } from '../../../src/model/log.js';
import { openEvidenceDoor } from '../../../src/validator/queue/evidence-door.js';
import { evidenceFrom } from '../../../src/validator/queue/evidence-fetch.js';
import { authorizationOf } from '../../../src/validator/queue/evidence-request.js';
import { toQueueKey } from '../../../src/validator/queue/queue-key.js';
import { createHandClock } from '../../support/hand-clock.js';

const KEY = toQueueKey(new Uint8Array(32).fill(7));
const OTHER_KEY = toQueueKey(new Uint8Array(32).fill(8));
const OPENING = new Uint8Array(300_000).map((_, i) => i % 251);
const DIGEST = toHex(sha256(OPENING));
const WANTED = { digest: DIGEST, bytes: OPENING.length };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function open(
  kept: ReadonlyMap<string, Uint8Array> = new Map([[DIGEST, OPENING]]),
  budgetBytes = 2 ** 30,
  requestMs?: number,
) {
  const clock = createHandClock();
  const store = { read: async (digest: string) => kept.get(digest) };
  const door = await openEvidenceDoor(
    { store, key: KEY, clock, log: silentLog, budgetBytes, ...(requestMs ? { requestMs } : {}) },
    { host: '127.0.0.1', port: 0 },
  );
  closers.push(door.close);
  const url = `http://127.0.0.1:${door.port}`;
  return { door, clock, url, fetchIt: evidenceFrom({ url, key: KEY, clock }) };
}

const signal = new AbortController().signal;

describe('evidence by its digest', () => {
  it('comes to who has the queue key, byte for byte', async () => {
    const { fetchIt, door } = await open();
    const got = await fetchIt(WANTED, signal);
    expect(toHex(sha256(got))).toBe(DIGEST);
    expect(got.buffer.byteLength).toBe(300_000);
    expect(door.tally()).toEqual({ given: 1, gone: 0, refused: 0 });
  });

  it('is refused to who has another key, and it is said which key is wrong', async () => {
    const { url, clock, door } = await open();
    await expect(evidenceFrom({ url, key: OTHER_KEY, clock })(WANTED, signal)).rejects.toMatchObject({
      code: 'permission-denied',
      data: { reason: 'signed by another queue key' },
    });
    expect((await fetch(`${url}/evidence/${DIGEST}`)).status).toBe(403);
    expect(door.tally()).toEqual({ given: 0, gone: 0, refused: 2 });
  });

  it('is refused to a request that was overheard minutes ago, and to one about another path', async () => {
    const { url, clock } = await open();
    const path = `/evidence/${DIGEST}`;
    const authorization = authorizationOf(KEY, path, clock.now());
    const ask = async (of: string) => (await fetch(`${url}${of}`, { headers: { authorization } })).status;
    expect(await ask(path)).toBe(200);
    expect(await ask(`/evidence/${'0'.repeat(64)}`)).toBe(403);
    clock.advance(120_001);
    expect(await ask(path)).toBe(403);
  });

  it('that is gone is said to be gone', async () => {
    const { fetchIt } = await open(new Map());
    await expect(fetchIt(WANTED, signal)).rejects.toMatchObject({ code: 'evidence-expired' });
  });

  it('is not taken with another digest or length', async () => {
    const { fetchIt } = await open(new Map([[DIGEST, OPENING.slice().fill(1)]]));
    await expect(fetchIt(WANTED, signal)).rejects.toMatchObject({
      code: 'corrupt',
      data: { why: 'what came has another digest' },
    });
    await expect(fetchIt({ ...WANTED, bytes: 299_999 }, signal)).rejects.toMatchObject({
      data: { why: 'more than 299999 bytes came' },
    });
    await expect(fetchIt({ ...WANTED, bytes: 300_001 }, signal)).rejects.toMatchObject({
      data: { why: '300000 bytes came, expected 300001' },
    });
  });

  it('is asked for again where too much is on its way, and is not where the asker gives up', async () => {
    const { url, clock } = await open(undefined, 0);
    const giveUp = new AbortController();
    const asked = evidenceFrom({ url, key: KEY, clock })(WANTED, giveUp.signal);
    const refusal = await fetch(`${url}/evidence/${DIGEST}`, {
      headers: { authorization: authorizationOf(KEY, `/evidence/${DIGEST}`, clock.now()) },
    });
    expect([refusal.status, refusal.headers.get('retry-after')]).toEqual([503, '1']);
    giveUp.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });

  it('keeps no place for who begins a request and never ends it', async () => {
    const { door } = await open(undefined, undefined, 100);
    const began = performance.now();
    const slow = connect(door.port, door.host);
    slow.write('GET /evidence/');
    const trickle = setInterval(() => slow.write('0'), 20);
    slow.on('error', () => {}); // it writes until it is told
    await once(slow.resume(), 'close');
    clearInterval(trickle);
    expect(performance.now() - began).toBeLessThan(20_000); // Node by itself looks every 30 s
  });

  it('answers nothing but GET of a digest', async () => {
    const { url } = await open();
    for (const path of [
      '/',
      '/evidence/',
      '/evidence/../key',
      `/evidence/${DIGEST}/x`,
      `/evidence/${DIGEST.toUpperCase()}`,
    ])
      expect((await fetch(`${url}${path}`)).status, path).toBe(404);
    expect((await fetch(`${url}/evidence/${DIGEST}`, { method: 'POST', body: 'x' })).status).toBe(404);
  });
});
