/** The graphs and places as the file has them. */
import { parentsOf } from '../doc/graph';
import { asObject, numberOr, type Edges, type JsonObject } from '../doc/values';
import type { Stored } from '../canvas/layout';

export interface Graph {
  readonly ids: readonly string[];
  readonly np: Edges;
  readonly pc: Edges;
  readonly parents: ReadonlyMap<string, string>;
  stored(id: string): Stored;
}

export function readGraph(text: string): Graph {
  const given = asObject(JSON.parse(text));
  const places = asObject(given['places']);
  const pc = edges(given['pc']);
  return {
    ids: strings(given['ids']),
    np: edges(given['np']),
    pc,
    parents: parentsOf(pc),
    stored: (id) => place(asObject(places[id])),
  };
}

const place = (given: JsonObject): Stored => ({
  left: numberOr(given['left'], null),
  top: numberOr(given['top'], null),
  width: numberOr(given['width'], null),
});

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];

const edges = (value: unknown): Edges =>
  new Map(Object.entries(asObject(value)).map(([from, to]) => [from, strings(to)]));
