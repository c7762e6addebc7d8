/** What draws HTML, markdown and formulas, each loaded when it is first needed; no page waits for it at its start. */
import type { JsonObject } from '../doc/values';
import { enhance } from './dataframe';
import { withoutPandas } from './plain';
import { splitMath } from './mathtext';

export type Need = 'html' | 'markdown';

// Once they are here, an output is shown in the same frame of the screen as its cell.
let clean: typeof import('./sanitise') | null = null;
let markdown: typeof import('./markdown') | null = null;
let math: typeof import('./math') | null = null;

export function isHere(need: Need): boolean {
  return clean !== null && (need === 'html' || markdown !== null);
}

export async function load(need: Need): Promise<void> {
  const [cleaner, renderer] = await Promise.all([
    clean ?? import('./sanitise'),
    need === 'markdown' ? (markdown ?? import('./markdown')) : null,
  ]);
  clean = cleaner;
  markdown ??= renderer;
}

export function showHtml(host: HTMLElement, html: string): void {
  if (clean === null) return;
  host.replaceChildren(clean.sanitise(withoutPandas(html)));
  for (const table of host.querySelectorAll<HTMLTableElement>('table.dataframe')) enhance(table);
}

/** Replaces what `host` holds. Formulas are drawn when KaTeX is here; until then they stand as they were written. */
export function showMarkdown(host: HTMLElement, text: string, attachments: JsonObject): void {
  if (clean === null || markdown === null) return;
  host.replaceChildren(clean.sanitise(markdown.renderMarkdown(text), attachments));
  for (const table of host.querySelectorAll('table')) {
    const frame = document.createElement('div');
    frame.className = 'wide';
    table.replaceWith(frame);
    frame.append(table);
  }
  void drawFormulas(host);
}

export function showLatex(host: HTMLElement, text: string): void {
  const pieces = splitMath(text);
  const bare = pieces.every((piece) => 'text' in piece); // text/latex may come without dollars
  host.replaceChildren(
    ...(bare && /[\\^_{]/.test(text) ? [{ tex: text, display: true }] : pieces).map((piece) => {
      if ('text' in piece) return document.createTextNode(piece.text);
      const holder = document.createElement('span');
      holder.className = piece.display ? 'math-display' : 'math-inline';
      holder.textContent = piece.tex;
      return holder;
    }),
  );
  void drawFormulas(host);
}

async function drawFormulas(host: HTMLElement): Promise<void> {
  const holders = [...host.querySelectorAll<HTMLElement>('.math-inline, .math-display')];
  if (holders.length === 0) return;
  try {
    math ??= await import('./math');
  } catch {
    return; // they can be read as they are
  }
  for (const holder of holders) {
    if (host.contains(holder)) {
      math.drawMath(holder, holder.textContent ?? '', holder.classList.contains('math-display'));
    }
  }
}
