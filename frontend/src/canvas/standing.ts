/** The top-level boxes: those that stand around what is moved, and those of the selection. */
import { outermost } from './select';
import type { Board } from './board.svelte';
import type { Rect } from './geometry';
import type { Sight } from './snap';

/** So near, in screen pixels, things snap. */
const REACH = 6;

export function sightOf({ viewport }: Board): Sight {
  return { reach: REACH / viewport.zoom, view: viewport.view };
}

/** Every top-level box but these. */
export function standing(board: Board, but: ReadonlySet<string>): Map<string, Rect> {
  const { parents } = board.session.notebook;
  const found = new Map<string, Rect>();
  for (const [id, box] of board.scene.layout.boxes) if (!parents.has(id) && !but.has(id)) found.set(id, box);
  return found;
}

/** The selected boxes that have a place and a width of their own, in reading order: inside a tissue none has. */
export function placeableSelected(board: Board): Map<string, Rect> {
  const { parents } = board.session.notebook;
  const { boxes } = board.scene.layout;
  const found = new Map<string, Rect>();
  const ids = outermost(
    board.scene.order.filter((id) => board.selection.has(id)),
    parents,
  );
  for (const id of ids) {
    const box = boxes.get(id);
    if (box !== undefined && !parents.has(id)) found.set(id, box);
  }
  return found;
}
