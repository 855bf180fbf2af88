import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { EngineError } from "../engine-error.ts";

/** HAProxy takes a command with its payload up to the size of its buffer; this is well below. */
const PAYLOAD_BYTES = 8_000;
const TIMEOUT_MS = 10_000;

/** HAProxy's runtime API: commands in, lines out, on a socket. */
export interface RuntimeApi {
  /** Runs a command and gives what it says. @throws EngineError when HAProxy does not answer */
  run(command: string): Promise<string>;
  /** Runs a command that says nothing when it worked. @throws EngineError with what it said */
  change(command: string): Promise<void>;
  /** Replaces a map's content at once, however much that is. @throws EngineError */
  replaceMap(file: string, rows: Iterable<readonly [key: string, value: string]>): Promise<void>;
}

export function openRuntimeApi(socket: string): RuntimeApi {
  async function run(command: string): Promise<string> {
    const connection = connect(socket);
    connection.setTimeout(TIMEOUT_MS, () => connection.destroy(new Error("no answer in time")));
    connection.end(`${command}\n`);
    return text(connection).catch((error: unknown) => {
      throw new EngineError("HAProxy", `its runtime API at ${socket} does not answer. Is it running?`, error);
    });
  }

  async function change(command: string): Promise<void> {
    const said = (await run(command)).trim();
    if (said !== "") throw new EngineError("HAProxy", `"${command.slice(0, 200)}" was answered with "${said}".`);
  }

  return {
    run,
    change,
    async replaceMap(file, rows) {
      const prepared = await run(`prepare map ${file}`);
      const version = /New version created: (\d+)/.exec(prepared)?.[1];
      if (version === undefined) throw new EngineError("HAProxy", `it does not know ${file}: "${prepared.trim()}".`);
      const add = (lines: string): Promise<void> => change(`add map @${version} ${file} <<\n${lines}`);
      let lines = "";
      for (const [key, value] of rows) {
        const line = `${key} ${value}\n`;
        if (lines.length + line.length > PAYLOAD_BYTES) {
          await add(lines);
          lines = "";
        }
        lines += line;
      }
      if (lines !== "") await add(lines);
      await change(`commit map @${version} ${file}`);
    },
  };
}
