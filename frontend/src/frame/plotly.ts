/** What runs in the sandboxed frame to draw a figure of plotly. */
import * as Plotly from 'plotly.js-dist-min';
import { asObject, dark, plot, token } from './plot';

/** Pixels, where the figure says nothing: as plotly's own default. */
const HEIGHT = 450;

let drawn: HTMLElement | null = null;
let asked: Record<string, unknown> = {};

/** The page's colours, wherever the figure has none of its own. */
function dressed(): Partial<Plotly.Layout> {
  const axis = {
    gridcolor: token('line'),
    zerolinecolor: token('line-strong'),
    linecolor: token('line-strong'),
  };
  const template = asObject(asked['template']);
  const given = asObject(template['layout']);
  const paper = asked['paper_bgcolor'] ?? 'rgba(0,0,0,0)';
  const font = { color: token('text'), family: 'system-ui, sans-serif', ...asObject(asked['font']) };
  const own = 'plot_bgcolor' in asked;
  // Templates are made for white paper: in the dark they keep the colours of their lines only.
  const themed = dark()
    ? {
        ...given,
        plot_bgcolor: 'rgba(127,127,127,0.08)',
        font: { ...asObject(given['font']), color: token('text') },
        xaxis: { ...asObject(given['xaxis']), ...axis },
        yaxis: { ...asObject(given['yaxis']), ...axis },
      }
    : given;
  const figure: Record<string, unknown> = {
    ...asked,
    font,
    paper_bgcolor: paper,
    autosize: asked['width'] === undefined,
    height: asked['height'] ?? HEIGHT,
    // What a person zoomed or hid stays so when the colours change.
    uirevision: asked['uirevision'] ?? true,
    template: own ? template : { ...template, layout: themed },
  };
  // Whatever the notebook says is plotly's to judge.
  const layout: Partial<Plotly.Layout> = {};
  return Object.assign(layout, figure as object);
}

/** All but the layout. */
let given: Plotly.PlotlyDataLayoutConfig | null = null;

plot(
  async ({ spec }, root) => {
    drawn = root;
    asked = asObject(spec['layout']);
    given = {
      data: Array.isArray(spec['data']) ? spec['data'] : [],
      config: { ...asObject(spec['config']), responsive: true, displaylogo: false, scrollZoom: false },
      frames: Array.isArray(spec['frames']) ? spec['frames'] : [],
    };
    await Plotly.newPlot(root, { ...given, layout: dressed() });
  },
  async () => {
    if (drawn !== null && given !== null) await Plotly.react(drawn, given.data, dressed(), given.config);
  },
);
