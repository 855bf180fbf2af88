import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { slotOf, SLOTS } from "@aibos/domain";
import type { Events } from "./events.ts";
import { MODULE, ON_PURPOSE } from "./steady-module.ts";

const ANSWER_MS = 60_000;

/** A request that came to an end. Times are of the machine's clock, in milliseconds. */
export interface Answer {
  readonly tenant: string;
  readonly user: string;
  readonly version: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface Failure {
  readonly tenant: string;
  readonly user: string;
  readonly startedAt: number;
  /** With when it was and what was happening. */
  readonly text: string;
}

/** One user: one connection that is kept, one request at a time. */
export interface User {
  readonly tenant: string;
  readonly key: string;
  readonly path: string;
  readonly agent: Agent;
}

/**
 * Users who make requests through a gateway without pause. Every request is counted, and none is made again: one that is
 * not answered, or that the platform answers with an error, has failed.
 */
export class Users {
  readonly #gatewayUrl: URL;
  readonly #events: Events;
  readonly #thinkMs: number;
  readonly #lives: Promise<void>[] = [];
  #stopped = false;
  /** Answers by tenant. */
  readonly answered = new Map<string, number>();
  readonly failures: Failure[] = [];
  /** Hears of every answer. */
  onAnswer: (answer: Answer) => void = () => undefined;

  /** @param thinkMs between an answer and the user's next request */
  constructor(options: { gatewayUrl: string; events: Events; thinkMs: number }) {
    this.#gatewayUrl = new URL(options.gatewayUrl);
    this.#events = options.events;
    this.#thinkMs = options.thinkMs;
  }

  get requests(): number {
    return [...this.answered.values()].reduce((sum, count) => sum + count, 0) + this.failures.length;
  }

  /** Lets users of a tenant live until `stop`, of whom each has another part of the slots: every share gets some. */
  start(tenant: string, count: number, path = "/"): void {
    for (let part = 0, number = 0; part < count; number += 1) {
      const key = `user-${number}`;
      if (Math.floor((slotOf(`${tenant}/${MODULE}`, key) * count) / SLOTS) !== part) continue;
      this.#lives.push(this.#live(this.user(tenant, key, path)));
      part += 1;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lives);
  }

  user(tenant: string, key: string, path = "/"): User {
    return { tenant, key, path, agent: new Agent({ keepAlive: true, maxSockets: 1 }) };
  }

  /** Makes one request. Undefined when it failed. */
  async ask(user: User): Promise<Answer | undefined> {
    const { tenant, key } = user;
    const startedAt = Date.now();
    const began = this.#events.describe();
    try {
      const { status, version, onPurpose, body } = await this.#send(user);
      if (status >= 400 && !onPurpose) throw new Error(`status ${status}: ${body.slice(0, 300)}`);
      const answer = { tenant, user: key, version, startedAt, endedAt: Date.now() };
      this.answered.set(tenant, (this.answered.get(tenant) ?? 0) + 1);
      this.onAnswer(answer);
      return answer;
    } catch (error) {
      const reason =
        error instanceof Error ? `${"code" in error ? `${String(error.code)}: ` : ""}${error.message}` : "";
      const when = `${this.#events.seconds()} s, ${Date.now() - startedAt} ms after it began ${began}`;
      const text = `${tenant} ${key} at ${when}, ${this.#events.describe()}: ${reason}`;
      this.failures.push({ tenant, user: key, startedAt, text });
      return undefined;
    }
  }

  async #live(user: User): Promise<void> {
    await sleep(Math.random() * this.#thinkMs);
    while (!this.#stopped) {
      // A gateway that is gone is not asked thousands of times a second.
      const answer = await this.ask(user);
      await sleep(answer === undefined ? this.#thinkMs + 100 : this.#thinkMs);
    }
    user.agent.destroy();
  }

  #send({ tenant, key, path, agent }: User) {
    return new Promise<{ status: number; version: string; onPurpose: boolean; body: string }>((resolve, reject) => {
      const { hostname: host, port } = this.#gatewayUrl;
      const asked = request(
        { host, port, agent, path: `/t/${tenant}/${MODULE}${path}`, headers: { "x-user-id": key }, timeout: ANSWER_MS },
        (response) => {
          let body = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (body += chunk));
          response.on("error", reject);
          response.on("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              version: String(response.headers["x-aibos-version"] ?? ""),
              onPurpose: response.headers[ON_PURPOSE] !== undefined,
              body,
            }),
          );
        },
      );
      asked.on("timeout", () => asked.destroy(new Error(`no answer within ${ANSWER_MS / 1_000} s`)));
      asked.on("error", reject);
      asked.end();
    });
  }
}
