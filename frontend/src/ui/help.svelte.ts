/** Whether the list of gestures and keys is open, and what it says: keys come from the tables that act on them. */
import type { Command, Group } from '../canvas/table/command';
import { keyWords, ON_MAC } from '../canvas/table/keys';

class Help {
  open = $state(false);

  toggle(): void {
    this.open = !this.open;
  }
}

export const help = new Help();

export type Row = readonly [what: string, how: string];

/** What is done with a pointer. */
export const GESTURES: readonly Row[] = [
  ['Move around', 'drag the canvas, wheel, Space+drag'],
  ['Zoom', `${ON_MAC ? '⌘' : 'Ctrl+'}wheel, pinch`],
  ['New cell', 'double-click'],
  ['Select several', 'Shift+drag, Shift+click'],
  ['Move a cell, into a tissue, out', 'drag its top'],
  ['What comes next', 'drag from a dot at the border'],
  ['Width', 'drag the right border'],
  ['Several carets, a rectangle', 'Alt+click, Alt+drag in an editor'],
];

const ORDER: readonly Group[] = ['Cells', 'Run', 'Kernel', 'Go', 'Arrange', 'View', 'Notebook'];

/** The four arrows, or the six levels, are one line: what they have in common, by the word that differs. */
const TOGETHER: readonly (readonly [
  starts: string,
  what: string,
  how: (keys: readonly string[]) => string,
])[] = [
  ['heading ', 'Heading of level 1 to 6', (keys) => `${keys[0]} to ${keys.at(-1)}`],
  ['go ', 'To another cell, along the flow', arrows],
  ['extend ', 'Select further', arrows],
  ['nudge ', 'Push by one step', arrows],
];

function arrows(keys: readonly string[]): string {
  const held = keys[0]?.includes('+') === true ? `${keys[0].split('+').slice(0, -1).join('+')}+` : '';
  const letters = keys.filter((each) => /[A-Z]$/.test(each));
  return [`${held}arrows`, ...letters].join(', ');
}

/** What has keys, by subject. */
export function keyRows(commands: readonly Command[]): (readonly [Group, Row[]])[] {
  return ORDER.map((group) => {
    const rows: Row[] = [];
    const mine = commands.filter((each) => each.group === group && (each.keys ?? []).length > 0);
    for (const each of mine) {
      const shared = TOGETHER.find(([starts]) => each.id.startsWith(starts));
      if (shared === undefined) {
        rows.push([each.title, (each.keys ?? []).map((keys) => keyWords(keys)).join(', ')]);
        continue;
      }
      const [starts, what, how] = shared;
      const all = mine.filter(({ id }) => id.startsWith(starts));
      if (all[0] === each)
        rows.push([what, how(all.flatMap(({ keys }) => keys ?? []).map((keys) => keyWords(keys)))]);
    }
    return [group, rows] as const;
  });
}
