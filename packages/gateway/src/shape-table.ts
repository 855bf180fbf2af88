import type { EntryPolicy } from "./route-entry.ts";
import type { RouteShape } from "./route-shape.ts";

/** A shape that routes have, with what was computed of it for all of them. */
export interface SharedShape {
  /** Never given to another one, also when no route has it any more. */
  readonly id: number;
  readonly shape: RouteShape;
  /** Undefined until the first route of the shape is asked for. */
  policy?: EntryPolicy | undefined;
}

/** Each shape once, for as long as a route has it. */
export class ShapeTable {
  readonly #byText = new Map<string, SharedShape>();
  readonly #byId = new Map<number, { shared: SharedShape; text: string; uses: number }>();
  #next = 0;

  /** One more route has this shape. */
  take(shape: RouteShape): SharedShape {
    const text = JSON.stringify(shape);
    const known = this.#byText.get(text);
    const shared = known ?? { id: this.#next++, shape };
    if (known === undefined) {
      this.#byText.set(text, shared);
      this.#byId.set(shared.id, { shared, text, uses: 0 });
    }
    this.#use(shared.id).uses += 1;
    return shared;
  }

  /** One route less has it. */
  release(id: number): void {
    const use = this.#use(id);
    use.uses -= 1;
    if (use.uses > 0) return;
    this.#byText.delete(use.text);
    this.#byId.delete(id);
  }

  /** One more route has a shape that others have already. */
  again(id: number): void {
    this.#use(id).uses += 1;
  }

  of(id: number): SharedShape {
    return this.#use(id).shared;
  }

  #use(id: number): { shared: SharedShape; text: string; uses: number } {
    const use = this.#byId.get(id);
    if (use === undefined) throw new RangeError(`No route has shape ${id}.`);
    return use;
  }
}
