declare module "logic-solver" {
  type Formula = string | object;
  interface Solution {
    getTrueVars(): string[];
  }
  class Solver {
    require(...formulas: Formula[]): void;
    solve(): Solution | null;
    minimizeWeightedSum(solution: Solution, formulas: Formula[], weights: number): Solution;
  }
  const Logic: {
    Solver: typeof Solver;
    or(...formulas: (Formula | Formula[])[]): Formula;
    not(formula: Formula): Formula;
    atMostOne(...formulas: (Formula | Formula[])[]): Formula;
    exactlyOne(...formulas: (Formula | Formula[])[]): Formula;
    implies(a: Formula, b: Formula): Formula;
  };
  export default Logic;
}
