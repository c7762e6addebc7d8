/**
 * Scripts for the sandboxed frame, which may fetch nothing: each is built whole, with its styles and fonts inside, into
 * one file. `import address from './widgets?framed'` gives the address from which the page fetches it, to hand it over.
 */
import { createHash } from 'node:crypto';
import { build, type Plugin } from 'vite';

const MARK = '?framed';

async function built(file: string): Promise<string> {
  const result = await build({
    configFile: false,
    // Not of what the packages do among themselves.
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}' },
    build: {
      write: false,
      target: 'es2022',
      // The frame's policy lets nothing come from elsewhere.
      assetsInlineLimit: Number.MAX_SAFE_INTEGER,
      chunkSizeWarningLimit: 4000,
      modulePreload: false,
      rolldownOptions: { input: file, output: { format: 'iife' } },
    },
  });
  const [bundle] = Array.isArray(result) ? result : [result];
  const chunks = 'output' in bundle ? bundle.output.filter((each) => each.type === 'chunk') : [];
  const [chunk] = chunks;
  if (chunk === undefined || chunks.length > 1) throw new Error(`${file} is not one script.`);
  return chunk.code;
}

export function framed(): Plugin {
  let serves = false;
  return {
    name: 'framed',
    enforce: 'pre',
    configResolved: ({ command }) => {
      serves = command === 'serve';
    },
    async resolveId(source, importer) {
      if (!source.endsWith(MARK)) return null;
      const found = await this.resolve(source.slice(0, -MARK.length), importer, { skipSelf: true });
      return found === null ? null : found.id + MARK;
    },
    async load(id) {
      if (!id.endsWith(MARK)) return null;
      const code = await built(id.slice(0, -MARK.length));
      // With a server of Vite's own there are no files.
      if (serves)
        return `export default URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'text/javascript' }));`;
      const hash = createHash('sha256').update(code).digest('base64url').slice(0, 8);
      const name = id.slice(id.lastIndexOf('/') + 1, -MARK.length).replace(/\.ts$/, '');
      const fileName = `assets/${name}-${hash}.js`;
      this.emitFile({ type: 'asset', fileName, source: code });
      return `export default ${JSON.stringify(`/${fileName}`)};`;
    },
  };
}
