// What the gateway costs: `npm run bench -- gateway [part…] [options]`. Each part is a file beside this one.

const PARTS: Readonly<Record<string, () => Promise<unknown>>> = {
  routes: () => import("./routes.ts"),
  throughput: () => import("./throughput.ts"),
};

const words = process.argv.slice(2);
const options = words.findIndex((word) => word.startsWith("-"));
const named = options === -1 ? words : words.slice(0, options);
const unknown = named.filter((part) => !Object.hasOwn(PARTS, part));
if (unknown.length > 0) {
  console.error(`There is no part "${unknown.join('", "')}". Parts: ${Object.keys(PARTS).join(", ")}.`);
  process.exitCode = 2;
} else {
  for (const [part, load] of Object.entries(PARTS)) if (named.length === 0 || named.includes(part)) await load();
}
