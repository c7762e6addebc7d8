import { describe, expect, it } from 'vitest';
import { estimateHeight, type Estimated } from '../../src/cell/estimate';

const code = (over: Partial<Estimated> = {}): Estimated => ({
  type: 'code',
  text: 'x = 1',
  width: 600,
  collapsed: null,
  outputs: [],
  ...over,
});
const stream = (lines: number) => ({ output_type: 'stream', name: 'stdout', text: 'line\n'.repeat(lines) });

describe('the height of a cell that was never drawn', () => {
  it('is exact for plain code: header, borders, padding, lines', () => {
    expect(estimateHeight(code())).toBe(32 + 2 + 16 + 20);
    expect(estimateHeight(code({ text: 'a\nb\nc\n' }))).toBe(32 + 2 + 16 + 4 * 20);
    expect(estimateHeight(code({ text: 'a' }), { codeSize: 20, outputSize: 14 })).toBe(32 + 2 + 16 + 30);
  });

  it('grows with outputs, and not beyond what an output shows', () => {
    const one = estimateHeight(code({ outputs: [stream(1)] }));
    const five = estimateHeight(code({ outputs: [stream(5)] }));
    expect(five - one).toBeCloseTo(4 * 14 * 0.93 * 1.45, -1);
    expect(estimateHeight(code({ outputs: [stream(100_000)] }))).toBeLessThan(1000);
  });

  it('knows folded parts', () => {
    const text = 'x\n'.repeat(40);
    const outputs = [stream(30)];
    const [open, i, o, b] = ([null, 'i', 'o', 'b'] as const).map((collapsed) =>
      estimateHeight(code({ text, outputs, collapsed })),
    );
    expect(b).toBe(32 + 2 + 32 + 32);
    expect(i).toBeLessThan(open as number);
    expect(o).toBeLessThan(open as number);
  });

  it('takes a picture’s own size, scaled into the cell', () => {
    const picture = (width: number, height: number): Estimated =>
      code({
        outputs: [
          {
            output_type: 'display_data',
            data: { 'image/png': '' },
            metadata: { 'image/png': { width, height } },
          },
        ],
      });
    expect(estimateHeight(picture(400, 300)) - estimateHeight(picture(400, 200))).toBe(100);
    expect(estimateHeight(picture(5680, 3000))).toBeLessThan(500);
  });

  it.each([
    {},
    { output_type: 'error' },
    { output_type: 'stream', text: 7 },
    { output_type: 'display_data', data: null },
    { output_type: 'display_data', data: { 'text/html': ['<table><tr><td>1</td></tr></table>'] } },
    { output_type: 'display_data', data: { 'text/plain': null }, metadata: { 'image/png': 'x' } },
  ])('bears any output: %j', (output) => {
    expect(estimateHeight(code({ outputs: [output] as never }))).toBeGreaterThan(60);
  });

  it('lets prose flow with the width', () => {
    const text = `# Title\n\n${'word '.repeat(200)}`;
    const wide = estimateHeight(code({ type: 'markdown', text, width: 900 }));
    const narrow = estimateHeight(code({ type: 'markdown', text, width: 300 }));
    expect(narrow).toBeGreaterThan(wide * 1.8);
    expect(estimateHeight(code({ type: 'markdown', text: '' }))).toBeGreaterThan(40);
  });
});
