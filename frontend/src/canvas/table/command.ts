/** What a command is. The keyboard, the palette, the menus' keys and the sheet of keys all come from a table of these. */
import type { Board } from '../board.svelte';
import { shownAs } from '../mode.svelte';

export type Group = 'Cells' | 'Arrange' | 'Go' | 'Run' | 'Kernel' | 'View' | 'Notebook';

export interface Command {
  readonly id: string;
  /** What it does, in words: a line of the palette. */
  readonly title: string;
  readonly group: Group;
  /** As table/keys.ts reads them; the first is the one that is shown beside a menu's item. */
  readonly keys?: readonly string[];
  /**
   * Where its keys are heard: while the canvas has the keyboard (the usual), also on the buttons of the page, or also
   * in editors and fields.
   */
  readonly reach?: 'canvas' | 'page' | 'anywhere';
  /** Further words by which somebody may look for it. */
  readonly words?: string;
  /** A key and no more: nobody looks for it in the palette. */
  readonly keysOnly?: boolean;
  /** It is about places, which a document has none of. */
  readonly onCanvas?: boolean;
  /** Why it cannot be done now, as a sentence; empty: it can. */
  hinders?(board: Board): string;
  run(board: Board): void;
}

const SELECT = 'Select a cell first.';

export const connected = ({ session }: Board): string =>
  session.room.state === 'connected' ? '' : 'There is no connection to the server.';
export const needsCell = ({ selection }: Board): string => (selection.size === 0 ? SELECT : '');
export const needsCurrent = ({ current }: Board): string => (current === null ? SELECT : '');

/** Why it cannot be done now, in the view that is shown; empty: it can. */
export function hindrance(command: Command, board: Board): string {
  if (command.onCanvas === true && shownAs.document) return 'Only on the canvas.';
  return command.hinders?.(board) ?? '';
}

/** The first reason of several. */
export function anyOf(...all: readonly ((board: Board) => string)[]): (board: Board) => string {
  return (board) => {
    for (const each of all) {
      const why = each(board);
      if (why !== '') return why;
    }
    return '';
  };
}
