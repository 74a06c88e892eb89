/**
 * A browser as a device of an account: making an account, getting into one, and what a device does for
 * its account. Loaded on demand: with its cryptography it weighs more than the rest of the page.
 */

export { Api, ApiError } from './api';
export { type Asking, askApproval, enterWithUrl } from './approval';
export { describeBrowser, isBrowser } from './browser';
export { type Context, browserContext } from './context';
export { type CurrentSession, currentSession } from './current';
export {
  type Asker,
  type DeviceView,
  type WayIn,
  approveDevice,
  cutOff,
  listDevices,
  lookAtDevice,
  offerDevice,
  signOut,
  signOutElsewhere,
  signOutEverywhere,
} from './devices';
export { type Fault, type SecondFactors, SessionError, isFault } from './fault';
export { openKeyStore } from './indexeddb';
export { type Proof, renewRecovery, setPassword } from './keyholders';
export { type KeptDevice, type KeyStore, MemoryKeyStore } from './keystore';
export { type Credentials, type Factor, LoginAttempt, type PasskeyAnswer } from './login';
export { type Opaque, opaqueHere } from './opaque';
export { opaqueInWorker } from './opaque-thread';
export { answerPasskey, hasPasskeys, makePasskey } from './passkey';
export { confirmRecovery, recover, unconfirmedRecovery } from './recovery';
export { type Founder, PASSWORD_CHARACTERS, register } from './register';
export { type RegistrationPolicy, type ServerInfo, serverInfo } from './server';
