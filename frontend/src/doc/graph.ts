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
 * Every cell once, as one reads: each flow from its beginning, depth first along np, the inside of a tissue before
 * what follows it. Beginnings, and cells that only a circle reaches, come in document order.
 */
export function readingOrder(
  ids: readonly string[],
  np: Edges,
  pc: Edges,
  parents: ReadonlyMap<string, string>,
): string[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const entered = new Set<string>();
  for (const nexts of np.values()) for (const next of nexts) entered.add(next);
  const roots = rootsOf(ids, parents);
  const walk = (start: string): void => {
    // A stack of its own: a flow may be thousands of cells long.
    const waiting = [start];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      order.push(at, ...descendants(at, pc, parents));
      const nexts = (np.get(at) ?? NONE).filter((next) => !parents.has(next));
      waiting.push(...nexts.toReversed());
    }
  };
  for (const id of roots) if (!entered.has(id)) walk(id);
  for (const id of roots) walk(id);
  return order;
}
