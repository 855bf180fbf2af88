import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createMultiVersionClient } from "@aibos/contract";
import { CHAPTERS, type Chapter } from "./chapters/chapter.ts";
import { type PlatformProcess, startPlatformProcess } from "./platform-process.ts";
import { Story } from "./story.ts";

// Starts the whole platform in a temporary data folder and tells its story on the terminal, checking what it says.

const USAGE = `Usage: npm run demo -- [--chapter <name>] [--exit]

  --chapter <name>  tells one chapter: ${CHAPTERS.map(({ name }) => name).join(", ")}
  --exit            stops the platform at the end; the exit code is 1 when a check failed
`;

const story = new Story((text) => void process.stdout.write(text));
const folder = await realpath(await mkdtemp(join(tmpdir(), "aibos-demo-")));
let platform: PlatformProcess | undefined;
let interrupted = false;

async function cleanUp(): Promise<void> {
  await platform?.stop();
  await rm(folder, { recursive: true, force: true });
}

// Ctrl-C, a closed terminal, a polite kill: nothing stays behind.
for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const) process.on(signal, interrupt);

function interrupt(): void {
  if (interrupted) return;
  interrupted = true;
  story.say("\nStopping.");
  void cleanUp().then(() => process.exit(story.held ? 0 : 1));
}

const options = readOptions();
if (options === undefined) process.exitCode = 2;
else process.exitCode = (await run(options.chapters, options.exit)) ? 0 : 1;

function readOptions(): { chapters: readonly Chapter[]; exit: boolean } | undefined {
  try {
    const { values } = parseArgs({
      options: { chapter: { type: "string" }, exit: { type: "boolean", default: false } },
    });
    const chapters = CHAPTERS.filter(({ name }) => values.chapter === undefined || name === values.chapter);
    if (chapters.length > 0) return { chapters, exit: values.exit };
    process.stderr.write(`There is no chapter "${values.chapter}".\n\n${USAGE}`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
  return undefined;
}

async function run(chapters: readonly Chapter[], exit: boolean): Promise<boolean> {
  let held = false;
  try {
    story.say("AI-BOS Versions: PostgreSQL, the control plane, the gateway and the modules' processes start here,");
    story.say("in a folder of their own. Nothing that you have is touched.");
    story.step("Start the platform");
    platform = await startPlatformProcess(folder);
    story.note(`API ${platform.url}   gateway ${platform.gatewayUrl}   data ${folder}`);
    const client = createMultiVersionClient({ url: platform.url, token: platform.token });
    for (const chapter of chapters) {
      story.chapter(chapter.title);
      await chapter.tell({ story, platform, client });
    }
    held = story.end();
  } catch (error) {
    if (interrupted) return false;
    story.say(`\n✖ The demo broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    await cleanUp();
    return false;
  }
  if (exit) {
    await cleanUp();
    return held;
  }
  story.say(whatToTry(platform));
  await platform.ended;
  return held;
}

function whatToTry({ url, gatewayUrl, dataFolder }: PlatformProcess): string {
  const command = `npx aibos-versions --data-dir ${dataFolder}`;
  return `
The platform runs on. In another terminal, in this folder, try:

  ${command} tenant list
  ${command} migrate-tenant -t globex -m accounting -v 2.0.0
  ${command} rollback-tenant -t globex -m accounting
  ${command} health -t acme -m accounting
  curl ${gatewayUrl}/t/acme/accounting/summary

The API is described at ${url}/docs. Ctrl-C stops everything and removes its data.`;
}
