/** The way between the page and a frame that draws one plot; what the drawing scripts share. */

export interface Drawn {
  readonly mime: string;
  readonly spec: Record<string, unknown>;
}

export type PlotNews = { do: 'ready' } | { do: 'failed'; text: string };

const { parent } = window;

function tell(news: PlotNews): void {
  // The page cannot be named: whoever embeds the frame is the page (frame-ancestors).
  parent.postMessage({ ganimede: 'plot', ...news }, '*');
}

/** A sentence below the plot. */
export function say(text: string): void {
  tell({ do: 'failed', text });
}

/** `draw` is called once, and `redress` whenever the page's colours change. */
export function plot(
  draw: (drawn: Drawn, root: HTMLElement) => Promise<void>,
  redress: () => Promise<void>,
): void {
  const root = document.getElementById('ganimede-output') ?? document.body;
  const failed = (error: unknown): void => say(error instanceof Error ? error.message : String(error));
  let begun = false;
  window.addEventListener('message', ({ source, data }: MessageEvent) => {
    if (source !== parent || data?.ganimede !== 'plot' || data.do !== 'draw' || begun) return;
    begun = true;
    draw(data as Drawn, root).catch(failed);
  });
  new MutationObserver(() => void (begun && redress().catch(failed))).observe(document.documentElement, {
    attributeFilter: ['data-theme'],
  });
  tell({ do: 'ready' });
}

export const token = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export const dark = (): boolean => document.documentElement.dataset['theme'] === 'dark';

export const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
