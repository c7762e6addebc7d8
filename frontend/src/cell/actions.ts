/** What the controls of one cell act on. */
import { descendants } from '../doc/graph';
import type { Session } from '../doc/session';
import type { Collapsed } from '../doc/values';

/** The code cells of a tissue in order; of any other cell itself, if it is code. */
export function runnable(id: string, { notebook }: Session): string[] {
  const inside = descendants(id, notebook.pc, notebook.parents);
  return [id, ...inside].filter((each) => notebook.cell(each).type === 'code');
}

export type Part = 'input' | 'outputs';

export function isFolded(collapsed: Collapsed, part: Part): boolean {
  return collapsed === 'b' || collapsed === (part === 'input' ? 'i' : 'o');
}

/** The value of `collapsed` after folding or unfolding one part. */
export function toggled(collapsed: Collapsed, part: Part): Collapsed {
  const input = isFolded(collapsed, 'input') !== (part === 'input');
  const outputs = isFolded(collapsed, 'outputs') !== (part === 'outputs');
  return input ? (outputs ? 'b' : 'i') : outputs ? 'o' : null;
}
