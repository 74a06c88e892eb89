/** Making a space. */

import type { AccountState } from '../account/state';
import { type ChangeSet, logOfChangeSet, signChangeSet } from '../changeset';
import { headNext } from '../chain';
import { FormatError } from '../cbor/error';
import type { Entropy } from '../entropy';
import type { EpochWrap } from '../governance';
import { type AccountId, HEAD_START, type SpaceId } from '../ids';
import { wrap } from '../kem';
import type { Operation } from '../operation';
import type { Signer } from '../sign';
import { drawOperation, genesisStamp } from './stamp';

/** The key epoch a space begins with. */
const FIRST_EPOCH = 1;

/** A member account to wrap a secret to: its current key. */
export interface Recipient {
  readonly account: AccountId;
  readonly generation: number;
  readonly kem: Uint8Array;
}

/** A new space. */
export interface NewSpace {
  readonly space: SpaceId;
  /** Its log so far: genesis, then members and the first key epoch. */
  readonly log: ChangeSet[];
  /** The secret of its first key epoch. */
  readonly secret: Uint8Array;
}

/** An account as its log shows it. */
export function recipientOf(account: AccountState): Recipient {
  const { id, generation, kem } = account;
  if (kem === null) throw new FormatError('an account without a key');
  return { account: id, generation, kem };
}

/**
 * Makes a space of `owner`: an open one with the server's account as an editor that holds the key, a
 * sealed one without.
 */
export async function createSpace(
  owner: AccountState,
  signer: Signer,
  server: Recipient | null,
  timeMs: number,
  entropy: Entropy,
): Promise<NewSpace> {
  const nonce = entropy.bytes(32);
  const begins: Operation = {
    kind: 'spaceGenesis',
    nonce,
    owner: owner.id,
    server: server?.account ?? null,
  };
  const stamp = genesisStamp(drawOperation(entropy), owner.head, timeMs);
  const genesis = await signChangeSet(stamp, [begins], signer);
  const space = logOfChangeSet(genesis);
  const secret = entropy.bytes(32);
  const members = server === null ? [recipientOf(owner)] : [recipientOf(owner), server];
  const wraps = await wrapEpoch(space, secret, members, entropy);
  const epoch: Operation = { kind: 'newEpoch', epoch: FIRST_EPOCH, wraps, previous: null };
  const next = {
    ...stamp,
    space,
    counter: 2,
    previous: genesis.hash,
    operation: drawOperation(entropy),
    seen: headNext({ ...HEAD_START }, genesis.hash),
  };
  const second = await signChangeSet(next, [...editor(server), epoch], signer);
  return { space, log: [genesis, second], secret };
}

function editor(server: Recipient | null): Operation[] {
  return server === null ? [] : [{ kind: 'member', account: server.account, role: 'editor', wrap: null }];
}

/** The first epoch's secret for every member, by ascending id. */
async function wrapEpoch(
  space: SpaceId,
  secret: Uint8Array,
  members: readonly Recipient[],
  entropy: Entropy,
): Promise<EpochWrap[]> {
  const wraps: EpochWrap[] = [];
  for (const { account, generation, kem } of members) {
    const purpose = { kind: 'epoch', space, epoch: FIRST_EPOCH, account, generation } as const;
    wraps.push({ account, generation, wrapped: await wrap(kem, purpose, secret, entropy) });
  }
  return wraps.sort((one, other) => (one.account < other.account ? -1 : 1));
}
