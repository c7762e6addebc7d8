import { describe, expect, it } from 'vitest';
import { commandOf, type Keys } from '../../src/canvas/keyboard';
import { neighbour, nextInFlow, previousInFlow, type Direction } from '../../src/canvas/neighbour';
import { inputOf, layoutOf, type Spec } from './board';

const key = (name: string, held: Partial<Keys> = {}): Keys => ({
  key: name,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...held,
});

describe('keys of command mode', () => {
  it.each([
    [key('Enter'), 'edit'],
    [key('Enter', { ctrlKey: true }), 'run'],
    [key('Enter', { metaKey: true }), 'run'],
    [key('Enter', { shiftKey: true }), 'run and advance'],
    [key('Enter', { altKey: true }), 'run and insert'],
    [key('Escape'), 'rest'],
    [key('Delete'), 'delete'],
    [key('Backspace'), 'delete'],
    [key('a'), 'insert above'],
    [key('b'), 'insert below'],
    [key('a', { ctrlKey: true }), 'select all'],
    [key('z', { ctrlKey: true }), 'undo'],
    [key('Z', { ctrlKey: true, shiftKey: true }), 'redo'],
    [key('y', { ctrlKey: true }), 'redo'],
    [key('s', { metaKey: true }), 'save'],
    [key('d', { ctrlKey: true }), 'duplicate'],
    [key('c'), 'copy'],
    [key('x'), 'cut'],
    [key('v'), 'paste'],
    [key('?'), 'help'],
    [key('?', { shiftKey: true }), 'help'],
    [key('+'), 'zoom in'],
    [key('+', { shiftKey: true }), 'zoom in'],
    [key('-', { ctrlKey: true }), 'zoom out'],
    [key('0'), 'zoom to 100 %'],
    [key('1', { ctrlKey: true }), 'fit'],
  ])('%o is %s', (event, command) => expect(commandOf(event)?.do).toBe(command));

  it('knows directions and types', () => {
    expect(commandOf(key('ArrowUp'))).toEqual({ do: 'go', direction: 'up' });
    expect(commandOf(key('ArrowLeft', { shiftKey: true }))).toEqual({ do: 'extend', direction: 'left' });
    expect(commandOf(key('ArrowDown', { altKey: true }))).toEqual({ do: 'nudge', direction: 'down' });
    expect(commandOf(key('m'))).toEqual({ do: 'type', type: 'markdown' });
    expect(commandOf(key('y'))).toEqual({ do: 'type', type: 'code' });
  });
  it('leaves the browser what is the browser’s', () => {
    for (const event of [
      key('r', { ctrlKey: true }),
      key('c', { ctrlKey: true }),
      key('v', { metaKey: true }),
      key('ArrowLeft', { ctrlKey: true }),
      key('F5'),
      key('b', { altKey: true }),
    ]) {
      expect(commandOf(event)).toBeNull();
    }
  });
});

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
