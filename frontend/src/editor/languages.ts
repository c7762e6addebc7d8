/**
 * What cells are written in, as far as a static text needs it: grammars.ts has the rest, with the live editor.
 * Python is there at once; everything else comes in a chunk of its own, and is plain text with its own comment sign
 * until then.
 */
import type { Extension } from '@codemirror/state';
import type { Parser } from '@lezer/common';
import { parser as pythonParser } from '@lezer/python';

export interface Language {
  readonly name: string;
  /** Null: no highlighting. */
  readonly parser: Parser | null;
  /** What begins a comment of one line. */
  readonly comment?: string;
  /** What a live editor needs, where it was loaded with the language. */
  readonly extension?: Extension;
  /** A better one, if it is worth a download. */
  readonly load?: () => Promise<Language>;
}

export const PLAIN: Language = { name: 'plain', parser: null };

export const PYTHON: Language = { name: 'python', parser: pythonParser };

const MARKDOWN: Language = {
  name: 'markdown',
  parser: null,
  load: async () => (await import('./markdown')).MARKDOWN,
};

const LANGUAGES = new Map<string, Language>([
  ['python', PYTHON],
  ['python3', PYTHON],
  ['ipython', PYTHON],
  ['ipythonmarkdown', MARKDOWN],
  ['markdown', MARKDOWN],
]);

const COMMENTS: Readonly<Record<string, readonly string[]>> = {
  '#': ['r', 'julia', 'bash', 'sh', 'shell', 'ruby', 'perl', 'octave', 'elixir', 'nim'],
  '//': [
    'javascript',
    'typescript',
    'java',
    'c',
    'c++',
    'c#',
    'f#',
    'rust',
    'go',
    'scala',
    'kotlin',
    'swift',
    'groovy',
  ],
  '--': ['sql', 'haskell', 'lua'],
  '%': ['matlab', 'prolog'],
  ';': ['clojure', 'scheme', 'lisp'],
};
for (const [sign, names] of Object.entries(COMMENTS)) {
  for (const name of names) {
    const plain: Language = { name, parser: null, comment: sign };
    LANGUAGES.set(name, { ...plain, load: async () => (await import('./legacy')).coloured(plain) });
  }
}

/** By the name that a kernel or a kernelspec gives; plain text for one that the page does not know. */
export function languageOf(name: string): Language {
  return LANGUAGES.get(name.trim().toLowerCase()) ?? PLAIN;
}
