import { gzipSync } from "node:zlib";

/** An entry that no packing program would write. */
export interface HandMadeEntry {
  readonly name: string;
  /** The header's one-letter type; "0" is a file. */
  readonly type?: string;
  readonly content?: string | Buffer;
  /** What the header claims, when it lies. */
  readonly size?: number;
  readonly link?: string;
  readonly mode?: number;
}

/** Makes a gzipped tar byte by byte, so that it can hold what packing programs refuse to write. */
export function handMadeTar(entries: readonly HandMadeEntry[]): Buffer {
  return gzipSync(rawTar(entries));
}

/** The same without gzip. */
export function rawTar(entries: readonly HandMadeEntry[]): Buffer {
  return Buffer.concat([...entries.map(block), Buffer.alloc(1024)]);
}

/** The content of a PAX header: fields that override those of the next entry. */
export function paxFields(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => {
      const rest = ` ${name}=${value}\n`;
      let length = Buffer.byteLength(rest);
      while (String(length).length + Buffer.byteLength(rest) !== length) {
        length = String(length).length + Buffer.byteLength(rest);
      }
      return `${length}${rest}`;
    })
    .join("");
}

function block({ name, type = "0", content = "", size, link = "", mode = 0o644 }: HandMadeEntry): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write(`${mode.toString(8).padStart(7, "0")}\0`, 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${(size ?? body.length).toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write("ustar\u000000", 257);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}
