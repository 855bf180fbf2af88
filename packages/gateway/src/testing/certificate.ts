import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A new self-signed certificate for `name`, in two PEM files of the folder. Replaces the one from before. */
export async function writeCertificate(folder: string, name: string): Promise<CertificateFiles> {
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], { keyType: "ec" });
  const files = { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
  await Promise.all([writeFile(files.certFile, cert), writeFile(files.keyFile, key, { mode: 0o600 })]);
  return files;
}
