/** What keys do in an editor. Undo is not the editor's own: one stack for each person, over the whole board. */
import { closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, indentLess, indentMore, simplifySelection } from '@codemirror/commands';
import { getIndentUnit } from '@codemirror/language';
import { selectNextOccurrence, selectSelectionMatches } from '@codemirror/search';
import { countColumn, EditorSelection, Facet } from '@codemirror/state';
import type { Command, EditorView, KeyBinding } from '@codemirror/view';

/** What an editor asks of its surroundings. */
export interface EditorActions {
  run(): void;
  runAndAdvance(): void;
  runAndInsertBelow(): void;
  /** Leave the editor for the canvas. */
  rest(): void;
  undo(): void;
  redo(): void;
  /** Write the file. */
  save(): void;
  /** Make several cells of this one, at the carets. */
  split(): void;
}

export const editorActions = Facet.define<EditorActions, EditorActions | null>({
  combine: (given) => given[0] ?? null,
});

function act(name: keyof EditorActions): Command {
  return ({ state }) => {
    const actions = state.facet(editorActions);
    actions?.[name]();
    return actions !== null;
  };
}

/** Several carets become one first; only then does Escape leave. */
const escape: Command = (view) => simplifySelection(view) || act('rest')(view);

/**
 * Asked of the event, not of the key's name: that is "z" or "Z" by Shift and Caps Lock together, and the wrong one
 * of the two would undo where someone means redo.
 */
export function undoKey(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>,
): 'undo' | 'redo' | null {
  if (event.ctrlKey === event.metaKey || event.altKey || event.key.toLowerCase() !== 'z') return null;
  return event.shiftKey ? 'redo' : 'undo';
}

function undoOrRedo({ state }: EditorView, event: KeyboardEvent): boolean {
  const which = undoKey(event);
  const actions = state.facet(editorActions);
  if (which === null || actions === null) return false;
  actions[which]();
  return true;
}

/** Lines that are selected move; else blanks up to the next stop go in at the caret. */
export const indentOrInsert: Command = (view) => {
  const { state } = view;
  if (state.readOnly) return false;
  if (state.selection.ranges.some((range) => !range.empty)) return indentMore(view);
  const unit = getIndentUnit(state);
  const change = state.changeByRange((range) => {
    const line = state.doc.lineAt(range.head);
    const column = countColumn(line.text.slice(0, range.head - line.from), state.tabSize);
    const blanks = ' '.repeat(unit - (column % unit));
    return {
      changes: { from: range.head, insert: blanks },
      range: EditorSelection.cursor(range.head + blanks.length),
    };
  });
  view.dispatch(change, { scrollIntoView: true, userEvent: 'input' });
  return true;
};

/**
 * First come, first served: ours stand before CodeMirror's. On a Mac Mod is Cmd; Ctrl+Enter runs there as well.
 * Tab stays in the editor; Escape, then Tab, goes on through the page.
 */
export const editorKeys: readonly KeyBinding[] = [
  { key: 'Mod-Enter', run: act('run'), preventDefault: true },
  { key: 'Ctrl-Enter', run: act('run'), preventDefault: true },
  { key: 'Shift-Enter', run: act('runAndAdvance'), preventDefault: true },
  { key: 'Alt-Enter', run: act('runAndInsertBelow'), preventDefault: true },
  { key: 'Escape', run: escape, preventDefault: true },
  { any: undoOrRedo },
  { key: 'Mod-s', run: act('save'), preventDefault: true },
  { key: 'Mod-Shift--', run: act('split'), preventDefault: true },
  { key: 'Ctrl-Shift--', run: act('split'), preventDefault: true },
  { key: 'Mod-y', run: act('redo'), preventDefault: true },
  { key: 'Tab', run: indentOrInsert, shift: indentLess },
  { key: 'Mod-d', run: selectNextOccurrence, preventDefault: true },
  { key: 'Mod-Shift-l', run: selectSelectionMatches, preventDefault: true },
  ...closeBracketsKeymap,
  ...defaultKeymap,
];
