/** Whether the notebook is seen as a canvas or as one column to read; kept in this browser. */
import { parseAddress } from './address';

export type Mode = 'canvas' | 'document';

const KEPT = 'ganimede.mode';
/** On a small screen under a thumb a column is what one can read. */
const PHONE = '(max-width: 820px) and (pointer: coarse)';

function isMode(value: string | null): value is Mode {
  return value === 'canvas' || value === 'document';
}

function kept(): Mode | null {
  try {
    const value = localStorage.getItem(KEPT);
    return isMode(value) ? value : null;
  } catch {
    return null;
  }
}

/** What the address says goes before what this browser was left with. */
export function firstMode(hash: string, left: Mode | null, phone: boolean): Mode {
  const { mode, view } = parseAddress(hash);
  if (mode !== null) return mode;
  if (view !== null) return 'canvas';
  return left ?? (phone ? 'document' : 'canvas');
}

class ShownAs {
  #now: Mode = $state('canvas');

  /** When the page has an address and a size. */
  begin(): void {
    this.#now = firstMode(location.hash, kept(), matchMedia(PHONE).matches);
  }

  get now(): Mode {
    return this.#now;
  }
  get document(): boolean {
    return this.#now === 'document';
  }

  choose(mode: Mode): void {
    this.#now = mode;
    try {
      localStorage.setItem(KEPT, mode);
    } catch {
      // Kept nowhere: it lasts as long as the page.
    }
  }

  toggle(): void {
    this.choose(this.document ? 'canvas' : 'document');
  }
}

export const shownAs = new ShownAs();
