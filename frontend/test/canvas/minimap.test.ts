import { describe, expect, it } from 'vitest';
import { bottom, right, screenPoint, type Rect } from '../../src/canvas/geometry';
import { fromMap, MAP, onMap, scaleOf, within } from '../../src/canvas/minimap';

describe('the map', () => {
  it.each([
    { left: -400, top: 300, width: 12_000, height: 900 },
    { left: 0, top: 0, width: 600, height: 80_000 },
    { left: 50, top: 60, width: 10, height: 10 },
  ])('holds everything, in the middle: %o', (bounds: Rect) => {
    const scale = scaleOf(bounds);
    const all = onMap(scale, bounds);
    expect(all.left).toBeGreaterThanOrEqual(7.9);
    expect(right(all)).toBeLessThanOrEqual(MAP.width - 7.9);
    expect(bottom(all)).toBeLessThanOrEqual(MAP.height - 7.9);
    const middle = fromMap(scale, screenPoint(MAP.width / 2, MAP.height / 2));
    expect(middle.x).toBeCloseTo(bounds.left + bounds.width / 2);
    expect(middle.y).toBeCloseTo(bounds.top + bounds.height / 2);
  });
  it('leads back to the point of the world that was pressed', () => {
    const scale = scaleOf({ left: -400, top: 300, width: 12_000, height: 900 });
    const { left, top } = onMap(scale, { left: 1234, top: 567, width: 0, height: 0 });
    const back = fromMap(scale, screenPoint(left, top));
    expect([back.x, back.y]).toEqual([expect.closeTo(1234), expect.closeTo(567)]);
  });
  it('shows a view that lies far outside at its border', () => {
    const at = within({ left: 5000, top: -5000, width: 40, height: 30 });
    expect(right(at)).toBeLessThanOrEqual(MAP.width);
    expect(at.top).toBe(1);
    expect(at.width).toBeGreaterThanOrEqual(4);
    expect(within({ left: 20, top: 30, width: 40, height: 30 })).toEqual({
      left: 20,
      top: 30,
      width: 40,
      height: 30,
    });
  });
});
