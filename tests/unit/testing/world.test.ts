import { describe, expect, test } from 'vitest';
import { BEHAVIOURS, createWorld, FACTS } from '../../../src/testing/world.js';

describe("the demo's world", () => {
  test('is fixed by its seed', () => {
    expect(createWorld('assay')).toEqual(createWorld('assay'));
    expect(createWorld('assay').registration).not.toEqual(createWorld('other').registration);
  });

  test('deals every behaviour once, under names, keys and hosts that say nothing about it', () => {
    const deals = ['a', 'b', 'c', ''].map((seed) => createWorld(seed));
    for (const { miners, registration, validators } of deals) {
      expect(miners.map(({ behaviour }) => behaviour).sort()).toEqual([...BEHAVIOURS].sort());
      expect(miners.map(({ name }) => name)).toEqual(
        Array.from({ length: BEHAVIOURS.length }, (_, k) => `miner-${k + 1}`),
      );
      expect(miners.map(({ host }) => host)).toEqual(
        Array.from({ length: BEHAVIOURS.length }, (_, k) => `127.${16 + k}.0.1`),
      );
      expect([...registration].sort()).toEqual([...miners, ...validators].map(({ name }) => name).sort());
      for (const { behaviour, hotkeyUri, coldkeyUri } of miners)
        expect(`${hotkeyUri}${coldkeyUri}`).not.toContain(behaviour);
    }
    expect(new Set(deals.map(({ miners }) => miners.map(({ behaviour }) => behaviour).join())).size).toBe(4);
    expect(new Set(deals.flatMap(({ miners }) => miners.map(({ hotkeyUri }) => hotkeyUri))).size).toBe(
      4 * BEHAVIOURS.length,
    );
  });

  test('holds what the issue says of each behaviour', () => {
    const names = (holds: (facts: (typeof FACTS)['silent']) => boolean) =>
      BEHAVIOURS.filter((behaviour) => holds(FACTS[behaviour]));
    expect(names(({ honest }) => honest)).toEqual(['honest-large', 'honest-small', 'honest-memory']);
    expect(names(({ earnsNothing }) => earnsNothing)).toEqual([
      'fabricates-rows',
      'replays',
      'relays',
      'silent',
      'invents-digests',
      'invents-leaves',
    ]);
    expect(names(({ slots }) => slots === 3)).toEqual(['honest-large']);
    expect(names(({ link }) => link !== undefined)).toEqual([
      'honest-large',
      'honest-small',
      'honest-memory',
      'invents-leaves',
    ]);
    expect(names(({ content }) => content === 'seed')).toEqual(['replays', 'relays']);
    expect(names(({ content }) => content === 'projection')).toEqual(['fabricates-rows']);
    expect(names(({ content }) => content === 'digest')).toEqual(['invents-digests']);
    expect(names(({ content }) => content === 'path')).toEqual(['invents-leaves']);
  });
});
