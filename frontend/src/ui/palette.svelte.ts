/** Whether the palette is open, and which commands were used last; these are kept in this browser. */
const KEPT = 'ganimede.recent';
const MOST = 6;

function kept(): readonly string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEPT) ?? '[]');
    return Array.isArray(found) ? found.filter((each): each is string => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

class Palette {
  open = $state(false);
  #recent: readonly string[] = $state.raw(kept().slice(0, MOST));

  /** Ids of commands, the last one first. */
  get recent(): readonly string[] {
    return this.#recent;
  }

  show(): void {
    this.open = true;
  }

  used(id: string): void {
    this.#recent = [id, ...this.#recent.filter((each) => each !== id)].slice(0, MOST);
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.#recent));
    } catch {
      // A browser that keeps nothing: they last as long as the page.
    }
  }
}

export const palette = new Palette();
