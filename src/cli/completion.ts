// Owns: completion scripts for shells, made from the tree of commands. Does not own: the tree, where a script is put.
import type { Argument, Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What may stand behind a flag or as an argument. */
type Values = 'none' | 'file' | 'folder' | 'anything' | readonly string[];

interface Flag {
  readonly names: readonly string[];
  readonly description: string;
  readonly values: Values;
}

interface Place {
  /** the words behind `assay`, `chain weights set`; empty for the program itself */
  readonly path: string;
  readonly description: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly flags: readonly Flag[];
  readonly argument: Values;
}

/** @param program with all flags: those of roles are added when they are asked for (role-options.ts) */
export function completionOf(program: Command, shell: Shell): string {
  const places = placesOf(program, '');
  return WRITERS[shell](program.name(), places);
}

function placesOf(command: Command, path: string): Place[] {
  const shown = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
  const place: Place = {
    path,
    description: command.description(),
    commands: shown.map((each) => ({ name: each.name(), description: each.description() })),
    flags: command.createHelp().visibleOptions(command).map(flagOf),
    argument: command.registeredArguments.length === 0 ? 'none' : valuesOf(command.registeredArguments[0]!),
  };
  return [place, ...shown.flatMap((each) => placesOf(each, `${path} ${each.name()}`.trim()))];
}

function flagOf(option: Option): Flag {
  const names = [option.long, option.short].filter((name) => typeof name === 'string');
  const takesValue = option.required || option.optional;
  return { names, description: option.description, values: takesValue ? valuesOf(option) : 'none' };
}

/** By what a placeholder is called: `<file>`, `[folder...]`, `<url or file>`. */
function valuesOf(of: Option | Argument): Values {
  if (of.argChoices !== undefined) return of.argChoices;
  const placeholder = 'flags' in of ? (/[<[](.*)[>\]]/.exec(of.flags)?.[1] ?? '') : of.name();
  if (/\bfile\b/.test(placeholder)) return 'file';
  return /\b(folder|dir)\b/.test(placeholder) ? 'folder' : 'anything';
}

const listed = (flags: readonly Flag[], values: Values): string =>
  flags
    .filter((flag) => flag.values === values)
    .flatMap(({ names }) => names)
    .join(' ');

/** In single quotes, as sh and zsh read them. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** One line, and none of what shells make of a description. */
const plain = (text: string): string => text.replace(/\s+/g, ' ').trim();

const indented = (lines: readonly string[], by: number): string =>
  lines.map((line) => `${' '.repeat(by)}${line}`).join('\n');

const WRITERS: Readonly<Record<Shell, (name: string, places: readonly Place[]) => string>> = {
  bash: toBash,
  zsh: toZsh,
  fish: toFish,
};

function toBash(name: string, places: readonly Place[]): string {
  const arms = places.flatMap(({ path, commands, flags, argument }) => [
    `${quoted(path)})`,
    `  subs=${quoted(commands.map((each) => each.name).join(' '))}`,
    `  flags=${quoted(flags.flatMap(({ names }) => names).join(' '))}`,
    `  files=${quoted(listed(flags, 'file'))} folders=${quoted(listed(flags, 'folder'))} others=${quoted(listed(flags, 'anything'))}`,
    ...(typeof argument === 'string' ? [`  argument=${argument}`] : [`  subs=${quoted(argument.join(' '))}`]),
    ...flags.flatMap(({ names, values }) =>
      typeof values === 'string'
        ? []
        : [`  case $prev in ${names.join('|')}) choices=${quoted(values.join(' '))} ;; esac`],
    ),
    '  ;;',
  ]);
  return `# bash completion of ${name}, made by: ${name} completion bash
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at= word i
  # --flag=value are three words to bash
  if [[ $cur == '=' ]]; then cur=
  elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${at:+$at }\${COMP_WORDS[i]}"
    case $word in
      ${places
        .filter(({ path }) => path !== '')
        .map(({ path }) => quoted(path))
        .join('|')}) at=$word ;;
    esac
  done
  local subs= flags= files= folders= others= choices= argument=none IFS=$' \\t\\n'
  case $at in
${indented(arms, 4)}
  esac
  COMPREPLY=()
  if [[ -n $choices ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$cur"))
  elif [[ " $files " == *" $prev "* ]]; then
    IFS=$'\\n' # a name may have spaces
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
  elif [[ " $folders " == *" $prev "* ]]; then
    IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -d -- "$cur"))
  elif [[ " $others " == *" $prev "* ]]; then
    return
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$subs" -- "$cur"))
    if [[ $argument == file || $argument == folder || ( $argument == anything && -z $subs ) ]]; then
      IFS=$'\\n'
      compopt -o filenames 2>/dev/null
      COMPREPLY+=($(compgen -f -- "$cur"))
    fi
  fi
}
complete -F _${name} ${name}
`;
}

function toZsh(name: string, places: readonly Place[]): string {
  const described = (words: readonly string[], description: string): string[] =>
    words.map((word) => quoted(`${word.replaceAll(':', '\\:')}:${plain(description)}`));
  const arms = places.flatMap(({ path, commands, flags, argument }) => [
    `${quoted(path)})`,
    `  subs=(${commands.flatMap((each) => described([each.name], each.description)).join(' ')})`,
    `  flags=(${flags.flatMap((flag) => described(flag.names, flag.description)).join(' ')})`,
    `  files=(${listed(flags, 'file')}) folders=(${listed(flags, 'folder')}) others=(${listed(flags, 'anything')})`,
    ...(typeof argument === 'string' ? [`  argument=${argument}`] : [`  subs=(${argument.join(' ')})`]),
    ...flags.flatMap(({ names, values }) =>
      typeof values === 'string'
        ? []
        : [`  case $prev in ${names.join('|')}) choices=(${values.map(quoted).join(' ')}) ;; esac`],
    ),
    '  ;;',
  ]);
  return `#compdef ${name}
# zsh completion of ${name}, made by: ${name} completion zsh
_${name}() {
  local cur=\${words[CURRENT]} prev=\${words[CURRENT-1]} at= word argument=none
  local -a subs flags files folders others choices
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${at:+$at }$word" in
      ${places
        .filter(({ path }) => path !== '')
        .map(({ path }) => quoted(path))
        .join('|')}) at="\${at:+$at }$word" ;;
    esac
  done
  case $at in
${indented(arms, 4)}
  esac
  if (( $#choices )); then compadd -a choices
  elif (( \${files[(Ie)$prev]} )); then _files
  elif (( \${folders[(Ie)$prev]} )); then _files -/
  elif (( \${others[(Ie)$prev]} )); then _message value
  elif [[ $cur == -* ]]; then _describe -o flag flags
  elif (( $#subs )); then _describe command subs
  elif [[ $argument == folder ]]; then _files -/
  elif [[ $argument != none ]]; then _files
  else _describe -o flag flags
  fi
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function toFish(name: string, places: readonly Place[]): string {
  /** Within single quotes fish knows but two escapes. */
  const fishQuoted = (text: string): string =>
    `'${plain(text).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const rules = places.flatMap(({ path, commands, flags, argument }) => {
    const rule = `complete -c ${name} -n ${fishQuoted(`__${name}_at ${fishQuoted(path)}`)}`;
    return [
      ...commands.map((each) => `${rule} -a ${each.name} -d ${fishQuoted(each.description)}`),
      ...flags.map(({ names, description, values }) => {
        const named = names.map((each) =>
          each.startsWith('--') ? `-l ${each.slice(2)}` : `-s ${each.slice(1)}`,
        );
        return `${rule} ${named.join(' ')} ${fishValues(values)}-d ${fishQuoted(description)}`;
      }),
      ...(argument === 'none'
        ? []
        : [`${rule} ${typeof argument === 'string' ? '-F' : `-a ${fishQuoted(argument.join(' '))}`}`]),
    ];
  });
  return `# fish completion of ${name}, made by: ${name} completion fish
function __${name}_at
    set -l known ${places
      .filter(({ path }) => path !== '')
      .map(({ path }) => fishQuoted(path))
      .join(' ')}
    set -l at ''
    for word in (commandline -opc)[2..-1]
        set -l next (string trim -- "$at $word")
        contains -- $next $known; and set at $next
    end
    test "$at" = "$argv[1]"
end
complete -c ${name} -f
${rules.join('\n')}
`;

  function fishValues(values: Values): string {
    if (values === 'none') return '';
    if (values === 'file') return '-r -F ';
    if (values === 'folder') return `-x -a '(__fish_complete_directories)' `;
    return values === 'anything' ? '-x ' : `-x -a ${fishQuoted(values.join(' '))} `;
  }
}
