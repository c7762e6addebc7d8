/** Find and replace over the whole notebook: what is looked for, what was found, which of it is meant now. */
import { shownAs } from '../canvas/mode.svelte';
import type { Board } from '../canvas/board.svelte';
import { PLAIN_BELOW } from '../canvas/stage.svelte';
import { replaceIn } from '../doc/replace';
import type { Output } from '../doc/values';
import { stripAnsi } from '../output/ansi';
import { textOf } from '../output/bundle';
import { toast } from '../ui/toasts.svelte';
import { indexFrom, wrongWith, type Found, type Match, type Place, type Query, type Text } from './query';
import { Overtaken, Searcher, TooLong } from './searcher';

const NOTHING: Found = { matches: [], more: false };
const NO_MARKS: readonly Mark[] = [];
/** No cell shows more of them. */
const MOST_MARKS = 500;
/** Above its text, and a line of it, in canvas pixels: as cell/Header.svelte and editor.css have them. */
const HEADER = 40;
const LINE = 1.5;

export interface Mark {
  readonly from: number;
  readonly to: number;
  /** The one that is meant now. */
  readonly now: boolean;
}

export class Finder {
  open = $state(false);
  replacing = $state(false);
  query: Query = $state.raw({ text: '', cases: false, word: false, regex: false });
  replacement = $state('');
  outputs = $state(false);
  /** Only in these; null: everywhere. */
  scope: ReadonlySet<string> | null = $state.raw(null);
  #found: Found = $state.raw(NOTHING);
  #at = $state(-1);
  #wrong = $state('');
  readonly #searcher = new Searcher();

  readonly #marks: ReadonlyMap<string, readonly Match[]> = $derived(grouped(this.#found.matches));
  readonly now: Match | null = $derived(this.open ? (this.#found.matches[this.#at] ?? null) : null);

  /** Gives the keyboard to the field; the panel sets it. */
  focus: (() => void) | null = null;

  constructor(readonly board: Board) {}

  get found(): Found {
    return this.#found;
  }
  /** The place of the one that is meant, from 1; 0: none is. */
  get place(): number {
    return this.#at + 1;
  }
  /** What is wrong with the pattern, or with the search, as a sentence. */
  get wrong(): string {
    return this.#wrong;
  }

  /** What is marked in the text of a cell. */
  marksOf(cell: string): readonly Mark[] {
    const matches = this.open ? this.#marks.get(cell) : undefined;
    if (matches === undefined) return NO_MARKS;
    const { now } = this;
    return matches
      .slice(0, MOST_MARKS)
      .map((match) => ({ from: match.from, to: match.to, now: match === now }));
  }

  show(replacing: boolean): void {
    const chosen = document.getSelection()?.toString() ?? '';
    if (chosen !== '' && chosen.length < 200 && !chosen.includes('\n'))
      this.query = { ...this.query, text: chosen };
    this.replacing ||= replacing;
    this.open = true;
    this.focus?.();
  }

  close(): void {
    const { now } = this;
    this.open = false;
    this.#found = NOTHING;
    this.#at = -1;
    this.scope = null;
    this.#searcher.end();
    if (now !== null && this.board.session.notebook.has(now.cell)) this.board.goTo(now.cell);
  }

  change(query: Partial<Query>): void {
    this.query = { ...this.query, ...query };
  }

  /** In the cells that are selected now, or everywhere again. */
  narrow(): void {
    const { selection } = this.board;
    this.scope = this.scope === null && selection.size > 0 ? new Set(selection) : null;
  }

  #texts(): Text[] {
    const { scene, session } = this.board;
    const { scope } = this;
    return scene.order.flatMap((id): Text[] => {
      if (scope !== null && !scope.has(id)) return [];
      const cell = session.notebook.cell(id);
      const source: Text = { cell: id, part: 'source', text: cell.text };
      if (!this.outputs || cell.outputs.length === 0) return [source];
      return [source, { cell: id, part: 'outputs', text: cell.outputs.map(saidBy).join('\n') }];
    });
  }

  /** Look again; `reveal`: and show the next one, from here or from where the person is. */
  async look(reveal: boolean, from: Place | null = this.now): Promise<void> {
    const texts = this.#texts();
    const found = await this.#ask(texts, null);
    if (found === null) return;
    const { board } = this;
    const current: Place | null =
      board.current === null ? null : { cell: board.current, part: 'source', from: 0 };
    this.#found = found;
    this.#at = indexFrom(found.matches, from ?? current, (id) => board.scene.numbers.get(id) ?? Infinity);
    if (reveal) this.#reveal();
  }

  /** Null: it was told why, or something else is asked already. */
  async #ask(texts: readonly Text[], replacement: string | null): Promise<Found | null> {
    const { query } = this;
    this.#wrong = wrongWith(query);
    if (query.text === '' || this.#wrong !== '') {
      this.#searcher.end();
      this.#none();
      return null;
    }
    try {
      const found = await this.#searcher.ask(texts, query, replacement);
      return this.open ? found : null;
    } catch (error) {
      if (error instanceof Overtaken) return null;
      this.#none();
      this.#wrong =
        error instanceof TooLong
          ? 'This pattern takes too long; a simpler one is needed.'
          : (error as Error).message;
      return null;
    }
  }

  #none(): void {
    this.#found = NOTHING;
    this.#at = -1;
  }

  /** The next one, or the one before; around the end to the beginning. */
  step(by: 1 | -1): void {
    const { length } = this.#found.matches;
    if (length === 0) return;
    this.#at = (this.#at + by + length) % length;
    this.#reveal();
  }

  /** The cell into sight and, of a long one, the line. */
  #reveal(): void {
    const { board, now } = this;
    const rect = now === null ? undefined : board.scene.layout.cells.get(now.cell);
    if (now === null || rect === undefined) return;
    board.rest();
    board.select([now.cell]);
    if (shownAs.document) return board.read(now.cell);
    board.stage.look();
    if (board.viewport.zoom < PLAIN_BELOW) return board.viewport.approach(rect);
    const { session } = board;
    const height = session.config.codeSize * LINE;
    const before = session.notebook.cell(now.cell).text.slice(0, now.from).split('\n').length - 1;
    const top = Math.min(rect.top + HEADER + before * height, rect.top + rect.height - height);
    board.viewport.reveal(now.part === 'outputs' ? rect : { ...rect, top: top - height, height: 3 * height });
  }

  async replaceOne(): Promise<void> {
    const { now } = this;
    if (now === null) return;
    if (now.part === 'outputs') return this.step(1);
    let behind = now.to;
    await this.#replace(({ cell, from, to, insert = '' }) => {
      const is = cell === now.cell && from === now.from && to === now.to;
      if (is) behind = from + insert.length;
      return is;
    });
    await this.look(true, { ...now, from: behind });
  }

  async replaceAll(): Promise<void> {
    const count = await this.#replace(() => true);
    if (count === null) return;
    const { undo } = this.board.session;
    const text = `${count} ${count === 1 ? 'place' : 'places'} replaced.`;
    toast({ level: 'info', text, ...(count > 0 && { action: { label: 'Undo', run: () => undo.undo() } }) });
    await this.look(false);
  }

  /** How many; null: it could not be looked for. */
  async #replace(which: (match: Match) => boolean): Promise<number | null> {
    const texts = this.#texts().filter(({ part }) => part === 'source');
    const found = await this.#ask(texts, this.replacement);
    if (found === null) return null;
    const edits = new Map<string, { from: number; to: number; insert: string }[]>();
    for (const match of found.matches.filter(which)) {
      const { cell, from, to, insert = '' } = match;
      edits.set(cell, [...(edits.get(cell) ?? []), { from, to, insert }]);
    }
    const searched = new Map(texts.map(({ cell, text }) => [cell, text]));
    const { done, left } = await replaceIn(this.board.session.acts, edits, searched);
    if (left > 0)
      toast({ level: 'warning', text: `${left} of the cells changed meanwhile and stayed as they are.` });
    return done;
  }

  destroy(): void {
    this.#searcher.end();
  }
}

function grouped(matches: readonly Match[]): Map<string, Match[]> {
  const by = new Map<string, Match[]>();
  for (const match of matches) {
    if (match.part !== 'source') continue;
    const known = by.get(match.cell);
    if (known === undefined) by.set(match.cell, [match]);
    else known.push(match);
  }
  return by;
}

/** What of an output is text. */
function saidBy(output: Output): string {
  const { text, data, traceback, evalue } = output;
  if (text !== undefined) return stripAnsi(textOf(text));
  if (Array.isArray(traceback) && traceback.length > 0) return stripAnsi(traceback.map(String).join('\n'));
  if (typeof evalue === 'string') return evalue;
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? textOf(data['text/plain']) : '';
}
