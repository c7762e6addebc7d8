/**
 * Where others write: their selections and carets with their names, from the awareness field `cursor`
 * ({anchor, head} as relative positions, the form of y-codemirror), and this person's, written there.
 *
 * Ours rather than y-codemirror's: whatever a peer writes into its state ends up in a style attribute there, each
 * change of anybody's caret redraws every editor, and a caret stays behind where its person has left.
 */
import { Annotation, RangeSet, type Extension, type Range } from '@codemirror/state';
import {
  Decoration,
  EditorView,
  ViewPlugin,
  WidgetType,
  type DecorationSet,
  type ViewUpdate,
} from '@codemirror/view';
import * as Y from 'yjs';
import type { EditorAwareness } from '../doc/people.svelte';
import { inkOn } from './ink';

const moved = Annotation.define<true>();

interface Caret {
  readonly client: number;
  readonly name: string;
  readonly color: string;
  readonly anchor: number;
  readonly head: number;
}

const isColor = (value: unknown): value is string =>
  typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value);

function position(value: unknown, text: Y.Text): number | null {
  if (typeof value !== 'object' || value === null || text.doc === null) return null;
  try {
    const found = Y.createAbsolutePositionFromRelativePosition(
      Y.createRelativePositionFromJSON(value),
      text.doc,
      false,
    );
    return found?.type === text ? Math.min(found.index, text.length) : null;
  } catch {
    return null; // Not what a position looks like: the peer's mistake, not ours to fall over.
  }
}

/** Somebody's caret, if it is in this text. */
export function readCaret(
  client: number,
  state: Record<string, unknown> | undefined,
  text: Y.Text,
): Caret | null {
  const cursor = state?.['cursor'] as { anchor?: unknown; head?: unknown } | null | undefined;
  if (typeof cursor !== 'object' || cursor === null) return null;
  const head = position(cursor.head, text);
  const anchor = position(cursor.anchor, text);
  if (head === null || anchor === null) return null;
  const user = (state?.['user'] ?? {}) as { name?: unknown; color?: unknown };
  const name =
    typeof user.name === 'string' && user.name.trim() !== '' ? user.name.trim().slice(0, 40) : 'Guest';
  return { client, name, color: isColor(user.color) ? user.color : '#5f5b53', anchor, head };
}

class CaretWidget extends WidgetType {
  constructor(
    readonly caret: Caret,
    readonly below: boolean,
  ) {
    super();
  }
  // A caret that has moved is a new element: its name shows again and fades again.
  override eq({ caret, below }: CaretWidget): boolean {
    const own = this.caret;
    return (
      own.client === caret.client &&
      own.name === caret.name &&
      own.color === caret.color &&
      own.head === caret.head &&
      this.below === below
    );
  }
  override toDOM(): HTMLElement {
    const dom = document.createElement('span');
    dom.className = this.below ? 'peer-caret below' : 'peer-caret';
    dom.style.setProperty('--peer', this.caret.color);
    dom.style.setProperty('--peer-ink', inkOn(this.caret.color));
    dom.setAttribute('aria-hidden', 'true');
    const name = document.createElement('span');
    name.className = 'peer-name';
    name.textContent = this.caret.name;
    // Blanks of no width keep the element a line high without moving the text.
    dom.append('\u2060', name);
    return dom;
  }
  override ignoreEvent(): boolean {
    return true;
  }
  override get estimatedHeight(): number {
    return -1;
  }
}

function decorate(view: EditorView, carets: Iterable<Caret>): DecorationSet {
  const ranges: Range<Decoration>[] = [];
  const length = view.state.doc.length;
  for (const caret of carets) {
    const head = Math.min(caret.head, length);
    const anchor = Math.min(caret.anchor, length);
    if (head !== anchor) {
      const mark = Decoration.mark({
        class: 'peer-selection',
        attributes: { style: `--peer: ${caret.color}` },
      });
      ranges.push(mark.range(Math.min(head, anchor), Math.max(head, anchor)));
    }
    // The name goes above the caret, but on the first line below it: nothing is drawn outside the editor.
    const below = view.state.doc.lineAt(head).number === 1;
    ranges.push(
      Decoration.widget({ widget: new CaretWidget(caret, below), side: head > anchor ? -1 : 1 }).range(head),
    );
  }
  return ranges.length === 0 ? RangeSet.empty : Decoration.set(ranges, true);
}

class Carets {
  decorations: DecorationSet = RangeSet.empty;
  #carets = new Map<number, Caret>();

  constructor(
    readonly view: EditorView,
    readonly text: Y.Text,
    readonly awareness: EditorAwareness,
  ) {
    awareness.on('change', this.#heard);
    this.#readAll();
  }

  #readAll(): void {
    this.#carets = new Map();
    for (const [client, state] of this.awareness.getStates()) {
      if (client === this.awareness.clientID) continue;
      const caret = readCaret(client, state, this.text);
      if (caret !== null) this.#carets.set(client, caret);
    }
    this.decorations = decorate(this.view, this.#carets.values());
  }

  readonly #heard = (change: { added: number[]; updated: number[]; removed: number[] }): void => {
    const states = this.awareness.getStates();
    const concerns = (client: number): boolean =>
      client !== this.awareness.clientID &&
      (this.#carets.has(client) || readCaret(client, states.get(client), this.text) !== null);
    const clients = [...change.added, ...change.updated, ...change.removed];
    if (clients.some(concerns)) this.view.dispatch({ annotations: moved.of(true) });
  };

  update(update: ViewUpdate): void {
    if (update.selectionSet || update.docChanged || update.focusChanged) this.#tell(update.view);
    const redraw = update.docChanged || update.transactions.some((each) => each.annotation(moved) === true);
    if (redraw) this.#readAll();
  }

  /** This person's caret. It goes when they leave: a caret shows that somebody writes there. */
  #tell(view: EditorView): void {
    if (!view.hasFocus) return;
    const { anchor, head } = view.state.selection.main;
    const at = (index: number): Y.RelativePosition => Y.createRelativePositionFromTypeIndex(this.text, index);
    const cursor = { anchor: at(anchor), head: at(head) };
    // Others' typing moves the caret's number and not its position: nothing to say.
    if (JSON.stringify(cursor) === JSON.stringify(this.awareness.getLocalState()?.['cursor'] ?? null)) return;
    this.awareness.setLocalStateField('cursor', cursor);
  }

  /** Later than the event that says so: it may come in the middle of the page's own redrawing. */
  left(): void {
    queueMicrotask(() => {
      if (this.view.hasFocus && this.view.dom.isConnected) return;
      const cursor = this.awareness.getLocalState()?.['cursor'] as { anchor?: unknown } | null | undefined;
      const here = cursor ? position(cursor.anchor, this.text) !== null : false;
      if (here) this.awareness.setLocalStateField('cursor', null);
    });
  }

  destroy(): void {
    this.awareness.off('change', this.#heard);
    this.left();
  }
}

export function peerCarets(text: Y.Text, awareness: EditorAwareness): Extension {
  return ViewPlugin.define((view) => new Carets(view, text, awareness), {
    decorations: (carets) => carets.decorations,
    eventHandlers: {
      blur() {
        // The window losing focus is not leaving.
        if (document.hasFocus()) this.left();
      },
    },
  });
}
