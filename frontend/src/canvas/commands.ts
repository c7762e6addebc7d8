/** What keys and menus do to the selection. */
import { childrenOf, descendants, rootOf } from '../doc/graph';
import { setHeading as setHeadingOf } from '../doc/heading';
import type { CellType, Collapsed, Place } from '../doc/values';
import { isFolded, toggled, type Part } from '../cell/actions';
import { toast } from '../ui/toasts.svelte';
import type { Board } from './board.svelte';
import { copySelected } from './clipboard';
import { storedFor } from './drop';
import { moved, type Rect } from './geometry';
import { shownAs } from './mode.svelte';
import { neighbour, type Direction } from './neighbour';
import { outermost, withInside } from './select';

export function go(board: Board, direction: Direction): void {
  step(board, direction, false);
}

export function extend(board: Board, direction: Direction): void {
  step(board, direction, true);
}

function step(board: Board, direction: Direction, further: boolean): void {
  const { scene } = board;
  const from = board.current;
  // With nothing selected an arrow begins where the person looks.
  const to =
    from === null
      ? firstSeen(board)
      : shownAs.document
        ? beside(scene.shown, from, direction)
        : neighbour(from, direction, scene.layout, scene.flow);
  if (to === null) {
    if (from !== null) board.reveal(from);
    return;
  }
  board.goTo(to, further ? 'add' : 'set');
}

/** In a document all that is before and behind a cell is its order. */
function beside(order: readonly string[], from: string, direction: Direction): string | null {
  const by = { up: -1, down: 1, left: 0, right: 0 }[direction];
  return by === 0 ? null : (order[order.indexOf(from) + by] ?? null);
}

export function firstOf(board: Board): void {
  const [first] = board.scene.shown;
  if (first !== undefined) board.goTo(first);
}

export function lastOf(board: Board): void {
  const last = board.scene.shown.at(-1);
  if (last !== undefined) board.goTo(last);
}

function firstSeen({ scene, stage }: Board): string | null {
  if (shownAs.document) return scene.order[0] ?? null;
  return stage.mounted.find((id) => scene.layout.cells.has(id)) ?? scene.order[0] ?? null;
}

/** The code cells among these and inside them, in reading order. */
export function codeIn(board: Board, ids: Iterable<string>): string[] {
  const { notebook } = board.session;
  const all = withInside(ids, notebook.pc, notebook.parents);
  return board.scene.order.filter((id) => all.has(id) && notebook.cell(id).type === 'code');
}

export function runSelected(board: Board): void {
  const ids = codeIn(board, board.selection);
  if (ids.length > 0) board.session.server.run(ids);
}

/** Without a question: undo brings them back. Tissues take what is inside along. */
export function deleteSelected(board: Board): void {
  const { acts } = board.session;
  const { edge } = board;
  if (edge !== null) {
    acts.disconnect(edge.from, edge.to);
    board.selectEdge(null);
    return;
  }
  deleteCells(board, board.selection);
}

export function cutSelected(board: Board): void {
  copySelected(board);
  deleteCells(board, board.selection);
}

export function deleteCells(board: Board, ids: Iterable<string>): void {
  const { acts, notebook, undo } = board.session;
  const gone = withInside(ids, notebook.pc, notebook.parents);
  if (gone.size === 0) return;
  const next = heir(board, gone);
  const filled = [...gone].filter((id) => notebook.cell(id).text.trim() !== '');
  acts.deleteCells(gone);
  board.select(next === null ? [] : [next]);
  if (filled.length === 0) return;
  const text = gone.size === 1 ? 'Cell deleted.' : `${gone.size} cells deleted.`;
  toast({ level: 'info', text, action: { label: 'Undo', run: () => undo.undo() } });
}

/** Who is selected when these are gone: what comes after them, else what came before. */
function heir({ scene }: Board, gone: ReadonlySet<string>): string | null {
  const { order } = scene;
  const last = order.findLastIndex((id) => gone.has(id));
  return order.slice(last + 1).find((id) => !gone.has(id)) ?? order.findLast((id) => !gone.has(id)) ?? null;
}

/** Selected top-level cells by one step of the grid. */
export function nudge(board: Board, direction: Direction): void {
  const { session, scene, selection } = board;
  const { parents } = session.notebook;
  const { x, y } = session.config.snap;
  const dx = direction === 'left' ? -x : direction === 'right' ? x : 0;
  const dy = direction === 'up' ? -y : direction === 'down' ? y : 0;
  const ids = new Set([...selection].filter((id) => !parents.has(id)));
  const column = board.column();
  const places = new Map<string, Place>();
  for (const id of ids) {
    const box = scene.layout.boxes.get(id);
    if (box !== undefined) places.set(id, storedFor(moved(box, dx, dy), column, ids));
  }
  session.acts.moveCells(places);
  if (board.current !== null) board.reveal(board.current);
}

/** The selected cells that may change what they are: the head of a tissue stays markdown. */
export function turnable({ selection, session }: Board): string[] {
  return [...selection].filter((id) => !session.notebook.pc.has(id));
}

export function setType(board: Board, type: CellType): void {
  const { acts, notebook, undo } = board.session;
  const ids = turnable(board).filter((id) => notebook.cell(id).type !== type);
  if (ids.length > 0) undo.step(() => ids.forEach((id) => acts.setType(id, type)));
}

/** As Jupyter's 1 to 6: markdown, whose first line is a heading of this level. */
export function setHeading(board: Board, level: number): void {
  setHeadingOf(board.session.acts, board.selection, level);
}

export function setFold(board: Board, value: Collapsed): void {
  board.session.acts.setCollapsed(board.selection, value);
}

/** All of them alike: unfolded if every one is folded, else folded. */
export function foldPart(board: Board, part: Part): void {
  const { acts, notebook, undo } = board.session;
  const ids = [...board.selection];
  const tissue = (id: string): boolean => part === 'outputs' && notebook.pc.has(id);
  const folded = (id: string): boolean =>
    tissue(id) ? board.scene.folded.has(id) : isFolded(notebook.cell(id).collapsed, part);
  const unfold = ids.every(folded);
  undo.step(() => {
    for (const id of ids) {
      if (tissue(id)) board.fold(id, !unfold);
      else if (folded(id) === unfold) acts.setCollapsed([id], toggled(notebook.cell(id).collapsed, part));
    }
  });
}

/** To the right of its outermost tissue, as high as it is seen now. */
export function takeOut(board: Board, id: string): void {
  const { notebook, acts, config } = board.session;
  const { boxes } = board.scene.layout;
  const box = boxes.get(id);
  const around = boxes.get(rootOf(id, notebook.parents));
  if (box === undefined || around === undefined) return;
  const left = around.left + around.width + 2 * config.snap.x;
  acts.takeOutOfTissue(new Map([[id, { left, top: box.top }]]));
  board.reveal(id);
}

/** Its children stay where they are seen, or go to the tissue around it. */
export function dissolve(board: Board, id: string): void {
  const { acts, notebook } = board.session;
  const { pc, parents } = notebook;
  const places = new Map<string, Place>();
  for (const child of childrenOf(id, pc, parents)) {
    const box = board.scene.layout.boxes.get(child);
    if (box !== undefined) places.set(child, { left: box.left, top: box.top });
  }
  acts.dissolveTissue(id, places);
}

/** What a drag of this cell moves: the selection if it is part of it, each once, in reading order. */
export function dragged(board: Board, id: string): Map<string, Rect> {
  const { scene, selection, session } = board;
  const { parents } = session.notebook;
  const ids = outermost(
    scene.order.filter((each) => (selection.has(id) ? selection.has(each) : each === id)),
    parents,
  );
  // A cell inside a selected tissue drags that tissue.
  const origins = new Map<string, Rect>();
  for (const each of ids) {
    const box = scene.layout.boxes.get(each);
    if (box !== undefined) origins.set(each, box);
  }
  return origins;
}

/** All that is inside a tissue, for a menu's words. */
export function countInside(board: Board, id: string): number {
  const { pc, parents } = board.session.notebook;
  return descendants(id, pc, parents).length;
}
