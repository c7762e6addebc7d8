/** Places in a text: JavaScript counts UTF-16 units, Jupyter's messages count code points. Pure. */

export function pointsBefore(text: string, offset: number): number {
  let points = 0;
  for (let at = 0; at < offset && at < text.length; points += 1)
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return points;
}

/** One beyond the end is the end. */
export function offsetOf(text: string, points: number): number {
  let at = 0;
  for (let left = points; left > 0 && at < text.length; left -= 1)
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}
