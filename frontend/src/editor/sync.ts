/**
 * An editor's document and a shared text, kept the same, with the typing in this person's undo stack.
 *
 * Ours rather than y-codemirror's: there an object that a peer puts into a text, which Yjs allows, makes CodeMirror
 * loop for ever on every page that shows the cell; and where a caret was is forgotten with its editor.
 */
import { Annotation, EditorSelection, type Extension } from '@codemirror/state';
import { EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view';
import * as Y from 'yjs';

/** Marks what came from the shared text: it does not go back there. */
const shared = Annotation.define<true>();

/** Stands for something in the text that is no text. It counts as one character on both sides. */
const OBJECT = '\uFFFC';

interface Part {
  insert?: unknown;
  delete?: number;
  retain?: number;
}

const written = (insert: unknown): string => (typeof insert === 'string' ? insert : OBJECT);

/** The text as an editor has it: as long as the shared one, whatever that holds. */
export function editorText(text: Y.Text): string {
  const plain = text.toString();
  if (plain.length === text.length) return plain;
  return (text.toDelta() as Part[]).map((part) => written(part.insert)).join('');
}

function changesOf(delta: readonly Part[]): { from: number; to: number; insert: string }[] {
  const changes = [];
  let at = 0;
  for (const part of delta) {
    if (part.insert !== undefined) changes.push({ from: at, to: at, insert: written(part.insert) });
    else if (part.delete !== undefined) {
      changes.push({ from: at, to: at + part.delete, insert: '' });
      at += part.delete;
    } else at += part.retain ?? 0;
  }
  return changes;
}

interface Selected {
  anchor: Y.RelativePosition;
  head: Y.RelativePosition;
}

function toShared(text: Y.Text, { anchor, head }: { anchor: number; head: number }): Selected {
  const at = (index: number): Y.RelativePosition => Y.createRelativePositionFromTypeIndex(text, index);
  return { anchor: at(anchor), head: at(head) };
}

/** Null if what it was in has gone. */
export function fromShared(
  text: Y.Text,
  { anchor, head }: Selected,
): { anchor: number; head: number } | null {
  const { doc } = text;
  if (doc === null) return null;
  const [from, to] = [anchor, head].map((each) => Y.createAbsolutePositionFromRelativePosition(each, doc));
  return from?.type === text && to?.type === text ? { anchor: from.index, head: to.index } : null;
}

/** Where someone's caret was last in a text, also when its editor has gone: it comes back there. */
const lastSelections = new WeakMap<Y.Text, Selected>();

export function lastSelection(text: Y.Text): { anchor: number; head: number } | null {
  const last = lastSelections.get(text);
  return last === undefined ? null : fromShared(text, last);
}

interface StackEvent {
  stackItem: { meta: Map<unknown, unknown> };
  changedParentTypes: Map<unknown, unknown>;
}

/** Also the origin of its edits: undo managers know it by its class. */
export class TextSync {
  #before: Selected;

  constructor(
    readonly view: EditorView,
    readonly text: Y.Text,
    readonly undoManager: Y.UndoManager,
  ) {
    undoManager.addTrackedOrigin(TextSync);
    undoManager.on('stack-item-added', this.#added);
    undoManager.on('stack-item-popped', this.#popped);
    text.observe(this.#changed);
    this.#before = toShared(text, view.state.selection.main);
  }

  readonly #changed = (event: Y.YTextEvent, transaction: Y.Transaction): void => {
    if (transaction.origin === this) return;
    this.view.dispatch({ changes: changesOf(event.delta as Part[]), annotations: shared.of(true) });
  };

  update(update: ViewUpdate): void {
    const foreign = update.transactions.some((each) => each.annotation(shared) === true);
    if (update.docChanged && !foreign) this.#write(update);
    if (update.selectionSet || update.docChanged) {
      this.#before = toShared(this.text, update.state.selection.main);
      lastSelections.set(this.text, this.#before);
    }
  }

  #write(update: ViewUpdate): void {
    this.text.doc?.transact(() => {
      let shift = 0;
      update.changes.iterChanges((from, to, _from, _to, inserted) => {
        const insert = inserted.sliceString(0, inserted.length, '\n');
        if (to > from) this.text.delete(from + shift, to - from);
        if (insert !== '') this.text.insert(from + shift, insert);
        shift += insert.length - (to - from);
      });
    }, this);
  }

  /** Undo puts the caret back to where it was before what it undoes. */
  readonly #added = ({ stackItem, changedParentTypes }: StackEvent): void => {
    if (changedParentTypes.has(this.text) && !stackItem.meta.has(this.text)) {
      stackItem.meta.set(this.text, this.#before);
    }
  };

  readonly #popped = ({ stackItem }: StackEvent): void => {
    const before = stackItem.meta.get(this.text) as Selected | undefined;
    const at = before === undefined ? null : fromShared(this.text, before);
    if (at === null) return;
    this.view.dispatch({ selection: EditorSelection.single(at.anchor, at.head), scrollIntoView: true });
  };

  destroy(): void {
    this.text.unobserve(this.#changed);
    this.undoManager.off('stack-item-added', this.#added);
    this.undoManager.off('stack-item-popped', this.#popped);
  }
}

export function sharedText(text: Y.Text, undoManager: Y.UndoManager): Extension {
  return ViewPlugin.define((view) => new TextSync(view, text, undoManager));
}
