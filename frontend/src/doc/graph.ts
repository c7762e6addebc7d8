/**
 * The two graphs of the document as values: np (flow between top-level cells) and pc (a tissue and its children).
 * Whatever peers wrote at once, these functions end: cycles and second parents are possible until the server
 * has repaired them.
 */
import type { Edges } from './values';

const NONE: readonly string[] = [];

/** Child → parent. Of two parents the first in the map's order wins; a cell is never its own parent. */
export function parentsOf(pc: Edges): Map<string, string> {
  const parents = new Map<string, string>();
  for (const [parent, children] of pc) {
    for (const child of children) {
      if (child !== parent && !parents.has(child) && !climbs(parents, parent, child))
        parents.set(child, parent);
    }
  }
  return parents;
}

/** Whether going up from `id` one meets `target`. */
function climbs(parents: ReadonlyMap<string, string>, id: string, target: string): boolean {
  for (let at: string | undefined = id; at !== undefined; at = parents.get(at)) {
    if (at === target) return true;
  }
  return false;
}

/** The cells without a parent, in document order. */
export function rootsOf(ids: readonly string[], parents: ReadonlyMap<string, string>): string[] {
  return ids.filter((id) => !parents.has(id));
}

/** A parent's children in order: those that are its own by `parents`. */
export function childrenOf(id: string, pc: Edges, parents: ReadonlyMap<string, string>): string[] {
  return [...new Set(pc.get(id) ?? NONE)].filter((child) => parents.get(child) === id);
}

/** Every cell inside a tissue, depth first, without the tissue's own cell. */
export function descendants(id: string, pc: Edges, parents: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const visit = (at: string): void => {
    for (const child of childrenOf(at, pc, parents)) {
      found.push(child);
      visit(child);
    }
  };
  visit(id);
  return found;
}

/** Whether making `child` a child of `parent` would close a circle. */
export function wouldCycle(parents: ReadonlyMap<string, string>, child: string, parent: string): boolean {
  return climbs(parents, parent, child);
}

/** The top-level cell that holds this one. */
export function rootOf(id: string, parents: ReadonlyMap<string, string>): string {
  let at = id;
  for (let up = parents.get(at); up !== undefined; up = parents.get(at)) at = up;
  return at;
}

/** Whether the np edge from → to would close a circle, so that the flow has no beginning. */
export function flowWouldCycle(np: Edges, from: string, to: string): boolean {
  const seen = new Set<string>();
  const waiting = [to];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (at === from) return true;
    if (seen.has(at)) continue;
    seen.add(at);
    waiting.push(...(np.get(at) ?? NONE));
  }
  return false;
}

/**
 * Every cell once, as one reads; the same as reading_order in protocol/selection.py. A flow goes on with the first of
 * what follows and is ready: whatever leads to it was read; the inside of a tissue comes before what follows it. Where
 * only a circle holds a cell up, the one that was reached first goes on; else beginnings, and circles that nothing
 * leads to, come in document order.
 */
export function readingOrder(
  ids: readonly string[],
  np: Edges,
  pc: Edges,
  parents: ReadonlyMap<string, string>,
): string[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const roots = rootsOf(ids, parents);
  const nexts = new Map(roots.map((id) => [id, (np.get(id) ?? NONE).filter((next) => !parents.has(next))]));
  /** How many that are not read yet lead to it. */
  const leading = new Map<string, number>();
  for (const next of [...nexts.values()].flat()) leading.set(next, (leading.get(next) ?? 0) + 1);
  const reached: string[] = [];
  const read = (start: string): void => {
    // A stack of its own: a flow may be thousands of cells long.
    const waiting = [start];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      order.push(at, ...descendants(at, pc, parents));
      const after = nexts.get(at) ?? NONE;
      for (const next of after) leading.set(next, (leading.get(next) ?? 0) - 1);
      reached.push(...after);
      waiting.push(...after.filter((next) => leading.get(next) === 0).toReversed());
    }
  };
  const heldUp = (): void => {
    // It grows meanwhile; what was read costs nothing.
    for (let at = reached.shift(); at !== undefined; at = reached.shift()) read(at);
  };
  for (const id of roots.filter((each) => !leading.get(each))) read(id);
  for (const id of roots) {
    heldUp();
    read(id);
  }
  heldUp();
  return order;
}
