/**
 * What the first picture needs nothing of, in a chunk of its own. It is fetched with the first sign of a person,
 * and else a moment after the cells are there: whoever goes offline later has it.
 */
const MOMENT = 1500;
const SIGNS = ['pointermove', 'pointerdown', 'keydown', 'focusin'] as const;

export class Later<T> {
  #made: T | null = $state.raw(null);
  #loading = false;
  readonly #fetch: () => Promise<T>;

  constructor(fetch: () => Promise<T>) {
    this.#fetch = fetch;
  }

  /** Null until it is here. */
  get made(): T | null {
    return this.#made;
  }

  load(): void {
    if (this.#made !== null || this.#loading) return;
    this.#loading = true;
    this.#fetch().then(
      (made) => (this.#made = made),
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
