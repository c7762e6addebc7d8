/** Where somebody looks, in the page's address: a link shows a colleague the same place. Pure. */

export interface Whereabouts {
  /** The world point in the middle of the view, and how large the world is shown. */
  readonly view: { readonly x: number; readonly y: number; readonly zoom: number } | null;
  /** A cell that is meant. */
  readonly cell: string | null;
  /** As what the notebook is seen; null: as whoever opens it likes. */
  readonly mode: 'canvas' | 'document' | null;
}

const FURTHEST = 1e7;

/** Nothing that is not in it, and nothing that could not be shown. */
export function parseAddress(hash: string): Whereabouts {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const numbers = (given.get('at') ?? '').split(',').map(Number);
  const [x = NaN, y = NaN, zoom = NaN] = numbers;
  const sound = numbers.length === 3 && [x, y].every((each) => Math.abs(each) < FURTHEST) && zoom > 0;
  const cell = given.get('cell');
  const mode = given.get('as');
  return {
    view: sound && Number.isFinite(zoom) ? { x, y, zoom } : null,
    cell: cell === '' ? null : cell,
    mode: mode === 'canvas' || mode === 'document' ? mode : null,
  };
}

/** A hash with its sign; empty for nowhere. */
export function formatAddress({ view, cell, mode }: Whereabouts): string {
  const parts = [];
  if (mode !== null) parts.push(`as=${mode}`);
  if (cell !== null) parts.push(`cell=${encodeURIComponent(cell)}`);
  if (view !== null) parts.push(`at=${Math.round(view.x)},${Math.round(view.y)},${+view.zoom.toFixed(3)}`);
  return parts.length === 0 ? '' : `#${parts.join('&')}`;
}
