/** How high cells' texts were drawn: from afar a text takes the same room, or the columns would move as one zooms. */
const drawn = new Map<string, number>();

export function rememberHeight(id: string, height: number): void {
  if (height > 0) drawn.set(id, height);
}

export function rememberedHeight(id: string): number | undefined {
  return drawn.get(id);
}
