import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { spreadOf } from "../spread.ts";

// OFREP over real sockets, in turns with a bare node:http server that answers the same bytes and does nothing for them. A
// server that is faster than the load leaves its core idle, and others take part of it: the figure that counts is answers
// for each second of the server's own processor time.

const SERVER = fileURLToPath(new URL("ofrep-server.ts", import.meta.url));
/** Each with one request under way, as OFREP clients have. */
const CONNECTIONS = 32;
const WARM_UP_SECONDS = 3;
const SUBJECTS = { single: "/ofrep/v1/evaluate/flags/flag_7", "bulk of 50": "/ofrep/v1/evaluate/flags" } as const;
const BARS: Readonly<Record<keyof typeof SUBJECTS, number>> = { single: 0.8, "bulk of 50": 0.5 };
const CONTEXT = JSON.stringify({ context: { targetingKey: "ann", role: "admin", country: "CH" } });

interface Server {
  readonly url: string;
  readonly key: string;
  cpu(): Promise<number>;
  stop(): Promise<void>;
}

/** Prints answers a second, and for each second of processor time, of both servers. */
export async function measureOfrep({ rounds, seconds }: { rounds: number; seconds: number }): Promise<void> {
  const ours = await start("ours");
  const bodies: Record<string, string> = {};
  for (const path of Object.values(SUBJECTS)) bodies[path] = await answerOf(ours, path);
  const stub = await start("stub", bodies);
  try {
    for (const subject of Object.keys(SUBJECTS) as (keyof typeof SUBJECTS)[]) {
      const ratios: { cpu: number[]; wall: number[] } = { cpu: [], wall: [] };
      const rates: number[] = [];
      for (const server of [ours, stub]) await turn(server, SUBJECTS[subject], WARM_UP_SECONDS);
      for (let round = 0; round < rounds; round += 1) {
        const own = await turn(ours, SUBJECTS[subject], seconds);
        const bare = await turn(stub, SUBJECTS[subject], seconds);
        ratios.cpu.push(own.perCpuSecond / bare.perCpuSecond);
        ratios.wall.push(own.perSecond / bare.perSecond);
        rates.push(own.perCpuSecond);
      }
      report(subject, ratios, rates);
    }
  } finally {
    await ours.stop();
    await stub.stop();
  }
}

function report(
  subject: keyof typeof SUBJECTS,
  { cpu, wall }: { cpu: number[]; wall: number[] },
  rates: number[],
): void {
  const told = (values: number[]): string => {
    const { p10, median, p90 } = spreadOf(values);
    return `${median.toFixed(2)} (${p10.toFixed(2)} to ${p90.toFixed(2)})`;
  };
  const met = spreadOf(cpu).median >= BARS[subject] ? "met" : "not met";
  console.log(`${subject}: ${Math.round(spreadOf(rates).median)} answers for each second of processor time`);
  console.log(`  of the bare server's: ${told(cpu)}, bar ${BARS[subject]}: ${met}; by the clock ${told(wall)}`);
}

async function start(kind: "ours" | "stub", bodies: Readonly<Record<string, string>> = {}): Promise<Server> {
  const child = fork(SERVER, [kind, JSON.stringify(bodies)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const { url, key } = (await nextMessage(child)) as { url: string; key: string };
  return {
    url,
    key,
    async cpu() {
      const answer = nextMessage(child);
      child.send("cpu");
      return ((await answer) as { cpu: number }).cpu;
    },
    async stop() {
      const ended = once(child, "exit");
      child.send("stop");
      await ended;
    },
  };
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const [message] = (await once(child, "message")) as [unknown];
  return message;
}

async function answerOf({ url, key }: Server, path: string): Promise<string> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const response = await fetch(url + path, { method: "POST", headers, body: CONTEXT });
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.text();
}

/** Asks as fast as the server answers, for a time. */
async function turn(
  server: Server,
  path: string,
  seconds: number,
): Promise<{ perSecond: number; perCpuSecond: number }> {
  const request = Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${server.key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(CONTEXT)}\r\n\r\n${CONTEXT}`,
  );
  const until = performance.now() + seconds * 1_000;
  const cpu = await server.cpu();
  const began = performance.now();
  const answers = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => askOn(Number(new URL(server.url).port), request, until)),
  );
  const spent = (performance.now() - began) / 1_000;
  const used = ((await server.cpu()) - cpu) / 1_000_000;
  const sum = answers.reduce((all, one) => all + one, 0);
  return { perSecond: sum / spent, perCpuSecond: sum / used };
}

/** Asks again and again on one connection; resolves to how many requests were answered. */
async function askOn(port: number, request: Buffer, until: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  let answered = 0;
  socket.write(request);
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const text = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
    const found = count(text);
    // What may be the beginning of a status line is looked at again with what follows it.
    tail = text.subarray(Math.max(found.end, text.length - 11));
    answered += found.ok;
    if (found.others > 0) throw new Error("The server did not answer 200.");
    if (performance.now() >= until) break;
    if (found.ok > 0) socket.write(request);
  }
  socket.destroy();
  return answered;
}

/** Whole status lines in a part of a stream, and where the last one ends. */
function count(chunk: Buffer): { ok: number; others: number; end: number } {
  const found = { ok: 0, others: 0, end: 0 };
  for (let at = chunk.indexOf("HTTP/1.1 "); at >= 0 && at + 12 <= chunk.length;) {
    if (chunk.toString("latin1", at + 9, at + 12) === "200") found.ok += 1;
    else found.others += 1;
    found.end = at + 12;
    at = chunk.indexOf("HTTP/1.1 ", found.end);
  }
  return found;
}
