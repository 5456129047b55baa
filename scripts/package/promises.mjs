// Owns: what package.json promises about modules and types, held by publint, attw and the compiler. Does not own: the package
// (tarball.mjs), the project in which it is compiled (projects.mjs).
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import ts from 'typescript';

/** Everything that publint has to say, suggestions too. */
export async function faultsByPublint(folder) {
  const { messages, pkg } = await publint({ pkgDir: folder, pack: false, level: 'suggestion' });
  return messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code);
}

/**
 * The package is ESM alone and has subpaths, so that two of attw's four modes are none of its: `node10` knows no subpaths, and
 * `node16-cjs` must take any ESM by `import()`, which works.
 */
const NOT_OURS = new Set(['node10', 'node16-cjs']);

export async function faultsByAttw(tarball) {
  const { types, problems = [] } = await checkPackage(
    createPackageFromTarballData(new Uint8Array(readFileSync(tarball))),
  );
  if (!types) return ['no types in the package'];
  return problems
    .filter(({ resolutionKind, kind }) => !NOT_OURS.has(resolutionKind) && kind !== 'CJSResolvesToESM')
    .map(({ kind, entrypoint, resolutionKind, fileName }) =>
      [kind, entrypoint, resolutionKind, fileName].filter(Boolean).join(' '),
    );
}

const { ModuleKind, ModuleResolutionKind } = ts;
export const RESOLUTIONS = {
  node16: { module: ModuleKind.Node16, moduleResolution: ModuleResolutionKind.Node16 },
  nodenext: { module: ModuleKind.NodeNext, moduleResolution: ModuleResolutionKind.NodeNext },
  bundler: { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler },
};

/** Every street door and every example, compiled strictly as a project that has the package would. */
export function faultsOfTypes(folder, { paths, examples }) {
  const project = realpathSync(folder); // as the compiler names what it finds by itself
  const doors = join(project, 'doors.ts');
  writeFileSync(
    doors,
    `${paths.map((path, i) => `import * as door${i} from '${path}';\n`).join('')}export const doors = [${paths.map((_, i) => `door${i}`)}];\n`,
  );
  const files = examples.map((text, i) => {
    const file = join(project, `readme-${i}.ts`);
    writeFileSync(file, text);
    return file;
  });
  return Object.entries(RESOLUTIONS).flatMap(([name, resolution]) => {
    const program = ts.createProgram([doors, ...files], {
      ...resolution,
      target: ts.ScriptTarget.ES2023,
      types: ['node'],
      typeRoots: [join(project, 'node_modules/@types')],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      // ours are looked at for whoever has it off, in one mode; seconds each, for those of others are read too
      skipLibCheck: name !== 'nodenext',
    });
    const isOthers = ({ file }) => file !== undefined && !file.fileName.startsWith(`${project}/`);
    const diagnostics = ts.getPreEmitDiagnostics(program).filter((each) => !isOthers(each));
    return diagnostics.map(({ file, messageText }) => {
      const where = file === undefined ? '' : `${file.fileName.slice(project.length + 1)}: `;
      return `${name}: ${where}${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
}

/** TypeScript of a page as a program. */
export const toJavaScript = (text) =>
  ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  }).outputText;
