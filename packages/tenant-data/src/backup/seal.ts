import { createHmac, type Hash, timingSafeEqual } from "node:crypto";

/** Which of the two seals a signature is for, so that one never passes for the other. */
export type SealPlace = "head" | "whole";

/** The digest of all bytes so far, and its signature where there is a key. */
export function sealOf(hash: Hash, place: SealPlace, key: BackupKey | undefined): { sha256: string; hmac?: string } {
  const sha256 = hash.copy().digest("hex");
  return key === undefined ? { sha256 } : { sha256, hmac: sign(sha256, place, key) };
}

export function isSignedBy(
  seal: { sha256: string; hmac?: string | undefined },
  place: SealPlace,
  key: BackupKey,
): boolean {
  if (seal.hmac === undefined) return false;
  return timingSafeEqual(Buffer.from(seal.hmac, "hex"), Buffer.from(sign(seal.sha256, place, key), "hex"));
}

/** A secret of at least 16 bytes. */
export type BackupKey = string | Uint8Array;

/** @throws RangeError for one that could be guessed */
export function checkKey(key: BackupKey | undefined): void {
  if (key !== undefined && Buffer.byteLength(key) < 16) {
    throw new RangeError("A key for backups must have at least 16 bytes; make one with: openssl rand -hex 32");
  }
}

function sign(sha256: string, place: SealPlace, key: BackupKey): string {
  return createHmac("sha256", key).update(`aibos-backup ${place} ${sha256}`).digest("hex");
}
