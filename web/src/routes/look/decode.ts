/** Where a file has more of these than text has, it is none, whatever its name says. */
const NUL = 0;
const LOOKED_AT = 8192;

/** The text of a file: UTF-8, or UTF-16 with its mark; null where it is no text. */
export function decode(bytes: Uint8Array): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  if (bytes.subarray(0, LOOKED_AT).includes(NUL)) return null;
  return new TextDecoder('utf-8').decode(bytes);
}
