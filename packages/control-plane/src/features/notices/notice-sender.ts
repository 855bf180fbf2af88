import { sql } from "kysely";
import type { Logger } from "pino";
import { signWebhook, type StoredUpgradePolicy } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import { callOutside } from "../../outside-call.ts";

const TICK_MS = 1_000;
/** Notices that one process sends at once. */
const MOST = 20;
/** Longer than a call may take: whoever was killed while sending leaves the notice to others after this. */
const LEASE_SECONDS = 30;
const FIRST_DELAY_SECONDS = 5;
const LONGEST_DELAY_SECONDS = 3_600;
/** About a day in all. */
const MOST_ATTEMPTS = 32;
/** The receiver says that it is gone for good. */
const GONE = 410;

interface DueNotice {
  readonly id: string;
  readonly event: Record<string, unknown>;
  readonly attempts: number;
  readonly notices: StoredUpgradePolicy["notices"] | null;
}

export interface NoticeSender {
  /** Sends those that are due, once. */
  tick(): Promise<void>;
  stop(): Promise<void>;
}

/** Seconds from one attempt to the next: twice as many each time. */
export function delayAfter(attempts: number): number {
  return Math.min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** (attempts - 1));
}

/**
 * Sends notices to where tenants' policies say, at least once each, until they are taken (any 2xx), refused for good
 * (410) or given up. Receivers tell repetitions by `webhook-id`, which is the event's own identifier.
 */
export function startNoticeSender(options: {
  database: ControlDatabase;
  log: Logger;
  now: () => number;
}): NoticeSender {
  const { database, log, now } = options;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();

  async function takeDue(): Promise<readonly DueNotice[]> {
    const taken = await sql<DueNotice>`
      with due as (
        select id from notices
        where delivered_at is null and given_up_at is null and next_attempt_at <= ${new Date(now())}
        order by next_attempt_at limit ${MOST} for update skip locked
      )
      update notices n
      set attempts = n.attempts + 1, next_attempt_at = ${new Date(now() + LEASE_SECONDS * 1_000)}
      from due where n.id = due.id
      returning n.id, n.event, n.attempts, (
        select nullif(p.policy -> 'notices', 'null'::jsonb) from upgrade_policies p
        where p.tenant = n.tenant and p.module = n.module) as notices`.execute(database.db);
    return taken.rows;
  }

  async function send({ id, event, attempts, notices }: DueNotice): Promise<void> {
    if (notices == null)
      return settle(id, { given_up_at: new Date(now()), last_error: "nobody is to be told any more" });
    const headers = {
      "content-type": "application/cloudevents+json",
      ...signWebhook(notices.secret, id, JSON.stringify(event), now()),
    };
    const answer = await callOutside(notices.url, event, headers);
    if (answer?.ok === true) return settle(id, { delivered_at: new Date(now()) });
    const error = answer === undefined ? "no answer in time" : `answered ${answer.status}`;
    const gone = answer?.status === GONE || attempts >= MOST_ATTEMPTS;
    if (gone) log.warn({ notice: id, attempts, error }, "a notice was given up");
    return settle(id, {
      last_error: error,
      ...(gone
        ? { given_up_at: new Date(now()) }
        : { next_attempt_at: new Date(now() + delayAfter(attempts) * 1_000) }),
    });
  }

  async function settle(
    id: string,
    set: { delivered_at?: Date; given_up_at?: Date; next_attempt_at?: Date; last_error?: string },
  ): Promise<void> {
    await database.db.updateTable("notices").set(set).where("id", "=", id).execute();
  }

  async function tick(): Promise<void> {
    for (;;) {
      const due = await takeDue();
      await Promise.all(due.map(send));
      if (due.length < MOST || stopped) return;
    }
  }

  function schedule(): void {
    timer = setTimeout(() => {
      round = tick()
        .catch((error: unknown) => log.warn({ error }, "notices could not be sent; trying again"))
        .finally(() => {
          if (!stopped) schedule();
        });
    }, TICK_MS);
  }

  schedule();
  return {
    tick,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}
