/** A server on the other end of fake WebSockets: y-protocols and the few control messages that a room needs. */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { readSyncMessage, writeSyncStep1 } from 'y-protocols/sync';
import * as Y from 'yjs';

export class FakeServer {
  readonly doc = new Y.Doc();
  epoch = 'one';
  up = true;
  /** Whether the file is written with each update. */
  files = true;
  /** Whether requests are answered, and updates acknowledged. */
  answers = true;
  /** Sync updates of the present connection since it was announced; null before. */
  #counted: number | null = null;
  failed = '';
  readonly texts: { channel: string; method: string; id?: string }[] = [];
  readonly sockets: FakeSocket[] = [];

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('nobody has connected');
    return socket;
  }

  hear(socket: FakeSocket, frame: string | Uint8Array): void {
    if (typeof frame === 'string') this.#obey(socket, JSON.parse(frame));
    else this.#sync(socket, frame);
  }

  #sync(socket: FakeSocket, frame: Uint8Array): void {
    const decoder = decoding.createDecoder(frame);
    const type = decoding.readVarUint(decoder);
    if (type === 100) this.#counted = 0;
    if (type !== 0) return;
    if (decoding.peekVarUint(decoder) > 0 && this.#counted !== null) this.#acknowledge(socket);
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    readSyncMessage(decoder, encoder, this.doc, socket);
    if (encoding.length(encoder) > 1) socket.deliver(encoding.toUint8Array(encoder));
  }

  #acknowledge(socket: FakeSocket): void {
    this.#counted = (this.#counted ?? 0) + 1;
    if (!this.answers) return;
    for (const kind of this.files ? [102, 103] : [102]) {
      const encoder = encoding.createEncoder();
      encoding.writeVarUint(encoder, kind);
      encoding.writeVarUint(encoder, this.#counted);
      socket.deliver(encoding.toUint8Array(encoder));
    }
  }

  #obey(socket: FakeSocket, request: { channel: string; method: string; id: string }): void {
    this.texts.push(request);
    const { channel, method, id } = request;
    if (!this.answers) return;
    const message = method === 'get' ? { path: '/x.ipynb', epoch: this.epoch } : {};
    const error = this.failed === '' ? {} : { error: { code: 'notebook_failed', message: this.failed } };
    socket.deliver(JSON.stringify({ channel, method, id, message, ...error }));
  }

  greet(socket: FakeSocket): void {
    this.#counted = null;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    writeSyncStep1(encoder, this.doc);
    socket.deliver(encoding.toUint8Array(encoder));
  }

  push(channel: string, method: string, message: object): void {
    this.socket.deliver(JSON.stringify({ channel, method, message }));
  }

  drop(code = 1006, reason = ''): void {
    this.socket.lose(code, reason);
  }

  /** The constructor to put in WebSocket's place. */
  get WebSocket(): typeof WebSocket {
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const server = this;
    class Socket extends FakeSocket {
      constructor() {
        super(server);
      }
    }
    return Socket as unknown as typeof WebSocket;
  }
}

export class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  binaryType = '';
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(readonly server: FakeServer) {
    server.sockets.push(this);
    queueMicrotask(() => {
      if (!server.up) return this.lose(1006, '');
      this.readyState = 1;
      this.onopen?.();
      server.greet(this);
    });
  }

  send(frame: string | Uint8Array): void {
    if (this.readyState !== 1) throw new Error('the socket is not open');
    queueMicrotask(() => this.server.hear(this, frame));
  }

  deliver(frame: string | Uint8Array): void {
    const data = typeof frame === 'string' ? frame : (frame.slice().buffer as ArrayBuffer);
    queueMicrotask(() => {
      if (this.readyState === 1) this.onmessage?.({ data });
    });
  }

  lose(code: number, reason: string): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  close(): void {
    this.lose(1000, '');
  }
}
