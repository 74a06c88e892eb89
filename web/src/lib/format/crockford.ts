/**
 * Base32 by Crockford, for codes that people copy by hand: no letter looks like a digit or like
 * another one.
 */

const SYMBOLS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUP = 4;
const MAX_TEXT = 256;

/** The characters that bytes take, without separators. */
export function encodeCrockford(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += SYMBOLS.charAt((held >>> bits) & 31);
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + SYMBOLS.charAt((held << (5 - bits)) & 31) : text;
}

/**
 * The bytes of characters without separators; null when there are others among them. What is left
 * over of the last character says nothing.
 */
export function decodeCrockford(text: string): Uint8Array | null {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const sign of text) {
    const value = SYMBOLS.indexOf(sign);
    if (value < 0) return null;
    held = (held << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >>> bits) & 0xff);
    held &= (1 << bits) - 1;
  }
  return Uint8Array.from(bytes);
}

/** Characters in groups of four. */
export function inGroups(text: string): string {
  const groups: string[] = [];
  for (let at = 0; at < text.length; at += GROUP) groups.push(text.slice(at, at + GROUP));
  return groups.join('-');
}

/**
 * What was typed, as it was meant: without separators, in capitals, with digits for the letters that
 * look like them; null when it is not of this length.
 */
export function asMeant(typed: string, length: number): string | null {
  // eslint-disable-next-line no-control-regex -- whatever is no ASCII
  if (typed.length > MAX_TEXT || !/^[\x00-\x7f]*$/.test(typed)) return null;
  const text = typed
    .replaceAll(/[-\t\n\f\r ]/g, '')
    .toUpperCase()
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1');
  return text.length === length ? text : null;
}
