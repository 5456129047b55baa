import { describe, expect, test } from 'vitest';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createReach, type Echo, faultOf, type OfferedPort } from '../../../src/validator/reach.js';
import { createHandClock } from '../../support/hand-clock.js';

const portOf = (name: string, port = 9000): OfferedPort => ({
  hotkey: toHotkey(name),
  ip: '192.0.2.7',
  port,
});
const GOOD: Echo = { answered: true, calledFrom: '192.0.2.7' };
const SILENT: Echo = { answered: false, calledFrom: undefined };

/** Questions stay open until the test answers them. */
function looking({ mayCall = () => true }: { mayCall?: (ip: string) => boolean } = {}) {
  const clock = createHandClock();
  const asked: { port: OfferedPort; answer: (echo: Echo) => Promise<void> }[] = [];
  const ask = (port: OfferedPort) =>
    new Promise<Echo>((resolve) => {
      const answer = async (echo: Echo) => {
        resolve(echo);
        await new Promise(setImmediate);
      };
      asked.push({ port, answer });
    });
  const { signal } = new AbortController();
  return { clock, asked, reach: createReach({ ask, mayCall, clock, log: silentLog }, signal) };
}

describe('what was seen of a port', () => {
  test('is what it answered, and of one that has not answered yet, that it did not', async () => {
    const { reach, asked } = looking();
    const port = portOf('miner');
    expect(reach.sightOf(port)).toBeUndefined();
    reach.look(port);
    expect(faultOf(reach.sightOf(port)!)).toBe('unreachable');
    await asked[0]!.answer(GOOD);
    expect(reach.sightOf(port)).toEqual({ ip: '192.0.2.7', port: 9000, ...GOOD, mustCall: true });
    expect(faultOf(reach.sightOf(port)!)).toBeUndefined();
  });

  test('holds until the next answer is there, and no longer', async () => {
    const { clock, reach, asked } = looking();
    const port = portOf('miner');
    reach.look(port);
    await asked[0]!.answer(GOOD);
    reach.look(port);
    expect(asked).toHaveLength(1); // its other slot, at the same event
    clock.advance(60_000);
    reach.look(port);
    expect(asked).toHaveLength(2);
    expect(faultOf(reach.sightOf(port)!)).toBeUndefined();
    await asked[1]!.answer(SILENT);
    expect(faultOf(reach.sightOf(port)!)).toBe('unreachable');
  });

  test("is of one hotkey at one port: another's answer says nothing of it", async () => {
    const { reach, asked } = looking();
    for (const port of [portOf('a'), portOf('b'), portOf('a', 9001)]) reach.look(port);
    await asked[0]!.answer(GOOD);
    expect(faultOf(reach.sightOf(portOf('a'))!)).toBeUndefined();
    expect(faultOf(reach.sightOf(portOf('b'))!)).toBe('unreachable');
    expect(faultOf(reach.sightOf(portOf('a', 9001))!)).toBe('unreachable');
  });

  test('is nothing where we must not call', () => {
    const { reach, asked } = looking({ mayCall: (ip) => !ip.startsWith('192.') });
    reach.look(portOf('miner'));
    expect(asked).toHaveLength(0);
    expect(faultOf(reach.sightOf(portOf('miner'))!)).toBe('unreachable');
  });

  test('of so many that they wait for one another is no fault of who was not asked', async () => {
    const { reach, asked } = looking();
    const ports = Array.from({ length: 200 }, (_, i) => portOf(`miner ${i}`));
    for (const port of ports) reach.look(port);
    expect(asked).toHaveLength(128);
    expect(reach.sightOf(ports[150]!)).toBeUndefined();
    await asked[0]!.answer(SILENT);
    expect(asked).toHaveLength(129);
  });

  test('nor of who was asked late for it, and could not answer yet', async () => {
    const { reach, asked } = looking();
    const ports = Array.from({ length: 129 }, (_, i) => portOf(`miner ${i}`));
    for (const port of ports) reach.look(port);
    await asked[0]!.answer(SILENT);
    expect(asked).toHaveLength(129);
    expect(reach.sightOf(ports[128]!)).toBeUndefined();
    expect(faultOf(reach.sightOf(ports[127]!)!)).toBe('unreachable');
    await asked[128]!.answer(SILENT);
    expect(faultOf(reach.sightOf(ports[128]!)!)).toBe('unreachable');
  });
});

describe('a call back', () => {
  test('is due once any miner was heard: before, our own port may be closed', async () => {
    const { reach, asked } = looking();
    for (const name of ['a', 'b', 'c']) reach.look(portOf(name));
    await asked[0]!.answer({ answered: true, calledFrom: undefined });
    expect(faultOf(reach.sightOf(portOf('a'))!)).toBeUndefined();
    await asked[1]!.answer({ answered: true, calledFrom: '192.0.2.8' });
    expect(faultOf(reach.sightOf(portOf('b'))!)).toBe('elsewhere');
    await asked[2]!.answer(GOOD);
    expect(faultOf(reach.sightOf(portOf('c'))!)).toBeUndefined();
    expect(faultOf(reach.sightOf(portOf('a'))!)).toBe('elsewhere');
  });

  test('is due no more once nobody is heard: our own port may have been closed since', async () => {
    const { clock, reach, asked } = looking();
    const hears = async (answers: readonly Echo[]) => {
      const before = asked.length;
      for (const [i] of answers.entries()) reach.look(portOf(`${i}`));
      for (const [i, answer] of answers.entries()) await asked[before + i]!.answer(answer);
      return answers.map((_, i) => faultOf(reach.sightOf(portOf(`${i}`))!));
    };
    const mute: Echo = { answered: true, calledFrom: undefined };
    expect(await hears([GOOD, mute])).toEqual([undefined, 'elsewhere']);
    clock.advance(600_000);
    expect(await hears([mute, mute])).toEqual([undefined, undefined]);
    clock.advance(600_000);
    expect(await hears([mute, GOOD])).toEqual(['elsewhere', undefined]);
  });

  test('is due by whoever was asked a little after the last that was heard: nobody gains by being ready late', async () => {
    const { clock, reach, asked } = looking();
    reach.look(portOf('a'));
    await asked[0]!.answer(GOOD);
    clock.advance(50_000);
    reach.look(portOf('late'));
    await asked[1]!.answer({ answered: true, calledFrom: undefined });
    expect(faultOf(reach.sightOf(portOf('late'))!)).toBe('elsewhere');
  });
});
