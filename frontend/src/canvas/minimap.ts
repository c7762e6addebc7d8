/** The whole notebook in a corner: from world pixels to those of the map and back. Pure. */
import { worldPoint, type Rect, type ScreenPoint, type WorldPoint } from './geometry';

export const MAP = { width: 208, height: 136 } as const;
/** Free room around everything, in pixels of the map. */
const MARGIN = 8;
/** Nothing is drawn smaller than this. */
const LEAST = 1.5;

export interface MapScale {
  readonly scale: number;
  /** The world point at the map's top left corner. */
  readonly x: number;
  readonly y: number;
}

/** All of it, in the middle; what is small is not blown up. */
export function scaleOf(bounds: Rect): MapScale {
  const [wide, high] = [MAP.width - 2 * MARGIN, MAP.height - 2 * MARGIN];
  const scale = Math.min(wide / Math.max(1, bounds.width), high / Math.max(1, bounds.height), 0.15);
  return {
    scale,
    x: bounds.left + bounds.width / 2 - MAP.width / 2 / scale,
    y: bounds.top + bounds.height / 2 - MAP.height / 2 / scale,
  };
}

/** In pixels of the map. */
export function onMap({ scale, x, y }: MapScale, rect: Rect): Rect {
  return {
    left: (rect.left - x) * scale,
    top: (rect.top - y) * scale,
    width: Math.max(LEAST, rect.width * scale),
    height: Math.max(LEAST, rect.height * scale),
  };
}

export function fromMap({ scale, x, y }: MapScale, at: ScreenPoint): WorldPoint {
  return worldPoint(x + at.x / scale, y + at.y / scale);
}

/** As much of it as lies on the map; a view far outside still shows at the border, so that one finds back. */
export function within(rect: Rect): Rect {
  const part = (low: number, size: number, most: number): [number, number] => {
    const from = Math.max(1, Math.min(low, most - 5));
    return [from, Math.max(4, Math.min(low + size, most - 1) - from)];
  };
  const [left, width] = part(rect.left, rect.width, MAP.width);
  const [top, height] = part(rect.top, rect.height, MAP.height);
  return { left, top, width, height };
}
