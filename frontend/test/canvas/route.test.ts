import { describe, expect, it } from 'vitest';
import { BoxIndex } from '../../src/canvas/boxindex';
import { alongRoute, betweenBounds, routeEdge } from '../../src/canvas/edges';
import { grown, intersects, type Rect, type WorldPoint } from '../../src/canvas/geometry';
import { crosses, halfWay, rounded } from '../../src/canvas/route';
import { seeded, someSeeds } from './random';

const rect = (left: number, top: number, width = 300, height = 100): Rect => ({ left, top, width, height });
const free = (points: readonly WorldPoint[], boxes: readonly Rect[]): boolean =>
  points.every((point, i) => i === 0 || !crosses(points[i - 1] as WorldPoint, point, boxes));

describe('an edge', () => {
  it('keeps its curve where nothing is in the way', () => {
    const [from, to] = [rect(0, 0), rect(200, 400)];
    expect(routeEdge(from, to, [rect(800, 200)]).path).toBe(routeEdge(from, to).path);
    expect(routeEdge(from, to).path).toContain('C');
  });
  it('goes around what lies between', () => {
    const [from, to, wall] = [rect(0, 0), rect(0, 500), rect(-100, 200, 600, 100)];
    const route = routeEdge(from, to, [wall]);
    expect(crosses(route.start, route.end, [wall])).toBe(true);
    expect(free(route.points, [wall])).toBe(true);
    // On the shorter side: 250 to the left border, 350 to the right one.
    expect(Math.min(...route.points.map(({ x }) => x))).toBe(-110);
    expect(route.points[0]).toEqual({ x: 150, y: 100 });
  });
  it('goes back up around its own cells', () => {
    const [from, to] = [rect(0, 500), rect(0, 0)];
    const route = routeEdge(from, to, [rect(0, 200)]);
    expect(free(route.points, [grown(rect(0, 200), -1)])).toBe(true);
  });
  it('runs straight through where there is no way', () => {
    const [from, to] = [rect(0, 0), rect(0, 500)];
    const cage = [rect(-60, 95, 50, 200), rect(310, 95, 50, 200), rect(-60, 290, 420, 40)];
    // The cell itself closes the cage at the top.
    expect(routeEdge(from, to, cage).path).toContain('C');
  });
  it.each(someSeeds(60))(
    'never touches a box that it was told of, if it is not the plain curve (seed %i)',
    (seed) => {
      const random = seeded(seed);
      const some = (most: number): number => Math.floor(random() * most);
      const boxes: Rect[] = [];
      while (boxes.length < 14) {
        const box = rect(some(2000), some(1600), 160 + some(300), 40 + some(200));
        if (boxes.every((each) => !intersects(grown(each, 20), box))) boxes.push(box);
        else if (random() < 0.02) break;
      }
      const [from, to, ...between] = boxes as [Rect, Rect, ...Rect[]];
      if (to === undefined) return;
      const plain = routeEdge(from, to);
      const route = routeEdge(from, to, between);
      if (free(plain.points, between)) expect(route.path).toBe(plain.path);
      // All stand 20 apart, so there is always a way.
      else {
        expect(route.path).not.toBe(plain.path);
        expect(free(route.points, between)).toBe(true);
        expect(free(route.points.slice(1, -1), [from, to])).toBe(true);
      }
      expect(route.start).toEqual(plain.start);
      expect(route.end).toEqual(plain.end);
    },
  );
});

describe('along a route', () => {
  const corner = [
    { x: 0, y: 0 },
    { x: 100, y: 0 },
    { x: 100, y: 60 },
  ];
  it('corners are rounded, as far as there is room', () => {
    expect(rounded(corner)).toBe('M0 0L86 0Q100 0 100 14L100 60');
    expect(rounded([corner[0], { x: 8, y: 0 }, { x: 8, y: 60 }] as WorldPoint[])).toBe(
      'M0 0L4 0Q8 0 8 4L8 60',
    );
  });
  it('half way is half of its length', () => {
    expect(halfWay(corner)).toEqual({ x: 80, y: 0 });
  });
  it('a dot near an end is never beyond the middle', () => {
    const route = { ...routeEdge(rect(0, 0), rect(0, 400)), points: corner };
    expect(alongRoute(route, 16)).toEqual({ x: 16, y: 0 });
    expect(alongRoute(route, -16)).toEqual({ x: 100, y: 44 });
    expect(alongRoute(route, 1000)).toEqual({ x: 64, y: 0 });
  });
});

describe('boxes in tiles', () => {
  it.each(someSeeds(20))(
    'are found as by looking at all of them, and in the same order each time (seed %i)',
    (seed) => {
      const random = seeded(seed);
      const boxes = new Map(
        Array.from({ length: 80 }, (_, i): [string, Rect] => [
          String(i),
          rect(random() * 9000 - 4000, random() * 9000 - 4000, 50 + random() * 2000, 20 + random() * 3000),
        ]),
      );
      const index = new BoxIndex(boxes);
      const part = betweenBounds(rect(random() * 4000 - 2000, 0), rect(500, random() * 4000));
      const odd = (id: string): boolean => Number(id) % 2 === 1;
      const all = [...boxes].filter(([id, box]) => !odd(id) && intersects(box, part)).map(([, box]) => box);
      const found = index.near(part, odd);
      expect(new Set(found)).toEqual(new Set(all));
      expect(index.near(part, odd)).toEqual(found);
    },
  );
});
