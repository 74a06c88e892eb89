import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Api } from './api';
import { answerPasskey, hasPasskeys, makePasskey } from './passkey';

const buffer = (...bytes: number[]): ArrayBuffer => Uint8Array.from(bytes).buffer;

/** As much of a browser's credential as the page looks at. */
class FakeCredential {
  static parseRequestOptionsFromJSON = (options: object) => ({ parsed: options });
  static parseCreationOptionsFromJSON = (options: object) => ({ parsed: options });
  readonly rawId = buffer(1);
  readonly response = {
    clientDataJSON: buffer(2),
    authenticatorData: buffer(3),
    signature: buffer(4),
    attestationObject: buffer(5),
    getTransports: () => ['internal'],
  };
}

const credentials = { get: vi.fn(), create: vi.fn() };

beforeEach(() => {
  vi.stubGlobal('PublicKeyCredential', FakeCredential);
  vi.stubGlobal('navigator', { credentials });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetAllMocks();
});

describe('a passkey', () => {
  test('answers what the server asks, in parts that the server takes', async () => {
    credentials.get.mockResolvedValue(new FakeCredential());
    const answer = await answerPasskey({ challenge: 'abc' });
    expect(credentials.get).toHaveBeenCalledWith({ publicKey: { parsed: { challenge: 'abc' } } });
    expect(answer).toEqual({ id: 'AQ', clientData: 'Ag', authenticatorData: 'Aw', signature: 'BA' });
  });

  test('is made as the server asks', async () => {
    credentials.create.mockResolvedValue(new FakeCredential());
    const sent: [string, unknown][] = [];
    const api = new Api('', (input, init) => {
      sent.push([String(input), JSON.parse(String(init?.body))]);
      const begins = String(input).endsWith('/passkeys');
      return Promise.resolve(begins ? Response.json({ options: { challenge: 'abc' } }) : new Response(null));
    });
    expect(await makePasskey(api, 'a key', { code: '123456' })).toBe(true);
    expect(sent).toEqual([
      ['/api/v1/account/passkeys', { proof: { code: '123456' } }],
      [
        '/api/v1/account/passkeys/finish',
        { name: 'a key', client_data: 'Ag', attestation: 'BQ', transports: ['internal'] },
      ],
    ]);
  });

  test('that nobody touched is no error, and what the page did wrong is one', async () => {
    credentials.get.mockRejectedValue(new DOMException('not now', 'NotAllowedError'));
    expect(await answerPasskey({})).toBeNull();
    credentials.get.mockRejectedValue(new DOMException('another host', 'SecurityError'));
    await expect(answerPasskey({})).rejects.toThrow('another host');
  });

  test('is not offered where the browser has none', () => {
    expect(hasPasskeys()).toBe(true);
    vi.stubGlobal('PublicKeyCredential', undefined);
    expect(hasPasskeys()).toBe(false);
  });
});
