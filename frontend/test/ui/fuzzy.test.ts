import { expect, test } from 'vitest';
import { ranked, score } from '../../src/ui/fuzzy';

const TITLES = [
  'Run all cells',
  'Run all above',
  'Restart and run all cells',
  'Save to the file',
  'Turn into raw text',
];
const found = (query: string): string[] => ranked(TITLES, query, (each) => [each], 10);

test('what begins so comes first, then what has a word that does', () => {
  expect(found('run').slice(0, 2)).toEqual(['Run all cells', 'Run all above']);
  expect(found('all run')[0]).toBe('Run all cells');
  expect(found('file')).toEqual(['Save to the file']);
});

test('the first letters of words are enough, and letters that are left out', () => {
  expect(found('raa')[0]).toBe('Run all above');
  expect(found('rstrt')).toEqual(['Restart and run all cells']);
});

test('every word has to be there; nothing and nonsense fit nothing', () => {
  expect(found('run zebra')).toEqual([]);
  expect(score('', 'Run')).toBe(0);
  expect(score('  ', 'Run')).toBe(0);
  expect(found('(.*')).toEqual([]);
});

test('further words count for less than the line itself', () => {
  expect(score('execute', 'Run', 'execute')).toBeGreaterThan(0);
  expect(score('execute', 'Run', 'execute')).toBeLessThan(score('execute', 'Execute', ''));
  // Letters spread over the further words are chance.
  expect(score('exct', 'Run', 'execute')).toBe(0);
});
