/** Which part of the sheet is seen, and how large. */
import { bottom, clamp, right, type Rect } from '../canvas/geometry';

const LEAST = 0.1;
const MOST = 4;
const MARGIN = 40;
/** Room for the title above. */
const BAR = 64;

export class Camera {
  #x = 0;
  #y = 0;
  #zoom = 1;

  constructor(
    readonly view: HTMLElement,
    readonly sheet: HTMLElement,
  ) {}

  /** At full size from the beginning where the whole does not fit well: one comes to read. */
  begin(bounds: Rect | null, first: Rect | null): void {
    if (bounds === null || first === null) return;
    this.fit(bounds);
    if (this.#zoom >= 0.6) return;
    this.#zoom = clamp((this.view.clientWidth - 2 * MARGIN) / first.width, 0.5, 1);
    const free = Math.max(MARGIN, (this.view.clientWidth - first.width * this.#zoom) / 2);
    this.#x = Math.max(bounds.left - MARGIN, first.left - free / this.#zoom);
    this.#y = first.top - BAR / this.#zoom;
    this.#apply();
  }

  fit(bounds: Rect | null): void {
    if (bounds === null) return;
    const { clientWidth: width, clientHeight: height } = this.view;
    const across = (width - 2 * MARGIN) / bounds.width;
    const down = (height - BAR - MARGIN) / bounds.height;
    this.#zoom = clamp(Math.min(across, down), LEAST, 1);
    this.#x = (bounds.left + right(bounds)) / 2 - width / 2 / this.#zoom;
    this.#y = (bounds.top + bottom(bounds)) / 2 - (height + BAR - MARGIN) / 2 / this.#zoom;
    this.#apply();
  }

  /** By screen pixels. */
  pan(dx: number, dy: number): void {
    this.#x += dx / this.#zoom;
    this.#y += dy / this.#zoom;
    this.#apply();
  }

  /** The point of the sheet under this point of the view stays there. */
  zoomBy(factor: number, x = this.view.clientWidth / 2, y = this.view.clientHeight / 2): void {
    const zoom = clamp(this.#zoom * factor, LEAST, MOST);
    this.#x += x / this.#zoom - x / zoom;
    this.#y += y / this.#zoom - y / zoom;
    this.#zoom = zoom;
    this.#apply();
  }

  /** What has the focus is seen. */
  reveal(element: HTMLElement): void {
    const seen = this.view.getBoundingClientRect();
    const rect = element.getBoundingClientRect();
    const dx = nearest(rect.left, rect.right, seen.left + MARGIN, seen.right - MARGIN);
    const dy = nearest(rect.top, rect.bottom, seen.top + BAR, seen.bottom - MARGIN);
    if (dx !== 0 || dy !== 0) this.pan(dx, dy);
  }

  #apply(): void {
    const { style } = this.sheet;
    style.transform = `scale(${this.#zoom}) translate(${-this.#x}px, ${-this.#y}px)`;
  }
}

/** How far [from, to] has to come into [low, high]; its beginning counts where it is longer. */
function nearest(from: number, to: number, low: number, high: number): number {
  if (from < low) return from - low;
  return to > high ? Math.min(to - high, from - low) : 0;
}
