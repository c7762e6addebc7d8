import { describe, expect, it } from 'vitest';
import { neighbour, nextInFlow, previousInFlow, type Direction } from '../../src/canvas/neighbour';
import { inputOf, layoutOf, type Spec } from './board';

describe('arrows', () => {
  const cells: Record<string, Spec> = {
    t: { left: 0, top: 0, width: 640, height: 60, inside: ['x', 'u'], next: ['far'] },
    x: {},
    u: { inside: ['v'] },
    v: {},
    far: { left: 3000, top: 2000 },
    beside: { left: 700, top: 100 },
    below: { left: 0, top: 900 },
    loose: { left: 750, top: 600 },
  };
  const flow = inputOf(cells);
  const layout = layoutOf(cells);
  const go = (id: string, direction: Direction): string | null => neighbour(id, direction, layout, flow);

  it('go through a tissue and on along its edge', () => {
    const path = ['t'];
    for (let at = nextInFlow('t', flow); at !== null; at = nextInFlow(at, flow)) path.push(at);
    expect(path).toEqual(['t', 'x', 'u', 'v', 'far']);
    for (let at = previousInFlow('far', flow); at !== null; at = previousInFlow(at, flow)) path.push(at);
    expect(path.slice(5)).toEqual(['v', 'u', 'x', 't']);
  });
  it('without a flow go to the nearest in that direction', () => {
    expect(go('beside', 'down')).toBe('loose');
    expect(go('loose', 'up')).toBe('beside');
    expect(go('below', 'up')).toBe('v');
    expect(go('below', 'left')).toBeNull();
  });
  it('leave a tissue sideways', () => {
    expect(go('x', 'right')).toBe('beside');
    expect(go('beside', 'left')).toBe('x');
    expect(go('v', 'left')).toBeNull();
  });
  it('end, also where the flow is a circle', () => {
    const circle = inputOf({ a: { left: 0, top: 0, next: ['b'] }, b: { left: 0, top: 300, next: ['a'] } });
    expect(nextInFlow('b', circle)).toBe('a');
    expect(nextInFlow('a', inputOf({ a: { next: ['a'] } }))).toBeNull();
  });
});
