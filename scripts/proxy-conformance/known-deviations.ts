/**
 * Where our gateway is not as it must be. Node's HTTP/2 (nghttp2) leaves such a field out and takes the request, where
 * RFC 9113 calls the whole request malformed. No module ever sees the field.
 */
export const KNOWN_DEVIATIONS: readonly string[] = [
  "refuses a line's end in a field",
  "refuses a null byte in a field",
  "refuses a colon in a field's name",
  "refuses a space before a field's value",
];
