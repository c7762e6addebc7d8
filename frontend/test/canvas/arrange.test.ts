import { describe, expect, it } from 'vitest';
import { aligned, distributed } from '../../src/canvas/arrange';
import { panFor } from '../../src/canvas/autopan';
import { bottom, right, screenPoint, type Rect } from '../../src/canvas/geometry';
import { LEAST_WIDTH, stretched } from '../../src/canvas/stretch.svelte';
import { seeded, someSeeds } from './random';

const A: Rect = { left: 0, top: 0, width: 300, height: 100 };
const B: Rect = { left: 500, top: 40, width: 200, height: 60 };
const C: Rect = { left: 360, top: 400, width: 100, height: 200 };
const boxes = new Map([
  ['a', A],
  ['b', B],
  ['c', C],
]);

describe('boxes line up', () => {
  it.each([
    ['left', { a: 0, b: 0, c: 0 }],
    ['centre', { a: 200, b: 250, c: 300 }],
    ['right', { a: 400, b: 500, c: 600 }],
  ] as const)('%s', (how, lefts) => {
    const places = aligned(boxes, how);
    expect(Object.fromEntries([...places].map(([id, { left }]) => [id, left]))).toEqual(lefts);
    expect([...places.values()].map(({ top }) => top)).toEqual([0, 40, 400]);
  });
  it.each([
    ['top', { a: 0, b: 0, c: 0 }],
    ['middle', { a: 250, b: 270, c: 200 }],
    ['bottom', { a: 500, b: 540, c: 400 }],
  ] as const)('%s', (how, tops) => {
    const places = aligned(boxes, how);
    expect(Object.fromEntries([...places].map(([id, { top }]) => [id, top]))).toEqual(tops);
    expect([...places.values()].map(({ left }) => left)).toEqual([0, 500, 360]);
  });
  it('with equal gaps; the first and the last stay', () => {
    const places = distributed(boxes, 'x');
    expect([...places].map(([id, { left }]) => [id, left])).toEqual([
      ['a', 0],
      ['c', 350],
      ['b', 500],
    ]);
    expect(distributed(new Map([...boxes].slice(0, 2)), 'x').get('b')).toMatchObject({ left: 500, top: 40 });
    expect(aligned(new Map(), 'left').size).toBe(0);
  });
  it.each(someSeeds(30))('with gaps that differ by rounding at most (seed %i)', (seed) => {
    const random = seeded(seed);
    const some = (most: number): number => Math.floor(random() * most);
    const many = new Map(
      Array.from({ length: 3 + some(9) }, (_, i): [string, Rect] => [
        String(i),
        { left: some(900), top: some(900), width: 160 + some(400), height: 40 + some(200) },
      ]),
    );
    const places = [...distributed(many, 'y')].map(([id, { top }]) => ({ ...(many.get(id) as Rect), top }));
    const gaps = places.slice(1).map((box, i) => box.top - bottom(places[i] as Rect));
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(2);
  });
});

describe('a border that is dragged', () => {
  it('leaves the other one where it is, and the box wide enough', () => {
    expect(stretched(A, 'right', 420)).toEqual({ ...A, width: 420 });
    expect(stretched(A, 'left', -100)).toEqual({ ...A, left: -100, width: 400 });
    for (const side of ['left', 'right'] as const) {
      const least = stretched(A, side, 150);
      expect(least.width).toBe(LEAST_WIDTH);
      expect(side === 'left' ? right(least) : least.left).toBe(side === 'left' ? right(A) : A.left);
    }
  });
});

describe('the camera at the border', () => {
  const view = { width: 1000, height: 800 };
  const inside = screenPoint(500, 400);
  const pan = (x: number, y: number, pressed = inside, ms = 16) =>
    panFor(screenPoint(x, y), pressed, view, ms);
  it('stays while the hand is not near it', () => {
    expect(pan(500, 400)).toBe(null);
    expect(pan(60, 700)).toBe(null);
  });
  it('goes the faster the nearer, with the time that passed, and no faster beyond', () => {
    const [slow, fast, most] = [pan(970, 400), pan(990, 400), pan(1400, 400)].map((each) => each?.x ?? 0);
    expect(slow).toBeGreaterThan(0);
    expect(fast).toBeGreaterThan(slow as number);
    expect(most).toBeCloseTo(1.1 * 16);
    expect(pan(1400, 400, inside, 32)?.x).toBeCloseTo(1.1 * 32);
    expect(pan(1400, 400, inside, 5000)?.x).toBeCloseTo(1.1 * 50);
    expect(pan(-5, -5)).toMatchObject({ x: -1.1 * 16 });
  });
  it('waits until a hand that began there goes on outwards', () => {
    const pressed = screenPoint(980, 400);
    expect(pan(982, 300, pressed)).toBe(null);
    expect(pan(995, 300, pressed)?.x).toBeGreaterThan(0);
    expect(pan(20, 300, pressed)?.x).toBeLessThan(0);
  });
});
