/** Passkeys, as a browser makes and answers them (W3C Web Authentication): the second factor at a login. */

import { base64url } from '../format/bytes';
import type { Api, Fields } from './api';
import { malformed } from './api';
import type { PasskeyAnswer } from './login';
import { asObject } from './problem';

/** Whether this browser can make and answer passkeys. */
export function hasPasskeys(): boolean {
  return typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential;
}

/**
 * Has the browser answer what `secondFactorNeeded` or a challenge asks; null where the person gave up, or
 * has no such passkey here, which browsers do not tell apart.
 */
export async function answerPasskey(asked: object): Promise<PasskeyAnswer | null> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked as never);
  const credential = await orNothing(navigator.credentials.get({ publicKey }));
  if (!(credential instanceof PublicKeyCredential)) return null;
  const response = credential.response as AuthenticatorAssertionResponse;
  return {
    id: text(credential.rawId),
    clientData: text(response.clientDataJSON),
    authenticatorData: text(response.authenticatorData),
    signature: text(response.signature),
  };
}

/**
 * Makes a passkey for the account, with proof of a factor where there is one (`code`, `recovery` or
 * `passkey`, as `POST /account/passkeys` takes them). Whether it was made: the person may give up.
 */
export async function makePasskey(api: Api, name: string, proof: Fields): Promise<boolean> {
  const begun = await api.json('POST', '/account/passkeys', 'cookie', { proof });
  const options = asObject(begun['options']);
  if (options === null) throw malformed();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as never);
  const credential = await orNothing(navigator.credentials.create({ publicKey }));
  if (!(credential instanceof PublicKeyCredential)) return false;
  const response = credential.response as AuthenticatorAttestationResponse;
  await api.nothing('POST', '/account/passkeys/finish', 'cookie', {
    name,
    client_data: text(response.clientDataJSON),
    attestation: text(response.attestationObject),
    transports: response.getTransports(),
  });
  return true;
}

/** A passkey's answer as the server takes it. */
export function passkeyFields({ id, clientData, authenticatorData, signature }: PasskeyAnswer): Fields {
  return { id, client_data: clientData, authenticator_data: authenticatorData, signature };
}

/** What the browser gave; null where the person gave up. Other errors are the page's own. */
async function orNothing(work: Promise<Credential | null>): Promise<Credential | null> {
  try {
    return await work;
  } catch (error) {
    const gaveUp = error instanceof DOMException && ['NotAllowedError', 'AbortError'].includes(error.name);
    if (gaveUp) return null;
    throw error;
  }
}

function text(buffer: ArrayBuffer): string {
  return base64url(new Uint8Array(buffer));
}
