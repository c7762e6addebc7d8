import { expect, test } from 'vitest';
import { indexFrom, MOST, search, wrongWith, type Query, type Text } from '../../src/find/query';

const query = (text: string, more: Partial<Query> = {}): Query => ({
  text,
  cases: false,
  word: false,
  regex: false,
  ...more,
});
const source = (text: string, cell = 'a'): Text => ({ cell, part: 'source', text });
const at = (text: string, asked: Query): string[] =>
  search([source(text)], asked, null).matches.map(({ from, to }) => text.slice(from, to));
function replaced(text: string, asked: Query, replacement: string): string {
  const { matches } = search([source(text)], asked, replacement);
  return matches
    .toReversed()
    .reduce((done, { from, to, insert = '' }) => done.slice(0, from) + insert + done.slice(to), text);
}

test('plain text is what it says, whatever signs are in it', () => {
  expect(at('a.b a+b A.B', query('a.b'))).toEqual(['a.b', 'A.B']);
  expect(at('a.b A.B', query('a.b', { cases: true }))).toEqual(['a.b']);
  for (const sign of String.raw`\^$.*+?()[]{}|/-`) expect(at(`x${sign}y`, query(sign)), sign).toEqual([sign]);
  expect(at('anything', query(''))).toEqual([]);
});

test('whole words, also in other scripts', () => {
  expect(at('row rows row_1 (row)', query('row', { word: true }))).toEqual(['row', 'row']);
  expect(at('größe größer', query('größe', { word: true }))).toEqual(['größe']);
  expect(at('ab cd', query('a|c', { word: true, regex: true }))).toEqual([]);
});

test('a pattern is by lines, and what matches nothing is no match', () => {
  expect(at('x = 1\ny = 2', query('^\\w', { regex: true }))).toEqual(['x', 'y']);
  expect(at('aaa', query('b*', { regex: true }))).toEqual([]);
});

test('what is no pattern is told in words', () => {
  expect(wrongWith(query('(', { regex: true, word: true }))).toBe('No such pattern: unterminated group.');
  expect(wrongWith(query('('))).toBe('');
  expect(wrongWith(query('a(b)', { regex: true }))).toBe('');
});

test('a replacement knows what was found, where a pattern was asked for', () => {
  const swap = query('(\\w+) = (?<value>\\w+)', { regex: true });
  expect(replaced('a = 1\nb = 2', swap, '$<value> == $1')).toBe('1 == a\n2 == b');
  expect(replaced('a = 1', swap, '[$&] $$1 $9\\n\\\\')).toBe('[a = 1] $1 $9\n\\');
  expect(replaced('cost', query('cost'), '$1\\n')).toBe('$1\\n');
});

test('there is a bound to what is shown, and none to what is replaced', () => {
  const many = [source('a'.repeat(MOST + 10))];
  const found = search(many, query('a'), null);
  expect([found.matches.length, found.more]).toEqual([MOST, true]);
  expect(search(many, query('a'), 'b').matches).toHaveLength(MOST + 10);
});

test('the next one is from where one is, and after the last the first', () => {
  const order = (cell: string): number => ['a', 'b', 'c'].indexOf(cell);
  const { matches } = search(
    [source('x x', 'a'), source('x', 'c'), { cell: 'c', part: 'outputs', text: 'x' }],
    query('x'),
    null,
  );
  const from = (cell: string, offset: number, part: Text['part'] = 'source'): number =>
    indexFrom(matches, { cell, part, from: offset }, order);
  expect([from('a', 0), from('a', 1), from('a', 3), from('b', 0), from('c', 1)]).toEqual([0, 1, 2, 2, 3]);
  expect([from('c', 1, 'outputs'), indexFrom([], null, order), indexFrom(matches, null, order)]).toEqual([
    0, -1, 0,
  ]);
});

test('a thousand cells are searched between two frames', () => {
  const book = Array.from({ length: 1000 }, (_, i) =>
    source(`import numpy as np\nx${i} = np.arange(${i})\n`.repeat(10), `c${i}`),
  );
  expect(search(book, query('arange(999)'), null).matches).toHaveLength(10);
});
