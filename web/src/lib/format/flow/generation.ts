/** Generations of an account's key. */

import { type DeviceCard, type DeviceWrap, cardId } from '../account/operation';
import type { AccountState } from '../account/state';
import type { Entropy } from '../entropy';
import type { AccountId, DeviceId } from '../ids';
import { kemPublic, wrap } from '../kem';
import type { OperationOf } from '../operation';

/** The secret of a generation of an account's key, wrapped for a device or keyholder. */
export function wrappedFor(
  account: AccountId,
  generation: number,
  card: DeviceCard,
  seed: Uint8Array,
  entropy: Entropy,
): Promise<Uint8Array> {
  const purpose = { kind: 'account', account, generation, device: cardId(card) } as const;
  return wrap(card.kem, purpose, seed, entropy);
}

/** The next generation of an account's key, wrapped for these devices and keyholders by ascending id. */
export async function keyGeneration(
  account: AccountState,
  recipients: ReadonlyMap<DeviceId, DeviceCard>,
  seed: Uint8Array,
  before: Uint8Array | null,
  entropy: Entropy,
): Promise<OperationOf<'kemGeneration'>> {
  const generation = account.generation + 1;
  const wraps: DeviceWrap[] = [];
  for (const [device, card] of recipients) {
    wraps.push({ device, wrapped: await wrappedFor(account.id, generation, card, seed, entropy) });
  }
  const own = kemPublic(seed);
  const purpose = { kind: 'previous', account: account.id, generation: generation - 1 } as const;
  const previous = before === null ? null : await wrap(own, purpose, before, entropy);
  return { kind: 'kemGeneration', generation, public: own, wraps, previous };
}
