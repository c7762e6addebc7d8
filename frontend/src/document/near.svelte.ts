/** Which cells of the document are drawn, and which of these have a live editor: those near what is seen. */
import { SvelteSet } from 'svelte/reactivity';

/** So far above and below the view, pixels. */
const AROUND = 700;
/** Editors are made while nothing scrolls, so many in a frame. */
const EDITORS = 2;
const REST = 120;

export class Near {
  readonly drawn = new SvelteSet<string>();
  readonly live = new SvelteSet<string>();
  /** As they were when they were last drawn, pixels. */
  readonly heights = new Map<string, number>();
  readonly #observer: IntersectionObserver;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;

  constructor(readonly root: HTMLElement) {
    this.#observer = new IntersectionObserver((entries) => this.#saw(entries), {
      root,
      rootMargin: `${AROUND}px 0px`,
    });
    root.addEventListener('scroll', this.#moved, { passive: true });
  }

  /** For an element with a data-cell-id, while it is there. */
  readonly observe = (element: HTMLElement): (() => void) => {
    this.#observer.observe(element);
    return () => this.#observer.unobserve(element);
  };

  #saw(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      const id = (target as HTMLElement).dataset['cellId'];
      if (id === undefined) continue;
      if (isIntersecting) this.drawn.add(id);
      else if (this.drawn.delete(id)) {
        this.live.delete(id);
        this.heights.set(id, boundingClientRect.height);
      }
    }
    this.#moved();
  }

  readonly #moved = (): void => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#enliven, REST);
  };

  readonly #enliven = (): void => {
    const waiting = [...this.drawn].filter((id) => !this.live.has(id));
    for (const id of waiting.slice(0, EDITORS)) this.live.add(id);
    cancelAnimationFrame(this.#frame);
    if (waiting.length > EDITORS) this.#frame = requestAnimationFrame(this.#enliven);
  };

  destroy(): void {
    this.#observer.disconnect();
    this.root.removeEventListener('scroll', this.#moved);
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
  }
}
