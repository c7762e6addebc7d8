/** Languages beyond Python and markdown: CodeMirror's modes, each in a chunk of its own, loaded when a kernel has it. */
import { StreamLanguage, type StreamParser } from '@codemirror/language';
import { grammar } from './grammars';
import type { Language } from './languages';

type Mode = StreamParser<unknown>;

const MODES: Readonly<Record<string, () => Promise<unknown>>> = {
  bash: async () => (await import('@codemirror/legacy-modes/mode/shell')).shell,
  c: async () => (await import('@codemirror/legacy-modes/mode/clike')).c,
  'c#': async () => (await import('@codemirror/legacy-modes/mode/clike')).csharp,
  'c++': async () => (await import('@codemirror/legacy-modes/mode/clike')).cpp,
  clojure: async () => (await import('@codemirror/legacy-modes/mode/clojure')).clojure,
  'f#': async () => (await import('@codemirror/legacy-modes/mode/mllike')).fSharp,
  go: async () => (await import('@codemirror/legacy-modes/mode/go')).go,
  groovy: async () => (await import('@codemirror/legacy-modes/mode/groovy')).groovy,
  haskell: async () => (await import('@codemirror/legacy-modes/mode/haskell')).haskell,
  java: async () => (await import('@codemirror/legacy-modes/mode/clike')).java,
  javascript: async () => (await import('@codemirror/legacy-modes/mode/javascript')).javascript,
  julia: async () => (await import('@codemirror/legacy-modes/mode/julia')).julia,
  kotlin: async () => (await import('@codemirror/legacy-modes/mode/clike')).kotlin,
  lua: async () => (await import('@codemirror/legacy-modes/mode/lua')).lua,
  octave: async () => (await import('@codemirror/legacy-modes/mode/octave')).octave,
  perl: async () => (await import('@codemirror/legacy-modes/mode/perl')).perl,
  r: async () => (await import('@codemirror/legacy-modes/mode/r')).r,
  ruby: async () => (await import('@codemirror/legacy-modes/mode/ruby')).ruby,
  rust: async () => (await import('@codemirror/legacy-modes/mode/rust')).rust,
  scala: async () => (await import('@codemirror/legacy-modes/mode/clike')).scala,
  scheme: async () => (await import('@codemirror/legacy-modes/mode/scheme')).scheme,
  sql: async () => (await import('@codemirror/legacy-modes/mode/sql')).standardSQL,
  swift: async () => (await import('@codemirror/legacy-modes/mode/swift')).swift,
  typescript: async () => (await import('@codemirror/legacy-modes/mode/javascript')).typescript,
};
const SAME: Readonly<Record<string, string>> = {
  sh: 'bash',
  shell: 'bash',
  matlab: 'octave',
  lisp: 'scheme',
};

/** The language with its colours; as it is, if there is no mode for it. */
export async function coloured(plain: Language): Promise<Language> {
  const mode = MODES[SAME[plain.name] ?? plain.name];
  if (mode === undefined) return plain;
  const language = StreamLanguage.define((await mode()) as Mode);
  return { ...plain, parser: language.parser, extension: grammar(language) };
}
