import { describe, expect, test } from 'vitest';
import { createTickets, ticketsFor } from '../../../src/miner/tickets.js';
import { toHotkey } from '../../../src/model/ids.js';

const [one, two] = ['one', 'two'].map(toHotkey) as [ReturnType<typeof toHotkey>, ReturnType<typeof toHotkey>];

function scene() {
  const standing = { epoch: 5, share: 0 };
  const tickets = createTickets(() => standing);
  const spend = (validator = one, slot = 0) => {
    const ticket = tickets.find(validator, slot);
    ticket?.();
    return ticket !== undefined;
  };
  const spendAll = (validator = one, slot = 0) => {
    let count = 0;
    while (spend(validator, slot)) count++;
    return count;
  };
  return { standing, tickets, spend, spendAll };
}

describe('tickets', () => {
  test('are as many as a plan may have events, and as many again by the share of the stake', () => {
    expect([0, 0.01, 0.5, 1].map(ticketsFor)).toEqual([8, 9, 12, 16]);
    const { standing, spendAll } = scene();
    expect(spendAll()).toBe(8);
    standing.share = 0.5;
    expect(spendAll()).toBe(4); // of twelve, eight are gone
  });

  test('are counted for each validator and slot', () => {
    const { spendAll } = scene();
    expect([spendAll(one, 0), spendAll(one, 1), spendAll(two, 0), spendAll(one, 0)]).toEqual([8, 8, 8, 0]);
  });

  test('are new with the epoch', () => {
    const { standing, spendAll } = scene();
    spendAll();
    standing.epoch = 6;
    expect(spendAll()).toBe(8);
  });

  test('are not gone before they are spent: a slot that refuses for another reason costs none', () => {
    const { tickets, spendAll } = scene();
    for (let i = 0; i < 100; i++) expect(tickets.find(one, 0)).toBeDefined();
    expect(spendAll()).toBe(8);
  });
});
