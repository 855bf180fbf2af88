import { exceedsBounds } from "./check-logic.ts";
import { type CompiledLogic, READS_ITEM, READS_NOTHING } from "./logic-frame.ts";
import { invalid, LogicInvalid, type LogicScope } from "./logic-scope.ts";
import { LIST_BODIES } from "./list-operations.ts";
import { OPERATIONS } from "./operations.ts";
import { compileVariable } from "./variables.ts";

/**
 * Compiles JSONLogic to closures: nothing of it is ever run as program text. The language is json-logic-engine's as
 * flagd evaluates it, with `in_cidr`, `date_before`, `date_after` and `segment` added.
 *
 * @throws LogicInvalid
 */
export function compileLogic(logic: unknown, scope: LogicScope): CompiledLogic {
  const problem = exceedsBounds(logic);
  if (problem !== null) throw new LogicInvalid(problem);
  return compileNode(logic, scope, "");
}

function compileNode(node: unknown, scope: LogicScope, path: string): CompiledLogic {
  if (typeof node !== "object" || node === null) return constant(node);
  if (Array.isArray(node)) return compileList(node, scope, path);
  const [name, second] = Object.keys(node);
  if (name === undefined) return constant(node);
  if (second !== undefined) throw invalid(path, `must have one operation, not both "${name}" and "${second}"`);
  const data: unknown = Reflect.get(node, name);
  const inside = path === "" ? name : `${path}.${name}`;
  if (name === "var") return compileVar(data, scope, inside);
  if (name === "segment") return compileSegment(data, scope, inside);
  if (Object.hasOwn(LIST_BODIES, name)) return compileListOperation(name, data, scope, inside);
  if (Object.hasOwn(OPERATIONS, name)) return compileOperation(name, data, scope, inside);
  throw invalid(inside, `is no operation; known are ${knownOperations().join(", ")}`);
}

function knownOperations(): string[] {
  return ["var", "segment", ...Object.keys(OPERATIONS), ...Object.keys(LIST_BODIES)].sort();
}

function constant(value: unknown): CompiledLogic {
  return { run: () => value, reads: READS_NOTHING, constant: { value } };
}

function compileList(nodes: readonly unknown[], scope: LogicScope, path: string): CompiledLogic {
  const parts = nodes.map((node, index) => compileNode(node, scope, `${path}.${index}`));
  const reads = parts.reduce((all, part) => all | part.reads, READS_NOTHING);
  const runs = parts.map((part) => part.run);
  if (reads === READS_NOTHING) return foldable({ run: (frame, item) => runs.map((run) => run(frame, item)), reads });
  return { run: (frame, item) => runs.map((run) => run(frame, item)), reads };
}

/** What depends on nothing is evaluated once; what then fails goes on to fail where it is asked for. */
function foldable(compiled: CompiledLogic): CompiledLogic {
  if (compiled.reads !== READS_NOTHING) return compiled;
  try {
    // Nothing in it looks at the frame.
    return constant(compiled.run(undefined as never, undefined));
  } catch {
    return compiled;
  }
}

function compileVar(data: unknown, scope: LogicScope, path: string): CompiledLogic {
  const fallback: unknown = Array.isArray(data) ? data[1] : undefined;
  return compileVariable(data, scope, {
    path,
    otherwise: fallback === undefined ? undefined : compileNode(fallback, scope, `${path}.1`),
  });
}

function compileSegment(data: unknown, scope: LogicScope, path: string): CompiledLogic {
  const name: unknown = Array.isArray(data) && data.length === 1 ? data[0] : data;
  if (typeof name !== "string") throw invalid(path, "must be a segment's name");
  return scope.segment(name) ?? constant(false);
}

function compileOperation(name: string, data: unknown, scope: LogicScope, path: string): CompiledLogic {
  const operation = OPERATIONS[name];
  if (operation === undefined) throw invalid(path, "is no operation");
  if (operation.lazy && !Array.isArray(data)) throw invalid(path, "needs a list of arguments");
  if (Array.isArray(data)) {
    const parts = data.map((part, index) => compileNode(part, scope, `${path}.${index}`));
    if (parts.length < operation.least) throw invalid(path, `needs ${operation.least} or more arguments`);
    const reads = parts.reduce((all, part) => all | part.reads, operation.reads);
    const run = operation.compile(
      parts.map((part) => part.run),
      scope,
      parts,
    );
    return foldable({ run, reads });
  }
  const single = compileNode(data, scope, path);
  // One argument without brackets that is a list stands for all arguments.
  const run = operation.apply(single.run, scope);
  return foldable({ run, reads: single.reads | operation.reads });
}

function compileListOperation(name: string, data: unknown, scope: LogicScope, path: string): CompiledLogic {
  const make = LIST_BODIES[name];
  if (make === undefined || !Array.isArray(data) || data.length < 2) throw invalid(path, "needs a list and a body");
  if (scope.inList) throw invalid(path, "can't be used in another list operation's body");
  const list = compileNode(data[0], scope, `${path}.0`);
  const body = compileNode(data[1], { ...scope, inList: true }, `${path}.1`);
  const start = data.length > 2 ? compileNode(data[2], scope, `${path}.2`) : undefined;
  const reads = list.reads | (body.reads & ~READS_ITEM) | (start?.reads ?? READS_NOTHING);
  // Counts its steps on the frame, so it is never folded.
  return { run: make(list.run, body.run, start?.run), reads };
}
