/** Ids in a shared array. */
import type * as Y from 'yjs';

export function insertAt(array: Y.Array<string>, id: string, index?: number): void {
  array.insert(Math.max(0, Math.min(index ?? array.length, array.length)), [id]);
}

export function removeAll(array: Y.Array<string>, ids: ReadonlySet<string>): void {
  for (let i = array.length - 1; i >= 0; i--) if (ids.has(array.get(i))) array.delete(i, 1);
}
