import { expect, test } from 'vitest';
import { Tally } from '../../src/doc/tally.svelte';

test('an edit is unsent until the update that brought it is durable, and unfiled until the file has it', () => {
  const tally = new Tally();
  tally.begin();
  tally.made();
  tally.sent();
  tally.made();
  tally.sent();
  expect([tally.unsent, tally.unfiled]).toEqual([2, 2]);
  expect(tally.durable(1)).toBe(1);
  expect([tally.unsent, tally.unfiled]).toEqual([1, 2]);
  tally.durable(2);
  tally.filed(1);
  expect([tally.unsent, tally.unfiled]).toEqual([0, 1]);
  tally.filed(2);
  expect([tally.unsent, tally.unfiled]).toEqual([0, 0]);
});

test('edits made without a link are brought by the answer on the next one', () => {
  const tally = new Tally();
  tally.begin();
  tally.made();
  tally.sent(); // lost with the link: nobody confirms it
  tally.made(3);
  expect(tally.unsent).toBe(4);
  tally.begin();
  tally.sent();
  expect(tally.durable(1)).toBe(4);
  expect(tally.unsent).toBe(0);
});

test('a number of nothing sent on this connection confirms nothing', () => {
  const tally = new Tally();
  tally.begin();
  tally.made();
  tally.durable(0);
  expect(tally.unsent).toBe(1);
});
