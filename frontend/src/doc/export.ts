/** The notebook as a file for people without Ganimede, made by the server of what everybody sees. */

export type Format = 'script' | 'canvas' | 'document';

export const FORMATS: readonly { readonly format: Format; readonly title: string }[] = [
  { format: 'document', title: 'Document (HTML)' },
  { format: 'canvas', title: 'Canvas (HTML)' },
  { format: 'script', title: 'Script' },
];

export interface Exported {
  readonly name: string;
  readonly body: Blob;
}

/** Rejects with a sentence. */
export async function fetchExport(format: Format): Promise<Exported> {
  let answer: Response;
  try {
    answer = await fetch(`/export?to=${format}`);
  } catch {
    throw new Error('The server cannot be reached: nothing was exported.');
  }
  if (!answer.ok) throw new Error((await answer.text()).trim() || 'The notebook could not be exported.');
  return { name: nameIn(answer.headers.get('content-disposition') ?? ''), body: await answer.blob() };
}

/** RFC 6266, as our server writes it: filename*=UTF-8''… */
export function nameIn(disposition: string): string {
  const [, found] = /filename\*=UTF-8''([^;]+)/.exec(disposition) ?? [];
  try {
    return decodeURIComponent(found ?? '') || 'notebook';
  } catch {
    return 'notebook';
  }
}
