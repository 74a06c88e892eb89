/** The secrets of an account, opened from its log by one of its devices. */

import { equal } from '../bytes';
import type { MemberWrap } from '../governance';
import type { AccountId, DeviceId, SpaceId } from '../ids';
import { UnwrapError, kemPublic, unwrap } from '../kem';
import type { AccountState } from './state';

/** The secret of every generation of an account's key. */
export class AccountKeys {
  readonly #account: AccountId;
  /** Seeds, the first generation's first, and the last of them. */
  readonly #seeds: readonly Uint8Array[];
  /** The seed of the current generation. */
  readonly current: Uint8Array;

  private constructor(account: AccountId, earlier: readonly Uint8Array[], current: Uint8Array) {
    this.#account = account;
    this.#seeds = [...earlier, current];
    this.current = current;
  }

  /** The keys of an account with only its first generation. */
  static first(account: AccountId, seed: Uint8Array): AccountKeys {
    return new AccountKeys(account, [], seed);
  }

  /** Opens the current secret with a device's key, and through it all earlier ones. */
  static async open(state: AccountState, device: DeviceId, seed: Uint8Array): Promise<AccountKeys> {
    const wrapped = state.keyring.devices.get(device)?.wrapped ?? null;
    if (wrapped === null) throw new UnwrapError('the log holds nothing for this device');
    return AccountKeys.openWrapped(state, device, seed, wrapped);
  }

  /** As `open`, from a wrap that is not in the device list: an offer's, or a keyholder's. */
  static async openWrapped(
    state: AccountState,
    device: DeviceId,
    seed: Uint8Array,
    wrapped: Uint8Array,
  ): Promise<AccountKeys> {
    const { id: account, generation } = state;
    const current = await unwrap(seed, { kind: 'account', account, generation, device }, wrapped);
    // Who wrapped it signed it; comparing with the public key shows a slip as well.
    if (state.kem === null || !equal(kemPublic(current), state.kem)) {
      throw new UnwrapError("the account's secret is another one");
    }
    return new AccountKeys(account, await openEarlier(state, current), current);
  }

  /** The number of the current generation. */
  get generation(): number {
    return this.#seeds.length;
  }

  /** Opens the secret of a space's key epoch from the account's member record. */
  async openEpoch(space: SpaceId, wrap: MemberWrap): Promise<Uint8Array> {
    const { epoch, generation, wrapped } = wrap;
    const seed = this.#seeds[generation - 1];
    if (seed === undefined) throw new UnwrapError('a generation that is not known');
    return unwrap(seed, { kind: 'epoch', space, epoch, account: this.#account, generation }, wrapped);
  }
}

/** The seeds of all generations before the current one. */
async function openEarlier(state: AccountState, current: Uint8Array): Promise<Uint8Array[]> {
  const seeds: Uint8Array[] = [];
  let seed = current;
  for (let generation = state.generation - 1; generation > 0; generation -= 1) {
    const wrapped = state.keyring.generations[generation]?.previous ?? null;
    // The fold takes no generation but the first without the one before.
    if (wrapped === null) throw new UnwrapError('no secret of the generation before');
    seed = await unwrap(seed, { kind: 'previous', account: state.id, generation }, wrapped);
    seeds.unshift(seed);
  }
  return seeds;
}
