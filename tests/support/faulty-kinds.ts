// Owns: kinds that break where they verify, known to a thread of their own (faulty-thread.ts).
import { accepted, rejected } from '../../src/model/verdict.js';
import type { AnyProofKind } from '../../src/verification/kinds/index.js';
import { toyKind } from './toy-kind.js';

/** What the first byte of an opening does to whoever verifies it. */
export const FAULT = {
  none: 0,
  rejects: 1,
  throws: 2,
  dies: 3,
  hangs: 4,
  outgrows: 5,
  tellsThread: 6,
  /** for as long as `times` of the parameters are left */
  diesAtFirst: 7,
} as const;

export interface FaultyParams {
  /** whatever is asked under them ends the thread */
  readonly everything?: boolean;
  /** shared among threads */
  readonly times?: Int32Array;
}

const faulty: AnyProofKind = {
  ...toyKind({
    drawSecret: (_params, _basis, random) => Buffer.from(random.bytes(8)).toString('hex'),
    verify({ params }, { opening }, secret) {
      const { everything, times } = params as FaultyParams;
      if (everything) process.exit(7);
      if (opening[0] === FAULT.diesAtFirst && times && Atomics.sub(times, 0, 1) > 0) process.exit(7);
      if (opening[0] === FAULT.throws) throw new RangeError('thrown on purpose');
      if (opening[0] === FAULT.dies) process.exit(7);
      if (opening[0] === FAULT.hangs) for (;;) spin();
      if (opening[0] === FAULT.outgrows)
        for (const all: number[][] = []; ; ) all.push(new Array(1e6).fill(1.5));
      if (opening[0] === FAULT.tellsThread) opening.set(Buffer.from(secret), 1);
      return opening[0] === FAULT.rejects ? rejected('path') : accepted;
    },
  }),
  kind: 'faulty',
};

function spin(): void {}

export const faultyKinds: Readonly<Record<string, AnyProofKind>> = { faulty };
