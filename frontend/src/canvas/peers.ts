/** Where somebody else's pointer is. */
import type { Pointer } from '../doc/people.svelte';
import { worldPoint, type WorldPoint } from './geometry';
import type { Scene } from './scene.svelte';

/** Over a cell it travels with that cell; null while the cell is not seen here. */
export function pointOf(pointer: Pointer | null, scene: Scene): WorldPoint | null {
  if (pointer === null || !('cell' in pointer))
    return pointer === null ? null : worldPoint(pointer.x, pointer.y);
  const rect = scene.cell(pointer.cell);
  return rect === undefined ? null : worldPoint(rect.left + pointer.dx, rect.top + pointer.dy);
}
