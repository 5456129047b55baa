// Owns: what this build is and what it runs on: version, commit, Node, platform, optional parts. Does not own: how that is shown.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { VERSION } from '../model/version.js';
import { filled } from './text-width.js';

export interface OptionalPart {
  readonly name: string;
  /** the version that this build was tried with */
  readonly wanted: string;
  /** undefined where it is not installed */
  readonly installed: string | undefined;
  readonly use: string;
}

export interface BuildFacts {
  readonly version: string;
  /** undefined for a build outside a repository, and where sources are run */
  readonly commit?: string;
  /** the sources were changed after that commit */
  readonly isChanged?: boolean;
  readonly node: string;
  /** as Node calls it: `linux` */
  readonly platform: string;
  readonly arch: string;
  /** of the C library, where it is that one */
  readonly glibc?: string;
  readonly optional: readonly OptionalPart[];
}

/** What is lost without it. */
const USES: Readonly<Record<string, string>> = {
  'onnxruntime-node': 'the fast CPU kernel: without it a CPU reaches no class',
  '@huggingface/tokenizers': 'text to ids of imported models',
  '@opentelemetry/api': 'spans, with --trace-module',
  koffi: 'NVIDIA cards',
  webgpu: 'other graphics processors',
  '@acala-network/chopsticks': 'a real runtime: assay localnet start --runtime',
};

interface Manifest {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** @param from file of this package from which its optional parts are looked for */
export function buildFacts(from: string | URL = import.meta.url): BuildFacts {
  const require = createRequire(from);
  const manifest = read<Manifest>(new URL('../../package.json', from)) ?? {};
  const stamp = read<{ commit?: string; isChanged?: boolean }>(new URL('../build.json', from)) ?? {};
  const { glibcVersionRuntime: glibc } = (
    process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  ).header;
  const wanted = { ...manifest.optionalDependencies, ...manifest.peerDependencies };
  return {
    version: VERSION,
    ...stamp,
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    ...(glibc === undefined ? {} : { glibc }),
    optional: Object.entries(wanted).map(([name, version]) => ({
      name,
      wanted: version,
      installed: installedVersion(require, name),
      use: USES[name] ?? '',
    })),
  };
}

/** By its manifest, which is not loaded as code: a native part that crashes must not end this. */
function installedVersion(require: NodeJS.Require, name: string): string | undefined {
  for (const folder of require.resolve.paths(name) ?? []) {
    const found = read<Manifest>(`${folder}/${name}/package.json`);
    if (found !== undefined) return found.version ?? 'unknown';
  }
  return undefined;
}

/** Undefined for what is not there, or is no JSON: neither is worth failing over. */
function read<T>(file: string | URL): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/**
 * `assay --version`: the version alone in the first line, for scripts.
 * @param columns of a terminal, in which no word is broken
 */
export function factsText(
  { version, commit, isChanged, node, platform, arch, glibc, optional }: BuildFacts,
  columns = Number.POSITIVE_INFINITY,
): string {
  const build =
    commit === undefined ? 'run from sources' : `${commit.slice(0, 12)}${isChanged ? ', changed since' : ''}`;
  const rows: (readonly [string, string])[] = [
    ['commit', build],
    ['node', node],
    ['platform', `${platform} ${arch}${glibc === undefined ? '' : `, glibc ${glibc}`}`],
    ...optional.map(
      ({ name, wanted, installed, use }) => [name, stateOf(name, wanted, installed, use)] as const,
    ),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const line = ([name, value]: readonly [string, string]): string => {
    const [state = '', ...more] = value.split('\n');
    const lines = filled(state, Math.max(20, columns - width - 4)).split('\n');
    return [`  ${name.padEnd(width)}  ${lines.join(`\n${' '.repeat(width + 4)}`)}`, ...more].join('\n');
  };
  return [version, ...rows.map(line)].join('\n');
}

function stateOf(name: string, wanted: string, installed: string | undefined, use: string): string {
  if (installed === wanted) return installed;
  if (installed !== undefined) return `${installed}; tried with ${wanted}`;
  return `not installed (${use})\n    npm install --ignore-scripts ${name}@${wanted}`;
}
