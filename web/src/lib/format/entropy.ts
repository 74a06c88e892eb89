/** Randomness as an input, so that what makes keys can be tested byte for byte. */

import { blake3 } from '@noble/hashes/blake3.js';

import { utf8 } from './bytes';

/** A stream of random bytes, expanded with BLAKE3 from 32 bytes. Use one per flow. */
export class Entropy {
  readonly #stream: ReturnType<typeof blake3.create>;

  private constructor(seed: Uint8Array) {
    this.#stream = blake3.create({ context: utf8('hythe 1 entropy') }).update(seed);
  }

  /** A stream with a fresh seed from the browser. */
  static system(): Entropy {
    return new Entropy(crypto.getRandomValues(new Uint8Array(32)));
  }

  /** The same stream for the same seed: for tests. */
  static fromSeed(seed: Uint8Array): Entropy {
    return new Entropy(seed);
  }

  /** The next bytes. */
  bytes(length: number): Uint8Array {
    return this.#stream.xof(length);
  }
}
