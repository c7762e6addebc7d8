/** What is inside a tissue, in words. */
import { descendants } from '../doc/graph';
import type { Notebook } from '../doc/notebook.svelte';
import { plural } from './words';

/** "7 cells, 1 running, 2 failed": what one has to know of what one does not see. */
export function insideWords(id: string, notebook: Notebook): string {
  const cells = descendants(id, notebook.pc, notebook.parents).map((each) => notebook.cell(each));
  const some = (many: number, word: string): string[] => (many === 0 ? [] : [`${many} ${word}`]);
  return [
    plural(cells.length, 'cell'),
    ...some(cells.filter(({ state }) => state === 'running').length, 'running'),
    ...some(cells.filter(({ state }) => state === 'queued').length, 'waiting'),
    ...some(
      cells.filter(({ outputs }) => outputs.some((each) => each['output_type'] === 'error')).length,
      'failed',
    ),
  ].join(', ');
}
