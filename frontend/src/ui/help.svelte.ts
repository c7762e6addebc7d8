/** Whether the list of gestures and keys is open. */
class Help {
  open = $state(false);

  toggle(): void {
    this.open = !this.open;
  }
}

export const help = new Help();

const MOD = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? '') ? '⌘' : 'Ctrl+';

/** What it says, by subject; README.md has the same table. */
export const HELP: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    'Canvas',
    [
      ['Move around', 'drag the canvas, wheel, Space+drag'],
      ['Zoom', `${MOD}wheel, pinch, + and -`],
      ['Everything, selection, 100 %', '1, 2, 0'],
      ['New cell', 'double-click'],
      ['Select several', 'Shift+drag, Shift+click'],
      ['Undo, redo', `${MOD}Z, ${MOD}Shift+Z`],
      ['Save to the file', `${MOD}S`],
    ],
  ],
  [
    'Running',
    [
      ['Run', `${MOD}Enter`],
      ['Run and go on', 'Shift+Enter'],
      ['Run and insert below', 'Alt+Enter'],
      ['All, above, to here, a tissue', 'the arrow beside Run, a cell’s menu'],
      ['Move in the queue, cancel', 'drag in its panel, Alt+arrows, Del'],
    ],
  ],
  [
    'Cells',
    [
      ['Move', 'drag the top of the cell, Alt+arrows'],
      ['Into a tissue, and out', 'drag it there'],
      ['What comes next', 'drag from a dot at the border to another cell'],
      ['Width', 'drag the right border'],
      ['Go to another', 'arrow keys'],
      ['Edit, leave', 'Enter, Esc'],
      ['Complete, what is this?', 'Tab, Shift+Tab in an editor'],
      ['New above, below', 'A, B'],
      ['Code, markdown', 'Y, M'],
      ['Copy, cut, paste', `${MOD}C, ${MOD}X, ${MOD}V`],
      ['Duplicate', `${MOD}D`],
      ['Delete', 'Del or D D'],
    ],
  ],
];
