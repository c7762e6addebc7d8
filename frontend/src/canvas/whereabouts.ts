/** Keeps the page's address at where the person looks, and goes where an address says. */
import { toast } from '../ui/toasts.svelte';
import { formatAddress, parseAddress, type Whereabouts } from './address';
import type { Board } from './board.svelte';
import { shownAs } from './mode.svelte';

/** So long after the last movement it is written: browsers refuse what comes too often. */
const QUIET = 400;

/** Go where the address says. False: it says nothing of this notebook. */
export function goThere(board: Board, { view, cell }: Whereabouts = parseAddress(location.hash)): boolean {
  const rect = cell === null ? undefined : board.scene.layout.cells.get(cell);
  if (cell !== null && rect !== undefined) board.select([cell]);
  if (shownAs.document) {
    if (cell !== null && rect !== undefined) board.reveal(cell);
    return rect !== undefined;
  }
  if (view !== null) board.viewport.look(view, view.zoom);
  else if (rect !== undefined)
    board.viewport.look({ x: rect.left + rect.width / 2, y: rect.top + rect.height / 2 }, 1);
  else return false;
  return true;
}

/** The address of this cell for somebody else, without this browser's own view. */
export function linkTo(cell: string): string {
  const address = new URL(location.href);
  address.hash = formatAddress({ view: null, cell, mode: null });
  return address.href;
}

/** Whoever opens it needs the server's token, as for every address of it. */
export async function copyLink(id: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(linkTo(id));
    toast({ level: 'info', text: 'Link copied.' });
  } catch {
    toast({ level: 'warning', text: `The browser does not let pages copy here. The link: ${linkTo(id)}` });
  }
}

function put(where: Whereabouts): void {
  const hash = formatAddress(where);
  if (hash === location.hash) return;
  history.replaceState(history.state, '', hash || location.pathname + location.search);
}

/** Each place that is told is written when nothing has moved for a while. */
export class AddressBar {
  #timer: ReturnType<typeof setTimeout> | undefined;

  write(where: Whereabouts): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => put(where), QUIET);
  }

  /** At once, when the place it told of is no more: a reload just now does not lead there. */
  leave(where: Whereabouts): void {
    this.destroy();
    put(where);
  }

  destroy(): void {
    clearTimeout(this.#timer);
  }
}
