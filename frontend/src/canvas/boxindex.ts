/** Boxes in tiles: which lie near a place, without looking at all of them. Pure. */
import { bottom, intersects, right, type Rect } from './geometry';

const TILE = 800;

export class BoxIndex {
  readonly #tiles = new Map<string, string[]>();
  readonly #boxes: ReadonlyMap<string, Rect>;

  constructor(boxes: ReadonlyMap<string, Rect>) {
    this.#boxes = boxes;
    for (const [id, box] of boxes) {
      for (const tile of tilesOf(box)) {
        const known = this.#tiles.get(tile);
        if (known === undefined) this.#tiles.set(tile, [id]);
        else known.push(id);
      }
    }
  }

  /** Those that touch this part of the world but these; always in the same order. */
  near(part: Rect, but: (id: string) => boolean): Rect[] {
    const found = new Map<string, Rect>();
    for (const tile of tilesOf(part)) {
      for (const id of this.#tiles.get(tile) ?? []) {
        const box = this.#boxes.get(id);
        if (box !== undefined && !found.has(id) && !but(id) && intersects(box, part)) found.set(id, box);
      }
    }
    return [...found.values()];
  }
}

function tilesOf(box: Rect): string[] {
  const tiles: string[] = [];
  const down = (value: number): number => Math.floor(value / TILE);
  for (let y = down(box.top); y <= down(bottom(box)); y += 1)
    for (let x = down(box.left); x <= down(right(box)); x += 1) tiles.push(`${x} ${y}`);
  return tiles;
}
