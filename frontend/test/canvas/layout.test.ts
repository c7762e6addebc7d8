import { describe, expect, it } from 'vitest';
import { intersects, right, bottom, type Rect } from '../../src/canvas/geometry';
import {
  computeLayout,
  EMPTY_ROOM,
  FLOW_GAP,
  FOLDED_ROOM,
  GAP,
  INSET,
  type Layout,
} from '../../src/canvas/layout';
import { inputOf, layoutOf, type Spec } from './board';
import { seeded, someSeeds } from './random';

const box = (layout: Layout, id: string): Rect => layout.boxes.get(id) as Rect;
const cell = (layout: Layout, id: string): Rect => layout.cells.get(id) as Rect;

/** Random notebooks: crowded, nested, with heights that have nothing to do with the stored places. */
function randomCells(random: () => number, many: number): Record<string, Spec> {
  const cells: Record<string, Spec> = {};
  const tissues: string[] = [];
  for (let i = 0; i < many; i += 1) {
    const id = `c${i}`;
    const spec: Spec = {
      left: Math.floor(random() * 150) * 20,
      top: Math.floor(random() * 200) * 20,
      width: 200 + Math.floor(random() * 30) * 20,
      height: 30 + Math.floor(random() * random() * 2000),
    };
    if (random() < 0.2) spec.inside = [];
    const parent = tissues[Math.floor(random() * tissues.length * 2)];
    if (parent !== undefined) cells[parent]?.inside?.push(id);
    else if (i > 0 && random() < 0.5) spec.next = [`c${Math.floor(random() * i)}`];
    if (spec.inside !== undefined) tissues.push(id);
    cells[id] = spec;
  }
  return cells;
}

describe('top-level boxes', () => {
  it('lie where they are stored, 0 included', () => {
    const layout = layoutOf({ a: { left: 0, top: 0 }, b: { left: -400, top: 300, width: 300, height: 40 } });
    expect(box(layout, 'a')).toEqual({ left: 0, top: 0, width: 600, height: 100 });
    expect(box(layout, 'b')).toEqual({ left: -400, top: 300, width: 300, height: 40 });
    expect(layout.cells.get('a')).toBe(layout.boxes.get('a'));
  });

  it('give way downwards to what has grown above them, and what follows them does too', () => {
    const layout = layoutOf({
      a: { left: 0, top: 0, height: 500 },
      b: { left: 0, top: 140, height: 100 },
      c: { left: 100, top: 260, height: 100 },
      beside: { left: 700, top: 150 },
    });
    expect(box(layout, 'b').top).toBe(500 + GAP);
    expect(box(layout, 'c').top).toBe(600 + 2 * GAP);
    expect(box(layout, 'beside').top).toBe(150);
  });

  it('leave room for an arrow where an edge joins them', () => {
    const layout = layoutOf({ a: { left: 0, top: 0, height: 500, next: ['b'] }, b: { left: 0, top: 140 } });
    expect(box(layout, 'b').top).toBe(500 + FLOW_GAP);
  });

  it('go back up when what grew shrinks again', () => {
    const cells = { a: { left: 0, top: 0, height: 500 }, b: { left: 0, top: 140 } };
    const grown = computeLayout(inputOf(cells));
    const shrunk = computeLayout(inputOf({ ...cells, a: { ...cells.a, height: 80 } }), grown);
    expect(box(shrunk, 'b').top).toBe(140);
  });

  it('keep the identity of what has not moved', () => {
    const cells = {
      a: { left: 0, top: 0 },
      b: { left: 0, top: 400 },
      t: { left: 900, top: 0, inside: ['k'] },
      k: {},
    };
    const first = computeLayout(inputOf(cells));
    const second = computeLayout(inputOf({ ...cells, a: { left: 0, top: 0, height: 120 } }), first);
    for (const id of ['b', 't', 'k']) expect(second.boxes.get(id)).toBe(first.boxes.get(id));
    expect(second.cells.get('t')).toBe(first.cells.get('t'));
    expect(second.boxes.get('a')).not.toBe(first.boxes.get('a'));
  });

  it('do not depend on the order of their ids', () => {
    const cells = randomCells(seeded(7), 60);
    for (const spec of Object.values(cells)) delete spec.next;
    const turned = Object.fromEntries(Object.entries(cells).reverse());
    const [a, b] = [layoutOf(cells), layoutOf(turned)];
    // Only boxes stored at the very same place may change places.
    const places = new Set<string>();
    for (const [id, { left, top }] of Object.entries(cells)) {
      if (!places.has(`${left} ${top}`))
        expect([id, b.boxes.get(id)?.left]).toEqual([id, a.boxes.get(id)?.left]);
      places.add(`${left} ${top}`);
    }
  });
});

describe('tissues', () => {
  it('are columns: the own cell on top, children below one another, inset', () => {
    const layout = layoutOf({
      t: { left: 100, top: 50, width: 640, height: 60, inside: ['x', 'y'] },
      x: { left: 9999, top: 9999, height: 30 },
      y: { height: 70 },
    });
    expect(cell(layout, 't')).toEqual({ left: 120, top: 70, width: 600, height: 60 });
    expect(cell(layout, 'x')).toEqual({ left: 120, top: 150, width: 600, height: 30 });
    expect(cell(layout, 'y')).toEqual({ left: 120, top: 200, width: 600, height: 70 });
    expect(box(layout, 't')).toEqual({ left: 100, top: 50, width: 640, height: 240 });
  });

  it('nest, and grow around what is wider', () => {
    const layout = layoutOf({
      t: { left: 0, top: 0, width: 600, inside: ['u', 'z'] },
      u: { width: 600, inside: ['v'] },
      v: { width: 600 },
      z: { width: 600 },
    });
    expect(layout.tissues).toEqual(['t', 'u']);
    expect(box(layout, 't').width).toBe(600 + 4 * INSET);
    expect(cell(layout, 'v')).toMatchObject({ left: 2 * INSET, width: 600 });
    expect(box(layout, 'z').top).toBe(bottom(box(layout, 'u')) + INSET);
    expect(bottom(box(layout, 't'))).toBe(bottom(box(layout, 'z')) + INSET);
  });

  it('without children have room to drop some', () => {
    const layout = layoutOf({ t: { left: 0, top: 0, height: 60, inside: [] } });
    expect(box(layout, 't').height).toBe(60 + 2 * INSET + EMPTY_ROOM);
  });

  it('may be nested deeper than a stack is deep', () => {
    const cells: Record<string, Spec> = {};
    const deep = 3000;
    for (let i = 0; i < deep; i += 1)
      cells[`c${i}`] = { left: 0, top: 0, inside: i + 1 < deep ? [`c${i + 1}`] : [] };
    expect(layoutOf(cells).boxes.size).toBe(deep);
  });
});

describe('whatever is stored', () => {
  it.each(someSeeds(60))('nothing is ever covered (SEED=%i)', (seed) => {
    const random = seeded(seed);
    const cells = randomCells(random, 20 + Math.floor(random() * 120));
    const { parents } = inputOf(cells);
    const layout = layoutOf(cells);
    expect(layout.cells.size).toBe(Object.keys(cells).length);
    const rects = [...layout.cells];
    for (let i = 0; i < rects.length; i += 1) {
      for (let j = 0; j < i; j += 1) {
        const [a, b] = [rects[i], rects[j]] as [[string, Rect], [string, Rect]];
        if (intersects(a[1], b[1])) throw new Error(`${a[0]} covers ${b[0]}`);
      }
    }
    for (const [id, rect] of layout.boxes) {
      const parent = parents.get(id);
      if (parent === undefined) {
        expect(rect.top).toBeGreaterThanOrEqual(cells[id]?.top ?? 0);
        expect(rect.left).toBe(cells[id]?.left);
        continue;
      }
      const outer = box(layout, parent);
      const within = rect.left >= outer.left && right(rect) <= right(outer) && bottom(rect) <= bottom(outer);
      expect([id, within]).toEqual([id, true]);
    }
    // The same again: what is drawn depends on nothing but the document and the heights.
    expect([...computeLayout(inputOf(cells), layout).boxes]).toEqual([...layout.boxes]);
  });

  it('is laid out in a few milliseconds at 1,000 cells', () => {
    const input = inputOf(randomCells(seeded(1), 1000));
    for (let i = 0; i < 5; i += 1) computeLayout(input);
    const began = performance.now();
    for (let i = 0; i < 10; i += 1) computeLayout(input);
    expect((performance.now() - began) / 10).toBeLessThan(25); // about 2 on an idle machine
  });
});

describe('a folded tissue', () => {
  const cells = {
    head: { left: 0, top: 0, width: 400, height: 60, inside: ['a', 'inner'] },
    a: { height: 300 },
    inner: { height: 50, inside: ['b'] },
    b: { height: 80 },
    next: { left: 0, top: 100, height: 40 },
  };

  it('is its heading and a line, and what stood below it comes up to where it is stored', () => {
    const layout = computeLayout({ ...inputOf(cells), folded: new Set(['head']) });
    expect([...layout.cells.keys()].sort()).toEqual(['head', 'next']);
    expect(layout.tissues).toEqual(['head']);
    expect(box(layout, 'head')).toEqual({
      left: 0,
      top: 0,
      width: 400,
      height: 60 + 2 * INSET + FOLDED_ROOM,
    });
    expect(box(layout, 'next').top).toBe(60 + 2 * INSET + FOLDED_ROOM + GAP);
    expect(box(computeLayout(inputOf(cells)), 'next').top).toBeGreaterThan(500);
  });

  it('inside another one is folded alone', () => {
    const layout = computeLayout({ ...inputOf(cells), folded: new Set(['inner']) });
    expect([...layout.cells.keys()].sort()).toEqual(['a', 'head', 'inner', 'next']);
    expect(box(layout, 'inner').height).toBe(50 + 2 * INSET + FOLDED_ROOM);
  });
});
