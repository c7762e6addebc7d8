/** Cells as headings, as Jupyter's keys 1 to 6 make them. */
import type { Acts } from './acts';

const SIGNS = /^[ \t]{0,3}#{1,6}(?:[ \t]+|$)/;

/** Where a text's heading signs are, or would go: before its first line that says something. */
export function headingSigns(text: string): { from: number; to: number } {
  const blank = /^(?:[ \t]*\n)*/.exec(text)?.[0].length ?? 0;
  const from = text.slice(blank).trim() === '' ? 0 : blank;
  const line = text.slice(from).split('\n', 1)[0] ?? '';
  return { from, to: from + (SIGNS.exec(line)?.[0].length ?? 0) };
}

/** Markdown cells that begin with a heading of this level: one step of undo. */
export function setHeading(acts: Acts, ids: Iterable<string>, level: number): void {
  const { notebook, undo } = acts;
  const signs = `${'#'.repeat(level)} `;
  undo.step(() => {
    for (const id of ids) {
      const { source } = notebook.cell(id);
      const text = source.toString();
      const { from, to } = headingSigns(text);
      acts.setType(id, 'markdown');
      if (text.slice(from, to) === signs) continue;
      if (to > from) source.delete(from, to - from);
      source.insert(from, signs);
    }
  });
}
