/** One WebSocket that comes back: binary frames are the y-websocket protocol, text frames control messages. */

export interface Handlers {
  opened(): void;
  text(frame: string): void;
  binary(frame: Uint8Array): void;
  /** `retryIn`: ms until the next attempt; null where there will be none. */
  closed(code: number, reason: string, retryIn: number | null): void;
}

const FIRST_DELAY = 300;
const LONGEST_DELAY = 10_000;
/** The server says something at least every 20 s; a link that is silent for longer is dead, whatever TCP believes. */
const SILENCE = 45_000;
/** Refusals after which the same question gets the same answer. A bad frame (4400) is not one: a resync heals it. */
const FINAL = new Set([4401, 4403, 4404, 4409]);

/** The delay before attempt `n` (0, 1, …) in ms: doubled each time, and scattered so that not all come at once. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  return Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(attempt, 10)) * (0.5 + random() / 2);
}

export class Connection {
  #socket: WebSocket | null = null;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(
    readonly url: string,
    readonly handlers: Handlers,
  ) {
    addEventListener('online', this.retryNow);
    this.#open();
  }

  #open(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const socket = new WebSocket(this.url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#listen();
    socket.onopen = () => {
      this.handlers.opened();
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      this.#listen();
      if (typeof data === 'string') this.handlers.text(data);
      else this.handlers.binary(new Uint8Array(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#closed(code, reason);
    };
  }

  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.drop(), SILENCE);
  }

  #closed(code: number, reason: string): void {
    clearTimeout(this.#silence);
    this.#socket = null;
    if (this.#ended) return;
    const delay = FINAL.has(code) ? null : backoff(this.#attempt);
    this.#attempt += 1;
    if (delay !== null) this.#retry = setTimeout(() => this.#open(), delay);
    this.handlers.closed(code, reason, delay);
  }

  /** Everything is in order again: the next loss is tried anew at once. */
  settled(): void {
    this.#attempt = 0;
  }

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** False where nothing was sent: the link is down. */
  send(frame: string | Uint8Array<ArrayBuffer>): boolean {
    if (!this.open) return false;
    this.#socket?.send(frame);
    return true;
  }

  /** Give this socket up without waiting for the other side's goodbye, and try again. */
  drop(): void {
    const socket = this.#socket;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#closed(1006, 'no answer');
  }

  readonly retryNow = (): void => {
    if (this.#retry === undefined) return;
    this.#attempt = 0;
    this.#open();
  };

  end(): void {
    this.#ended = true;
    removeEventListener('online', this.retryNow);
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#socket?.close(1000);
  }
}
