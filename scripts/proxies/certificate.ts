import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";

/** A certificate for localhost: apart for nginx and the gateway, and in one file as HAProxy wants it. */
export async function writeCertificate(folder: string): Promise<{ cert: string; key: string; both: string }> {
  const pem = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec" });
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem"), both: join(folder, "both.pem") };
  await writeFile(files.cert, pem.cert);
  await writeFile(files.key, pem.private, { mode: 0o600 });
  await writeFile(files.both, `${pem.cert}\n${pem.private}`, { mode: 0o600 });
  return files;
}
