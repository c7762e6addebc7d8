/** Lining up boxes and spacing them evenly. Pure: from boxes as they are to where each goes. */
import type { Place } from '../doc/values';
import { around, bottom, right, type Rect } from './geometry';
import type { Axis } from './snap';

export type Alignment = 'left' | 'centre' | 'right' | 'top' | 'middle' | 'bottom';

export function aligned(boxes: ReadonlyMap<string, Rect>, how: Alignment): Map<string, Place> {
  const whole = around(boxes.values());
  if (whole === null) return new Map();
  const half = (low: number, size: number, own: number): number => Math.round(low + (size - own) / 2);
  return each(boxes, ({ left, top, width, height }) => {
    switch (how) {
      case 'left':
        return { left: whole.left, top };
      case 'centre':
        return { left: half(whole.left, whole.width, width), top };
      case 'right':
        return { left: right(whole) - width, top };
      case 'top':
        return { left, top: whole.top };
      case 'middle':
        return { left, top: half(whole.top, whole.height, height) };
      case 'bottom':
        return { left, top: bottom(whole) - height };
    }
  });
}

const each = (boxes: ReadonlyMap<string, Rect>, place: (box: Rect) => Place): Map<string, Place> =>
  new Map([...boxes].map(([id, box]) => [id, place(box)]));

/** Equal gaps between neighbours; the first and the last stay. Where there is no room they overlap equally. */
export function distributed(boxes: ReadonlyMap<string, Rect>, axis: Axis): Map<string, Place> {
  const low = (box: Rect): number => (axis === 'x' ? box.left : box.top);
  const size = (box: Rect): number => (axis === 'x' ? box.width : box.height);
  const sorted = [...boxes].sort(([, a], [, b]) => low(a) - low(b) || low(a) + size(a) - low(b) - size(b));
  const [first, last] = [sorted[0]?.[1], sorted.at(-1)?.[1]];
  if (first === undefined || last === undefined || sorted.length < 3) return each(boxes, (box) => box);
  const taken = sorted.reduce((sum, [, box]) => sum + size(box), 0);
  const gap = (low(last) + size(last) - low(first) - taken) / (sorted.length - 1);
  const places = new Map<string, Place>();
  let at = low(first);
  for (const [id, box] of sorted) {
    const to = box === last ? low(last) : Math.round(at);
    places.set(id, axis === 'x' ? { left: to, top: box.top } : { left: box.left, top: to });
    at += size(box) + gap;
  }
  return places;
}
