import { parseRange, parseVersion, type Risk, type UpgradeRelease } from "@aibos/domain";

const RISKS: readonly (Risk | null)[] = ["low", "medium", "high", null, null];

/**
 * A module's history, the same at every run: minor releases with patches, prereleases among them, now and then a major
 * one. Each accepts what came before it from some release on, so that about `edges` direct upgrades result. Every
 * hundredth blocks one that it accepts.
 */
export function releasesOf(size: { versions: number; edges: number }): UpgradeRelease[] {
  const reach = Math.round(size.edges / size.versions);
  const versions = Array.from({ length: size.versions }, (_, index) => {
    const [major, rest] = [1 + Math.floor(index / 250), index % 250];
    const [minor, patch] = [Math.floor(rest / 5), rest % 5];
    const text = patch === 0 ? `${major}.${minor}.0-rc.1` : `${major}.${minor}.${patch - 1}`;
    return parseVersion(text);
  });
  return versions.map((version, index): UpgradeRelease => {
    const oldest = versions[Math.max(0, index - reach)] ?? version;
    return {
      version,
      from: index === 0 ? null : parseRange(`>=${oldest} <${version}`),
      requiredStop: false,
      risk: RISKS[(index * 7) % RISKS.length] ?? null,
      blocked:
        index > 0 && index % 100 === 0
          ? [{ from: parseRange(versions[index - 1] ?? version), reason: "it was found to lose data" }]
          : [],
    };
  });
}
