/** Which cells are worth having in the DOM. */
import { distance, grown, intersects, type Rect, type WorldPoint } from './geometry';

/** Cells this near to the view are mounted; farther ones stay until they are twice as far. In parts of the view. */
const NEAR = 0.35;

export interface Culled {
  /** Mounted and still near. */
  readonly keep: readonly string[];
  /** Near and not mounted, nearest to the focus first. */
  readonly missing: readonly string[];
}

/** `pinned`: mounted wherever they are, as they hold the keyboard or are being dragged. */
export function cull(
  rects: ReadonlyMap<string, Rect>,
  view: Rect,
  mounted: ReadonlySet<string>,
  pinned: ReadonlySet<string>,
  focus: WorldPoint,
): Culled {
  const near = grown(view, view.width * NEAR, view.height * NEAR);
  const far = grown(view, view.width * NEAR * 2, view.height * NEAR * 2);
  const keep: string[] = [];
  const missing: [string, number][] = [];
  for (const [id, rect] of rects) {
    if (mounted.has(id)) {
      if (pinned.has(id) || intersects(rect, far)) keep.push(id);
    } else if (pinned.has(id)) missing.push([id, -1]);
    else if (intersects(rect, near)) missing.push([id, distance(rect, focus)]);
  }
  missing.sort((a, b) => a[1] - b[1]);
  return { keep, missing: missing.map(([id]) => id) };
}
