import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  childrenOf,
  descendants,
  flowWouldCycle,
  parentsOf,
  readingOrder,
  rootOf,
  wouldCycle,
} from '../../src/doc/graph';

type Drawn = Record<string, string[]>;

/** Written by tests/protocol/test_selection.py. */
const ORDERS = new URL('../../../tests/protocol/reading_orders.json', import.meta.url);

const edges = (object: Record<string, string[]>): Map<string, string[]> => new Map(Object.entries(object));

test('of two parents the first wins, and a circle of peers at once is cut', () => {
  expect(parentsOf(edges({ a: ['c'], b: ['c'] }))).toEqual(new Map([['c', 'a']]));
  expect(parentsOf(edges({ a: ['b'], b: ['a', 'b'] }))).toEqual(new Map([['b', 'a']]));
});

test('descendants come depth first and a child of another parent is not among them', () => {
  const pc = edges({ a: ['b', 'd'], b: ['c'], x: ['d'] });
  expect(descendants('a', pc, parentsOf(pc))).toEqual(['b', 'c', 'd']);
  expect(childrenOf('x', pc, parentsOf(pc))).toEqual([]);
  expect(rootOf('c', parentsOf(pc))).toBe('a');
});

test('a cell cannot come into itself or into what is inside it', () => {
  const parents = parentsOf(edges({ a: ['b'], b: ['c'] }));
  expect(wouldCycle(parents, 'a', 'c')).toBe(true);
  expect(wouldCycle(parents, 'a', 'a')).toBe(true);
  expect(wouldCycle(parents, 'c', 'a')).toBe(false);
});

test('a flow has a beginning', () => {
  const np = edges({ a: ['b'], b: ['c'] });
  expect(flowWouldCycle(np, 'c', 'a')).toBe(true);
  expect(flowWouldCycle(np, 'a', 'c')).toBe(false);
  expect(flowWouldCycle(edges({ a: ['b'], b: ['a'] }), 'x', 'a')).toBe(false);
});

test('reading follows each flow from its beginning, tissues inside out, every cell once', () => {
  const pc = edges({ h: ['i', 'j'] });
  const order = readingOrder(
    ['b', 'a', 'h', 'i', 'j', 'z', 'y'],
    edges({ a: ['h'], h: ['b'], y: ['z'], z: ['y'] }),
    pc,
    parentsOf(pc),
  );
  expect(order).toEqual(['a', 'h', 'i', 'j', 'b', 'z', 'y']);
});

test('the server reads in the same order', () => {
  for (const [cells, np, pc, order] of JSON.parse(readFileSync(ORDERS, 'utf8')) as [
    string[],
    Drawn,
    Drawn,
    string[],
  ][])
    expect(readingOrder(cells, edges(np), edges(pc), parentsOf(edges(pc)))).toEqual(order);
});

test('a flow of ten thousand cells is read without a stack overflow', () => {
  const ids = Array.from({ length: 10_000 }, (_, i) => `c${i}`);
  const np = new Map(ids.slice(1).map((id, i) => [`c${i}`, [id]]));
  expect(readingOrder(ids.toReversed(), np, new Map(), new Map())).toEqual(ids);
});
