import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin, ProxyOptions } from 'vite';
import { defineConfig } from 'vitest/config';
import { fonts } from './fonts.ts';
import { framed } from './framed.ts';
import { standalone } from './standalone.ts';

// `make dev`: the page from Vite, everything else from a running server, which keeps all its checks: it is given
// the token, and requests say that they come from its own origin. GANIMEDE_URL may carry the token, as printed.
const address = new URL(process.env['GANIMEDE_URL'] ?? 'http://127.0.0.1:8000');
const token = address.searchParams.get('token') ?? process.env['GANIMEDE_TOKEN'];

const toServer: ProxyOptions = {
  target: address.origin,
  changeOrigin: true,
  ws: true,
  headers: { origin: address.origin, ...(token ? { authorization: `Bearer ${token}` } : {}) },
};

/** The server puts a new nonce into every page that it answers; Vite sends no policy, so any word will do. */
function nonce(): Plugin {
  return {
    name: 'nonce',
    apply: 'serve',
    transformIndexHtml: (html) => html.replaceAll('{{nonce}}', 'development'),
  };
}

export default defineConfig({
  plugins: [svelte(), nonce(), fonts(), framed(), standalone()],
  build: {
    outDir: '../gateway/static/page',
    emptyOutDir: true,
    target: 'es2022',
    // The Content-Security-Policy knows no inline scripts and no data: but in images.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // A cell that shows mathematics loads KaTeX then; nobody waits for it at the start.
    chunkSizeWarningLimit: 700,
    // Most of a build is the frame's script, which is a build of its own.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: {
    host: '127.0.0.1',
    strictPort: false,
    proxy: {
      // The page's socket is at the root, where Vite serves the page itself; its own socket has a query.
      '^/$': { ...toServer, bypass: (request) => (request.headers.upgrade ? undefined : request.url) },
      '^/(config|files|blob|frame|favicon\\.ico|codicon\\.ttf)(/|\\?|$)': toServer,
    },
  },
  // Svelte's runes in tests are those of the browser, not of server-side rendering.
  ...(process.env['VITEST'] ? { resolve: { conditions: ['browser'] } } : {}),
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
