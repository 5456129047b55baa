import { expect, test } from 'vitest';
import { toHex } from '../../../src/model/bytes.js';
import { toHotkey } from '../../../src/model/ids.js';
import { assign } from '../../../src/validator/assign.js';
import { recordingLog } from '../../support/logs.js';
import { neuron } from '../../support/subnets.js';
import { TOY_PARAMS, TOY_PARAMS_ID, toyKind } from '../../support/toy-kind.js';

test('a check whose window would reach into the next event is left out, aloud', () => {
  const { log, lines } = recordingLog();
  const claim = { index: 0, worker: 'host-1', kind: 'toy', paramsId: toHex(TOY_PARAMS_ID) };
  const tasksWithin = (withinMs: number | undefined) =>
    assign(
      { toy: toyKind({ table: new Map([[toHex(TOY_PARAMS_ID), TOY_PARAMS]]) }) },
      {
        chain: { type: 'development', blockTimeMs: 250 },
        hold: { first: 20, last: 22 },
        withinMs,
        isOurTurn: false,
        log,
      },
      neuron(0, { hotkey: toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY') }),
      [claim],
    ).length;
  // a Go 250 ms late, 1,000 ms of window with a hundredth of delay, 100 ms to read
  expect([1359, 1360, undefined].map(tasksWithin)).toEqual([0, 1, 1]);
  expect(lines).toMatchObject([
    { msg: 'slot not checked: raise leadBlocks', class: 'toy', needsMs: 1360, withinMs: 1359 },
  ]);
});
