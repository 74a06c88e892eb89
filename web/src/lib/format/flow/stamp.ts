/** What the headers of change sets say besides their content. */

import type { AccountState } from '../account/state';
import type { Stamp } from '../changeset';
import type { Entropy } from '../entropy';
import { logOf } from '../header';
import {
  HEAD_START,
  type Head,
  type HeaderHash,
  NO_LOG,
  NO_PREVIOUS,
  OPERATION_ID,
  type OperationId,
} from '../ids';
import type { Signer } from '../sign';

/** A key that signs in an account's log, and where its own chain goes on. */
export interface Author {
  readonly signer: Signer;
  readonly counter: number;
  readonly previous: HeaderHash;
}

/** Draws the id of a request. */
export function drawOperation(entropy: Entropy): OperationId {
  return OPERATION_ID.of(entropy.bytes(16));
}

/** For the first change set of a new log. */
export function genesisStamp(operation: OperationId, accountSeen: Head, timeMs: number): Stamp {
  return {
    space: NO_LOG,
    counter: 1,
    previous: NO_PREVIOUS,
    operation,
    seen: { ...HEAD_START },
    accountSeen,
    keyEpoch: 0,
    timeMs,
    behalf: null,
  };
}

/** For the next change set that somebody signs in an account's log. */
export function accountStamp(
  account: AccountState,
  { counter, previous }: Author,
  timeMs: number,
  entropy: Entropy,
): Stamp {
  return {
    space: logOf(account.id),
    counter,
    previous,
    operation: drawOperation(entropy),
    seen: account.head,
    accountSeen: account.head,
    keyEpoch: 0,
    timeMs,
    behalf: null,
  };
}

/** A device of the account as author of its next change set. */
export function deviceAuthor(account: AccountState, signer: Signer): Author {
  const record = account.keyring.devices.get(signer.id);
  return {
    signer,
    counter: (record?.counter ?? 0) + 1,
    previous: record?.last ?? NO_PREVIOUS,
  };
}
