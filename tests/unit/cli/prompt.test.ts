import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { askSeen, askUnseen } from '../../../src/cli/prompt.js';
import { soon } from '../../support/soon.js';

function terminal() {
  const written: string[] = [];
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: vi.fn() });
  return { input, written, output: { write: (text: string) => written.push(text) } };
}
const never = new AbortController().signal;

describe('askUnseen', () => {
  it('takes a line with its corrections and shows nothing of it', async () => {
    const at = terminal();
    const asked = askUnseen('Password: ', at, never);
    at.input.write('marker-pasz\x7fs');
    at.input.write('wörd\r');
    expect(await asked).toBe('marker-passwörd');
    expect(at.written).toEqual(['Password: ', '\n']);
    expect(at.input.setRawMode.mock.calls).toEqual([[true], [false]]);
  });

  it('does not offer one answer to the next question', async () => {
    const at = terminal();
    const first = askUnseen('Password: ', at, never);
    at.input.write('marker\r');
    await first;
    const second = askUnseen('Again: ', at, never);
    at.input.write('\x1b[A\r'); // arrow up
    expect(await second).toBe('');
  });

  it('ends with the input, and when interrupted; the terminal is as it was', async () => {
    const ended = terminal();
    const asked = askUnseen('Password: ', ended, never);
    ended.input.end();
    await expect(asked).rejects.toThrow('Password: expected a line, got the end of the input');

    const stop = new AbortController();
    const stopped = terminal();
    const interrupted = askUnseen('Password: ', stopped, stop.signal);
    stop.abort();
    await expect(interrupted).rejects.toBe(stop.signal.reason);
    expect(stopped.input.setRawMode.mock.calls.at(-1)).toEqual([false]);
  });

  it('hands Ctrl-C, which a raw terminal leaves to it, to the process', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const at = terminal();
    const asked = askUnseen('Password: ', at, never);
    at.input.write('\x03');
    await soon(() => expect(kill).toHaveBeenCalledWith(process.pid, 'SIGINT'));
    at.input.end();
    await expect(asked).rejects.toMatchObject({ code: 'invalid-input' });
    kill.mockRestore();
  });
});

describe('askSeen', () => {
  const shown = () => {
    const { input } = terminal();
    const output = new PassThrough();
    return { input, output, text: () => String(output.read() ?? '') };
  };

  it('shows the question and what is typed, and takes the line', async () => {
    const at = shown();
    const asked = askSeen('Name [x]: ', at, never);
    at.input.write('rig\r');
    expect(await asked).toBe('rig');
    expect(at.text()).toMatch(/Name \[x\]: .*rig/s);
    expect(at.input.setRawMode.mock.calls).toEqual([[true], [false]]);
  });

  it('ends with the input, and when interrupted', async () => {
    const ended = shown();
    const asked = askSeen('Name: ', ended, never);
    ended.input.end();
    await expect(asked).rejects.toThrow('Name: expected a line, got the end of the input');
    const stop = new AbortController();
    const interrupted = askSeen('Name: ', shown(), stop.signal);
    stop.abort();
    await expect(interrupted).rejects.toBe(stop.signal.reason);
  });
});
