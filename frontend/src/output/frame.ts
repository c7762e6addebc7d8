/** What the sandboxed frame may tell the page: judged, bounded, and nothing of it is markup. Pure. */
import { safeLink } from './addresses';

export const TALLEST = 3000;

export interface FrameNews {
  readonly ready?: true;
  readonly height?: number;
  readonly error?: string;
  /** The host of something that its policy did not let it load. */
  readonly blocked?: string;
  readonly link?: string;
  readonly escape?: true;
}

/** The message's content, or null if it is none of the frame's own. */
export function frameNews(data: unknown): FrameNews | null {
  if (typeof data !== 'object' || data === null) return null;
  const given = data as Record<string, unknown>;
  if (given['ganimede'] !== 'frame') return null;
  if (given['ready'] === true) return { ready: true };
  if (given['escape'] === true) return { escape: true };
  const { height, error, blocked, link } = given;
  if (typeof height === 'number' && Number.isFinite(height)) {
    return { height: Math.round(Math.min(TALLEST, Math.max(0, height))) };
  }
  if (typeof error === 'string') return { error: error.slice(0, 500) };
  if (typeof blocked === 'string' && URL.canParse(blocked)) {
    const host = new URL(blocked).host;
    return host ? { blocked: host.slice(0, 100) } : null;
  }
  const address = typeof link === 'string' ? safeLink(link) : null;
  return address === null ? null : { link: address };
}

/** What the page's theme makes of an output's bare text. */
export function dressOf(host: Element): { theme: 'light' | 'dark'; style: Record<string, string> } {
  const { color, fontSize, lineHeight } = getComputedStyle(host);
  const theme = document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light';
  return { theme, style: { color, fontSize, lineHeight, fontFamily: 'system-ui, sans-serif' } };
}
