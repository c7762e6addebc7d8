/**
 * The shared document on one connection: sync, awareness, control messages, and the copy that this browser keeps.
 *
 * A connection begins with `notebook.get`: its answer names the epoch, the lineage of the document. Only then is the
 * kept copy read and a byte merged. Edits made without a link stay in the document and in IndexedDB. An edit is
 * unsent until the server says that it is in its journal, and unfiled until it is in the notebook's file: both count
 * the sync updates of this connection (protocol/SPEC.md, S-14).
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import {
  Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from 'y-protocols/awareness';
import { messageYjsSyncStep2, readSyncMessage, writeSyncStep1, writeUpdate } from 'y-protocols/sync';
import * as Y from 'yjs';
import { Connection } from './connection';
import { KeptCopy, type Contents } from './kept';
import type { Change } from './rebase';
import { RequestError, Requests } from './requests';
import { Tally } from './tally.svelte';
import { asObject, type JsonObject } from './values';

const SYNC = 0;
const AWARENESS = 1;
const QUERY_AWARENESS = 3;
const ANNOUNCE = 100;
const DURABLE = 102;
const FILED = 103;
/** How long the kept copy may take to be read before the page goes on without it. */
const KEPT_COPY_PATIENCE = 3000;

export type LinkState = 'connecting' | 'syncing' | 'connected' | 'offline' | 'refused';

export class Room {
  readonly doc = new Y.Doc();
  readonly awareness = new Awareness(this.doc);
  readonly #connection: Connection;
  readonly #requests = new Requests((frame) => this.#connection.send(frame));
  readonly #tally = new Tally();
  readonly #early: Uint8Array[] = [];
  #kept: KeptCopy | null = null;
  #ended = false;
  #epoch: string | null = null;
  #ready = false; // this connection's epoch is ours: frames may be merged

  #state: LinkState = $state('connecting');
  #reason = $state('');
  #retryIn: number | null = $state(null);
  #loaded = $state(false);
  #keeps = $state(true);
  #aside: readonly Change[] = $state.raw([]);

  /** `otherLineage`: the server holds another lineage of the notebook now, and nothing of this room may meet it. */
  constructor(
    url: string,
    readonly pushed: (channel: string, method: string, message: JsonObject) => void,
    readonly otherLineage: () => void = () => undefined,
  ) {
    this.doc.on('update', this.#edited);
    this.awareness.on('update', this.#presence);
    this.#connection = new Connection(url, {
      opened: () => void this.#greet(),
      text: (frame) => this.#hear(frame),
      binary: (frame) => (this.#ready ? this.#merge(frame) : void this.#early.push(frame)),
      closed: (code, reason, retryIn) => this.#lost(code, reason, retryIn),
    });
  }

  get state(): LinkState {
    return this.#state;
  }
  get reason(): string {
    return this.#reason;
  }
  get retryIn(): number | null {
    return this.#retryIn;
  }
  /** Edits of this browser, one per transaction, that are not yet in the server's journal. */
  get unsent(): number {
    return this.#tally.unsent;
  }
  /** The same for the notebook's file. */
  get unfiled(): number {
    return this.#tally.unfiled;
  }
  /** Edits that were made in an earlier lineage and are still to be placed in this one. */
  get aside(): readonly Change[] {
    return this.#aside;
  }
  /** Whether the document was here once: from the server or from the kept copy. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** False where this browser stores nothing: unsent edits are then only in this tab. */
  get keeps(): boolean {
    return this.#keeps;
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  // --------------------------------------------------------------------------------------------- the link's life

  async #greet(): Promise<void> {
    this.#state = 'syncing';
    let path: string, epoch: string;
    try {
      const summary = await this.#requests.ask('notebook', 'get', {}, 'now');
      [path, epoch] = [String(summary['path']), String(summary['epoch'])];
    } catch (error) {
      if (!(error instanceof RequestError) || error.code === 'lost') return;
      this.#reason = error.message;
      // A failed notebook says by itself when it runs again (`notebook.failed`); another refusal does not.
      if (error.code !== 'notebook_failed') setTimeout(() => this.#connection.drop(), 1000);
      return;
    }
    if (this.#epoch !== null && this.#epoch !== epoch) {
      this.#meetOther();
      return;
    }
    if (this.#epoch === null) {
      this.#epoch = epoch;
      await this.#readKeptCopy(path, epoch);
    }
    if (!this.#connection.open) return;
    this.#ready = true;
    this.#tally.begin();
    this.#send(ANNOUNCE, () => undefined);
    this.#send(SYNC, (encoder) => writeSyncStep1(encoder, this.doc));
    // A renewed clock: peers forgot this client when the link was lost.
    this.awareness.setLocalState(this.awareness.getLocalState());
    for (const frame of this.#early.splice(0)) this.#merge(frame);
  }

  /** What was never sent is in the kept copy, and a new room takes it from there; else it is only in this tab. */
  #meetOther(): void {
    const kept = this.#kept !== null || this.unsent === 0;
    this.#refuse(
      kept
        ? 'The notebook was rebuilt from its file meanwhile.'
        : 'The notebook was rebuilt from its file meanwhile. Reload the page to see it; what you wrote since the link was lost is still in this window.',
    );
    if (kept) this.otherLineage();
  }

  /** Waits until it is read, unless that takes too long. */
  async #readKeptCopy(path: string, epoch: string): Promise<void> {
    let late = false;
    const opening = KeptCopy.open(path, epoch, (reason) => this.#keepsNothing(reason)).then(
      ({ copy, contents }) => {
        if (this.#ended) copy.close();
        else this.#takeKept(copy, contents, late);
      },
      (reason: unknown) => this.#keepsNothing(reason),
    );
    const patience = new Promise<void>((resolve) =>
      setTimeout(() => ((late = true), resolve()), KEPT_COPY_PATIENCE),
    );
    await Promise.race([opening, patience]);
  }

  #takeKept(copy: KeptCopy, { theirs, mine, aside }: Contents, late: boolean): void {
    this.#kept = copy;
    this.#aside = aside;
    if (late) copy.keepTheirs(Y.encodeStateAsUpdate(this.doc));
    this.doc.transact(() => {
      for (const update of [...theirs, ...mine]) applyKept(this.doc, update, copy);
    }, copy);
    this.#tally.made(mine.length);
    copy.claimFound(this.#tally.edits);
    // Its edits came behind the sync that would have brought them to the server.
    if (late && this.#ready && mine.length > 0) this.#sendUpdate(Y.encodeStateAsUpdate(this.doc));
  }

  #keepsNothing(reason: unknown): void {
    console.warn('This browser keeps no copy of the notebook:', reason);
    this.#keeps = false;
  }

  /** What is left of the edits of an earlier lineage: none, when all are placed or dismissed. */
  setAside(changes: readonly Change[]): void {
    this.#aside = changes;
    this.#kept?.setAside(changes);
  }

  #synced(): void {
    this.#connection.settled();
    this.#state = 'connected';
    this.#reason = '';
    this.#loaded = true;
    this.#requests.flush();
  }

  #lost(code: number, reason: string, retryIn: number | null): void {
    this.#ready = false;
    this.#early.length = 0;
    this.#retryIn = retryIn;
    this.#reason = reason || (code === 1012 ? 'the server restarts' : 'no connection to the server');
    this.#state = retryIn === null ? 'refused' : 'offline';
    const others = [...this.awareness.getStates().keys()].filter((id) => id !== this.doc.clientID);
    removeAwarenessStates(this.awareness, others, this);
    this.#requests.lose();
  }

  #refuse(reason: string): void {
    this.#connection.end();
    this.#lost(4409, reason, null);
  }

  // ------------------------------------------------------------------------------------------- binary: y-websocket

  #send(type: number, write: (encoder: encoding.Encoder) => void): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, type);
    write(encoder);
    this.#connection.send(encoding.toUint8Array(encoder));
  }

  #merge(frame: Uint8Array): void {
    const decoder = decoding.createDecoder(frame);
    switch (decoding.readVarUint(decoder)) {
      case SYNC: {
        if (decoding.peekVarUint(decoder) === messageYjsSyncStep2) {
          decoding.readVarUint(decoder);
          this.#take(decoding.readVarUint8Array(decoder));
          if (this.#state !== 'connected') this.#synced();
          break;
        }
        const encoder = encoding.createEncoder();
        encoding.writeVarUint(encoder, SYNC);
        readSyncMessage(decoder, encoder, this.doc, this);
        // The answer to step 1: all that the server lacks.
        if (encoding.length(encoder) > 1) this.#sendSync(encoding.toUint8Array(encoder));
        break;
      }
      case AWARENESS:
        applyAwarenessUpdate(this.awareness, decoding.readVarUint8Array(decoder), this);
        break;
      case QUERY_AWARENESS:
        this.#sendAwareness([this.doc.clientID]);
        break;
      case DURABLE: {
        const edits = this.#tally.durable(decoding.readVarUint(decoder));
        this.#kept?.confirm(edits);
        break;
      }
      case FILED:
        this.#tally.filed(decoding.readVarUint(decoder));
        break;
    }
  }

  /** What a sync brings may be the whole document, which yjs would encode anew for whoever listens to updates: a
   * sixth of the time to the first paint. Here nobody has to, the bytes are at hand. */
  #take(update: Uint8Array): void {
    this.doc.off('update', this.#edited);
    try {
      Y.applyUpdate(this.doc, update, this);
    } finally {
      this.doc.on('update', this.#edited);
    }
    this.#kept?.keepTheirs(update);
  }

  readonly #edited = (update: Uint8Array, origin: unknown): void => {
    if (origin instanceof KeptCopy) return;
    if (origin === this) {
      this.#kept?.keepTheirs(update);
      return;
    }
    this.#tally.made();
    this.#kept?.keepMine(update, this.#tally.edits);
    if (this.#ready) this.#sendUpdate(update);
  };

  #sendUpdate(update: Uint8Array): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, SYNC);
    writeUpdate(encoder, update);
    this.#sendSync(encoding.toUint8Array(encoder));
  }

  /** A sync update, which the server counts as we do; all edits so far are in it or were sent before. */
  #sendSync(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#connection.send(frame)) this.#tally.sent();
  }

  readonly #presence = (
    { added, updated, removed }: Record<'added' | 'updated' | 'removed', number[]>,
    origin: unknown,
  ): void => {
    if (origin === this || !this.#ready) return;
    const changed = [...added, ...updated, ...removed].filter((id) => id === this.doc.clientID);
    if (changed.length > 0) this.#sendAwareness(changed);
  };

  #sendAwareness(ids: number[]): void {
    this.#send(AWARENESS, (encoder) =>
      encoding.writeVarUint8Array(encoder, encodeAwarenessUpdate(this.awareness, ids)),
    );
  }

  // ------------------------------------------------------------------------------------------------ text: control

  /** The server's answer. Waits until the document is in sync, unless it is `urgent`; rejects with a
   * {@link RequestError}. */
  request(channel: string, method: string, message: JsonObject, urgent = false): Promise<JsonObject> {
    const how = urgent ? 'now' : this.#state === 'connected' ? 'send' : 'wait';
    return this.#requests.ask(channel, method, message, how);
  }

  #hear(frame: string): void {
    let body: JsonObject;
    try {
      body = asObject(JSON.parse(frame));
    } catch {
      return;
    }
    const id = body['id'];
    if (id === undefined) {
      const [channel, method, message] = [
        String(body['channel']),
        String(body['method']),
        asObject(body['message']),
      ];
      const healed = channel === 'notebook' && method === 'failed' && message['reason'] === '';
      if (healed && this.#connection.open && !this.#ready) void this.#greet();
      this.pushed(channel, method, message);
      return;
    }
    this.#requests.answer(id, body);
  }

  end(): void {
    this.#ended = true;
    this.#connection.end();
    this.#kept?.close();
    this.awareness.destroy();
    this.doc.destroy();
  }
}

function applyKept(doc: Y.Doc, update: Uint8Array, origin: KeptCopy): void {
  try {
    Y.applyUpdate(doc, update, origin);
  } catch (error) {
    console.warn('An edit that this browser kept cannot be read:', error);
  }
}
