/** Reads CBOR, and only in its one deterministic form (RFC 8949, 4.2.1). */

import { fromUtf8 } from '../bytes';
import { FormatError } from './error';
import { FALSE, MAJOR, NULL, TRUE } from './writer';

/** Takes one item of CBOR after the other. What it gives out are views of what it was given. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** The value of the head of an item of this major type. */
  head(major: number): number {
    const first = this.#byte();
    if (first >>> 5 !== major) throw new FormatError('an item of another type');
    return this.#argument(first & 0x1f);
  }

  integer(): number {
    const first = this.#byte();
    const major = first >>> 5;
    const value = this.#argument(first & 0x1f);
    if (major === MAJOR.uint) return value;
    if (major === MAJOR.negative && Number.isSafeInteger(-1 - value)) return -1 - value;
    throw new FormatError('no number');
  }

  bytes(): Uint8Array {
    return this.#take(this.head(MAJOR.bytes));
  }

  /** A text of at most so many bytes. */
  text(most: number): string {
    const length = this.head(MAJOR.text);
    if (length > most) throw new FormatError('a text that is too long');
    const bytes = this.#take(length);
    try {
      return fromUtf8(bytes);
    } catch (cause) {
      throw new FormatError('a text that is no UTF-8', { cause });
    }
  }

  /** The number of items of an array; no more than there are bytes for. */
  array(): number {
    const count = this.head(MAJOR.array);
    if (count > this.left) throw new FormatError('an array longer than what holds it');
    return count;
  }

  bool(): boolean {
    const value = this.#byte();
    if (value === TRUE) return true;
    if (value === FALSE) return false;
    throw new FormatError('neither true nor false');
  }

  /** Takes a null, if one is next. */
  skipNull(): boolean {
    if (this.#bytes[this.#at] !== NULL) return false;
    this.#at += 1;
    return true;
  }

  #byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new FormatError('cut off');
    this.#at += 1;
    return value;
  }

  #take(length: number): Uint8Array {
    if (length > this.left) throw new FormatError('cut off');
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  #argument(info: number): number {
    if (info < 24) return info;
    if (info > 27) throw new FormatError('an item of no definite length');
    let value = 0;
    for (const byte of this.#take(1 << (info - 24))) value = value * 0x100 + byte;
    const least = [24, 0x100, 0x1_0000, 0x1_0000_0000][info - 24] ?? 0;
    if (value < least) throw new FormatError('a number that is not written shortest');
    if (!Number.isSafeInteger(value)) throw new FormatError('a number that is too large');
    return value;
  }
}
