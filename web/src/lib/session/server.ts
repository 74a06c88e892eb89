/** What a server tells of itself, and the logs that it shows. */

import { AccountRefusal } from '../format/account/refusal';
import { AccountState } from '../format/account/state';
import { FormatError } from '../format/cbor/error';
import { type ChangeSet, decodeChangeSet } from '../format/changeset';
import { ACCOUNT_ID, type AccountId, IDENTITY_KEY, type IdentityKey } from '../format/ids';
import { FrameDecoder } from '../format/wire/frame';
import { LOG_FRAME, MAX_LOG_FRAME_BYTES } from '../format/wire/log';
import { type Api, type Credential, malformed, needText } from './api';
import { SessionError } from './fault';

/** Who may create an account. */
export type RegistrationPolicy = 'open' | 'invite' | 'closed';

/** What a server tells of itself. Its identity is what the page's own connection vouches for. */
export interface ServerInfo {
  readonly version: string;
  readonly identity: IdentityKey;
  /** The server's own account, a member of open spaces. */
  readonly account: AccountId;
  readonly registration: RegistrationPolicy;
}

/** What server this is. */
export async function serverInfo(api: Api): Promise<ServerInfo> {
  const fields = await api.json('GET', '/server', null);
  const identity = IDENTITY_KEY.parse(needText(fields, 'identity'));
  const account = ACCOUNT_ID.parse(needText(fields, 'account'));
  if (identity === null || account === null) throw malformed();
  const policy = fields['registration'];
  const registration = policy === 'open' || policy === 'closed' ? policy : 'invite';
  return { version: needText(fields, 'version'), identity, account, registration };
}

/** Reads an account's whole log and verifies it. */
export async function readAccount(api: Api, account: AccountId, who: Credential): Promise<AccountState> {
  try {
    const state = AccountState.replay(await readLog(api, account, who));
    // The id is the hash of the genesis, so this names the very log that was asked for.
    if (state.id === account) return state;
  } catch (cause) {
    if (!(cause instanceof FormatError || cause instanceof AccountRefusal)) throw cause;
    throw new SessionError({ kind: 'unverified' }, { cause });
  }
  throw new SessionError({ kind: 'unverified' });
}

async function readLog(api: Api, account: AccountId, who: Credential): Promise<ChangeSet[]> {
  const log: ChangeSet[] = [];
  for (;;) {
    const before = log.length;
    const page = await api.bytes(`/accounts/${account}/log?from=${before}`, who);
    const end = readPage(page, log);
    if (end <= log.length) return log;
    // A page without progress would be asked for again for ever.
    if (log.length === before) throw new FormatError('a log that breaks off');
  }
}

/** Takes in one page; gives the position of the log's head. */
function readPage(page: Uint8Array, into: ChangeSet[]): number {
  const decoder = new FrameDecoder(LOG_FRAME, MAX_LOG_FRAME_BYTES);
  const frames = decoder.push(page);
  decoder.finish();
  const last = frames.pop();
  if (last?.kind !== 'end') throw new FormatError('a stream that was cut off');
  for (const frame of frames) {
    if (frame.kind !== 'entry') throw new FormatError('an end before the end');
    into.push(decodeChangeSet(frame.entry.changeSet));
  }
  return last.head.cursor;
}
