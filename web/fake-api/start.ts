import { Problem } from '$lib/actions/problem';
import type { Actions } from '$lib/actions/types';
import { makeFake, type Fake } from './index';
import { SAMPLE_NOW } from './samples';

declare global {
  interface Window {
    /** For whoever drives the page: what the pretended server is told. */
    fake: Fake & { Problem: typeof Problem };
  }
}

/** The pretended server of a page: `?enter` begins signed out. */
export function startFake(query: string): Actions {
  const fake = makeFake({ signedIn: !new URLSearchParams(query).has('enter'), now: () => SAMPLE_NOW });
  window.fake = Object.assign(fake, { Problem });
  return fake;
}
