import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Stage {
  readonly from: string;
  readonly name?: string;
  readonly steps: readonly { readonly op: string; readonly text: string }[];
}
// @ts-expect-error: a script of JavaScript, without types
const steps = (await import('../../../scripts/container-steps.mjs')) as {
  parseContainerfile(text: string): readonly Stage[];
  configOf(stages: readonly Stage[]): {
    readonly user: string;
    readonly env: Readonly<Record<string, string>>;
    readonly entrypoint: readonly string[];
    readonly health?: readonly string[];
  };
};
const { parseContainerfile, configOf } = steps;
const FILE = readFileSync('ops/container/Containerfile', 'utf8');

test('the image is not root’s, has a health check, a process 1 that reaps, and no secret in its environment', () => {
  const { user, env, entrypoint, health } = configOf(parseContainerfile(FILE));
  expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  expect(entrypoint[0]).toBe('/usr/bin/tini');
  expect(health?.join(' ')).toContain('/healthz');
  expect(env).toMatchObject({ NODE_ENV: 'production', ASSAY_HOTKEY: '/run/secrets/hotkey' });
});

test('a step over several lines, with a remark between them, is one; a stage takes what the one before it set', () => {
  const stages = parseContainerfile(
    'FROM debian:x-slim AS a\nENV A=1\nUSER 7:7\n\nFROM a\nRUN one \\\n# why\n && two\n',
  );
  expect(stages[1]).toMatchObject({ from: 'a', steps: [{ op: 'RUN', text: 'one  && two' }] });
  expect(configOf(stages)).toMatchObject({ user: '7:7', env: { A: '1' } });
});

test('a step that it does not know is refused by its line, as is one without an end: nothing is passed over', () => {
  expect(() => parseContainerfile(`${FILE}ADD https://x.example/y /y\n`)).toThrow(/line \d+: ADD/);
  expect(() => parseContainerfile('RUN before any stage\n')).toThrow(/line 1/);
  expect(() => parseContainerfile('FROM x\nRUN one \\\n')).toThrow(/no end/);
});
