/** Which plots are drawn, and by what. */
import { asObject, type Json } from '../doc/values';

const PLOTLY = /^application\/vnd\.plotly\.v\d+\+json$/;
// Altair writes ".json" since its version 6.
const VEGA = /^application\/vnd\.vega(lite)?\.v\d+[+.]json$/;
/** How Altair's HTML, its default, hands a chart to the libraries that it wants from elsewhere. */
const CARRIED = /\}\)\((\{"config"[^]*\}), \{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}\);\s*<\/script>/;
const SCHEMA = /^https:\/\/vega\.github\.io\/schema\/(vega|vega-lite)\/v(\d+)/;

export type Drawer = 'plotly' | 'vega';

export function drawerOf(mime: string): Drawer | null {
  if (PLOTLY.test(mime)) return 'plotly';
  return VEGA.test(mime) ? 'vega' : null;
}

export interface Carried {
  readonly mime: string;
  readonly value: Json;
}

/** The chart in Altair's HTML, which would be drawn by scripts from another host: ours draw it as well. */
export function chartIn(html: string): Carried | null {
  if (!html.includes('vega.github.io/schema')) return null;
  try {
    const value = JSON.parse(CARRIED.exec(html)?.[1] ?? '') as Json;
    const [, library, version] = SCHEMA.exec(String(asObject(value)['$schema'])) ?? [];
    if (library === undefined) return null;
    return { mime: `application/vnd.${library.replace('-', '')}.v${version}+json`, value };
  } catch {
    return null;
  }
}

/** Its name for who cannot see it. */
export function plotName(value: Json): string {
  const spec = asObject(value);
  const title = asObject(spec['layout'])['title'] ?? spec['title'];
  const words = typeof title === 'string' ? title : asObject(title)['text'];
  return typeof words === 'string' && words.trim() !== '' ? `Plot: ${words.trim().slice(0, 200)}` : 'Plot';
}

export interface PlotNews {
  readonly ready: boolean;
  readonly failed: string;
}

/** What the frame said, if it is about its plot. */
export function plotNews(data: unknown): PlotNews | null {
  const given = asObject(data);
  if (given['ganimede'] !== 'plot') return null;
  const failed = given['do'] === 'failed' ? String(given['text']).slice(0, 300) : '';
  return { ready: given['do'] === 'ready', failed };
}
