// Owns: `assay init`: from questions to a project that is there. Does not own: questions (init/answers.ts), files
// (init/project.ts), the folder (init/folder.ts).
import { stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { shellWord } from '../../model/shell-word.js';
import { loadFlags } from '../config.js';
import { type Answers, type Asking, answersOf, initFlags } from '../init/answers.js';
import { assertEmpty, writeProject } from '../init/folder.js';
import { projectFiles } from '../init/project.js';
import { foundInstead, invalid } from '../invalid-input.js';
import { EXIT, print, printJson } from '../output.js';
import { askSeen } from '../prompt.js';

export async function init(
  { what, folder = '.' }: { readonly what: string | undefined; readonly folder: string | undefined },
  given: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const flags = loadFlags(initFlags, given);
  // before any question: nobody answers five of them for nothing
  await assertEmpty(folder);
  const assay = flags.assay === undefined ? undefined : await packageAt(flags.assay, folder);
  const answers = await answersOf({ what, folder }, flags, flags.yes ? silent : onTerminal(signal));
  const files = await projectFiles(answers, assay);
  await assertEmpty(folder);
  await writeProject(folder, files, signal);
  const { kind, name } = answers;
  const next = stepsOf(answers, folder);
  const paths = files.map(({ path }) => path);
  if (flags.json) printJson({ kind, name, folder: resolve(folder), files: paths, next });
  else
    print(
      [
        `${name}, a ${kind}, in ${resolve(folder)}:`,
        ...paths.map((path) => `  ${path}`),
        'next:',
        ...next.map((step) => `  ${step}`),
      ].join('\n'),
    );
  return EXIT.ok;
}

const silent: Asking = { ask: undefined, say: () => {} };

/** Nobody is asked where nobody looks. */
function onTerminal(signal: AbortSignal): Asking {
  const { stdin: input, stderr: output } = process;
  if (!input.isTTY || !output.isTTY) return silent;
  return {
    ask: (question, preset) =>
      askSeen(`${question}${preset === undefined ? '' : ` [${preset}]`}: `, { input, output }, signal),
    say: (line) => output.write(`  ${line}\n`),
  };
}

/** As package.json names it. @throws AssayError `invalid-input` for what is no package */
async function packageAt(file: string, folder: string): Promise<string> {
  const expected = 'a package made by npm run pack (.tgz)';
  const found = await stat(file).catch((error: unknown) => {
    throw invalid(`--assay ${file}`, expected, foundInstead(error), error);
  });
  if (!found.isFile() || !/\.(tgz|tar\.gz)$/.test(file))
    throw invalid(`--assay ${file}`, expected, 'another file');
  // as npm writes it itself: a project and its package can be moved together
  return `file:${relative(resolve(folder), resolve(file))}`;
}

function stepsOf({ kind }: Answers, folder: string): readonly string[] {
  const path = relative(process.cwd(), resolve(folder));
  const enter = path === '' ? [] : [`cd ${shellWord(path.startsWith('-') ? `./${path}` : path)}`];
  if (kind === 'subnet') return [...enter, 'npm install', 'npm test'];
  const config = join(`assay-${kind}.json`);
  return [...enter, 'npm install', `npx assay config check ${config}`, 'npm start'];
}
