/** The outline of the notebook: each text is read again only when it has changed. */
import type { Board } from '../canvas/board.svelte';
import { headingsOf, type Entry } from './headings';

class Headings {
  readonly entries: readonly Entry[];
  constructor(id: string, text: () => string) {
    this.entries = $derived(headingsOf(text()).map((each, index) => ({ ...each, cell: id, index })));
  }
}

export class Outline {
  readonly #known = new Map<string, Headings>();
  readonly entries: readonly Entry[] = $derived.by(() =>
    this.board.scene.order.flatMap((id) => [...this.#headings(id)]),
  );
  /** The highest level that there is: the outline begins with it. */
  readonly top: number = $derived(Math.min(6, ...this.entries.map(({ level }) => level)));

  constructor(readonly board: Board) {}

  #headings(id: string): readonly Entry[] {
    const cell = this.board.session.notebook.cell(id);
    if (cell.type !== 'markdown') return [];
    let known = this.#known.get(id);
    if (known === undefined) {
      known = new Headings(id, () => cell.text);
      this.#known.set(id, known);
    }
    return known.entries;
  }
}
