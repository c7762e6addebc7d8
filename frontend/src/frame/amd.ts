/** anywidget's front end comes as an AMD module alone: it is taken as it defines itself. Imported before it. */

type Factory = (...dependencies: unknown[]) => unknown;
let last: { names: readonly string[]; factory: Factory } | null = null;

Object.assign(globalThis, {
  define: (names: readonly string[], factory: Factory): void => {
    last = { names, factory };
  },
});

/** The module that was defined last. Throws if it needs what `modules` lacks. */
export function defined(modules: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (last === null) throw new Error('No module defined itself.');
  const given = last.names.map((name) => {
    if (modules[name] === undefined) throw new Error(`There is no module ${name}.`);
    return modules[name];
  });
  return last.factory(...given) as Record<string, unknown>;
}
