/** Why a change set does not carry on an account's log. */
export type AccountFault =
  | 'badChain' // it belongs to another log, or breaks its author's chain
  | 'behind' // its author had not seen the newest position
  | 'author' // the author is no device of the account, or may not do this
  | 'signature' // the signature is not the author's, or the new device did not consent
  | 'expired' // the one-time key has expired, or would live too long
  | 'generation' // another key generation than the current one
  | 'device' // the device is there already, is not there, or is the author itself
  | 'wraps'; // the new key is not wrapped to exactly the devices and keyholders that remain

/** A change set does not carry on an account's log. */
export class AccountRefusal extends Error {
  override readonly name = 'AccountRefusal';
  readonly fault: AccountFault;

  constructor(fault: AccountFault) {
    super(`the account's log refuses: ${fault}`);
    this.fault = fault;
  }
}
