/** A comm of Jupyter widgets (IClassicComm) whose kernel is behind the page. */
import type { ICallbacks, IClassicComm } from '@jupyter-widgets/base';
import { asMessage, tell } from './page';

type Handler = (message: never) => void;
type Buffers = readonly (ArrayBuffer | ArrayBufferView)[] | undefined;

/** By the id of the message that they wait for the end of. */
const waiting = new Map<string, ICallbacks>();

/** The kernel has handled this message of ours. */
export function idle(msgId: string): void {
  const callbacks = waiting.get(msgId);
  waiting.delete(msgId);
  const status = { content: { execution_state: 'idle' }, header: { msg_type: 'status' } };
  callbacks?.iopub?.['status']?.(status as never);
}

/** No other client's, and nothing that says more: the page may have no secure context, so no randomUUID. */
function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

function copied(buffers: Buffers): ArrayBuffer[] {
  return (buffers ?? []).map((each) => {
    const view = ArrayBuffer.isView(each)
      ? new Uint8Array(each.buffer, each.byteOffset, each.byteLength)
      : new Uint8Array(each);
    return view.slice().buffer;
  });
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

export class FramedComm implements IClassicComm {
  #onMessage: Handler = () => undefined;
  #onClose: Handler = () => undefined;

  constructor(
    readonly comm_id: string,
    readonly target_name: string,
  ) {}

  open(data: unknown, callbacks?: ICallbacks, metadata?: unknown, buffers?: Buffers): string {
    return this.#say('open', data, callbacks, metadata, buffers);
  }
  send(data: unknown, callbacks?: ICallbacks, metadata?: unknown, buffers?: Buffers): string {
    return this.#say('msg', data, callbacks, metadata, buffers);
  }
  close(data?: unknown, callbacks?: ICallbacks): string {
    const msgId = this.#remember(callbacks);
    tell({ do: 'close', comm_id: this.comm_id, data: asObject(data), msg_id: msgId });
    return msgId;
  }
  on_msg(handler: Handler): void {
    this.#onMessage = handler;
  }
  on_close(handler: Handler): void {
    this.#onClose = handler;
  }

  #remember(callbacks: ICallbacks | undefined): string {
    const msgId = newId();
    if (callbacks) waiting.set(msgId, callbacks);
    return msgId;
  }

  #say(
    what: 'open' | 'msg',
    data: unknown,
    callbacks: ICallbacks | undefined,
    metadata: unknown,
    buffers: Buffers,
  ): string {
    const { comm_id, target_name } = this;
    const msg_id = this.#remember(callbacks);
    const said = { data: asObject(data), metadata: asObject(metadata), buffers: copied(buffers) };
    tell({ do: what, comm_id, target_name, msg_id, ...said });
    return msg_id;
  }

  /** The kernel, or another client, said something. */
  hear(
    data: Record<string, unknown>,
    metadata: Record<string, unknown>,
    buffers: readonly ArrayBuffer[],
    caused: string,
  ): void {
    const content = { comm_id: this.comm_id, data };
    this.#onMessage(asMessage(content, { metadata, buffers }, caused));
  }

  closed(): void {
    this.#onClose(asMessage({ comm_id: this.comm_id, data: {} }, { metadata: {}, buffers: [] }));
  }
}
