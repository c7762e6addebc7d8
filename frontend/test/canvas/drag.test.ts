import { describe, expect, it } from 'vitest';
import { IDLE, placesOf, stepDrag, toGrid, type Drag, type Dragging } from '../../src/canvas/drag';
import { changesNothing, dropTarget, storedFor, type Column } from '../../src/canvas/drop';
import { screenPoint, worldPoint, type Rect } from '../../src/canvas/geometry';
import { computeLayout } from '../../src/canvas/layout';
import { placeAbove, placeBelow } from '../../src/canvas/place';
import { inputOf, layoutOf, type Spec } from './board';
import { seeded, someSeeds } from './random';

const GRID = { x: 20, y: 20 };
const A: Rect = { left: 0, top: 0, width: 600, height: 100 };
const B: Rect = { left: 13, top: 207, width: 600, height: 100 };
const origins = new Map([
  ['a', A],
  ['b', B],
]);
const press = (grabbed: string): Drag =>
  stepDrag(IDLE, {
    kind: 'press',
    grabbed,
    origins,
    screen: screenPoint(100, 100),
    world: worldPoint(50, 10),
  });
const move = (drag: Drag, screen: [number, number], world: [number, number], grid = GRID): Drag =>
  stepDrag(drag, {
    kind: 'move',
    screen: screenPoint(...screen),
    world: worldPoint(...world),
    settle: toGrid(grid),
  });

describe('a drag', () => {
  it('begins after four pixels of the screen, at any zoom', () => {
    const pressed = press('a');
    expect(move(pressed, [103, 100], [500, 10])).toBe(pressed);
    expect(move(pressed, [104, 100], [51, 10]).phase).toBe('dragging');
  });
  it('snaps the corner of the cell that is held; the others keep their distance', () => {
    const dragging = move(press('b'), [160, 160], [150, 110]) as Dragging;
    expect(placesOf(dragging)).toEqual(
      new Map([
        ['a', { left: 107, top: 93 }],
        ['b', { left: 120, top: 300 }],
      ]),
    );
  });
  it('goes back to where it began, and does not begin again by that', () => {
    const out = move(press('a'), [160, 160], [150, 110]);
    const back = move(out, [100, 100], [50, 10]) as Dragging;
    expect([back.phase, back.dx, back.dy]).toEqual(['dragging', 0, 0]);
  });
  it('ends from anywhere, and moves nothing before it begins', () => {
    expect(stepDrag(press('a'), { kind: 'end' })).toBe(IDLE);
    expect(move(IDLE, [1, 1], [1, 1])).toBe(IDLE);
    expect(press('nobody')).toBe(IDLE);
    const dragging = move(press('a'), [160, 160], [150, 110]);
    expect(
      stepDrag(dragging, {
        kind: 'press',
        grabbed: 'a',
        origins,
        screen: screenPoint(0, 0),
        world: worldPoint(0, 0),
      }),
    ).toBe(dragging);
  });
  it('is free without a grid', () => {
    const dragging = move(press('a'), [160, 160], [57.5, 11], { x: 0, y: 0 }) as Dragging;
    expect([dragging.dx, dragging.dy]).toEqual([7.5, 1]);
  });
});

describe('a drop', () => {
  const cells: Record<string, Spec> = {
    t: { left: 0, top: 0, width: 640, height: 60, inside: ['x', 'u', 'y'] },
    x: { height: 100 },
    u: { height: 40, inside: ['v'] },
    v: { height: 50 },
    y: { height: 100 },
    free: { left: 900, top: 0 },
  };
  const layout = layoutOf(cells);
  const graph = inputOf(cells);
  const at = (x: number, y: number, moving: string[] = ['free']) => {
    const target = dropTarget(worldPoint(x, y), layout, graph, new Set(moving));
    return target === null ? null : [target.parent, target.index];
  };

  it('goes into the innermost tissue, between the children around the pointer', () => {
    const top = (id: string): number => layout.boxes.get(id)?.top as number;
    expect(at(1000, 20)).toBeNull();
    expect(at(100, 30)).toEqual(['t', 0]);
    expect(at(100, top('x') + 60)).toEqual(['t', 1]);
    expect(at(100, top('v') + 10)).toEqual(['u', 0]);
    expect(at(100, top('v') + 40)).toEqual(['u', 1]);
    expect(at(100, top('y') + 90)).toEqual(['t', 3]);
  });
  it('never goes into what is dragged', () => {
    const inV = (layout.boxes.get('v')?.top as number) + 10;
    expect(at(100, inV, ['u', 'v'])).toEqual(['t', 2]);
    expect(at(100, inV, ['t', 'x', 'u', 'v', 'y'])).toBeNull();
  });
  it('knows when nothing would change', () => {
    const target = (index: number) => ({ parent: 't', index, line: A });
    expect([0, 1, 2, 3].map((index) => changesNothing(['x'], target(index), graph))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(changesNothing(['free'], target(0), graph)).toBe(false);
    expect(changesNothing(['v'], target(0), graph)).toBe(false);
  });
});

const columnOf = (cells: Record<string, Spec>): Column => {
  const input = inputOf(cells);
  return {
    layout: computeLayout(input),
    roots: input.ids.filter((id) => !input.parents.has(id)),
    stored: input.stored,
    step: 20,
  };
};

describe('what a drop stores', () => {
  const pushed: Record<string, Spec> = {
    a: { left: 0, top: 0, height: 500 },
    b: { left: 0, top: 140, height: 100 },
  };

  it('is where it is dropped, where nothing is drawn elsewhere than it is stored', () => {
    const column = columnOf({ a: { left: 0, top: 0 } });
    expect(storedFor({ left: 20, top: 300, width: 600, height: 50 }, column, new Set())).toEqual({
      left: 20,
      top: 300,
    });
  });
  it('is above what it is dropped above, though that is stored higher up', () => {
    const box: Rect = { left: 0, top: 510, width: 600, height: 60 };
    const place = storedFor(box, columnOf(pushed), new Set(['c']));
    const layout = layoutOf({ ...pushed, c: { ...place, height: 60 } });
    expect(place.top).toBeLessThan(140);
    expect(layout.boxes.get('c')?.top).toBe(520);
    expect(layout.boxes.get('b')?.top).toBe(600);
  });

  it.each(someSeeds(30))('keeps the order in which cells are seen (SEED=%i)', (seed) => {
    const random = seeded(seed);
    const cells: Record<string, Spec> = {};
    for (let i = 0; i < 12; i += 1) {
      cells[`c${i}`] = {
        left: 0,
        top: i * 40 + Math.floor(random() * 30),
        height: 40 + Math.floor(random() * 300),
      };
    }
    const column = columnOf(cells);
    const top = Math.floor(random() * 2000);
    const place = storedFor({ left: 0, top, width: 600, height: 50 }, column, new Set());
    const after = layoutOf({ ...cells, fresh: { ...place, height: 50 } });
    const fresh = after.boxes.get('fresh') as Rect;
    for (const [id, before] of column.layout.boxes) {
      const above = (after.boxes.get(id) as Rect).top < fresh.top;
      expect([seed, id, above]).toEqual([seed, id, before.top < top]);
    }
  });

  it('puts a new cell right below or above another, whatever was pushed', () => {
    const column = columnOf(pushed);
    const [a, b] = [column.layout.boxes.get('a') as Rect, column.layout.boxes.get('b') as Rect];
    const drawn = (place: Spec): [string, number][] =>
      [...layoutOf({ ...pushed, n: { ...place, height: 80 } }).boxes]
        .sort((one, other) => one[1].top - other[1].top)
        .map(([id, { top }]) => [id, top]);
    expect(drawn(placeBelow(a, column)).map(([id]) => id)).toEqual(['a', 'n', 'b']);
    expect(drawn(placeAbove(b, column)).map(([id]) => id)).toEqual(['a', 'n', 'b']);
    expect(drawn(placeBelow(b, column)).map(([id]) => id)).toEqual(['a', 'b', 'n']);
    expect(drawn(placeAbove(a, column)).map(([id]) => id)).toEqual(['n', 'a', 'b']);
  });
});
