/** Which cells a marquee takes, and which cells a selection moves. Pure. */
import { descendants } from '../doc/graph';
import type { Edges } from '../doc/values';
import { intersects, right, bottom, type Rect } from './geometry';
import type { Layout } from './layout';

/**
 * Cells that the marquee touches. A tissue is taken, and with it what is inside, when the marquee holds it whole;
 * else the cells inside that it touches.
 */
export function marqueeHits(marquee: Rect, layout: Layout, parents: ReadonlyMap<string, string>): string[] {
  const whole = new Set(layout.tissues.filter((id) => encloses(marquee, layout.boxes.get(id) as Rect)));
  const hits: string[] = [];
  for (const [id, rect] of layout.cells) {
    const inWhole = whole.has(parents.get(id) ?? '');
    if (inWhole) whole.add(id);
    else if (whole.has(id) || intersects(marquee, rect)) hits.push(id);
  }
  return hits;
}

function encloses(outer: Rect, inner: Rect): boolean {
  return (
    outer.left <= inner.left &&
    outer.top <= inner.top &&
    right(outer) >= right(inner) &&
    bottom(outer) >= bottom(inner)
  );
}

/** Without those whose tissue is taken as well: they come along with it. In the order given. */
export function outermost(ids: Iterable<string>, parents: ReadonlyMap<string, string>): string[] {
  const all = [...ids];
  const taken = new Set(all);
  return all.filter((id) => {
    for (let up = parents.get(id); up !== undefined; up = parents.get(up)) if (taken.has(up)) return false;
    return true;
  });
}

/** These cells and everything inside them. */
export function withInside(
  ids: Iterable<string>,
  pc: Edges,
  parents: ReadonlyMap<string, string>,
): Set<string> {
  const all = new Set<string>();
  for (const id of ids) {
    all.add(id);
    for (const inside of descendants(id, pc, parents)) all.add(inside);
  }
  return all;
}
