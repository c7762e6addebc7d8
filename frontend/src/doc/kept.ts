/**
 * The copy of the document that this browser keeps, in IndexedDB: edits survive the tab, also without a link.
 *
 * A store of Yjs updates in the order they were made, folded into one when there are many. Each write is its own
 * transaction and committed explicitly: one that is left to commit by itself waits for this page's event loop, and a
 * tab that is closed right after a keystroke has none any more.
 */
import { createStores, openDB, rtop } from 'lib0/indexeddb';
import * as Y from 'yjs';

const STORE = 'updates';
/** So many updates are folded into one, after this many ms without a further one. */
const FOLD_AT = 500;
const QUIET = 1000;

export class KeptCopy {
  #count = 0;
  #folding: ReturnType<typeof setTimeout> | undefined;
  #broken = false;

  private constructor(
    readonly db: IDBDatabase,
    readonly doc: Y.Doc,
    readonly failed: (reason: unknown) => void,
  ) {}

  /**
   * Keeps every update of `doc` from now on, and reads what was kept under `name` into it (the origin is the copy).
   * Rejects where the browser has no storage; `failed` hears later of the first write that did not succeed.
   */
  static async open(name: string, doc: Y.Doc, failed: (reason: unknown) => void): Promise<KeptCopy> {
    const db = await openDB(name, (made) => createStores(made, [[STORE, { autoIncrement: true }]]));
    const kept = new KeptCopy(db, doc, failed);
    const before = Y.encodeStateAsUpdate(doc);
    doc.on('update', kept.#keep);
    const updates = (await rtop(kept.#begin().getAll())) as Uint8Array[];
    kept.#count = updates.length;
    if (doc.store.clients.size > 0) kept.#keep(before, null);
    doc.transact(() => updates.forEach((update) => kept.#apply(update)), kept);
    return kept;
  }

  #apply(update: Uint8Array): void {
    try {
      Y.applyUpdate(this.doc, update, this);
    } catch (error) {
      console.warn('An edit that this browser kept cannot be read:', error);
    }
  }

  #begin(): IDBObjectStore {
    const transaction = this.db.transaction(STORE, 'readwrite');
    transaction.onabort = () => this.#fail(transaction.error);
    return transaction.objectStore(STORE);
  }

  /** Once: a full disk would say it at every keystroke. */
  #fail(reason: unknown): void {
    if (this.#broken) return;
    this.#broken = true;
    this.failed(reason);
  }

  readonly #keep = (update: Uint8Array, origin: unknown): void => {
    if (origin !== this) this.#write(update);
  };

  /** Keeps `update`, which `apply` brings into the document, as it is: not as yjs would encode it again. */
  take(update: Uint8Array, apply: () => void): void {
    this.doc.off('update', this.#keep);
    try {
      apply();
    } finally {
      this.doc.on('update', this.#keep);
    }
    this.#write(update);
  }

  #write(update: Uint8Array): void {
    try {
      const store = this.#begin();
      store.add(update);
      store.transaction.commit();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#count += 1;
    if (this.#count < FOLD_AT) return;
    clearTimeout(this.#folding);
    this.#folding = setTimeout(() => void this.#fold().catch((error: unknown) => this.#fail(error)), QUIET);
  }

  /** One update in place of all, in one transaction. Another tab's are among them, so this doc alone will not do. */
  async #fold(): Promise<void> {
    const store = this.#begin();
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
    this.doc.off('update', this.#keep);
    this.db.close();
  }
}
