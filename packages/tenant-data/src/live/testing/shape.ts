import { quoteLiteral } from "../../quote-identifier.ts";

// A cell of the model holds a whole number, or null; a bit holds 0 or 1. Each version shows it in a shape of its own: what
// one version writes then tells what every other one reads.

const NUMBERS = ["integer", "bigint", "numeric", "double precision", "text", "timestamptz", "jsonb", "whole"] as const;
const BITS = ["boolean", "smallint", "mood", "varchar(3)"] as const;

/** How a version writes a number down. */
export interface Shape {
  readonly type: (typeof NUMBERS)[number] | (typeof BITS)[number];
  /** Added to the number before. */
  readonly offset: number;
}

export type Domain = "number" | "bit" | "key";

export const TYPES: Readonly<Record<Domain, readonly Shape["type"][]>> = {
  number: NUMBERS,
  bit: BITS,
  // Of keys and of what refers to them.
  key: ["integer", "bigint"],
};

/** What the schema needs for the shapes. */
export const SHAPE_TYPES =
  "create type mood as enum ('off', 'on'); create domain whole as integer check (value > -1000000)";

/** SQL that gives the number that a column holds. */
export function readSql(column: string, { type, offset }: Shape): string {
  const from = (value: string): string => `(${value} - (${offset}))`;
  switch (type) {
    case "integer":
    case "bigint":
    case "whole":
    case "text":
      return from(`${column}::integer`);
    case "numeric":
      return from(`(${column} - 0.5)::integer`);
    case "double precision":
      return from(`(${column} * 2)::integer`);
    case "timestamptz":
      return from(`(extract(epoch from ${column} - timestamptz '2000-01-01 00:00+00')::integer / 60)`);
    case "jsonb":
      return from(`(${column} #>> '{}')::integer`);
    case "boolean":
    case "smallint":
      return `${column}::integer`;
    case "mood":
      return `(case ${column} when 'on' then 1 when 'off' then 0 end)`;
    case "varchar(3)":
      return `(case ${column} when 'yes' then 1 when 'no' then 0 end)`;
  }
}

/** SQL that writes a number, given as SQL. */
export function writeSql(value: string, { type, offset }: Shape): string {
  const sum = `(${value} + (${offset}))`;
  switch (type) {
    case "integer":
      return sum;
    case "bigint":
    case "whole":
    case "text":
      return `${sum}::${type}`;
    case "numeric":
      return `(${sum} + 0.5)`;
    case "double precision":
      return `(${sum} / 2.0)::double precision`;
    case "timestamptz":
      return `(timestamptz '2000-01-01 00:00+00' + ${sum} * interval '1 minute')`;
    case "jsonb":
      return `to_jsonb(${sum})`;
    case "boolean":
      return `(${value} = 1)`;
    case "smallint":
      return `(${value})::smallint`;
    case "mood":
      return `(case ${value} when 1 then 'on' when 0 then 'off' end)::mood`;
    case "varchar(3)":
      return `(case ${value} when 1 then 'yes' when 0 then 'no' end)::varchar(3)`;
  }
}

/** As `to_jsonb` shows it in a session whose time zone is UTC. */
export function show(value: number | null, { type, offset }: Shape): unknown {
  if (value === null) return null;
  const sum = value + offset;
  switch (type) {
    case "numeric":
      return sum + 0.5;
    case "double precision":
      return sum / 2;
    case "text":
      return String(sum);
    case "timestamptz":
      return new Date(Date.UTC(2000, 0, 1) + sum * 60_000).toISOString().replace(".000Z", "+00:00");
    case "boolean":
      return value === 1;
    case "smallint":
      return value;
    case "mood":
      return value === 1 ? "on" : "off";
    case "varchar(3)":
      return value === 1 ? "yes" : "no";
    case "integer":
    case "bigint":
    case "jsonb":
    case "whole":
      return sum;
  }
}

/** As an SQL constant. */
export function constantSql(value: number | null, shape: Shape): string {
  return value === null ? "null" : `${quoteLiteral(String(show(value, shape)))}::${shape.type}`;
}
