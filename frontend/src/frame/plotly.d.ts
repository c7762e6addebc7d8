/** Of plotly what the frame uses: the packages of its types know every attribute of every chart. */
declare module 'plotly.js-dist-min' {
  interface Figure {
    data: unknown[];
    layout: Record<string, unknown>;
    config: Record<string, unknown>;
    frames: unknown[];
  }
  export function newPlot(root: HTMLElement, figure: Figure): Promise<unknown>;
  export function react(root: HTMLElement, figure: Figure): Promise<unknown>;
}
