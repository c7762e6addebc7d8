import { expect, test } from 'vitest';
import type { Version } from '../../src/protocol.gen';
import { cellWords, whenWords, whyWords } from '../../src/ui/versions';

const at = new Date(2026, 4, 17, 9, 5);
const version: Version = { id: 1, time: at.getTime() / 1000, reason: 'before merge', cells: 1, size: 10 };

test('a version says why it is kept and how many cells it has', () => {
  expect(whyWords(version)).toBe('Before a merge');
  expect(cellWords(version)).toBe('1 cell');
  expect(cellWords({ ...version, cells: 12 })).toBe('12 cells');
});

test('a version of today says the time only, an older one the day as well', () => {
  const clock = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  expect(whenWords(version, new Date(2026, 4, 17, 23, 59).getTime())).toBe(clock);
  const before = whenWords(version, new Date(2026, 4, 18, 0, 1).getTime());
  expect(before).toContain('17');
  expect(before.endsWith(`, ${clock}`)).toBe(true);
});
