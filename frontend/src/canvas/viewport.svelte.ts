/** The camera: which part of the world the canvas shows, and how large. */
import {
  clamp,
  right,
  bottom,
  screenPoint,
  worldPoint,
  type Rect,
  type ScreenPoint,
  type WorldPoint,
} from './geometry';
import { PLAIN_BELOW } from './stage.svelte';

export type { ScreenPoint, WorldPoint } from './geometry';

export const LEAST_ZOOM = 0.1;
export const MOST_ZOOM = 4;
/** What the bar at the top covers, in screen pixels. */
export const BAR = 76;
/** Up to this width, as in the style sheets, the bars at the bottom cover so much. */
const NARROW = 820;
const TOOLS = 108;
/** Free room around what is shown on request. */
const MARGIN = 32;
/** So long after the last step the camera is at rest. */
const RESTS_AFTER = 140;
const GLIDE = 180;

export type Motion = 'rest' | 'pan' | 'zoom';

interface View {
  x: number;
  y: number;
  zoom: number;
}

export class Viewport {
  /** The world point at the canvas element's top left corner. */
  #x = $state(0);
  #y = $state(0);
  #zoom = $state(1);
  #width = $state(0);
  #height = $state(0);
  #motion: Motion = $state('rest');
  #resting: ReturnType<typeof setTimeout> | undefined;
  #gliding = 0;

  get x(): number {
    return this.#x;
  }
  get y(): number {
    return this.#y;
  }
  get zoom(): number {
    return this.#zoom;
  }
  /** The canvas element's size in screen pixels. */
  get width(): number {
    return this.#width;
  }
  get height(): number {
    return this.#height;
  }
  get motion(): Motion {
    return this.#motion;
  }
  /** What is seen of the world. */
  get view(): Rect {
    return {
      left: this.#x,
      top: this.#y,
      width: this.#width / this.#zoom,
      height: this.#height / this.#zoom,
    };
  }
  /** The middle of what the bar leaves free. */
  get centre(): WorldPoint {
    return this.toWorld(screenPoint(this.#width / 2, (this.#height + BAR) / 2));
  }

  /** What is not free at the bottom: on a narrow screen the tools are there. */
  get #below(): number {
    return this.#width <= NARROW ? TOOLS : MARGIN;
  }

  toWorld(point: ScreenPoint): WorldPoint {
    return worldPoint(this.#x + point.x / this.#zoom, this.#y + point.y / this.#zoom);
  }
  toScreen(point: WorldPoint): ScreenPoint {
    return screenPoint((point.x - this.#x) * this.#zoom, (point.y - this.#y) * this.#zoom);
  }

  resize(width: number, height: number): void {
    this.#width = width;
    this.#height = height;
  }

  /** By screen pixels: positive shows more of what is right and below. */
  panBy(dx: number, dy: number): void {
    if (dx === 0 && dy === 0) return;
    this.stop();
    this.#x += dx / this.#zoom;
    this.#y += dy / this.#zoom;
    this.#moves('pan');
  }

  /** The point under the pointer stays under it. */
  zoomAt(at: ScreenPoint, zoom: number): void {
    const to = clamp(zoom, LEAST_ZOOM, MOST_ZOOM);
    if (!Number.isFinite(to) || to === this.#zoom) return;
    this.stop();
    const fixed = this.toWorld(at);
    this.#zoom = to;
    this.#x = fixed.x - at.x / to;
    this.#y = fixed.y - at.y / to;
    this.#moves('zoom');
  }

  zoomBy(factor: number, at: ScreenPoint = screenPoint(this.#width / 2, this.#height / 2)): void {
    this.zoomAt(at, this.#zoom * factor);
  }

  /** What the camera looks at has moved by itself: go with it, so that nothing moves on the screen. */
  follow(dx: number, dy: number): void {
    this.#x += dx;
    this.#y += dy;
  }

  /** All of it, never larger than life. */
  fit(rect: Rect | null): void {
    if (rect === null || this.#width === 0) return;
    const [wide, high] = [this.#width - 2 * MARGIN, this.#height - BAR - this.#below];
    const zoom = clamp(Math.min(wide / rect.width, high / rect.height, 1), LEAST_ZOOM, 1);
    this.#glide({
      x: rect.left + rect.width / 2 - this.#width / 2 / zoom,
      // What does not fit even at the least zoom shows its beginning.
      y: rect.top - (BAR + Math.max(0, (high - rect.height * zoom) / 2)) / zoom,
      zoom,
    });
  }

  /** Where reading begins: at full size, this rectangle's top under the bar, in the middle. No glide. */
  begin(rect: Rect): void {
    this.stop();
    const zoom = clamp((this.#width - MARGIN) / rect.width, 0.5, 1);
    this.#zoom = zoom;
    this.#x = rect.left + rect.width / 2 - this.#width / 2 / zoom;
    this.#y = rect.top - (BAR + 12) / zoom;
  }

  /** This world point in the middle of what is free, this large. No glide. */
  look(at: { readonly x: number; readonly y: number }, zoom: number): void {
    this.stop();
    this.#zoom = clamp(zoom, LEAST_ZOOM, MOST_ZOOM);
    this.#x = at.x - this.#width / 2 / this.#zoom;
    this.#y = at.y - (this.#height + BAR) / 2 / this.#zoom;
  }

  /** Into sight with the smallest movement; of what is larger than the view, its beginning. */
  reveal(rect: Rect): void {
    const zoom = this.#zoom;
    const free: Rect = {
      left: this.#x + MARGIN / zoom,
      top: this.#y + BAR / zoom,
      width: (this.#width - 2 * MARGIN) / zoom,
      height: (this.#height - BAR - this.#below) / zoom,
    };
    const dx = shift(rect.left, right(rect), free.left, right(free));
    const dy = shift(rect.top, bottom(rect), free.top, bottom(free));
    if (dx !== 0 || dy !== 0) this.#glide({ x: this.#x + dx, y: this.#y + dy, zoom });
  }

  /** What somebody else sees: all of it, its middle in the middle. */
  share(view: Rect): void {
    if (this.#width === 0) return;
    const zoom = clamp(Math.min(this.#width / view.width, this.#height / view.height), LEAST_ZOOM, MOST_ZOOM);
    this.#glide({
      x: view.left + view.width / 2 - this.#width / 2 / zoom,
      y: view.top + view.height / 2 - this.#height / 2 / zoom,
      zoom,
    });
  }

  /** From afar nobody can write: as large as life, or as the view is wide. Else into sight only. */
  approach(rect: Rect): void {
    if (this.#zoom >= PLAIN_BELOW) return this.reveal(rect);
    const zoom = clamp((this.#width - MARGIN) / rect.width, 0.5, 1);
    const free = this.#height / zoom - rect.height;
    this.#glide({
      x: rect.left + rect.width / 2 - this.#width / 2 / zoom,
      y: rect.top - Math.max(BAR / zoom, free / 3),
      zoom,
    });
  }

  #glide(to: View): void {
    this.stop();
    const from: View = { x: this.#x, y: this.#y, zoom: this.#zoom };
    const jump = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const began = performance.now();
    const frame = (now: number): void => {
      const t = jump ? 1 : clamp((now - began) / GLIDE, 0, 1);
      this.#show(between(from, to, 1 - (1 - t) ** 3, this.#width, this.#height));
      this.#moves(from.zoom === to.zoom ? 'pan' : 'zoom');
      this.#gliding = t < 1 ? requestAnimationFrame(frame) : 0;
    };
    frame(began);
  }

  #show({ x, y, zoom }: View): void {
    this.#x = x;
    this.#y = y;
    this.#zoom = zoom;
  }

  /** End a glide where it is: the person has taken the camera. */
  stop(): void {
    if (this.#gliding !== 0) cancelAnimationFrame(this.#gliding);
    this.#gliding = 0;
  }

  #moves(how: Motion): void {
    this.#motion = how;
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => (this.#motion = 'rest'), RESTS_AFTER);
  }

  destroy(): void {
    this.stop();
    clearTimeout(this.#resting);
  }
}

/** How far a view of `from`–`to` has to move to hold `low`–`high`. */
function shift(low: number, high: number, from: number, to: number): number {
  if (low >= from && high <= to) return 0;
  if (high - low > to - from) {
    // It fills the view already, and its beginning is not what is asked for again.
    return low <= from && high >= to ? 0 : low - from;
  }
  return low < from ? low - from : high - to;
}

/** Between two views: the zoom by ratio, and the middle of the view on a straight line. */
function between(from: View, to: View, t: number, width: number, height: number): View {
  if (t >= 1) return to;
  const zoom = from.zoom * (to.zoom / from.zoom) ** t;
  const centre = (key: 'x' | 'y', size: number): number => {
    const [a, b] = [from[key] + size / 2 / from.zoom, to[key] + size / 2 / to.zoom];
    return a + (b - a) * t - size / 2 / zoom;
  };
  return { x: centre('x', width), y: centre('y', height), zoom };
}
