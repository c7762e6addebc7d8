/** Colours that a kernel chose for a terminal, made readable on both of our grounds. Pure. */

type Rgb = readonly [number, number, number];

// The surfaces of the two themes, as luminance.
const LIGHT_GROUND = 1;
const DARK_GROUND = 0.014;
const ENOUGH = 4.5;

const known = new Map<string, { light: string; dark: string; on: string }>();

/** For a `#rrggbb`: itself or the nearest readable shade for each theme, and black or white to stand on it. */
export function readable(colour: string): { light: string; dark: string; on: string } {
  let found = known.get(colour);
  if (found === undefined) {
    const rgb = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)) as unknown as Rgb;
    const on = contrast(luminance(rgb), 1) >= contrast(luminance(rgb), 0) ? '#ffffff' : '#000000';
    found = { light: towards(rgb, 0, LIGHT_GROUND), dark: towards(rgb, 255, DARK_GROUND), on };
    if (known.size > 2000) known.clear(); // a picture drawn in characters
    known.set(colour, found);
  }
  return found;
}

function towards(colour: Rgb, end: number, ground: number): string {
  for (let part = 0; part <= 1; part += 0.1) {
    const mixed = colour.map((each) => Math.round(each + (end - each) * part)) as unknown as Rgb;
    if (contrast(luminance(mixed), ground) >= ENOUGH) return hex(mixed);
  }
  return hex([end, end, end]);
}

export function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((each) => {
    const part = each / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

export function contrast(a: number, b: number): number {
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function hex(colour: Rgb): string {
  return `#${colour.map((each) => each.toString(16).padStart(2, '0')).join('')}`;
}
