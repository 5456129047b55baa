// Owns: a process that floods a port with one attack until it is told to end, and says what that took. Does not own: attacks (attacks.ts).
import { setMaxListeners } from 'node:events';
import { readyKeys } from '../../src/keys/index.js';
import { fromHex } from '../../src/model/bytes.js';
import { systemClock } from '../../src/model/clock.js';
import { ATTACKS, type Target } from './attacks.js';

export interface AttackerInput {
  readonly attack: number;
  readonly target: Omit<Target, 'miner' | 'validator'> & {
    readonly miner: string;
    readonly validator: string;
  };
}

export interface AttackerSays {
  readonly done: number;
  readonly cpuMs: number;
  /** the first that could not be done, and why */
  readonly failed?: string | undefined;
}

setMaxListeners(0);
const { attack, target } = JSON.parse(process.argv[2] ?? '') as AttackerInput; // written by soak.ts
process.on('disconnect', () => process.exit()); // nobody is left to end us
// of another's port anything may come: what ends one connection is no reason to end the flood
process.on('uncaughtException', () => {});
await readyKeys();
const { once, atOnce } = ATTACKS[attack]!; // one of them
const at: Target = { ...target, miner: fromHex(target.miner), validator: fromHex(target.validator) };
let done = 0;
let turn = 0;
let failed: string | undefined;
const began = process.cpuUsage();
process.on('message', () => {
  const { user, system } = process.cpuUsage(began);
  process.send?.({ done, failed, cpuMs: (user + system) / 1000 } satisfies AttackerSays, () =>
    process.exit(),
  );
});
process.send?.('begun');
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (;;) {
      done++; // one that is still under way counts, too
      await once(at, turn++).catch((error: unknown) => {
        failed ??= String(error);
        return systemClock.sleep(10);
      });
    }
  }),
);
