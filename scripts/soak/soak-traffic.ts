import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "undici";
import { LARGE_BYTES, STREAM_BYTES } from "./soak-upstream.ts";

/** Where one user's request goes, and how. */
interface Way {
  readonly agent: Agent;
  readonly url: URL;
  readonly path: string;
  readonly user: string;
}

/** One kind of request. Throws when what came back is not as it must be. */
type Act = (way: Way) => Promise<void>;

const UPLOAD = Buffer.alloc(200_000, "u");

/** What users do, and how often of 100 times. */
const ACTS: readonly { readonly share: number; readonly name: string; readonly act: Act }[] = [
  { share: 50, name: "small answers", act: (way) => expectAnswer(way, "/small", 200, 5) },
  { share: 4, name: "large answers", act: (way) => expectAnswer(way, "/large", 200, LARGE_BYTES) },
  { share: 5, name: "streamed answers", act: (way) => expectAnswer(way, "/stream", 200, STREAM_BYTES) },
  { share: 6, name: "uploads", act: upload },
  { share: 6, name: "tunnels", act: tunnel },
  { share: 4, name: "event streams", act: events },
  { share: 8, name: "clients that leave", act: leave },
  { share: 5, name: "upstreams that die before an answer", act: (way) => expectAnswer(way, "/dies-before", 502) },
  { share: 4, name: "upstreams that die in an answer", act: diesInBody },
  { share: 4, name: "errors", act: (way) => expectAnswer(way, "/error", 500) },
  { share: 4, name: "unknown tenants", act: (way) => expectAnswer({ ...way, path: "/t/nobody/notes" }, "/", 404) },
];

export interface SoakTraffic {
  /** How often each kind was done so far, and what went wrong: the first few, and how many in all. */
  counts(): { done: ReadonlyMap<string, number>; failures: readonly string[]; failed: number };
  /** Resolves when nothing is under way; nothing begins until what it returns is called. */
  pause(): Promise<() => void>;
  stop(): Promise<void>;
}

/** Users who do all of it at random, one thing after the other. */
export function startSoakTraffic(options: { url: string; path: string; users: number }): SoakTraffic {
  const agent = new Agent({ connections: options.users, pipelining: 1 });
  const url = new URL(options.url);
  const done = new Map<string, number>();
  const failures: string[] = [];
  let failed = 0;
  const stopping = new AbortController();
  let gate: Promise<void> | undefined;
  const underWay = new Set<Promise<void>>();

  async function actOnce(user: number): Promise<void> {
    let dice = Math.random() * 100;
    const kind = ACTS.find(({ share }) => (dice -= share) < 0) ?? ACTS[0];
    if (kind === undefined) return;
    const way: Way = { agent, url, path: options.path, user: `user-${user}-${Math.floor(Math.random() * 1_000)}` };
    try {
      await kind.act(way);
    } catch (error) {
      failed += 1;
      if (failures.length < 10) failures.push(`${kind.name}: ${String(error)}`);
    }
    done.set(kind.name, (done.get(kind.name) ?? 0) + 1);
  }

  async function live(user: number): Promise<void> {
    while (!stopping.signal.aborted) {
      await gate;
      const act = actOnce(user);
      underWay.add(act);
      await act;
      underWay.delete(act);
    }
  }
  const lives = Array.from({ length: options.users }, (_, user) => live(user));

  return {
    counts: () => ({ done, failures, failed }),
    async pause() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      await Promise.all(underWay);
      return () => {
        gate = undefined;
        resolve();
      };
    },
    async stop() {
      stopping.abort();
      await Promise.all(lives);
      await agent.destroy();
    },
  };
}

function ask({ agent, url, path, user }: Way, options: { path: string; method?: "POST"; body?: Buffer }) {
  const { method = "GET", body = null } = options;
  return agent.request({ origin: url.origin, path: path + options.path, method, body, headers: { "x-user-id": user } });
}

async function expectAnswer(way: Way, path: string, status: number, bytes?: number): Promise<void> {
  const answer = await ask(way, { path });
  const length = (await answer.body.arrayBuffer()).byteLength;
  expectThat(answer.statusCode === status, `${path} was answered with ${answer.statusCode}, not ${status}`);
  expectThat(bytes === undefined || length === bytes, `${path} had ${length} bytes, not ${bytes}`);
}

async function upload(way: Way): Promise<void> {
  const answer = await ask(way, { path: "/upload", method: "POST", body: UPLOAD });
  const said = await answer.body.text();
  expectThat(said === String(UPLOAD.length), `an upload was answered with ${answer.statusCode}, ${said.slice(0, 200)}`);
}

async function diesInBody(way: Way): Promise<void> {
  const answer = await ask(way, { path: "/dies-in-body" });
  const whole = await answer.body.arrayBuffer().then(
    () => true,
    () => false,
  );
  expectThat(!whole, "an answer that broke off looked whole");
}

/** Reads an event stream for a moment, and leaves. */
async function events(way: Way): Promise<void> {
  const answer = await ask(way, { path: "/events" });
  let came = 0;
  for await (const _part of answer.body) if ((came += 1) === 5) break;
  expectThat(came === 5, `an event stream ended after ${came} events`);
}

/** Leaves at a moment that nobody expects: before, in and after the answer. */
async function leave({ url, path, user }: Way): Promise<void> {
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  socket.on("error", () => undefined).resume();
  const target = ["/large", "/stream", "/upload", "/events"][Math.floor(Math.random() * 4)] ?? "";
  const body = target === "/upload" ? "POST" : "GET";
  const length = target === "/upload" ? `content-length: ${UPLOAD.length}\r\n` : "";
  socket.write(`${body} ${path}${target} HTTP/1.1\r\nhost: soak\r\nx-user-id: ${user}\r\n${length}\r\n`);
  if (length !== "") socket.write(UPLOAD.subarray(0, UPLOAD.length / 2));
  await sleep(Math.random() * 40);
  if (Math.random() < 0.5) socket.resetAndDestroy();
  else socket.destroy();
  if (!socket.closed) await once(socket, "close");
}

/** Sends some data through an upgraded connection, which comes back. */
async function tunnel({ url, path, user }: Way): Promise<void> {
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  socket.setTimeout(20_000, () => socket.destroy(new Error("a tunnel said nothing")));
  try {
    socket.write(
      `GET ${path}/echo HTTP/1.1\r\nhost: soak\r\nx-user-id: ${user}\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n`,
    );
    const text = "e".repeat(2_000);
    let said = "";
    for await (const part of socket.setEncoding("latin1")) {
      const before = said.includes("\r\n\r\n");
      said += String(part);
      if (!before && said.includes("\r\n\r\n")) {
        expectThat(said.startsWith("HTTP/1.1 101 "), `an upgrade was answered with ${said.slice(0, 100)}`);
        socket.write(text);
      }
      if (said.endsWith(text)) return;
    }
    throw new Error(`a tunnel ended after ${said.length} bytes`);
  } finally {
    socket.destroy();
  }
}

function expectThat(isTrue: boolean, message: string): void {
  if (!isTrue) throw new Error(message);
}
