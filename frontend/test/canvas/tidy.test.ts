import { describe, expect, it } from 'vitest';
import { grown, intersects, type Rect } from '../../src/canvas/geometry';
import { tidied } from '../../src/canvas/tidy';
import { seeded, someSeeds } from './random';

const GRID = { x: 20, y: 20 };
const box = (left: number, top: number, width = 600, height = 100): Rect => ({ left, top, width, height });
const flow = (edges: Record<string, string[]>): Map<string, string[]> => new Map(Object.entries(edges));

describe('tidied up', () => {
  it('is a line of cells as a column, whatever their widths, its corner where it was', async () => {
    const boxes = new Map([
      ['a', box(300, 900, 400)],
      ['b', box(-20, 40, 600, 200)],
      ['c', box(900, 0)],
    ]);
    const places = await tidied(boxes, flow({ a: ['b'], b: ['c'] }), GRID);
    expect([...places.values()].map(({ left }) => left)).toEqual([-20, -20, -20]);
    expect([...places.values()].map(({ top }) => top)).toEqual([0, 140, 380]);
  });

  it('is a fork in layers, and what meets below both', async () => {
    const boxes = new Map(['a', 'b', 'c', 'd'].map((id) => [id, box(0, 0)]));
    const places = await tidied(boxes, flow({ a: ['b', 'c'], b: ['d'], c: ['d'] }), GRID);
    const at = (id: string) => places.get(id) ?? expect.fail(id);
    expect(at('b').top).toBe(at('c').top);
    expect(at('b').top).toBeGreaterThan(at('a').top + 100);
    expect(at('d').top).toBeGreaterThan(at('b').top + 100);
    expect(Math.abs(at('b').left - at('c').left)).toBeGreaterThanOrEqual(660);
    expect(at('a').left).toBe(at('d').left);
  });

  it('is loose cells as columns that can be overlooked', async () => {
    const boxes = new Map(Array.from({ length: 40 }, (_, i) => [`c${i}`, box(0, 0)]));
    const places = [...(await tidied(boxes, new Map(), GRID)).values()];
    expect(new Set(places.map(({ left }) => left)).size).toBe(2);
    expect(Math.max(...places.map(({ top }) => top))).toBeLessThan(2500);
  });

  it.each(someSeeds(15))('never covers anything (seed %i)', async (seed) => {
    const random = seeded(seed);
    const ids = Array.from({ length: 30 }, (_, i) => `c${i}`);
    const boxes = new Map(ids.map((id) => [id, box(0, 0, 200 + random() * 600, 40 + random() * 400)]));
    const np = new Map<string, string[]>();
    ids.forEach((id, i) => {
      const targets = ids.slice(i + 1).filter(() => random() < 0.05);
      if (targets.length > 0) np.set(id, targets);
    });
    const places = await tidied(boxes, np, GRID);
    const rects = ids.map((id) => ({ ...(boxes.get(id) as Rect), ...places.get(id) }));
    for (const [i, one] of rects.entries())
      for (const other of rects.slice(i + 1)) expect(intersects(grown(one, -1), other)).toBe(false);
    for (const [from, targets] of np)
      for (const to of targets) expect(places.get(to)?.top).toBeGreaterThan(places.get(from)?.top ?? 0);
  });
});
