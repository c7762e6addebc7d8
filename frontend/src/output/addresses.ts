/** Where links and images of a notebook may lead. Pure. */
import { asObject, type JsonObject } from '../doc/values';

const IMAGE_MIME = /^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml)$/;
const DATA_IMAGE = /^data:image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml)[;,]/i;
const DATA_MEDIA = /^data:(audio|video)\/[\w.+-]+[;,]/i;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;

/** What is shown for an image: an address of our own, or why there is none. */
export type Picture = { src: string } | { missing: 'remote' | 'outside' | 'unknown'; what: string };

/** An address that a person may open in a new tab: elsewhere, absolute and without surprises. */
export function safeLink(address: string): string | null {
  const trimmed = address.trim();
  if (!/^(https?:\/\/|mailto:)/i.test(trimmed) || !URL.canParse(trimmed)) return null;
  const { protocol } = new URL(trimmed);
  return ['http:', 'https:', 'mailto:'].includes(protocol) ? trimmed : null;
}

export function safeMedia(address: string): string | null {
  return DATA_MEDIA.test(address.trim()) ? address.trim() : null;
}

/** `attachments` as nbformat has them: name → {mime: base64}. */
export function picture(address: string, attachments: JsonObject = {}): Picture {
  const trimmed = address.trim();
  if (DATA_IMAGE.test(trimmed)) return { src: trimmed };
  if (/^attachment:/i.test(trimmed)) return attached(trimmed.slice('attachment:'.length), attachments);
  if (/^(https?:)?[\\/]{2}/i.test(trimmed)) return { missing: 'remote', what: hostOf(trimmed) };
  if (SCHEME.test(trimmed) || trimmed === '') return { missing: 'unknown', what: trimmed.slice(0, 80) };
  return beside(trimmed);
}

function attached(name: string, attachments: JsonObject): Picture {
  const known = [name, decoded(name)].find((each) => Object.hasOwn(attachments, each));
  if (known === undefined) return { missing: 'unknown', what: `the attachment ${name.slice(0, 80)}` };
  for (const [mime, value] of Object.entries(asObject(attachments[known]))) {
    const body = Array.isArray(value) ? value.join('') : value;
    if (!IMAGE_MIME.test(mime) || typeof body !== 'string') continue;
    const packed = body.replace(/\s/g, '');
    if (/^[A-Za-z0-9+/]+=*$/.test(packed)) return { src: `data:${mime};base64,${packed}` };
  }
  return { missing: 'unknown', what: `the attachment ${name.slice(0, 80)}` };
}

/** A file beside or below the notebook; the server judges again. */
function beside(address: string): Picture {
  const path = address.replace(/[?#].*$/s, '').replace(/\\/g, '/');
  const names: string[] = [];
  for (const each of path.split('/')) {
    const name = decoded(each);
    if (name === '' || name === '.') continue;
    if (name.includes('\\') || (name === '..' && names.pop() === undefined))
      return { missing: 'outside', what: address.slice(0, 80) };
    if (name !== '..') names.push(encodeURIComponent(name));
  }
  if (names.length === 0 || path.startsWith('/')) return { missing: 'outside', what: address.slice(0, 80) };
  return { src: `/files/${names.join('/')}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function hostOf(address: string): string {
  const absolute = /^[\\/]{2}/.test(address) ? `https:${address}` : address;
  return URL.canParse(absolute) ? new URL(absolute).host : 'another host';
}
