/** What is drawn where right now: the layout as a signal, the measured heights, and what a drag carries. */
import { untrack } from 'svelte';
import { SvelteSet } from 'svelte/reactivity';
import { isFolded } from '../cell/actions';
import { estimateHeight } from '../cell/estimate';
import { readingOrder } from '../doc/graph';
import type { Notebook } from '../doc/notebook.svelte';
import type { PageConfig } from '../doc/config.svelte';
import { BoxIndex } from './boxindex';
import { IDLE, type Drag } from './drag';
import type { DropTarget } from './drop';
import { intersects, middle, moved, right, type Rect } from './geometry';
import { computeLayout, EMPTY_LAYOUT, type Layout } from './layout';
import type { Flow } from './neighbour';
import { withInside } from './select';
import { NO_GUIDES, type Guides } from './snap';
import type { Viewport } from './viewport.svelte';

/** One cell's estimate, remembered until the cell changes. */
class Estimate {
  readonly height: number;
  constructor(of: () => number) {
    this.height = $derived(of());
  }
}

interface Measured {
  height: number;
  /** The estimate when the cell left the DOM: what it has grown by since, the cell has, roughly. */
  estimate: number | null;
}

export interface Sized {
  readonly left: number;
  readonly width: number;
}

const NOTHING: ReadonlySet<string> = new Set();

export class Scene {
  /** Tissues that are folded for everybody, and that this person looks into all the same. */
  readonly #peeked = new SvelteSet<string>();
  readonly folded: ReadonlySet<string> = $derived.by(() => {
    const { pc } = this.notebook;
    return new Set(
      [...pc.keys()].filter(
        (id) => isFolded(this.notebook.cell(id).collapsed, 'outputs') && !this.#peeked.has(id),
      ),
    );
  });
  /** The graphs as they are seen: nothing is in a folded tissue. */
  readonly flow: Flow = $derived.by(() => {
    const { np, pc, parents } = this.notebook;
    if (this.folded.size === 0) return { np, pc, parents };
    return {
      np,
      parents,
      pc: new Map([...pc].map(([id, inside]) => [id, this.folded.has(id) ? [] : inside])),
    };
  });
  readonly #estimates = new Map<string, Estimate>();
  readonly #measured = new Map<string, Measured>();
  #version = $state(0);
  #previous: Layout = EMPTY_LAYOUT;
  #drag: Drag = $state.raw(IDLE);
  #moving: ReadonlySet<string> = $state.raw(NOTHING);
  #resized: ReadonlyMap<string, Sized> | null = $state.raw(null);
  /** Where a drop would put what is dragged. */
  target: DropTarget | null = $state.raw(null);
  /** What that which is dragged lines up with. */
  guides: Guides = $state.raw(NO_GUIDES);

  readonly layout: Layout = $derived.by(() => this.#compute());
  readonly order: readonly string[] = $derived.by(() => {
    const { ids, np, pc, parents } = this.notebook;
    return readingOrder(ids, np, pc, parents);
  });
  /** Without those in folded tissues. */
  readonly shown: readonly string[] = $derived(
    this.folded.size === 0 ? this.order : this.order.filter((id) => this.foldedAround(id) === null),
  );
  readonly numbers: ReadonlyMap<string, number> = $derived(new Map(this.order.map((id, i) => [id, i + 1])));

  readonly #standing: BoxIndex = $derived.by(() => {
    const { parents } = this.notebook;
    return new BoxIndex(new Map([...this.layout.boxes].filter(([id]) => !parents.has(id))));
  });

  constructor(
    readonly notebook: Notebook,
    readonly config: PageConfig,
    readonly viewport: Viewport,
  ) {}

  #compute(): Layout {
    void this.#version;
    const { ids, np, pc, parents } = this.notebook;
    const resized = this.#resized;
    this.#previous = computeLayout(
      {
        ids,
        np,
        pc,
        parents,
        folded: this.folded,
        stored: (id) => {
          const cell = this.notebook.cell(id);
          const { left, width } = resized?.get(id) ?? cell;
          return { left, top: cell.top, width };
        },
        height: (id) => this.#height(id),
      },
      this.#previous,
    );
    return this.#previous;
  }

  /** The outermost folded tissue that this cell is in; null: it is seen. */
  foldedAround(id: string): string | null {
    const { parents } = this.notebook;
    let found: string | null = null;
    for (let up = parents.get(id); up !== undefined; up = parents.get(up))
      if (this.folded.has(up)) found = up;
    return found;
  }

  /** Whoever goes into a folded tissue sees it open; for the others it stays as it is. */
  show(id: string): void {
    const { parents } = this.notebook;
    for (let up = parents.get(id); up !== undefined; up = parents.get(up))
      if (this.folded.has(up)) this.#peeked.add(up);
  }

  /** True if this person only looked into it: it is folded again, and nothing else need be done. */
  leave(tissue: string): boolean {
    return this.#peeked.delete(tissue) && isFolded(this.notebook.cell(tissue).collapsed, 'outputs');
  }

  #height(id: string): number {
    const measured = this.#measured.get(id);
    if (measured === undefined) return this.#estimate(id);
    if (measured.estimate === null) return measured.height;
    return Math.max(24, measured.height + this.#estimate(id) - measured.estimate);
  }

  #estimate(id: string): number {
    let estimate = this.#estimates.get(id);
    if (estimate === undefined) {
      const cell = this.notebook.cell(id);
      estimate = new Estimate(() => estimateHeight(cell, this.config));
      this.#estimates.set(id, estimate);
    }
    return estimate.height;
  }

  /** As drawn just now, also while it is dragged. */
  cell(id: string): Rect | undefined {
    return this.#carried(id, this.layout.cells.get(id));
  }
  box(id: string): Rect | undefined {
    return this.#carried(id, this.layout.boxes.get(id));
  }

  /** Boxes that may be in the way of an edge between these two, in this part of the world. */
  between(from: string, to: string, part: Rect): Rect[] {
    const moving = this.#moving;
    return this.#standing.near(part, (id) => id === from || id === to || moving.has(id));
  }

  #carried(id: string, rect: Rect | undefined): Rect | undefined {
    const drag = this.#drag;
    if (drag.phase !== 'dragging' || drag.copies || rect === undefined || !this.#moving.has(id)) return rect;
    return moved(rect, drag.dx, drag.dy);
  }

  get drag(): Drag {
    return this.#drag;
  }
  /** What is being dragged, with all that is inside it. */
  get moving(): ReadonlySet<string> {
    return this.#moving;
  }
  set drag(drag: Drag) {
    if (drag.phase !== 'dragging') {
      this.#moving = NOTHING;
      this.target = null;
      this.guides = NO_GUIDES;
    } else if (drag.copies) {
      this.#moving = NOTHING;
    } else if (this.#moving === NOTHING) {
      const { pc, parents } = this.notebook;
      this.#moving = withInside(drag.origins.keys(), pc, parents);
    }
    this.#drag = drag;
  }

  /** While a border is dragged, these instead of what is stored. */
  resize(resized: ReadonlyMap<string, Sized> | null): void {
    this.#resized = resized;
  }

  /** Heights as drawn. What is being looked at stays where it is when something above it turns out taller. */
  measure(heights: ReadonlyMap<string, number>): void {
    const changed = [...heights].filter(([id, height]) => this.#measured.get(id)?.height !== height);
    for (const [id, height] of heights) {
      const known = this.#measured.get(id);
      if (known !== undefined && known.height === height) known.estimate = null;
    }
    if (changed.length === 0) return;
    untrack(() => {
      const anchor = this.#anchor();
      for (const [id, height] of changed) this.#measured.set(id, { height, estimate: null });
      this.#version += 1;
      if (anchor === null || this.#drag.phase !== 'idle') return;
      const now = this.layout.cells.get(anchor.id);
      if (now !== undefined) this.viewport.follow(0, now.top - anchor.top);
    });
  }

  /** The cell has left the DOM. */
  forget(id: string): void {
    const known = this.#measured.get(id);
    if (known !== undefined) known.estimate = untrack(() => this.#estimate(id));
  }

  /** The uppermost cell of the column in the middle of the view whose top is seen. */
  #anchor(): { id: string; top: number } | null {
    const { view } = this.viewport;
    const x = middle(view).x;
    let best: { id: string; top: number; off: boolean } | null = null;
    for (const [id, rect] of this.layout.cells) {
      if (rect.top < view.top || !intersects(rect, view)) continue;
      const off = rect.left > x || right(rect) < x;
      const better = best === null || (off === best.off ? rect.top < best.top : best.off);
      if (better) best = { id, top: rect.top, off };
    }
    return best;
  }
}
