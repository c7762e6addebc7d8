/** Pictures of outputs as addresses for `<img>`, where nothing in them runs. Pure. */

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const RASTER = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;

/** `''` for what is no picture. */
export function imageAddress(mime: string, value: string): string {
  const packed = value.replace(/\s/g, '');
  return RASTER.test(mime) && BASE64.test(packed) ? `data:${mime};base64,${packed}` : '';
}

/** A drawing stands alone in an `<img>`: its scripts do not run and it loads nothing. */
export function svgAddress(svg: string): string {
  const at = svg.search(/<svg[\s>]/i);
  if (at < 0) return '';
  const tag = /^<svg[^>]*/i.exec(svg.slice(at))?.[0] ?? '';
  // Inline in HTML it needs no namespace; by itself it does.
  const spaced = /\sxmlns\s*=/.test(tag)
    ? svg
    : `${svg.slice(0, at + 4)} xmlns="http://www.w3.org/2000/svg"${svg.slice(at + 4)}`;
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(wellFormed(spaced))}`;
}

/** Half a surrogate pair cannot be written into an address. */
function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}
