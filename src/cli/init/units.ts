// Owns: a project's service files: the units that this package brings, with the project's own program, folders and name.
// Does not own: what keeps a service alone on its machine (ops/systemd), installing it (the project's README).
import type { ProjectKind } from './answers.js';

export interface UnitOf {
  readonly role: 'miner' | 'validator';
  readonly kind: ProjectKind;
  readonly name: string;
}

/** Where a project is put for its service: a home folder is closed to it (ProtectHome). */
const HOME = '/opt';

/**
 * @param unit text of ops/systemd/assay-<role>.service
 * @throws RangeError for a unit that has not the lines that are to be changed: this package is not whole
 */
export function unitFor(unit: string, { role, kind, name }: UnitOf): string {
  const isSubnet = kind === 'subnet';
  // a subnet's roles have folders of their own: beside them a host may serve others
  const folder = isSubnet ? name : 'assay';
  const command = `/usr/bin/env node ${HOME}/${name}/node_modules/assay/dist/cli/main.js ${role} start --config /etc/${folder}/${role}.json`;
  const first = `# The ${role} of ${name}, in ${HOME}/${name}. Copy to /etc/systemd/system; its configuration is /etc/${folder}/${role}.json (README.md).`;
  const changes: readonly (readonly [RegExp, string])[] = [
    [/^# .*\n/, `${first}\n`],
    [/^Description=.*$/m, `Description=${name}: ${role}`],
    [/^ExecStart=.*$/m, `ExecStart=${command}`],
    ...(isSubnet
      ? ([
          // what its settings name of the project: module, parameters, policy
          [/^ExecReload=/m, `WorkingDirectory=${HOME}/${name}\nExecReload=`],
          [/^StateDirectory=.*$/m, `StateDirectory=${name}/${role}`],
          [/%S\/assay\//m, `%S/${name}/`],
          [/^LoadCredential=hotkey:.*$/m, `LoadCredential=hotkey:/etc/${name}/keys/${role}-hotkey`],
          [/\/etc\/assay: groupadd/m, `/etc/${name}: groupadd`],
        ] as const)
      : []),
  ];
  return changes.reduce((text, [from, to]) => {
    if (!from.test(text)) throw new RangeError(`unit of a ${role}: expected a line ${from.source}`);
    return text.replace(from, to);
  }, unit);
}
