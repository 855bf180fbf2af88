import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

/** As many as PostgreSQL uses; our passwords are random keys, which more would not make stronger. */
const ITERATIONS = 4_096;

/** What PostgreSQL stores for a password (SCRAM-SHA-256, RFC 5802 and 7677). The password must be plain ASCII. */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  const storedKey = createHash("sha256").update(clientKey).digest("base64");
  const serverKey = createHmac("sha256", salted).update("Server Key").digest("base64");
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}
