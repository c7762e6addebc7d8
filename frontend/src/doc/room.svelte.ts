/**
 * The shared document on one connection: sync, awareness, control messages, and the copy that this browser keeps.
 *
 * A connection begins with `notebook.get`: its answer names the epoch, the lineage of the document. Only then is the
 * kept copy of that epoch read and a byte merged. Edits made without a link stay in the document and in IndexedDB;
 * an edit counts as unsent until the server has answered a question asked after it, for it answers none before what
 * came earlier is in its journal (protocol/SPEC.md, P-1).
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
import { KeptCopy } from './kept';
import { asObject, type JsonObject } from './values';

const SYNC = 0;
const AWARENESS = 1;
const QUERY_AWARENESS = 3;
/** How long the kept copy may take to be read before the page goes on without it. */
const KEPT_COPY_PATIENCE = 3000;
const CONFIRM_DELAY = 250;

export type LinkState = 'connecting' | 'syncing' | 'connected' | 'offline' | 'refused';

/** Why a request failed; `code` is the server's (protocol/SPEC.md, W), or `lost`. */
export class RequestError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Waiting {
  frame: string;
  sent: boolean;
  resolve(message: JsonObject): void;
  reject(error: RequestError): void;
}

export class Room {
  readonly doc = new Y.Doc();
  readonly awareness = new Awareness(this.doc);
  readonly #connection: Connection;
  readonly #requests = new Map<string, Waiting>();
  readonly #early: Uint8Array[] = [];
  #kept: KeptCopy | null = null;
  #ended = false;
  #epoch: string | null = null;
  #ready = false; // this connection's epoch is ours: frames may be merged
  #counter = 0;
  #edits = 0;
  #confirming = false;

  #state: LinkState = $state('connecting');
  #reason = $state('');
  #retryIn: number | null = $state(null);
  #unsent = $state(0);
  #loaded = $state(false);
  #keeps = $state(true);

  constructor(
    url: string,
    readonly pushed: (channel: string, method: string, message: JsonObject) => void,
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
  /** Edits of this page, one per transaction, that the server has not confirmed. */
  get unsent(): number {
    return this.#unsent;
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
    let epoch: string;
    try {
      const summary = await this.#ask('notebook', 'get', {}, true);
      epoch = `${String(summary['path'])}#${String(summary['epoch'])}`;
    } catch (error) {
      if (!(error instanceof RequestError) || error.code === 'lost') return;
      this.#reason = error.message;
      // A failed notebook says by itself when it runs again (`notebook.failed`); another refusal does not.
      if (error.code !== 'notebook_failed') setTimeout(() => this.#connection.drop(), 1000);
      return;
    }
    if (this.#epoch !== null && this.#epoch !== epoch) {
      this.#refuse(
        'The notebook was rebuilt from its file meanwhile. Reload the page to see it; what you wrote since the link was lost is still in this window.',
      );
      return;
    }
    if (this.#epoch === null) {
      this.#epoch = epoch;
      await this.#readKeptCopy(epoch);
    }
    if (!this.#connection.open) return;
    this.#ready = true;
    this.#send(SYNC, (encoder) => writeSyncStep1(encoder, this.doc));
    // A renewed clock: peers forgot this client when the link was lost.
    this.awareness.setLocalState(this.awareness.getLocalState());
    for (const frame of this.#early.splice(0)) this.#merge(frame);
  }

  /** Waits until it is read, unless that takes too long. */
  async #readKeptCopy(epoch: string): Promise<void> {
    let late = false;
    const read = KeptCopy.open(`ganimede ${epoch}`, this.doc, (reason) => this.#keepsNothing(reason)).then(
      (kept) => {
        if (this.#ended) kept.close();
        else this.#kept = kept;
        // Its edits came behind the sync that would have brought them to the server.
        if (late && this.#ready) this.#sendUpdate(Y.encodeStateAsUpdate(this.doc));
      },
      (reason: unknown) => this.#keepsNothing(reason),
    );
    const patience = new Promise<void>((resolve) =>
      setTimeout(() => ((late = true), resolve()), KEPT_COPY_PATIENCE),
    );
    await Promise.race([read, patience]);
  }

  #keepsNothing(reason: unknown): void {
    console.warn('This browser keeps no copy of the notebook:', reason);
    this.#keeps = false;
  }

  #synced(): void {
    this.#connection.settled();
    this.#state = 'connected';
    this.#reason = '';
    this.#loaded = true;
    for (const waiting of this.#requests.values()) {
      if (!waiting.sent) waiting.sent = this.#connection.send(waiting.frame);
    }
    this.#confirmSoon();
  }

  #lost(code: number, reason: string, retryIn: number | null): void {
    this.#ready = false;
    this.#early.length = 0;
    this.#confirming = false;
    this.#retryIn = retryIn;
    this.#reason = reason || (code === 1012 ? 'the server restarts' : 'no connection to the server');
    this.#state = retryIn === null ? 'refused' : 'offline';
    const others = [...this.awareness.getStates().keys()].filter((id) => id !== this.doc.clientID);
    removeAwarenessStates(this.awareness, others, this);
    for (const [id, waiting] of this.#requests) {
      if (!waiting.sent) continue;
      this.#requests.delete(id);
      waiting.reject(new RequestError('lost', 'The connection was lost before the server answered.'));
    }
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
        if (encoding.length(encoder) > 1) this.#connection.send(encoding.toUint8Array(encoder));
        break;
      }
      case AWARENESS:
        applyAwarenessUpdate(this.awareness, decoding.readVarUint8Array(decoder), this);
        break;
      case QUERY_AWARENESS:
        this.#sendAwareness([this.doc.clientID]);
        break;
    }
  }

  /** What a sync brings may be the whole document, which yjs would encode anew for whoever listens to updates: a
   * sixth of the time to the first paint. Here nobody has to, the bytes are at hand. */
  #take(update: Uint8Array): void {
    const apply = (): void => Y.applyUpdate(this.doc, update, this);
    this.doc.off('update', this.#edited);
    try {
      if (this.#kept === null) apply();
      else this.#kept.take(update, apply);
    } finally {
      this.doc.on('update', this.#edited);
    }
  }

  readonly #edited = (update: Uint8Array, origin: unknown): void => {
    if (origin === this || origin instanceof KeptCopy) return;
    this.#edits += 1;
    this.#unsent += 1;
    if (this.#ready) this.#sendUpdate(update);
    this.#confirmSoon();
  };

  #sendUpdate(update: Uint8Array): void {
    this.#send(SYNC, (encoder) => writeUpdate(encoder, update));
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

  /** Ask something whose answer proves that every edit sent before it is durable. One question at a time. */
  #confirmSoon(): void {
    if (this.#confirming || this.#unsent === 0 || this.#state !== 'connected') return;
    this.#confirming = true;
    setTimeout(() => void this.#confirm(), CONFIRM_DELAY);
  }

  async #confirm(): Promise<void> {
    const edits = this.#edits;
    try {
      await this.#ask('notebook', 'get', {}, true);
      this.#unsent = this.#edits - edits;
    } catch {
      // Lost, or the notebook failed: asked again when the link is back, or a little later.
    }
    this.#confirming = false;
    this.#confirmSoon();
  }

  // ------------------------------------------------------------------------------------------------ text: control

  /** The server's answer. Waits until the document is in sync, unless it is `urgent`; rejects with a
   * {@link RequestError}. */
  request(channel: string, method: string, message: JsonObject, urgent = false): Promise<JsonObject> {
    return this.#ask(channel, method, message, urgent);
  }

  #ask(channel: string, method: string, message: JsonObject, now: boolean): Promise<JsonObject> {
    this.#counter += 1;
    const id = `r${this.#counter}`;
    const frame = JSON.stringify({ channel, method, message, id });
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { frame, sent: false, resolve, reject };
      if (now || this.#state === 'connected') waiting.sent = this.#connection.send(frame);
      if (now && !waiting.sent) reject(new RequestError('lost', 'There is no connection.'));
      else this.#requests.set(id, waiting);
    });
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
    const waiting = typeof id === 'string' ? this.#requests.get(id) : undefined;
    if (waiting === undefined || typeof id !== 'string') return;
    this.#requests.delete(id);
    if (body['error'] === undefined) waiting.resolve(asObject(body['message']));
    else {
      const error = asObject(body['error']);
      waiting.reject(new RequestError(String(error['code']), String(error['message'])));
    }
  }

  end(): void {
    this.#ended = true;
    this.#connection.end();
    this.#kept?.close();
    this.awareness.destroy();
    this.doc.destroy();
  }
}
