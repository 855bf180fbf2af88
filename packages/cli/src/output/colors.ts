import picocolors from "picocolors";

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Colours for a stream: as the environment says, otherwise on terminals only. */
export function createColors(choice: boolean | undefined, isTerminal: boolean): Colors {
  return picocolors.createColors(choice ?? isTerminal);
}
