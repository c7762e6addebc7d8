/**
 * What an exported canvas or document carries inside: one script and one style sheet, under names that the server
 * knows. The page itself loads neither.
 */
import { build, type Plugin } from 'vite';

const ENTRY = 'src/standalone/main.ts';
const DARK = /:root\[data-theme='dark'\]\s*\{([^}]*)\}/g;

async function built(root: string): Promise<{ script: string; style: string }> {
  const result = await build({
    configFile: false,
    root,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      assetsInlineLimit: Number.MAX_SAFE_INTEGER,
      modulePreload: false,
      // Else an IIFE brings its styles in its script.
      cssCodeSplit: false,
      cssMinify: false,
      rolldownOptions: { input: `${root}/${ENTRY}`, output: { format: 'iife' } },
    },
  });
  const [bundle] = Array.isArray(result) ? result : [result];
  const files = 'output' in bundle ? bundle.output : [];
  const script = files.find((each) => each.type === 'chunk');
  const style = files.find((each) => each.type === 'asset' && each.fileName.endsWith('.css'));
  if (script?.type !== 'chunk' || style?.type !== 'asset')
    throw new Error(`${ENTRY} is not one script with one style sheet.`);
  // Nobody chooses a theme in a file: the reader's system does, also where no script runs.
  const sheet = String(style.source).replace(
    DARK,
    '@media (prefers-color-scheme: dark) { :root {$1color-scheme: dark; } }',
  );
  // Within an element of HTML neither may look like its end.
  return { script: script.code.replaceAll('</', '<\\/'), style: sheet.replaceAll('</', '<\\/') };
}

export function standalone(): Plugin {
  let root = '';
  return {
    name: 'standalone',
    apply: 'build',
    configResolved: (config) => {
      root = config.root;
    },
    async generateBundle() {
      const { script, style } = await built(root);
      this.emitFile({ type: 'asset', fileName: 'assets/standalone.js', source: script });
      this.emitFile({ type: 'asset', fileName: 'assets/standalone.css', source: style });
    },
  };
}
