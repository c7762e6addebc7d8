import { describe, expect, it } from 'vitest';
import { choose } from '../../src/output/bundle';
import { chartIn, drawerOf, plotName, plotNews } from '../../src/output/plot';

const HTML = `
<div id="altair-viz-1"></div>
<script type="text/javascript">
  var VEGA_DEBUG = (typeof VEGA_DEBUG == "undefined") ? {} : VEGA_DEBUG;
  (function(spec, embedOpt){
    let outputDiv = document.currentScript.previousElementSibling;
  })({"config": {"view": {"continuousWidth": 300}}, "$schema": "https://vega.github.io/schema/vega-lite/v6.1.0.json", "mark": {"type": "bar"}}, {"mode": "vega-lite"});
</script>`;

describe('plots', () => {
  it('are drawn by the library of their kind', () => {
    expect(drawerOf('application/vnd.plotly.v1+json')).toBe('plotly');
    expect(drawerOf('application/vnd.vegalite.v5+json')).toBe('vega');
    expect(drawerOf('application/vnd.vegalite.v6.json')).toBe('vega');
    expect(drawerOf('application/vnd.vega.v5+json')).toBe('vega');
    expect(drawerOf('application/vnd.vegas+json')).toBeNull();
  });

  it('come before the HTML that would fetch a library, and before a picture', () => {
    const data = { 'text/html': '<script></script>', 'image/png': 'x', 'application/vnd.plotly.v1+json': {} };
    expect(choose(data).view).toBe('plot');
  });

  it('are found in Altair’s HTML, and in no other', () => {
    const found = chartIn(HTML);
    expect(found?.mime).toBe('application/vnd.vegalite.v6+json');
    expect(found?.value).toMatchObject({ mark: { type: 'bar' } });
    expect(chartIn('<p>https://vega.github.io/schema/vega-lite/v6.json</p>')).toBeNull();
    expect(chartIn(HTML.replace('"mark"', 'mark'))).toBeNull();
    expect(chartIn(HTML.replace('vega.github.io/schema/vega-lite', 'evil.example'))).toBeNull();
  });

  it('are named by their titles', () => {
    expect(plotName({ layout: { title: { text: 'Heights' } } })).toBe('Plot: Heights');
    expect(plotName({ title: 'Bars' })).toBe('Plot: Bars');
    expect(plotName({ title: ['a', 'b'] })).toBe('Plot');
    expect(plotName(null)).toBe('Plot');
  });

  it('say that they are ready, or why not, and nothing else', () => {
    expect(plotNews({ ganimede: 'plot', do: 'ready' })).toEqual({ ready: true, failed: '' });
    expect(plotNews({ ganimede: 'plot', do: 'failed', text: 'x'.repeat(999) })?.failed.length).toBe(300);
    expect(plotNews({ ganimede: 'frame', ready: true })).toBeNull();
    expect(plotNews('ready')).toBeNull();
  });
});
