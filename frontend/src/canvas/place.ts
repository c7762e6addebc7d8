/** Where a new cell goes. Pure. */
import type { Place } from '../doc/values';
import { snappedUp, type Rect } from './geometry';
import { storedFor, type Column } from './drop';
import { FLOW_GAP } from './layout';

const NONE: ReadonlySet<string> = new Set();
/** Only its top and its column count: what is below gives way. */
const THIN = 1;

/** Right below a box, above whatever is drawn below that. */
export function placeBelow(box: Rect, column: Column): Place {
  const top = snappedUp(box.top + box.height + FLOW_GAP, column.step);
  // The next box of the column is above `top` when it was drawn closer than that.
  const under = nextBelow(box, column);
  const wished: Rect = { left: box.left, top: Math.min(top, under), width: box.width, height: THIN };
  return storedFor(wished, column, NONE);
}

function nextBelow(box: Rect, { layout, roots }: Column): number {
  let next = Infinity;
  for (const id of roots) {
    const other = layout.boxes.get(id);
    if (other === undefined || other.left >= box.left + box.width || box.left >= other.left + other.width)
      continue;
    if (other.top >= box.top + box.height) next = Math.min(next, other.top);
  }
  return next;
}

/** Where this box is: it gives way to the new cell. */
export function placeAbove(box: Rect, column: Column): Place {
  return storedFor({ left: box.left, top: box.top, width: box.width, height: THIN }, column, NONE);
}
