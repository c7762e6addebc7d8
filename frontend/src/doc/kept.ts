/**
 * The copy of the document that this browser keeps, in IndexedDB: edits survive the tab, also without a link.
 *
 * One database a notebook. `theirs` are updates that the server holds, in order and folded into one when there are
 * many; `mine` are edits whose durability no server has confirmed yet, by tab and number. So the copy knows what was
 * never sent when it meets another lineage of the document (a server that had to begin anew): it sets that aside as
 * changes of cells before a byte is merged.
 *
 * Each write is its own transaction and committed explicitly: one that is left to commit by itself waits for this
 * page's event loop, and a tab that is closed right after a keystroke has none any more.
 */
import { createStores, openDB, rtop } from 'lib0/indexeddb';
import * as Y from 'yjs';
import { newCellId } from './ids';
import type { Change } from './rebase';

const THEIRS = 'theirs';
const MINE = 'mine';
const META = 'meta';
/** So many updates are folded into one, after this many ms without a further one. */
const FOLD_AT = 500;
const QUIET = 1000;

type MineKey = [epoch: string, tab: string, edit: number];

export class KeptCopy {
  readonly #tab = newCellId();
  #found: { key: IDBValidKey; update: Uint8Array }[] = [];
  #foundUpTo = 0;
  #mine: { edit: number; update: Uint8Array }[] = [];
  #count = 0;
  #folding: ReturnType<typeof setTimeout> | undefined;
  #broken = false;

  private constructor(
    readonly db: IDBDatabase,
    readonly epoch: string,
    readonly failed: (reason: unknown) => void,
  ) {}

  /**
   * What this browser has of the notebook in the lineage `epoch`. Rejects where it has no storage; `failed` hears
   * later of the first write that did not succeed.
   */
  static async open(
    notebook: string,
    epoch: string,
    failed: (reason: unknown) => void,
  ): Promise<{ copy: KeptCopy; contents: Contents }> {
    const db = await openDB(`ganimede:${notebook}`, (made) =>
      createStores(made, [[THEIRS, { autoIncrement: true }], [MINE], [META]]),
    );
    const copy = new KeptCopy(db, epoch, failed);
    return { copy, contents: await copy.#read() };
  }

  async #read(): Promise<Contents> {
    const [theirs, mine, meta] = this.#begin(THEIRS, MINE, META) as [
      IDBObjectStore,
      IDBObjectStore,
      IDBObjectStore,
    ];
    const all = <T>(request: IDBRequest): Promise<T> => rtop(request) as Promise<T>;
    const [updates, edits, keys, held, aside] = await Promise.all([
      all<Uint8Array[]>(theirs.getAll()),
      all<Uint8Array[]>(mine.getAll()),
      all<IDBValidKey[]>(mine.getAllKeys()),
      all<string | undefined>(meta.get('epoch')),
      all<Change[] | undefined>(meta.get('aside')),
    ]);
    if (held === this.epoch) {
      const found = edits.map((update, n) => ({ key: keys[n] as MineKey, update }));
      this.#found = found.filter(({ key }) => key[0] === this.epoch);
      this.#count = updates.length;
      return { theirs: updates, mine: this.#found.map(({ update }) => update), aside: aside ?? [] };
    }
    return this.#beginAnew([...(aside ?? []), ...(await changesOf(updates, edits))]);
  }

  /** Another lineage: its bytes must never meet these. */
  #beginAnew(left: Change[]): Contents {
    const stores = this.#begin(THEIRS, MINE, META);
    stores[0]?.clear();
    stores[1]?.clear();
    stores[2]?.put(left, 'aside');
    stores[2]?.put(this.epoch, 'epoch');
    stores[0]?.transaction.commit();
    return { theirs: [], mine: [], aside: left };
  }

  #begin(...names: string[]): IDBObjectStore[] {
    const transaction = this.db.transaction(names, 'readwrite');
    transaction.onabort = () => this.#fail(transaction.error);
    return names.map((name) => transaction.objectStore(name));
  }

  /** Once: a full disk would say it at every keystroke. */
  #fail(reason: unknown): void {
    if (this.#broken) return;
    this.#broken = true;
    this.failed(reason);
  }

  #write(names: string[], change: (...stores: IDBObjectStore[]) => void): void {
    try {
      const stores = this.#begin(...names);
      change(...stores);
      stores[0]?.transaction.commit();
    } catch (error) {
      this.#fail(error);
    }
  }

  #key(edit: number): MineKey {
    return [this.epoch, this.#tab, edit];
  }

  /** The edit of this tab with this number, counted from 1. */
  keepMine(update: Uint8Array, edit: number): void {
    this.#mine.push({ edit, update });
    this.#write([MINE], (mine) => mine?.put(update, this.#key(edit)));
  }

  keepTheirs(update: Uint8Array): void {
    this.#write([THEIRS], (theirs) => theirs?.add(update));
    this.#count += 1;
    if (this.#count < FOLD_AT) return;
    clearTimeout(this.#folding);
    this.#folding = setTimeout(() => void this.#fold().catch((error: unknown) => this.#fail(error)), QUIET);
  }

  /** What was found when the copy was opened counts among the edits up to this one. */
  claimFound(edit: number): void {
    this.#foundUpTo = edit;
  }

  /** The server holds the edits up to this one. */
  confirm(edit: number): void {
    const held = this.#mine.filter((each) => each.edit <= edit);
    if (held.length === 0 && this.#found.length === 0) return;
    this.#mine = this.#mine.filter((each) => each.edit > edit);
    const found = edit >= this.#foundUpTo ? this.#found : [];
    if (edit >= this.#foundUpTo) this.#found = [];
    this.#write([THEIRS, MINE], (theirs, mine) => {
      for (const { update, edit: number } of held) {
        theirs?.add(update);
        mine?.delete(this.#key(number));
      }
      // Another tab may have done the same: an update twice is an update.
      for (const { key, update } of found) {
        theirs?.add(update);
        mine?.delete(key);
      }
    });
    this.#count += held.length + found.length;
  }

  /** What of an earlier lineage could not be placed, until somebody says that it may go. */
  setAside(changes: readonly Change[]): void {
    this.#write([META], (meta) => meta?.put(changes, 'aside'));
  }

  /** One update in place of all, in one transaction. Another tab's are among them, so one document will not do. */
  async #fold(): Promise<void> {
    const [store] = this.#begin(THEIRS);
    if (store === undefined) return;
    const updates = (await rtop(store.getAll())) as Uint8Array[];
    const whole = new Y.Doc();
    whole.transact(() => updates.forEach((update) => Y.applyUpdate(whole, update)));
    store.clear();
    store.add(Y.encodeStateAsUpdate(whole));
    store.transaction.commit();
    whole.destroy();
    this.#count = 1;
  }

  close(): void {
    clearTimeout(this.#folding);
    this.db.close();
  }
}

/** Seldom needed, so it is fetched then: the server is there. */
async function changesOf(theirs: readonly Uint8Array[], mine: readonly Uint8Array[]): Promise<Change[]> {
  if (mine.length === 0) return [];
  return (await import('./rebase')).unsynced(theirs, mine);
}

export interface Contents {
  readonly theirs: readonly Uint8Array[];
  /** Of this and other tabs, also of those that are gone. */
  readonly mine: readonly Uint8Array[];
  /** Changes of cells from an earlier lineage that are still to be placed. */
  readonly aside: readonly Change[];
}
