/** Forms of values in CBOR, put together from parts: what Rust derives from its types. */

import { equal } from '../bytes';
import { FormatError } from './error';
import { Reader } from './reader';
import { FALSE, MAJOR, NULL, TRUE, Writer } from './writer';

/** How values of a type are written and read. */
export interface Codec<T> {
  readonly write: (to: Writer, value: T) => void;
  readonly read: (from: Reader) => T;
  /** Whether null stands for an absent value, and is left off at the end of a structure. */
  readonly optional?: true;
}

/** Any codec: what a structure may have as a field. */
interface Part {
  readonly write: (to: Writer, value: never) => void;
  readonly read: (from: Reader) => unknown;
  readonly optional?: true;
}

/** The values of a codec. */
export type Value<C extends Part> = ReturnType<C['read']>;

/** The one encoding of a value. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array<ArrayBuffer> {
  const to = new Writer();
  codec.write(to, value);
  return to.finish();
}

/**
 * The value of exactly these bytes, no more than `limit` of them. What was read is written again and
 * compared: one value has one encoding.
 */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array, limit: number): T {
  if (bytes.length > limit) throw new FormatError(`longer than ${limit} bytes`);
  const value = codec.read(new Reader(bytes));
  // Bytes that follow are no part of the encoding either.
  if (!equal(encode(codec, value), bytes)) throw new FormatError('another spelling');
  return value;
}

/** A whole number from 0 to `most`. */
export function uint(most: number = Number.MAX_SAFE_INTEGER): Codec<number> {
  return {
    write: (to, value) => to.integer(value),
    read: (from) => {
      const value = from.head(MAJOR.uint);
      if (value > most) throw new FormatError('a number that is too large');
      return value;
    },
  };
}

/** A number of 32 bits. */
export const U32: Codec<number> = uint(0xffff_ffff);

/** A whole number of either sign. */
export const INTEGER: Codec<number> = {
  write: (to, value) => to.integer(value),
  read: (from) => from.integer(),
};

export const BOOL: Codec<boolean> = {
  write: (to, value) => to.simple(value ? TRUE : FALSE),
  read: (from) => from.bool(),
};

/** Bytes, any number of them up to `most`. */
export function octets(most: number = Number.MAX_SAFE_INTEGER, least = 0): Codec<Uint8Array> {
  return {
    write: (to, value) => to.bytes(value),
    read: (from) => {
      const bytes = from.bytes();
      if (bytes.length < least || bytes.length > most) throw new FormatError('bytes of a wrong length');
      return bytes.slice();
    },
  };
}

/** Exactly so many bytes. */
export function fixed(length: number): Codec<Uint8Array> {
  return octets(length, length);
}

/** A text of at most so many bytes. */
export function text(most: number): Codec<string> {
  return { write: (to, value) => to.text(value), read: (from) => from.text(most) };
}

/** A value or null, which is left off where only absent fields follow. */
export function optional<T>(codec: Codec<T>): Codec<T | null> {
  return {
    write: (to, value) => {
      if (value === null) to.simple(NULL);
      else codec.write(to, value);
    },
    read: (from) => (from.skipNull() ? null : codec.read(from)),
    optional: true,
  };
}

/** A list of at most so many values. */
export function list<T>(codec: Codec<T>, most: number = Number.MAX_SAFE_INTEGER): Codec<T[]> {
  return {
    write: (to, values) => {
      to.head(MAJOR.array, values.length);
      for (const value of values) codec.write(to, value);
    },
    read: (from) => {
      const count = from.array();
      if (count > most) throw new FormatError('a list over its limit');
      return Array.from({ length: count }, () => codec.read(from));
    },
  };
}

/** Words out of a few, each standing for its place. */
export function word<const W extends readonly string[]>(words: W): Codec<W[number]> {
  return {
    write: (to, value) => to.head(MAJOR.uint, words.indexOf(value)),
    read: (from) => {
      const value = words[from.head(MAJOR.uint)];
      if (value === undefined) throw new FormatError('an unknown word');
      return value;
    },
  };
}

/** A structure: the array of its fields, in the order in which they are given here. */
export function struct<F extends Readonly<Record<string, Part>>>(
  fields: F,
): Codec<{ -readonly [K in keyof F]: Value<F[K]> }> {
  type Whole = { -readonly [K in keyof F]: Value<F[K]> };
  const order = Object.entries(fields) as [keyof F & string, Codec<unknown>][];
  return {
    write: (to, value) => {
      let count = order.length;
      while (count > 0 && isAbsent(order[count - 1], value)) count -= 1;
      to.head(MAJOR.array, count);
      for (const [name, codec] of order.slice(0, count)) codec.write(to, value[name]);
    },
    read: (from) => {
      const count = from.array();
      if (count > order.length) throw new FormatError('unknown fields');
      const value: Partial<Record<string, unknown>> = {};
      for (const [index, [name, codec]] of order.entries()) {
        if (index < count) value[name] = codec.read(from);
        else if (codec.optional) value[name] = null;
        else throw new FormatError(`no field ${name}`);
      }
      return value as Whole;
    },
  };
}

function isAbsent<V>(field: [keyof V, Codec<unknown>] | undefined, value: V): boolean {
  return field?.[1].optional === true && value[field[0]] === null;
}

/** A value of one of the forms, each with its number. */
type Variant<F extends Readonly<Record<string, readonly [number, Part]>>> = {
  [K in keyof F & string]: { kind: K } & Value<F[K][1]>;
}[keyof F & string];

/** Several forms: `[number, fields]`. A value says in `kind` which it has. */
export function variants<F extends Readonly<Record<string, readonly [number, Part]>>>(
  forms: F,
): Codec<Variant<F>> {
  const all = Object.entries(forms) as [string, readonly [number, Codec<unknown>]][];
  return {
    write: (to, value) => {
      const [number, codec] = forms[value.kind] as unknown as readonly [number, Codec<unknown>];
      to.head(MAJOR.array, 2);
      to.head(MAJOR.uint, number);
      codec.write(to, value);
    },
    read: (from) => {
      if (from.array() !== 2) throw new FormatError('no variant');
      const number = from.head(MAJOR.uint);
      const form = all.find(([, [candidate]]) => candidate === number);
      if (form === undefined) throw new FormatError('an unknown variant');
      const [kind, [, codec]] = form;
      return { kind, ...(codec.read(from) as object) } as Variant<F>;
    },
  };
}
