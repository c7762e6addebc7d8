import { describe, expect, it } from 'vitest';
import { bottom, intersects, moved, right, type Rect } from '../../src/canvas/geometry';
import { Neighbours, type Sight } from '../../src/canvas/snap';
import { seeded, someSeeds } from './random';

const rect = (left: number, top: number, width = 300, height = 100): Rect => ({ left, top, width, height });
const EVERYWHERE: Rect = { left: -1e6, top: -1e6, width: 2e6, height: 2e6 };
const sight = (reach = 6, view = EVERYWHERE): Sight => ({ reach, view });
const STAY = { dx: 0, dy: 0 };
const settle = (others: Rect[], box: Rect, seen = sight()) => new Neighbours(others).settle(box, seen, STAY);

describe('a box lines up', () => {
  it('with edges and centres, and a line goes through all that lie on it', () => {
    const { dx, dy, guides } = settle([rect(0, 0), rect(0, 400)], rect(4, 203));
    expect(dx).toBe(-4);
    // 200 is as far from the one above as from the one below.
    expect(dy).toBe(-3);
    expect(guides.lines).toContainEqual({ axis: 'x', at: 0, from: 0, to: 500 });
    expect(guides.gaps.map(({ axis, from, to }) => [axis, from, to])).toEqual([
      ['y', 100, 200],
      ['y', 300, 400],
    ]);
  });
  it('by a centre with centres only', () => {
    expect(settle([rect(100, 0, 100)], rect(2, 300)).dx).toBe(-2);
    // Its middle, 150, lies on nobody's middle, and its edges on nobody's edges.
    expect(settle([rect(150, 0, 1000)], rect(2, 300)).dx).toBe(0);
  });
  it('with the same gap as before, in a row and in a column', () => {
    const row = [rect(0, 0), rect(340, 0)];
    expect(settle(row, rect(683, 30)).dx).toBe(-3);
    expect(settle(row, rect(-343, 30)).dx).toBe(3);
    expect(settle([rect(0, 0), rect(0, 140)], rect(0, 277)).dy).toBe(3);
  });
  it('never right below another box: the layout keeps a distance there', () => {
    expect(settle([rect(0, 0)], rect(0, 103)).dy).toBe(0);
    expect(settle([rect(0, 0)], rect(500, 103)).dy).toBe(-3);
  });
  it('with nothing that is out of sight', () => {
    const view = { left: 0, top: 0, width: 1000, height: 1000 };
    expect(settle([rect(0, 5000)], rect(4, 203), sight(6, view)).dx).toBe(0);
  });
  it('by its edge alone while it is resized', () => {
    const neighbours = new Neighbours([rect(0, 0), rect(720, 300)]);
    expect(neighbours.settleEdge(304, sight())).toBe(300);
    expect(neighbours.settleEdge(716, sight())).toBe(720);
    expect(neighbours.settleEdge(500, sight())).toBe(null);
    expect(neighbours.edgeGuides(rect(40, 600, 260), 'right', sight()).lines).toEqual([
      { axis: 'x', at: 300, from: 0, to: 700 },
    ]);
  });
});

describe('whatever lies around', () => {
  it.each(someSeeds(60))(
    'a box moves no further than the reach, and what moved it is shown (seed %i)',
    (seed) => {
      const random = seeded(seed);
      const some = (most: number): number => Math.floor(random() * most);
      const others = Array.from({ length: 1 + some(30) }, () =>
        rect(some(2000), some(2000), 160 + some(500), 40 + some(300)),
      );
      const box = rect(some(2000), some(2000), 160 + some(500), 40 + some(300));
      const neighbours = new Neighbours(others);
      const first = neighbours.settle(box, sight(8), STAY);
      expect(Math.abs(first.dx)).toBeLessThanOrEqual(8);
      expect(Math.abs(first.dy)).toBeLessThanOrEqual(8);
      const now = moved(box, first.dx, first.dy);
      for (const { axis, at } of first.guides.lines) {
        const own =
          axis === 'x'
            ? [now.left, now.left + now.width / 2, right(now)]
            : [now.top, now.top + now.height / 2, bottom(now)];
        expect(own.some((each) => Math.abs(each - at) < 0.02)).toBe(true);
      }
      for (const gap of first.guides.gaps) {
        expect(gap.to).toBeGreaterThan(gap.from);
        const like = first.guides.gaps.filter(
          (each) => each.axis === gap.axis && Math.abs(each.to - each.from - gap.to + gap.from) < 0.02,
        );
        expect(like.length, 'a gap is shown because another is as wide').toBeGreaterThan(1);
      }
      // What moved it is shown.
      if (first.dx !== 0)
        expect([...first.guides.lines, ...first.guides.gaps].some(({ axis }) => axis === 'x')).toBe(true);
    },
  );
  it('of a thousand boxes the few in view decide', () => {
    const others = Array.from({ length: 1000 }, (_, i) =>
      rect((i % 30) * 700, Math.floor(i / 30) * 200, 600),
    );
    const view = { left: 3000, top: 1000, width: 1440, height: 900 };
    const neighbours = new Neighbours(others);
    let moves = 0;
    for (let i = 0; i < 100; i += 1)
      moves += Math.abs(neighbours.settle(rect(3003 + i, 1103), sight(6, view), STAY).dx);
    expect(moves).toBeGreaterThan(0);
    expect(others.filter((each) => intersects(each, view)).length).toBeLessThan(20);
  });
});
