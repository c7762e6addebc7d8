/** What the sandboxed frame may tell the page: judged, bounded, and nothing of it is markup. Pure. */
import { asObject } from '../doc/values';
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
  /** The wheel was turned over something that has nothing to scroll: it is the canvas's. */
  readonly wheel?: Wheel;
}

/** In the frame's own pixels. */
export interface Wheel {
  readonly x: number;
  readonly y: number;
  readonly deltaX: number;
  readonly deltaY: number;
  readonly deltaMode: number;
  readonly ctrlKey: boolean;
  readonly shiftKey: boolean;
}

function wheelOf(value: unknown): Wheel | null {
  const given = asObject(value);
  const { x, y, deltaX, deltaY, deltaMode } = given;
  const numbers = [x, y, deltaX, deltaY, deltaMode];
  if (!numbers.every((each) => typeof each === 'number' && Math.abs(each) < 1e5)) return null;
  const [ctrlKey, shiftKey] = [given['ctrlKey'] === true, given['shiftKey'] === true];
  return { x, y, deltaX, deltaY, deltaMode, ctrlKey, shiftKey } as Wheel;
}

/** The message's content, or null if it is none of the frame's own. */
export function frameNews(data: unknown): FrameNews | null {
  if (typeof data !== 'object' || data === null) return null;
  const given = data as Record<string, unknown>;
  if (given['ganimede'] !== 'frame') return null;
  if (given['ready'] === true) return { ready: true };
  if (given['escape'] === true) return { escape: true };
  const wheel = 'wheel' in given ? wheelOf(given['wheel']) : null;
  if (wheel !== null) return { wheel };
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

/** The page's colours and measures (theme.css), for what is drawn in a frame to look like the page. */
const TOKENS = [
  ...['surface', 'surface-2', 'surface-3', 'line', 'line-strong', 'text', 'text-2', 'text-3'],
  ...['accent', 'accent-soft', 'on-accent', 'run', 'run-soft', 'wait', 'wait-soft', 'danger', 'danger-soft'],
  ...['radius-s', 'radius-m'],
].map((name) => `--${name}`);

export interface Dress {
  theme: 'light' | 'dark';
  style: Record<string, string>;
  tokens: Record<string, string>;
}

/** What the page's theme makes of an output's bare text, and what it is made of. */
export function dressOf(host: Element): Dress {
  const { color, fontSize, lineHeight } = getComputedStyle(host);
  const theme = document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light';
  const root = getComputedStyle(document.documentElement);
  const tokens = Object.fromEntries(TOKENS.map((name) => [name, root.getPropertyValue(name).trim()]));
  return { theme, tokens, style: { color, fontSize, lineHeight, fontFamily: 'system-ui, sans-serif' } };
}
