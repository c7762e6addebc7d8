/** What an editor's keys do, in words: for the sheet of keys. A test holds them to the bindings of editor/keys.ts. */

/** CodeMirror's own notation; what the whole page has is in the command table. */
export const EDITOR_KEYS: readonly (readonly [what: string, keys: readonly string[]])[] = [
  ['Leave the editor', ['Escape']],
  ['Split the cell here', ['Mod-Shift--']],
  ['Complete, or indent', ['Tab']],
  ['What is this? Or unindent', ['Shift-Tab']],
  ['Comment, or no longer', ['Mod-/']],
  ['Select the next one of these', ['Mod-d']],
  ['Select all of these', ['Mod-Shift-l']],
  ['A caret above, below', ['Mod-Alt-ArrowUp', 'Mod-Alt-ArrowDown']],
  ['Move lines', ['Alt-ArrowUp', 'Alt-ArrowDown']],
  ['Copy lines', ['Shift-Alt-ArrowUp', 'Shift-Alt-ArrowDown']],
  ['Delete lines', ['Shift-Mod-k']],
  ['Indent, unindent', ['Mod-]', 'Mod-[']],
];

/** In the command table's notation. */
export function asTable(keys: string): string {
  const parts = keys.split(/-(?=.)/).map((part) => (part.length === 1 ? part.toUpperCase() : part));
  const held = ['Mod', 'Alt', 'Shift'].filter((each) => parts.slice(0, -1).includes(each));
  return [...held, parts.at(-1)].join('+');
}
