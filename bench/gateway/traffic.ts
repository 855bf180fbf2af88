/** What goes through the proxies. The load and the upstream know it byte for byte, so that neither has to parse HTTP. */
export const TRAFFIC = {
  /** Answers of 128 bytes. */
  small: { connections: 64, method: "GET", path: "/small", requestBytes: 0, answerBytes: 128 },
  /** Answers of 1 MB. */
  download: { connections: 16, method: "GET", path: "/large", requestBytes: 0, answerBytes: 1_000_000 },
  /** Requests of 1 MB. */
  upload: { connections: 16, method: "POST", path: "/upload", requestBytes: 1_000_000, answerBytes: 128 },
  /** WebSocket messages of 64 bytes, which come back. */
  messages: { connections: 64, method: "GET", path: "/socket", requestBytes: 0, answerBytes: 0 },
} as const;

export type Subject = keyof typeof TRAFFIC;

/** Of a message, without the frame's head. */
const MESSAGE_BYTES = 64;

/** A client's frame (RFC 6455, 5.2): masked, with a mask of zeros, which leaves the text as it is. */
export const CLIENT_FRAME = Buffer.concat([
  Buffer.from([0x81, 0x80 | MESSAGE_BYTES, 0, 0, 0, 0]),
  Buffer.alloc(MESSAGE_BYTES, "m"),
]);

/** A server's frame with the same text. */
export const SERVER_FRAME = Buffer.concat([Buffer.from([0x81, MESSAGE_BYTES]), Buffer.alloc(MESSAGE_BYTES, "m")]);
