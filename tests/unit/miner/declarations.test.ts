import { beforeAll, describe, expect, test } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import {
  createDeclarations,
  parseStatements,
  type Statement,
  statementsJson,
  withStatement,
} from '../../../src/miner/declarations.js';
import type { Slot } from '../../../src/miner/slot.js';
import { silentLog } from '../../../src/model/log.js';
import { readMaintenance, signMaintenance } from '../../../src/protocol/maintenance.js';
import { createHandClock } from '../../support/hand-clock.js';

beforeAll(readyKeys);

const signed = (serial: number, fromBlock: number, untilBlock: number, workers: string[] = []): Statement => {
  const genesis = new Uint8Array(32);
  const of = { genesis, netuid: 1, serial, fromBlock, untilBlock, workers };
  const bytes = signMaintenance(devKeypair('miner'), of);
  return { ...readMaintenance(bytes), bytes };
};
const slotOf = (worker: string): Slot => ({
  claim: { index: 0, worker, kind: 'compute', paramsId: new Uint8Array(32) },
  declines: (block) => (block === 7 ? 'capped' : undefined),
  start: async () => {
    throw new Error('never begun here');
  },
});

describe('what a miner declared', () => {
  test('is written and read as it was signed; what is none is refused with its file', () => {
    const statements = [signed(1, 100, 200), signed(2, 300, 400, ['host-2'])];
    expect(parseStatements(JSON.parse(JSON.stringify(statementsJson(statements))), 'f')).toEqual(statements);
    expect(() => parseStatements({ declarations: [], more: 1 }, 'the file')).toThrow('the file');
    expect(() => parseStatements({ declarations: ['00'] }, 'the file')).toThrow('maintenance');
    for (const text of ['0', 'zz', '', '0x'])
      expect(() => parseStatements({ declarations: [text] }, 'the file')).toThrow('pairs of hexadecimal');
  });

  test('is heeded by its workers alone, and seen within seconds of being written', async () => {
    const clock = createHandClock();
    let written = [signed(1, 100, 200, ['host-2'])];
    const stop = new AbortController();
    const read = async () => written;
    const declarations = await createDeclarations({ clock, log: silentLog, read });
    const running = declarations.run(stop.signal);
    const [own, other] = [slotOf('host-2'), slotOf('host-1')].map(declarations.heed);
    const said = (slot: Slot | undefined) => [7, 99, 100, 199, 200].map((block) => slot!.declines!(block));
    expect(said(own)).toEqual(['capped', undefined, 'maintenance', 'maintenance', undefined]);
    expect(said(other)).toEqual(['capped', undefined, undefined, undefined, undefined]);

    written = [signed(1, 100, 150, ['host-2'])];
    clock.advance(2000);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    expect(own!.declines!(199)).toBeUndefined();
    expect(declarations.statements()).toEqual(written.map(({ bytes }) => bytes));
    stop.abort();
    await running;
  });

  test('is shown as long as there is room, an early end in place of what it ends', () => {
    const first = withStatement([signed(1, 100, 200)], signed(1, 100, 150), 120);
    expect(first.map(({ untilBlock }) => untilBlock)).toEqual([150]);
    const eight = Array.from({ length: 8 }, (_, i) => signed(i, 100 * i + 100, 100 * i + 150));
    expect(withStatement(eight, signed(9, 2000, 2100), 160).map(({ serial }) => serial)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 9,
    ]);
    expect(() => withStatement(eight, signed(9, 2000, 2100), 50)).toThrow('at most 8');
  });
});
