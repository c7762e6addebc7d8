/**
 * Between one widget's frame and the kernel's comms: the frame hears of those comms that it asked for, and can speak on
 * no others. What it says is judged like all that comes from there.
 */
import type { Comms, Described, News, Said } from '../doc/comms.svelte';
import { asObject, type JsonObject } from '../doc/values';

const ID = /^[\x21-\x7e]{1,200}$/;
const MESSAGE = /^[A-Za-z0-9_-]{1,64}$/;

export function modelIdOf(value: unknown): string | null {
  const id = asObject(value)['model_id'];
  return typeof id === 'string' && ID.test(id) ? id : null;
}

function buffersOf(value: unknown): ArrayBuffer[] {
  return Array.isArray(value) ? value.filter((each): each is ArrayBuffer => each instanceof ArrayBuffer) : [];
}

export class Bridge {
  readonly #wanted = new Set<string>();
  /** Asked for before the page knew what is open. */
  readonly #early = new Set<string>();
  /** Messages of this frame that the kernel has not handled yet. */
  readonly #sent = new Set<string>();
  readonly #unfollow: () => void;

  #refused = false;

  /** `failed`: a sentence for the person; empty: it is so no longer. */
  constructor(
    readonly model: string,
    readonly comms: Comms,
    readonly post: (message: object) => void,
    readonly failed: (text: string) => void,
  ) {
    this.#unfollow = comms.follow((news) => this.#hear(news));
  }

  end(): void {
    this.#unfollow();
  }

  /** A message from the frame; whatever it is. */
  take(data: unknown): void {
    const given = asObject(data);
    if (given['ganimede'] !== 'comms') return;
    const comm = given['comm_id'];
    if (given['do'] === 'ready') return this.#post({ do: 'show', comm_id: this.model });
    if (given['do'] === 'failed') return this.failed(String(given['text']).slice(0, 300));
    if (typeof comm !== 'string' || !ID.test(comm)) return;
    if (given['do'] === 'want') return this.#want(comm);
    this.#say(given, comm);
  }

  #want(comm: string): void {
    if (this.comms.known) this.#describe(comm);
    else this.#early.add(comm);
  }

  #describe(comm: string): void {
    const described: Described | null = this.comms.describe(comm);
    if (described === null) return this.#post({ do: 'close', comm_id: comm });
    this.#wanted.add(comm);
    this.#post({ do: 'open', ...described });
  }

  #say(given: JsonObject, comm: string): void {
    const { do: how, msg_id, target_name } = given as Record<string, unknown>;
    if (how !== 'open' && how !== 'msg' && how !== 'close') return;
    if (typeof msg_id !== 'string' || !MESSAGE.test(msg_id)) return;
    if (how === 'open') this.#wanted.add(comm);
    else if (!this.#wanted.has(comm)) return;
    this.#sent.add(msg_id);
    const said: Said = {
      comm_id: comm,
      target_name: typeof target_name === 'string' ? target_name : '',
      data: asObject(given['data']),
      metadata: asObject(given['metadata']),
      buffers: buffersOf(given['buffers']),
      msg_id,
    };
    this.comms.say(how, said).catch((error: unknown) => {
      this.#refused = true;
      this.failed(error instanceof Error ? error.message : String(error));
    });
  }

  #hear(news: News): void {
    switch (news.do) {
      case 'anew':
        for (const comm of this.#early) this.#describe(comm);
        this.#early.clear();
        return this.#renew();
      case 'idle':
        if (this.#sent.delete(news.parent)) this.#post(news);
        return;
      case 'close':
        if (this.#wanted.delete(news.comm_id)) this.#post(news);
        return;
      case 'msg':
        if (this.#wanted.has(news.comm_id)) this.#post(news);
    }
  }

  /** The link was away: each comm is gone, or is told to be as it is now. Nothing sent before is answered any more. */
  #renew(): void {
    if (this.#refused) this.failed('');
    this.#refused = false;
    for (const parent of this.#sent) this.#post({ do: 'idle', parent });
    this.#sent.clear();
    for (const comm_id of this.#wanted) {
      const described = this.comms.describe(comm_id);
      if (described === null) {
        this.#wanted.delete(comm_id);
        this.#post({ do: 'close', comm_id });
        continue;
      }
      const data = { ...described.data, method: 'update' };
      this.#post({ ...described, do: 'msg', data, parent: '' });
    }
  }

  #post(message: object): void {
    this.post({ ganimede: 'comms', ...message });
  }
}
