/** `GET /config` as signals: keys that this page does not know are passed over, wrong ones keep their default. */
import { asObject, numberOr, type Json } from './values';

export type LineNumbers = 'on' | 'off' | 'relative';

const LINE_NUMBERS: readonly unknown[] = ['on', 'off', 'relative'];
const within = (value: unknown, low: number, high: number, otherwise: number): number =>
  Math.min(high, Math.max(low, numberOr(value, otherwise)));

export class PageConfig {
  codeSize = $state(13);
  outputSize = $state(14);
  lineNumbers: LineNumbers = $state('on');
  /** The canvas's grid, in canvas pixels. */
  snap = $state.raw({ x: 20, y: 20 });

  read(config: Json): void {
    const document = asObject(config);
    const editor = asObject(document['monaco']);
    this.codeSize = within(editor['fontSize'], 6, 40, this.codeSize);
    if (LINE_NUMBERS.includes(editor['lineNumbers'])) this.lineNumbers = editor['lineNumbers'] as LineNumbers;
    this.outputSize = within(asObject(document['outputs'])['fontSize'], 6, 40, this.outputSize);
    const snap = asObject(asObject(document['grid'])['snap']);
    this.snap = { x: within(snap['x'], 1, 500, this.snap.x), y: within(snap['y'], 1, 500, this.snap.y) };
  }

  async load(url = '/config'): Promise<void> {
    const answer = await fetch(url);
    if (answer.ok) this.read((await answer.json()) as Json);
  }
}
