import type { Exchange } from "../exchange.ts";
import { ofAllTenants, type Series, seriesKey } from "./measurement-table.ts";

/** How many requests of a series are under way. */
export interface Tally {
  readonly series: Series;
  readonly key: string;
  /** The version's, of all tenants; undefined for such a one itself. */
  readonly whole: Tally | undefined;
  count: number;
}

/**
 * What is under way, by series. A series' names are put together once and its tally is kept while requests come: at
 * every request that would cost more than all the counting.
 */
export class Tallies {
  readonly #tallies = new Map<string, Tally>();

  /** Undefined of an exchange that never came to a version. */
  of({ tenant, module, version }: Exchange): Tally | undefined {
    if (tenant === undefined || module === undefined || version === undefined) return undefined;
    // As seriesKey writes it.
    return this.#tallies.get(`${tenant}/${module}@${version}`) ?? this.#add({ tenant, module, version });
  }

  /** Those with requests under way. The others are forgotten: call this now and then. */
  *underWay(): Generator<Tally> {
    for (const [key, tally] of this.#tallies) {
      // A version's tally is not empty while one of its tenants' is not, so that none is lost to its tenants.
      if (tally.count === 0) this.#tallies.delete(key);
      else yield tally;
    }
  }

  #add(series: Series): Tally {
    const key = seriesKey(series);
    const known = this.#tallies.get(key);
    if (known !== undefined) return known;
    const whole = series.tenant === null ? undefined : this.#add(ofAllTenants(series));
    const tally: Tally = { series, key, whole, count: 0 };
    this.#tallies.set(key, tally);
    return tally;
  }
}
