/** The way between the sandboxed frame and the page around it. */

export interface Described {
  comm_id: string;
  target_name: string;
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
  buffers: readonly ArrayBuffer[];
}

/** What the page says of the kernel's comms; `do` says what. */
export type FromPage =
  | ({ do: 'open' } & Described)
  | ({ do: 'msg'; parent: string } & Omit<Described, 'target_name'>)
  | { do: 'close'; comm_id: string }
  | { do: 'idle'; parent: string }
  | { do: 'show'; comm_id: string };

export type ToPage =
  | { do: 'ready' }
  /** Tell me all about this comm, now and from now on: answered by `open`, or by `close` if there is none. */
  | { do: 'want'; comm_id: string }
  | ({ do: 'open' | 'msg'; msg_id: string } & Described)
  | { do: 'close'; comm_id: string; data: Record<string, unknown>; msg_id: string }
  | { do: 'failed'; text: string };

const { parent } = window;

export function tell(message: ToPage): void {
  // The page cannot be named: whoever embeds the frame is the page (frame-ancestors).
  parent.postMessage({ ganimede: 'comms', ...message }, '*');
}

export function listen(hear: (message: FromPage) => void): void {
  window.addEventListener('message', ({ source, data }: MessageEvent) => {
    if (source === parent && data?.ganimede === 'comms') hear(data as FromPage);
  });
}

/** What Jupyter widgets take for a message from the kernel. */
export function asMessage(
  content: Record<string, unknown>,
  { metadata, buffers }: Pick<Described, 'metadata' | 'buffers'>,
  caused = '',
): never {
  const message = {
    content,
    metadata,
    buffers: buffers.map((buffer) => new DataView(buffer)),
    parent_header: { msg_id: caused },
  };
  // The widget packages want all of a Jupyter message's headers, and read none of them.
  return message as never;
}
