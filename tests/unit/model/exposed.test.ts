import { expect, test } from 'vitest';
import { isExposed } from '../../../src/model/exposed.js';

const OWN = 998;

test("a secret's file is its owner's alone, or others can reach it", () => {
  expect(isExposed({ mode: 0o100600, uid: OWN }, OWN)).toBe(false);
  expect(isExposed({ mode: 0o100400, uid: OWN }, OWN)).toBe(false);
  for (const mode of [0o640, 0o440, 0o604, 0o620, 0o601])
    expect(isExposed({ mode: 0o100000 | mode, uid: OWN }, OWN), mode.toString(8)).toBe(true);
});

test("a credential that systemd hands down by an ACL is not taken for a group's", () => {
  expect(isExposed({ mode: 0o100440, uid: 0 }, OWN)).toBe(false);
  // nor is one that everybody may read, or a group write, any better for being root's
  for (const mode of [0o444, 0o460, 0o404])
    expect(isExposed({ mode: 0o100000 | mode, uid: 0 }, OWN), mode.toString(8)).toBe(true);
  // root's own file is no handing down
  expect(isExposed({ mode: 0o100440, uid: 0 }, 0)).toBe(true);
});
