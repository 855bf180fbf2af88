/** How a peer's process is set. */
export const PEER = {
  port: Number(process.env["LISTEN_PORT"]),
  host: "127.0.0.1",
  upstream: process.env["UPSTREAM"] ?? "",
  answerTimeout: Number(process.env["ANSWER_TIMEOUT"]),
};
