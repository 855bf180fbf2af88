import { type RawBuilder, sql } from "kysely";

/**
 * An expression for a notice: a CloudEvent in its JSON format (CloudEvents 1.0, structured mode), as it is sent.
 *
 * @param parts expressions for its attributes
 */
export function noticeEvent(
  parts: Readonly<Record<"id" | "source" | "type" | "subject" | "data", RawBuilder<unknown>>>,
): RawBuilder<unknown> {
  return sql`jsonb_build_object(
    'specversion', '1.0', 'id', ${parts.id}, 'source', ${parts.source}, 'type', ${parts.type}, 'subject', ${parts.subject},
    'time', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'datacontenttype', 'application/json', 'data', ${parts.data})`;
}
