/** The chain over a log: one hash that commits to everything up to a position. */

import { concat } from './bytes';
import { blake3 } from './hash';
import { CHAIN_HASH, type Head, type HeaderHash, idBytes } from './ids';

/** The head after one more change set. */
export function headNext(head: Head, header: HeaderHash): Head {
  const chain = blake3(concat(idBytes(head.chain), idBytes(header)));
  return { cursor: head.cursor + 1, chain: CHAIN_HASH.of(chain) };
}
