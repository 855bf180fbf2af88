/** What is wrong with an expression, and where: `if.0.var`. */
export interface LogicProblem {
  readonly path: string;
  readonly message: string;
}

const MAX_NODES = 2_000;
const MAX_DEPTH = 40;
const MAX_TEXT = 10_000;
const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);

/** Bounds of an expression that somebody else wrote: its depth, its size, its names. Null when it is within them. */
export function exceedsBounds(logic: unknown): LogicProblem | null {
  let nodes = 0;
  const visit = (node: unknown, path: string, depth: number): LogicProblem | null => {
    nodes += 1;
    if (nodes > MAX_NODES) return { path, message: `has more than ${MAX_NODES} parts; move some to a segment` };
    if (depth > MAX_DEPTH) return { path, message: `is nested more than ${MAX_DEPTH} levels deep` };
    if (typeof node === "string" && node.length > MAX_TEXT) {
      return { path, message: `has a text of more than ${MAX_TEXT} characters` };
    }
    if (typeof node === "number" && !Number.isFinite(node)) return { path, message: "must be a finite number" };
    if (typeof node !== "object" || node === null) return null;
    for (const [name, part] of Object.entries(node)) {
      const inside = path === "" ? name : `${path}.${name}`;
      if (FORBIDDEN.has(name)) return { path: inside, message: "is not a name that can be used" };
      const problem = visit(part, inside, depth + 1);
      if (problem !== null) return problem;
    }
    return null;
  };
  return visit(logic, "", 0);
}
