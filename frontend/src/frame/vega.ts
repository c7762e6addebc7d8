/** What runs in the sandboxed frame to draw a chart of Vega or Vega-Lite: interpreted, never evaluated. */
import { loader as makeLoader } from 'vega';
import embed, { type EmbedOptions, type Result, type VisualizationSpec } from 'vega-embed';
import { expressionInterpreter } from 'vega-interpreter';
import { asObject, dark, plot, say, token, type Drawn } from './plot';

let shown: { drawn: Drawn; root: HTMLElement } | null = null;
let view: Result | null = null;

/** Data comes with the notebook: a chart that wants it from elsewhere would tell others who looks at it. */
const loader = makeLoader();
loader.load = (address) => {
  const host = URL.canParse(address) ? new URL(address).host : '';
  const where = host === '' ? 'a file' : host;
  const text = `This chart wants to load its data from ${where}: nothing comes from elsewhere.`;
  say(text); // Vega itself draws what there is without it
  return Promise.reject(new Error(text));
};

function options(spec: Record<string, unknown>, mime: string): EmbedOptions {
  const words = { titleColor: token('text'), labelColor: token('text-2') };
  const lines = {
    gridColor: token('line'),
    domainColor: token('line-strong'),
    tickColor: token('line-strong'),
  };
  const given = asObject(asObject(spec['usermeta'])['embedOptions']);
  const renderer = given['renderer'] === 'canvas' ? 'canvas' : 'svg';
  return {
    mode: /vega-?lite/.test(mime) ? 'vega-lite' : 'vega',
    ast: true,
    expr: expressionInterpreter,
    actions: false,
    tooltip: { theme: dark() ? 'dark' : 'light' },
    renderer,
    loader,
    config: {
      background: 'transparent',
      axis: { ...words, ...lines },
      legend: words,
      title: { color: token('text'), subtitleColor: token('text-2') },
      header: words,
      text: { color: token('text') },
      view: { stroke: token('line') },
    },
  };
}

async function draw(): Promise<void> {
  if (shown === null) return;
  const { drawn, root } = shown;
  view?.finalize();
  const inner = document.createElement('div');
  root.replaceChildren(inner);
  view = await embed(inner, drawn.spec as unknown as VisualizationSpec, options(drawn.spec, drawn.mime));
}

plot((drawn, root) => {
  shown = { drawn, root };
  return draw();
}, draw);
