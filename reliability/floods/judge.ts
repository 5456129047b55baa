// Owns: what must hold of a port that is flooded, of what was seen. Does not own: what was seen (soak.ts).
import type { Claim, Figure, Findings } from '../soak.js';

export interface FloodSeen {
  readonly name: string;
  readonly unit: string;
  readonly done: number;
  readonly seconds: number;
  readonly attackerCpuMs: number;
  /** of the miner's process, less what it takes when nobody floods it */
  readonly minerCpuMs: number;
  /** the most that it took meanwhile */
  readonly rssMiB: number;
  /** of its JavaScript at the end of it, after a collection */
  readonly heldMiB: number;
  /** events that began and ended while it went on: how many, and of them those whose only session was accepted */
  readonly events: number;
  readonly accepted: number;
}

/** Above what it took before. Where much is dropped V8 collects when the heap is up to four times what is held, some 50 MiB (measured). */
const GROWTH_MIB = 192;
/** What is held: descriptors and strangers' sessions are bounded, and go. Code that was compiled meanwhile is some of it. */
const HELD_MIB = 32;

export function judgeFloods(
  floods: readonly FloodSeen[],
  before: Pick<FloodSeen, 'rssMiB' | 'heldMiB' | 'events' | 'accepted'>,
  deaths: readonly string[],
  /** floods that its time was over before */
  notReached: readonly string[] = [],
): Findings {
  const missed = floods.filter(({ events, accepted }) => accepted < events);
  const idle = floods.filter(({ done }) => done === 0);
  const unseen = floods.filter(({ events }) => events === 0);
  const most = Math.max(before.rssMiB, ...floods.map(({ rssMiB }) => rssMiB));
  const held = Math.max(before.heldMiB, ...floods.map(({ heldMiB }) => heldMiB));
  const claims: Claim[] = [
    {
      what: 'nothing died',
      holds: deaths.length === 0,
      found: deaths.length === 0 ? 'nothing' : deaths.join(', '),
    },
    {
      what: 'each flood reached the port, and events went on under each',
      holds: idle.length === 0 && unseen.length === 0 && notReached.length === 0,
      found:
        [...[...idle, ...unseen].map(({ name }) => name), ...notReached].join(', ') ||
        `${floods.length} floods, ${floods.reduce((sum, { events }) => sum + events, 0)} events`,
    },
    {
      what: "the honest validator's event is accepted every time",
      holds: before.accepted === before.events && missed.length === 0,
      found:
        missed.map(({ name, events, accepted }) => `${name}: ${accepted} of ${events}`).join(', ') ||
        'every time',
      timing: true,
    },
    {
      what: `the miner's process never takes ${GROWTH_MIB} MiB more than before`,
      holds: most < before.rssMiB + GROWTH_MIB,
      found: `${before.rssMiB.toFixed(0)} MiB before, ${most.toFixed(0)} MiB at most`,
    },
    {
      what: `what it holds after a collection is never ${HELD_MIB} MiB more than before`,
      holds: held < before.heldMiB + HELD_MIB,
      found: `${before.heldMiB.toFixed(1)} MiB before, ${held.toFixed(1)} MiB at most`,
    },
  ];
  const figures: Figure[] = floods.flatMap(({ name, unit, done, seconds, attackerCpuMs, minerCpuMs }) => [
    { what: `${name}: a second`, value: done / seconds, unit: `times (${unit})` },
    {
      what: `${name}: CPU of the attacker, each`,
      value: done ? (attackerCpuMs * 1000) / done : 0,
      unit: 'µs',
    },
    {
      what: `${name}: CPU of the miner, each`,
      value: done ? (Math.max(0, minerCpuMs) * 1000) / done : 0,
      unit: 'µs',
    },
    { what: `${name}: of one core of the miner`, value: Math.max(0, minerCpuMs) / (seconds * 10), unit: '%' },
  ]);
  return {
    claims,
    figures,
    notes: [
      'One attacker on the same machine, from several addresses of loopback, each of which counts as one: what a real one pays for its line is not in it.',
      'CPU of the miner is what its whole process took, less what it took in as much time before; the system’s own work on sockets is in both.',
    ],
  };
}
