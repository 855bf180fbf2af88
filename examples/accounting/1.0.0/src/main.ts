import { createModuleKit } from "@aibos/module-kit";
import { createAccounting } from "./accounting.ts";

const kit = createModuleKit();
void kit.serve(createAccounting(kit).fetch);
