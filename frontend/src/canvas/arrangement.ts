/** What lines up the selection: commands, menu items and buttons have these from here. One step of undo each. */
import type { MenuItem } from '../ui/menu.svelte';
import { toast } from '../ui/toasts.svelte';
import { aligned, distributed, type Alignment } from './arrange';
import type { Board } from './board.svelte';
import { storedFor } from './drop';
import type { Rect } from './geometry';
import type { Axis } from './snap';
import { placeableSelected } from './standing';
import { writeSizes } from './stretch.svelte';
import { tidied } from './tidy';

export function align(board: Board, how: Alignment): void {
  move(board, (boxes) => aligned(boxes, how));
}

export function distribute(board: Board, axis: Axis): void {
  move(board, (boxes) => distributed(boxes, axis));
}

/** As wide as the widest: nothing that fitted has to wrap. */
export function equalWidth(board: Board): void {
  const boxes = placeableSelected(board);
  const width = [...boxes.values()].reduce((most, box) => Math.max(most, box.width), 0);
  writeSizes(board, boxes, new Map([...boxes].map(([id, box]) => [id, { ...box, width }])));
}

function move(
  board: Board,
  to: (boxes: ReadonlyMap<string, Rect>) => ReadonlyMap<string, { left: number; top: number }>,
): void {
  const boxes = placeableSelected(board);
  const moving = new Set(boxes.keys());
  const column = board.column();
  const places = new Map<string, { left: number; top: number }>();
  for (const [id, place] of to(boxes)) {
    const box = boxes.get(id) as Rect;
    if (place.left === box.left && place.top === box.top) continue;
    places.set(id, storedFor({ ...box, ...place }, column, moving));
  }
  board.session.acts.arrange(places);
}

/** Several selected boxes, else all: laid out by their flow. */
export async function tidyUp(board: Board): Promise<void> {
  const { acts, config, notebook } = board.session;
  const chosen = placeableSelected(board);
  const boxes = chosen.size > 1 ? chosen : inOrder(board);
  const laid = await tidied(boxes, notebook.np, config.snap).catch(() => null);
  if (laid === null)
    return toast({ level: 'warning', text: 'The layout could not be loaded: is the server there?' });
  const moving = new Set(boxes.keys());
  const column = board.column();
  const places = new Map(
    [...laid]
      .filter(([id]) => notebook.has(id))
      .map(
        ([id, place]) => [id, storedFor({ ...(boxes.get(id) as Rect), ...place }, column, moving)] as const,
      ),
  );
  board.glide();
  acts.arrange(places);
  const { undo } = board.session;
  toast({ level: 'info', text: 'Tidied up.', action: { label: 'Undo', run: () => undo.undo() } });
}

function inOrder(board: Board): Map<string, Rect> {
  const { order, layout } = board.scene;
  const { parents } = board.session.notebook;
  return new Map(
    order
      .filter((id) => !parents.has(id))
      .flatMap((id) => {
        const box = layout.boxes.get(id);
        return box === undefined ? [] : [[id, box] as const];
      }),
  );
}

export interface Arrangement {
  readonly name: string;
  /** So many boxes it takes. */
  readonly least: number;
  run(board: Board): void;
}

export const ARRANGEMENTS = {
  left: { name: 'Align left', least: 2, run: (board) => align(board, 'left') },
  centre: { name: 'Align centres', least: 2, run: (board) => align(board, 'centre') },
  right: { name: 'Align right', least: 2, run: (board) => align(board, 'right') },
  top: { name: 'Align top', least: 2, run: (board) => align(board, 'top') },
  middle: { name: 'Align middles', least: 2, run: (board) => align(board, 'middle') },
  bottom: { name: 'Align bottom', least: 2, run: (board) => align(board, 'bottom') },
  horizontally: { name: 'Distribute horizontally', least: 3, run: (board) => distribute(board, 'x') },
  vertically: { name: 'Distribute vertically', least: 3, run: (board) => distribute(board, 'y') },
  width: { name: 'Equal width', least: 2, run: equalWidth },
} as const satisfies Record<string, Arrangement>;

/** For the menu of a selection; nothing where there is nothing to line up. */
export function arrangeItems(board: Board): MenuItem[] {
  const many = placeableSelected(board).size;
  if (many < 2) return [];
  const items = Object.values<Arrangement>(ARRANGEMENTS).map(({ name, least, run }) => ({
    label: name,
    disabled: many < least,
    run: () => run(board),
  }));
  return [...items, { label: 'Tidy up', run: () => void tidyUp(board) }, 'separator'];
}
