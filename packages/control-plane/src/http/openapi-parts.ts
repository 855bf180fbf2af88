import { problemDetailsSchema } from "@aibos/contract";
import { PROBLEM_TYPE } from "./problem.ts";

/** The name of the one way to prove who one is. */
export const BEARER = "bearer";
export const SECURITY = [{ [BEARER]: [] }];

const MEANINGS: Readonly<Record<number, string>> = {
  400: "The request does not have the shape that the route takes",
  401: "The token is missing or wrong",
  404: "Something that the address names does not exist",
  409: "The present state does not allow it",
  413: "The body is too large",
  422: "What was sent is well-formed and not usable",
  500: "Something went wrong that is not the caller's fault",
};

/** Answers that are not a success, for a route's description. */
export function problemAnswers(...statuses: number[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: MEANINGS[status] ?? "", content: { [PROBLEM_TYPE]: { schema: problemDetailsSchema } } },
    ]),
  );
}
