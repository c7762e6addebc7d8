/**
 * The kernel's comms as this page knows them (protocol/SPEC.md, W-10): what is open, and what each widget looks like
 * now. Nothing is asked of the server before the first widget is shown.
 */
import { fromBase64, toBase64 } from 'lib0/buffer';
import type { Methods, Pushes } from '../protocol.gen';
import { asObject, type JsonObject } from './values';

type Buffers = readonly ArrayBuffer[];

/** What an open that says everything would carry now. */
export interface Described {
  readonly comm_id: string;
  readonly target_name: string;
  readonly data: JsonObject;
  readonly metadata: JsonObject;
  readonly buffers: Buffers;
}

/** `parent`: the `msg_id` of the message of a client's that caused it, else empty. */
export type News =
  | { do: 'msg'; comm_id: string; data: JsonObject; metadata: JsonObject; buffers: Buffers; parent: string }
  | { do: 'close'; comm_id: string }
  | { do: 'idle'; parent: string }
  /** All that is open is known anew: what was known before may have changed, or be gone. */
  | { do: 'anew' };

export interface Said extends Omit<Described, 'target_name'> {
  readonly target_name?: string;
  readonly msg_id: string;
}

type Send = <M extends 'comms.subscribe' | 'comms.open' | 'comms.msg' | 'comms.close'>(
  method: M,
  message: Methods[M]['message'],
) => Promise<unknown>;

const bytesOf = (buffers: readonly string[]): ArrayBuffer[] =>
  buffers.map((each) => new Uint8Array(fromBase64(each)).buffer);
const pathsOf = (data: JsonObject): readonly unknown[] =>
  Array.isArray(data['buffer_paths']) ? data['buffer_paths'] : [];

const STRAY: Readonly<Record<string, string>> = {
  stdout: 'A widget printed',
  stderr: 'A widget printed',
  error: 'A widget’s callback failed',
  result: 'A widget showed',
};

class Comm {
  #rest: JsonObject;
  #state: JsonObject | null;
  /** By their paths in the state, as JSON. */
  #buffers = new Map<string, ArrayBuffer>();

  constructor(
    readonly id: string,
    readonly target: string,
    readonly metadata: JsonObject,
    data: JsonObject,
    readonly bare: Buffers,
  ) {
    const { state } = data;
    const rest = Object.entries(data).filter(([key]) => key !== 'state' && key !== 'buffer_paths');
    this.#rest = Object.fromEntries(rest);
    this.#state = typeof state === 'object' && state !== null ? { ...asObject(state) } : null;
    this.#place(data, bare);
  }

  update(data: JsonObject, buffers: Buffers): void {
    if (this.#state === null) return;
    const state = asObject(data['state']);
    const firsts = pathsOf(data).map((path) => String(Array.isArray(path) ? path[0] : ''));
    const changed = new Set([...Object.keys(state), ...firsts]);
    for (const path of this.#buffers.keys())
      if (changed.has(String((JSON.parse(path) as unknown[])[0]))) this.#buffers.delete(path);
    const kept = Object.entries(this.#state).filter(([key]) => !changed.has(key));
    this.#state = { ...Object.fromEntries(kept), ...state };
    this.#place(data, buffers);
  }

  #place(data: JsonObject, buffers: Buffers): void {
    pathsOf(data).forEach((path, index) => {
      const buffer = buffers[index];
      if (buffer !== undefined && Array.isArray(path) && path.length > 0)
        this.#buffers.set(JSON.stringify(path), buffer);
    });
  }

  get described(): Described {
    const { id: comm_id, target: target_name, metadata } = this;
    if (this.#state === null) return { comm_id, target_name, metadata, data: this.#rest, buffers: this.bare };
    const buffer_paths = [...this.#buffers.keys()].map((path) => JSON.parse(path) as string[]);
    const data = { ...this.#rest, state: this.#state, buffer_paths };
    return { comm_id, target_name, metadata, data, buffers: [...this.#buffers.values()] };
  }
}

export class Comms {
  readonly #comms = new Map<string, Comm>();
  readonly #listeners = new Set<(news: News) => void>();
  /** Counts what opens and closes. */
  #version = $state(0);
  #known = $state(false);
  #wanted = false;
  #linked = false;

  /** `send`: rejects where the server refuses. `tell`: shows a sentence to the person. */
  constructor(
    readonly send: Send,
    readonly tell: (notice: { level: 'info' | 'error'; message: string }) => void = () => undefined,
  ) {}

  /** Whether the server has said what is open, since the link was last made. */
  get known(): boolean {
    return this.#known;
  }

  /** Somebody shows a widget. */
  want(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    if (this.#linked) this.#subscribe();
  }

  /** The link is there, or gone: what was known may be wrong when it comes back. */
  link(there: boolean): void {
    if (there === this.#linked) return;
    this.#linked = there;
    if (there && this.#wanted) this.#subscribe();
  }

  #subscribe(): void {
    // A link that is lost meanwhile asks again when it is back.
    this.send('comms.subscribe', {}).catch(() => undefined);
  }

  has(id: string): boolean {
    void this.#version;
    return this.#comms.has(id);
  }

  describe(id: string): Described | null {
    return this.#comms.get(id)?.described ?? null;
  }

  follow(listener: (news: News) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  hear(method: string, message: JsonObject): void {
    const body: unknown = message;
    switch (`comms.${method}` as keyof Pushes) {
      case 'comms.state': {
        this.#comms.clear();
        for (const each of (body as Pushes['comms.state']).comms) this.#open(each);
        this.#known = true;
        this.#version += 1;
        return this.#tell({ do: 'anew' });
      }
      case 'comms.open':
        this.#open(body as Pushes['comms.open']);
        this.#version += 1;
        return;
      case 'comms.msg':
        return this.#said(body as Pushes['comms.msg']);
      case 'comms.close': {
        const { comm_id } = body as Pushes['comms.close'];
        this.#comms.delete(comm_id);
        this.#version += 1;
        return this.#tell({ do: 'close', comm_id });
      }
      case 'comms.output': {
        const { kind, text } = body as Pushes['comms.output'];
        const level = kind === 'error' ? 'error' : 'info';
        return this.tell({ level, message: `${STRAY[kind] ?? 'A widget said'}: ${text.trimEnd()}` });
      }
      case 'comms.idle':
        return this.#tell({ do: 'idle', parent: (body as Pushes['comms.idle']).parent });
    }
  }

  #open({ comm_id, target_name, data, metadata, buffers }: Pushes['comms.open']): void {
    const comm = new Comm(comm_id, target_name, asObject(metadata), asObject(data), bytesOf(buffers));
    this.#comms.set(comm_id, comm);
  }

  #said({ comm_id, data: given, metadata, buffers: packed, parent }: Pushes['comms.msg']): void {
    const data = asObject(given);
    const buffers = bytesOf(packed);
    const method = data['method'];
    if (method === 'update' || method === 'echo_update') this.#comms.get(comm_id)?.update(data, buffers);
    this.#tell({ do: 'msg', comm_id, data, metadata: asObject(metadata), buffers, parent: parent ?? '' });
  }

  #tell(news: News): void {
    for (const listener of this.#listeners) listener(news);
  }

  /** Say something to the kernel. What it refuses, it has handled: nobody waits for it any longer. */
  async say(how: 'open' | 'msg' | 'close', said: Said): Promise<void> {
    const { comm_id, target_name = '', data, metadata, msg_id } = said;
    const buffers = said.buffers.map((each) => toBase64(new Uint8Array(each)));
    try {
      if (how === 'close') await this.send('comms.close', { comm_id, data, msg_id });
      else if (how === 'msg') {
        // Whoever shows it here later shall see it: others hear of it from the server, its sender does not.
        if (data['method'] === 'update') this.#comms.get(comm_id)?.update(data, said.buffers);
        await this.send('comms.msg', { comm_id, data, metadata, buffers, msg_id });
      } else await this.send('comms.open', { comm_id, target_name, data, metadata, buffers, msg_id });
    } catch (error) {
      this.#tell({ do: 'idle', parent: msg_id });
      throw error;
    }
  }
}
