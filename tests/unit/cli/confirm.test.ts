import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { confirm } from '../../../src/cli/confirm.js';

afterEach(() => vi.restoreAllMocks());
const never = new AbortController().signal;

function terminal() {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: vi.fn() });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  return { input, output };
}

describe('a question at the terminal', () => {
  test.each([
    ['y', true],
    ['YES', true],
    ['', false],
    ['yesterday', false],
  ])('takes %j as %s', async (answer, expected) => {
    const at = terminal();
    const asked = confirm('send?', never, at);
    at.input.write(`${answer}\r`);
    expect(await asked).toBe(expected);
  });

  test('takes Ctrl-D as no', async () => {
    const at = terminal();
    const asked = confirm('send?', never, at);
    at.input.write('\x04');
    expect(await asked).toBe(false);
  });

  test('hands Ctrl-C to the process, and is no when that interrupts the command', async () => {
    const stop = new AbortController();
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
      stop.abort();
      return true;
    });
    const at = terminal();
    const asked = confirm('send?', stop.signal, at);
    at.input.write('\x03');
    expect(await asked).toBe(false);
    expect(kill).toHaveBeenCalledWith(process.pid, 'SIGINT');
  });

  test('is refused where nobody can be asked', async () => {
    const at = { ...terminal(), input: new PassThrough() };
    await expect(confirm('send?', never, at)).rejects.toThrow('--yes');
  });
});
