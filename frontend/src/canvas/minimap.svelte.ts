/** Whether the map is shown: kept in this browser. */
const KEPT = 'ganimede.map';

class MapShown {
  #open = $state(kept());

  get open(): boolean {
    return this.#open;
  }

  toggle(): void {
    this.#open = !this.#open;
    try {
      localStorage.setItem(KEPT, this.#open ? 'shown' : 'hidden');
    } catch {
      // Kept nowhere: it lasts as long as the page.
    }
  }
}

function kept(): boolean {
  try {
    return localStorage.getItem(KEPT) !== 'hidden';
  } catch {
    return true;
  }
}

export const minimap = new MapShown();
