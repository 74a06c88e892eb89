import { devices, session } from './session';
import type { Actions } from './types';
import { files, spaces, uploads } from './web';

/** The app on the server that it was loaded from. */
export const server: Actions = { session, devices, spaces, files, uploads };
