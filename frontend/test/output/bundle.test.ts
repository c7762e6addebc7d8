import { describe, expect, it } from 'vitest';
import type { JsonObject, Output } from '../../src/doc/values';
import { askedSize, choose, itemsOf, textOf } from '../../src/output/bundle';
import { imageAddress, svgAddress } from '../../src/output/images';
import { traceOf } from '../../src/output/trace';

const stream = (name: string, text: string | string[]): Output => ({ output_type: 'stream', name, text });

describe('what is drawn', () => {
  it('joins neighbouring streams of one name', () => {
    const items = itemsOf([
      stream('stdout', 'a'),
      stream('stdout', ['b', 'c']),
      stream('stderr', 'd'),
      stream('stdout', 'e'),
    ]);
    expect(items).toEqual([
      { kind: 'stream', key: 's0', name: 'stdout', pieces: ['a', 'bc'] },
      { kind: 'stream', key: 's1', name: 'stderr', pieces: ['d'] },
      { kind: 'stream', key: 's2', name: 'stdout', pieces: ['e'] },
    ]);
  });

  it('keeps its key while it is the same object, and no two have one key', () => {
    const display: Output = { output_type: 'display_data', data: {} };
    const other: Output = { output_type: 'display_data', data: {} };
    const before = itemsOf([stream('stdout', 'a'), display, other]);
    const after = itemsOf([stream('stdout', 'a, more'), display, { ...other }]);
    expect(after[0]?.key).toBe(before[0]?.key);
    expect(after[1]?.key).toBe(before[1]?.key);
    expect(after[2]?.key).not.toBe(before[2]?.key);
    expect(new Set(before.map((item) => item.key)).size).toBe(3);
  });

  it('takes whatever stands in a file', () => {
    expect(
      itemsOf([{}, { output_type: 7 }, { output_type: 'stream' }, { output_type: 'error' }]),
    ).toHaveLength(4);
    expect(textOf([1, 'a', null, 'b'])).toBe('ab');
    expect(textOf({})).toBe('');
  });
});

describe('the richest kind', () => {
  const all = {
    'text/plain': 'p',
    'application/json': {},
    'image/png': 'AA==',
    'image/svg+xml': '<svg/>',
    'text/latex': '$x$',
    'text/markdown': ['m'],
    'text/html': ['<b>'],
  };
  it.each([
    [['text/html'], 'html'],
    [['text/html', 'text/markdown'], 'markdown'],
    [['text/html', 'text/markdown', 'text/latex'], 'latex'],
    [['text/html', 'text/markdown', 'text/latex', 'image/svg+xml'], 'svg'],
    [['text/html', 'text/markdown', 'text/latex', 'image/svg+xml', 'image/png'], 'image'],
  ])('is next when %j are missing', (_missing, view) => {
    const order = ['html', 'markdown', 'latex', 'svg', 'image'];
    const names = ['text/html', 'text/markdown', 'text/latex', 'image/svg+xml', 'image/png'];
    const data = Object.fromEntries(
      Object.entries(all).filter(
        ([mime]) => names.indexOf(mime) < 0 || names.indexOf(mime) >= order.indexOf(view),
      ),
    );
    expect(choose(data).view).toBe(view);
  });

  it.each<[JsonObject, string, string]>([
    [{ 'text/plain': 'x' }, 'text', 'text/plain'],
    [{ 'application/json': null, 'text/plain': 'x' }, 'json', 'application/json'],
    [{ 'application/json': 0 }, 'json', 'application/json'],
    [
      { 'application/vnd.jupyter.widget-view+json': {}, 'text/plain': 'x' },
      'widget',
      'application/vnd.jupyter.widget-view+json',
    ],
    [{ 'application/x-thing': 'x', 'text/plain': 'y' }, 'unknown', 'application/x-thing'],
    [{ 'application/x-thing+json': {} }, 'json', 'application/x-thing+json'],
    [{ 'text/csv': 'a,b' }, 'text', 'text/csv'],
    [{ 'text/html': 7, 'text/plain': 'y' }, 'unknown', 'text/html'],
    [{ 'image/png': {}, 'image/jpeg': 'AA==' }, 'image', 'image/jpeg'],
    [{ 'application/javascript': 'x', 'text/plain': 'y' }, 'script', 'application/javascript'],
    [{}, 'text', 'text/plain'],
  ])('of %j is %s', (data, view, mime) => {
    expect(choose(data)).toMatchObject({ view, mime });
  });

  it('has the size that was asked for, if it is one', () => {
    expect(askedSize({ 'image/png': { width: 300, height: '20' } }, 'image/png')).toEqual({
      width: 300,
      height: 20,
    });
    expect(askedSize({ width: 10 }, 'image/png')).toEqual({ width: 10 });
    expect(askedSize({ 'image/png': { width: -1, height: 1e9 } }, 'image/png')).toEqual({});
    expect(askedSize({ 'image/png': { width: '1" onload="x' } }, 'image/png')).toEqual({});
    expect(askedSize(null, 'image/png')).toEqual({});
  });
});

describe('pictures', () => {
  it('are data and nothing but data', () => {
    expect(imageAddress('image/png', 'iVBO\nRw0=')).toBe('data:image/png;base64,iVBORw0=');
    expect(imageAddress('image/png', 'x" onerror="1')).toBe('');
    expect(imageAddress('text/html', 'AAAA')).toBe('');
  });
  it('of an svg stand alone and have a namespace', () => {
    expect(decodeURIComponent(svgAddress('<?xml version="1.0"?><svg width="1"><a/></svg>'))).toContain(
      '<svg xmlns="http://www.w3.org/2000/svg" width="1">',
    );
    expect(svgAddress('<svg xmlns="http://www.w3.org/2000/svg"/>').match(/xmlns/g)).toHaveLength(1);
    expect(svgAddress('<b>')).toBe('');
    expect(() => svgAddress('<svg>\ud800</svg>')).not.toThrow();
  });
});

describe('an error', () => {
  const output = (ename: string, evalue: string, traceback: string[]): Output => ({
    output_type: 'error',
    ename,
    evalue,
    traceback,
  });
  it('is said once', () => {
    const trace = traceOf(
      output('ValueError', 'bad', [
        `\x1b[31m${'-'.repeat(75)}\x1b[39m`,
        '\x1b[31mValueError\x1b[39m                 Traceback (most recent call last)',
        'Cell \x1b[32mIn[1]\x1b[39m\n----> 1 f()',
        '\x1b[31mValueError\x1b[39m: bad',
      ]),
    );
    expect(trace).toEqual({
      name: 'ValueError',
      value: 'bad',
      lines: 'Traceback (most recent call last):\nCell \x1b[32mIn[1]\x1b[39m\n----> 1 f()',
    });
  });
  it('without a traceback is its heading', () => {
    expect(traceOf(output('KernelDied', 'killed', []))).toEqual({
      name: 'KernelDied',
      value: 'killed',
      lines: '',
    });
    expect(traceOf({ output_type: 'error' })).toEqual({ name: 'Error', value: '', lines: '' });
  });
  it('of another shape stays whole', () => {
    expect(traceOf(output('E', 'v', ['one', 'two'])).lines).toBe('one\ntwo');
    expect(traceOf(output('E', 'x'.repeat(5000), [])).value).toHaveLength(2001);
  });
});
