/** Control messages that wait for their answer (protocol/SPEC.md, W). */
import { asObject, type JsonObject } from './values';

/** Why a request failed; `code` is the server's, or `lost`. */
export class RequestError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface Waiting {
  readonly frame: string;
  sent: boolean;
  resolve(message: JsonObject): void;
  reject(error: RequestError): void;
}

export class Requests {
  readonly #waiting = new Map<string, Waiting>();
  #counter = 0;

  /** `send`: false where there is no link. */
  constructor(readonly send: (frame: string) => boolean) {}

  /** The server's answer; rejects with a {@link RequestError}. `now`: at once or not at all; else it may wait for
   * {@link flush}. */
  ask(
    channel: string,
    method: string,
    message: JsonObject,
    how: 'now' | 'send' | 'wait',
  ): Promise<JsonObject> {
    this.#counter += 1;
    const id = `r${this.#counter}`;
    const frame = JSON.stringify({ channel, method, message, id });
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { frame, sent: false, resolve, reject };
      if (how !== 'wait') waiting.sent = this.send(frame);
      if (how === 'now' && !waiting.sent) reject(new RequestError('lost', 'There is no connection.'));
      else this.#waiting.set(id, waiting);
    });
  }

  /** The link is in sync: what waited for that goes now. */
  flush(): void {
    for (const waiting of this.#waiting.values()) if (!waiting.sent) waiting.sent = this.send(waiting.frame);
  }

  /** The link is gone: nobody knows whether the server did what was sent. */
  lose(): void {
    for (const [id, waiting] of this.#waiting) {
      if (!waiting.sent) continue;
      this.#waiting.delete(id);
      waiting.reject(new RequestError('lost', 'The connection was lost before the server answered.'));
    }
  }

  /** A message with an id; one that nobody waits for is none of ours. */
  answer(id: unknown, body: JsonObject): void {
    const waiting = typeof id === 'string' ? this.#waiting.get(id) : undefined;
    if (waiting === undefined || typeof id !== 'string') return;
    this.#waiting.delete(id);
    if (body['error'] === undefined) {
      waiting.resolve(asObject(body['message']));
      return;
    }
    const error = asObject(body['error']);
    waiting.reject(new RequestError(String(error['code']), String(error['message'])));
  }
}
