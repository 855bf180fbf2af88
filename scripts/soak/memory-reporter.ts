// Loaded into the gateway's process by the soak test, with --expose-gc: whoever started the process asks for its memory
// over the channel between them, and gets what is left after the garbage was collected.

const collect = globalThis.gc;
if (collect === undefined) throw new Error("The memory reporter needs node --expose-gc.");

process.on("message", () => {
  // What finalizers let go of in the first collection is free after the second.
  collect();
  setImmediate(() => {
    collect();
    const { heapUsed, external, rss } = process.memoryUsage();
    process.send?.({ heap: heapUsed + external, rss });
  });
});
process.once("disconnect", () => process.exit());
