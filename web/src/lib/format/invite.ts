/** URLs that let somebody in. What is secret stands in the fragment, which nobody ever sends. */

import { base64url, concat, fromBase64url } from './bytes';
import { ACCOUNT_ID, type AccountId, IDENTITY_KEY, type IdentityKey, idBytes } from './ids';

const VERSION = 1;
const FIELD_BYTES = 32;
const MAX_PACKED = 512;

/** An invite: whoever holds it may create one account. */
export interface Invite {
  readonly kind: 'invite';
  readonly identity: IdentityKey;
  readonly token: Uint8Array;
}

/** A way in for one more device of an account. */
export interface DeviceOffer {
  readonly kind: 'device';
  readonly identity: IdentityKey;
  readonly account: AccountId;
  readonly secret: Uint8Array;
}

/** Why a text is not such a URL: it was cut off or is another one, or a newer version made it. */
export type UrlFault = 'fragment' | 'version';

/** Reads the fragment of a URL (with or without `#`), or a whole URL with one. */
export function parseConnectUrl(text: string): Invite | DeviceOffer | UrlFault {
  const fragment = text.trim().split('#').at(-1) ?? '';
  const [kind, packed] = [fragment.slice(0, 2), fragment.slice(2)];
  if (kind !== 'i=' && kind !== 'd=') return 'fragment';
  const fields = unpack(packed);
  if (typeof fields === 'string') return fields;
  const [identity, second, third] = fields;
  if (identity === undefined || second === undefined) return 'fragment';
  if (kind === 'i=') {
    if (third !== undefined) return 'fragment';
    return { kind: 'invite', identity: IDENTITY_KEY.of(identity), token: second };
  }
  if (third === undefined || fields.length > 3) return 'fragment';
  return {
    kind: 'device',
    identity: IDENTITY_KEY.of(identity),
    account: ACCOUNT_ID.of(second),
    secret: third,
  };
}

/** The URL that lets a device in at a server's address, `https://host:port/`. */
export function deviceUrl(server: string, offer: DeviceOffer): string {
  const fields = [idBytes(offer.identity), idBytes(offer.account), offer.secret];
  return `${server}#d=${base64url(concat(Uint8Array.of(VERSION), ...fields))}`;
}

function unpack(packed: string): Uint8Array[] | UrlFault {
  const bytes = packed.length > MAX_PACKED ? null : fromBase64url(packed);
  if (bytes === null || bytes.length === 0) return 'fragment';
  if (bytes[0] !== VERSION) return 'version';
  if ((bytes.length - 1) % FIELD_BYTES !== 0) return 'fragment';
  return Array.from({ length: (bytes.length - 1) / FIELD_BYTES }, (_, index) =>
    bytes.slice(1 + FIELD_BYTES * index, 1 + FIELD_BYTES * (index + 1)),
  );
}
