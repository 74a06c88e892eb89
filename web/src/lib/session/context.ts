/** What the steps of a session work with. */

import type { MakeDevice } from '../format/device';
import type { Api } from './api';
import { describeBrowser } from './browser';
import { makeBrowserDevice } from './device';
import type { KeyStore } from './keystore';
import type { Opaque } from './opaque';

export interface Context {
  readonly api: Api;
  readonly store: KeyStore;
  readonly opaque: Opaque;
  /** What the browser says of itself. */
  readonly userAgent: string;
  /** How this browser makes its keys. */
  readonly make: MakeDevice;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
}

/** A context of this very browser. */
export function browserContext(api: Api, store: KeyStore, opaque: Opaque): Context {
  return {
    api,
    store,
    opaque,
    userAgent: navigator.userAgent,
    make: makeBrowserDevice,
    now: () => Date.now(),
  };
}

/** What this browser tells of itself, with a name of its owner's choice where there is one. */
export function deviceInfo(
  context: Context,
  version: string,
  name: string | null,
): ReturnType<typeof describeBrowser> {
  const info = describeBrowser(context.userAgent, version);
  return name === null ? info : { ...info, name };
}
