import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import type { Published } from "@aibos/contract";
import type { Output } from "../output/output.ts";
import { oneLine } from "../output/plain-text.ts";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";

/** `publish`: builds a module version, packs it and stores it in the platform. */
export function addPublishCommand(program: Command, run: Run): void {
  withExample(
    program
      .command("publish")
      .argument("<folder>", "a module version's folder, with aibos.module.yaml in it")
      .description("Builds, packs and stores a module version. Publishing the same content again changes nothing.")
      .option("--no-build", "packs what is there, without the manifest's build command"),
    "publish examples/accounting/1.0.0",
  ).action((folder: string, options: { build: boolean }, command: Command) =>
    run(command, async ({ connect, output }) => {
      const manifest = await readManifest(folder);
      // Found before the build, which can take long.
      const client = await connect();
      const { createLiveLine } = await import("../output/live-line.ts");
      const live = createLiveLine(output);
      try {
        if (options.build && manifest.build !== undefined) {
          const { runBuild } = await import("../publish/run-build.ts");
          live.show(`Building ${manifest.id} ${manifest.version}`);
          await runBuild(folder, manifest.build);
        }
        live.show(`Packing ${manifest.id} ${manifest.version}`);
        const { packModule } = await import("../publish/pack-module.ts");
        const { archive, withoutNodeModules } = await packModule(folder);
        live.show(`Publishing ${manifest.id} ${manifest.version}`);
        const published = await client.publish(archive);
        live.clear();
        if (withoutNodeModules) output.aside(NODE_MODULES);
        await output.answer(published, () => publishedText(output, published));
      } finally {
        live.clear();
      }
    }),
  );
}

const NODE_MODULES =
  "node_modules is not packed: what the version needs must come with it. Bundle it, as the examples do, name an install " +
  'command in the manifest, or take the folder along with the line "!node_modules" in .aibosignore.';

/** @throws ManifestInvalidError, ConfigInvalidError when the folder has none */
async function readManifest(
  folder: string,
): Promise<{ id: string; version: string; build?: string | string[] | undefined }> {
  const { ConfigInvalidError, MANIFEST_FILE, parseModuleManifest } = await import("@aibos/contract");
  const file = join(folder, MANIFEST_FILE);
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigInvalidError(
      `${folder} is not a module's folder: ${reason}. Name the folder that has ${MANIFEST_FILE} in it.`,
      { cause },
    );
  });
  return parseModuleManifest(text, file);
}

async function publishedText({ colors }: Output, published: Published): Promise<string> {
  const { sizeText } = await import("../output/size-text.ts");
  const { module, version, digest, sizeBytes, created } = published;
  const about = colors.dim(oneLine(`(${sizeText(sizeBytes)}, sha256 ${digest.slice(0, 12)}…)`));
  const release = oneLine(`${module} ${version}`);
  return created
    ? `${colors.green("✔")} Published ${release} ${about}`
    : `${colors.green("✔")} ${release} is already published with this content ${about}`;
}
