/** Edges by the keyboard: to which cell one is drawn, which one goes. */
import { titleOf } from '../cell/words';
import { rootOf } from '../doc/graph';
import { openMenu } from '../ui/menu.svelte';
import type { Board, EdgeName } from './board.svelte';
import { neighbour, type Direction } from './neighbour';

/** What a cell is called where there is one line for it. */
export function nameOf({ scene, session }: Board, id: string): string {
  const line = titleOf(session.notebook.cell(id));
  const number = `cell ${scene.numbers.get(id) ?? ''}`;
  return line === '' ? number : `${number}, ${line.length > 40 ? `${line.slice(0, 40)}…` : line}`;
}

/** The edges that begin or end at the current cell. */
export function edgesAt({ current, session }: Board): EdgeName[] {
  return [...session.notebook.np].flatMap(([from, targets]) =>
    targets.filter((to) => from === current || to === current).map((to) => ({ from, to })),
  );
}

/** The selected edge, or the only one of the cell; else it is asked which. */
export function disconnect(board: Board): void {
  const { acts } = board.session;
  const remove = ({ from, to }: EdgeName): void => {
    acts.disconnect(from, to);
    board.selectEdge(null);
  };
  const edges = board.edge === null ? edgesAt(board) : [board.edge];
  if (edges.length === 1) return remove(edges[0] as EdgeName);
  const items = edges.map((edge) => ({
    label: edge.from === board.current ? `To ${nameOf(board, edge.to)}` : `From ${nameOf(board, edge.from)}`,
    run: () => acts.disconnect(edge.from, edge.to),
  }));
  openMenu({ x: innerWidth / 2 - 150, y: innerHeight / 4, items, label: 'Disconnect' });
}

/** The top-level cell that an arrow leads to from the one that is chosen; never the cell that the edge begins at. */
export function nextTarget(
  board: Board,
  from: string,
  chosen: string | null,
  direction: Direction,
): string | null {
  const { scene, session } = board;
  const { notebook } = session;
  const seen = new Set<string>();
  let at = chosen ?? from;
  for (;;) {
    const next = neighbour(at, direction, scene.layout, scene.flow);
    if (next === null || seen.has(next)) return chosen;
    seen.add(next);
    const root = rootOf(next, notebook.parents);
    if (root !== from && root !== chosen) return root;
    at = next;
  }
}

/** The cell with this number as one reads, or what holds it. */
export function targetNumbered({ scene, session }: Board, from: string, number: number): string | null {
  const id = scene.order[number - 1];
  if (id === undefined) return null;
  const root = rootOf(id, session.notebook.parents);
  return root === from ? null : root;
}
