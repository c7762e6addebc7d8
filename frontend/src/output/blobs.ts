/** Values that lie beside the document: what refers to them, and where they are. (protocol/SPEC.md, B.) */
import { asObject, type Json, type JsonObject } from '../doc/values';

export const BLOBS = 'application/vnd.ganimede.blobs+json';

export interface Reference {
  readonly sha256: string;
  readonly size: number;
  /** The bytes are what the value was base64 of; else they are its text. */
  readonly packed: boolean;
}

/** What a bundle refers to, by mime, and whether its `text/plain` is only a line for those who know no references. */
export interface References {
  readonly values: ReadonlyMap<string, Reference>;
  readonly line: boolean;
}

export function referencesOf(data: JsonObject): References {
  const values = new Map<string, Reference>();
  const entries = asObject(data[BLOBS]);
  for (const [mime, entry] of Object.entries(entries)) {
    const { sha256, size, base64 } = asObject(entry);
    if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) continue;
    values.set(mime, {
      sha256,
      size: Number(size) || 0,
      packed: typeof base64 === 'string' && base64 !== '',
    });
  }
  return { values, line: values.size > 0 && entries['text/plain'] === null };
}

export function blobAddress(reference: Reference): string {
  return `/blob/${reference.sha256}`;
}

/** What is wrong, for people: the value is not there, or the server is not. */
export class NoValue extends Error {
  constructor(readonly missing: boolean) {
    super(missing ? 'missing' : 'not reachable');
  }
}

/** The value as it would stand in the document. Throws {@link NoValue}. */
export async function fetchValue(mime: string, reference: Reference): Promise<Json> {
  let answer: Response;
  try {
    answer = await fetch(blobAddress(reference));
  } catch {
    throw new NoValue(false);
  }
  if (!answer.ok) throw new NoValue(answer.status === 404);
  try {
    return /^application\/(.*\+)?json$/.test(mime) ? ((await answer.json()) as Json) : await answer.text();
  } catch {
    throw new NoValue(false);
  }
}

/** Whether an address of ours that did not show is of something that the server has not. */
export async function isMissing(address: string): Promise<boolean> {
  try {
    return (await fetch(address, { method: 'HEAD', cache: 'no-store' })).status === 404;
  } catch {
    return false;
  }
}
