import { describe, expect, test } from "vitest";
import { notesArchive, packFiles } from "../notes-module.ts";
import type { ServiceWorld } from "./service-world.ts";

export function describeModules(world: ServiceWorld): void {
  describe("modules", () => {
    test("the same content again changes nothing; other content under a published version is refused", async () => {
      expect(await world.service.publish(await notesArchive("1.0.0"))).toMatchObject({
        version: "1.0.0",
        created: false,
      });
      const manifest = 'id: notes\nversion: "1.0.0"\ntitle: Other\nruntime: { command: [node, x.mjs] }\n';
      await expect(world.service.publish(await packFiles({ "aibos.module.yaml": manifest }))).rejects.toMatchObject({
        code: "AIBOS_VERSION_EXISTS",
        message: expect.stringContaining("A published version never changes: give this content a new version."),
      });
    });

    test("a bad manifest is refused with the line", async () => {
      const manifest = 'id: notes\nversion: "9.0.0"\ntitle: Notes\nruntime:\n  comand: [node, x.mjs]\n';
      await expect(world.service.publish(await packFiles({ "aibos.module.yaml": manifest }))).rejects.toMatchObject({
        code: "AIBOS_MANIFEST_INVALID",
        message: expect.stringMatching(/5:\d+ runtime\.comand/),
      });
    });

    test("lists are paged, newest version first", async () => {
      expect((await world.service.listModules()).items).toMatchObject([
        { id: "notes", latestVersion: "3.1.0", versions: 8 },
      ]);
      const first = await world.service.listVersions("notes", { limit: 2 });
      expect(first.items.map(({ version }) => version)).toEqual(["3.1.0", "3.0.0"]);
      const second = await world.service.listVersions("notes", { limit: 2, cursor: first.nextCursor ?? "" });
      expect(second.items.map(({ version }) => version)).toEqual(["2.3.0", "2.2.0"]);
    });

    test("the path between two versions is told, and why there is none", async () => {
      expect(await world.service.getMigrationPath("1.0.0", "2.1.0", "notes")).toEqual([
        "1.0.0",
        "1.1.0",
        "2.0.0",
        "2.1.0",
      ]);
      await expect(world.service.getMigrationPath("2.1.0", "3.0.0", "notes")).rejects.toMatchObject({
        code: "AIBOS_NO_UPGRADE_PATH",
        message: expect.stringContaining("3.0.0 accepts 2.0.0"),
      });
      await expect(world.service.getMigrationPath("2.0.0", "1.0.0", "notes")).rejects.toMatchObject({
        message: expect.stringContaining("roll back"),
      });
    });

    test.each([
      ["module", () => world.service.listVersions("crm"), "AIBOS_MODULE_NOT_FOUND", /No version of module "crm"/],
      [
        "version",
        () => world.service.getVersion("notes", "9.9.9"),
        "AIBOS_VERSION_NOT_FOUND",
        /Published: 3\.0\.0|Published:/,
      ],
      [
        "identifier",
        () => world.service.getTenant("A B"),
        "AIBOS_INVALID_REQUEST",
        /"A B" is not a valid tenant identifier/,
      ],
    ])("an unknown or unusable %s is told", async (_, work, code, message) => {
      await expect(work()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    });
  });
}
