declare module 'subset-font' {
  interface Options {
    targetFormat?: 'woff2';
    variationAxes?: Record<string, { min: number; max: number }>;
    keepFeatures?: string[];
  }
  /** The font with what `text` needs of it. */
  export default function subsetFont(font: Buffer, text: string, options?: Options): Promise<Buffer>;
}
