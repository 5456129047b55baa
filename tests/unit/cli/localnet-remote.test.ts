import { expect, test } from 'vitest';
import { snapshot } from '../../../src/cli/commands/localnet-remote.js';

test('a snapshot to standard output is refused before anything is asked', async () => {
  await expect(snapshot('-', {}, new AbortController().signal)).rejects.toThrow('the file: expected a path');
});
