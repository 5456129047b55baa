// Owns: what is made of the process that recomputes a ledger for the demo. Does not own: recomputing.
import { expect, test } from 'vitest';
import { replayedElsewhere } from '../../../src/cli/demo/replayed.js';

const { signal } = new AbortController();
const saying = (stderr: string) => [
  '-e',
  `process.stderr.write(${JSON.stringify(stderr)}); process.exitCode = 2`,
];

test('a replay that gave no document is told with its error, not with what to do about it', async () => {
  const stderr = 'a warning\nerror: 3.seg: record 7: not a record [corrupt]\n  what to do: read a page.\n';
  await expect(replayedElsewhere('/x', signal, saying(stderr))).rejects.toMatchObject({
    code: 'unreachable',
    message: 'replay of /x: 3.seg: record 7: not a record [corrupt]',
  });
});

test('one that died without an error is told with the last line that it wrote', async () => {
  await expect(replayedElsewhere('/x', signal, saying('one\ntwo\n'))).rejects.toThrow('replay of /x: two');
});
