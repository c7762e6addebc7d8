/** Exports from the page: a file that the browser keeps. */
import { fetchExport, FORMATS, type Format } from '../doc/export';
import type { MenuItem } from '../ui/menu.svelte';
import { toast } from '../ui/toasts.svelte';
import type { Board } from './board.svelte';

/** What was typed just now shall be in it: milliseconds that it may take to the server. */
const ON_ITS_WAY = 5000;
const LOOKS_EVERY = 50;

export function exportMenu(board: Board): MenuItem[] {
  return FORMATS.map(({ format, title }) => ({ label: title, run: () => void exportAs(board, format) }));
}

export async function exportAs({ session }: Board, format: Format): Promise<void> {
  const { room } = session;
  const until = performance.now() + ON_ITS_WAY;
  while (room.unsent > 0 && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, LOOKS_EVERY));
  try {
    const { name, body } = await fetchExport(format);
    keep(name, body);
    toast({ level: 'info', text: `Exported: ${name}` });
  } catch (error) {
    toast({ level: 'error', text: error instanceof Error ? error.message : String(error) });
  }
}

function keep(name: string, body: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(body);
  link.download = name;
  link.click();
  // The browser reads it after this.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
