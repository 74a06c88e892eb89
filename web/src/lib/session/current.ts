/** Who is signed in. */

import { ACCOUNT_ID, type AccountId, DEVICE_ID, type DeviceId } from '../format/ids';
import { type Api, malformed, needText } from './api';
import { isFault } from './fault';

/** The account and device of a session. */
export interface CurrentSession {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly loginName: string;
  readonly displayName: string;
  readonly admin: boolean;
}

/** Who is signed in; null for nobody. */
export async function currentSession(api: Api): Promise<CurrentSession | null> {
  try {
    const fields = await api.json('GET', '/web/session', 'cookie');
    const account = ACCOUNT_ID.parse(needText(fields, 'account'));
    const device = DEVICE_ID.parse(needText(fields, 'device'));
    if (account === null || device === null) throw malformed();
    const loginName = needText(fields, 'loginName');
    const displayName = needText(fields, 'displayName');
    return { account, device, loginName, displayName, admin: fields['admin'] === true };
  } catch (error) {
    if (isFault(error, 'signedOut') || isFault(error, 'deviceRemoved')) return null;
    throw error;
  }
}
