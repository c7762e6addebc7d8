/**
 * The live editor, in a chunk of its own: the first picture needs none of it. It is fetched with the first sign of
 * somebody who may write, and else a moment after the cells are there: whoever goes offline later can go on writing.
 */
type Editor = typeof import('./editor');

const MOMENT = 1500;
const SIGNS = ['pointermove', 'pointerdown', 'keydown', 'focusin'] as const;

class LiveEditor {
  #made: Editor | null = $state.raw(null);
  #loading = false;

  /** Null until it is here. */
  get made(): Editor | null {
    return this.#made;
  }

  load(): void {
    if (this.#made !== null || this.#loading) return;
    this.#loading = true;
    import('./editor').then(
      (editor) => (this.#made = editor),
      () => (this.#loading = false), // The server is away: asked again at the next sign.
    );
  }

  readonly #sign = (): void => {
    this.load();
    if (this.#made !== null) for (const sign of SIGNS) removeEventListener(sign, this.#sign, true);
  };

  loadWithFirstSign(): void {
    for (const sign of SIGNS) addEventListener(sign, this.#sign, true);
  }

  loadSoon(): void {
    setTimeout(() => this.load(), MOMENT);
  }
}

export const liveEditor = new LiveEditor();
