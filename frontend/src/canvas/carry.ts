/** The gesture that drags cells, or copies of them: shows it here and to others, and writes once, at the drop. */
import type { Place } from '../doc/values';
import type { Board } from './board.svelte';
import { dropCopies } from './clipboard';
import { dragged } from './commands';
import { IDLE, placesOf, stepDrag, toGrid, type Dragging, type Settle } from './drag';
import { changesNothing, dropTarget, storedFor, type DropTarget } from './drop';
import { around, moved, type Rect } from './geometry';
import type { Gesture, Pointer } from './gesture.svelte';
import { withInside } from './select';
import { Neighbours, NO_GUIDES } from './snap';
import { sightOf, standing } from './standing';

/** Peers see the drag at most 20 times a second. */
const TELL_EVERY = 50;

/** Without any snapping, on whole pixels. */
const whole: Settle = ({ dx, dy }) => ({ dx: Math.round(dx), dy: Math.round(dy) });

export class Carry implements Gesture {
  readonly autoPan = true;
  /** What the dragged boxes line up with: those of the press, as nothing else moves meanwhile. */
  readonly #neighbours: Neighbours;
  readonly #whole: Rect | null;
  #told = 0;
  #telling: ReturnType<typeof setTimeout> | undefined;

  /** `click`: what a press without a movement means. */
  constructor(
    readonly board: Board,
    readonly grabbed: string,
    { screen, world }: Pointer,
    readonly click: () => void,
  ) {
    const origins = dragged(board, grabbed);
    // A cell whose tissue is dragged along: the tissue's outermost selected cell is what is held.
    const held = origins.has(grabbed) ? grabbed : ([...origins.keys()][0] ?? grabbed);
    board.scene.drag = stepDrag(IDLE, { kind: 'press', grabbed: held, origins, screen, world });
    const { pc, parents } = board.session.notebook;
    this.#neighbours = new Neighbours(standing(board, withInside(origins.keys(), pc, parents)).values());
    this.#whole = around(origins.values());
  }

  get cursor(): string {
    const { drag } = this.board.scene;
    return drag.phase === 'dragging' && drag.copies ? 'copy' : 'grabbing';
  }

  move({ screen, world, free, copies }: Pointer): void {
    const { scene, session } = this.board;
    const settle = free ? whole : this.#settle;
    scene.guides = NO_GUIDES;
    const drag = stepDrag(scene.drag, { kind: 'move', screen, world, settle, copies });
    scene.drag = drag;
    if (drag.phase !== 'dragging') return;
    scene.target = dropTarget(world, scene.layout, session.notebook, scene.moving);
    // In a tissue the line says where it goes.
    if (scene.target !== null) scene.guides = NO_GUIDES;
    this.#tell();
  }

  /** The whole selection lines up with neighbours; what is held with the grid. */
  readonly #settle: Settle = (by, corner) => {
    const { board } = this;
    const grid = toGrid(board.session.config.snap)(by, corner);
    if (this.#whole === null) return grid;
    const otherwise = { dx: grid.dx - by.dx, dy: grid.dy - by.dy };
    const now = moved(this.#whole, by.dx, by.dy);
    const { dx, dy, guides } = this.#neighbours.settle(now, sightOf(board), otherwise);
    board.scene.guides = guides;
    return { dx: by.dx + dx, dy: by.dy + dy };
  };

  #tell(): void {
    if (this.#telling !== undefined) return;
    const wait = Math.max(0, this.#told + TELL_EVERY - performance.now());
    this.#telling = setTimeout(() => {
      this.#telling = undefined;
      this.#told = performance.now();
      const now = this.board.scene.drag;
      if (now.phase === 'dragging') this.board.session.people.drag(Object.fromEntries(placesOf(now)));
    }, wait);
  }

  drop(_pointer: Pointer, moved: boolean): void {
    const { scene } = this.board;
    const { drag, target } = scene;
    if (drag.phase === 'dragging' && drag.copies) {
      dropCopies(this.board, drag, target);
    } else if (drag.phase === 'dragging') {
      if (target !== null) this.#into(drag, target);
      else this.#onto(drag);
    }
    this.cancel();
    if (!moved) this.click();
  }

  #into(drag: Dragging, target: DropTarget): void {
    const { acts, notebook } = this.board.session;
    const ids = this.#left(drag).map(([id]) => id);
    if (ids.length === 0 || changesNothing(ids, target, notebook)) return;
    acts.putIntoTissue(ids, target.parent, target.index);
  }

  #onto(drag: Dragging): void {
    const { scene, session } = this.board;
    const { notebook, acts } = session;
    if (drag.dx === 0 && drag.dy === 0) return;
    const column = this.board.column();
    const places = new Map<string, Place>();
    for (const [id, box] of this.#left(drag)) {
      const now = { ...box, left: box.left + drag.dx, top: box.top + drag.dy };
      places.set(id, storedFor(now, column, scene.moving));
    }
    if ([...places.keys()].some((id) => notebook.parents.has(id))) acts.takeOutOfTissue(places);
    else acts.moveCells(places);
  }

  /** Those that nobody has deleted meanwhile. */
  #left(drag: Dragging): [string, Rect][] {
    return [...drag.origins].filter(([id]) => this.board.session.notebook.has(id));
  }

  cancel(): void {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    if (this.board.scene.drag.phase === 'dragging') this.board.session.people.drag(null);
    this.board.scene.drag = IDLE;
  }
}
