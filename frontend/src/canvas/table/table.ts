/** Every command of the page. A new one is a line in one of these lists, and nothing else. */
import { ARRANGE } from './arrange';
import { CELLS } from './cells';
import type { Command } from './command';
import { GO } from './go';
import { keyWords } from './keys';
import { KERNEL, RUN } from './run';
import { NOTEBOOK, VIEW } from './view';

export const COMMANDS: readonly Command[] = [
  ...CELLS,
  ...RUN,
  ...KERNEL,
  ...GO,
  ...ARRANGE,
  ...VIEW,
  ...NOTEBOOK,
];

const BY_ID: ReadonlyMap<string, Command> = new Map(COMMANDS.map((each) => [each.id, each]));

/** These come as the browser's own clipboard events, which need no permission. */
const BROWSERS: ReadonlySet<string> = new Set(['Mod+C', 'Mod+X', 'Mod+V']);

/** Key → command, of all keys that the canvas listens to. */
export const BY_KEYS: ReadonlyMap<string, Command> = new Map(
  COMMANDS.flatMap((each) =>
    (each.keys ?? []).filter((keys) => !BROWSERS.has(keys)).map((keys) => [keys, each] as const),
  ),
);

export function command(id: string): Command {
  const found = BY_ID.get(id);
  if (found === undefined) throw new Error(`There is no command "${id}".`);
  return found;
}

/** The key of a command for a menu or a tooltip; empty: it has none. */
export function keysOf(id: string): string {
  const [first] = command(id).keys ?? [];
  return first === undefined ? '' : keyWords(first);
}
