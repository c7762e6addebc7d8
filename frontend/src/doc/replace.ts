/** Edits of many texts at once: one step of undo. */
import type { Acts } from './acts';

export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

/**
 * How many edits were made, and how many cells were left: those that do not say any more what they said when the edits
 * were found. Edits of a cell are in order and apart.
 */
export async function replaceIn(
  { notebook, undo }: Acts,
  edits: ReadonlyMap<string, readonly Edit[]>,
  searched: ReadonlyMap<string, string>,
): Promise<{ done: number; left: number }> {
  let [done, left] = [0, 0];
  const there = new Set(notebook.ids);
  await undo.gradually(
    [...edits].map(([id, list]) => () => {
      const { source } = notebook.cell(id);
      const text = searched.get(id);
      // What is in it besides text, which Yjs allows, has a length and is not in the text that was searched.
      if (!there.has(id) || source.toString() !== text || source.length !== text.length) {
        left += 1;
        return;
      }
      for (const { from, to, insert } of list.toReversed()) {
        source.delete(from, to - from);
        if (insert !== '') source.insert(from, insert);
        done += 1;
      }
    }),
  );
  return { done, left };
}
