/**
 * Frames: how messages follow each other in a stream (RFC 8742). Each is tag 24 around a byte string
 * that holds one message, so that a reader knows its length before it holds it.
 */

import { concat } from '../bytes';
import { type Codec, decode, encode } from '../cbor/codec';
import { FormatError } from '../cbor/error';
import { MAJOR, Writer } from '../cbor/writer';

const TAG_FIRST = 0xd8;
const TAG_SECOND = 24;
const TAG_BYTES = 2;
/** The longest head: the tag and the head of a byte string below 4 GiB. */
const MAX_HEAD_BYTES = TAG_BYTES + 5;

/** One message as a frame. */
export function frame<T>(codec: Codec<T>, message: T): Uint8Array<ArrayBuffer> {
  const to = new Writer();
  to.head(MAJOR.tag, TAG_SECOND);
  to.bytes(encode(codec, message));
  return to.finish();
}

/** Cuts a stream into the messages of its frames, whatever pieces it arrives in. */
export class FrameDecoder<T> {
  readonly #codec: Codec<T>;
  readonly #limit: number;
  #held: Uint8Array = new Uint8Array();

  constructor(codec: Codec<T>, limit: number) {
    this.#codec = codec;
    this.#limit = limit;
  }

  /** Takes what arrived; gives the messages that are whole now. */
  push(piece: Uint8Array): T[] {
    this.#held = this.#held.length === 0 ? piece : concat(this.#held, piece);
    const messages: T[] = [];
    for (let next = this.#next(); next !== null; next = this.#next()) messages.push(next);
    return messages;
  }

  /** Checks that the stream ended where a frame did. */
  finish(): void {
    if (this.#held.length > 0) throw new FormatError('a stream that was cut off');
  }

  #next(): T | null {
    const head = readHead(this.#held);
    if (head === null) return null;
    const [start, length] = head;
    if (length > this.#limit) throw new FormatError(`a frame over ${this.#limit} bytes`);
    if (this.#held.length < start + length) return null;
    const message = decode(this.#codec, this.#held.subarray(start, start + length), this.#limit);
    this.#held = this.#held.subarray(start + length);
    return message;
  }
}

/** Where the message of a frame starts and how long it is; null where the head is not all there. */
function readHead(bytes: Uint8Array): [number, number] | null {
  const [tag, number, first] = bytes;
  if (tag === undefined) return null;
  if (tag !== TAG_FIRST || (number !== undefined && number !== TAG_SECOND)) throw noFrame();
  if (first === undefined) return null;
  const info = first & 0x1f;
  if (first >>> 5 !== MAJOR.bytes || info > 26) throw noFrame();
  const extra = info < 24 ? 0 : 1 << (info - 24);
  const start = TAG_BYTES + 1 + extra;
  if (bytes.length < start) return null;
  let length = extra === 0 ? info : 0;
  for (const byte of bytes.subarray(TAG_BYTES + 1, start)) length = length * 0x100 + byte;
  const shortest = new Writer();
  shortest.head(MAJOR.bytes, length);
  if (start > MAX_HEAD_BYTES || shortest.finish().length !== 1 + extra) throw noFrame();
  return [start, length];
}

function noFrame(): FormatError {
  return new FormatError('no frame');
}
