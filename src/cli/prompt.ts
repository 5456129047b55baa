// Owns: asking for a line on a terminal, shown or not. Does not own: what it is for.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { invalid } from './invalid-input.js';

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: { write(text: string): unknown };
}

/** @throws AssayError `invalid-input` when the input ends before the line does; the signal's reason when interrupted */
export function askUnseen(question: string, terminal: Terminal, signal: AbortSignal): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return askOn(question, { ...terminal, echo: nowhere }, signal);
}

/** The same, shown while it is typed. */
export const askSeen = (
  question: string,
  terminal: Terminal & { readonly output: NodeJS.WritableStream },
  signal: AbortSignal,
): Promise<string> => askOn(question, { ...terminal, echo: terminal.output }, signal);

async function askOn(
  question: string,
  { input, output, echo }: Terminal & { readonly echo: NodeJS.WritableStream },
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const isSeen = echo === output;
  if (!isSeen) output.write(question);
  const lines = createInterface({ input, output: echo, terminal: true, historySize: 0 });
  if (isSeen) {
    // said by readline: it draws the line again with each key
    lines.setPrompt(question);
    lines.prompt();
  }
  let stop: (() => void) | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      lines.once('line', (line) => resolve(erased(line)));
      lines.once('close', () =>
        reject(invalid(question.replace(/: $/, ''), 'a line', 'the end of the input')),
      );
      // a terminal in raw mode leaves Ctrl-C to us
      lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    });
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
    lines.close();
    if (!isSeen || signal.aborted) output.write('\n');
  }
}

/** Where TERM is `dumb`, readline leaves what was taken back, and the keys that took it back, in the line. */
function erased(line: string): string {
  const kept: string[] = [];
  for (const char of line)
    if (char === '\x7f' || char === '\b') kept.pop();
    else kept.push(char);
  return kept.join('');
}
