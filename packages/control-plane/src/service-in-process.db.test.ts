import { createMultiVersionService } from "./index.ts";
import { describeServiceContract } from "./testing/service-contract.ts";

describeServiceContract("the service in process", (options) => createMultiVersionService(options));
