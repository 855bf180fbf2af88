/** What is wrong with a flag, and where: `new_ui_enabled.rollout.percent`. */
export interface FlagProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}
