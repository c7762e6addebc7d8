/** Taking outputs away: they are the server's to write, so it is asked. */
import { plural } from '../cell/words';
import { toast } from '../ui/toasts.svelte';
import type { Board } from './board.svelte';
import { codeIn } from './commands';

/** Of these and what is inside them, the cells that put something out or say that they ran. */
export function clearable(board: Board, ids: Iterable<string>): string[] {
  const { notebook } = board.session;
  return codeIn(board, ids).filter((id) => {
    const { outputs, executionCount, run } = notebook.cell(id);
    return outputs.length > 0 || executionCount !== null || run !== null;
  });
}

export async function clearOutputs(board: Board, cells: string[]): Promise<void> {
  const { server } = board.session;
  try {
    const done = await server.request('notebook.clear_outputs', { cells });
    const running = done.running.length > 0 ? ' What runs keeps its own until it ends.' : '';
    const text = `The outputs of ${plural(done.cells.length, 'cell')} are cleared.${running}`;
    toast({ level: 'info', text });
  } catch (error) {
    toast({ level: 'warning', text: error instanceof Error ? error.message : String(error) });
  }
}
