/** The wheel pans; with Ctrl or Cmd, or pinched on a pad, it zooms at the pointer; Shift turns it sideways. */
import type { Board } from './board.svelte';
import { clamp, type ScreenPoint } from './geometry';

const LINE = 18;
/** A pad pinches in small steps, a wheel clicks in large ones. */
const MOST_STEP = 40;
const ZOOM_PER_PIXEL = 0.006;

export function wheel(board: Board, event: WheelEvent, at: ScreenPoint): void {
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    const step = clamp(event.deltaY * unit(event, board), -MOST_STEP, MOST_STEP);
    board.viewport.zoomAt(at, board.viewport.zoom * Math.exp(-step * ZOOM_PER_PIXEL));
    return;
  }
  if (scrollsInside(board, event)) return;
  event.preventDefault();
  const scale = unit(event, board);
  const sideways = event.shiftKey && event.deltaX === 0;
  const [dx, dy] = sideways ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
  board.viewport.panBy(dx * scale, dy * scale);
}

function unit(event: WheelEvent, board: Board): number {
  if (event.deltaMode === WheelEvent.DOM_DELTA_LINE) return LINE;
  return event.deltaMode === WheelEvent.DOM_DELTA_PAGE ? board.viewport.height : 1;
}

/** Something inside a selected cell that can scroll that way keeps the wheel: nobody is caught in passing by. */
function scrollsInside(board: Board, event: WheelEvent): boolean {
  if (!(event.target instanceof Element)) return false;
  const id = event.target.closest('[data-cell-id]')?.getAttribute('data-cell-id');
  if (id === null || id === undefined || !board.selection.has(id)) return false;
  const keeper = event.target.closest('[data-no-pan]');
  const [dx, dy] = event.shiftKey && event.deltaX === 0 ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
  for (let at: Element | null = event.target; at !== null; at = at.parentElement) {
    if (canScroll(at, dx, dy)) return true;
    if (at === keeper || at.hasAttribute('data-cell-id')) return false;
  }
  return false;
}

function canScroll(element: Element, dx: number, dy: number): boolean {
  const { scrollTop, scrollLeft, scrollHeight, scrollWidth, clientHeight, clientWidth } = element;
  const room = (at: number, most: number, by: number): boolean => (by < 0 ? at > 0 : by > 0 && at < most - 1);
  const down = room(scrollTop, scrollHeight - clientHeight, dy);
  const across = room(scrollLeft, scrollWidth - clientWidth, dx);
  if (!down && !across) return false;
  const style = getComputedStyle(element);
  const scrolls = (overflow: string): boolean => overflow === 'auto' || overflow === 'scroll';
  return (down && scrolls(style.overflowY)) || (across && scrolls(style.overflowX));
}
