/**
 * Where boxes go so that their flow is read from above to below: a line of cells is a column, what forks and meets is
 * laid out in layers (Sugiyama's way, by dagre, which comes with the first use), and what belongs to no flow is a
 * column of its own. Pure but for that.
 */
import type { Edges, Place } from '../doc/values';
import { snapped, type Rect } from './geometry';
import { FLOW_GAP, GAP } from './layout';

/** Between branches beside each other, and between flows that have nothing to do with one another. */
const BESIDE = 80;
const APART = 120;
const LAYERS = 60;
/** A column of loose cells goes on in a further one from this height on. */
const TALLEST = 2400;

type Boxes = ReadonlyMap<string, Rect>;

/** `boxes` in reading order; the corner of them all stays where it is. */
export async function tidied(
  boxes: Boxes,
  np: Edges,
  step: { x: number; y: number },
): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  const all = [...boxes.values()];
  const corner = {
    left: Math.min(...all.map((box) => box.left)),
    top: Math.min(...all.map((box) => box.top)),
  };
  let left = corner.left;
  for (const ids of groups(boxes, np)) {
    const part = new Map(ids.map((id) => [id, boxes.get(id) as Rect]));
    const flows = ids.some((id) => np.get(id)?.some((to) => boxes.has(to)));
    const laid = isLine(ids, np, boxes) ? column(part, flows ? FLOW_GAP : GAP) : await layers(part, np);
    const shift = left - Math.min(...[...laid.values()].map((place) => place.left));
    let edge = left;
    for (const [id, place] of laid) {
      const at = { left: snapped(place.left + shift, step.x), top: snapped(corner.top + place.top, step.y) };
      places.set(id, at);
      edge = Math.max(edge, at.left + (boxes.get(id) as Rect).width);
    }
    left = snapped(edge + APART, step.x);
  }
  return places;
}

/** What hangs together, each in the order of a walk from its beginning; loose boxes by columns. */
function groups(boxes: Boxes, np: Edges): string[][] {
  const near = new Map<string, string[]>([...boxes.keys()].map((id) => [id, []]));
  for (const [from, targets] of np) {
    for (const to of targets) {
      if (!boxes.has(from) || !boxes.has(to)) continue;
      near.get(from)?.push(to);
      near.get(to)?.push(from);
    }
  }
  const found: string[][] = [];
  const seen = new Set<string>();
  let loose: string[] = [];
  let tall = 0;
  const flush = (): void => {
    if (loose.length > 0) found.push(loose);
    [loose, tall] = [[], 0];
  };
  for (const id of boxes.keys()) {
    if (seen.has(id)) continue;
    const all = connected(id, near);
    all.forEach((each) => seen.add(each));
    if (all.size > 1) {
      flush();
      found.push([...boxes.keys()].filter((each) => all.has(each)));
      continue;
    }
    const { height } = boxes.get(id) as Rect;
    if (tall > 0 && tall + height > TALLEST) flush();
    loose.push(id);
    tall += height + GAP;
  }
  flush();
  return found;
}

function connected(start: string, near: ReadonlyMap<string, readonly string[]>): Set<string> {
  const all = new Set([start]);
  for (const id of all) for (const next of near.get(id) ?? []) all.add(next);
  return all;
}

/** No box has two before it or behind it. */
function isLine(ids: readonly string[], np: Edges, boxes: Boxes): boolean {
  const into = new Set<string>();
  for (const id of ids) {
    const targets = (np.get(id) ?? []).filter((to) => boxes.has(to));
    if (targets.length > 1) return false;
    for (const to of targets) {
      if (into.has(to)) return false;
      into.add(to);
    }
  }
  return true;
}

function column(boxes: Boxes, gap: number): Map<string, Place> {
  let top = 0;
  return new Map(
    [...boxes].map(([id, { height }]) => {
      const place = { left: 0, top };
      top += height + gap;
      return [id, place];
    }),
  );
}

async function layers(boxes: Boxes, np: Edges): Promise<Map<string, Place>> {
  const { Graph, layout } = await import('@dagrejs/dagre');
  const graph = new Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: BESIDE, ranksep: LAYERS, rankalign: 'top' });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, { width, height }] of boxes) graph.setNode(id, { width, height });
  for (const [from, targets] of np)
    for (const to of targets) if (boxes.has(from) && boxes.has(to)) graph.setEdge(from, to);
  layout(graph);
  // It tells middles.
  return new Map(
    [...boxes].map(([id, { width, height }]) => {
      const { x, y } = graph.node(id) as { x: number; y: number };
      return [id, { left: x - width / 2, top: y - height / 2 }];
    }),
  );
}
