import { parseArgs } from "node:util";
import { merging } from "./merging.ts";
import { impact } from "./impact.ts";

// How long does it take to merge a document of a megabyte, and to say what an upgrade would mean for 10,000 tenants with
// five documents each? CPU time of this process is told beside the clock's, which other programs share.

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "20" }, tenants: { type: "string", default: "10000" } },
});
merging(Number(values.rounds));
await impact({ tenants: Number(values.tenants), rounds: 3 });
