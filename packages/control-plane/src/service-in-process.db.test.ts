import { describe } from "vitest";
import { createMultiVersionService } from "./index.ts";
import { describeServiceContract } from "./testing/service-contract/index.ts";

describe("the service in process", () => {
  describeServiceContract((options) => createMultiVersionService(options));
});
