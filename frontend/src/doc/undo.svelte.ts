/** One undo stack for each person, over text, layout and graphs together. */
import * as Y from 'yjs';

// Yjs types its events by the type they come from, and an undo step holds those of all types.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Event = Y.YEvent<any>;
type Shared = Y.AbstractType<Event>;

/** The origin of every edit of this page that can be undone; editors add their own. */
export const MINE = Symbol('mine');

/** So many milliseconds of work leave a frame the time for the rest. */
const SLICE = 6;

/** What an undo or redo did. */
export interface Revisited {
  readonly type: 'undo' | 'redo';
  /** The cells that it changed, also those that came back. */
  readonly ids: readonly string[];
  /** How many cells are no longer there. */
  readonly gone: number;
}

export class Undo {
  readonly manager: Y.UndoManager;
  #canUndo = $state(false);
  #canRedo = $state(false);
  #touched = new Set<string>();
  #gone = 0;
  readonly #listeners = new Set<(what: Revisited) => void>();

  constructor(readonly doc: Y.Doc) {
    // The whole document: cells are roots of their own, and new ones appear.
    this.manager = new Y.UndoManager(doc, { trackedOrigins: new Set([MINE]), captureTimeout: 500 });
    this.manager.on('stack-item-added', this.#refresh);
    this.manager.on('stack-cleared', this.#refresh);
    this.manager.on('stack-item-popped', this.#popped);
    doc.on('afterTransaction', this.#ending);
  }

  readonly #refresh = (): void => {
    this.#canUndo = this.manager.canUndo();
    this.#canRedo = this.manager.canRedo();
  };

  // What changed can be read only while the transaction ends; the manager says that it was an undo afterwards.
  readonly #ending = (transaction: Y.Transaction): void => {
    if (transaction.origin !== this.manager) return;
    this.#touched = new Set();
    this.#gone = 0;
    for (const [type, events] of transaction.changedParentTypes) {
      if (rootName(type) === 'cells') this.#gone += balance(events);
      for (const id of touched(type, events)) this.#touched.add(id);
    }
  };

  readonly #popped = ({ type }: { type: 'undo' | 'redo' }): void => {
    this.#refresh();
    const what = { type, ids: [...this.#touched], gone: Math.max(0, this.#gone) };
    this.#touched = new Set();
    this.#gone = 0;
    if (what.ids.length + what.gone > 0) for (const listener of this.#listeners) listener(what);
  };

  get canUndo(): boolean {
    return this.#canUndo;
  }
  get canRedo(): boolean {
    return this.#canRedo;
  }

  undo(): void {
    this.manager.undo();
  }
  redo(): void {
    this.manager.redo();
  }

  /** One step of its own: neither joined to what came before nor to what comes after. */
  step<T>(change: () => T): T {
    this.manager.stopCapturing();
    const result = this.doc.transact(change, MINE);
    this.manager.stopCapturing();
    return result;
  }

  /**
   * One step as well, for what takes longer than a frame: as many parts at a time as fit into one, and others may act
   * between them.
   */
  async gradually(parts: readonly (() => void)[]): Promise<void> {
    const { manager } = this;
    const { captureTimeout } = manager;
    let at = 0;
    manager.stopCapturing();
    manager.captureTimeout = Infinity;
    try {
      while (at < parts.length) {
        const until = performance.now() + SLICE;
        this.doc.transact(() => {
          do parts[at++]?.();
          while (at < parts.length && performance.now() < until);
        }, MINE);
        if (at < parts.length) await new Promise((resolve) => setTimeout(resolve));
      }
    } finally {
      manager.captureTimeout = captureTimeout;
      manager.stopCapturing();
    }
  }

  /** Told what an undo or redo has changed, so that it never acts out of sight. */
  onRevisit(listener: (what: Revisited) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  destroy(): void {
    this.doc.off('afterTransaction', this.#ending);
    this.manager.destroy();
    this.#listeners.clear();
  }
}

const GRAPHS = new Set(['np_graph', 'pc_graph']);
const NOT_CELLS = new Set(['cells', 'run_queue', 'kernel', 'nb_path', 'notebook', ...GRAPHS]);

/** The ids of the cells that a changed shared type belongs to, or names. */
function touched(type: Shared, events: readonly Event[]): string[] {
  const root = rootName(type);
  if (root === null) return [];
  if (!NOT_CELLS.has(root)) return [root];
  const ids: string[] = [];
  for (const event of events) {
    if (GRAPHS.has(root))
      ids.push(...(event.target === type ? event.keys.keys() : []), String(event.path[0] ?? ''));
    if (root !== 'cells') continue;
    for (const part of event.delta) if (Array.isArray(part.insert)) ids.push(...part.insert.map(String));
  }
  return ids.filter((id) => id !== '');
}

/** How many fewer there are; one that is moved is taken out and put in. */
function balance(events: readonly Event[]): number {
  let fewer = 0;
  for (const event of events)
    for (const part of event.delta)
      fewer += (part.delete ?? 0) - (Array.isArray(part.insert) ? part.insert.length : 0);
  return fewer;
}

function rootName(type: Shared): string | null {
  let at = type;
  for (let item = at._item; item !== null; item = at._item) at = item.parent as Shared;
  for (const [name, root] of at.doc?.share ?? []) if (root === at) return name;
  return null;
}
