import { describe, expect, it } from 'vitest';
import { cull } from '../../src/canvas/cull';
import { edgeBounds, portOf, routeEdge, sidesOf } from '../../src/canvas/edges';
import {
  around,
  bottom,
  distance,
  intersects,
  right,
  screenPoint,
  snapped,
  worldPoint,
  type Rect,
} from '../../src/canvas/geometry';
import { marqueeHits, outermost, withInside } from '../../src/canvas/select';
import { Skyline } from '../../src/canvas/skyline';
import { inputOf, layoutOf } from './board';
import { seeded, someSeeds } from './random';

const rect = (left: number, top: number, width = 600, height = 100): Rect => ({ left, top, width, height });

describe('rectangles', () => {
  it('touch without intersecting', () => {
    expect(intersects(rect(0, 0), rect(600, 0))).toBe(false);
    expect(intersects(rect(0, 0), rect(599, 99))).toBe(true);
  });
  it('measure distances, surround, snap', () => {
    expect(distance(rect(0, 0), worldPoint(300, 50))).toBe(0);
    expect(distance(rect(0, 0), worldPoint(603, 104))).toBe(5);
    expect(around([rect(0, 0), rect(-100, 400, 50, 50)])).toEqual({
      left: -100,
      top: 0,
      width: 700,
      height: 450,
    });
    expect(around([])).toBeNull();
    expect([snapped(29, 20), snapped(-31, 20), snapped(7.5, 0)]).toEqual([20, -40, 7.5]);
  });
  it('keeps points of the world and of the screen apart', () => {
    const take = (point: ReturnType<typeof worldPoint>): number => point.x;
    expect(take(worldPoint(1, 2))).toBe(1);
    // @ts-expect-error a screen point is not a place in the world
    expect(take(screenPoint(1, 2))).toBe(1);
  });
});

describe('the skyline', () => {
  it.each(someSeeds(20))('is the lowest bottom of all that was placed (SEED=%i)', (seed) => {
    const random = seeded(seed);
    const skyline = new Skyline();
    const placed: { left: number; right: number; bottom: number }[] = [];
    for (let i = 0; i < 80; i += 1) {
      const left = Math.floor(random() * 100);
      const end = left + 1 + Math.floor(random() * 40);
      const under = placed.filter((box) => box.left < end && left < box.right).map((box) => box.bottom);
      expect(skyline.under(left, end)).toBe(Math.max(-Infinity, ...under));
      const low = Math.max(0, ...under) + random() * 10;
      skyline.place(left, end, low);
      placed.push({ left, right: end, bottom: low });
    }
  });
});

describe('culling', () => {
  const cells = new Map([...Array(100).keys()].map((i) => [`c${i}`, rect(0, i * 200)]));
  const view = rect(0, 5000, 1000, 800);
  const none: ReadonlySet<string> = new Set();

  it('mounts what is near, nearest to the focus first', () => {
    const { keep, missing } = cull(cells, view, none, none, worldPoint(300, 5450));
    expect(keep).toEqual([]);
    expect(missing[0]).toBe('c27');
    expect(missing).toContain('c25');
    expect(missing.length).toBeLessThan(10);
  });
  it('keeps what is mounted until it is farther away, and what is pinned wherever it is', () => {
    const mounted = new Set(['c23', 'c10', 'c27']);
    const { keep, missing } = cull(cells, view, mounted, new Set(['c10', 'c99']), worldPoint(0, 0));
    expect(keep).toEqual(['c10', 'c23', 'c27']);
    expect(missing[0]).toBe('c99');
    expect(cull(cells, view, mounted, none, worldPoint(0, 0)).keep).toEqual(['c23', 'c27']);
  });
});

describe('edges', () => {
  const from = rect(0, 0);
  it('leave at the bottom and enter at the top of what lies below', () => {
    expect(sidesOf(from, rect(900, 100))).toEqual(['bottom', 'top']);
    const { start, end, path, head } = routeEdge(from, rect(0, 300));
    expect([start, end]).toEqual([worldPoint(300, 100), worldPoint(300, 300)]);
    expect(path).toBe('M300 100C300 195.5 300 195.5 300 291');
    expect(head).toMatch(/^M300 300L/);
  });
  it('go from side to side to what lies beside', () => {
    expect(sidesOf(from, rect(700, 40))).toEqual(['right', 'left']);
    expect(sidesOf(from, rect(-700, 40))).toEqual(['left', 'right']);
    expect(sidesOf(rect(0, 500), from)).toEqual(['bottom', 'top']);
  });
  it('stay inside their bounds', () => {
    for (const seed of someSeeds(20)) {
      const random = seeded(seed);
      const place = (): Rect =>
        rect(random() * 3000, random() * 3000, 200 + random() * 600, 40 + random() * 600);
      const [a, b] = [place(), place()];
      if (intersects(a, b)) continue;
      const { path, start, end } = routeEdge(a, b);
      expect(path).not.toMatch(/NaN|Infinity/);
      const bounds = edgeBounds(a, b);
      const numbers = path.match(/-?[\d.]+/g)?.map(Number) as number[];
      // A curve reaches three quarters of the way to its control points.
      const [x0, y0, x1, y1, x2, y2, x3, y3] = numbers as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      for (let t = 0; t <= 1; t += 0.05) {
        const at = (p: number, q: number, r: number, s: number): number =>
          p * (1 - t) ** 3 + 3 * q * t * (1 - t) ** 2 + 3 * r * t * t * (1 - t) + s * t ** 3;
        const [x, y] = [at(x0, x1, x2, x3), at(y0, y1, y2, y3)];
        expect([seed, x > bounds.left && x < right(bounds) && y > bounds.top && y < bottom(bounds)]).toEqual([
          seed,
          true,
        ]);
      }
      expect([start, end].every((point) => Number.isFinite(point.x + point.y))).toBe(true);
    }
  });
  it('have ports in the middle of each side', () => {
    expect(portOf(from, 'left')).toEqual(worldPoint(0, 50));
    expect(portOf(from, 'right')).toEqual(worldPoint(600, 50));
    expect(portOf(from, 'top')).toEqual(worldPoint(300, 0));
  });
});

describe('selections', () => {
  const cells = {
    a: { left: 0, top: 0 },
    t: { left: 1000, top: 0, width: 640, inside: ['x', 'y'] },
    x: {},
    y: { inside: ['z'] },
    z: {},
  };
  const { parents, pc } = inputOf(cells);

  it('take what a marquee touches, tissues when it holds them whole', () => {
    const layout = layoutOf(cells);
    expect(marqueeHits(rect(500, 50, 10, 10), layout, parents)).toEqual(['a']);
    expect(marqueeHits(rect(900, -50, 2000, 2000), layout, parents)).toEqual(['t']);
    expect(marqueeHits(rect(900, -50, 200, 250), layout, parents)).toEqual(['t', 'x']);
  });
  it('move the outermost, with all that is inside', () => {
    expect(outermost(['z', 'x', 'y', 'a'], parents)).toEqual(['x', 'y', 'a']);
    expect(withInside(['y', 'a'], pc, parents)).toEqual(new Set(['y', 'z', 'a']));
  });
});
