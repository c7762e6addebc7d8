import { describe, expect, it } from 'vitest';
import type { Cell } from '../../src/doc/cell.svelte';
import { placeAfter, rowsOf } from '../../src/ui/queue.svelte';

const cells: Record<string, Partial<Cell>> = {
  a: {
    state: 'running',
    text: '\n\nx = 1\ny',
    startedAt: 5,
    run: { who: 'Ada', began: 1, ended: null, status: '', crc: 0 },
  },
  b: { state: 'queued', text: '', queued: { who: '0123456789abcdef', at: 7 }, run: null },
  c: { state: 'queued', text: 'z', queued: null, run: null },
} as Record<string, Partial<Cell>>;
const cellOf = (id: string): Cell => cells[id] as Cell;

describe('rows of the queue', () => {
  it('say what runs and who asked for what waits, the running one without a place', () => {
    const rows = rowsOf(['a', 'b', 'c'], cellOf);
    expect(rows.map(({ id, running, place }) => [id, running, place])).toEqual([
      ['a', true, 0],
      ['b', false, 1],
      ['c', false, 2],
    ]);
    expect(rows.map(({ line }) => line)).toEqual(['x = 1', '', 'z']);
    expect(rows.map(({ who }) => who)).toEqual(['Ada', 'somebody', 'somebody']);
    expect(rows.map(({ since }) => since)).toEqual([5, 7, null]);
  });

  it('begin with place 1 while nothing runs', () => {
    expect(rowsOf(['b', 'c'], cellOf).map(({ place }) => place)).toEqual([1, 2]);
    expect(rowsOf([], cellOf)).toEqual([]);
  });

  it('a dragged row stays within those that wait', () => {
    expect(placeAfter(2, 0, 34, 4)).toBe(2);
    expect(placeAfter(2, 40, 34, 4)).toBe(3);
    expect(placeAfter(2, 900, 34, 4)).toBe(4);
    expect(placeAfter(2, -900, 34, 4)).toBe(1);
  });
});
