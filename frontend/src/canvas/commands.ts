/** What keys and menus do to the selection. */
import { childrenOf, descendants } from '../doc/graph';
import type { CellType, Collapsed, Place } from '../doc/values';
import { help } from '../ui/help.svelte';
import { toast } from '../ui/toasts.svelte';
import type { Board } from './board.svelte';
import { copySelected, duplicateSelected, pasteHeld } from './clipboard';
import { storedFor } from './drop';
import { moved, type Rect } from './geometry';
import type { Command } from './keyboard';
import { neighbour, type Direction } from './neighbour';
import { outermost, withInside } from './select';

const STEP = 1.25;

/** Do what a key asks for. */
export function perform(board: Board, command: Command): void {
  const { undo, server } = board.session;
  switch (command.do) {
    case 'go':
    case 'extend':
      return go(board, command.direction, command.do === 'extend');
    case 'nudge':
      return nudge(board, command.direction);
    case 'type':
      return setType(board, command.type);
    case 'undo':
      return undo.undo();
    case 'redo':
      return undo.redo();
    case 'save':
      return void server.checkpoint();
    case 'delete':
      return deleteSelected(board);
    case 'copy':
      return copySelected(board);
    case 'cut':
      return cutSelected(board);
    case 'paste':
      return pasteHeld(board);
    case 'duplicate':
      return duplicateSelected(board);
    case 'help':
      return help.toggle();
    case 'select all':
      return board.select(board.scene.order);
    case 'rest':
      return board.editing === null ? board.select([]) : board.rest();
    case 'zoom in':
      return board.viewport.zoomBy(STEP);
    case 'zoom out':
      return board.viewport.zoomBy(1 / STEP);
    case 'zoom to 100 %':
      return board.viewport.zoomBy(1 / board.viewport.zoom);
    case 'fit':
      return board.fit();
    case 'fit selection':
      return board.fitSelection();
    default:
      return performOnCurrent(board, command.do);
  }
}

function performOnCurrent(board: Board, what: Command['do']): void {
  const id = board.current;
  if (id === null) return;
  if (what === 'edit') board.write(id);
  else if (what === 'run') runSelected(board);
  else if (what === 'run and advance') board.runAndAdvance(id);
  else if (what === 'insert above') board.insertAbove(id);
  else if (what === 'insert below') board.insertBelow(id);
  else if (what === 'run and insert') {
    runSelected(board);
    board.insertBelow(id);
  }
}

function go(board: Board, direction: Direction, extend: boolean): void {
  const { scene, session, stage, viewport } = board;
  const from = board.current;
  // With nothing selected an arrow begins where the person looks.
  const to = from === null ? firstSeen(board) : neighbour(from, direction, scene.layout, session.notebook);
  if (to === null) {
    if (from !== null) board.reveal(from);
    return;
  }
  board.select([to], extend ? 'add' : 'set');
  viewport.stop();
  stage.look();
  board.reveal(to);
}

function firstSeen({ scene, stage }: Board): string | null {
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

export function setType(board: Board, type: CellType): void {
  const { acts, notebook, undo } = board.session;
  // The head of a tissue stays markdown.
  const ids = [...board.selection].filter((id) => notebook.cell(id).type !== type && !notebook.pc.has(id));
  if (ids.length > 0) undo.step(() => ids.forEach((id) => acts.setType(id, type)));
}

export function fold(board: Board, value: Collapsed): void {
  board.session.acts.setCollapsed(board.selection, value);
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
