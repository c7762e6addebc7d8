/** A new cell's id: 8 characters, urlsafe base64 of 6 random bytes, as every client of the document makes them. */
export function newCellId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}
