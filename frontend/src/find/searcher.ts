/** A worker that searches, with a deadline: some patterns would take for ever, and the page shall not wait with them. */
import type { Found, Query, Text } from './query';
import type { Asked, Told } from './worker';

const DEADLINE = 2000;

export class TooLong extends Error {}
export class Overtaken extends Error {}

interface Waiting {
  readonly number: number;
  readonly timer: ReturnType<typeof setTimeout>;
  resolve(found: Found): void;
  reject(error: Error): void;
}

export class Searcher {
  #worker: Worker | null = null;
  #waiting: Waiting | null = null;
  #number = 0;

  /** Rejects with TooLong, with Overtaken where something else was asked meanwhile, or when no worker comes up. */
  ask(texts: readonly Text[], query: Query, replacement: string | null): Promise<Found> {
    // What still runs is not wanted any more; a worker that does not answer at once may be in a pattern without end.
    if (this.#waiting !== null) this.#drop(new Overtaken());
    this.#number += 1;
    const number = this.#number;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#drop(new TooLong()), DEADLINE);
      this.#waiting = { number, timer, resolve, reject };
      this.#running().postMessage({ number, texts, query, replacement } satisfies Asked);
    });
  }

  #running(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<Told>) => {
      const waiting = this.#waiting;
      if (waiting?.number !== data.number) return;
      clearTimeout(waiting.timer);
      this.#waiting = null;
      waiting.resolve(data);
    });
    worker.addEventListener('error', () => this.#drop(new Error('The search cannot be loaded now.')));
    this.#worker = worker;
    return worker;
  }

  #drop(why: Error): void {
    const waiting = this.#waiting;
    this.#worker?.terminate();
    this.#worker = null;
    this.#waiting = null;
    if (waiting === null) return;
    clearTimeout(waiting.timer);
    waiting.reject(why);
  }

  end(): void {
    this.#drop(new Overtaken());
  }
}
