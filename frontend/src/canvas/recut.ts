/** Cells cut in two, made one, moved among their neighbours: which ones are meant, and where the keyboard is then. */
import { childrenOf } from '../doc/graph';
import { mergeCells, splitCell, swapCells } from '../doc/recut';
import { toast } from '../ui/toasts.svelte';
import type { Board } from './board.svelte';
import { sameColumn } from './geometry';
import { predecessors } from './layout';
import { nextInFlow } from './neighbour';
import { placeAbove } from './place';

/** Where the carets are in the cell that is being written; the ends of what is selected count as well. */
function positions({ editing, carets }: Board): readonly number[] {
  return editing !== null && carets?.cell === editing ? carets.at() : [];
}

export function hindersSplit(board: Board): string {
  const id = board.editing;
  if (id === null) return 'Put the caret where the cell is to be split.';
  const { length } = board.session.notebook.cell(id).text;
  return positions(board).some((at) => at > 0 && at < length) ? '' : 'The caret is at an end of the cell.';
}

/** At the carets. The keyboard stays with what comes after the last of them. */
export function split(board: Board): void {
  const { acts } = board.session;
  const { editing: id } = board;
  const box = id === null ? undefined : board.scene.layout.boxes.get(id);
  if (id === null || box === undefined) return;
  const parts = splitCell(acts, id, positions(board), placeAbove(box, board.column()));
  const last = parts.at(-1);
  if (last !== undefined && last !== board.editing) board.write(last);
}

/** The selected cells; of one alone, it and what follows it. */
function toMerge({ selection, current, session }: Board): string[] {
  if (selection.size !== 1 || current === null) return [...selection];
  const next = nextInFlow(current, session.notebook);
  return next === null ? [current] : [current, next];
}

export function hindersMerge(board: Board): string {
  const ids = toMerge(board);
  if (ids.length < 2) return 'Select the cells that are to become one.';
  const { pc } = board.session.notebook;
  return ids.some((id) => pc.has(id)) ? 'A tissue cannot be merged; dissolve it first.' : '';
}

/** What the current one is, all of it becomes. */
export function merge(board: Board): void {
  const { acts, notebook } = board.session;
  if (board.current === null) return;
  const id = mergeCells(acts, toMerge(board), notebook.cell(board.current).type);
  if (id === null) return;
  board.rest();
  board.goTo(id);
}

type Way = -1 | 1;

/** With which top-level cell it would change places: its neighbour in the flow, else in its column. */
function partner(board: Board, id: string, way: Way): string | null {
  const { np, parents } = board.session.notebook;
  const linked = (way < 0 ? predecessors(np).get(id) : np.get(id)) ?? [];
  const inFlow = linked.find((each) => !parents.has(each));
  if (inFlow !== undefined) return inFlow;
  const { boxes } = board.scene.layout;
  const mine = boxes.get(id);
  if (mine === undefined) return null;
  let [best, least]: [string | null, number] = [null, Infinity];
  for (const [other, box] of boxes) {
    const apart = (box.top - mine.top) * way;
    if (parents.has(other) || other === id || apart <= 0 || apart >= least || !sameColumn(box, mine))
      continue;
    [best, least] = [other, apart];
  }
  return best;
}

export function hindersMove({ current, selection, session }: Board): string {
  const { parents } = session.notebook;
  if (current === null) return 'Select a cell first.';
  const tissue = parents.get(current);
  if (selection.size > 1 && (tissue === undefined || [...selection].some((id) => parents.get(id) !== tissue)))
    return 'Select one cell, or several of one tissue.';
  return '';
}

/** Before or behind its neighbour: in its tissue; on the canvas in the flow, else in its column. */
export function moveAlong(board: Board, way: Way): void {
  const { acts, notebook } = board.session;
  const { pc, parents } = notebook;
  const { current, selection } = board;
  if (current === null) return;
  const tissue = parents.get(current);
  const end = way < 0 ? 'It is the first already.' : 'It is the last already.';
  if (tissue === undefined) {
    const other = partner(board, current, way);
    if (other === null) return toast({ level: 'info', text: end });
    swapCells(acts, current, other);
  } else {
    const children = childrenOf(tissue, pc, parents);
    const moving = children.filter((id) => selection.has(id));
    const [from, to] = [children.indexOf(moving[0] as string), children.indexOf(moving.at(-1) as string)];
    if (way < 0 ? from === 0 : to === children.length - 1) return toast({ level: 'info', text: end });
    acts.putIntoTissue(moving, tissue, way < 0 ? from - 1 : to + 2);
  }
  board.stage.look();
  board.reveal(current);
}
