/** Pictures out of the notebook: to the clipboard, and into a file. */

const ENDINGS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/svg+xml': 'svg',
  'image/avif': 'avif',
  'image/bmp': 'bmp',
};

/** The name of the file: what the picture is called, if that is a name. */
export function fileName(alt: string, type: string): string {
  const plain = alt
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 60);
  const stem = plain === '' || plain === 'Image' ? 'image' : plain;
  const ending = ENDINGS[type] ?? 'bin';
  return stem.endsWith(`.${ending}`) ? stem : `${stem}.${ending}`;
}

/** The bytes of a picture of the page: its address is data or this server's own. */
async function bytesOf(image: HTMLImageElement): Promise<Blob> {
  const data = /^data:([\w.+/-]+)(;[^,]*)?,(.*)$/s.exec(image.src);
  // The page's policy lets nothing be fetched from such an address.
  if (data === null) return (await fetch(image.src)).blob();
  const [, type = '', how = '', rest = ''] = data;
  if (!how.includes('base64')) return new Blob([decodeURIComponent(rest)], { type });
  return new Blob([Uint8Array.from(atob(rest), (each) => each.charCodeAt(0))], { type });
}

export async function saveImage(image: HTMLImageElement): Promise<void> {
  const bytes = await bytesOf(image);
  const address = URL.createObjectURL(bytes);
  const link = document.createElement('a');
  link.href = address;
  link.download = fileName(image.alt, bytes.type);
  link.click();
  // The download has its own hold on it by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** As PNG, which is all that clipboards take. */
export async function copyImage(image: HTMLImageElement): Promise<void> {
  const png = new Promise<Blob>((resolve, reject) => {
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth || image.width;
    canvas.height = image.naturalHeight || image.height;
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(
      (blob) => (blob === null ? reject(new Error('It cannot be drawn.')) : resolve(blob)),
      'image/png',
    );
  });
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
}
