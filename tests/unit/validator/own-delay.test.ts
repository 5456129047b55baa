import { expect, it } from 'vitest';
import { createLoopDelay } from '../../../src/validator/own-delay.js';

/** A loop that turns when it is told to: `run` lets so many ms pass in order, `stall` lets them pass in one turn. */
function createLoop() {
  let at = 1000;
  let turns: (() => void)[] = [];
  let timer: { readonly ms: number; readonly call: () => void; due: number } | undefined;
  let started = 0;
  const due = () => {
    if (!timer || at < timer.due) return;
    timer.due = at + timer.ms;
    timer.call();
  };
  const turn = () => {
    const now = turns;
    turns = [];
    for (const call of now) call();
  };
  return {
    delay: createLoopDelay({
      now: () => at,
      every(ms, call) {
        started++;
        timer = { ms, call, due: at + ms };
        return () => {
          timer = undefined;
        };
      },
      nextTurn(call) {
        turns.push(call);
        return () => {
          turns = turns.filter((each) => each !== call);
        };
      },
    }),
    run(ms: number) {
      turn();
      for (let k = 0; k < ms; k++) {
        at++;
        due();
      }
    },
    stall(ms: number) {
      at += ms;
    },
    turn() {
      due();
      turn();
    },
    get timers() {
      return { started, running: timer !== undefined };
    },
  };
}

it('gives the longest stall since the observation began, beyond the period of the timer', () => {
  const loop = createLoop();
  const observed = loop.delay.observe();
  loop.run(50);
  expect(observed(true)).toBe(0);
  loop.stall(105);
  loop.turn();
  loop.run(50);
  loop.stall(45);
  loop.turn();
  expect(observed()).toBe(100);
});

it('leaves out the rest of the turn in which it began, and what was before', () => {
  const loop = createLoop();
  const first = loop.delay.observe();
  loop.run(20);
  loop.stall(200);
  loop.turn();
  loop.run(20);
  const second = loop.delay.observe();
  loop.stall(300); // our own frames leave
  loop.turn();
  loop.run(20);
  loop.stall(45);
  loop.turn();
  loop.run(20);
  expect(first()).toBe(295);
  expect(second()).toBe(40);
});

it('counts a stall that is going on: who asks may be the first to get a turn', () => {
  const loop = createLoop();
  const observed = loop.delay.observe();
  loop.run(20);
  loop.stall(505);
  expect(observed()).toBe(500);
});

it('counts a stall from its own beginning where that lies in the middle of a period', () => {
  const loop = createLoop();
  const first = loop.delay.observe();
  loop.run(2); // three more until the timer is due
  const second = loop.delay.observe();
  loop.turn();
  loop.stall(100);
  loop.turn();
  expect(second()).toBe(95);
  expect(first()).toBe(97);
});

it('ends once: what it gave is given again, and others go on', () => {
  const loop = createLoop();
  const [first, second] = [loop.delay.observe(), loop.delay.observe()];
  loop.run(10);
  loop.stall(65);
  loop.turn();
  expect(first()).toBe(60);
  loop.stall(205);
  loop.turn();
  expect(first()).toBe(60);
  expect(second()).toBe(200);
});

it('has one timer for any number of observations, and none when the last has ended', () => {
  const loop = createLoop();
  const observed = Array.from({ length: 1000 }, () => loop.delay.observe());
  loop.run(100);
  expect(loop.timers).toEqual({ started: 1, running: true });
  for (const end of observed) end();
  expect(loop.timers).toEqual({ started: 1, running: false });
});

it('gives nothing where it is ended in the turn in which it began, and starts no timer', () => {
  const loop = createLoop();
  const observed = loop.delay.observe();
  loop.stall(400);
  expect(observed()).toBe(0);
  loop.run(20);
  expect(loop.timers).toEqual({ started: 0, running: false });
});
