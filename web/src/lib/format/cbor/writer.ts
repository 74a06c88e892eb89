/** Writes CBOR in its one deterministic form (RFC 8949, 4.2.1). */

import { utf8 } from '../bytes';

/** The major types of CBOR that Hythe uses. */
export const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;

export const FALSE = 0xf4;
export const TRUE = 0xf5;
export const NULL = 0xf6;

const FIRST_ROOM = 256;

/** Collects one item of CBOR after the other. */
export class Writer {
  #room = new Uint8Array(FIRST_ROOM);
  #length = 0;

  /** What was written, in memory of its own. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#room.slice(0, this.#length);
  }

  /** The shortest head of an item. */
  head(major: number, value: number): void {
    const first = major << 5;
    if (value < 24) this.#put([first | value]);
    else if (value < 0x100) this.#put([first | 24, value]);
    else if (value < 0x1_0000) this.#put([first | 25, value >>> 8, value & 0xff]);
    else if (value < 0x1_0000_0000) this.#put([first | 26, ...four(value)]);
    else this.#put([first | 27, ...four(Math.floor(value / 0x1_0000_0000)), ...four(value)]);
  }

  /** A whole number that a `number` holds exactly. */
  integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no number of this format`);
    if (value < 0) this.head(MAJOR.negative, -1 - value);
    else this.head(MAJOR.uint, value);
  }

  bytes(value: Uint8Array): void {
    this.head(MAJOR.bytes, value.length);
    this.#put(value);
  }

  text(value: string): void {
    const bytes = utf8(value);
    this.head(MAJOR.text, bytes.length);
    this.#put(bytes);
  }

  /** One of the simple values. */
  simple(value: typeof FALSE | typeof TRUE | typeof NULL): void {
    this.#put([value]);
  }

  #put(bytes: ArrayLike<number>): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#room.length) {
      const room = new Uint8Array(Math.max(needed, 2 * this.#room.length));
      room.set(this.#room.subarray(0, this.#length));
      this.#room = room;
    }
    this.#room.set(bytes, this.#length);
    this.#length = needed;
  }
}

/** The low 32 bits, high byte first. */
function four(value: number): [number, number, number, number] {
  const low = value % 0x1_0000_0000;
  return [(low >>> 24) & 0xff, (low >>> 16) & 0xff, (low >>> 8) & 0xff, low & 0xff];
}
