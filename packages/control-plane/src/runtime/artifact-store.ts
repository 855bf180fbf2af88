import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unpackArchive } from "../artifacts/unpack-archive.ts";
import { InstallFailedError } from "./install-failed-error.ts";
import { openModuleLog, tellingLines } from "./module-log.ts";
import { endGroup } from "./process-group.ts";
import type { ProcessRecords } from "./process-records.ts";
import type { DeploymentSpec } from "./runtime-driver.ts";
import { startCommand } from "./start-command.ts";

const INSTALL_TIMEOUT_MS = 10 * 60_000;

export interface ArtifactStore {
  /** The folder with a version's files, unpacked and installed once. @throws ArchiveInvalidError, InstallFailedError */
  folderOf(spec: DeploymentSpec): Promise<string>;
  /** Ends an install command that is under way. */
  close(): void;
}

/** Unpacked artifacts by digest. A folder counts when its mark is there; one without was interrupted and is redone. */
export async function openArtifactStore(
  folder: string,
  { records, logFolder }: { records: ProcessRecords; logFolder: string },
): Promise<ArtifactStore> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const name of await readdir(folder)) {
    if (name.endsWith(".part")) await rm(join(folder, name), { recursive: true, force: true });
  }
  const underWay = new Map<string, Promise<string>>();
  const closing = new AbortController();

  async function prepare(spec: DeploymentSpec): Promise<string> {
    const place = join(folder, spec.digest);
    const mark = `${place}.installed`;
    if (await exists(mark)) return place;
    await rm(place, { recursive: true, force: true });
    await unpackArchive(await spec.readArchive(), place);
    if (spec.install !== undefined) await install(spec, spec.install, place);
    await writeFile(mark, "");
    return place;
  }

  async function install(
    spec: DeploymentSpec,
    command: NonNullable<DeploymentSpec["install"]>,
    place: string,
  ): Promise<void> {
    const name = `install ${spec.digest}`;
    const path = join(logFolder, `${spec.module}@${spec.version}.install.log`);
    const log = await openModuleLog(path);
    try {
      const record = { name, port: null, spec: spec.digest, stopTimeoutSeconds: 0 };
      const started = await startCommand({
        command,
        folder: place,
        environment: spec.runtime.environment,
        logFd: log.fd,
        record: (group) =>
          records.write({
            ...record,
            ...group,
          }),
      });
      const timeout = AbortSignal.any([closing.signal, AbortSignal.timeout(INSTALL_TIMEOUT_MS)]);
      const stopped = new Promise<string>((resolve) => {
        timeout.addEventListener("abort", () => resolve("was stopped before it was done"), { once: true });
      });
      const how = await Promise.race([started.ended, stopped]);
      await endGroup(started, 0);
      await records.remove(name);
      if (how !== "ended with exit code 0") throw new InstallFailedError(spec, how, await tellingLines(path));
    } finally {
      await log.close();
    }
  }

  return {
    folderOf(spec) {
      const known = underWay.get(spec.digest);
      if (known !== undefined) return known;
      const preparing = prepare(spec).finally(() => underWay.delete(spec.digest));
      underWay.set(spec.digest, preparing);
      return preparing;
    },
    close: () => closing.abort(),
  };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
