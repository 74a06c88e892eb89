/** AES-256-GCM by Web Crypto. */

const TAG_BITS = 128;

/** Ciphertext and tag. */
export async function aesSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plain: Uint8Array,
): Promise<Uint8Array> {
  const params = { name: 'AES-GCM', iv: own(nonce), additionalData: own(aad), tagLength: TAG_BITS };
  const sealed = await crypto.subtle.encrypt(params, await imported(key), own(plain));
  return new Uint8Array(sealed);
}

/** The plaintext of ciphertext and tag; null where the key does not fit or bytes were changed. */
export async function aesOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array | null> {
  const params = { name: 'AES-GCM', iv: own(nonce), additionalData: own(aad), tagLength: TAG_BITS };
  const imports = await imported(key);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(params, imports, own(sealed)));
  } catch {
    // Web Crypto says no more than that it does not open.
    return null;
  }
}

function imported(key: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', own(key), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** Bytes in memory of their own, as Web Crypto's types ask for. */
export function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
