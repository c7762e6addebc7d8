/** Scripts for the sandboxed frame, fetched once each, when something first needs them. */

const ADDRESSES = {
  widgets: () => import('../frame/widgets.ts?framed'),
  plotly: () => import('../frame/plotly.ts?framed'),
  vega: () => import('../frame/vega.ts?framed'),
} as const;

export type FramedScript = keyof typeof ADDRESSES;

const fetched = new Map<FramedScript, Promise<Blob>>();

async function load(name: FramedScript): Promise<Blob> {
  const { default: address } = await ADDRESSES[name]();
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return answer.blob();
}

/** Rejects where the server cannot be reached; whoever asks next tries again. */
export function framedScript(name: FramedScript): Promise<Blob> {
  let found = fetched.get(name);
  if (found === undefined) {
    found = load(name).catch((error: unknown) => {
      fetched.delete(name);
      throw error;
    });
    fetched.set(name, found);
  }
  return found;
}
