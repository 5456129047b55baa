import { expect, test } from 'vitest';
import { createOverruns } from '../../../src/validator/overruns.js';
import { recordingLog } from '../../support/logs.js';

const watching = () => {
  const { log, lines } = recordingLog();
  const said = () => lines.map(({ level: _level, msg: _msg, t: _t, ...data }) => data);
  return { overruns: createOverruns(log), said, messages: () => lines.map(({ msg }) => msg) };
};

test('an event that is over before the next one begins is nobody’s business', () => {
  const { overruns, messages } = watching();
  const first = overruns.watch({ block: 100, eventBlocks: 24 });
  overruns.begins(100);
  first.judged();
  first.over(114);
  const second = overruns.watch({ block: 124, eventBlocks: 24 });
  overruns.begins(124);
  second.over(140);
  expect(messages()).toEqual([]);
  expect(overruns.count()).toBe(0);
});

test('one that is still under way is told once, and how many blocks it would have needed when it is over', () => {
  const { overruns, said, messages } = watching();
  const first = overruns.watch({ block: 100, eventBlocks: 24 });
  overruns.begins(100);
  for (let slot = 0; slot < 7; slot++) first.judged();
  // announced, and its own block is to come
  const second = overruns.watch({ block: 124, eventBlocks: 24 });
  overruns.begins(124);
  for (let slot = 0; slot < 3; slot++) first.judged();
  second.over(140);
  overruns.begins(148);
  first.over(150);
  expect(messages()).toEqual([
    'event is still under way as the next begins',
    'event took longer than the plan keeps for it: raise eventBlocks, or judge faster',
  ]);
  expect(said()).toEqual([
    { block: 100, next: 124, eventBlocks: 24, judged: 7 },
    { block: 100, eventBlocks: 24, needed: 51, judgedLate: 3 },
  ]);
  expect(overruns.count()).toBe(1);
});
