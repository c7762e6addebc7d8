/** The search, where it may take as long as it likes: whoever asked ends this worker when it took too long. */
import { search, type Found, type Query, type Text } from './query';

export interface Asked {
  readonly number: number;
  readonly texts: readonly Text[];
  readonly query: Query;
  readonly replacement: string | null;
}
export interface Told extends Found {
  readonly number: number;
}

self.addEventListener('message', ({ data }: MessageEvent<Asked>) => {
  const { number, texts, query, replacement } = data;
  self.postMessage({ number, ...search(texts, query, replacement) } satisfies Told);
});
