/** The keys of a device: made here, kept by whoever makes them. */

import type { DeviceCard } from './account/operation';
import type { Entropy } from './entropy';
import { kemPublic } from './kem';
import { type Signer, seedSigner } from './sign';

/** A device's keys, as long as a page needs them. */
export interface Device {
  readonly signer: Signer;
  /** The seed of the key that secrets are wrapped to for it. */
  readonly kemSeed: Uint8Array;
}

/** Makes a device's keys. A browser makes a signing key that no script can read. */
export type MakeDevice = (entropy: Entropy) => Promise<Device>;

/** Makes keys that follow from the stream alone: where no key can be kept apart, and in tests. */
export const deviceFromSeeds: MakeDevice = (entropy) => {
  const signer = seedSigner(entropy.bytes(32));
  return Promise.resolve({ signer, kemSeed: entropy.bytes(32) });
};

/** The public keys of a device. */
export function cardOf({ signer, kemSeed }: Device): DeviceCard {
  return { key: signer.key, kem: kemPublic(kemSeed) };
}
