import type { MultiVersionService } from "@aibos/contract";
import type { PlatformProcess } from "../platform-process.ts";
import type { Story } from "../story.ts";
import { customisations } from "./customisations.ts";
import { featureFlags } from "./feature-flags.ts";
import { fleet } from "./fleet.ts";
import { foundation } from "./foundation.ts";
import { liveData } from "./live-data.ts";
import { rollouts } from "./rollouts.ts";

export interface ChapterParts {
  readonly story: Story;
  readonly platform: PlatformProcess;
  readonly client: MultiVersionService;
}

/** A part of the demo that can be told alone, on a platform that is empty or that other chapters used. */
export interface Chapter {
  /** For `--chapter`. */
  readonly name: string;
  readonly title: string;
  tell(parts: ChapterParts): Promise<void>;
}

export const CHAPTERS: readonly Chapter[] = [foundation, liveData, rollouts, fleet, featureFlags, customisations];
