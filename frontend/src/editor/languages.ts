/**
 * What cells are written in. Python is there at once; markdown comes in a chunk of its own, since it brings the
 * parsers of HTML, CSS and JavaScript with it; everything else is plain text with its own comment sign.
 */
import { syntaxHighlighting, type Language as CodeMirrorLanguage } from '@codemirror/language';
import { pythonLanguage } from '@codemirror/lang-python';
import type { Parser } from '@lezer/common';
import { EditorState, type Extension } from '@codemirror/state';
import { highlighter } from './highlight';

export interface Language {
  readonly name: string;
  /** Null: no highlighting. */
  readonly parser: Parser | null;
  readonly extension: Extension;
  /** A better one, if it is worth a download. */
  readonly load?: () => Promise<Language>;
}

export function parsed(name: string, language: CodeMirrorLanguage): Language {
  return { name, parser: language.parser, extension: [language, syntaxHighlighting(highlighter)] };
}

function plain(name: string, comment?: string): Language {
  const data = comment === undefined ? [] : [{ commentTokens: { line: comment } }];
  return { name, parser: null, extension: EditorState.languageData.of(() => data) };
}

export const PLAIN = plain('plain');

const PYTHON = parsed('python', pythonLanguage);

const MARKDOWN: Language = {
  ...plain('markdown'),
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
  for (const name of names) LANGUAGES.set(name, plain(name, sign));
}

/** By the name that a kernel or a kernelspec gives; plain text for one that the page does not know. */
export function languageOf(name: string): Language {
  return LANGUAGES.get(name.trim().toLowerCase()) ?? PLAIN;
}
