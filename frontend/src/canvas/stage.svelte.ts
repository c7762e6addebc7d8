/** Which cells are in the DOM and which may hold a live editor: a few changes in each frame, nearest first. */
import { flushSync } from 'svelte';
import { SvelteSet } from 'svelte/reactivity';
import type { Board } from './board.svelte';
import { cull } from './cull';
import { contains, grown, type WorldPoint } from './geometry';

/** Mounting so many cells leaves a frame in time; from afar they are plain and cheap. */
const MOUNTS = 12;
const PLAIN_MOUNTS = 24;
const SKETCH_MOUNTS = 80;
/** Editors are dearer. */
const EDITORS = 3;
/** Below this zoom nobody reads: plain text, no editors. */
export const PLAIN_BELOW = 0.4;
/** Below this one a cell is a shape, and a heading its words. */
export const SKETCH_BELOW = 0.2;
const LIVE_FROM = 0.5;
/** So near to the pointer, in screen pixels, an editor is made before it is needed. */
const REACH = 24;

export class Stage {
  #mounted: readonly string[] = $state.raw([]);
  #frame = 0;
  #first = true;
  readonly live = new SvelteSet<string>();
  /** The pointer, while it is over the canvas. */
  pointer: WorldPoint | null = null;

  constructor(readonly board: Board) {}

  /** In reading order, so that a screen reader and Tab meet them so. */
  get mounted(): readonly string[] {
    return this.#mounted;
  }

  /** Whatever decides may have changed: look again in the next frame, the first time at once. */
  look(): void {
    if (this.#first && this.board.viewport.width > 0) {
      this.#first = false;
      this.#step();
    }
    if (this.#frame === 0) this.#frame = requestAnimationFrame(this.#tick);
  }

  /** Before the next key is pressed, which may be meant for an editor that is not there yet. */
  atOnce(): void {
    this.#step();
    flushSync();
  }

  readonly #tick = (): void => {
    this.#frame = 0;
    if (this.#step()) this.look();
  };

  /** True if something is left for the next frame. */
  #step(): boolean {
    const left = this.#mount();
    return this.#enliven() || left;
  }

  #mount(): boolean {
    const { scene, viewport } = this.board;
    const mounted = new Set(this.#mounted);
    const pinned = new Set(scene.moving);
    for (const id of [this.board.current, this.board.editing]) if (id !== null) pinned.add(id);
    const focus = this.pointer ?? viewport.centre;
    const { keep, missing } = cull(scene.layout.cells, viewport.view, mounted, pinned, focus);
    const coming = missing.slice(0, mountsAt(viewport.zoom));
    if (coming.length > 0 || keep.length < mounted.size) {
      const next = new Set([...keep, ...coming]);
      for (const id of mounted) if (!next.has(id)) this.live.delete(id);
      this.#mounted = scene.order.filter((id) => next.has(id));
    }
    return missing.length > coming.length;
  }

  #enliven(): boolean {
    const { scene, viewport, editing } = this.board;
    if (viewport.zoom < PLAIN_BELOW) {
      for (const id of this.live) if (id !== editing) this.live.delete(id);
      return false;
    }
    const waiting = this.#mounted.filter((id) => !this.live.has(id));
    const pointer = this.pointer;
    if (pointer !== null) {
      for (const id of waiting) {
        const rect = scene.layout.cells.get(id);
        if (rect !== undefined && contains(grown(rect, REACH / viewport.zoom), pointer)) this.live.add(id);
      }
    }
    const resting = viewport.motion === 'rest' && scene.drag.phase === 'idle';
    if (!resting || viewport.zoom < LIVE_FROM) return false;
    const coming = waiting.filter((id) => !this.live.has(id));
    for (const id of coming.slice(0, EDITORS)) this.live.add(id);
    return coming.length > EDITORS;
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }
}

function mountsAt(zoom: number): number {
  if (zoom < SKETCH_BELOW) return SKETCH_MOUNTS;
  return zoom < PLAIN_BELOW ? PLAIN_MOUNTS : MOUNTS;
}
